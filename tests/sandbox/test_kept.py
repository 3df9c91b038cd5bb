"""All of a long output is in a file, up to a bound; what is in memory stays small."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assent_sandbox.policy import Command, Ended, Limits, Output, Policy, Tier
from assent_sandbox.running.kept import Kept, Whole
from assent_sandbox.stage import Stage
from assent_sandbox.tiers import open_stage


def fed(path: Path, pieces: list[bytes], limit: int = 10, room: int = 1 << 20) -> tuple[Kept, str]:
    kept = Kept(limit, Whole(str(path), room))
    for piece in pieces:
        kept.add(piece)
    return kept, kept.whole()


def test_what_fits_into_memory_makes_no_file(tmp_path: Path) -> None:
    for size in range(11):
        assert fed(tmp_path / "whole", [b"x"] * size)[1] == ""
        assert not (tmp_path / "whole").exists()


def test_the_file_is_exact_however_the_pieces_come(tmp_path: Path) -> None:
    data = bytes(range(256)) * 2
    for step in (1, 3, 7, 100, 512):
        kept, path = fed(tmp_path / "whole", [data[at : at + step] for at in range(0, len(data), step)])
        assert Path(path).read_bytes() == data
        assert kept.parts() == (data[:5], data[-5:], len(data) - 10)


def test_beyond_its_bound_the_file_ends_with_the_tail_and_says_what_is_missing(tmp_path: Path) -> None:
    data = bytes(letter for letter in range(65, 91) for _ in range(10))
    for room in range(20, len(data) + 3):
        _, path = fed(tmp_path / "whole", [data[at : at + 9] for at in range(0, len(data), 9)], room=room)
        missing = len(data) - room - 5
        note = b"\n[... %d bytes left out here ...]\n" % missing if missing > 0 else b""
        expected = data[:room] + note + data[-5:] if note else data
        assert Path(path).read_bytes() == expected


def test_only_its_owner_can_read_the_file_and_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("kept")
    (tmp_path / "whole").symlink_to(tmp_path / "victim")
    _, path = fed(tmp_path / "whole", [b"x" * 100])
    assert stat.S_IMODE(os.lstat(path).st_mode) == 0o600
    assert (tmp_path / "victim").read_text() == "kept"


def test_where_no_file_can_be_made_head_and_tail_are_left(tmp_path: Path) -> None:
    kept, path = fed(tmp_path / "missing" / "whole", [b"x" * 100])
    assert (path, kept.parts()) == ("", (b"xxxxx", b"xxxxx", 90))


@pytest.fixture(params=["overlay", "copy"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    tier: Tier = request.param
    (tmp_path / "root").mkdir()
    stage = await open_stage(tmp_path / "root", tmp_path / "stage", tier)
    yield stage
    await stage.discard()


async def told(stage: Stage, script: str, limits: Limits) -> tuple[bytes, Ended]:
    shown = b""
    async for piece in stage.run(Command(argv=("sh", "-c", script)), Policy(limits=limits)):
        if isinstance(piece, Output):
            shown += piece.data
        else:
            return shown, piece
    raise AssertionError


async def test_a_long_output_is_whole_until_the_next_command_begins(stage: Stage) -> None:
    shown, ended = await told(stage, "seq 100000", Limits(output=1000))
    expected = "".join(f"{number}\n" for number in range(1, 100_001)).encode()
    assert shown == expected
    assert Path(ended.whole).read_bytes() == expected
    assert Path(ended.whole).is_relative_to(stage.view.home)
    assert len(ended.output) < 1100
    _, again = await told(stage, f"cat {ended.whole}; echo short", Limits(output=1000))
    assert again.whole == "" and not Path(ended.whole).exists()
    assert b"99999" not in again.output


async def test_a_command_that_is_broken_off_leaves_no_file(stage: Stage) -> None:
    pieces = stage.run(Command(argv=("sh", "-c", "seq 100000; sleep 60")), Policy(limits=Limits(output=1000)))
    seen = 0
    async for piece in pieces:
        assert isinstance(piece, Output)
        if (seen := seen + len(piece.data)) > 100_000:
            break
    await pieces.aclose()
    assert list(Path(stage.view.home).glob("whole")) == []
