import os
import subprocess
import sys
from pathlib import Path

import pytest

from assent_core import workspace
from assent_core.errors import UsageError
from assent_sandbox.host import GitFailed


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always", *args],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "a.txt").write_text("a\n")
    (root / ".gitignore").write_text("*.log\nbuild/\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    return root


def test_a_repository_is_found_from_a_folder_within(repo: Path):
    (repo / "src" / "deep").mkdir(parents=True)
    found = workspace.find(repo / "src" / "deep")
    assert found == workspace.Workspace(
        root=repo, git=True, subdir="src/deep", branch="main", head=git(repo, "rev-parse", "HEAD")
    )


def test_a_root_with_a_newline_and_bytes_that_are_no_text_is_found(tmp_path: Path):
    root = tmp_path / os.fsdecode(b"odd\nname\xff")
    root.mkdir()
    git(root, "init", "-q")
    assert workspace.find(root).root == root


def test_a_repository_without_a_commit_has_a_branch_and_a_notice(tmp_path: Path):
    git(tmp_path, "init", "-q", "-b", "trunk")
    found = workspace.find(tmp_path)
    assert (found.branch, found.head) == ("trunk", "")
    assert "no commit" in found.notices[0]


def test_a_detached_head_has_no_branch(repo: Path):
    git(repo, "checkout", "-q", "--detach")
    found = workspace.find(repo)
    assert (found.branch, found.head) == ("", git(repo, "rev-parse", "HEAD"))


def test_a_linked_worktree_is_its_own_root(repo: Path, tmp_path: Path):
    git(repo, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    found = workspace.find(tmp_path / "side")
    assert (found.root, found.branch) == (tmp_path / "side", "side")


def test_a_submodule_is_its_own_root_and_is_no_file_of_the_outer(repo: Path, tmp_path: Path):
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    git(outer, "submodule", "--quiet", "add", str(repo), "sub")
    assert workspace.find(outer / "sub").root == outer / "sub"
    (outer / "x.txt").write_text("x")
    found = workspace.find(outer)
    assert found.tracked() == (".gitmodules", "sub", "x.txt")
    (outer / ".gitignore").write_text("*.log\n")
    assert found.ignored(["sub/y.log", "z.log", "x.txt"]) == {"z.log"}


def test_a_bare_repository_is_refused_with_a_hint(tmp_path: Path):
    git(tmp_path, "init", "-q", "--bare", "b.git")
    with pytest.raises(UsageError) as refused:
        workspace.find(tmp_path / "b.git")
    assert "bare" in refused.value.message and "worktree" in refused.value.hint


def test_the_inside_of_a_git_folder_is_refused(repo: Path):
    with pytest.raises(UsageError):
        workspace.find(repo / ".git")


def test_a_plain_folder_works_with_a_notice(tmp_path: Path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.py").write_text("")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_text("")
    found = workspace.find(tmp_path)
    assert (found.git, found.root) == (False, tmp_path)
    assert "not a git repository" in found.notices[0]
    assert found.tracked() == ("b/x.py",)
    assert found.ignored(["b/x.py", "b/__pycache__/x.pyc", ".venv/x"]) == {"b/__pycache__/x.pyc", ".venv/x"}


def test_an_empty_folder_is_a_workspace_without_files(tmp_path: Path):
    assert workspace.find(tmp_path).tracked() == ()


def test_the_home_directory_works_with_a_notice(repo: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(repo))
    assert "home" in workspace.find(repo).notices[0]


@pytest.mark.parametrize(("name", "word"), [("missing", "no folder"), ("a.txt", "is a file"), ("a.txt/x", "no folder")])
def test_what_is_no_folder_is_refused_with_a_hint(repo: Path, name: str, word: str):
    with pytest.raises(UsageError) as refused:
        workspace.find(repo / name)
    assert word in refused.value.message and refused.value.hint


def test_the_whole_file_system_is_refused():
    with pytest.raises(UsageError):
        workspace.find(Path("/"))


def test_a_repository_of_another_user_is_refused_with_the_setting_that_trusts_it(
    repo: Path, monkeypatch: pytest.MonkeyPatch
):
    if os.geteuid():
        pytest.skip("only root can give a folder away")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    for place in (repo, repo / ".git"):
        os.chown(place, 12345, 12345)
    with pytest.raises(UsageError) as refused:
        workspace.find(repo)
    assert "another user" in refused.value.message and "safe.directory" in refused.value.hint


def test_a_work_tree_set_elsewhere_is_refused(repo: Path, tmp_path: Path):
    (tmp_path / "victim").mkdir()
    git(repo, "config", "core.worktree", str(tmp_path / "victim"))
    with pytest.raises(UsageError) as refused:
        workspace.find(repo)
    assert "victim" in refused.value.message


def test_ignored_and_tracked_take_names_that_are_no_text(repo: Path):
    odd = os.fsdecode(b"new\nline\xff.txt")
    (repo / odd).write_text("")
    (repo / "x.log").write_text("")
    found = workspace.find(repo)
    assert found.tracked() == tuple(sorted((".gitignore", "a.txt", odd)))
    assert found.ignored([odd, "x.log", "build/y", "a.txt", "*"]) == {"x.log", "build/y"}
    assert found.ignored([]) == frozenset()
    assert found.ignored(["a.txt"]) == frozenset()


def test_a_tracked_file_is_never_ignored(repo: Path):
    (repo / "kept.log").write_text("")
    git(repo, "add", "-f", "kept.log")
    assert workspace.find(repo).ignored(["kept.log"]) == frozenset()


def test_nothing_of_the_repository_runs_and_git_variables_do_not_mislead(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "diff.external", "core.sshCommand"):
        git(repo, "config", key, str(trap))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(trap))
    found = workspace.find(repo)
    assert found.root == repo
    assert found.tracked() == (".gitignore", "a.txt")
    assert found.ignored(["q.log"]) == {"q.log"}
    assert not (tmp_path / "sprung").exists()


def test_a_git_planted_in_the_folder_is_not_run(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (repo / "git").write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    (repo / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f".::{os.environ['PATH']}")
    monkeypatch.chdir(repo)
    assert workspace.find(repo).tracked() == (".gitignore", "a.txt", "git")
    assert not (tmp_path / "sprung").exists()


def test_without_git_the_folder_is_a_plain_workspace(repo: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    found = workspace.find(repo)
    assert not found.git and "not installed" in found.notices[0]


def test_git_is_asked_by_many_threads_at_once_from_the_start(tmp_path):
    code = (
        "import sys, threading; from pathlib import Path; from assent_core.workspace import find\n"
        "place = find(Path(sys.argv[1])); sys.setswitchinterval(1e-6); failed = []\n"
        "def ask(work):\n"
        "    try: work()\n"
        "    except BaseException as error: failed.append(repr(error))\n"
        "works = [place.tracked, lambda: place.ignored(['a', 'b'])] * 4\n"
        "threads = [threading.Thread(target=ask, args=[work]) for work in works]\n"
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]; sys.exit(' '.join(failed) or 0)\n"
    )
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    rooms = [str(Path(__file__).parents[2] / room) for room in ("core", "sandbox")]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(rooms)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_what_git_refuses_is_a_failure_of_git_and_of_no_other_library(repo: Path):
    found = workspace.find(repo)
    (repo / ".git" / "index").write_bytes(b"no index")
    with pytest.raises(GitFailed, match="ls-files"):
        found.tracked()
