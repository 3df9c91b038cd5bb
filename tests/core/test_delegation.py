"""Parts of a task at once: workers with stages above that of the first, over real HTTP."""

import asyncio
import errno
import os
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

from assent_core.consent.gate import Answer, Question
from assent_core.crew import delegation, hiring
from assent_core.events import Asked, Billed, Ended, Joined, Mistaken, Performed, Proposed, Relayed, Routed, Staged
from assent_core.memory.record import read
from assent_core.model import Finished, Usage
from assent_core.proposals import Shell
from assent_sandbox.stage import StageError
from patient import until
from rehearsed import Said, git, of, told, tree, wait_for_each_other

MADE = """
[[worker]]
when_input_matches = 'Your part .(?P<name>[a-z0-9-]+).:'
shell = "echo ${name} > ${name}.txt"

"""
TOLD = """
[[worker]]
when_history_matches = 'Your part .(?P<name>[a-z0-9-]+).:'
say = "${name} is made."
"""
MADE += TOLD
LAST = """
[[worker]]
say = "All of it is done."
"""


def delegated(*names: str, tools: str = "shell", simple: bool = False) -> str:
    """A step of a script that delegates."""
    tasks = ", ".join(
        f'{{ name = "{name}", task = "make {name}", tools = "{tools}", simple = {str(simple).lower()} }}'
        for name in names
    )
    return (
        "[[worker]]\nwhen_input_matches = 'do it all'\n"
        f'call = {{ name = "delegate", arguments = {{ tasks = [{tasks}] }} }}\n'
    )


def patching(name: str, path: str, old: str, new: str) -> str:
    """A step of one worker that changes a line."""
    return f"""
[[worker]]
when_input_matches = 'Your part .{name}.:'
patch = '''
*** Begin Patch
*** Update File: {path}
@@
-{old}
+{new}
*** End Patch
'''

[[worker]]
when_history_matches = 'Your part .{name}.:'
say = "{name} is done."
"""


def relayed(by: str, kind: type, events: list) -> list:
    return [event.of for event in of(Relayed, events) if event.by == by and isinstance(event.of, kind)]


def stages(session) -> list[str]:
    return [path.name for path in Path(session.settings.state).glob("stages/*/*")]


async def test_what_several_made_is_on_the_stage_and_the_first_worker_is_told_what_each_said(opened):
    session = await opened(delegated("one", "two") + MADE + LAST, scouting=False)
    before = tree(session._bench.performer.workspace.root)
    events = await told(session.turn("do it all"))
    assert [(joined.by, joined.how, joined.answer, joined.paths) for joined in of(Joined, events)] == [
        ("one", "done", "one is made.", ("one.txt",)),
        ("two", "done", "two is made.", ("two.txt",)),
    ]
    assert of(Staged, events)[-1].paths == ("one.txt", "two.txt")
    assert "== two: done\ntwo is made.\nchanged: two.txt" in of(Performed, events)[0].told
    assert tree(session._bench.performer.workspace.root) == before
    assert stages(session) == [Path(session._bench.performer.stage.view.home).name]
    assert events[-1].how == "done"


async def test_what_a_part_changed_and_git_ignores_is_not_brought_over_and_said(opened, repository: Path):
    (repository / ".gitignore").write_text("one.txt\n")
    session = await opened(delegated("one", "two") + MADE + LAST)
    events = await told(session.turn("do it all"))
    assert {event.by: event.ignored for event in of(Joined, events)} == {"one": ("one.txt",), "two": ()}
    assert [file.path for file in (await session.review())[0].files] == ["two.txt"]
    outputs = str(session.rehearsal.requests)
    assert "not brought over, since git ignores it and it never lands: one.txt" in outputs


