"""A commit of exactly what landed, beside whatever else the user has there."""

import subprocess
from pathlib import Path

import pytest

from assent_core.errors import LandingRefused, UsageError
from assent_core.landing import commit as commits
from assent_core.landing.landings import Write, land, undo
from assent_sandbox.stage import Entry, File, Link
from rehearsed import git

TEN = "".join(f"line {number}\n" for number in range(10))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = tmp_path / "root"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    git(root, "config", "user.name", "Ada")
    git(root, "config", "user.email", "ada@example.org")
    for name in ("a.txt", "b.txt", "gone.txt"):
        (root / name).write_text(TEN)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "start")
    return root


def entry(root: Path, path: str) -> Entry | None:
    place = root / path
    if place.is_symlink():
        return Link(str(place.readlink()))
    return File(place.read_bytes(), place.stat().st_mode & 0o777) if place.exists() else None


def put(root: Path, session: str = "s", **paths: Entry | str | None) -> str:
    """Land contents at paths; gives the id of the landing."""
    writes = []
    for name, after in paths.items():
        path = name.replace("__", "/").replace("_", ".")
        now = File(after.encode()) if isinstance(after, str) else after
        writes.append(Write(path=path, before=entry(root, path), after=now))
    return land(root, root.parent / "state", tuple(writes), session).id


def draft(root: Path, done: tuple[str, ...] = (), **options: bool) -> commits.Draft:
    return commits.draft(root, root.parent / "state", "s", done, **options)


def status(root: Path) -> list[str]:
    return git(root, "status", "--porcelain").splitlines()


def show(root: Path, path: str) -> str:
    return git(root, "show", f"HEAD:{path}")


def test_exactly_what_landed_is_committed_and_nothing_is_left_to_commit(root: Path):
    put(
        root,
        a_txt=TEN.replace("line 3", "third"),
        new__deep_txt=File(b"new\n", 0o755),
        gone_txt=None,
        link=Link("a.txt"),
    )
    drafted = draft(root)
    assert [change.path for change in drafted.changes] == ["a.txt", "gone.txt", "link", "new/deep.txt"]
    name = commits.make(root, drafted, "Mend a\n\nBecause.", "Assisted-by: assent")
    assert git(root, "log", "-1", "--format=%H %an <%ae>").strip() == f"{name} Ada <ada@example.org>"
    assert git(root, "log", "-1", "--format=%B").strip() == "Mend a\n\nBecause.\n\nAssisted-by: assent"
    assert status(root) == []
    listed = git(root, "ls-tree", "-r", "HEAD").split()
    assert listed[0::4] == ["100644", "100644", "120000", "100755"]
    assert git(root, "symbolic-ref", "HEAD").strip() == "refs/heads/main"
    with pytest.raises(UsageError, match="nothing to commit"):
        draft(root)


def test_what_the_user_staged_and_edited_stays_as_it_is(root: Path):
    (root / "b.txt").write_text("staged\n")
    git(root, "add", "b.txt")
    (root / "b.txt").write_text("staged\nand edited\n")
    (root / "a.txt").write_text(TEN.replace("line 9", "my ninth"))
    put(root, a_txt=TEN.replace("line 9", "my ninth").replace("line 1\n", "first\n"))
    (root / "c.txt").write_text("untracked\n")
    commits.make(root, draft(root), "One line of a")
    assert show(root, "a.txt") == TEN.replace("line 1\n", "first\n")
    assert show(root, "b.txt") == TEN
    assert status(root) == [" M a.txt", "MM b.txt", "?? c.txt"]
    assert git(root, "show", ":b.txt") == "staged\n"


