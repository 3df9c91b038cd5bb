"""The class of a failure decides whether code is edited at all; rules decide it, never a text."""

import json
from pathlib import Path

import pytest

from assent_core.consent.gate import Answer
from assent_core.events import Asked, Decided, Digested, Noticed, Performed
from assent_core.logs.digest import Digest, extract
from assent_core.logs.finding import Finding
from assent_core.performing.steering import (
    NETWORK,
    AskGate,
    Go,
    Place,
    Run,
    RunAgain,
    ShowOwnChange,
    Stop,
    advice,
    missing,
    steer,
)
from assent_sandbox.policy import Denial, Widening
from rehearsed import FIX, Said, of, told, worked

CORPUS = Path(__file__).parent.parent / "logs"
CASES: dict[str, dict] = {case["name"]: case for case in json.loads((CORPUS / "corpus.json").read_text())}
NOWHERE = Place(walled=False)


def of_corpus(name: str) -> Run:
    case = CASES[name]
    digest = extract(case["command"], case["code"], (CORPUS / f"{name}.log").read_text())
    return Run(digest=digest, content="a", code=case["code"])


def run(failure: str, shown: str = "x", content: str = "a", **more: object) -> Run:
    return Run(digest=Digest(failure=failure, lines=(), shown_by=shown), content=content, **more)  # pyright: ignore


@pytest.mark.parametrize("name", [
    "shell/tool-missing", "make/tool-missing", "npm/tool-missing", "tox/command-missing", "uv/run", "pip/no-index",
    "cargo/crate-missing", "python/module-missing", "pytest/import-missing", "node/module-missing", "go/module-missing",
    "gcc/library", "maven/dependency", "npm/network", "git/resolve", "npm/engine", "pip/requires-python",
    "python/environment-variable", "git/no-repository", "python/disk", "shell/port", "vitest/module-missing",
])  # fmt: skip
def test_what_no_edit_can_mend_stops_early_and_says_what_to_do(name: str):
    move = steer(of_corpus(name), (), NOWHERE)
    assert isinstance(move, Stop), move
    assert move.error.code == 5
    assert of_corpus(name).digest.shown_by.strip() in move.error.message
    assert move.error.hint


@pytest.mark.parametrize("name", [
    name for name, case in CASES.items() if case["failure"] in ("test", "type", "lint", "build", "unknown")
])  # fmt: skip
def test_what_an_edit_can_mend_goes_to_the_worker(name: str):
    assert steer(of_corpus(name), (), Place()) == Go()


@pytest.mark.parametrize(
    ("line", "own"),
    [
        ("ModuleNotFoundError: No module named 'shop.prices'", {"shop", "tests"}),
        ("ModuleNotFoundError: No module named 'jsno'", set()),
        ("ModuleNotFoundError: No module named 'shpo'", {"shop"}),
        ("Error: Cannot find module './nowhere'", set()),
        ("Error: Cannot find module '/home/user/project/nowhere.js'", set()),
        ("sh: 1: ./run.sh: not found", {"run"}),
    ],
)
def test_what_is_missing_of_the_repository_itself_is_for_the_worker(line: str, own: set[str]):
    failure = "tool missing" if "sh: " in line else "dependency"
    own = own | {name + ".sh" for name in own}
    assert steer(run(failure, line), (), Place(own=frozenset(own))) == Go()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("ModuleNotFoundError: No module named 'fancy_pack.core'", "fancy_pack.core"),
        ("Error: Cannot find module 'left-pad'", "left-pad"),
        ("bash: line 1: tsc: command not found", "tsc"),
        ("error: no matching package named `serde` found", "serde"),
        ("ERROR: No matching distribution found for requests", "requests"),
        ("/usr/bin/ld: cannot find -lpng: No such file", "png"),
        ("all is well", ""),
    ],
)
def test_what_is_missing_is_named(line: str, name: str):
    assert missing(line) == name


def test_a_missing_file_of_the_program_is_for_the_worker_and_a_full_disk_is_not():
    assert steer(of_corpus("python/file-missing"), (), Place()) == Go()
    assert steer(of_corpus("python/memory"), (), Place()) == Go()
    assert isinstance(steer(of_corpus("python/disk"), (), Place()), Stop)


