import os
import subprocess
from pathlib import Path

import pytest

from assent_sandbox.policy import Command, Ended, Policy, Widening
from assent_sandbox.stage import Change, File, Stage, StageError
from assent_sandbox.view.copied import CopiedStage
from assent_sandbox.view.folder import Folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    script = """
        git init -qb main
        git config filter.evil.clean 'touch /tmp/sprung' && git config core.pager evil && git config user.name Me
        echo x > .git/hooks/pre-commit
        printf 'node_modules/\\n.env\\nbuild/\\n*.cfg\\n' > .gitignore
        echo a > a && git add -A && git -c user.email=a@b commit -qm one
        mkdir -p node_modules/m build && echo m > node_modules/m/x && echo b > build/b && echo c > local.cfg
        truncate -s 40M node_modules/big
        echo KEY=1 > .env && echo untracked > u
    """
    subprocess.run(["sh", "-ec", script], cwd=root, check=True)
    return root


def reopen(root: Path, tmp_path: Path) -> CopiedStage:
    stage = CopiedStage(str(root), Folder.open(str(tmp_path / "home")))
    stage.follow()
    return stage


@pytest.fixture
async def stage(root: Path, tmp_path: Path):
    stage = reopen(root, tmp_path)
    yield stage
    await stage.close()


def view(stage: Stage) -> Path:
    return Path(stage.view.copy)


async def sh(stage: Stage, script: str, policy: Policy | None = None) -> Ended:
    last = [piece async for piece in stage.run(Command(argv=("sh", "-ec", script)), policy or Policy())][-1]
    assert isinstance(last, Ended)
    return last


def test_tracked_untracked_and_small_ignored_files_are_copied_and_secrets_are_not(stage: Stage):
    assert sorted(place.name for place in view(stage).iterdir()) == [
        ".git", ".gitignore", "a", "build", "local.cfg", "node_modules", "u",
    ]  # fmt: skip
    assert stage.paths() == ()


def test_a_copy_shares_no_file_with_the_real_tree(stage: Stage, root: Path):
    assert (view(stage) / "a").stat().st_nlink == 1
    assert (view(stage) / "a").stat().st_ino != (root / "a").stat().st_ino
    assert (view(stage) / "a").stat().st_mtime_ns == (root / "a").stat().st_mtime_ns


def test_a_large_ignored_folder_is_linked_read_as_it_is_and_not_written(stage: Stage, root: Path):
    assert (view(stage) / "node_modules").readlink() == root / "node_modules"
    assert stage.view.borrowed == (str(root / "node_modules"), str(root / ".git" / "objects"))
    assert stage.read("node_modules/m/x") == File(b"m\n")
    assert stage.folder("node_modules") == ("big", "m/")
    assert "node_modules/" in (stage.folder(".") or ())
    for act in (lambda: stage.write("node_modules/m/x", File(b"")), lambda: stage.delete("node_modules")):
        with pytest.raises(StageError, match="only linked"):
            act()
    assert stage.paths() == ()


def test_a_large_folder_that_ignores_itself_is_linked_once(root: Path, tmp_path: Path):
    (root / ".venv/lib").mkdir(parents=True)
    (root / ".venv/.gitignore").write_text("*\n")
    for name in (".venv/big", ".venv/lib/big"):
        (root / name).touch()
        os.truncate(root / name, 40 << 20)
    stage = reopen(root, tmp_path)
    assert (view(stage) / ".venv").readlink() == root / ".venv"
    assert stage.paths() == ()


async def test_a_linked_folder_that_a_command_makes_its_own_stays_so(stage: Stage, root: Path):
    await sh(stage, "rm node_modules; mkdir node_modules; echo own > node_modules/o")
    stage.rebase()
    assert stage.paths() == ("node_modules/o",)
    assert stage.folder("node_modules") == ("o",)
    assert (root / "node_modules" / "m" / "x").exists()


async def test_a_secret_file_is_there_only_for_a_command_to_which_it_was_granted(stage: Stage):
    assert stage.read(".env") == File(b"KEY=1\n")
    assert (await sh(stage, "cat .env")).code != 0
    granted = Policy(widenings=(Widening("secret", ".env"),))
    assert (await sh(stage, "cat .env", granted)).head == b"KEY=1\n"
    assert (await sh(stage, "cat .env")).code != 0
    assert stage.paths() == ()


