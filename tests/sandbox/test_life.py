import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assent_sandbox.policy import Command, Ended, Policy
from assent_sandbox.stage import Change, File, Link, LockedError, Moved, Opaque, OutsideError, Stage, StageError
from assent_sandbox.tiers import open_stage, sweep
from staged import open_as, sh

LINES = "".join(f"line {number}\n" for number in range(20))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / "d").mkdir(parents=True)
    (root / "a").write_text(LINES)
    (root / "b").write_bytes(b"\0b")
    (root / "d" / "c").write_text("c\n")
    (root / "d" / "e").write_text("e\n")
    return root


def replaced(text: str, number: int, by: str) -> bytes:
    return text.replace(f"line {number}\n", f"{by}\n").encode()


def test_a_clean_file_follows_the_real_tree(stage: Stage, root: Path):
    (root / "a").write_text("changed\n")
    (root / "d" / "c").unlink()
    (root / "new").mkdir()
    (root / "new" / "f").write_text("f")
    assert stage.rebase() == ()
    assert stage.read("a") == File(b"changed\n")
    assert stage.read("d/c") is None
    assert stage.read("new/f") == File(b"f")
    assert stage.folder(".") == ("a", "b", "d/", "new/")
    assert stage.paths() == ()


def test_changes_on_both_sides_are_merged(stage: Stage, root: Path):
    stage.write("a", File(replaced(LINES, 2, "staged")))
    (root / "a").write_bytes(replaced(LINES, 17, "real"))
    assert stage.rebase() == (Moved(path="a", how="merged"),)
    both = replaced(replaced(LINES, 2, "staged").decode(), 17, "real")
    assert stage.change("a") == Change(path="a", before=File(replaced(LINES, 17, "real")), after=File(both))
    assert stage.rebase() == ()


async def test_a_command_s_change_is_merged_with_a_later_one(stage: Stage, root: Path):
    await sh(stage, "sed -i 's/^line 2$/staged/' a; chmod +x a")
    (root / "a").write_bytes(replaced(LINES, 17, "real"))
    assert stage.rebase() == (Moved(path="a", how="merged"),)
    assert stage.read("a") == File(replaced(replaced(LINES, 2, "staged").decode(), 17, "real"), 0o755)


def test_the_same_lines_changed_are_a_conflict_that_lasts_until_it_is_resolved(stage: Stage, root: Path):
    stage.write("a", File(replaced(LINES, 2, "staged")))
    (root / "a").write_bytes(replaced(LINES, 2, "real"))
    assert stage.rebase() == (Moved(path="a", how="conflict"),)
    change = stage.change("a")
    assert change is not None and "same lines" in change.conflict
    assert isinstance(change.after, File)
    for piece in (b"<<<<<<< stage\nstaged\n", b"||||||| before\nline 2\n", b"real\n>>>>>>> repository\n"):
        assert piece in change.after.data
    assert stage.rebase() == ()
    stage.write("a", File(replaced(LINES, 2, "both")))
    assert stage.change("a") == Change(
        path="a", before=File(replaced(LINES, 2, "real")), after=File(replaced(LINES, 2, "both"))
    )


async def test_a_command_that_takes_the_markers_away_ends_a_conflict(stage: Stage, root: Path):
    stage.write("a", File(replaced(LINES, 2, "staged")))
    (root / "a").write_bytes(replaced(LINES, 2, "real"))
    stage.rebase()
    await sh(stage, "echo more >> a")
    change = stage.change("a")
    assert change is not None and change.conflict
    await sh(stage, "sed -i -e '/^<<<</,/^====/d' -e '/^>>>>/d' a")
    change = stage.change("a")
    assert change is not None and not change.conflict


@pytest.mark.parametrize(
    ("staged", "real", "word"),
    [
        (File(b"\0staged"), b"\0real", "binary"),
        (None, b"\0real", "deleted on the stage"),
        (File(b"\0staged"), None, "deleted in the repository"),
        (Link("a"), b"\0real", "another kind"),
    ],
)
def test_what_cannot_be_merged_is_a_conflict_and_keeps_the_staged_side(
    stage: Stage, root: Path, staged: File | Link | None, real: bytes | None, word: str
):
    if staged is None:
        stage.delete("b")
    else:
        stage.write("b", staged)
    if real is None:
        (root / "b").unlink()
    else:
        (root / "b").write_bytes(real)
    assert stage.rebase() == (Moved(path="b", how="conflict"),)
    change = stage.change("b")
    assert change is not None
    assert (change.before, change.after) == (None if real is None else File(real), staged)
    assert word in change.conflict