def test_other_lines_that_are_staged_in_the_same_file_stay_staged(root: Path):
    (root / "a.txt").write_text(TEN.replace("line 9", "my ninth"))
    git(root, "add", "a.txt")
    put(root, a_txt=TEN.replace("line 9", "my ninth").replace("line 1\n", "first\n"))
    drafted = draft(root)
    assert drafted.notices == ("what you have staged in a.txt stays staged",)
    commits.make(root, drafted, "One line of a")
    assert show(root, "a.txt") == TEN.replace("line 1\n", "first\n")
    assert git(root, "show", ":a.txt") == (root / "a.txt").read_text()
    assert status(root) == ["M  a.txt"]


def test_the_same_lines_staged_otherwise_are_refused(root: Path):
    (root / "a.txt").write_text(TEN.replace("line 1\n", "mine\n"))
    git(root, "add", "a.txt")
    (root / "a.txt").write_text(TEN)
    put(root, a_txt=TEN.replace("line 1\n", "first\n"))
    with pytest.raises(UsageError, match="staged in git, in the same place"):
        draft(root)


def test_what_builds_on_uncommitted_changes_goes_in_whole_and_says_so(root: Path):
    (root / "a.txt").write_text(TEN.replace("line 1\n", "mine\n"))
    put(root, a_txt=TEN.replace("line 1\n", "mine, mended\n"))
    drafted = draft(root)
    assert "goes in whole" in drafted.notices[0]
    commits.make(root, drafted, "a")
    assert show(root, "a.txt") == TEN.replace("line 1\n", "mine, mended\n")


def test_edits_since_the_landing_stay_uncommitted(root: Path):
    put(root, a_txt=TEN.replace("line 1\n", "first\n"))
    (root / "a.txt").write_text(TEN.replace("line 1\n", "first, and later edited\n"))
    commits.make(root, draft(root), "a")
    assert show(root, "a.txt") == TEN.replace("line 1\n", "first\n")
    assert status(root) == [" M a.txt"]


def test_landings_of_others_taken_back_ones_and_committed_ones_are_left_out(root: Path):
    put(root, session="other", b_txt="of another\n")
    first = put(root, a_txt=TEN.replace("line 1\n", "first\n"))
    undo(root, root.parent / "state", put(root, gone_txt="taken back\n"))
    drafted = draft(root)
    assert drafted.landings == (first,)
    commits.make(root, drafted, "a")
    second = put(root, a_txt=TEN.replace("line 1\n", "second\n"))
    assert draft(root, (first,)).landings == (second,)
    commits.make(root, draft(root, (first,)), "again")
    assert show(root, "a.txt") == TEN.replace("line 1\n", "second\n")
    assert status(root) == [" M b.txt"]


def test_a_first_commit_needs_no_head(root: Path):
    git(root, "checkout", "-q", "--orphan", "fresh")
    git(root, "rm", "-rfq", "--cached", ".")
    put(root, n_txt="n\n")
    commits.make(root, draft(root), "first")
    assert git(root, "ls-tree", "--name-only", "HEAD").split() == ["n.txt"]
    assert git(root, "rev-list", "--count", "HEAD").strip() == "1"


def test_line_ends_are_stored_as_git_stores_them(root: Path):
    (root / ".gitattributes").write_text("*.txt text\n")
    (root / "a.txt").write_bytes(TEN.replace("\n", "\r\n").encode())
    put(root, a_txt=TEN.replace("line 1\n", "first\n").replace("\n", "\r\n"))
    commits.make(root, draft(root), "a")
    assert show(root, "a.txt") == TEN.replace("line 1\n", "first\n")
    assert " M a.txt" not in status(root)


def test_a_filter_of_the_repository_is_never_run(root: Path):
    git(root, "config", "filter.evil.clean", f"touch {root.parent}/ran; cat")
    (root / ".gitattributes").write_text("a.txt filter=evil\n")
    put(root, a_txt="landed\n")
    with pytest.raises(UsageError, match=r"a.txt is converted by git \(filter: evil\)"):
        draft(root)
    assert not (root.parent / "ran").exists()


