"""What the tests of a rehearsed session share: a small broken repository, a scripted user, readings of events."""

import asyncio
import subprocess
from contextlib import aclosing
from pathlib import Path

import pytest

from assent_core.consent.gate import Answer, Question
from assent_core.events import AnyEvent
from assent_core.rehearsal.answer import Answer as Written
from assent_core.rehearsal.server import _Connection
from assent_core.session import Session
from patient import PATIENCE, until

CALC = "def add(left, right):\n    return left - right\n"
TEST = """\
import unittest
from calc import add

class Adding(unittest.TestCase):
    def test_two_and_two(self):
        self.assertEqual(add(2, 2), 4)
"""
CHECK = ("python3", "-m", "unittest", "-q")
FIX = """
*** Begin Patch
*** Update File: calc.py
@@
-    return left - right
+    return left + right
*** End Patch
"""

TWELVE = (
    r"sed -i -E 's/^row (5|25|45) .*/& changed/' a.txt b.txt c.txt && "
    r"sed -i -E 's/^row (5|25|26|27|28|45) .*/& changed/' d.txt"
)
"""Makes twelve hunks in the four files of `four_files`."""
TWELVE_SCRIPT = f"""
[[worker]]
shell = '''{TWELVE}'''
[[worker]]
say = "Changed."
[[worker]]
say = "I see."
"""


def git(root: Path, *args: str) -> str:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    done = subprocess.run(["git", "-C", str(root), *identity, *args], check=True, capture_output=True, text=True)
    return done.stdout


def committed(root: Path) -> Path:
    """A folder with its files as the first commit of a repository."""
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "start")
    return root


def four_files(root: Path) -> Path:
    """A repository of four files with sixty numbered rows each."""
    root.mkdir()
    for name in "abcd":
        (root / f"{name}.txt").write_text("".join(f"row {number} of {name}\n" for number in range(1, 61)))
    return committed(root)


def tree(root: Path) -> dict[str, bytes]:
    """All files of a tree but git's own, to compare it whole."""
    files = (path for path in root.rglob("*") if ".git" not in path.parts and path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


class Said:
    """A user who answers each question with the next of his answers."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.questions: list[Question] = []

    async def ask(self, question: Question) -> Answer:
        self.questions.append(question)
        return self.answers.pop(0)


async def told(events) -> list[AnyEvent]:
    async with aclosing(events) as stream:
        return [event async for event in stream]


def of(kind: type, events: list[AnyEvent]) -> list:
    return [event for event in events if isinstance(event, kind)]


def worked(session) -> list[dict]:
    """The requests of the turns themselves, without those beside them."""
    return of_worker(session.rehearsal)


def of_worker(service) -> list[dict]:
    """The requests of turns that a service got; those for titles, digests or opinions may come between at any moment."""
    return [body for body in service.requests if body.get("tools")]


def wait_for_each_other(monkeypatch: pytest.MonkeyPatch, count: int, sign: str) -> None:
    """None of so many conversations that begin with a sign gets its first reply before all of them have asked for it."""
    together, stream, heard = asyncio.Barrier(count), _Connection._stream, set[object]()

    async def held(connection: _Connection, answer: Written) -> None:
        key = answer.body["prompt_cache_key"]
        if key not in heard and sign in str(answer.body["input"][-1]):
            heard.add(key)
            await asyncio.wait_for(together.wait(), PATIENCE)
        await stream(connection, answer)

    monkeypatch.setattr(_Connection, "_stream", held)


def hold_up_the_worker(monkeypatch: pytest.MonkeyPatch, session: Session, work: str, step: int) -> None:
    """A turn gets the reply to one of its requests, counted from 1, when the scout's answer to some work is there."""
    stream = _Connection._stream

    def answered() -> bool:
        return any(each.name == work and each.outcome != "waiting" for each in session.scout.sent)

    async def held(connection: _Connection, answer: Written) -> None:
        if answer.body.get("tools") and len(of_worker(session.rehearsal)) == step:
            await until(answered)
        await stream(connection, answer)

    monkeypatch.setattr(_Connection, "_stream", held)
