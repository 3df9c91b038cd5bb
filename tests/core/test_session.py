"""A prompt becomes a staged change, decided by the hunk, landed and taken back; over a real stage and real HTTP."""

import itertools
import json
from contextlib import aclosing

import pytest

from assent_core.consent.gate import Answer
from assent_core.diffs.review import decide, evidence_for, outcomes
from assent_core.errors import LandingRefused, UsageError
from assent_core.events import (
    Billed,
    Decided,
    Digested,
    Ended,
    Landed,
    Mistaken,
    Opened,
    Performed,
    Printed,
    Proposed,
    Staged,
    Verified,
)
from assent_core.events import (
    Said as Spoken,
)
from assent_core.memory.past import Past
from assent_core.memory.record import read as read_record
from assent_core.proposals import Patch, Shell
from assent_core.settings import close_to_others
from rehearsed import CALC, CHECK, FIX, Said, git, hold_up_the_worker, of, told, tree, worked

EDIT = f"""
[[worker]]
patch = '''{FIX}'''
[[worker]]
shell = "python3 -m unittest -q"
[[worker]]
say = "Repaired: it added the wrong way."
"""


def all_hunks(review) -> tuple[str, ...]:
    return tuple(hunk.id for file in review.files for hunk in file.hunks)


async def test_a_turn_stages_a_change_and_leaves_the_real_tree_alone(opened, repository):
    session = await opened(EDIT)
    before = tree(repository)
    events = await told(session.turn("fix the failing test"))
    assert tree(repository) == before
    assert [type(event.proposal) for event in of(Proposed, events)] == [Patch, Shell]
    assert all(event.ok for event in of(Performed, events))
    assert of(Staged, events)[-1].paths == ("calc.py",)
    assert of(Spoken, events)[-1].text == "Repaired: it added the wrong way."
    assert (events[-1].how, events[-1].code) == ("done", 0)
    assert git(repository, "status", "--porcelain") == ""


async def test_what_is_accepted_lands_and_undo_takes_it_back_to_the_stage(opened, repository):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    review, drifted = await session.review()
    assert drifted is None
    landed = await session.land(decide(review, all_hunks(review), "accepted"))
    assert (landed.paths, landed.hunks, landed.left) == (("calc.py",), 1, 0)
    assert (repository / "calc.py").read_text() == CALC.replace("left - right", "left + right")
    assert (await session.review())[0].files == ()
    assert (await session.undo()).paths == ("calc.py",)
    assert (repository / "calc.py").read_text() == CALC
    again, _ = await session.review()
    assert [file.path for file in again.files] == ["calc.py"]


async def test_nothing_accepted_is_said_and_nothing_lands(opened, repository):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    review, _ = await session.review()
    with pytest.raises(UsageError, match="Nothing is accepted"):
        await session.land(review)
    assert (repository / "calc.py").read_text() == CALC


async def test_a_rejected_hunk_leaves_the_stage_and_its_reason_reaches_the_model(opened, repository):
    session = await opened(EDIT + '[[worker]]\nsay = "I see."\n')
    await told(session.turn("fix it"))
    review, _ = await session.review()
    rejected = decide(review, all_hunks(review), "rejected", "use sum()")
    from assent_core.diffs.review import message_to_model

    session.note_for_model(message_to_model(rejected))
    await told(session.turn("go on"))
    assert "use sum()" in json.dumps(worked(session)[-1]["input"][-1])


async def test_rejected_hunks_can_be_taken_off_the_stage_without_a_landing(opened, repository):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    review, _ = await session.review()
    assert await session.take_back(decide(review, all_hunks(review), "rejected", "no")) == 1
    assert (await session.review())[0].files == ()
    assert (repository / "calc.py").read_text() == CALC


async def test_a_real_file_that_changed_is_not_overwritten(opened, repository):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    review, _ = await session.review()
    (repository / "calc.py").write_text("# mine\n" + CALC)
    with pytest.raises(LandingRefused):
        await session.land(decide(review, all_hunks(review), "accepted"))
    assert (repository / "calc.py").read_text() == "# mine\n" + CALC
    again, drifted = await session.review(review)
    assert [moved.how for moved in drifted.moved] == ["merged"]
    await session.land(decide(again, all_hunks(again), "accepted"))
    assert (repository / "calc.py").read_text() == "# mine\n" + CALC.replace("-", "+")