@pytest.mark.parametrize("place", ["usual", "setting"])
def test_hooks_are_named_and_not_run(root: Path, place: str):
    folder = root / ".git" / "hooks"
    if place == "setting":
        folder = root / "my-hooks"
        folder.mkdir()
        git(root, "config", "core.hooksPath", "my-hooks")
    for name in (*commits.HOOKS, "reference-transaction", "post-index-change"):
        (folder / name).write_text(f"#!/bin/sh\ntouch {root.parent}/ran\nexit 1\n")
        (folder / name).chmod(0o755)
    put(root, a_txt="landed\n")
    drafted = draft(root)
    assert [Path(hook).name for hook in drafted.hooks] == list(commits.HOOKS)
    commits.make(root, drafted, "a")
    assert show(root, "a.txt") == "landed\n"
    assert not (root.parent / "ran").exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("git checkout -q --detach", "HEAD is detached"),
        ("git config commit.gpgSign true", "are to be signed"),
        ("git config --unset user.name; git config user.useConfigOnly true", "does not know who you are"),
        ("git rev-parse HEAD > .git/MERGE_HEAD", "A merge is under way"),
        ("mkdir .git/rebase-merge", "A rebase is under way"),
        ("cp -r .git/refs .git/BISECT_LOG", "A bisect is under way"),
    ],
)
def test_where_there_can_be_no_commit_it_is_said_what_helps(root: Path, command: str, said: str):
    put(root, a_txt="landed\n")
    subprocess.run(["sh", "-c", command], cwd=root, check=True)
    with pytest.raises(UsageError, match=said) as refused:
        draft(root)
    assert refused.value.hint


def test_an_unsigned_commit_can_be_asked_for(root: Path):
    git(root, "config", "commit.gpgSign", "true")
    git(root, "config", "gpg.program", f"touch {root.parent}/ran")
    put(root, a_txt="landed\n")
    commits.make(root, draft(root, unsigned=True), "a")
    assert show(root, "a.txt") == "landed\n"
    assert not (root.parent / "ran").exists()


def test_a_branch_that_moved_meanwhile_is_left_alone_and_so_is_the_index(root: Path):
    put(root, a_txt="landed\n")
    drafted = draft(root)
    git(root, "commit", "-q", "--allow-empty", "-m", "theirs")
    with pytest.raises(LandingRefused, match="was not moved"):
        commits.make(root, drafted, "a")
    assert git(root, "log", "-1", "--format=%s").strip() == "theirs"
    assert status(root) == [" M a.txt"]


def test_another_git_at_work_is_said_and_nothing_is_changed(root: Path):
    put(root, a_txt="landed\n")
    drafted = draft(root)
    (root / ".git" / "index.lock").touch()
    with pytest.raises(LandingRefused, match="Another git is working"):
        commits.make(root, drafted, "a")
    (root / ".git" / "index.lock").unlink()
    assert git(root, "log", "-1", "--format=%s").strip() == "start"
    assert status(root) == [" M a.txt"]


def test_a_message_must_say_something_and_a_trailer_joins_others(root: Path):
    put(root, a_txt="landed\n")
    with pytest.raises(UsageError, match="needs a message"):
        commits.make(root, draft(root), " \n")
    assert commits.with_trailer("a\n\nFixes: 1", "By: me") == "a\n\nFixes: 1\nBy: me\n"
    assert commits.with_trailer("Fixes: it", "By: me") == "Fixes: it\n\nBy: me\n"
    assert commits.with_trailer("a\n\nBy: me", "By: me") == "a\n\nBy: me\n"


def test_odd_names_are_committed_under_their_names(root: Path):
    put(root, **{"*": "star\n", ":(top)x": "colon\n", "a\tb": "tab\n", "raw\udcff": "raw\n"})
    commits.make(root, draft(root), "odd")
    assert status(root) == []
    assert len(git(root, "ls-tree", "-r", "HEAD").splitlines()) == 7
