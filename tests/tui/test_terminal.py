"""The terminal of the installed command: it rests while nobody types, and loses nothing of what is typed."""

import os
import sys
import time
from pathlib import Path

import pytest

from rehearsed import git

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells how often a thread was woken")


def woken(process: int) -> dict[str, int]:
    """How often each thread of a process went to sleep by itself."""
    found = {}
    for task in Path(f"/proc/{process}/task").iterdir():
        told = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
        found[task.name] = int(told["voluntary_ctxt_switches"])
    return found


def test_a_screen_at_rest_wakes_nobody_and_hears_everything(installed_terminal, tmp_path):
    git(tmp_path, "init", "-q")
    made = installed_terminal(cwd=tmp_path, OPENAI_API_KEY="sk-none")
    made.wait_for("ready")
    deadline = time.monotonic() + 60
    while True:
        before = woken(made.process.pid)
        time.sleep(0.5)
        if woken(made.process.pid) == before:
            break
        assert time.monotonic() < deadline, "it never rests"
    for part in "größe €".encode():
        os.write(made.master, bytes([part]))
        time.sleep(0.01)
    made.wait_for("größe €")
    made.press("\x1b")
    made.press("?x")
    made.wait_for("?x")
    made.press("\x11")
    assert made.wait_for_end() == 0
