"""What was approved is carried out on the stage, and told in a form that is decoded, redacted and cut."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from assent_core.consent.gate import Answer, Gate
from assent_core.errors import PatchMistake
from assent_core.events import Performed, Printed, Proposed
from assent_core.logs.reading import Lines
from assent_core.proposals import Patch, Read, Search
from assent_core.redaction.redactor import Redactor
from assent_sandbox.policy import Limits
from assent_sandbox.stage import StageError
from rehearsed import Said, git, of, told, worked

SMALL = Limits(output=100_000)


async def performed(opened, *calls: str, user: Said | None = None, root=None, **choices: object) -> list[Performed]:
    script = "".join(f"[[worker]]\n{call}\n" for call in calls) + '[[worker]]\nsay = "Done."\n'
    session = await (opened(script, user, root, **choices) if root else opened(script, user, **choices))
    events = await told(session.turn("go"))
    assert events[-1].how == "done"
    return of(Performed, events)


async def test_a_window_of_lines_is_numbered_and_says_what_is_left_out(opened, repository):
    (repository / "long.txt").write_text("".join(f"line {n}\n" for n in range(1, 51)))
    (one,) = await performed(opened, 'read = { path = "long.txt", start = 10, lines = 2 }')
    assert one.told.splitlines() == ["   10 line 10", "   11 line 11", "[lines 10-11 of 50]"]


async def test_a_window_past_the_end_says_how_long_the_file_is(opened, repository):
    (one,) = await performed(opened, 'read = { path = "calc.py", start = 99, lines = 2 }')
    assert (one.ok, "has 2 lines" in one.told) == (False, True)


async def test_a_folder_is_listed(opened, repository):
    (repository / "sub").mkdir()
    (repository / "sub" / "x").write_text("x")
    (one,) = await performed(opened, 'read = { path = ".", start = 1, lines = 9 }')
    assert {"sub/", "calc.py"} <= set(one.told.splitlines())


async def test_what_cannot_be_read_as_text_says_what_it_is(opened, repository, tmp_path):
    (repository / "binary").write_bytes(b"\0\1\2")
    (repository / "link").symlink_to("calc.py")
    results = await performed(opened, 'read = "binary"', 'read = "link"', 'read = "missing"')
    assert [result.ok for result in results] == [False, False, False]
    binary, link, missing = (result.told for result in results)
    assert "binary file of 3 bytes" in binary
    assert "symbolic link to calc.py" in link
    assert "no file missing" in missing


async def test_a_link_out_of_the_tree_is_not_followed(opened, repository, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("do not read")
    (repository / "out").symlink_to(tmp_path / "secret")
    (one,) = await performed(opened, 'read = "out/key"')
    assert not one.ok
    assert "do not read" not in one.told


async def test_an_image_goes_to_the_model_as_an_image(opened, repository):
    (repository / "shot.png").write_bytes(b"\x89PNG not really")
    script = '[[worker]]\nread = "shot.png"\n[[worker]]\nsay = "Seen."\n'
    session = await opened(script)
    await told(session.turn("look"))
    assert "data:image/png;base64," in str(worked(session)[-1]["input"][-1])


async def test_a_search_finds_lines_and_says_when_there_are_none(opened):
    found, nothing = await performed(opened, 'search = "left - right"', 'search = "no such text"')
    assert "calc.py" in found.told
    assert (nothing.ok, nothing.told) == (True, "Nothing matches.")


async def test_a_search_of_a_secret_needs_consent_and_then_sees_it(opened, repository):
    (repository / ".env").write_text("COLOUR=teal\n")
    user = Said(Answer(True))
    (one,) = await performed(opened, 'search = { pattern = "COLOUR", path = ".env" }', user=user)
    assert user.questions[0].reach[0].kind == "secret"
    assert "teal" in one.told


async def test_a_patch_by_an_absolute_path_in_the_repository_is_understood(opened, repository):
    patch = f"*** Begin Patch\\n*** Add File: {repository}/new.txt\\n+hello\\n*** End Patch"
    (one,) = await performed(opened, f'patch = "{patch}"')
    assert (one.ok, one.paths) == (True, ("new.txt",))
    assert not (repository / "new.txt").exists()


async def test_a_patch_over_a_folder_is_a_mistake_that_stages_nothing(opened, repository):
    (repository / "sub").mkdir()
    (repository / "sub" / "x").write_text("x")
    patch = "*** Begin Patch\\n*** Add File: other\\n+x\\n*** Add File: sub\\n+x\\n*** End Patch"
    (one,) = await performed(opened, f'patch = "{patch}"')
    assert (one.ok, one.paths) == (False, ())


async def test_a_patch_out_of_the_repository_is_a_mistake(opened, tmp_path):
    patch = "*** Begin Patch\\n*** Add File: ../outside.txt\\n+x\\n*** End Patch"
    (one,) = await performed(opened, f'patch = "{patch}"')
    assert not one.ok
    assert not (tmp_path / "outside.txt").exists()


async def test_a_command_in_a_folder_that_is_missing_is_told_and_not_run(opened):
    (one,) = await performed(opened, 'shell = { command = "pwd", workdir = "nowhere" }')
    assert not one.ok
    assert "nowhere" in one.told


async def test_a_command_that_takes_too_long_is_ended_and_says_so(opened):
    for seconds in (1, 5, 25):
        (one,) = await performed(
            opened, f'shell = {{ command = "echo begun; sleep 600", timeout_seconds = {seconds} }}'
        )
        assert (one.code, "ended by: time" in one.told) == (124, True)
        if "begun" in one.told:
            break
    assert "begun" in one.told


async def test_long_output_keeps_head_and_tail_and_says_what_is_cut(opened):
    (one,) = await performed(opened, 'shell = "seq 1 100000"')
    assert len(one.told) < 45_000
    assert "\n1\n2\n" in one.told
    assert "100000" in one.told[-100:]
    assert "cut" in one.told


async def test_a_secret_value_is_redacted_in_what_is_printed_and_told(opened, repository):
    (repository / ".env").write_text("API_TOKEN=hunter2hunter2\n")
    script = '[[worker]]\nshell = "printf hunter2; sleep 0.2; echo hunter2"\n[[worker]]\nsay = "Done."\n'
    session = await opened(script)
    events = await told(session.turn("go"))
    printed = "".join(event.text for event in of(Printed, events))
    assert "hunter2hunter2" not in printed + of(Performed, events)[0].told
    assert "[redacted]" in printed
    assert "hunter2hunter2" not in str(session.rehearsal.requests)


async def test_both_streams_are_told_apart(opened):
    session = await opened("")
    events = await told(session.run(("sh", "-c", "echo out; echo err >&2")))
    assert {(event.stream, event.text) for event in of(Printed, events)} == {("stdout", "out\n"), ("stderr", "err\n")}
    assert len(of(Proposed, events)) == 1


def test_lines_come_whole_and_a_character_is_never_cut():
    lines = Lines(Redactor(["top secret"]))
    assert lines.feed("é".encode()[:1]) == ""
    assert lines.feed("é".encode()[1:] + b" top sec") == ""
    assert lines.feed(b"ret\nrest") == "é [redacted]\n"
    assert lines.end() == "rest"


LOUD = """
import sys
for n in range(60_000):
    print(f"step {n} of the work is going on as usual, nothing to see here, item {n * 7}")
    if n == 30_000:
        print("src/deep.c:7:3: error: lost in the middle of it all")