async def test_a_branch_switched_meanwhile_is_merged_or_shown_as_a_conflict(opened, repository):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    git(repository, "checkout", "-q", "-b", "other")
    (repository / "calc.py").write_text(CALC.replace("left - right", "right - left"))
    git(repository, "commit", "-q", "-am", "other way round")
    review, drifted = await session.review()
    assert [moved.how for moved in drifted.moved] == ["conflict"]
    with pytest.raises(ValueError, match="conflict"):
        decide(review, all_hunks(review), "accepted")
    assert "right - left" in (repository / "calc.py").read_text()


async def test_a_network_denial_is_told_to_the_model_and_to_the_user(opened):
    command = "python3 -c 'import socket; socket.create_connection((\\\"192.0.2.1\\\", 80), 3)'"
    session = await opened(f'[[worker]]\nshell = "{command}"\n[[worker]]\nsay = "No network."\n')
    events = await told(session.turn("call home"))
    (performed,) = of(Performed, events)
    assert [(denial.kind, denial.certainty) for denial in performed.denials] == [("network", "sure")]
    refusal = of(Decided, events)[-1]
    assert (refusal.allowed, refusal.by) == (False, "nobody")
    output = worked(session)[-1]["input"][-1]["output"]
    assert "denied: network" in json.dumps(output)
    lines = read_record(session.record).lines
    assert any(isinstance(line.what, Decided) and not line.what.allowed for line in lines)


async def test_a_user_who_says_no_with_a_reason_tells_the_model(opened):
    script = """
    [[worker]]
    call = { name = "shell", arguments = { command = "cat /etc/hostname", needs = [{ kind = "network", target = "" }] } }
    [[worker]]
    say = "As you wish."
    """
    user = Said(Answer(False, reason="work offline"))
    session = await opened(script, user)
    events = await told(session.turn("go"))
    assert user.questions[0].reach[0].kind == "network"
    assert not of(Performed, events)
    assert "work offline" in json.dumps(worked(session)[-1]["input"][-1])


async def test_a_yes_lets_exactly_that_happen(opened, repository, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("from outside\n")
    script = f'[[worker]]\nread = "{outside}"\n[[worker]]\nsay = "Read."\n'
    user = Said(Answer(True))
    session = await opened(script, user)
    events = await told(session.turn("read it"))
    assert user.questions[0].reach[0].target == str(outside)
    assert "from outside" in of(Performed, events)[0].told


async def test_wrong_calls_are_told_to_the_model_and_the_turn_goes_on(opened):
    script = """
    [[worker]]
    call = { name = "shel", arguments = { command = "ls" } }
    [[worker]]
    call = { name = "shell", arguments = "{broken" }
    [[worker]]
    patch = "*** Begin Patch\\n*** Update File: calc.py\\n@@\\n-nowhere\\n+here\\n*** End Patch"
    [[worker]]
    say = "Sorry."
    """
    session = await opened(script)
    events = await told(session.turn("go"))
    assert [event.tool for event in of(Mistaken, events)] == ["shel", "shell"]
    (patched,) = of(Performed, events)
    assert not patched.ok
    assert "calc.py" in patched.told
    assert events[-1].how == "done"


async def test_each_request_extends_the_one_before(opened):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    worker = [request for request in session.rehearsal.requests if request.get("tools")]
    for earlier, later in itertools.pairwise(worker):
        assert later["input"][: len(earlier["input"])] == earlier["input"]
        assert (later["instructions"], later["tools"]) == (earlier["instructions"], earlier["tools"])


async def test_interrupting_keeps_the_stage_and_the_next_turn_goes_on(opened):
    script = f"""
    [[worker]]
    patch = '''{FIX}'''
    [[worker]]
    shell = "sleep 60"
    [[worker]]
    say = "Going on."
    """
    session = await opened(script)
    async with aclosing(session.turn("go")) as events:
        async for event in events:
            if isinstance(event, Decided) and event.id and session.rehearsal.requests[1:]:
                break
    assert [file.path for file in (await session.review())[0].files] == ["calc.py"]
    assert read_record(session.record).lines[-1].what.how == "interrupted"
    events = await told(session.turn("go on"))
    assert of(Spoken, events)[-1].text == "Going on."


async def test_only_one_thing_runs_at_a_time(opened):
    session = await opened('[[worker]]\nsay = "x"\n')
    async with aclosing(session.turn("one")) as events:
        await anext(events)
        with pytest.raises(UsageError, match="still running"):
            await told(session.turn("two"))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("{ status = 401 }", "key"),
        ('{ status = 429, code = "insufficient_quota" }', "credit|quota"),
        ('{ status = 400, code = "context_length_exceeded" }', "context|larger"),
        ("{ html = true }", "event stream"),
    ],
)
async def test_a_service_that_fails_ends_the_turn_with_a_hint_and_keeps_the_stage(opened, fault, words):
    session = await opened(f"[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nfault = {fault}\n")
    events = await told(session.turn("go"))
    assert (events[-1].how, events[-1].code) == ("failed", 6)
    import re

    assert re.search(words, events[-1].message + events[-1].hint, re.IGNORECASE)
    assert events[-1].hint
    assert len((await session.review())[0].files) == 1


