"""A recorded session is played again offline: the same events come, and whatever differs is told."""

import asyncio
import os
from contextlib import aclosing
from pathlib import Path

import pytest
from msgspec.structs import replace

from assent_core import tools
from assent_core.consent.gate import Answer
from assent_core.diffs.review import decide
from assent_core.errors import UsageError
from assent_core.events import Billed, Decided, Performed, Proposed, Relayed
from assent_core.memory import sessions
from assent_core.memory.cues import Acted, Began, Replied, read_cues
from assent_core.memory.record import read
from assent_core.proposals import Shell
from assent_core.replay import ground
from assent_core.replay.comparing import Course, drifts
from assent_core.replay.play import replay
from assent_core.replay.standing_in import Recording, standing_in
from assent_core.workspace import find
from rehearsed import CALC, CHECK, FIX, Said, git, of, told, tree

EDIT = f"""
[[worker]]
think = "It subtracts."
patch = '''{FIX}'''
[[worker]]
shell = "python3 -m unittest -q"
[[worker]]
say = "Repaired."
"""
CONNECT = "python3 -c 'import socket; socket.create_connection((\\\"192.0.2.1\\\", 80), 1)'"


async def again(session, at: str = ""):
    """Play a session once more, with no service and no key."""
    await session.close()
    session.rehearsal.close()
    workspace = find(Path(session.opened.root))
    return await replay(session.settings.state_dir, session.opened.session, workspace, at)


async def test_a_patch_and_a_command_come_again_and_no_real_file_is_touched(opened, repository):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    before = tree(repository)
    made = await again(session)
    assert (made.drifts, made.notes) == ((), ())
    assert made.events > 10
    assert made.ground.startswith("the files of commit")
    assert tree(repository) == before
    assert [one.id for one in sessions.sessions(session.settings.state_dir)] == [session.opened.session]


async def test_a_plain_answer_comes_again(opened):
    session = await opened('[[worker]]\nsay = "It adds."\n')
    await told(session.turn("what is it?"))
    assert (await again(session)).drifts == ()


async def test_a_refused_reach_comes_again(opened):
    session = await opened(f'[[worker]]\nshell = "{CONNECT}"\n[[worker]]\nsay = "No network."\n')
    events = await told(session.turn("call home"))
    assert not of(Decided, events)[-1].allowed
    assert (await again(session)).drifts == ()


