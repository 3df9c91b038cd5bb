"""A repository as it was received, `.git` included: only the folder that really holds its git folder is worked in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from assent_core import workspace
from assent_core.errors import UsageError
from assent_sandbox.policy import Command, Ended, Policy
from assent_sandbox.repositories import Foreign, git_folder
from assent_sandbox.sight.private import make_private_git
from assent_sandbox.sight.surroundings import main_git_folder
from assent_sandbox.tiers import open_stage
from assent_sandbox.view.listing import list_repository
from rehearsed import committed, git


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another repository of the user, with a history and a remote that nobody else is to see."""
    root = tmp_path / "other"
    root.mkdir()
    (root / "diary.txt").write_text("dear diary\n")
    git(committed(root), "config", "remote.origin.url", "https://u:pass-word-1@example.org/x.git")
    return root


def pointed(root: Path, text: str) -> None:
    subprocess.run(["rm", "-rf", root / ".git"], check=True)
    (root / ".git").write_text(text)


def file_to(root: Path, other: Path) -> None:
    pointed(root, f"gitdir: {other}/.git\n")


def relative_file_to(root: Path, other: Path) -> None:
    pointed(root, "gitdir: ../other/.git\n")


def link_to(root: Path, other: Path) -> None:
    pointed(root, "")
    (root / ".git").unlink()
    (root / ".git").symlink_to(other / ".git")


def common_folder(root: Path, other: Path) -> None:
    (root / ".git" / "commondir").write_text(f"{other}/.git\n")


def made_up_worktree(root: Path, other: Path) -> None:
    own = root / "docs" / "worktrees" / "w"
    own.mkdir(parents=True)
    (own / "gitdir").write_text(f"{root}/.git\n")
    (own / "commondir").write_text(f"{other}/.git\n")
    (own / "HEAD").write_text("ref: refs/heads/main\n")
    pointed(root, f"gitdir: {own}\n")


def worktree_of_another(root: Path, other: Path) -> None:
    git(other, "worktree", "add", "-q", "-b", "side", str(root.parent / "side"))
    pointed(root, f"gitdir: {other}/.git/worktrees/side\n")


ELSEWHERE = [file_to, relative_file_to, link_to, common_folder, made_up_worktree, worktree_of_another]


@pytest.mark.parametrize("lead", ELSEWHERE)
def test_a_git_folder_of_another_repository_is_refused_by_name(repository, other, lead):
    lead(repository, other)
    with pytest.raises(UsageError, match="does not point back here") as refused:
        workspace.find(repository)
    assert str(other) in refused.value.message and "mistrust" in refused.value.hint
    assert workspace_of_root_is_refused(repository)


def workspace_of_root_is_refused(root: Path) -> bool:
    with pytest.raises(UsageError):
        workspace.root_of(root)
    return True


@pytest.mark.parametrize("lead", ELSEWHERE)
@pytest.mark.parametrize("tier", ["overlay", "copy"])
async def test_a_command_sees_nothing_of_another_repository(repository, other, lead, tier, tmp_path):
    lead(repository, other)
    stage = await open_stage(repository, tmp_path / "home", tier=tier)
    try:
        command = Command(
            argv=("sh", "-c", "git log -p --all; git remote -v; git cat-file --batch-all-objects --batch")
        )
        said = b"".join([one.output async for one in stage.run(command, Policy()) if isinstance(one, Ended)])
    finally:
        await stage.discard()
    assert b"diary" not in said and b"pass-word-1" not in said


@pytest.mark.parametrize("name", ["objects", "refs"])
async def test_a_link_in_the_git_folder_shows_no_objects_of_another_repository(repository, other, name, tmp_path):
    subprocess.run(["rm", "-rf", repository / ".git" / name], check=True)
    (repository / ".git" / name).symlink_to(other / ".git" / name)
    copy, draft = tmp_path / "copy", tmp_path / "draft"
    copy.mkdir()
    borrowed = make_private_git(str(repository), str(copy), str(draft), ())
    assert not any(str(other) in place for place in borrowed)
    assert not (copy / ".git" / "refs" / "heads" / "main").exists()


