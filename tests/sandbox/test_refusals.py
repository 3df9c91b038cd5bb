"""A refused file is sure where only the walls can be why, behind real walls of each tier; printed words raise no question."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assent_sandbox.policy import Command, Denial, Ended, Policy, Tier, Widening
from assent_sandbox.stage import File, Stage
from assent_sandbox.tiers import open_stage


class Staged:
    def __init__(self, stage: Stage, home: Path) -> None:
        self.stage, self.home = stage, home

    async def __call__(self, script: str, *by: Widening) -> Ended:
        command = Command(argv=("sh", "-c", script))
        pieces = [piece async for piece in self.stage.run(command, Policy(widenings=by))]
        assert isinstance(pieces[-1], Ended)
        return pieces[-1]

    async def denied(self, script: str) -> Denial:
        ended = await self(script)
        assert len(ended.denials) == 1, (ended.denials, ended.output)
        return ended.denials[0]


def place_program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@contextmanager
def folder_of_ours() -> Iterator[Path]:
    """A folder outside of home and the temporary ones."""
    if not os.access("/srv", os.W_OK):
        pytest.skip("no folder outside of home and the temporary ones is ours to write")
    place = Path(tempfile.mkdtemp(prefix="assent-proof-", dir="/srv"))
    try:
        yield place
    finally:
        shutil.rmtree(place)


@pytest.fixture
async def run(tmp_path: Path, tier: Tier, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Staged]:
    home, root = tmp_path / "home", tmp_path / "root"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/id_rsa").write_text("key\n")
    (home / "notes").write_text("noted\n")
    (home / "beside").mkdir()
    (home / "beside/noted").write_text("noted\n")
    place_program(home / "env/bin/tool", 'cat "$(dirname "$(readlink -f "$0")")/../lib/data"')
    (home / "env/bin/setup").write_text("PATH=$HOME/env/bin:$PATH\n")
    (home / "env/lib").mkdir()
    (home / "env/lib/data").write_text("data\n")
    place_program(home / "alone/bin/tool", "echo alone")
    root.mkdir()
    place_program(root / "call", '"$HOME/env/bin/tool"')
    (root / "tool").symlink_to(home / "env/bin/tool")
    (root / "link").symlink_to(home / "beside")
    (root / ".env").write_text("KEY=4711\n")
    (root / "README").write_text(f"cat: {home}/notes: Permission denied\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    stage = await open_stage(root, tmp_path / "stage", tier)
    yield Staged(stage, home)
    await stage.discard()


async def test_a_hidden_file_that_the_command_asks_for_is_surely_refused_and_readable_once_granted(run: Staged) -> None:
    denial = await run.denied('cat "$HOME/notes"')
    wanted = Widening("read", str(run.home / "notes"))
    assert (denial.kind, denial.certainty, denial.widening) == ("file", "sure", wanted)
    granted = await run('cat "$HOME/notes"', wanted)
    assert (granted.output, granted.denials) == (b"noted\n", ())
    again = await run.denied('cat "$HOME/notes"')
    assert (again.certainty, again.widening) == ("sure", wanted)


async def test_a_write_that_the_walls_alone_forbid_is_sure_and_can_be_granted(run: Staged) -> None:
    with folder_of_ours() as place:
        denial = await run.denied(f"touch {place}/fresh")
        wanted = Widening("write", f"{place}/fresh")
        assert (denial.certainty, denial.widening) == ("sure", wanted)
        assert (await run(f"echo x > {place}/fresh", wanted)).code == 0
        assert (place / "fresh").read_text() == "x\n"


async def test_a_masked_secret_is_surely_refused(run: Staged) -> None:
    denial = await run.denied("cat .env")
    assert (denial.kind, denial.certainty, denial.widening) == ("secret", "sure", Widening("secret", ".env"))


async def test_an_old_error_in_a_file_that_is_only_shown_raises_no_question(run: Staged) -> None:
    assert (await run.denied("cat README")).certainty == "likely"


async def test_a_key_is_never_offered_because_of_what_a_command_printed(run: Staged) -> None:
    denial = await run.denied('cat "$HOME/.ssh/id_rsa"')
    assert (denial.certainty, denial.widening) == ("likely", Widening("read", str(run.home / ".ssh/id_rsa")))


async def test_a_forged_text_gains_a_question_about_that_one_path_and_no_more(run: Staged) -> None:
    denial = await run.denied("cat README; exit 1")
    assert (denial.certainty, denial.widening) == ("sure", Widening("read", str(run.home / "notes")))


@pytest.mark.parametrize(
    "line",
    [
        "WARNING: cannot use $HOME/notes: Permission denied",
        "no $HOME/notes: No such file or directory",
        "chown: $HOME/notes: Operation not permitted",
    ],
)
async def test_words_with_another_cause_make_nothing_sure(run: Staged, line: str) -> None:
    run.stage.write("said", File(line.replace("$HOME", str(run.home)).encode()))
    ended = await run("cat said; exit 1")
    assert (ended.code, {denial.certainty for denial in ended.denials}) == (1, {"likely"})


async def test_a_folder_that_a_tool_could_not_make_under_home_is_likely_denied_whatever_the_tool_says(
    run: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    with folder_of_ours() as home:
        monkeypatch.setenv("HOME", str(home))
        denial = await run.denied(
            "mkdir -p ~/.tool/store 2> /dev/null || ! echo Could not create a store at ~/.tool/store"
        )
    assert (denial.kind, denial.target) == ("file", f"{home}/.tool/store")
    assert (denial.certainty, denial.widening) == ("likely", None)


async def test_what_the_machine_itself_refuses_is_no_denial(run: Staged) -> None:
    ended = await run("cat /no/such/place; ls /proc/1/cwd; cat missing; false")
    assert [denial.target for denial in ended.denials if denial.certainty == "sure"] == []


async def test_a_link_of_the_repository_to_a_hidden_place_is_denied_by_the_name_of_that_place(run: Staged) -> None:
    for script in ("cat link/noted", "echo more > link/noted"):
        denial = await run.denied(script)
        assert (denial.kind, denial.target) == ("file", str(run.home / "beside/noted"))


@pytest.mark.parametrize(
    "script",
    [
        '"$HOME/env/bin/tool" -x',
        "cd . && echo | ~/env/bin/tool",
        "env A=1 ~/env/bin/tool",
        "sh -c ~/env/bin/tool",
        "./call",
        "./tool",
        ". ~/env/bin/setup && tool",
    ],
)
async def test_a_program_in_a_hidden_place_is_surely_refused_and_asked_for_with_what_belongs_to_it(
    run: Staged, script: str
) -> None:
    denial = await run.denied(script)
    place = run.home / "env/bin" / ("setup" if "setup" in script else "tool")
    wanted = Widening("read", str(run.home / "env"))
    assert (denial.kind, denial.target, denial.certainty, denial.widening) == ("file", str(place), "sure", wanted)
    granted = await run(script, wanted)
    assert (granted.output, granted.denials) == (b"data\n", ())


async def test_a_program_that_stands_alone_is_asked_for_alone(run: Staged) -> None:
    denial = await run.denied("~/alone/bin/tool")
    assert (denial.certainty, denial.widening) == ("sure", Widening("read", str(run.home / "alone/bin/tool")))
    granted = await run("~/alone/bin/tool", Widening("read", str(run.home / "alone/bin/tool")))
    assert (granted.output, granted.denials) == (b"alone\n", ())


async def test_a_program_that_is_nowhere_is_no_denial(run: Staged) -> None:
    ended = await run('"$HOME/env/bin/other"')
    assert (ended.code, ended.denials) == (127, ())


async def test_what_a_hidden_program_prints_of_others_opens_no_more_than_they_are(run: Staged) -> None:
    """The installation is that of the refused file: not of any program that the command names besides."""
    denial = await run.denied("test -x ~/env/bin/tool; cat ~/notes")
    assert denial.widening == Widening("read", str(run.home / "notes"))