def test_two_files_added_at_the_same_path_are_a_conflict(stage: Stage, root: Path):
    stage.write("n/x", File(b"staged\n"))
    (root / "n").mkdir()
    (root / "n" / "x").write_text("real\n")
    assert stage.rebase() == (Moved(path="n/x", how="conflict"),)
    change = stage.change("n/x")
    assert change is not None and change.before == File(b"real\n") and "added" in change.conflict


def test_a_real_file_that_became_what_was_staged_is_no_change(stage: Stage, root: Path):
    stage.write("a", File(b"both\n"))
    stage.delete("d/c")
    (root / "a").write_text("both\n")
    (root / "d" / "c").unlink()
    assert stage.rebase() == (Moved(path="a", how="same"), Moved(path="d/c", how="same"))
    assert [stage.change(path) for path in ("a", "d/c")] == [None, None]
    (root / "a").write_text("later\n")
    stage.rebase()
    assert stage.read("a") == File(b"later\n")


async def test_a_file_touched_in_vain_follows(stage: Stage, root: Path):
    await sh(stage, "cp a t; cat t > a; rm t; touch d/c")
    assert stage.change("a") is None
    (root / "a").write_text("real\n")
    assert stage.rebase() == (Moved(path="a", how="followed"),)
    assert stage.read("a") == File(b"real\n")


async def test_a_file_that_appears_in_a_folder_deleted_on_the_stage_shows(stage: Stage, root: Path):
    await sh(stage, "rm -r d")
    (root / "d" / "later").write_text("later\n")
    stage.rebase()
    assert stage.folder("d") == ("later",)
    assert [stage.change(path) for path in stage.paths()] == [
        Change(path="d/c", before=File(b"c\n"), after=None),
        Change(path="d/e", before=File(b"e\n"), after=None),
    ]
    await sh(stage, 'test "$(ls d)" = later')


async def test_a_file_changed_during_a_command_that_changes_it_is_a_conflict(stage: Stage, root: Path, tier: str):
    held_up = "echo s >> a; head -c 1000000 /dev/zero; rm b"  # until somebody reads what it writes
    pieces = stage.run(Command(argv=("sh", "-c", held_up)), Policy())
    first = await anext(pieces)
    assert not isinstance(first, Ended)
    (root / "a").write_text("real\n")
    (root / "d" / "c").write_text("real\n")
    _ = [piece async for piece in pieces]
    change = stage.change("a")
    assert change is not None and "while a command" in change.conflict
    assert change.after == File(LINES.encode() + b"s\n")
    stage.rebase()
    assert stage.read("d/c") == File(b"real\n")
    assert stage.change("b") == Change(path="b", before=File(b"\0b"), after=None)


def test_a_branch_switched_underneath_is_followed(tmp_path: Path, tier: str):
    root = tmp_path / "git"
    root.mkdir()

    def git(*args: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *args], cwd=root, check=True, capture_output=True
        )

    git("init", "-q", "-b", "main")
    (root / "a").write_text(LINES)
    (root / "only-main").write_text("m")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "side")
    (root / "a").write_bytes(replaced(LINES, 17, "side"))
    git("rm", "-q", "only-main")
    (root / "only-side").write_text("s")
    git("add", "-A")
    git("commit", "-qm", "two")
    git("checkout", "-q", "main")
    stage = open_as(tier, root, tmp_path / "home")
    stage.write("a", File(replaced(LINES, 2, "staged")))
    git("checkout", "-q", "side")
    assert stage.rebase() == (Moved(path="a", how="merged"),)
    assert stage.read("only-main") is None and stage.read("only-side") == File(b"s")
    git("checkout", "-q", "main")
    assert stage.rebase() == (Moved(path="a", how="merged"),)
    assert stage.change("a") == Change(path="a", before=File(LINES.encode()), after=File(replaced(LINES, 2, "staged")))


def test_landing_makes_what_was_accepted_the_base(stage: Stage, root: Path):
    stage.write("a", File(b"one\ntwo\n"))
    stage.delete("d/c")
    stage.delete("d/e")
    (root / "a").write_text("one\n")
    (root / "d" / "c").unlink()
    stage.settle("a", File(b"one\n"), File(b"one\ntwo\n"))
    stage.settle("d/c", None, None)
    stage.settle("d/e", File(b"e\n"), File(b"e\n"))
    assert stage.rebase() == ()
    assert [stage.change(path) for path in stage.paths()] == [
        Change(path="a", before=File(b"one\n"), after=File(b"one\ntwo\n"))
    ]
    assert stage.folder("d") == ("e",)


async def test_a_rejected_deletion_of_a_folder_comes_back(stage: Stage):
    await sh(stage, "rm -r d; mkdir d; echo new > d/c")
    stage.settle("d/e", File(b"e\n"), File(b"e\n"))
    assert stage.folder("d") == ("c", "e")
    assert stage.paths() == ("d/c",)


