"""The stage: a private view of the repository to read, write and run in, and what has changed there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from assent_sandbox.policy import Command, Ended, Output, Policy, Tier, View


class File(Struct, frozen=True, tag="file"):
    """A regular file: its bytes and its permission bits (never set-user-id or sticky)."""

    data: bytes
    mode: int = 0o644

    @property
    def executable(self) -> bool:
        """Whether its owner may execute it."""
        return bool(self.mode & 0o100)


class Link(Struct, frozen=True, tag="link"):
    """A symbolic link and where it points, as written."""

    target: str


class Opaque(Struct, frozen=True, tag="opaque"):
    """Something that can be shown but neither reviewed nor landed: too large, or no file (pipe, socket, device)."""

    what: str
    size: int = 0


Entry = File | Link | Opaque
"""What stands at a path; None stands for nothing."""


class Change(Struct, frozen=True, kw_only=True):
    """What the stage would make of one path: `before` is its base, `after` what stands in the view.

    `conflict` says in words why the two could not be brought together with a newer real file; such a change
    holds conflict markers or one side and must be settled before it can land.
    """

    path: str
    before: Entry | None
    after: Entry | None
    conflict: str = ""


class Moved(Struct, frozen=True, kw_only=True):
    """A path that changed elsewhere meanwhile, in the real tree or on a stage above, and what was done about it."""

    path: str
    how: Literal["merged", "conflict", "same", "followed", "left"]
    """merged: both sides kept; conflict: see Change.conflict; same: the other side became what was staged;
    followed: the other side moved and nothing of the stage was at stake; left: it could not be brought over."""
    why: str = ""
    """Of a conflict and of what was left, in words."""


class Stage(Protocol):
    """One session's view of one repository. Paths are relative to its root, in POSIX form, never through a link.

    A path that would leave the repository raises `OutsideError`; `.git` is the view's own and is no change.
    All methods but `run` are quick and synchronous. At most one command writes at a time.
    """

    @property
    def tier(self) -> Tier: ...

    @property
    def view(self) -> View: ...

    @property
    def lowered(self) -> str:
        """Why the stage has no higher tier, in words for the user; empty in the best one, or where one was named."""
        ...

    def read(self, path: str) -> Entry | None:
        """What stands at a path of the view; None for nothing or a folder."""
        ...

    def folder(self, path: str) -> tuple[str, ...] | None:
        """The names in a folder of the view, sorted, folders with a trailing slash; None if it is no folder."""
        ...

    def write(self, path: str, entry: File | Link) -> None:
        """Put an entry at a path of the view, with the folders that it needs; the base is kept first."""
        ...

    def delete(self, path: str) -> None:
        """Remove a path from the view; a missing one is no error."""
        ...

    def hide(self, paths: Iterable[str]) -> None:
        """Show nothing at these paths, of which nothing is kept: only for a stage that is thrown away."""
        ...

    def paths(self) -> tuple[str, ...]:
        """Paths that may differ from the real tree, sorted, ignored ones included; cost follows what changed."""
        ...

    def change(self, path: str) -> Change | None:
        """Before and after of one path, or None if they are the same."""
        ...

    def rebase(self) -> tuple[Moved, ...]:
        """Bring the stage up to the real tree: clean files follow, touched ones are merged three-way, nothing is lost."""
        ...

    def settle(self, path: str, base: Entry | None, staged: Entry | None) -> None:
        """After a landing: the real file is now `base`; the view is to hold `staged` (clean if they are equal)."""
        ...

    def snapshot(self, album: Path) -> str:
        """Keep the stage as it is in a folder of snapshots; the new one's name. Cost follows what changed since the last."""
        ...

    def restore(self, album: Path, name: str) -> tuple[Moved, ...]:
        """Put the stage back to a snapshot, then `rebase`; interrupted, it can be done again. StageError if it is gone."""
        ...

    def dispute(self, path: str, why: str) -> None:
        """Hold what is staged at a path in conflict, in these words, until something else is staged there."""
        ...

    def run(self, command: Command, policy: Policy) -> AsyncGenerator[Output | Ended]:
        """Run a command in the view; the last item is the `Ended`. Closing the generator ends all its processes."""
        ...

    async def close(self) -> None:
        """End the helper processes; the stage's folder stays and can be opened again."""
        ...

    async def discard(self) -> None:
        """Close, and delete the stage's folder."""
        ...


class StageError(Exception):
    """The stage cannot do what was asked; `hint` says what would help."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class OutsideError(StageError):
    """A path leads out of the repository, by itself or through a link."""


class LockedError(StageError):
    """Another process has this stage open."""


class WallsError(StageError):
    """The walls could not be put up, so nothing was run."""
