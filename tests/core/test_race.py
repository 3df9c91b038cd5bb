"""Several attempts at the same problem: the first that passes goes on, and the others are ended."""

import asyncio
from pathlib import Path

import pytest

from assent_core.crew import race
from assent_core.events import Attempted, Billed, Chosen, Noticed, Relayed, Staged, Verified
from assent_core.model import Finished, Usage
from rehearsed import CHECK, FIX, of, told, tree, wait_for_each_other

WRONG = FIX.replace("+    return left + right", "+    return left * 3")
LONG = FIX.replace("+    return left + right", "+    total = left\n+    total = total + right\n+    return total")


def attempts(first: str = "", second: str = "", third: str = "") -> str:
    """A script of three attempts, each told by what it is nudged with; one that has nothing to do says so."""
    steps = []
    for sign, patch in (("Begin where the failure", second), ("Read all of the code", third)):
        if patch:
            steps.append(f"[[worker]]\nwhen_input_matches = '{sign}'\npatch = '''{patch}'''\n")
        steps.append(f"[[worker]]\nwhen_history_matches = '{sign}'\nrepeat = true\nsay = 'I am done.'\n")
    if first:
        steps.append(f"[[worker]]\nwhen_input_matches = 'The command'\npatch = '''{first}'''\n")
    return "".join([*steps, "[[worker]]\nrepeat = true\nsay = 'I am done.'\n"])


def by_number(events: list) -> dict[int, Attempted]:
    return {each.attempt: each for each in of(Attempted, events)}


async def test_the_attempt_that_passes_is_on_the_stage_with_its_evidence(opened, repository: Path, monkeypatch):
    wait_for_each_other(monkeypatch, 3, "The command")
    session = await opened(attempts(first=WRONG, second=FIX, third=WRONG), scouting=False)
    before = tree(repository)
    events = await told(session.repair(CHECK, attempts=3))
    (chosen,) = of(Chosen, events)
    assert (chosen.attempt, chosen.of, chosen.passed, events[-1].code) == (2, 3, True, 0)
    assert by_number(events)[2].how == "passed"
    assert {each.how for number, each in by_number(events).items() if number != 2} <= {"beaten", "failed"}
    review, _ = await session.review()
    assert [(file.path, file.after.data) for file in review.files] == [
        ("calc.py", b"def add(left, right):\n    return left + right\n")
    ]
    assert of(Verified, events)[-1].evidence in review.evidence
    assert of(Verified, events)[-1].evidence.code == 0
    assert tree(repository) == before
    assert chosen.usd == pytest.approx(sum(bill.usd for bill in of(Billed, events)))
    assert {event.attempt for event in of(Relayed, events)} == {1, 2, 3}
    homes = list(Path(session.settings.state).glob("stages/*/*"))
    assert [home.name for home in homes] == [Path(session._bench.performer.stage.view.home).name]


async def test_of_those_that_pass_in_the_same_moment_the_smallest_change_goes_on(opened):
    session = await opened(attempts(first=LONG, second=FIX, third=LONG), scouting=False)
    events = await told(session.repair(("sh", "-c", "python3 -m unittest -q && sleep 0.3"), attempts=3))
    passed = [each for each in of(Attempted, events) if each.how == "passed"]
    best = min(passed, key=lambda each: (each.added + each.removed, each.attempt))
    assert of(Chosen, events)[0].attempt == best.attempt
    assert of(Staged, events)[-1].added == best.added


async def test_what_an_attempt_changed_and_does_not_land_is_named_and_its_evidence_is_of_a_fresh_stage(
    opened, repository: Path
):
    (repository / ".gitignore").write_text("*.local\n")
    script = attempts(first=FIX).replace("patch = '", "shell = 'touch x.local'\npatch = '", 1)
    session = await opened(script, scouting=False)
    events = await told(session.repair(CHECK, attempts=2))
    assert events[-1].code == 0
    assert "Left out, since it does not land: x.local." in [event.text for event in of(Noticed, events)]
    evidence = of(Verified, events)[-1].evidence
    assert (evidence.passed, evidence.aside) == (True, ())
    assert evidence in (await session.review())[0].evidence


async def test_when_none_passes_the_nearest_is_told_and_it_ends_as_a_fix_that_failed(opened, repository: Path):
    session = await opened(attempts(), scouting=False)
    before = tree(repository)
    events = await told(session.repair(CHECK, attempts=2))
    assert (events[-1].how, events[-1].code) == ("failed", 1)
    assert "unittest: 1 failed" in events[-1].message
    assert of(Chosen, events)[0].passed is False
    assert tree(repository) == before


async def test_a_command_that_passes_or_cannot_run_needs_no_attempt(opened):
    session = await opened(attempts(), scouting=False)
    assert (await told(session.repair(("true",), attempts=3)))[-1].code == 0
    assert (await told(session.repair(("no-such-command-here",), attempts=3)))[-1].code == 5
    assert session.rehearsal.requests == []


async def test_each_attempt_is_nudged_another_way_and_the_first_not_at_all(opened):
    session = await opened(attempts(), scouting=False)
    await told(session.repair(("false",), attempts=3, turns=1))
    firsts = {body["prompt_cache_key"][-1]: str(body["input"]) for body in reversed(session.rehearsal.requests)}
    assert "Begin where the failure" in firsts["2"]
    assert "Read all of the code" in firsts["3"]
    assert not any(sign in firsts["1"] for sign in ("Begin where", "Read all of"))


async def test_a_budget_ends_all_attempts_and_the_fix(opened):
    session = await opened(attempts(), scouting=False, budget=0.003)
    events = await told(session.repair(CHECK, attempts=3))
    assert (events[-1].how, events[-1].code) == ("budget", 4)


async def test_interrupting_ends_all_attempts_and_keeps_nothing_of_them(opened):
    slow = attempts(first=FIX).replace("patch = '''", "shell = 'sleep 7342.5'\npatch = '''", 1)
    session = await opened(slow, scouting=False)
    work = asyncio.create_task(told(session.repair(CHECK, attempts=2)))
    while not session.rehearsal.requests:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert (await session.review())[0].files == ()
    homes = list(Path(session.settings.state).glob("stages/*/*"))
    assert [home.name for home in homes] == [Path(session._bench.performer.stage.view.home).name]


@pytest.mark.parametrize("held_up", [False, True], ids=["that gives way", "that is faster than its reader"])
async def test_what_an_attempt_that_is_ended_was_billed_is_told_to_the_last_request(
    opened, monkeypatch: pytest.MonkeyPatch, held_up: bool
):
    begun = asyncio.Event()

    async def repaired(bench, *_):
        if bench.name == "attempt-1":
            await begun.wait()
            return
        for _ in range(100_000):
            yield bench.meter.bill("worker", Finished("gpt-5.4-mini", Usage(1000, 0, 100, 0)))
            begun.set()
            if not held_up:
                await asyncio.sleep(0)

    monkeypatch.setattr(race, "repair", repaired)
    session = await opened(attempts(), scouting=False)
    events = await told(session.repair(CHECK, attempts=2))
    assert [by_number(events)[number].how for number in (1, 2)] == ["passed", "beaten"]
    assert of(Chosen, events)[0].usd == pytest.approx(sum(bill.usd for bill in of(Billed, events)))
