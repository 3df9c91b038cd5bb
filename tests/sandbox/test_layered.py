"""A stage that is layered on another one, and how what it made comes back."""

import os
import random
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from assent_sandbox.adoption import adopt
from assent_sandbox.merge import Side, has_markers
from assent_sandbox.policy import Policy, Tier, Widening
from assent_sandbox.stage import Entry, File, Link, Moved, Stage, StageError
from assent_sandbox.tiers import open_above, open_stage, sweep
from patient import until
from staged import sh

WHO = Side("b", "by b")
POOL = ["a.txt", "src", "src/b.txt", "src/deep", "src/deep/c.txt", "ln", "x", "x/y", "x/y/z", "src/n", "w"]

PRUNE = "find . -mindepth 1 -type d -empty -delete"
"""A copy has no folders without files, as they are no part of any change."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / "src" / "deep").mkdir(parents=True)
    (root / "a.txt").write_text("1\n2\n3\n4\n5\n")
    (root / "src" / "b.txt").write_text("b\n")
    (root / "src" / "deep" / "c.txt").write_text("c\n")
    (root / "ln").symlink_to("a.txt")
    return root


@pytest.fixture
async def stage(tier: Tier, root: Path, tmp_path: Path):
    stage = await open_stage(root, tmp_path / "state" / "stages" / "key" / "one", tier)
    yield stage
    await stage.close()


@pytest.fixture
async def above(stage: Stage):
    above = await open_above(stage, Path(stage.view.home + "-b"))
    yield above
    await above.close()


async def printed(stage: Stage, script: str, policy: Policy | None = None) -> bytes:
    return (await sh(stage, script, policy)).output


def changes(stage: Stage) -> dict[str, tuple[Entry | None, Entry | None]]:
    found = {path: stage.change(path) for path in stage.paths()}
    return {path: (change.before, change.after) for path, change in found.items() if change is not None}


def standing(stage: Stage, folder: str = ".") -> dict[str, Entry | None]:
    """Every file of a view, as it is read without any process."""
    found: dict[str, Entry | None] = {}
    for name in stage.folder(folder) or ():
        path = name if folder == "." else f"{folder}/{name}"
        found |= standing(stage, path.rstrip("/")) if name.endswith("/") else {path: stage.read(path)}
    return found


def shadowed(root: Path) -> dict[str, Entry | None]:
    found: dict[str, Entry | None] = {}
    for place in sorted(root.rglob("*")):
        if place.is_symlink():
            found[place.relative_to(root).as_posix()] = Link(str(place.readlink()))
        elif place.is_file():
            found[place.relative_to(root).as_posix()] = File(place.read_bytes(), place.stat().st_mode & 0o777)
    return found


def act(rng: random.Random) -> str:
    one, two = rng.choice(POOL), rng.choice(POOL)
    return rng.choice(
        [
            f"echo {rng.random()} > {one}",
            f"echo {rng.random()} >> {one}",
            f"rm -rf {one}",
            f"mkdir -p {one}",
            f"mv -T {one} {two}",
            f"ln -sfT {two} {one}",
            f"test -d {one} || chmod 600 {one}",
            f"rm -rf {one}; mkdir -p {one}; echo q > {one}/q",
            f"rm -rf {one}; echo q > {one}",
        ]
    )


async def both(rng: random.Random, stage: Stage, shadow: Path) -> None:
    script = "; ".join(f"({act(rng)}) 2>/dev/null || true" for _ in range(rng.randint(1, 4)))
    await sh(stage, "umask 022; " + script)
    subprocess.run(["sh", "-c", f"umask 022; {script}"], cwd=shadow, check=False)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_was_done_beneath_and_above_the_view_is_that_of_a_plain_copy(
    stage: Stage, root: Path, tmp_path: Path, seed: int
):
    rng = random.Random(seed)
    shadow, untouched = tmp_path / "shadow", shadowed(root)
    shutil.copytree(root, shadow, symlinks=True)
    for _ in range(3):
        await both(rng, stage, shadow)
    await sh(stage, PRUNE)
    subprocess.run(["sh", "-c", PRUNE], cwd=shadow, check=True)
    beneath, staged = shadowed(shadow), changes(stage)
    above = await open_above(stage, Path(stage.view.home + "-b"))
    for _ in range(4):
        await both(rng, above, shadow)
        after = shadowed(shadow)
        assert standing(above) == after
        expected = {path: (beneath.get(path), after.get(path)) for path in beneath.keys() | after.keys()}
        assert changes(above) == {path: sides for path, sides in expected.items() if sides[0] != sides[1]}
    await above.discard()
    assert changes(stage) == staged
    assert shadowed(root) == untouched


async def test_a_stage_above_begins_with_what_is_staged_beneath_and_with_no_change_of_its_own(stage: Stage, tier: Tier):
    await sh(stage, "rm a.txt; rm -r src; mkdir src; echo fresh > src/b.txt; echo n > n")
    above = await open_above(stage, Path(stage.view.home + "-b"))
    assert (above.tier, changes(above)) == (tier, {})
    assert (
        await printed(above, "find . -type f -o -type l | sort; cat src/b.txt n")
        == b"./ln\n./n\n./src/b.txt\nfresh\nn\n"
    )
    assert standing(above) == standing(stage)
    await above.discard()


async def test_a_stage_above_a_stage_above_sees_through_both(stage: Stage, above: Stage):
    await sh(above, "echo b > from-b; rm src/b.txt")
    third = await open_above(above, Path(stage.view.home + "-c"))
    await sh(third, "echo c >> from-b; rm -r src")
    assert changes(third) == {
        "from-b": (File(b"b\n"), File(b"b\nc\n")),
        "src/deep/c.txt": (File(b"c\n"), None),
    }
    assert "src/" in (above.folder(".") or ())
    await third.discard()


async def test_what_is_committed_on_a_stage_is_there_above_it_and_what_is_committed_above_is_not_beneath(
    root: Path, tmp_path: Path, tier: Tier
):
    subprocess.run(["git", "init", "-qb", "main"], cwd=root, check=True)
    commit = "git -c user.name=a -c user.email=a@b commit -q"
    stage = await open_stage(root, tmp_path / "home", tier)
    await sh(stage, f"git add -A; {commit} -m one")
    above = await open_above(stage, tmp_path / "above")
    assert await printed(above, f"git log --format=%s; echo x > a.txt; {commit} -am two; git log --format=%s") == (
        b"one\ntwo\none\n"
    )
    assert await printed(stage, "git log --format=%s") == b"one\n"
    assert not (root / ".git" / "refs" / "heads" / "main").exists()
    await above.discard()
    await stage.discard()


async def test_a_linked_worktree_has_its_git_folder_above_too(root: Path, tmp_path: Path):
    commit = "git -c user.name=a -c user.email=a@b commit -q"
    subprocess.run(["sh", "-ec", f"git init -qb main; git add -A; {commit} -m one"], cwd=root, check=True)
    subprocess.run(["git", "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side"], cwd=root, check=True)
    stage = await open_stage(tmp_path / "tree", tmp_path / "home", "overlay")
    await sh(stage, f"echo x > a.txt; {commit} -am two")
    above = await open_above(stage, tmp_path / "above")
    assert await printed(above, f"echo y > a.txt; {commit} -am three; git log --format=%s") == b"three\ntwo\none\n"
    assert await printed(stage, "git log --format=%s") == b"two\none\n"
    await above.discard()
    await stage.discard()


async def test_what_a_copy_only_links_or_keeps_out_is_the_same_above_it(root: Path, tmp_path: Path):
    script = """
        git init -qb main; printf 'node_modules/\\n.env\\n' > .gitignore
        mkdir node_modules; echo m > node_modules/m; truncate -s 40M node_modules/big; echo KEY=1 > .env
    """
    subprocess.run(["sh", "-ec", script], cwd=root, check=True)
    stage = await open_stage(root, tmp_path / "home", "copy")
    above = await open_above(stage, tmp_path / "above")
    assert above.folder("node_modules") == ("big", "m")
    assert above.read("node_modules/m") == File(b"m\n")
    assert above.read(".env") == File(b"KEY=1\n")
    assert await printed(above, "cat node_modules/m; test ! -e .env") == b"m\n"
    granted = Policy(widenings=(Widening("secret", ".env"),))
    assert await printed(above, "cat .env", granted) == b"KEY=1\n"
    with pytest.raises(StageError, match="only linked"):
        above.write("node_modules/m", File(b""))
    assert changes(above) == {}
    await above.discard()
    await stage.discard()


async def test_the_folders_of_the_stages_beneath_are_hidden_as_its_own_is(stage: Stage, above: Stage):
    Path(stage.view.home, "kept").write_text("beneath")
    assert await printed(above, f"cat {stage.view.home}/kept {above.view.home}/stage.json 2>/dev/null || true") == b""


def brought(stage: Stage, above: Stage) -> dict[str, Moved]:
    made = [change for path in above.paths() if (change := above.change(path)) is not None]
    return {change.path: adopt(stage, change, WHO) for change in sorted(made, key=lambda each: each.after is not None)}


async def test_what_only_the_one_above_changed_is_taken_over(stage: Stage, above: Stage, root: Path):
    before = shadowed(root)
    await sh(above, "echo x >> src/b.txt; rm ln; mkdir n; echo n > n/n; mv src/deep moved; chmod +x a.txt")
    found = brought(stage, above)
    assert {moved.how for moved in found.values()} == {"followed"}
    assert changes(stage) == changes(above)
    assert shadowed(root) == before


async def test_different_lines_changed_on_both_are_merged_and_the_same_made_twice_is_no_conflict(
    stage: Stage, above: Stage
):
    await sh(above, "sed -i s/1/one/ a.txt; echo same > n")
    await sh(stage, "sed -i s/5/five/ a.txt; echo same > n")
    assert [moved.how for moved in brought(stage, above).values()] == ["merged", "same"]
    assert stage.read("a.txt") == File(b"one\n2\n3\n4\nfive\n")


async def test_the_same_line_changed_on_both_is_a_conflict_that_holds_both_until_it_is_settled(
    stage: Stage, above: Stage
):
    await sh(above, "sed -i s/3/above/ a.txt")
    await sh(stage, "sed -i s/3/beneath/ a.txt")
    found = brought(stage, above)["a.txt"]
    assert found == Moved(path="a.txt", how="conflict", why="the same lines were changed on the stage and by b")
    change = stage.change("a.txt")
    assert change is not None
    assert change.conflict == found.why
    assert change.after == File(b"1\n2\n<<<<<<< stage\nbeneath\n||||||| before\n3\n=======\nabove\n>>>>>>> b\n4\n5\n")
    assert has_markers(change.after)
    assert stage.rebase() == ()
    assert (again := stage.change("a.txt")) is not None
    assert again.conflict == found.why
    stage.write("a.txt", File(b"settled\n"))
    assert (settled := stage.change("a.txt")) is not None
    assert settled.conflict == ""


async def test_what_cannot_be_joined_keeps_this_stages_version_and_is_said_to_be_in_conflict(
    stage: Stage, above: Stage
):
    await sh(above, "rm src/b.txt; printf '\\0above' > new; ln -sfT above ln; echo x > src/deep/c.txt")
    await sh(stage, "echo mine > src/b.txt; printf '\\0mine' > new; ln -sfT mine ln; rm src/deep/c.txt")
    mine = standing(stage)
    found = brought(stage, above)
    assert {path: moved.how for path, moved in found.items()} == dict.fromkeys(
        ("ln", "new", "src/b.txt", "src/deep/c.txt"), "conflict"
    )
    assert standing(stage) == mine
    assert {path: change.conflict for path in stage.paths() if (change := stage.change(path))} == {
        path: moved.why for path, moved in found.items()
    }


async def test_what_there_is_no_place_for_is_left_and_said(stage: Stage, above: Stage):
    await sh(above, "mkdir w; echo x > w/x; mkfifo pipe")
    await sh(stage, "echo file > w")
    found = brought(stage, above)
    assert (found["w/x"].how, found["pipe"].how) == ("left", "left")
    assert "is a file" in found["w/x"].why
    assert stage.read("w") == File(b"file\n")


async def test_what_the_user_changed_meanwhile_is_merged_with_what_was_made_above(
    stage: Stage, above: Stage, root: Path
):
    await sh(above, "sed -i s/1/one/ a.txt")
    (root / "a.txt").write_text("1\n2\n3\n4\nuser\n")
    stage.rebase()
    assert [moved.how for moved in brought(stage, above).values()] == ["merged"]
    assert changes(stage) == {"a.txt": (File(b"1\n2\n3\n4\nuser\n"), File(b"one\n2\n3\n4\nuser\n"))}


async def test_a_stage_above_that_was_left_behind_is_swept_with_all_that_it_holds(
    stage: Stage, above: Stage, tmp_path: Path
):
    await sh(stage, "echo x > kept")
    await sh(above, "echo x > lost")
    assert sweep(tmp_path / "state") == 0
    await above.close()
    with pytest.raises(StageError, match="layered on another"):
        await open_stage(Path(stage.view.root), Path(above.view.home))
    assert sweep(tmp_path / "state", untouched=300.0) == 1
    assert not Path(above.view.home).exists()
    await stage.close()
    assert sweep(tmp_path / "state") == 0


async def test_a_folder_in_which_something_is_kept_is_not_layered_over(stage: Stage, above: Stage):
    await above.close()
    with pytest.raises(StageError, match="already"):
        await open_above(stage, Path(above.view.home))


KILLED = """
import asyncio, sys
from pathlib import Path
from assent_sandbox.policy import Command, Policy
from assent_sandbox.tiers import open_above, open_stage

async def main():
    stage = await open_stage(Path(sys.argv[1]), Path(sys.argv[2]))
    above = await open_above(stage, Path(sys.argv[2] + "-b"))
    async for piece in above.run(Command(argv=("sh", "-c", "echo x > kept; echo started; sleep " + sys.argv[3])), Policy()):
        print(piece.data.decode(), flush=True)

asyncio.run(main())
"""


async def test_killed_with_its_stages_a_process_leaves_nothing_alive_and_nothing_that_is_not_swept(
    root: Path, tmp_path: Path
):
    home = tmp_path / "state" / "stages" / "key" / "one"
    mark, code = f"7343.{os.getpid()}", "import sys; sys.path[:0] = " + repr(sys.path) + KILLED
    with subprocess.Popen([sys.executable, "-c", code, str(root), str(home), mark], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        process.kill()
    await until(lambda: not any(os.fsencode(mark) in line for line in commands()))
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    assert sweep(tmp_path / "state", untouched=300.0) == 1
    assert [place.name for place in home.parent.iterdir()] == ["one"]


def commands() -> list[bytes]:
    found: list[bytes] = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(place.read_bytes())
    return found
