"""Accepted hunks become the real tree: a journal, fsync, rename; and back."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from assent_sandbox.stage import Entry


class Write(Struct, frozen=True, kw_only=True):
    """One path of a landing: `before` is what was shown and must still stand, `after` what is to stand."""

    path: str
    before: Entry | None
    after: Entry | None


class Landing(Struct, frozen=True, kw_only=True):
    """A landing that was made: enough to show it and to take it back."""

    id: str
    session: str
    time: float
    """Seconds since the epoch."""
    paths: tuple[str, ...]
    undone: bool = False


class Recovered(Struct, frozen=True, kw_only=True):
    """An interrupted landing that was found at the start, and what was done: everything or nothing of it stands."""

    id: str
    how: Literal["completed", "rolled back"]
    paths: tuple[str, ...]


def land(root: Path, state: Path, writes: tuple[Write, ...], session: str = "") -> Landing:
    """Make all writes or none; raises LandingRefused and leaves the tree as it was if a path is not `before`."""
    raise NotImplementedError


def undo(root: Path, state: Path, id: str = "") -> Landing:
    """Take back a landing (the newest that stands if no id is given) if its files are still what it wrote."""
    raise NotImplementedError


def recover(root: Path, state: Path) -> tuple[Recovered, ...]:
    """Complete or roll back landings that were interrupted; to be called before anything else at every start."""
    raise NotImplementedError


def landings(root: Path, state: Path) -> tuple[Landing, ...]:
    """All landings of this repository, newest first."""
    raise NotImplementedError
