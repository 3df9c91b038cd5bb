import os
import stat
import subprocess
from pathlib import Path

import pytest

from assent_sandbox.policy import Command, Ended, Policy
from assent_sandbox.stage import Change, File, Stage
from assent_sandbox.tiers import open_stage
from assent_sandbox.view.folder import Folder
from assent_sandbox.view.overlay import OverlayStage
from staged import sh


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / "d" / "e").mkdir(parents=True)
    (root / "d" / "a").write_text("a\n")
    (root / "d" / "e" / "b").write_text("b\n")
    root.chmod(0o2775)
    (root / "d").chmod(0o700)
    return root


@pytest.fixture
async def stage(root: Path, tmp_path: Path):
    stage = OverlayStage(str(root), Folder.open(str(tmp_path / "home")))
    yield stage
    await stage.close()


def upper(stage: Stage) -> Path:
    return Path(stage.view.upper)


def test_the_upper_folder_and_those_in_it_have_the_modes_of_the_real_ones(stage: Stage):
    stage.write("d/x", File(b""))
    assert stat.S_IMODE(upper(stage).stat().st_mode) == 0o2775
    assert stat.S_IMODE((upper(stage) / "d").stat().st_mode) == 0o700


def test_a_deleted_file_is_a_whiteout_and_only_where_there_is_something_to_hide(stage: Stage):
    stage.delete("d/a")
    stage.write("new", File(b""))
    stage.delete("new")
    found = (upper(stage) / "d" / "a").lstat()
    assert stat.S_ISCHR(found.st_mode) and found.st_rdev == 0
    assert not (upper(stage) / "new").exists()


async def test_whiteouts_written_as_attributes_and_opaque_folders_are_obeyed(stage: OverlayStage):
    (upper(stage) / "d").mkdir(0o700)
    (upper(stage) / "d" / "a").touch()
    os.setxattr(upper(stage) / "d" / "a", "user.overlay.whiteout", b"y")
    os.setxattr(upper(stage) / "d", "user.overlay.opaque", b"x")
    assert stage.read("d/a") is None
    assert stage.folder("d") == ("e/",)
    (upper(stage) / "d" / "e").mkdir()
    os.setxattr(upper(stage) / "d" / "e", "user.overlay.opaque", b"y")
    assert stage.read("d/e/b") is None
    assert stage.folder("d/e") == ()
    stage.record(2**63)
    assert [stage.change(path) for path in stage.paths()] == [
        Change(path="d/a", before=File(b"a\n"), after=None),
        Change(path="d/e/b", before=File(b"b\n"), after=None),
    ]


def test_git_folders_at_any_depth_are_no_change(stage: Stage):
    stage.write(".git/config", File(b""))
    stage.write("d/.git/x", File(b""))
    stage.write("d/.GIT", File(b""))
    assert stage.paths() == ()
    assert stage.change("d/.git/x") is None


async def test_a_whiteout_whose_file_is_gone_leaves_no_trace_in_the_view(stage: Stage, root: Path):
    stage.delete("d/e/b")
    (root / "d" / "e" / "b").unlink()
    (root / "d" / "e").rmdir()
    stage.rebase()
    assert stage.folder("d") == ("a",)
    assert not (upper(stage) / "d" / "e").exists()
    await sh(stage, 'test "$(ls d)" = a; rm -r d')


async def test_a_stale_index_of_the_view_is_given_up_when_the_real_repository_moves_on(tmp_path: Path):
    root = tmp_path / "git"
    root.mkdir()

    def git(*args: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *args], cwd=root, check=True)

    git("init", "-q")
    (root / "a").write_text("1")
    git("add", "-A")
    git("commit", "-qm", "one")
    stage = OverlayStage(str(root), Folder.open(str(tmp_path / "home")))
    await sh(stage, 'git update-index --force-remove a; git read-tree HEAD; test -z "$(git diff --cached)"')
    assert (upper(stage) / ".git" / "index").exists()
    (root / "a").write_text("2")
    git("commit", "-qam", "two")
    stage.rebase()
    await sh(stage, 'test -z "$(git status --porcelain)"')
    await sh(stage, "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m own")
    git("commit", "-q", "--allow-empty", "-m", "three")
    stage.rebase()
    await sh(stage, 'test "$(git log -1 --format=%s)" = own')
    await stage.close()


async def test_thousands_of_deleted_files_are_remembered_without_storing_them_all(
    stage: Stage, root: Path, tmp_path: Path
):
    (root / "many").mkdir()
    for number in range(2500):
        (root / "many" / str(number)).write_text(str(number))
    await sh(stage, "rm -r many")
    assert len(stage.paths()) == 2500
    assert stage.change("many/2499") == Change(path="many/2499", before=File(b"2499"), after=None)
    assert stage.change("many/999") == Change(path="many/999", before=File(b"999"), after=None)
    assert len(list((tmp_path / "home" / "contents").iterdir())) == 2000
    (root / "many" / "999").write_text("drifted")
    assert [moved.how for moved in stage.rebase()] == ["conflict"]
    change = stage.change("many/999")
    assert change is not None and change.before == File(b"drifted") and "deleted on the stage" in change.conflict
    stage.write("many/998", File(b"staged"))
    assert stage.change("many/998") == Change(path="many/998", before=File(b"998"), after=File(b"staged"))


async def test_folders_nested_beyond_any_path_are_survived(stage: Stage, tmp_path: Path):
    deep = "import os\nfor _ in range(3000):\n os.mkdir('x' * 9); os.chdir('x' * 9)\nopen('f', 'w')"
    await sh(stage, f'python3 -c "{deep}"; echo 1 > one')
    assert "one" in stage.paths()
    await stage.discard()
    assert not (tmp_path / "home").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
async def test_root_is_told_whose_a_file_is_and_can_change_it_when_it_tries_again(root: Path, tmp_path: Path):
    (root / "theirs").write_text("theirs\n")
    os.chown(root / "theirs", 54_321, 54_321)
    (root / "theirs").chmod(0o644)
    stage = await open_stage(root, tmp_path / "home", "overlay")
    command = Command(argv=("sh", "-c", "echo x >> theirs && tail -n 1 theirs"))
    (first,) = [piece async for piece in stage.run(command, Policy()) if isinstance(piece, Ended)]
    (denial,) = first.denials
    assert (denial.kind, denial.target) == ("file", str(root / "theirs"))
    assert "user 54321" in denial.why
    assert "run the command again" in denial.why
    assert stage.change("theirs") is None
    (second,) = [piece async for piece in stage.run(command, Policy()) if isinstance(piece, Ended)]
    assert (second.output, second.denials) == (b"x\n", ())
    change = stage.change("theirs")
    assert change is not None
    assert (change.before, change.after) == (File(b"theirs\n"), File(b"theirs\nx\n"))
    await stage.discard()