async def test_each_has_a_context_of_its_own_and_no_way_to_delegate_again(opened):
    script = (
        delegated("one", "two", tools="edit")
        + """
[[worker]]
when_input_matches = 'Your part .one.:'
call = { name = "delegate", arguments = { tasks = [] } }

[[worker]]
when_input_matches = 'Your part .two.:'
shell = "true"
"""
        + LAST.replace("[[worker]]", "[[worker]]\nrepeat = true")
    )
    session = await opened(script, scouting=False)
    events = await told(session.turn("do it all"))
    mistaken = {name: relayed(name, Mistaken, events)[0].message for name in ("one", "two")}
    assert all("The tools are: apply_patch, read, search." in message for message in mistaken.values())
    first, *others, _ = [body for body in session.rehearsal.requests if "do it all" not in str(body["tools"])]
    assert [tool["name"] for tool in first["tools"]] == ["shell", "apply_patch", "read", "search", "delegate"]
    parts = [body for body in others if "Your part" in str(body["input"])]
    assert {body["prompt_cache_key"] for body in parts} == {
        f"{session.opened.session}-{name}" for name in ("one", "two")
    }
    assert not any("do it all" in str(body["input"]) for body in parts)
    assert all(body["instructions"] == first["instructions"] for body in parts)


async def test_no_worker_beside_is_told_a_secret_of_the_place_or_of_its_part(opened, repository: Path):
    key = "sk-proj-" + "Ab3dEf6hIj9LmN2pQr5t" * 3
    (repository / "AGENTS.md").write_text(f"Build with KEY={key}.\n")
    script = delegated("one").replace("make one", f"make one with {key}") + MADE + LAST
    session = await opened(script, scouting=False)
    await told(session.turn("do it all"))
    (first, *_) = [body for body in session.rehearsal.requests if "Your part" in str(body["input"])]
    assert "Build with KEY=[redacted]" in str(first["input"])
    assert "make one with [redacted]" in str(first["input"])
    assert key not in str([body["input"] for body in session.rehearsal.requests])


async def test_a_simple_part_goes_to_the_small_model_unless_it_needs_a_terminal(opened):
    script = MADE.replace("shell = ", "read = ") + LAST
    session = await opened(delegated("one", tools="read", simple=True) + script)
    (routed,) = relayed("one", Routed, await told(session.turn("do it all")))
    assert (routed.model, routed.role, "small model" in routed.why) == (session.settings.scout.model, "worker", True)
    session = await opened(delegated("one", tools="shell", simple=True) + script)
    (routed,) = relayed("one", Routed, await told(session.turn("do it all")))
    assert (routed.model, "terminal" in routed.why) == (session.settings.worker.model, True)


async def test_the_parts_begin_with_what_is_staged_and_see_nothing_of_each_other(opened):
    look = """
[[worker]]
when_input_matches = 'Your part .(?P<name>[a-z0-9-]+).:'
shell = "cat staged; ls *.txt; echo ${name} > ${name}.txt; sleep 0.2; ls *.txt"
"""
    session = await opened(delegated("one", "two") + look + TOLD + LAST)
    await told(session.run(("sh", "-c", "echo mine > staged")))
    events = await told(session.turn("do it all"))
    for name in ("one", "two"):
        (performed,) = relayed(name, Performed, events)
        assert "mine" in performed.told
        assert performed.told.rstrip().endswith(f"{name}.txt")
    assert of(Staged, events)[-1].paths == ("one.txt", "staged", "two.txt")


