"""Brings what a stage above another made of a path into the one beneath, three-way, so that nothing there is lost."""

from __future__ import annotations

from typing import Literal

from assent_sandbox.merge import Side, merge
from assent_sandbox.stage import Change, Entry, File, Link, Moved, Opaque, Stage, StageError


def adopt(stage: Stage, change: Change, side: Side) -> Moved:
    """Bring one change into a stage; `change.before` is what the view of that stage showed when it was first changed.

    What both sides changed is merged; a conflict holds the marks of both, or this stage's version, until it is settled.
    """
    try:
        mine = stage.read(change.path)
        if mine == change.after and not isinstance(mine, Opaque):
            return Moved(path=change.path, how="same")
        if isinstance(change.after, Opaque):
            return Moved(path=change.path, how="left", why=f"it is {change.after.what}")
        if mine == change.before and not isinstance(mine, Opaque):
            _put(stage, change.path, change.after)
            return _contested(stage, change, change.conflict, "followed")
        merged = merge(change.before, mine, change.after, side)
        if merged.entry != mine:
            _put(stage, change.path, merged.entry)
        return _contested(stage, change, merged.conflict or change.conflict, "merged")
    except StageError as error:
        return Moved(path=change.path, how="left", why=str(error))


def _put(stage: Stage, path: str, entry: Entry | None) -> None:
    if isinstance(entry, File | Link):
        stage.write(path, entry)
    elif entry is None:
        stage.delete(path)


def _contested(stage: Stage, change: Change, why: str, otherwise: Literal["merged", "followed"]) -> Moved:
    if not why:
        return Moved(path=change.path, how=otherwise)
    stage.dispute(change.path, why)
    return Moved(path=change.path, how="conflict", why=why)