async def test_a_stage_is_reopened_as_it_was_left(stage: Stage, tier: str, root: Path, tmp_path: Path):
    await sh(stage, "echo x >> a; rm -r d; ln -s a l; echo n > n")
    (root / "a").write_bytes(replaced(LINES, 2, "real"))
    before = [stage.change(path) for path in stage.paths()]
    await stage.close()
    again = open_as(tier, root, tmp_path / "home")
    assert [again.change(path) for path in again.paths()] == before
    assert again.rebase() == (Moved(path="a", how="merged"),)
    await again.close()


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "d/../../x", "", "a\0b", "\ud800", "up/x", "up/../a"])
def test_a_path_that_leads_out_is_refused(stage: Stage, root: Path, tmp_path: Path, path: str):
    (tmp_path / "outside").mkdir()
    stage.write("up", Link(str(tmp_path / "outside")))
    for act in (lambda: stage.read(path), lambda: stage.write(path, File(b"")), lambda: stage.delete(path)):
        with pytest.raises(OutsideError) as refused:
            act()
        assert refused.value.hint
    assert list((tmp_path / "outside").iterdir()) == []


async def test_a_link_planted_by_a_command_leads_nowhere(stage: Stage, tmp_path: Path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x").write_text("secret")
    await sh(stage, f"rm -r d; ln -s {tmp_path}/outside d")
    assert stage.read("d") == Link(f"{tmp_path}/outside")
    assert stage.folder("d") is None
    with pytest.raises(OutsideError, match="outside"):
        stage.read("d/x")
    with pytest.raises(OutsideError):
        stage.write("d/x", File(b"gone"))
    assert (tmp_path / "outside" / "x").read_text() == "secret"
    assert stage.change("d/c") == Change(path="d/c", before=File(b"c\n"), after=None)
    assert stage.rebase() == ()


async def test_odd_files_are_shown_but_not_read(stage: Stage, root: Path):
    await sh(stage, "mkfifo pipe; truncate -s 40M big; : > empty; chmod 4755 a; cp a s; chmod 4755 s")
    assert stage.read("pipe") == Opaque("a pipe")
    assert stage.read("big") == Opaque("a large file", 40 << 20)
    assert stage.read("empty") == File(b"")
    assert stage.read("s") == File(LINES.encode(), 0o755)
    assert stage.change("big") == Change(path="big", before=None, after=Opaque("a large file", 40 << 20))


async def test_what_its_own_mode_forbids_to_read_is_read_all_the_same(stage: Stage):
    await sh(stage, "echo x > shut; chmod 000 shut; mkdir z; echo y > z/y; chmod 000 z; rm d/c")
    assert stage.change("shut") == Change(path="shut", before=None, after=File(b"x\n", 0))
    assert stage.change("z/y") == Change(path="z/y", before=None, after=File(b"y\n"))
    assert stage.paths() == ("d/c", "shut", "z/y")


async def test_a_large_file_changed_in_place_is_a_change(stage: Stage, root: Path):
    with (root / "big").open("wb") as file:
        file.truncate(40 << 20)
    stage.rebase()
    await sh(stage, "printf x | dd of=big conv=notrunc status=none")
    same = Opaque("a large file", 40 << 20)
    assert stage.change("big") == Change(path="big", before=same, after=same)


async def test_names_that_are_no_text_come_through(stage: Stage, root: Path):
    odd = os.fsdecode(b"new\nline\xff")
    (root / odd).write_text("real")
    stage.rebase()
    assert stage.read(odd) == File(b"real")
    stage.write(odd, File(b"staged"))
    await sh(stage, "printf x > \"$(printf 'd/\\n\\377\\n-')\"")
    assert stage.change(odd) == Change(path=odd, before=File(b"real"), after=File(b"staged"))
    assert stage.read(os.fsdecode(b"d/\n\xff\n-")) == File(b"x")


def test_a_file_cannot_take_the_place_of_a_full_folder_nor_hold_files(stage: Stage):
    with pytest.raises(StageError, match="folder with something"):
        stage.write("d", File(b""))
    with pytest.raises(StageError, match="is a file"):
        stage.write("a/x", File(b""))
    stage.delete("d/c")
    stage.delete("d/e")
    stage.write("d", File(b"now a file"))
    assert stage.read("d") == File(b"now a file")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "git"
    root.mkdir()
    script = "git init -qb main && echo a > a && git add a && git -c user.name=a -c user.email=a@b commit -qm one"
    subprocess.run(script, shell=True, cwd=root, check=True)
    return root


COMMIT = """
test -z "$(git status --porcelain)"
echo b >> a
git -c user.name=x -c user.email=x@y commit -qam two
test "$(git log --format=%s | tr "\\n" " ")" = "two one "
"""


async def test_git_of_an_overlay_is_its_own(repo: Path, tmp_path: Path):
    stage = open_as("overlay", repo, tmp_path / "home")
    before = subprocess.run(["git", "log", "--format=%H %D"], cwd=repo, capture_output=True, check=True).stdout
    await sh(stage, COMMIT)
    assert stage.paths() == ("a",)
    assert subprocess.run(["git", "log", "--format=%H %D"], cwd=repo, capture_output=True, check=True).stdout == before
    await stage.close()


async def test_a_second_opener_is_told_that_the_stage_is_locked(root: Path, tmp_path: Path):
    stage = await open_stage(root, tmp_path / "home")
    with pytest.raises(LockedError) as locked:
        await open_stage(root, tmp_path / "home")
    assert locked.value.hint
    await stage.discard()
    assert not (tmp_path / "home").exists()


async def test_discarding_deletes_what_modes_forbid(tmp_path: Path, root: Path, tier: str):
    stage = open_as(tier, root, tmp_path / "home")
    await sh(stage, "mkdir -p x/y; echo z > x/y/z; chmod 000 x/y; chmod 555 x")
    await stage.discard()
    assert not (tmp_path / "home").exists()


async def test_sweeping_leaves_stages_that_are_open_or_hold_changes(tmp_path: Path, root: Path):
    homes = {name: tmp_path / "stages" / "key" / name for name in ("empty", "open", "full")}
    await (await open_stage(root, homes["empty"])).close()
    full = await open_stage(root, homes["full"])
    full.write("a", File(b"x"))
    await full.close()
    opened = await open_stage(root, homes["open"])
    assert await asyncio.to_thread(sweep, tmp_path) == 1
    assert sorted(home.name for home in (tmp_path / "stages" / "key").iterdir()) == ["full", "open"]
    await opened.close()


async def test_a_stage_of_another_repository_is_not_opened(tmp_path: Path, root: Path):
    await (await open_stage(root, tmp_path / "home")).close()
    with pytest.raises(StageError, match="another repository"):
        await open_stage(root / "d", tmp_path / "home")


KILLED = """
import sys
sys.path[:0] = sys.argv[3:]
from assent_sandbox.view.folder import Folder
from staged import open_as
from assent_sandbox.view.overlay import OverlayStage
from assent_sandbox.view.copied import CopiedStage
from assent_sandbox.stage import File
kind = OverlayStage if sys.argv[1] == "overlay" else CopiedStage
stage = kind(sys.argv[2] + "/repo", Folder.open(sys.argv[2] + "/home"))
stage.follow()
print("ready", flush=True)
for count in range(100000):
    for path in ("a", "d/c", f"n{count % 7}/x"):
        stage.write(path, File(b"%d" % count))
    stage.delete("d")
    stage.write("d/c", File(b"again"))
    stage.delete(f"n{count % 7}")
"""


@pytest.mark.parametrize("delay", [0.0, 0.013, 0.05, 0.11, 0.2])
async def test_killed_at_any_moment_the_stage_opens_again_and_the_bases_are_right(
    tmp_path: Path, root: Path, tier: str, delay: float
):
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, tier, str(tmp_path), *sys.path], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(delay)
    child.kill()
    child.wait()
    child.stdout.close()
    stage = open_as(tier, root, tmp_path / "home")
    originals = {"a": File(LINES.encode()), "d/c": File(b"c\n"), "d/e": File(b"e\n")}
    for path in stage.paths():
        change = stage.change(path)
        assert change is None or change.before == originals.get(path)
    assert stage.rebase() == ()
    assert (root / "d" / "c").read_text() == "c\n"
    stage.write("a", File(b"works"))
    await sh(stage, 'test "$(cat a)" = works')
    await stage.discard()


async def test_what_is_hidden_is_not_there_for_a_command_and_stays_in_the_real_tree(stage: Stage, root: Path):
    (root / "dist/deep").mkdir(parents=True)
    (root / "dist/deep/app").write_text("old\n")
    (root / "one.log").write_text("old\n")
    stage.rebase()
    stage.hide(("dist", "one.log", "not/there"))
    assert (stage.read("dist/deep/app"), stage.folder("dist"), stage.read("one.log")) == (None, None, None)
    await sh(stage, "test ! -e dist && test ! -e one.log && mkdir dist && echo new >dist/app")
    assert stage.read("dist/app") == File(b"new\n")
    assert (root / "dist/deep/app").read_text() == "old\n"
