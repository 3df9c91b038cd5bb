import asyncio
import os
import random
import resource
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from assent_sandbox.stage import File, Link, Stage, StageError
from assent_sandbox.view.tree import names_of
from staged import open_as, sh


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / "src" / "deep").mkdir(parents=True)
    (root / "a.txt").write_text("a\n")
    (root / "src" / "b.txt").write_text("b\n")
    (root / "src" / "deep" / "c.txt").write_text("c\n")
    (root / "ln").symlink_to("a.txt")
    return root


def changes(stage: Stage) -> dict[str, tuple[object, object]]:
    found = {}
    for path in stage.paths():
        change = stage.change(path)
        if change is not None:
            found[path] = (change.before, change.after)
    return found


async def test_a_command_changes_only_the_view(stage: Stage, root: Path):
    await sh(
        stage, "echo more >> a.txt; rm src/b.txt; mkdir -p n/e/w; echo n > n/e/w/f; ln -s /etc/passwd out; chmod +x ln"
    )
    assert (root / "a.txt").read_text() == "a\n"
    assert changes(stage) == {
        "a.txt": (File(b"a\n"), File(b"a\nmore\n", 0o755)),
        "src/b.txt": (File(b"b\n"), None),
        "n/e/w/f": (None, File(b"n\n")),
        "out": (None, Link("/etc/passwd")),
    }


async def test_what_version_control_keeps_is_no_change_in_a_plain_folder_either(stage: Stage, root: Path):
    (root / ".hg").mkdir()
    (root / ".hg" / "hgrc").write_text("[hooks]\n")
    for folder in (".jj/repo", ".hg", "sub/.svn", ".bzr", "_darcs"):
        await sh(stage, f"mkdir -p {folder}; echo x > {folder}/hgrc; rm -f {folder}/nothing")
    assert changes(stage) == {}
    assert sorted(place.name for place in root.iterdir()) == [".hg", "a.txt", "ln", "src"]
    assert (root / ".hg" / "hgrc").read_text() == "[hooks]\n"


async def test_everything_removed_is_each_file_deleted_and_the_tree_untouched(stage: Stage, root: Path):
    await sh(stage, "rm -rf *; echo x > new")
    assert sorted(place.name for place in root.iterdir()) == ["a.txt", "ln", "src"]
    assert changes(stage) == {
        "a.txt": (File(b"a\n"), None),
        "ln": (Link("a.txt"), None),
        "src/b.txt": (File(b"b\n"), None),
        "src/deep/c.txt": (File(b"c\n"), None),
        "new": (None, File(b"x\n")),
    }


async def test_a_folder_made_anew_hides_what_was_in_it(stage: Stage, root: Path):
    await sh(stage, "rm -r src; mkdir src; echo fresh > src/b.txt")
    assert changes(stage) == {
        "src/b.txt": (File(b"b\n"), File(b"fresh\n")),
        "src/deep/c.txt": (File(b"c\n"), None),
    }
    await sh(stage, 'test ! -e src/deep; test "$(ls src)" = b.txt')


async def test_a_file_becomes_a_folder_and_a_folder_a_file(stage: Stage):
    await sh(stage, "rm -r src a.txt; echo file > src; mkdir a.txt; echo in > a.txt/x")
    assert changes(stage) == {
        "a.txt": (File(b"a\n"), None),
        "a.txt/x": (None, File(b"in\n")),
        "src": (None, File(b"file\n")),
        "src/b.txt": (File(b"b\n"), None),
        "src/deep/c.txt": (File(b"c\n"), None),
    }


async def test_a_folder_moved_comes_out_as_files_deleted_and_added(stage: Stage):
    await sh(stage, "mv src moved")
    assert changes(stage) == {
        "moved/b.txt": (None, File(b"b\n")),
        "moved/deep/c.txt": (None, File(b"c\n")),
        "src/b.txt": (File(b"b\n"), None),
        "src/deep/c.txt": (File(b"c\n"), None),
    }


async def test_what_the_stage_wrote_is_what_a_command_sees(stage: Stage):
    stage.delete("src")
    stage.write("src/deep/new.txt", File(b"n", 0o755))
    stage.write("a.txt", Link("src"))
    await sh(
        stage, 'test $(readlink a.txt) = src; test -x src/deep/new.txt; test "$(find src -type f)" = src/deep/new.txt'
    )


