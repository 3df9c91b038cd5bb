"""A session goes back to an earlier prompt or parts there, with its stage and what its model has seen as they were then."""

import json

import pytest

from assent_core.diffs.review import decide, evidence_for
from assent_core.errors import UsageError
from assent_core.events import Billed, Forked, Landed, Prompted, Rewound
from assent_core.memory import sessions
from assent_core.memory.record import read
from assent_sandbox import album
from rehearsed import CALC, FIX, of, told, worked

MORE = """
*** Begin Patch
*** Add File: more.py
+more = 1
*** End Patch
"""
TWO = f"""
[[worker]]
patch = '''{FIX}'''
[[worker]]
shell = "python3 -m unittest -q"
[[worker]]
say = "Repaired."
[[worker]]
patch = '''{MORE}'''
[[worker]]
say = "And more."
[[worker]]
say = "Another way."
[[worker]]
say = "And on."
"""


async def staged(session) -> list[str]:
    return [file.path for file in (await session.review())[0].files]


def accepted(review):
    return decide(review, [hunk.id for file in review.files for hunk in file.hunks], "accepted")


async def twice(opened):
    session = await opened(TWO)
    await told(session.turn("fix it"))
    await told(session.turn("and more"))
    return session


async def test_going_back_puts_the_stage_and_what_the_model_has_seen_to_before_the_prompt(opened, repository):
    session = await twice(opened)
    assert await staged(session) == ["calc.py", "more.py"]
    first, second = session.prompts()
    assert (first.text, second.text) == ("fix it", "and more")
    rewound = await session.rewind(second.snapshot)
    assert (rewound.text, rewound.landed, rewound.moved) == ("and more", (), ())
    assert await staged(session) == ["calc.py"]
    assert [prompt.text for prompt in session.prompts()] == ["fix it"]
    before = next(request for request in worked(session) if "and more" in json.dumps(request["input"]))
    await told(session.turn("differently"))
    now = worked(session)[-1]["input"]
    assert now[:-1] == before["input"][:-1]
    assert "differently" in json.dumps(now[-1])
    assert "and more" not in json.dumps(now)
    await session.rewind(session.prompts()[0].snapshot)
    assert await staged(session) == []
    assert session.prompts() == ()
    assert (repository / "calc.py").read_text() == CALC


async def test_a_resumed_session_is_where_it_went_back_to_and_shows_so(opened):
    session = await twice(opened)
    cost = [event for event in read(session.record).events if isinstance(event, Billed)][-1].total
    await session.rewind(session.prompts()[1].snapshot)
    await session.close()
    again = await opened(session)
    assert await staged(again) == ["calc.py"]
    shown = again.past.shown
    assert [event.text for event in shown if isinstance(event, Prompted)] == ["fix it"]
    assert of(Rewound, shown)[0].text == "and more"
    assert of(Billed, shown)[-1].total == cost
    assert [prompt.text for prompt in again.prompts()] == ["fix it"]
    await told(again.turn("go on"))
    assert "and more" not in json.dumps(worked(again)[-1]["input"])
    await again.rewind(again.prompts()[0].snapshot)
    assert await staged(again) == []


async def test_what_landed_meanwhile_stays_landed_is_said_and_told_to_the_model(opened, repository):
    session = await twice(opened)
    review, _ = await session.review()
    await session.land(accepted(review))
    fixed = CALC.replace("left - right", "left + right")
    rewound = await session.rewind(session.prompts()[1].snapshot)
    assert rewound.landed == ("calc.py", "more.py")
    assert (repository / "calc.py").read_text() == fixed
    assert await staged(session) == []
    await told(session.turn("again"))
    assert "calc.py, more.py" in json.dumps(worked(session)[-1]["input"][-1])


async def test_a_real_file_that_the_user_changed_is_merged_into_the_stage_of_then(opened, repository):
    session = await twice(opened)
    (repository / "calc.py").write_text("# mine\n" + CALC)
    rewound = await session.rewind(session.prompts()[1].snapshot)
    assert [(one.path, one.how) for one in rewound.moved] == [("calc.py", "merged")]
    (file,) = (await session.review())[0].files
    assert file.after.data == b"# mine\n" + CALC.replace("left - right", "left + right").encode()
    (repository / "calc.py").write_text(CALC.replace("left - right", "right - left"))
    rewound = await session.rewind(session.prompts()[0].snapshot)
    assert await staged(session) == []


async def test_pending_hunks_of_a_resumed_session_are_merged_or_in_conflict_where_the_tree_moved(opened, repository):
    session = await twice(opened)
    await session.close()
    (repository / "calc.py").write_text(CALC.replace("left - right", "right - left"))
    (repository / "more.py").write_text("more = 1\n")
    again = await opened(session)
    review, drifted = await again.review()
    assert {one.path: one.how for one in drifted.moved} == {"calc.py": "conflict", "more.py": "same"}
    (file,) = review.files
    assert "same lines" in file.conflict
    with pytest.raises(ValueError, match="conflict"):
        accepted(review)
    await told(again.turn("settle it"))
    assert "calc.py (conflict)" in json.dumps(worked(again)[-1]["input"][-1])
    assert (repository / "calc.py").read_text() == CALC.replace("left - right", "right - left")