async def test_changes_of_different_lines_are_merged_and_a_conflict_loses_nothing(opened, repository: Path):
    (repository / "list.txt").write_text("a\nb\nc\nd\ne\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "list")
    script = (
        delegated("one", "two", "three", tools="edit")
        + patching("one", "list.txt", "a", "A")
        + patching("two", "list.txt", "e", "E")
        + patching("three", "list.txt", "a", "another")
        + LAST
    )
    session = await opened(script, scouting=False)
    events = await told(session.turn("do it all"))
    one, two, three = of(Joined, events)
    assert (one.moved, two.moved) == ((), ())
    assert [(moved.path, moved.how) for moved in three.moved] == [("list.txt", "conflict")]
    assert Path(three.kept, "list.txt").read_text() == "another\nb\nc\nd\ne\n"
    message = of(Performed, events)[0].told
    assert "conflict in list.txt: the same lines were changed on the stage and by the worker three" in message
    assert "`read` with path log:" in message
    (file,) = (await session.review())[0].files
    assert file.conflict == three.moved[0].why
    assert b"<<<<<<< stage\nA\n||||||| before\na\n=======\nanother\n>>>>>>> three\n" in file.after.data
    assert file.after.data.endswith(b"d\nE\n")


async def test_four_are_at_work_at_once(opened, monkeypatch):
    wait_for_each_other(monkeypatch, 4, "Your part")
    session = await opened(delegated("a", "b", "c", "d") + MADE + LAST, scouting=False)
    events = await told(session.turn("do it all"))
    assert [joined.by for joined in of(Joined, events)] == ["a", "b", "c", "d"]


async def test_five_parts_are_done_four_at_once_and_all_of_them(opened):
    session = await opened(delegated("a", "b", "c", "d", "e") + MADE + LAST, scouting=False)
    events = await told(session.turn("do it all"))
    assert [joined.by for joined in of(Joined, events)] == ["a", "b", "c", "d", "e"]
    assert of(Staged, events)[-1].paths == tuple(f"{name}.txt" for name in "abcde")


def needing(place: Path) -> str:
    """What each worker does, if it wants to read something outside."""
    needs = f'needs = [{{ kind = "read", target = "{place}" }}]'
    return MADE.replace('"echo ${name} > ${name}.txt"', f'{{ command = "cat {place} > ${{name}}.txt", {needs} }}')


class Waiting(Said):
    """A user who takes his time, and notes how many questions were open at once."""

    open = most = 0

    async def ask(self, question: Question) -> Answer:
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(0.05)
        self.open -= 1
        return await super().ask(question)


async def test_questions_of_several_come_one_at_a_time_and_say_whose_they_are(opened, tmp_path: Path):
    (tmp_path / "outside").write_text("from outside\n")
    asking = needing(tmp_path / "outside")
    user = Waiting(*[Answer(yes=True)] * 3)
    session = await opened(delegated("one", "two", "three") + asking + LAST, user, scouting=False)
    events = await told(session.turn("do it all"))
    assert sorted(question.by for question in user.questions) == ["one", "three", "two"]
    assert len({question.id for question in user.questions}) == 3
    assert user.most == 1
    assert of(Staged, events)[-1].added == 3


async def test_a_yes_for_the_task_answers_the_others_too(opened, tmp_path: Path):
    (tmp_path / "outside").write_text("from outside\n")
    asking = needing(tmp_path / "outside")
    user = Waiting(Answer(yes=True, scope="task"))
    session = await opened(delegated("one", "two") + asking + LAST, user, scouting=False)
    assert of(Staged, await told(session.turn("do it all")))[-1].added == 2
    assert len(user.questions) == 1


def sleeping(marker: str) -> list[bytes]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found += [line] if (line := place.read_bytes()) == f"sleep\0{marker}\0".encode() else []
    return found


async def test_interrupting_ends_all_of_them_with_their_commands_and_keeps_what_they_staged(opened):
    marker = f"7341.{os.getpid()}"
    slow = MADE.replace("${name}.txt", f"${{name}}.txt; sleep {marker}", 1)
    session = await opened(delegated("one", "two") + slow + LAST, scouting=False)
    turn = asyncio.create_task(told(session.turn("do it all")))
    await until(lambda: len(sleeping(marker)) == 2 or turn.done())
    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)
    assert sleeping(marker) == []
    assert stages(session) == [Path(session._bench.performer.stage.view.home).name]
    assert {file.path for file in (await session.review())[0].files} == {"one.txt", "two.txt"}


@pytest.mark.parametrize("held_up", [False, True], ids=["that give way", "that are faster than their reader"])
async def test_what_parts_that_are_interrupted_were_billed_is_recorded_to_the_last_request(
    opened, monkeypatch: pytest.MonkeyPatch, held_up: bool
):
    billed: list[Billed] = []

    async def worked(bench, *_):
        for _ in range(100_000):
            billed.append(bench.meter.bill("worker", Finished("gpt-5.4-mini", Usage(1000, 0, 100, 0))))
            yield billed[-1]
            if not held_up:
                await asyncio.sleep(0)

    monkeypatch.setattr(delegation, "turn", worked)
    session = await opened(delegated("one", "two") + LAST, scouting=False)
    seen: set[str] = set()
    async with aclosing(session.turn("do it all")) as events:
        async for event in events:
            seen |= {event.by} if isinstance(event, Billed) else set()
            if seen >= {"one", "two"}:
                break
    recorded = [bill for bill in of(Billed, read(session.record).events) if bill.by]
    assert recorded == billed
    assert {bill.by for bill in billed} == {"one", "two"}