def test_a_secret_file_that_the_stage_writes_has_the_real_one_as_its_base(stage: Stage):
    stage.write(".env", File(b"KEY=2\n"))
    assert stage.change(".env") == Change(path=".env", before=File(b"KEY=1\n"), after=File(b"KEY=2\n"))
    stage.delete(".env")
    assert stage.change(".env") == Change(path=".env", before=File(b"KEY=1\n"), after=None)
    assert stage.read(".env") is None


def test_git_of_the_view_borrows_objects_and_has_no_hooks_filters_or_remotes(stage: Stage, root: Path):
    def git(*args: str) -> str:
        return subprocess.run(["git", *args], cwd=view(stage), check=True, capture_output=True, text=True).stdout

    assert git("log", "--format=%s") == "one\n"
    assert git("status", "--porcelain") == "?? u\n"
    assert git("symbolic-ref", "HEAD") == "refs/heads/main\n"
    settings = (view(stage) / ".git" / "config").read_text()
    assert "evil" not in settings and "Me" in settings
    assert not (view(stage) / ".git" / "hooks").exists()
    git("-c", "user.email=x@y", "commit", "-qam", "two", "--allow-empty")
    assert subprocess.check_output(["git", "log", "--format=%s"], cwd=root, text=True) == "one\n"


def test_git_of_the_view_follows_a_commit_unless_it_has_one_of_its_own(stage: Stage, root: Path):
    def log() -> list[str]:
        return subprocess.check_output(["git", "log", "--format=%s"], cwd=view(stage), text=True).split()

    commit = ["git", "-c", "user.email=a@b", "commit", "-q", "--no-verify", "--allow-empty", "-m"]
    subprocess.run([*commit, "two"], cwd=root, check=True)
    stage.rebase()
    assert log() == ["two", "one"]
    subprocess.run([*commit, "own"], cwd=view(stage), check=True)
    subprocess.run([*commit, "three"], cwd=root, check=True)
    stage.rebase()
    assert log() == ["own", "two", "one"]


async def test_git_of_a_linked_worktree_and_of_a_submodule_is_copied(root: Path, tmp_path: Path):
    subprocess.run(["git", "worktree", "add", "-q", "-b", "side", str(tmp_path / "side")], cwd=root, check=True)
    stage = CopiedStage(str(tmp_path / "side"), Folder.open(str(tmp_path / "other")))
    stage.follow()
    ref = subprocess.check_output(["git", "symbolic-ref", "HEAD"], cwd=view(stage), text=True)
    assert ref == "refs/heads/side\n"
    assert subprocess.check_output(["git", "status", "--porcelain"], cwd=view(stage)) == b""
    await stage.close()


async def test_a_git_file_that_points_at_a_foreign_repository_borrows_nothing(root: Path, tmp_path: Path):
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    (hostile / ".git").write_text(f"gitdir: {root}/.git\n")
    stage = CopiedStage(str(hostile), Folder.open(str(tmp_path / "other")))
    stage.follow()
    assert stage.view.borrowed == ()
    assert not (view(stage) / ".git").exists()
    await stage.close()


async def test_repositories_within_are_copied_without_what_they_ignore_at_large(root: Path, tmp_path: Path):
    inner = root / "inner"
    inner.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=inner, check=True)
    (inner / ".gitignore").write_text("big/\n")
    (inner / "f").write_text("f")
    (inner / "big").mkdir()
    with (inner / "big" / "x").open("wb") as file:
        file.truncate(40 << 20)
    (root / "gone").mkdir()
    (root / "gone" / ".git").write_text("gitdir: nowhere\n")
    (root / "gone" / "g").write_text("g")
    stage = reopen(root, tmp_path)
    assert stage.folder("inner") == (".gitignore", "big/", "f")
    assert str(inner / "big") in stage.view.borrowed
    assert stage.read("gone/g") == File(b"g")
    await stage.close()