def test_a_network_behind_walls_is_asked_for_once_and_exactly():
    now = of_corpus("pytest/network")
    assert steer(now, (), Place()) == AskGate((NETWORK,))
    assert isinstance(steer(now, (), Place(asked=frozenset({NETWORK}))), Stop)
    allowed = Run(digest=now.digest, content="a", allowed=(NETWORK,))
    assert isinstance(steer(allowed, (), Place()), Stop)


def test_what_a_wall_surely_denied_goes_to_the_gate_once_and_then_to_the_worker():
    read = Widening("read", "/srv/data")
    sure = Denial(kind="file", target="/srv/data", certainty="sure", why="not shown", widening=read)
    other = Widening("read", "/srv/other")
    likely = Denial(kind="file", target="/srv/other", certainty="likely", why="reads like it", widening=other)
    now = run("sandbox denial", denials=(sure, likely))
    assert steer(now, (), Place()) == AskGate((read,))
    assert steer(now, (), Place(asked=frozenset({read}))) == Go()
    limit = Denial(kind="limit", target="", certainty="sure", why="too many processes")
    assert steer(run("sandbox denial", denials=(limit,)), (), Place()) == Go()


@pytest.mark.parametrize(
    ("failure", "wanted", "certainty", "stops"),
    [
        ("tool missing", "/home/u/env/bin/tool", "sure", True),
        ("tool missing", "/home/u/env", "sure", True),
        ("permission", "/home/u/env", "sure", True),
        ("permission", "/home/u/env/bin/tool", "sure", False),
        ("permission", "/home/u/env", "likely", False),
    ],
)
def test_a_hidden_program_that_nobody_allowed_is_said_to_be_there_and_how_it_is_shown(
    failure, wanted, certainty, stops
):
    target, widening = "/home/u/env/bin/tool", Widening("read", wanted)
    denial = Denial(kind="file", target=target, certainty=certainty, why="it is hidden", widening=widening)
    now = run(failure, f"bash: line 1: {target}: No such file or directory", denials=(denial,))
    assert steer(now, (), Place()) == (AskGate((widening,)) if certainty == "sure" else Go())
    move = steer(now, (), Place(asked=frozenset({widening})))
    if not stops:
        assert move == Go()
        return
    assert isinstance(move, Stop)
    assert move.error.code == 5
    assert move.error.message == f"A program is there, but hidden from commands: {target}"
    assert f"add {wanted} to `readable` in your settings" in move.error.hint


def test_what_says_that_it_comes_and_goes_is_run_again_before_anything_is_touched():
    now = of_corpus("shell/flaky")
    assert isinstance(steer(now, (), Place()), RunAgain)
    assert isinstance(steer(now, (now,), Place()), RunAgain)
    assert steer(now, (now, now), Place()) == Go()


def test_the_same_content_that_fails_otherwise_comes_and_goes():
    def failing(*ids: str, content: str = "a") -> Run:
        return Run(digest=Digest(failure="test", lines=(), failing=ids), content=content)

    assert isinstance(steer(failing("a"), (failing("b"),), Place()), RunAgain)
    assert steer(failing("a"), (failing("a"),), Place()) == Go()
    assert not isinstance(steer(failing("a", content="b"), (failing("b"),), Place()), RunAgain)


def broken(failure: str, *findings: Finding, content: str = "a", changed: tuple[str, ...] = ()) -> Run:
    tests = tuple(finding.test for finding in findings if finding.test)
    return Run(
        digest=Digest(failure=failure, lines=(), findings=findings, failing=tests), content=content, changed=changed
    )  # pyright: ignore


FIRST = broken("test", Finding(tool="pytest", test="t::a", path="test_a.py", line=3, message="1 != 2"))
SYNTAX = Finding(tool="python", path="/home/user/project/calc.py", line=7, message="SyntaxError: invalid syntax")


def test_a_new_failure_in_a_file_that_the_worker_changed_is_its_own():
    now = broken("build", SYNTAX, content="b", changed=("calc.py", "other.py"))
    assert steer(now, (FIRST,), Place()) == ShowOwnChange(("calc.py",))
    assert steer(now, (), Place()) == Go()


