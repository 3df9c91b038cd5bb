"""The fix loop runs, repairs, runs again, and says truthfully how it ended."""

from contextlib import aclosing

from assent_core.diffs.review import decide, evidence_for, to_accept
from assent_core.events import Asked, Ended, Noticed, Performed, Verified
from assent_core.memory import sessions
from rehearsed import CHECK, FIX, of, told, tree, worked

REPAIR = f"""
[[worker]]
read = "calc.py"
[[worker]]
patch = '''{FIX}'''
[[worker]]
shell = "python3 -m unittest -q"
[[worker]]
say = "It added the wrong way."
"""


async def test_a_failing_command_is_repaired_and_verified(opened, repository):
    session = await opened(REPAIR)
    before = tree(repository)
    events = await told(session.repair(CHECK))
    assert tree(repository) == before
    checks = [event for event in of(Performed, events) if event.id.startswith("check")]
    assert [event.code for event in checks] == [1, 0]
    broken, *repaired = (event.evidence for event in of(Verified, events))
    assert (broken.code, [evidence.code for evidence in repaired]) == (1, [0, 0])
    assert repaired[-1].summary == "unittest: 1 failed, 0 passed -> unittest: 0 failed, 1 passed"
    assert {evidence.digest for evidence in repaired} == {repaired[0].digest} != {broken.digest}
    assert events[-1] == Ended(turn=1, how="done")


async def test_a_command_that_passes_asks_no_model(opened):
    session = await opened(REPAIR)
    events = await told(session.repair(("true",)))
    assert session.rehearsal.requests == []
    assert events[-1].code == 0


async def test_a_command_that_is_missing_is_the_environments_fault(opened):
    session = await opened(REPAIR)
    events = await told(session.repair(("no-such-command-here",)))
    assert (events[-1].how, events[-1].code) == ("environment", 5)
    assert session.rehearsal.requests == []


async def test_a_worker_who_does_not_mend_it_ends_with_one(opened, repository):
    session = await opened('[[worker]]\nsay = "I cannot."\nrepeat = true\n')
    events = await told(session.repair(("false",)))
    assert (events[-1].how, events[-1].code) == ("failed", 1)
    assert 1 < len(of(Asked, events)) < 10


async def test_a_limit_of_requests_ends_it_with_four(opened):
    session = await opened('[[worker]]\nshell = "true"\nrepeat = true\n')
    events = await told(session.repair(("false",), turns=3))
    assert (events[-1].how, events[-1].code) == ("budget", 4)
    assert len(of(Asked, events)) == 3


async def test_the_second_round_tells_the_worker_what_still_fails(opened):
    script = f"[[worker]]\nsay = \"Is it not fine?\"\n[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nsay = \"Now.\"\n"
    session = await opened(script)
    events = await told(session.repair(CHECK))
    assert events[-1].how == "done"
    assert "AssertionError" in str(worked(session)[1]["input"])


async def test_a_command_that_changes_files_itself_is_run_again_on_what_it_made(opened):
    session = await opened("")
    events = await told(session.repair(("sh", "-c", "echo '# made' > calc.py")))
    assert [event.text for event in of(Noticed, events)] == [
        "The command changed files itself, so it is run again on what it made."
    ]
    assert len({event.evidence.digest for event in of(Verified, events)}) == 2


async def test_caches_that_the_command_leaves_are_no_part_of_the_change(opened):
    session = await opened(REPAIR)
    await told(
        session.repair(("sh", "-c", "mkdir -p .pytest_cache && echo x > .pytest_cache/x; python3 -m unittest -q"))
    )
    assert [file.path for file in (await session.review())[0].files] == ["calc.py"]


async def test_a_repair_is_called_by_its_command_and_not_by_what_every_worker_is_told(opened):
    session = await opened(REPAIR)
    await told(session.repair(CHECK, "keep it short"))
    wanted = "Make this command succeed: python3 -m unittest -q"
    assert session.prompts()[0].text == f"{wanted}\nkeep it short"
    assert sessions.sessions(session.settings.state_dir)[0].title == f"{wanted} keep it short"
    assert "A command of mine fails." in str(worked(session)[0]["input"])


async def test_a_command_that_failed_and_passes_on_the_same_content_verifies_nothing(opened, repository):
    (repository / ".gitignore").write_text("vendor/\n")
    (repository / "vendor").mkdir()
    session = await opened('[[worker]]\nsay = "I changed nothing."\nrepeat = true\n')
    seen = []
    async with aclosing(session.repair(("test", "-e", "vendor/ready"))) as events:
        async for event in events:
            if isinstance(event, Verified):
                seen.append(event.evidence)
                (repository / "vendor/ready").touch()
    assert [evidence.code for evidence in seen] == [1, 0, 0]
    assert "failed before on the same content" in seen[-1].doubt
    assert not seen[-1].passed


async def test_what_the_worker_is_told_of_a_run_says_what_was_left_out(opened, repository):
    (repository / ".gitignore").write_text("*.local\n")
    script = '[[worker]]\nshell = "echo 2 >limit.local"\n[[worker]]\nsay = "Done."\nrepeat = true\n'
    session = await opened(script)
    await told(session.repair(("test", "-e", "limit.local")))
    asked = [str(request["input"][-1]) for request in worked(session)]
    assert any("fresh stage" in text and "Left out, since it does not land: limit.local" in text for text in asked)
    assert "fresh stage" not in asked[0]


async def test_what_a_command_changes_itself_on_a_fresh_stage_is_staged_and_run_again(opened, repository):
    script = '[[worker]]\nshell = "echo >wanted.txt"\n[[worker]]\nsay = "Done."\nrepeat = true\n'
    session = await opened(script)
    command = (
        "sh",
        "-c",
        "test -e wanted.txt && { grep -q made calc.py || echo '# made' >>calc.py; echo x >out.log; }",
    )
    events = await told(session.repair(command))
    assert events[-1].code == 0
    review, _ = await session.review()
    assert {file.path: file.is_byproduct for file in review.files} == {
        "calc.py": False,
        "out.log": True,
        "wanted.txt": False,
    }
    assert evidence_for(decide(review, to_accept(review), "accepted"))[0].passed