@pytest.mark.parametrize("target", ["../../..", "../..", "/", "{home}", "{root}/sub"])
@pytest.mark.parametrize("file", ["config", "config.worktree"])
def test_no_setting_makes_another_folder_the_repository(repository, monkeypatch, target, file):
    monkeypatch.setenv("HOME", str(repository.parent))
    (repository / "sub").mkdir()
    if file == "config.worktree":
        git(repository, "config", "extensions.worktreeConfig", "true")
    place = target.format(home=repository.parent, root=repository)
    git(repository, "config", "--file", str(repository / ".git" / file), "core.worktree", place)
    for start in (repository, repository / "sub"):
        with pytest.raises(UsageError, match="git says that the files"):
            workspace.find(start)


def test_a_command_of_assent_says_so_and_reads_nothing_there(repository, assent):
    git(repository, "config", "core.worktree", "../..")
    done = assent("run", "--", "true", cwd=repository)
    assert (done.returncode, "core.worktree" in done.stderr) == (2, True)


def test_what_points_back_is_the_repositorys(repository, tmp_path):
    git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    outer = tmp_path / "outer"
    outer.mkdir()
    (outer / "x").write_text("x")
    git(committed(outer), "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository), "sub")
    git(tmp_path, "clone", "-q", "--separate-git-dir", str(tmp_path / "apart"), str(repository), "parted")
    git(tmp_path / "parted", "config", "core.worktree", str(tmp_path / "parted"))
    for root, common in (
        (tmp_path / "side", repository / ".git"),
        (outer / "sub", outer / ".git" / "modules" / "sub"),
        (tmp_path / "parted", tmp_path / "apart"),
    ):
        assert workspace.find(root).root == root
        assert main_git_folder(str(root)) == str(common)


def test_an_empty_git_folder_is_passed_over_as_git_does(repository):
    (repository / "sub" / ".git").mkdir(parents=True)
    assert workspace.find(repository / "sub").root == repository


@pytest.mark.parametrize("lead", [file_to, link_to, common_folder, made_up_worktree])
def test_a_repository_within_that_is_another_ones_is_a_plain_folder(repository, other, lead):
    inner = repository / "inner"
    inner.mkdir()
    (inner / "own.txt").write_text("x")
    lead(committed(inner), other)
    listed = list_repository(str(repository), Policy())
    assert "inner/own.txt" in listed.files and not any("diary" in path for path in listed.files)


NO_FILE = r"no regular file|neither a folder nor a file"
PIPES = (
    ".git", ".git/config", ".git/HEAD", ".git/commondir", ".git/index", ".git/packed-refs", ".git/refs/heads/main",
    ".git/info/exclude", ".git/objects/info/alternates", ".git/config.worktree",
)  # fmt: skip


@pytest.mark.parametrize("name", PIPES)
def test_a_pipe_where_git_reads_is_refused_at_once(repository, name):
    place = repository / name
    subprocess.run(["rm", "-rf", place], check=True)
    os.mkfifo(place)
    with pytest.raises(UsageError, match=NO_FILE):
        workspace.find(repository)
    with pytest.raises(Foreign):
        git_folder(str(repository))
    assert main_git_folder(str(repository)) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
@pytest.mark.parametrize("name", [".git", ".git/index", ".git/config"])
def test_a_device_where_git_reads_is_refused_at_once(repository, name):
    place = repository / name
    subprocess.run(["rm", "-rf", place], check=True)
    os.mknod(place, 0o20600, os.makedev(1, 5))
    with pytest.raises(UsageError, match=NO_FILE):
        workspace.find(repository)


def test_a_git_that_waits_for_ever_is_ended_with_assent(repository, surroundings):
    os.mkfifo(repository / ".git" / "waiting")
    git(repository, "config", "include.path", "waiting")
    command = [str(Path(sys.executable).with_name("assent")), "run", "--", "true"]
    begun = subprocess.Popen(command, cwd=repository, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        with (repository / ".git" / "waiting").open("wb"):  # opens as soon as a git reads
            begun.terminate()
            begun.communicate(timeout=15)
    finally:
        begun.kill()
    assert begun.returncode in (130, -15)
