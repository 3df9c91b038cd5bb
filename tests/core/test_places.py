"""The main job in unusual places and on unusual files: each works, or gets a message that says what to do."""

import subprocess
from functools import partial
from pathlib import Path

import pytest

from assent_core.assembly import open_session
from assent_core.consent.gate import Answer
from assent_core.diffs.review import decide, obstacle
from assent_core.errors import UsageError
from assent_core.events import Performed, Staged
from assent_core.settings import Settings
from assent_sandbox.policy import Widening
from assent_sandbox.tiers import open_stage
from rehearsed import CALC, FIX, TEST, Said, git, of, told, tree

REPAIR = f"""
[[worker]]
patch = '''{FIX}'''
[[worker]]
shell = "python3 -m unittest -q"
[[worker]]
say = "Repaired."
"""
MENDED = CALC.replace("left - right", "left + right")


def fill(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "calc.py").write_text(CALC)
    (root / "test_calc.py").write_text(TEST)
    return root


async def repaired(opened, root: Path) -> list:
    """One turn that patches and tests, everything accepted and landed."""
    session = await opened(REPAIR, None, root)
    events = await told(session.turn("fix it"))
    assert [event.ok for event in of(Performed, events)] == [True, True]
    assert (root / "calc.py").read_text() == CALC
    review, _ = await session.review()
    assert [file.path.rpartition("/")[2] for file in review.files] == ["calc.py"]
    await session.land(decide(review, tuple(hunk.id for file in review.files for hunk in file.hunks), "accepted"))
    assert (root / "calc.py").read_text() == MENDED
    return events


async def test_a_folder_without_git_works_with_a_notice(opened, tmp_path):
    root = fill(tmp_path / "plain")
    await repaired(opened, root)
    session = await opened("", None, root)
    assert any("git" in notice for notice in session.opened.notices)


async def test_an_empty_folder_can_be_filled(opened, tmp_path):
    root = tmp_path / "empty"
    root.mkdir()
    patch = "*** Begin Patch\\n*** Add File: deep/hello.py\\n+print(1)\\n*** End Patch"
    session = await opened(f'[[worker]]\npatch = "{patch}"\n[[worker]]\nsay = "x"\n', None, root)
    await told(session.turn("begin"))
    assert list(root.iterdir()) == []
    review, _ = await session.review()
    await session.land(decide(review, tuple(hunk.id for file in review.files for hunk in file.hunks), "accepted"))
    assert tree(root) == {"deep/hello.py": b"print(1)\n"}


async def test_a_repository_without_a_commit_works(opened, tmp_path):
    root = fill(tmp_path / "unborn")
    git(root, "init", "-q")
    await repaired(opened, root)


async def test_a_linked_worktree_works_and_git_inside_it_too(opened, repository, tmp_path):
    git(repository, "worktree", "add", "-q", str(tmp_path / "linked"))
    await repaired(opened, tmp_path / "linked")
    session = await opened(
        '[[worker]]\nshell = "git log --oneline"\n[[worker]]\nsay = "x"\n', None, tmp_path / "linked"
    )
    (log,) = of(Performed, await told(session.turn("look")))
    assert (log.code, "start" in log.told) == (0, True), log.told
    assert (repository / "calc.py").read_text() == CALC


async def test_files_beside_a_submodule_and_in_it_work(opened, repository, tmp_path):
    inner = fill(tmp_path / "inner")
    git(inner, "init", "-q", "-b", "main")
    git(inner, "add", "-A")
    git(inner, "commit", "-q", "-m", "inner")
    subprocess.run(
        ["git", "-C", str(repository), "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub"],
        check=True,
        capture_output=True,
    )
    await repaired(opened, repository)
    await repaired(opened, repository / "sub")