async def test_what_they_spend_is_the_sessions_and_stops_it_at_the_first_request_after_the_budget(opened, monkeypatch):
    """Each request costs more than a thousandth: two workers have spent the budget when their first replies are in."""
    wait_for_each_other(monkeypatch, 2, "Your part")
    session = await opened(delegated("one", "two") + MADE + LAST, scouting=False, budget=0.004)
    events = await told(session.turn("do it all"))
    billed = of(Billed, events)
    assert {bill.by for bill in billed} == {"", "one", "two"}
    assert billed[-1].total == pytest.approx(sum(bill.usd for bill in billed))
    spent, asked_after = 0.0, 0
    for event in events:
        spent += event.usd if isinstance(event, Billed) else 0.0
        what = event.of if isinstance(event, Relayed) else event
        asked_after += isinstance(what, Asked) and spent >= 0.004
    assert asked_after == 0
    assert (events[-1].how, events[-1].code) == ("budget", 4)
    assert {file.path for file in (await session.review())[0].files} == {"one.txt", "two.txt"}


async def test_one_that_has_spent_its_share_ends_with_what_it_made_and_the_others_go_on(opened):
    long = "\n".join(
        f"""
[[worker]]
when_history_matches = 'Your part .one.:'
shell = "echo {step} >> one.txt"
"""
        for step in range(9)
    )
    session = await opened(delegated("one", "two") + long + MADE + LAST, scouting=False, budget=0.0095)
    events = await told(session.turn("do it all"))
    one, two = of(Joined, events)
    assert (one.how, two.how, events[-1].how) == ("budget", "done", "done")
    assert "share of the budget" in one.answer
    assert one.paths == ("one.txt",)
    assert of(Performed, events)[0].ok is False


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StageError("The stage cannot be mounted.", "See assent doctor."), "The stage cannot be mounted."),
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full."),
    ],
    ids=["walls", "disk"],
)
async def test_a_part_whose_stage_cannot_be_opened_has_failed_with_its_reason_and_the_others_go_on(
    opened, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
):
    real = hiring.open_above

    async def open_above(stage, home: Path):
        if "-two-" in home.name:
            raise error
        return await real(stage, home)

    monkeypatch.setattr(hiring, "open_above", open_above)
    session = await opened(delegated("one", "two", "three") + MADE + LAST, scouting=False)
    events = await told(session.turn("do it all"))
    assert [(joined.by, joined.how, joined.answer, joined.usd > 0) for joined in of(Joined, events)] == [
        ("one", "done", "one is made.", True),
        ("two", "environment", reason, False),
        ("three", "done", "three is made.", True),
    ]
    (performed,) = of(Performed, events)
    assert (performed.ok, f"== two: ended before it was done: {reason}\n" in performed.told) == (False, True)
    assert of(Staged, events)[-1].paths == ("one.txt", "three.txt")
    assert events[-1].how == "done"
    assert stages(session) == [Path(session._bench.performer.stage.view.home).name]


async def test_in_a_session_without_a_budget_nothing_is_shared_out(opened):
    session = await opened(delegated("one") + MADE + LAST, scouting=False, budget=0.0)
    assert (await told(session.turn("do it all")))[-1].how == "done"


async def test_a_part_is_carried_out_by_the_gate_of_the_session(opened):
    session = await opened(delegated("one") + MADE + LAST, scouting=False, mode="read-only")
    events = await told(session.turn("do it all"))
    (proposed,) = relayed("one", Proposed, events)
    assert isinstance(proposed.proposal, Shell)
    assert of(Joined, events)[0].paths == ()
    assert isinstance(events[-1], Ended)
