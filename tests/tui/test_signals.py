"""The screen ended from outside: the real files as they were, no process left."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from conftest import Terminal
from patient import at_last
from rehearsed import CALC, FIX, committed, git, tree


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


MODES = ("1049", "1000", "1003", "1006", "2004")
"""The alternate screen, the mouse, pastes in brackets."""


def assert_restored(shown: str) -> None:
    """Whatever was switched on at the terminal was switched off again, and the cursor is seen."""
    for mode in MODES:
        if (on := shown.rfind(f"\x1b[?{mode}h")) >= 0:
            assert on < shown.rfind(f"\x1b[?{mode}l"), mode
    assert shown.rfind("\x1b[?25l") < shown.rfind("\x1b[?25h")
    assert shown.count("\x1b[>") - shown.count("\x1b[>4") <= shown.count("\x1b[<u"), "the keys are as they were"


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
    assert shown.wait_for_end() == 128 + number
    assert_restored(shown.shown)
    at_last(lambda: not alive(str(place)))
    assert tree(repository) == before


def test_ctrl_z_gives_the_terminal_back_until_the_process_goes_on(installed_terminal, tmp_path):
    git(tmp_path, "init", "-q")
    shown = installed_terminal(cwd=tmp_path, OPENAI_API_KEY="sk-none")
    shown.wait_until("ready")
    shown.press("half a sentence")
    shown.wait_until("half a sentence")
    shown.press("\x1a")
    at_last(lambda: Path(f"/proc/{shown.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    shown.wait_for("\x1b[?1049l")
    shown.wait_for("\x1b[?25h")
    os.kill(shown.process.pid, signal.SIGCONT)
    shown.wait_for("\x1b[?1049h")
    shown.wait_until("half a sentence", "ready")
    shown.press("\x11")
    assert shown.wait_for_end() == 0
    assert_restored(shown.shown)


CRASHING = """
import asyncio
from assent_tui.screen.app import AssentApp

def fall(app):
    raise RuntimeError("the roof fell in")

async def never(asker):
    await asyncio.Event().wait()

AssentApp.on_prompt_help_wanted = fall
asyncio.run(AssentApp(never).live(close=False))
"""


def test_a_crash_gives_the_terminal_back(tmp_path):
    shown = Terminal(
        lambda end: subprocess.Popen(
            [sys.executable, "-c", CRASHING],
            stdin=end,
            stdout=end,
            stderr=end,
            env=os.environ | {"TERM": "xterm-256color"},
        )
    )
    with closing(shown):
        shown.wait_until("What is to be done?")
        shown.press("?")
        shown.wait_for("the roof fell in")
        shown.wait_for_end()
        assert_restored(shown.shown)


def test_a_line_that_is_sent_to_the_terminal_in_one_piece_is_a_prompt(terminal, rehearse, repository):
    url = rehearse("[[worker]]\nsay = 'Hello.'\n" * 8).url
    shown = terminal(cwd=repository, OPENAI_BASE_URL=url)
    shown.wait_until("ready")
    for number in range(8):
        shown.press(f"say hello, number {number}\r")
        shown.wait_for("Hello.")
        shown.wait_until(f"number {number}", "ready")
    shown.press("\x11")
    assert shown.wait_for_end() == 0