async def test_a_repository_that_is_the_home_directory_works(opened, tmp_path, monkeypatch):
    home = fill(tmp_path / "home")
    (home / ".ssh").mkdir()
    (home / ".ssh" / "id_ed25519").write_text("PRIVATE")
    monkeypatch.setenv("HOME", str(home))
    git(home, "init", "-q")
    git(home, "add", "calc.py", "test_calc.py")
    git(home, "commit", "-q", "-m", "start")
    await repaired(opened, home)
    session = await opened('[[worker]]\nshell = "cat .ssh/id_ed25519"\n[[worker]]\nsay = "x"\n', None, home)
    (stolen,) = of(Performed, await told(session.turn("look")))
    assert "PRIVATE" not in stolen.told
    assert stolen.denials


@pytest.mark.parametrize("tier", ["overlay", "copy"])
async def test_where_home_is_the_repository_keys_are_asked_for_and_our_own_are_never_read(
    opened, tmp_path, monkeypatch, tier
):
    home = fill(tmp_path / "home")
    for place in (".aws/credentials", "conf/keys/api.openai.com", "state/consent.jsonl"):
        (home / place).parent.mkdir(parents=True)
        (home / place).write_text("PRIVATE")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("ASSENT_CONFIG_DIR", str(home / "conf"))
    monkeypatch.setenv("ASSENT_STATE_DIR", str(home / "state"))
    monkeypatch.setattr("assent_core.assembly.open_stage", partial(open_stage, tier=tier))
    own = (
        "conf/keys/api.openai.com",
        "conf",
        "state/consent.jsonl",
        "conf/../state",
        str(home / "state" / "consent.jsonl"),
    )
    reads = "".join(f'[[worker]]\nread = "{path}"\n' for path in own)
    tried = (
        'search = {pattern = "PRIVATE"}',
        'search = {pattern = "PRIVATE", path = "conf"}',
        'shell = "grep -r PRIVATE ."',
    )
    script = reads + "".join(f"[[worker]]\n{each}\n" for each in tried) + '[[worker]]\nread = ".aws/credentials"\n'
    asked = Said(*[Answer(False)] * 2)
    session = await opened(f'{script}[[worker]]\nsay = "x"\n', asked, home)
    events = await told(session.turn("look"))
    performed = of(Performed, events)
    assert len(performed) == len(own) + len(tried)
    assert not any("PRIVATE" in each.told.replace("PRIVATE .", "") for each in performed), performed
    assert [each.ok for each in performed[: len(own)]] == [False] * len(own)
    wanted = {widening for question in asked.questions for widening in question.reach}
    assert (
        Widening("secret", ".aws/credentials")
        in wanted
        <= {Widening("secret", f".aws{end}") for end in ("", "/credentials")}
    )