sys.exit("fatal: gave up")
"""


async def test_what_was_extracted_stands_before_head_and_tail_and_the_rest_can_be_read_by_window(opened, repository):
    (repository / "loud.py").write_text(LOUD.replace("60_000", "9_000").replace("30_000", "4_500"))
    ran, window = await performed(
        opened, 'shell = "python3 loud.py"', 'read = { path = "log:1", start = 4502, lines = 1 }'
    )
    extracted, _, shown = ran.told.partition("\noutput:\n")
    assert "src/deep.c:7:3: error: lost in the middle of it all" in extracted
    assert "lost in the middle" not in shown
    assert "cut here" in shown
    assert "log:1" in extracted
    assert len(ran.told) < 41_000
    assert window.told == " 4502 src/deep.c:7:3: error: lost in the middle of it all\n[lines 4502-4502 of 9002]"


async def test_a_kept_output_holds_no_secret(opened, repository):
    (repository / ".env.example").write_text("")
    session = await opened(
        '[[worker]]\nshell = "echo sk-proj-%s"\n[[worker]]\nread = "log:1"\n[[worker]]\nsay = "Done."\n' % ("a1" * 20)
    )
    events = await told(session.turn("go"))
    assert [one.told.count("a1a1") for one in of(Performed, events)] == [0, 0]
    assert "[redacted]" in of(Performed, events)[1].told


async def test_repetition_is_folded_for_the_model_and_can_be_read_whole(opened):
    ran, window = await performed(
        opened,
        'shell = "for i in $(seq 300); do echo waiting; done; exit 3"',
        'read = { path = "log:1", start = 299, lines = 9 }',
    )
    assert "[... the line above 299 more times ...]" in ran.told
    assert window.told == "  299 waiting\n  300 waiting\n[lines 299-300 of 300]"


LONG = """
import sys
for number in range(30_000):
    print(f"[{number:07}] quiet work on one of very many things")
    if number == 15_000:
        print("src/widget.c:4711:12: error: expected ';' before 'return'")