async def test_a_stream_cut_in_the_middle_repeats_no_tool_call(opened):
    script = """
    [[worker]]
    shell = "echo once >> log.txt"
    fault = { cut_after = -1 }
    [[worker]]
    say = "Done."
    """
    session = await opened(script)
    await told(session.turn("go"))
    (file,) = (await session.review())[0].files
    assert file.after.data == b"once\n"


async def test_the_scout_digests_a_failure_beside_the_turn_and_is_billed_apart(opened, monkeypatch):
    script = """
    [[worker]]
    shell = "python3 -m unittest -q"
    [[worker]]
    say = "Seen."
    [[scout]]
    json = { failure = "test", lines = ["add subtracts"], shown_by = "AssertionError: 0 != 4" }
    """
    session = await opened(script)
    hold_up_the_worker(monkeypatch, session, "scout_digest", 2)
    events = await told(session.turn("look"))
    assert [event.digest.source for event in of(Digested, events)] == ["rules", "scout"]
    assert of(Digested, events)[-1].digest.lines == ("add subtracts",)
    assert {event.role for event in of(Billed, events)} == {"worker", "scout"}
    assert of(Billed, events)[-1].scout > 0


async def test_a_scout_that_never_answers_holds_nothing_up(opened):
    script = """
    [[worker]]
    shell = "false"
    [[worker]]
    say = "Seen."
    [[scout]]
    latency = 60
    json = { failure = "test", lines = [], shown_by = "" }
    """
    session = await opened(script)
    events = await told(session.turn("look"))
    assert [event.digest.source for event in of(Digested, events)] == ["rules"]
    assert events[-1].how == "done"


async def test_the_users_own_command_runs_on_the_stage_without_a_question(opened, repository):
    session = await opened("")
    before = tree(repository)
    events = await told(session.run(("sh", "-c", "rm -rf *; echo x > new; echo said; exit 3")))
    assert tree(repository) == before
    assert "".join(event.text for event in of(Printed, events)) == "said\n"
    assert of(Performed, events)[0].code == 3
    assert of(Staged, events)[-1].paths == ("calc.py", "new", "test_calc.py")
    assert session.rehearsal.requests == []


async def test_evidence_is_fresh_for_exactly_what_was_run_and_stale_for_less(opened):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    events = await told(session.run(CHECK))
    assert of(Verified, events)[0].evidence.code == 0
    review, _ = await session.review()
    accepted = decide(review, all_hunks(review), "accepted")
    assert evidence_for(accepted)[1]
    assert not evidence_for(review)[1]


async def test_a_command_that_checks_nothing_is_no_evidence(opened):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    earlier = (await session.review())[0].evidence
    for command in (("ls",), ("cat", "calc.py"), ("sh", "-c", "python3 -m unittest || true")):
        assert not of(Verified, await told(session.run(command)))
    assert (await session.review())[0].evidence == earlier


async def test_a_log_that_the_worker_only_shows_is_no_evidence(opened, repository):
    (repository / "old.log").write_text("Ran 3 tests in 0.1s\n\nOK\n")
    session = await opened('[[worker]]\nshell = "cat old.log"\n[[worker]]\nsay = "All pass."\n')
    assert not of(Verified, await told(session.turn("look")))


async def test_evidence_of_a_stage_where_ignored_files_differ_is_in_doubt_until_it_is_verified(opened, repository):
    (repository / ".gitignore").write_text("*.local\n")
    session = await opened(f'[[worker]]\npatch = """{FIX}"""\n[[worker]]\nsay = \'Repaired.\'\n')
    await told(session.turn("fix it"))
    await told(session.run(("sh", "-c", "touch x.local")))
    (seen,) = of(Verified, await told(session.run(CHECK)))
    assert (seen.evidence.code, seen.evidence.aside, seen.evidence.passed) == (0, ("x.local",), False)
    review = decide((await session.review())[0], all_hunks((await session.review())[0]), "accepted")
    assert evidence_for(review) == (seen.evidence, True)
    await told(session.verify(review, CHECK))
    renewed, _ = await session.review(review)
    found, fresh = evidence_for(renewed)
    assert (found.passed, fresh) == (True, True)


