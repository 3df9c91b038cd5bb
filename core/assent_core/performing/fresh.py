"""A stage for one check: the user's tree with exactly what lands, and nothing that builds and checks have left behind."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from assent_core.performing.leftovers import parted
from assent_core.performing.perform import Performer
from assent_sandbox.stage import Entry, File, Opaque, Stage
from assent_sandbox.tiers import open_stage


@asynccontextmanager
async def fresh(
    performer: Performer, landing: Mapping[str, Entry | None], command: str, *, bare: bool = True
) -> AsyncGenerator[Performer]:
    """A performer on a stage of its own, which is deleted at the end with all that the command made there.

    `bare`: without what builds and checks have left in the user's tree, as in a new clone that is set up to run.
    """
    view = performer.stage.view
    home = Path(view.home).with_name(f"{Path(view.home).name}-{secrets.token_hex(3)}")
    opening = open_stage(performer.workspace.root, home, view.tier, map(Path, view.closed), fleeting=True)
    stage = await _whole(asyncio.ensure_future(opening))
    try:
        yield await asyncio.to_thread(_laid_out, performer, stage, landing, command, bare)
    finally:
        await asyncio.shield(stage.discard())


async def _whole(opening: asyncio.Future[Stage]) -> Stage:
    """The stage; cancelled on the way, nothing of it stays."""
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        await (await opening).discard()
        raise


def _laid_out(
    performer: Performer, stage: Stage, landing: Mapping[str, Entry | None], command: str, bare: bool
) -> Performer:
    left = parted(performer.workspace.ignored_there(), command)[0] if bare else ()
    stage.hide(path.rstrip("/") for path in left if path.rstrip("/") not in landing)
    for path, entry in sorted(landing.items(), key=lambda one: (one[1] is not None, one[0])):
        put(stage, path, as_committed(entry) if performer.workspace.git else entry)
    made = performer.on(stage)
    made.hidden = left
    made.changes()
    return made


def as_committed(entry: Entry | None) -> Entry | None:
    """An entry as git keeps it: of a file's mode only whether it can be executed."""
    return File(entry.data, 0o755 if entry.mode & 0o111 else 0o644) if isinstance(entry, File) else entry


def put(stage: Stage, path: str, entry: Entry | None) -> None:
    """Make an entry stand on a stage; what is opaque stays away."""
    if entry is None:
        stage.delete(path)
    elif not isinstance(entry, Opaque):
        stage.write(path, entry)