sys.exit(2)
"""


async def test_an_error_in_the_middle_of_a_long_output_is_found_and_can_be_read_where_it_stands(opened, repository):
    (repository / "long.py").write_text(LONG)
    ran, window = await performed(
        opened, 'shell = "python3 long.py"', 'read = { path = "log:1", start = 15002, lines = 2 }', limits=SMALL
    )
    assert "src/widget.c:4711:12: error: expected ';' before 'return'" in ran.told
    assert "the first error is at line 15002" in ran.told
    assert "the whole output: `read` with path log:1" in ran.told
    assert window.told.splitlines() == [
        "15002 src/widget.c:4711:12: error: expected ';' before 'return'",
        "15003 [0015001] quiet work on one of very many things",
        "[lines 15002-15003 of 30001]",
    ]


async def test_a_secret_in_the_middle_of_a_long_output_is_in_no_window(opened, repository, tmp_path):
    key = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG\n" * 60 + "-----END PRIVATE KEY-----\n"
    (repository / "said").write_text(f"{'x' * 50}\n{key}" * 600)
    (ran,) = await performed(opened, 'shell = "cat said"', limits=SMALL)
    assert "MIIEvQ" not in ran.told
    kept: dict[Path, bytes] = {}
    for path in (path for path in (tmp_path / "state").rglob("*") if not path.is_dir()):
        with suppress(FileNotFoundError):  # the accounts' own files come and go beside the turn
            kept[path] = path.read_bytes()
    assert [path for path, data in kept.items() if b"MIIEvQ" in data] == []
    assert any(data.count(b"x" * 50) == 600 for data in kept.values())


async def test_the_password_of_a_remote_reaches_neither_model_nor_record_whole_or_alone(opened, repository, tmp_path):
    git(repository, "config", "remote.origin.url", "https://ada:en%20gine-1843@example.org/x.git")
    command = "git remote -v; cat .git/config; git config remote.origin.url | sed s,.*ada:,is:,"
    (one,) = await performed(opened, f"shell = '{command}'")
    assert one.told.count("[redacted]") >= 3 and "example.org" in one.told
    kept = [path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert not any(b"gine-1843" in each for each in (*kept, one.told.encode()))


MOVED = "*** Begin Patch\\n*** Update File: .env\\u00a0\\n*** Move to: plain.txt\\n*** End Patch"


async def test_a_secret_is_not_moved_to_a_plain_name_without_a_question(opened, repository):
    (repository / ".env").write_text("COLOUR=teal\n")
    user = Said(Answer(False))
    (read,) = await performed(opened, f'patch = "{MOVED}"', 'read = "plain.txt"', user=user)
    assert [question.reach[0].target for question in user.questions] == [".env"]
    assert "teal" not in read.told


@pytest.mark.parametrize("call", ['read = "notes.txt"', 'search = { pattern = "COLOUR", path = "notes.txt" }'])
async def test_a_link_to_a_secret_that_is_put_in_the_way_after_the_decision_is_not_opened(
    opened, repository, monkeypatch, call
):
    (repository / ".env").write_text("COLOUR=teal\n")
    (repository / "notes.txt").write_text("COLOUR=red\n")
    decide = Gate.decide

    async def decided(self, id, proposal, reach, *more):
        decision = await decide(self, id, proposal, reach, *more)
        (repository / "notes.txt").unlink()
        (repository / "notes.txt").symlink_to(".env")
        return decision

    monkeypatch.setattr(Gate, "decide", decided)
    (one,) = await performed(opened, call)
    assert not one.ok and "not part of what was approved" in one.told


async def test_nothing_is_performed_beyond_the_approved_reach(opened, repository):
    (repository / ".env").write_text("COLOUR=teal\n")
    session = await opened('[[worker]]\nsay = "Done."\n')
    patch = "*** Begin Patch\n*** Update File: .env\n*** Move to: plain.txt\n*** End Patch\n"
    for proposal in (Patch(text=patch), Read(path=".env"), Search(pattern="C", path=".env")):
        approved = await session._bench.gate.decide("x", proposal, ())
        with pytest.raises((StageError, PatchMistake), match="not part of what was approved"):
            async for _ in session._bench.performer.perform("x", approved):
                pass
    assert session._bench.performer.stage.read("plain.txt") is None


async def test_a_file_outside_that_is_swapped_after_the_consent_is_not_read(opened, repository, tmp_path, monkeypatch):
    notes = tmp_path / "notes.txt"
    notes.write_text("red")
    (tmp_path / "other.txt").write_text("teal")
    decide = Gate.decide

    async def decided(self, *given):
        decision = await decide(self, *given)
        (tmp_path / "other.txt").replace(notes)
        return decision

    monkeypatch.setattr(Gate, "decide", decided)
    (one,) = await performed(opened, f'read = "{notes}"', user=Said(Answer(True)))
    assert not one.ok and "teal" not in one.told


async def test_a_pipe_outside_is_told_and_keeps_nobody_waiting(opened, repository, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (one,) = await performed(opened, f'read = "{tmp_path}/pipe"', user=Said(Answer(True)))
    assert not one.ok and "no regular file" in one.told


async def test_a_script_that_was_edited_asks_again_although_the_session_allowed_it(opened, repository, tmp_path):
    (repository / "deploy.sh").write_text("cat /etc/hostname\n")
    call = '[[worker]]\nshell = { command = "sh deploy.sh", needs = [{ kind = "read", target = "/srv" }] }\n'
    patch = "*** Begin Patch\\n*** Update File: deploy.sh\\n@@\\n-cat /etc/hostname\\n+ls /srv\\n*** End Patch"
    user = Said(Answer(True, "session"), Answer(False))
    script = f'{call}{call}[[worker]]\npatch = "{patch}"\n{call}[[worker]]\nsay = "Done."\n'
    session = await opened(script, user)
    events = await told(session.turn("go"))
    assert [one.ok for one in of(Performed, events)] == [True, True, True]
    assert len(user.questions) == 2
    assert "while deploy.sh stays as it is" in dict(user.questions[1].scopes)["session"]