def test_the_failure_that_was_there_from_the_first_is_not_the_workers():
    moved = Finding(tool="pytest", test="t::a", path="test_a.py", line=9, message="1 != 2")
    assert steer(broken("test", moved, content="b", changed=("test_a.py",)), (FIRST,), Place()) == Go()
    elsewhere = broken("build", SYNTAX, content="b", changed=("other.py",))
    assert steer(elsewhere, (FIRST,), Place()) == Go()


def test_a_test_that_passed_at_first_and_fails_now_is_the_workers():
    other = Finding(tool="pytest", test="t::b", path="test_b.py", line=3, message="no")
    now = broken("test", *FIRST.digest.findings, other, content="b", changed=("calc.py",))
    assert steer(now, (FIRST,), Place()) == ShowOwnChange(("calc.py",))


def test_the_worker_is_told_what_a_class_means_for_it():
    own = frozenset[str]()
    assert "Do not edit code" in advice(of_corpus("python/module-missing").digest, own, ())
    assert "run it again" in advice(of_corpus("shell/flaky").digest, own, ())
    assert "src/a.c" in advice(of_corpus("gcc/plain").digest, own, ("src/a.c",))
    assert advice(of_corpus("pytest/plain").digest, own, ()) == ""


SAY = '[[worker]]\nsay = "Done."\nrepeat = true\n'


async def test_fix_stops_before_any_request_where_a_dependency_is_missing(opened, repository):
    (repository / "main.py").write_text("import fancy_pack\n")
    session = await opened(SAY)
    events = await told(session.repair(("python3", "main.py")))
    assert (events[-1].how, events[-1].code) == ("environment", 5)
    assert "No module named 'fancy_pack'" in events[-1].message
    assert "fancy_pack" in events[-1].hint
    assert of(Asked, events) == []


async def test_fix_lets_the_worker_repair_an_import_of_the_repositorys_own(opened, repository):
    (repository / "main.py").write_text("import calc.nowhere\n")
    session = await opened(SAY)
    events = await told(session.repair(("python3", "main.py"), turns=1))
    assert of(Asked, events)


async def test_fix_asks_for_the_network_once_and_without_it_stops(opened, repository):
    (repository / "main.py").write_text("import socket\nsocket.create_connection(('192.0.2.1', 9), 1)\n")
    user = Said(Answer(False))
    session = await opened(SAY, user)
    events = await told(session.repair(("python3", "main.py")))
    assert [question.reach for question in user.questions] == [(NETWORK,)]
    assert [event.allowed for event in of(Decided, events)] == [True, False]
    assert (events[-1].how, events[-1].code) == ("environment", 5)
    assert of(Asked, events) == []


FLAKY = """
import pathlib, sys
seen = pathlib.Path("/tmp/seen")
if not seen.exists():
    sys.exit("FLAKY test_a: failed, passed on retry")
"""


async def test_fix_runs_a_flaky_command_again_before_it_touches_anything(opened, repository):
    (repository / "main.py").write_text(FLAKY)
    session = await opened(SAY)
    events = await told(session.repair(("python3", "main.py"), turns=1))
    notices = [event.text for event in of(Noticed, events)]
    assert len(notices) == 2
    assert all("run again before anything is changed" in text for text in notices)
    first = next(at for at, event in enumerate(events) if isinstance(event, Asked))
    assert len(of(Performed, events[:first])) == 3


BREAK = """
*** Begin Patch
*** Update File: calc.py
@@
-    return left - right
+    return left +* right
*** End Patch
"""
CHECK = ("python3", "-m", "unittest", "-q")


async def test_fix_shows_the_worker_its_own_change_where_that_broke_it(opened, repository):
    mended = FIX.replace("left - right", "left +* right")
    script = f"[[worker]]\npatch = '''{BREAK}'''\n[[worker]]\nsay = \"There.\"\n[[worker]]\npatch = '''{mended}'''\n"
    session = await opened(script + '[[worker]]\nsay = "Now."\n')
    events = await told(session.repair(CHECK))
    assert events[-1].how == "done"
    assert "own edit" in [event.digest.failure for event in of(Digested, events)]
    asked = [str(request["input"][-1]) for request in worked(session)]
    (shown,) = [text for text in asked if "Your change, between two fence lines" in text]
    assert "+    return left +* right" in shown