async def test_a_folder_without_git_is_copied_whole_but_for_the_stage_itself(tmp_path: Path):
    (tmp_path / "x").write_text("x")
    (tmp_path / ".venv").mkdir()
    stage = CopiedStage(str(tmp_path), Folder.open(str(tmp_path / "state" / "home")))
    stage.follow()
    stage.follow()
    assert stage.folder(".") == ("x",)
    assert not (view(stage) / ".git").exists()
    await stage.close()


def test_links_pipes_and_unreadable_names_do_not_stop_the_copy(root: Path, tmp_path: Path, stage: Stage):
    (root / "out").symlink_to("/etc/passwd")
    os.mkfifo(root / "pipe")
    (root / os.fsdecode(b"\xff\n")).write_text("odd")
    stage.rebase()
    assert (view(stage) / "out").is_symlink()
    assert not (view(stage) / "pipe").exists()
    assert stage.read(os.fsdecode(b"\xff\n")) == File(b"odd")


def test_an_edit_made_on_an_older_copy_is_merged_with_what_came_since(stage: Stage, root: Path):
    (root / "u").write_text("untracked\n1\n2\n3\n4\n")
    stage.rebase()
    (root / "u").write_text("real\n1\n2\n3\n4\n")
    stage.write("u", File(b"untracked\n1\n2\n3\nstaged\n"))
    stage.rebase()
    assert stage.read("u") == File(b"real\n1\n2\n3\nstaged\n")


ENV = Policy(widenings=(Widening("secret", ".env"),))


async def test_a_secret_file_that_was_changed_under_a_grant_is_hidden_when_it_has_ended(stage: Stage, root: Path):
    await sh(stage, "echo KEY=2 > .env", ENV)
    assert not (await sh(stage, "cat .env || true")).output.count(b"KEY")
    changed = Change(path=".env", before=File(b"KEY=1\n"), after=File(b"KEY=2\n"))
    assert (stage.change(".env"), stage.paths()) == (changed, (".env",))
    assert (await sh(stage, "cat .env", ENV)).output == b"KEY=2\n"
    (root / "a").write_text("later\n")
    stage.rebase()
    assert not (await sh(stage, "cat .env || true")).output.count(b"KEY")
    assert stage.change(".env") == changed


async def test_what_is_withheld_outlives_the_stage_and_is_in_its_snapshots(root: Path, tmp_path: Path):
    stage = reopen(root, tmp_path)
    await sh(stage, "echo KEY=2 > .env", ENV)
    await sh(stage, "true")
    name = stage.snapshot(tmp_path / "album")
    await sh(stage, "rm .env", ENV)
    await stage.close()
    stage = reopen(root, tmp_path)
    assert stage.read(".env") is None
    stage.restore(tmp_path / "album", name)
    await sh(stage, "true")
    await stage.close()
    stage = reopen(root, tmp_path)
    assert not (await sh(stage, "cat .env || true")).output.count(b"KEY")
    assert stage.read(".env") == File(b"KEY=2\n")
    stage.settle(".env", File(b"KEY=1\n"), File(b"KEY=1\n"))
    assert stage.paths() == ()
    assert stage.read(".env") == File(b"KEY=1\n")
    await stage.close()


async def test_a_command_that_makes_a_withheld_file_anew_makes_the_one_that_counts(stage: Stage):
    await sh(stage, "echo KEY=2 > .env", ENV)
    await sh(stage, "test ! -e .env; echo KEY=3 > .env")
    assert stage.read(".env") == File(b"KEY=3\n")
    stage.write(".env", File(b"KEY=4\n"))
    await sh(stage, "test ! -e .env")
    assert stage.read(".env") == File(b"KEY=4\n")
    stage.delete(".env")
    assert stage.read(".env") is None


async def test_a_secret_file_that_a_command_misses_is_told_as_one(stage: Stage):
    ended = await sh(stage, "cat .env; test -e nothing || cat nothing")
    assert [(each.kind, each.target, each.widening) for each in ended.denials] == [
        ("secret", ".env", Widening("secret", ".env"))
    ]
    stage.delete(".env")
    assert (await sh(stage, "cat .env")).denials == ()
