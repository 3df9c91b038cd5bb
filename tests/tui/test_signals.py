"""The screen ended from outside: the real files as they were, no process left."""

import os
import signal
from pathlib import Path

import pytest

from patient import at_last
from rehearsed import CALC, FIX, committed, tree


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    (root / "calc.py").write_text(CALC)
    return committed(root)


def alive(mark: str) -> list[int]:
    """Processes whose environment or command line names a place."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if mark.encode() in text:
                found.append(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_the_screen_in_the_middle_of_a_command_and_touches_nothing(
    installed_terminal, rehearse, repository, place, number
):
    url = rehearse(
        f"[[worker]]\nsay = 'I edit it.'\npatch = '''{FIX}'''\n[[worker]]\nsay = 'Now I wait.'\nshell = 'sleep 99'\n"
    ).url
    before = tree(repository)
    shown = installed_terminal("repair it", cwd=repository, OPENAI_BASE_URL=url)
    shown.wait_for("sleep 99")
    os.kill(shown.process.pid, number)
    shown.wait_for_end()
    at_last(lambda: not alive(str(place)))
    assert tree(repository) == before
