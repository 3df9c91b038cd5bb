"""Brings what a worker beside made onto the stage that its own one is layered on; nothing of it is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec import Struct

from assent_core.diffs.changes import FileChange
from assent_core.performing.perform import Performer
from assent_sandbox.adoption import adopt
from assent_sandbox.merge import Side
from assent_sandbox.stage import Change, File, Link, Moved

FOLDER = "versions"
"""Where, in the folder of a stage, versions are kept that could not be brought together."""


class Brought(Struct, frozen=True):
    """What came of it: each path that was changed, and the folder in which versions that are in dispute are kept."""

    moved: tuple[Moved, ...] = ()
    kept: str = ""
    ignored: tuple[str, ...] = ()
    """What the worker changed and git ignores: it is not brought over."""
    names: tuple[tuple[str, str], ...] = ()
    """Paths in dispute, and the name under which the worker's version of each can be read again."""

    @property
    def disputed(self) -> tuple[Moved, ...]:
        """Those in conflict, and those that could not be brought over."""
        return tuple(each for each in self.moved if each.how in ("conflict", "left"))


async def bring_in(performer: Performer, other: Performer, name: str) -> Brought:
    """Merge all changes of another performer's stage, which is layered on this one's, into this one's."""
    return await asyncio.to_thread(_bring_in, performer, other, name)


def _bring_in(performer: Performer, other: Performer, name: str) -> Brought:
    files = sorted(other.changes(), key=lambda file: file.after is not None)
    side = Side(name, f"by the worker {name}")
    moved = tuple(adopt(performer.stage, _change(file), side) for file in files)
    performer.byproducts |= other.byproducts
    ignored = other.ignored
    folder = Path(performer.stage.view.home) / FOLDER / name
    disputed = {each.path for each in moved if each.how in ("conflict", "left")}
    names = tuple((file.path, _kept(performer, folder, file)) for file in files if file.path in disputed)
    return Brought(moved, str(folder) if folder.exists() else "", ignored, names)


def _change(file: FileChange) -> Change:
    return Change(path=file.path, before=file.before, after=file.after, conflict=file.conflict)


def _kept(performer: Performer, folder: Path, file: FileChange) -> str:
    """Keep a version as it is, and what of it is text for the model; the name of that, empty where there is none."""
    if not isinstance(file.after, File | Link):
        return ""
    data = file.after.data if isinstance(file.after, File) else file.after.target.encode("utf-8", "surrogateescape")
    place = folder / file.path
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.write_bytes(data)
    return "" if b"\0" in data[:8192] else performer.outputs.keep(performer.redact(data.decode(errors="replace")))