def shadowed(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for place in folder.rglob("*"):
        path = place.relative_to(folder).as_posix()
        if place.is_symlink():
            found[path] = Link(str(place.readlink()))
        elif place.is_file():
            found[path] = File(place.read_bytes(), place.stat().st_mode & 0o777)
    return found


def act(rng: random.Random) -> str:
    """One random command of a shell; it may fail."""
    pool = ["a.txt", "src", "src/b.txt", "src/deep", "src/deep/c.txt", "ln", "x", "x/y", "x/y/z", "src/n", "w"]
    one, two = rng.choice(pool), rng.choice(pool)
    return rng.choice(
        [
            f"echo {rng.random()} > {one}",
            f"echo {rng.random()} >> {one}",
            f"rm -rf {one}",
            f"mkdir -p {one}",
            f"mv -T {one} {two}",
            # what a copy of a folder into itself makes depends on the order of the names in it
            "true" if two.startswith(one) else f"cp -rT {one} {two}",
            f"ln -sfT {two} {one}",
            f"test -d {one} || chmod 600 {one}",
            f"rm -rf {one}; mkdir -p {one}; echo q > {one}/q",
            f"rm -rf {one}; echo q > {one}",
        ]
    )


@pytest.mark.parametrize("seed", range(6))
async def test_any_sequence_of_commands_and_edits_comes_out_as_in_a_plain_copy(
    stage: Stage, root: Path, tmp_path: Path, seed: int
):
    rng = random.Random(seed)
    shadow = tmp_path / "shadow"
    shutil.copytree(root, shadow, symlinks=True)
    before = shadowed(root)
    for _ in range(12):
        if rng.random() < 0.5:
            script = "; ".join(f"({act(rng)}) 2>/dev/null || true" for _ in range(rng.randint(1, 4)))
            await sh(stage, "umask 022; " + script)
            os.system(f"cd {shadow} && umask 022 && {{ {script} ; }}")
        else:
            edit(rng, stage, shadow)
        after = shadowed(shadow)
        expected = {
            path: (before.get(path), after.get(path))
            for path in before.keys() | after.keys()
            if before.get(path) != after.get(path)
        }
        assert changes(stage) == expected
        assert {path: stage.read(path) for path in after} == after
    assert shadowed(root) == before


def edit(rng: random.Random, stage: Stage, shadow: Path) -> None:
    """Write or delete through the stage what can be, and the same in the shadow."""
    path = rng.choice(["a.txt", "src/b.txt", "src/deep/c.txt", "x/y/z", "src/n", "w", "x"])
    place = shadow / path
    if any(above.is_symlink() or above.is_file() for above in list(place.parents)[: path.count("/")]):
        return
    if place.is_dir() and not place.is_symlink():
        stage.delete(path)
        shutil.rmtree(place)
    elif os.path.lexists(place) and rng.random() < 0.4:
        stage.delete(path)
        place.unlink()
    else:
        data = b"%f" % rng.random()
        stage.write(path, File(data, 0o644))
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink():
            place.unlink()
        place.write_bytes(data)
        place.chmod(0o644)


PRUNE = "find . -mindepth 1 -type d -empty -delete; "
"""Folders without files are no part of a change, so they are no part of this comparison either."""


def put(place: Path, entry: File | Link) -> None:
    if isinstance(entry, Link):
        place.symlink_to(entry.target)
    else:
        place.write_bytes(entry.data)
        place.chmod(entry.mode)


def land(stage: Stage, root: Path) -> None:
    """Make every change real, deletions first, and settle it."""
    found = changes(stage)
    for path, (_, after) in found.items():
        place = root / path
        if after is None:
            place.unlink()
            while not any(place.parent.iterdir()) and place.parent != root:
                place = place.parent
                place.rmdir()
    for path, (_, after) in found.items():
        if isinstance(after, (File, Link)):
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            put(place, after)
    for path, (_, after) in found.items():
        assert after is None or isinstance(after, (File, Link))
        stage.settle(path, after, after)


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_staged_what_is_real_and_what_lands_stay_apart_and_come_together(
    tier: str, tmp_path: Path, seed: int
):
    rng = random.Random(seed)
    root, shadow = tmp_path / "repo", tmp_path / "shadow"
    for half in ("staged", "real"):
        (root / half / "src" / "deep").mkdir(parents=True)
        for path in ("keep", "a.txt", "src/b.txt", "src/deep/c.txt"):
            (root / half / path).write_text(path)
    shutil.copytree(root / "staged", shadow, symlinks=True)
    stage = open_as(tier, root, tmp_path / "home")
    for _ in range(8):
        script = PRUNE + "; ".join(f"({act(rng)}) 2>/dev/null || true" for _ in range(3))
        await sh(stage, f"umask 022; cd staged; {script}")
        subprocess.run(["sh", "-c", f"umask 022; {script}"], cwd=shadow, check=True)
        script = "; ".join(f"({act(rng)}) 2>/dev/null || true" for _ in range(2))
        subprocess.run(["sh", "-c", f"umask 022; {script}"], cwd=root / "real", check=True)
        assert stage.rebase() == ()
        expected = {f"real/{path}": entry for path, entry in shadowed(root / "real").items()}
        expected |= {f"staged/{path}": entry for path, entry in shadowed(shadow).items()}
        assert {path: stage.read(path) for path in expected} == expected
        assert all(path.startswith("staged/") for path in changes(stage))
        if rng.random() < 0.4:
            land(stage, root)
            assert shadowed(root) == expected
            assert changes(stage) == {}
            assert stage.rebase() == ()
            assert {path: stage.read(path) for path in expected} == expected
    await stage.close()


async def test_a_stage_whose_warden_was_killed_runs_the_next_command_behind_another(stage: Stage):
    assert (await sh(stage, "echo x > kept")).denials == ()
    (warden,) = [
        int(child)
        for child in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        if b"warden" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    os.kill(warden, signal.SIGKILL)
    while b"State:\tZ" not in Path(f"/proc/{warden}/status").read_bytes():
        await asyncio.sleep(0.01)
    assert (await sh(stage, "cat kept")).output == b"x\n"


def test_too_few_files_are_no_matter_of_permissions(tmp_path: Path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        with pytest.raises(StageError) as few:
            names_of(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.close(folder)
    assert ("Too many open files" in str(few.value), "ulimit -n" in few.value.hint) == (True, True)


async def test_a_repository_that_was_moved_is_said_with_what_to_do(root: Path, tmp_path: Path):
    stage = open_as("overlay", root, tmp_path / "home")
    root.rename(root.with_name("elsewhere"))
    for look in (stage.read, stage.folder):
        with pytest.raises(StageError, match="cannot be opened") as moved:
            look("src/b.txt")
        assert "put it back" in moved.value.hint
    root.with_name("elsewhere").rename(root)
    await stage.close()