async def test_a_consent_is_given_again_but_what_reached_out_is_not_done_again(opened, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    marker = out / "marker"
    call = (
        f'call = {{ name = "shell", arguments = {{ command = "echo x >> {marker}; cat /etc/hostname", '
        f'needs = [{{ kind = "write", target = "{out}" }}] }} }}'
    )
    user = Said(Answer(True), Answer(False, reason="work offline"))
    session = await opened(f'[[worker]]\n{call}\n[[worker]]\nshell = "{CONNECT}"\n[[worker]]\nsay = "Done."\n', user)
    events = await told(session.turn("go"))
    assert len(user.questions) == 2
    assert of(Performed, events)[0].ok
    assert marker.read_text() == "x\n"
    made = await again(session)
    assert made.drifts == ()
    assert [f"write {out}" in note for note in made.notes] == [True]
    assert marker.read_text() == "x\n"


async def test_the_recording_stands_in_on_every_stage_of_a_played_session(opened):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    performer = standing_in(Recording(()))(*_parts(session))
    assert type(performer.on(performer.stage)) is type(performer)


def _parts(session) -> tuple:
    lead = session._bench.performer
    return lead.stage, lead.workspace, lead.policy, lead.redact, lead.outputs


PARTS = """
[[worker]]
when_input_matches = 'do it all'
call = { name = "delegate", arguments = { tasks = [
  { name = "slow", task = "make it", tools = "shell", simple = false },
  { name = "quick", task = "make it", tools = "shell", simple = false } ] } }
[[worker]]
when_input_matches = 'Your part .slow.:'
latency = 0.4
shell = "echo slow > slow.txt"
[[worker]]
when_input_matches = 'Your part .quick.:'
shell = "echo quick > quick.txt"
[[worker]]
when_history_matches = 'Your part .(?P<name>[a-z]+).:'
say = "${name} is made."
[[worker]]
say = "All of it is done."
"""


def recorded(events, session) -> Course:
    return Course(tuple(events), (), session.opened.root, lambda event: event.told)


def of_worker(name: str, events) -> list[int]:
    """Where the events of one of several workers stand."""
    return [at for at, event in enumerate(events) if isinstance(event, Relayed | Billed) and event.by == name]


async def test_parts_that_were_delegated_come_again_in_whatever_order_they_interleave(opened):
    session = await opened(PARTS, scouting=False)
    await told(session.turn("do it all"))
    events = read(session.record).events
    proposed = [event.by for event in of(Relayed, events) if isinstance(event.of, Proposed)]
    assert sorted(proposed) == ["quick", "slow"]
    assert (await again(session)).drifts == ()


async def test_of_several_workers_each_ones_own_order_is_compared_and_what_differs_is_named(opened):
    session = await opened(PARTS, scouting=False)
    await told(session.turn("do it all"))
    events = list(read(session.record).events)
    slow, quick = of_worker("slow", events), of_worker("quick", events)
    first, last = min(slow + quick), max(slow + quick) + 1
    then = recorded(events, session)
    for order in ((*slow, *quick), (*quick, *slow)):
        ordered = [*events[:first], *(events[at] for at in order), *events[last:]]
        assert len(ordered) == len(events)
        assert drifts(then, recorded(ordered, session)) == ()
    swapped = list(events)
    swapped[slow[0]], swapped[slow[1]] = swapped[slow[1]], swapped[slow[0]]
    assert len(drifts(then, recorded(swapped, session))) == 1
    (lost,) = drifts(then, recorded([*events[: slow[-1]], *events[slow[-1] + 1 :]], session))
    assert lost.startswith("Event ")
    other = list(events)
    at = next(at for at in slow if isinstance(events[at], Relayed) and isinstance(events[at].of, Performed))
    other[at] = replace(events[at], of=replace(events[at].of, told="exit code 1"))
    (named,) = drifts(then, recorded(other, session))
    assert "of the worker slow: `performed`: its told was " in named


def test_what_a_delegated_worker_reached_stands_in_as_recorded():
    proposed = Proposed(id="slow/1", proposal=Shell(command="curl example.org"))
    performed = Performed(id="slow/1", ok=True, told="exit code 0\noutput:\nhello")
    recording = Recording([Relayed(by="slow", of=proposed), Relayed(by="slow", of=performed)])
    assert recording.take("slow/1", proposed.proposal).told == performed.told


async def test_reading_outside_with_consent_is_read_again_and_a_changed_file_is_drift(opened, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("from outside\n")
    session = await opened(f'[[worker]]\nread = "{outside}"\n[[worker]]\nsay = "Read."\n', Said(Answer(True)))
    await told(session.turn("read it"))
    assert (await again(session)).drifts == ()
    outside.write_text("changed\n")
    (drift,) = (await again(session)).drifts
    assert "from outside" in drift
    assert "changed" in drift


async def test_a_compaction_comes_again(opened):
    long = '[[worker]]\nshell = "seq 4000"\n' * 8
    summary = '[[scout]]\nwhen_schema_is = "summary"\njson = { done = ["counted"], decided = [], open = [] }\n'
    session = await opened(f'{long}[[worker]]\nsay = "Long."\n{summary}[[worker]]\nsay = "Done."\n')
    await told(session.turn("count"))
    await told(session.compact())
    await told(session.turn("and now?"))
    assert (await again(session)).drifts == ()


async def test_a_repair_with_its_review_and_landing_comes_again_without_touching_what_is_real(opened, repository):
    session = await opened(f"[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nsay = \"Repaired.\"\n")
    await told(session.repair(CHECK))
    review, _ = await session.review()
    await told(session.verify(decide(review, [review.files[0].hunks[0].id], "accepted"), CHECK))
    await session.land(decide(review, [review.files[0].hunks[0].id], "accepted"))
    await session.undo()
    git(repository, "commit", "-q", "--allow-empty", "-m", "moved on")
    assert (await again(session)).drifts == ()
    assert (repository / "calc.py").read_text() == CALC


async def test_going_back_resuming_and_an_interruption_come_again(opened):
    script = EDIT + '[[worker]]\nshell = "sleep 60"\n[[worker]]\nsay = "Going on."\n[[worker]]\nsay = "On."\n'
    session = await opened(script)
    await told(session.turn("fix it"))
    async with aclosing(session.turn("wait")) as events:
        async for event in events:
            if isinstance(event, Decided):
                break
    await session.rewind(session.prompts()[1].snapshot)
    await told(session.run(("echo", "mine")))
    await session.close()
    resumed = await opened(session)
    await told(resumed.turn("go on"))
    made = await again(resumed)
    assert made.drifts == ()


async def test_a_tool_that_is_described_otherwise_is_drift(opened, monkeypatch):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    described = tools.prompt
    monkeypatch.setattr(tools, "prompt", lambda name: described(name) + " Or so." * (name == "shell"))
    made = await again(session)
    assert made.drifts == ("The tool shell is described otherwise than when it was recorded.",)


async def test_a_code_that_behaves_otherwise_is_drift_with_the_first_event_that_differs(opened, monkeypatch):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    with monkeypatch.context() as patched:
        patched.setattr("assent_core.performing.perform.told_of", lambda *_, **__: "otherwise")
        (drift,) = (await again(session)).drifts
    assert drift.startswith("Event ")
    assert "its told was 'exit code 0" in drift
    assert "is 'otherwise' now" in drift
    monkeypatch.setattr("assent_core.performing.perform.Performer._patch", lambda *_: 1 / 0)
    made = await again(session)
    assert "ZeroDivisionError" in made.notes[0]
    assert made.drifts


async def test_another_commit_is_drift_where_the_files_differ(opened, repository):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    (repository / "calc.py").write_text("nothing = 1\n")
    git(repository, "commit", "-q", "-am", "other")
    made = await again(session, "HEAD")
    assert "its ok was true, and is false now" in made.drifts[0]
    assert (await again(session)).drifts == ()
    assert "as they are now" in (await again(session, "now")).ground


def test_the_files_of_a_commit_come_as_they_were_in_any_number_with_any_name(repository, tmp_path, monkeypatch):
    monkeypatch.setattr(ground, "AT_ONCE", 2)
    held = {
        "empty": b"",
        "a\nb": b"no newline",
        "deep/er/x.bin": bytes(range(256)),
        "blob 3": b"blob 3\n",
        "run": b"#!/bin/sh\n",
    }
    for name, data in held.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_bytes(data)
    (repository / "run").chmod(0o755)
    (repository / "link").symlink_to("run")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "all kinds")
    (repository / "run").write_text("other")
    (tmp_path / "there").mkdir()
    ground.lay_out(find(repository), Began(settings={}), "HEAD", tmp_path / "there")
    assert {name: (tmp_path / "there" / name).read_bytes() for name in held} == held
    assert (tmp_path / "there/run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "there/link").readlink() == Path("run")


def test_a_file_that_the_repository_lost_is_named(repository, tmp_path):
    lost = git(repository, "rev-parse", "HEAD:calc.py").strip()
    (repository / ".git/objects" / lost[:2] / lost[2:]).unlink()
    with pytest.raises(UsageError, match=f"lacks {lost}"):
        ground.lay_out(find(repository), Began(settings={}), "HEAD", tmp_path)


async def test_what_cannot_be_played_is_refused_with_what_to_do(opened, repository):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    fork = await session.fork()
    await session.close()
    state, workspace = session.settings.state_dir, find(repository)
    with pytest.raises(UsageError, match="is a fork"):
        await replay(state, fork, workspace)
    with pytest.raises(UsageError, match="no commit nonsense") as caught:
        await replay(state, session.opened.session, workspace, "nonsense")
    assert "--at" in caught.value.hint
    with pytest.raises(UsageError, match="cannot be read"):
        await replay(state, "20990101-000000-none", workspace)
    sessions.cues_path(state, session.opened.session).unlink()
    with pytest.raises(UsageError, match="was not kept"):
        await replay(state, session.opened.session, workspace)


async def test_cues_are_private_hold_no_secret_and_survive_damage(opened, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "a-secret-value-123")
    session = await opened('[[worker]]\nsay = "It is a-secret-value-123."\n')
    await told(session.turn("say a-secret-value-123"))
    path = sessions.cues_path(session.settings.state_dir, session.opened.session)
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"a-secret-value-123" not in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(b"\n", b"\n{broken\n", 1) + b'{"cue":"act')
    kinds = [type(cue) for cue in read_cues(path)]
    assert (kinds[0], kinds[1], kinds.count(Replied)) == (Began, Acted, 1)


async def test_the_environment_is_as_before_and_nothing_is_left(opened, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    before = dict(os.environ)
    await again(session)
    assert dict(os.environ) == before
    assert [path for path in (tmp_path / "scratch").iterdir() if path.name.startswith("assent-replay")] == []
    await asyncio.sleep(0)
