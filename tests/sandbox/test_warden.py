"""The warden starts bare, answers only its starter, and says why it cannot stand."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from assent_sandbox.policy import Command, Ended, Policy, View
from assent_sandbox.running.run import Walls
from patient import PATIENCE, until
from staged import children

ROOM = str(Path(__file__).parents[2] / "sandbox")
START = "import sys; sys.path.insert(0, {!r}); from assent_sandbox.cell import warden; warden.main({}, 'copy', {})"


def _started(starter: int) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    code = START.format(ROOM, theirs.fileno(), starter)
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", code], pass_fds=[theirs.fileno()])
    theirs.close()
    ours.settimeout(PATIENCE)
    return ours, process


def test_it_is_ready_and_ends_when_its_socket_closes() -> None:
    door, process = _started(os.getpid())
    assert door.recv(100) == b"ready"
    door.close()
    assert process.wait(PATIENCE) == 0


def test_it_ends_at_once_if_its_starter_is_gone_already() -> None:
    door, process = _started(1)
    with door:
        assert door.recv(100) == b""
    assert process.wait(PATIENCE) == 0


def test_it_needs_nothing_but_the_standard_library() -> None:
    script = (
        f"import sys; sys.path.insert(0, {ROOM!r}); from assent_sandbox.cell import warden; "
        "slow = 'msgspec typing asyncio subprocess logging signal enum re json'.split(); "
        "print([name for name in slow if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.fixture
def view(tmp_path: Path) -> View:
    for name in ("root", "state/upper", "state/work"):
        (tmp_path / name).mkdir(parents=True)
    state = tmp_path / "state"
    return View(
        tier="overlay", root=str(tmp_path / "root"), home=str(state), upper=f"{state}/upper", work=f"{state}/work"
    )


async def test_walls_that_are_given_up_while_they_come_up_leave_no_warden(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = asyncio.Event()

    async def hear(_: Walls) -> bytes:
        waiting.set()
        return await asyncio.Future()

    monkeypatch.setattr(Walls, "_hear", hear)
    rising = asyncio.create_task(Walls.raise_around(view))
    await waiting.wait()
    rising.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rising
    assert _wardens() == []


async def test_a_hundred_commands_leave_no_descriptor_behind(view: View) -> None:
    walls = await Walls.raise_around(view)
    try:
        counts: list[tuple[int, int]] = []
        for number in range(101):
            last = [piece async for piece in walls.run(Command(argv=("true",)), Policy())][-1]
            assert isinstance(last, Ended)
            if number in {1, 100}:
                (warden,) = _wardens()
                await _rests(warden)
                counts.append((_size("/proc/self/fd"), _size(f"/proc/{warden}/fd") if os.geteuid() == 0 else 0))
        assert all(after <= before for before, after in zip(*counts, strict=True))
    finally:
        await walls.close()
    assert _wardens() == []


async def _rests(warden: int) -> None:
    """Wait until one keeper stands ready with its leader, and the one before is gone."""
    await until(lambda: [bool(children(keeper)) for keeper in children(warden)] == [True])


def _size(folder: str) -> int:
    return len(list(Path(folder).iterdir()))


def _wardens() -> list[int]:
    return [child for child in children(os.getpid()) if b"warden" in Path(f"/proc/{child}/cmdline").read_bytes()]


async def test_a_stage_that_cannot_be_mounted_is_told_and_nothing_runs(tmp_path: Path) -> None:
    from assent_sandbox.stage import WallsError

    (tmp_path / "root").mkdir()
    view = View(
        tier="overlay",
        root=str(tmp_path / "root"),
        home=str(tmp_path),
        upper=f"{tmp_path}/none",
        work=f"{tmp_path}/none",
    )
    walls = await Walls.raise_around(view)
    try:
        with pytest.raises(WallsError, match=r"not run: .*No such file"):
            [piece async for piece in walls.run(Command(argv=("true",)), Policy())]
    finally:
        await walls.close()
