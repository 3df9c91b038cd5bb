import subprocess
from pathlib import Path

import pytest

from assent_sandbox.policy import Command, Ended, Policy
from assent_sandbox.stage import File, Stage, StageError, WallsError
from assent_sandbox.tiers import open_stage, sweep
from assent_sandbox.walls import find_walls


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "a").write_text("a\n")
    return root


async def output(stage: Stage, script: str) -> bytes:
    last = [piece async for piece in stage.run(Command(argv=("sh", "-c", script)), Policy())][-1]
    assert isinstance(last, Ended)
    return last.output


async def test_the_best_tier_is_taken_and_kept_when_opened_again(root: Path, tmp_path: Path):
    stage = await open_stage(root, tmp_path / "home")
    stage.write("a", File(b"staged"))
    first = stage.tier
    await stage.close()
    again = await open_stage(root, tmp_path / "home")
    assert (again.tier, again.read("a"), again.lowered) == (first, File(b"staged"), stage.lowered)
    await again.discard()


@pytest.mark.parametrize("tier", ["copy", "unconfined"])
async def test_a_tier_can_be_forced(root: Path, tmp_path: Path, tier: str):
    stage = await open_stage(root, tmp_path / "home", tier)  # pyright: ignore[reportArgumentType]
    assert stage.tier == tier
    assert await output(stage, "cat a") == b"a\n"
    await stage.close()
    with pytest.raises(StageError, match="was made in the"):
        await open_stage(root, tmp_path / "home", "overlay")


@pytest.fixture
def mounted(root: Path):
    """A repository with a file system mounted in it, over which no overlay can be made."""
    (root / "m").mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "none", str(root / "m")], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("nothing can be mounted here")
    yield root
    subprocess.run(["umount", str(root / "m")], check=True)


async def test_where_an_overlay_is_refused_a_copy_is_made(mounted: Path, tmp_path: Path):
    (mounted / "m" / "x").write_text("x\n")
    stage = await open_stage(mounted, tmp_path / "home")
    assert stage.tier == "copy"
    assert "(m)" in stage.lowered
    assert await output(stage, "cat a m/x") == b"a\nx\n"
    stage.write("a", File(b"staged"))
    await stage.close()
    again = await open_stage(mounted, tmp_path / "home")
    assert again.lowered == stage.lowered
    await again.discard()
    with pytest.raises(WallsError):
        await open_stage(mounted, tmp_path / "home", "overlay")


def test_a_mount_in_a_repository_is_a_wall_that_fell_there_and_how_to_mend_it(mounted: Path, tmp_path: Path):
    fallen = [
        wall for wall in find_walls(tmp_path / "state", mounted).walls if wall.name == "overlay over this repository"
    ]
    assert [(wall.ok, "(m)" in wall.note, "Unmount" in wall.mend) for wall in fallen] == [(False, True, True)]
    assert not [
        wall for wall in find_walls(tmp_path / "state", tmp_path / "state").walls if "this repository" in wall.name
    ]


async def test_a_state_folder_within_the_repository_is_not_staged_itself(root: Path):
    for tier in ("overlay", "copy"):
        stage = await open_stage(root, root / ".state" / tier, tier)  # pyright: ignore[reportArgumentType]
        assert await output(stage, "echo b >> a; cat a") == b"a\nb\n"
        assert stage.paths() == ("a",)
        assert stage.rebase() == ()
        await stage.discard()


async def test_a_folder_that_cannot_be_staged_is_refused_with_a_hint(tmp_path: Path, root: Path):
    for place in (tmp_path / "missing", root / "a", Path("/")):
        with pytest.raises(StageError) as refused:
            await open_stage(place, tmp_path / "home")
        assert refused.value.hint


async def test_a_state_folder_that_cannot_be_made_is_an_error_with_a_hint(root: Path):
    with pytest.raises(StageError, match="cannot be made") as refused:
        await open_stage(root, root / "a" / "home")
    assert refused.value.hint


async def test_an_unreadable_description_is_an_error_and_the_stage_is_kept(root: Path, tmp_path: Path):
    stage = await open_stage(root, tmp_path / "home")
    stage.write("a", File(b"staged"))
    await stage.close()
    for text, word in ((b"{", "cannot be read"), (b'{"root":"/","tier":"copy","format":99}', "another version")):
        (tmp_path / "home" / "stage.json").write_bytes(text)
        with pytest.raises(StageError, match=word):
            await open_stage(root, tmp_path / "home")
    assert (tmp_path / "home" / "bases").exists()


async def test_commands_of_one_stage_run_one_after_the_other(root: Path, tmp_path: Path):
    import asyncio

    stage = await open_stage(root, tmp_path / "home")
    script = "test ! -e busy || echo overlap >> a; : > busy; sleep 0.05; rm busy"
    await asyncio.gather(*(output(stage, script) for _ in range(3)))
    assert stage.read("a") == File(b"a\n")
    await stage.close()


async def test_a_command_that_is_broken_off_leaves_its_traces_recorded(root: Path, tmp_path: Path):
    stage = await open_stage(root, tmp_path / "home")
    pieces = stage.run(Command(argv=("sh", "-c", "echo s > a; echo started; sleep 60")), Policy())
    await anext(pieces)
    await pieces.aclose()
    (root / "a").write_text("later\n")
    change = stage.change("a")
    assert change is not None and change.before == File(b"a\n")
    await stage.discard()


async def test_a_stage_for_one_check_that_is_left_behind_is_swept_whatever_it_holds(root: Path, tmp_path: Path):
    home = tmp_path / "state/stages/repo/one"
    stage = await open_stage(root, home, fleeting=True)
    stage.write("a", File(b"staged"))
    await stage.close()
    with pytest.raises(StageError, match="one process alone"):
        await open_stage(root, home)
    assert sweep(tmp_path / "state", 300.0) == 1
    assert not home.exists()