async def test_a_mount_in_the_repository_lowers_the_tier_and_the_session_says_why(opened, repository):
    (repository / "data").mkdir()
    argv = ["mount", "-t", "tmpfs", "none", str(repository / "data")]
    if subprocess.run(argv, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        session = await opened("")
        assert session.opened.tier == "copy"
        (notice,) = [notice for notice in session.opened.notices if "mounted in this repository" in notice]
        assert "(data)" in notice
        assert "Unmount it" in notice
    finally:
        subprocess.run(["umount", str(repository / "data")], check=True)


async def test_a_repository_behind_a_link_lands_where_it_really_is(opened, repository, tmp_path):
    (tmp_path / "link").symlink_to(repository)
    await repaired(opened, tmp_path / "link")


async def test_starting_in_a_subfolder_runs_typed_commands_there(opened, repository):
    (repository / "sub").mkdir()
    (repository / "sub" / "here").write_text("x")
    git(repository, "add", "-A")
    session = await opened("", None, repository / "sub")
    events = await told(session.run(("ls",)))
    assert "here" in of(Performed, events)[0].told


@pytest.mark.parametrize(("name", "words"), [("missing", "no folder"), ("file", "is a file"), ("bare", "bare|no work")])
async def test_a_place_that_cannot_be_a_workspace_says_why(name, words, tmp_path):
    (tmp_path / "file").write_text("x")
    git(tmp_path, "init", "-q", "--bare", "bare")
    with pytest.raises(UsageError, match=words) as refusal:
        await open_session(tmp_path / name, Settings(state=str(tmp_path / "state")), model=False)
    assert refusal.value.hint


@pytest.mark.parametrize(
    ("before", "patched"),
    [
        (b"one\r\ntwo\r\nthree\r\n", b"one\r\nTWO\r\nthree\r\n"),
        (b"one\ntwo\nthree", b"one\nTWO\nthree"),
        (b"caf\xe9\ntwo\n\xff\n", b"caf\xe9\nTWO\n\xff\n"),
        (b"\xef\xbb\xbfone\ntwo\n", b"\xef\xbb\xbfone\nTWO\n"),
    ],
    ids=["crlf", "no final newline", "not utf-8", "byte order mark"],
)
async def test_the_bytes_that_were_not_edited_stay_as_they_are(opened, repository, before, patched):
    (repository / "text.txt").write_bytes(before)
    (repository / "text.txt").chmod(0o750)
    patch = "*** Begin Patch\\n*** Update File: text.txt\\n@@\\n-two\\n+TWO\\n*** End Patch"
    session = await opened(f'[[worker]]\npatch = "{patch}"\n[[worker]]\nsay = "x"\n')
    await told(session.turn("edit"))
    review, _ = await session.review()
    await session.land(decide(review, tuple(hunk.id for file in review.files for hunk in file.hunks), "accepted"))
    assert (repository / "text.txt").read_bytes() == patched
    assert (repository / "text.txt").stat().st_mode & 0o777 == 0o750


async def test_a_binary_file_is_one_decision_and_lands_whole(opened, repository):
    session = await opened("")
    await told(session.run(("python3", "-c", "open('blob', 'wb').write(bytes(range(256)))")))
    review, _ = await session.review()
    (file,) = review.files
    assert "binary" in file.marks
    await session.land(decide(review, tuple(hunk.id for hunk in file.hunks), "accepted"))
    assert (repository / "blob").read_bytes() == bytes(range(256))


async def test_a_link_out_of_the_tree_is_shown_as_a_link_and_lands_as_one(opened, repository):
    session = await opened("")
    await told(session.run(("ln", "-s", "/etc/passwd", "out")))
    review, _ = await session.review()
    (file,) = review.files
    assert "link" in file.marks
    await session.land(decide(review, tuple(hunk.id for hunk in file.hunks), "accepted"))
    assert (repository / "out").readlink() == Path("/etc/passwd")


async def test_writing_through_a_link_out_of_the_tree_changes_nothing_outside(opened, repository, tmp_path):
    (tmp_path / "outside").write_text("mine")
    (repository / "out").symlink_to(tmp_path / "outside")
    session = await opened("")
    await told(session.run(("sh", "-c", "echo theirs > out")))
    assert (tmp_path / "outside").read_text() == "mine"


async def test_a_pipe_on_the_stage_is_shown_and_cannot_be_accepted(opened):
    session = await opened("")
    await told(session.run(("mkfifo", "pipe")))
    review, _ = await session.review()
    (file,) = review.files
    assert "opaque" in file.marks
    assert obstacle(file)


async def test_names_that_are_hostile_to_a_terminal_or_to_git_are_names(opened, repository):
    session = await opened("")
    name = "a\n\x1b[31m b\udcff.txt"
    (repository / name).write_text("old\n")
    events = await told(session.run(("sh", "-c", 'for f in a*; do echo new > "$f"; done')))
    assert of(Staged, events)[-1].paths == (name,)
    review, _ = await session.review()
    await session.land(decide(review, tuple(hunk.id for file in review.files for hunk in file.hunks), "accepted"))
    assert (repository / name).read_text() == "new\n"