async def test_new_files_of_a_check_are_by_products_until_something_else_writes_them(opened, repository):
    (repository / "test_more.py").write_text("open('more.log', 'w').write('x')\n")
    session = await opened('[[worker]]\nshell = "echo y >more.log"\n[[worker]]\nsay = "Kept."\n')
    await told(session.run(CHECK))
    (file,) = (await session.review())[0].files
    assert (file.path, file.is_byproduct) == ("more.log", True)
    assert Past(read_record(session.record).events).byproducts == {"more.log"}
    await told(session.turn("keep the log"))
    (file,) = (await session.review())[0].files
    assert (file.path, file.is_byproduct) == ("more.log", False)
    assert Past(read_record(session.record).events).byproducts == set()


async def test_tests_that_the_worker_ran_are_evidence_too(opened):
    session = await opened(EDIT)
    events = await told(session.turn("fix it"))
    (verified,) = of(Verified, events)
    assert (verified.evidence.command, verified.evidence.code) == ("python3 -m unittest -q", 0)
    review, _ = await session.review()
    assert evidence_for(decide(review, all_hunks(review), "accepted")) == (verified.evidence, True)


async def test_verifying_a_selection_runs_it_on_the_real_tree_plus_the_selection(opened, repository):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    review, _ = await session.review()
    failed = await told(session.verify(review, CHECK))
    assert of(Verified, failed)[0].evidence.code == 1
    accepted = decide(review, all_hunks(review), "accepted")
    passed = await told(session.verify(accepted, CHECK))
    assert of(Verified, passed)[0].evidence.code == 0
    renewed, _ = await session.review(accepted)
    assert evidence_for(renewed)[1]
    assert outcomes(renewed)[0].landed == renewed.files[0].after


async def test_the_key_is_in_no_record_request_or_event(opened, monkeypatch):
    session = await opened('[[worker]]\nshell = "env; echo sk-test-not-a-real-key-0123456789"\n[[worker]]\nsay = "x"\n')
    events = await told(session.turn("go"))
    bodies = json.dumps(session.rehearsal.requests)
    for text in (repr(events[3:]), session.record.read_text(), bodies):
        assert "sk-test-not-a-real-key" not in text.replace("echo sk-test-not-a-real-key-0123456789", "")


async def test_a_session_that_opens_says_where_it_is(opened, repository):
    session = await opened("")
    assert session.opened == Opened(
        session=session.opened.session,
        root=str(repository),
        tier=session.opened.tier,
        branch="main",
        worker="gpt-5.4-mini",
        scout="gpt-5.4-nano",
    )


async def test_a_budget_stops_the_work_and_keeps_what_is_staged(opened):
    session = await opened(EDIT, budget=0.000001)
    events = await told(session.turn("fix it"))
    assert (events[-1].how, events[-1].code) == ("budget", 4)
    assert len((await session.review())[0].files) == 1


async def test_landing_and_ending_are_in_the_record(opened):
    session = await opened(EDIT)
    await told(session.turn("fix it"))
    review, _ = await session.review()
    await session.land(decide(review, all_hunks(review), "accepted"))
    kinds = [type(line.what) for line in read_record(session.record).lines]
    assert kinds[0] is Opened
    assert kinds[-2:] == [Ended, Landed]


async def test_the_folders_of_state_are_for_their_owner_alone_also_those_of_an_earlier_version(opened, tmp_path):
    state = tmp_path / "state"
    (state / "stages").mkdir(parents=True)
    for folder in (state, state / "stages"):
        folder.chmod(0o755)
    await opened('[[worker]]\nsay = "Done."\n')
    assert (state.stat().st_mode & 0o777, (state / "stages").stat().st_mode & 0o777) == (0o700, 0o700)


def test_a_folder_that_others_share_is_not_closed_to_them(tmp_path):
    tmp_path.chmod(0o755)
    close_to_others(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    close_to_others(tmp_path / "new" / "state")
    assert (tmp_path / "new" / "state").stat().st_mode & 0o777 == 0o700
