"""Opens the best stage that this machine can hold."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import time
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path

from assent_sandbox.cell import landlock
from assent_sandbox.policy import Command, Policy, Tier
from assent_sandbox.sight.surroundings import MEND_MOUNTS, mounts_within, told_of_mounts
from assent_sandbox.stage import Stage, StageError, WallsError
from assent_sandbox.view.bases import latin, native
from assent_sandbox.view.copied import CopiedStage
from assent_sandbox.view.folder import Folder, is_layered
from assent_sandbox.view.overlay import OverlayStage
from assent_sandbox.view.remembering import RememberingStage

_PROBE = Command(argv=("/bin/sh", "-c", ":"))


async def open_stage(
    root: Path, home: Path, tier: Tier | None = None, closed: Iterable[Path] = (), *, fleeting: bool = False
) -> Stage:
    """Open, or open again, the stage of `root` kept in the folder `home` (made if missing).

    `tier` forces one; None takes the best that works when tried. `closed` are folders of assent's own, which nobody reads
    or changes on the stage wherever they lie. `fleeting`: it is for this process alone, and swept when it is left behind.
    Raises LockedError, WallsError, StageError.
    """
    place = await asyncio.to_thread(_real_folder, root)
    folder = await asyncio.to_thread(lambda: Folder.open(os.path.realpath(home)))
    own = await asyncio.to_thread(_names_of, closed)
    try:
        kept = folder.meta()
        if kept is None:
            tiers = (tier,) if tier is not None else ("overlay", "copy", "unconfined")
            return await _open_first(place, folder, tiers, own, fleeting=fleeting)
        if latin(place) != kept.root:
            raise StageError(f"{home} is the stage of another repository", "Give each repository a stage of its own.")
        if kept.layered:
            raise StageError(
                f"{home} was layered on another stage, or for one process alone, and means nothing without it",
                "Delete it.",
            )
        if tier not in (None, kept.tier):
            raise StageError(f"this stage was made in the {kept.tier} tier", "Open it so, or discard it.")
        stage = await asyncio.to_thread(_open_again, place, folder, kept.tier, own)
        stage.lowered = kept.lowered
        return stage
    except BaseException:
        folder.unlock()
        raise


async def open_above(stage: Stage, home: Path) -> Stage:
    """Open a stage that is layered on what another one holds, in a folder `home` where nothing is kept yet.

    Its base is the view of the other, which nobody may change while this one is open. It is for this process alone: what
    it still holds when it is closed, or left behind, is swept away. Raises LockedError, WallsError, StageError.
    """
    folder = await asyncio.to_thread(lambda: Folder.open(os.path.realpath(home)))
    try:
        return await asyncio.to_thread(_layered, stage, folder)
    except BaseException:
        folder.unlock()
        raise


def sweep(state_dir: Path, untouched: float = 0.0) -> int:
    """Delete the stages under a state directory that nobody has open and that hold nothing to decide; gives their number.

    `untouched`: only those whose folder nobody touched for so many seconds, so that none that is being made is met; one
    that was layered on another is of no use to anybody as soon as nobody has it open.
    """
    before = time.time() - untouched
    found = sorted(state_dir.glob("stages/*/*"))
    homes = [home for home in found if home.stat().st_mtime <= before or is_layered(str(home))]
    return sum(_sweep_one(home) for home in homes)


def in_use(home: Path) -> bool:
    """Whether a living process has the stage in this folder open."""
    try:
        lock = os.open(home / "lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def erase(home: Path) -> None:
    """Delete the stage in this folder, with its changes; a missing one is no error. Raises LockedError, StageError."""
    if home.exists():
        folder = Folder.open(str(home))
        try:
            folder.erase()
        finally:
            folder.unlock()


def _sweep_one(home: Path) -> bool:
    try:
        folder = Folder.open(str(home))
    except StageError:
        return False
    try:
        kept = folder.meta()
        if kept is not None and not kept.layered and _holds_changes(native(kept.root), folder, kept.tier):
            folder.unlock()
            return False
        folder.erase()
    except (StageError, OSError):
        folder.unlock()
        return False
    folder.unlock()
    return True


def _holds_changes(root: str, folder: Folder, tier: Tier) -> bool:
    stage = _make(root, folder, tier)
    try:
        return any(stage.change(path) is not None for path in stage.paths())
    finally:
        stage.shut()


def _names_of(places: Iterable[Path]) -> tuple[str, ...]:
    """Each as written and resolved."""
    return tuple(dict.fromkeys(name for each in places for name in (os.path.abspath(each), os.path.realpath(each))))


def _real_folder(root: Path) -> str:
    place = os.path.realpath(root)
    if not os.path.isdir(place):
        raise StageError(f"{root} is not a folder", "Name the folder of a project.")
    if place == "/":
        raise StageError("the whole file system cannot be staged", "Name the folder of a project.")
    return place


async def _open_first(
    root: str, folder: Folder, tiers: tuple[Tier, ...], closed: tuple[str, ...], *, fleeting: bool
) -> Stage:
    """Open the first of these tiers that holds when a command is run in it; the last one's refusal is raised."""
    lowered = ""
    for tier in tiers:
        stage = await asyncio.to_thread(_open_again, root, folder, tier, closed)
        try:
            await _prove(stage)
            folder.describe(root, tier, lowered, layered=fleeting)
            stage.lowered = lowered
            return stage
        except WallsError as error:
            await stage.end()
            folder.empty()
            if tier == tiers[-1]:
                raise
            lowered = lowered or _why_lowered(root, tier, error)
        except BaseException:
            await stage.end()
            raise
    raise AssertionError("no tier was named")


def _why_lowered(root: str, tier: Tier, error: WallsError) -> str:
    """Why a tier cannot be held for this repository, and what would mend it."""
    if tier == "overlay" and (within := mounts_within(root)):
        return f"{told_of_mounts(within)} {MEND_MOUNTS}"
    return f"The {tier} tier cannot be held here: {str(error).rstrip('.')}. `assent doctor` says what would mend it."


def _open_again(root: str, folder: Folder, tier: Tier, closed: tuple[str, ...]) -> RememberingStage:
    stage = _make(root, folder, tier, closed)
    stage.follow()
    return stage


def _layered(stage: Stage, folder: Folder) -> Stage:
    if folder.meta() is not None:
        raise StageError(f"something is kept in {folder.home} already", "Name a folder that is not there yet.")
    assert isinstance(stage, RememberingStage)
    folder.describe(stage.view.root, stage.tier, layered=True)
    above = stage.above(folder)
    above.follow()
    return above


def _make(root: str, folder: Folder, tier: Tier, closed: tuple[str, ...] = ()) -> RememberingStage:
    if tier == "overlay":
        return OverlayStage(root, folder, closed=closed)
    return CopiedStage(root, folder, tier, closed=closed)


async def _prove(stage: RememberingStage) -> None:
    """Run a command that does nothing; raises WallsError where the walls of the tier do not hold."""
    if sys.platform == "darwin" and stage.tier == "copy":
        return
    if stage.tier == "copy" and not landlock.version():
        raise WallsError("the kernel has no Landlock", "Boot with lsm=landlock,... on the kernel's command line.")
    async with aclosing(stage.run(_PROBE, Policy())) as pieces:
        async for _ in pieces:
            pass
