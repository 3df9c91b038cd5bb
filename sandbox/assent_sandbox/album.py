"""The door to a stage's snapshots, which lie in a folder of their own: what there is, forking, deleting."""

from __future__ import annotations

from pathlib import Path

from assent_sandbox.view import tree
from assent_sandbox.view.snapshots import Album, going, names

__all__ = ["erase", "fork", "going", "mark", "names"]


def mark(folder: Path, name: str) -> None:
    """Note that going back to a snapshot begins, or that it has ended (an empty name)."""
    Album(folder).mark(name)


def fork(folder: Path, other: Path, name: str) -> None:
    """Copy the snapshots up to one into another folder; StageError if that one is not kept."""
    Album(folder).copy_to(other, name)


def erase(folder: Path) -> None:
    """Delete an album; a missing one is no error."""
    tree.erase(str(folder))