async def test_decisions_stay_with_hunks_that_are_the_same_and_evidence_says_what_it_is_of(opened):
    session = await twice(opened)
    review = accepted((await session.review())[0])
    assert not evidence_for(review)[1]
    await session.rewind(session.prompts()[1].snapshot)
    again, _ = await session.review(review)
    assert again.accepted == tuple(hunk.id for hunk in again.files[0].hunks)
    assert [file.path for file in again.files] == ["calc.py"]
    evidence, fresh = evidence_for(again)
    assert (evidence.command, fresh) == ("python3 -m unittest -q", True)


async def test_a_fork_goes_on_by_itself_and_the_old_session_stays(opened, repository):
    session = await twice(opened)
    id = await session.fork(session.prompts()[1].snapshot)
    await told(session.turn("on the old way"))
    assert await staged(session) == ["calc.py", "more.py"]
    state = session.settings.state_dir
    known = {one.id: one for one in sessions.sessions(state)}
    assert known[id].forked == session.opened.session
    assert (known[id].usd, known[id].prompts) == (0.0, 1)
    await session.close()
    fork = await opened(session, id=id)
    assert fork.opened.session == id
    assert [event.text for event in of(Forked, fork.past.events)] == ["and more"]
    assert await staged(fork) == ["calc.py"]
    assert [prompt.text for prompt in fork.prompts()] == ["fix it"]
    events = await told(fork.turn("on the new way"))
    request = worked(fork)[-1]
    assert request["prompt_cache_key"] == id
    assert "and more" not in json.dumps(request["input"])
    assert "fix it" in json.dumps(request["input"])
    bills = of(Billed, events)
    assert bills[-1].total == pytest.approx(sum(bill.usd for bill in bills))
    assert read(fork.record).heading.forked == session.opened.session
    await fork.rewind(fork.prompts()[0].snapshot)
    assert await staged(fork) == []
    await fork.close()
    sessions.delete(state, known[id])
    again = await opened(session)
    assert await staged(again) == ["calc.py", "more.py"]


async def test_a_fork_of_the_present_has_all_of_it(opened):
    session = await twice(opened)
    id = await session.fork()
    await session.close()
    fork = await opened(session, id=id)
    assert await staged(fork) == ["calc.py", "more.py"]
    assert [prompt.text for prompt in fork.prompts()] == ["fix it", "and more"]
    await told(fork.turn("go on"))
    assert "And more." in json.dumps(worked(fork)[-1]["input"])


async def test_what_landed_before_a_fork_is_counted_once(opened):
    session = await twice(opened)
    review, _ = await session.review()
    await session.land(accepted(review))
    id = await session.fork()
    known = {one.id: one.landed for one in sessions.sessions(session.settings.state_dir)}
    assert known == {session.opened.session: 2, id: 0}
    assert of(Landed, read(sessions.record_path(session.settings.state_dir, id)).events)


async def test_going_back_that_was_interrupted_is_finished_at_the_next_start(opened, monkeypatch):
    session = await twice(opened)
    point = session.prompts()[1].snapshot

    def killed() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(session._bench.performer.stage, "rebase", killed)
        await session.rewind(point)
    await session.close()
    assert not of(Rewound, read(session.record).events)
    again = await opened(session)
    assert await staged(again) == ["calc.py"]
    assert [prompt.text for prompt in again.prompts()] == ["fix it"]
    assert of(Rewound, read(again.record).events)[0].text == "and more"
    assert album.going(sessions.album_path(again.settings.state_dir, again.opened.session)) == ""


async def test_where_nothing_is_kept_the_session_cannot_go_and_says_so(opened):
    session = await twice(opened)
    with pytest.raises(UsageError, match="not kept") as caught:
        await session.rewind("99")
    assert caught.value.hint
    album.erase(sessions.album_path(session.settings.state_dir, session.opened.session))
    assert session.prompts() == ()
    assert await staged(session) == ["calc.py", "more.py"]


async def test_snapshots_outlive_a_stage_without_changes_and_go_with_the_session(opened):
    session = await twice(opened)
    review, _ = await session.review()
    await session.land(accepted(review))
    await session.close()
    state, id = session.settings.state_dir, session.opened.session
    assert not sessions.stage_home(state, session.opened.root, id).exists()
    again = await opened(session)
    rewound = await again.rewind(again.prompts()[0].snapshot)
    assert rewound.landed == ("calc.py", "more.py")
    await again.close()
    sessions.delete(state, next(one for one in sessions.sessions(state) if one.id == id))
    assert list((state / "sessions").iterdir()) == []


async def test_the_snapshots_of_what_nobody_comes_back_to_are_not_kept(opened):
    session = await twice(opened)
    await session.close(keep=False)
    assert not sessions.album_path(session.settings.state_dir, session.opened.session).exists()


async def test_after_compaction_the_model_has_seen_what_it_had_seen_before_it(opened):
    long = '[[worker]]\nshell = "seq 4000"\n' * 8
    session = await opened(long + '[[worker]]\nsay = "Long."\n[[worker]]\nsay = "Done."\n[[worker]]\nsay = "More."\n')
    await told(session.turn("count"))
    await told(session.turn("next"))
    point = session.prompts()[1]
    before = session._bench.transcript.items
    await told(session.compact())
    assert session._bench.transcript.items != before
    await session.rewind(point.snapshot)
    assert session._bench.transcript.items == before[:-2]
