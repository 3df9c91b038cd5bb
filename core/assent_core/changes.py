"""Before and after become hunks, and a selection of hunks becomes the text that it gives; pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from msgspec import Struct

from assent_sandbox.stage import Change, Entry

HunkKind = Literal["lines", "whole", "mode"]
"""lines: a contiguous piece of a text; whole: create, delete, binary, link or type change; mode: permission bits only."""


class Hunk(Struct, frozen=True, kw_only=True):
    """One contiguous piece of a change, the smallest thing that is decided.

    `old` and `new` are lines with their endings, undecoded, without context; `old_start` and `new_start` count
    from 0 and are where they stand in before and after. `id` is stable as long as path, place and bytes are.
    A file that is created or deleted as text is one `whole` hunk whose lines are all its lines.
    """

    id: str
    path: str
    kind: HunkKind = "lines"
    old_start: int = 0
    old: tuple[bytes, ...] = ()
    new_start: int = 0
    new: tuple[bytes, ...] = ()
    note: str = ""
    """What cannot be seen in lines: 'mode 644 -> 755', 'binary, 2,048 -> 4,096 bytes', 'link to ../x'."""


class FileChange(Struct, frozen=True, kw_only=True):
    """One file's change taken apart: its hunks in order, and marks that a reader must see.

    marks: 'new', 'deleted', 'mode', 'binary', 'link', 'test', 'outside' (runs outside the walls once it has
    landed: Makefile, CI, hooks, .envrc, conftest.py, package scripts), 'conflict', 'opaque'.
    """

    path: str
    before: Entry | None
    after: Entry | None
    hunks: tuple[Hunk, ...]
    marks: tuple[str, ...] = ()
    conflict: str = ""

    @property
    def added(self) -> int:
        """How many lines the hunks add."""
        return sum(len(hunk.new) for hunk in self.hunks)

    @property
    def removed(self) -> int:
        """How many lines the hunks remove."""
        return sum(len(hunk.old) for hunk in self.hunks)


def take_apart(change: Change) -> FileChange:
    """Compute the hunks of one change; text is compared line by line, all else is one `whole` hunk."""
    raise NotImplementedError


def put_together(file: FileChange, accepted: Collection[str]) -> Entry | None:
    """What the accepted hunks (by id) make of `before`: all of them give `after`, none gives `before`."""
    raise NotImplementedError


def unified(file: FileChange, accepted: Collection[str] | None = None, context: int = 3) -> bytes:
    """The change, or a selection of it, as a git-style unified diff that `git apply` takes."""
    raise NotImplementedError


def digest(contents: Collection[tuple[str, Entry | None]]) -> str:
    """A name for exactly these staged contents (path, entry), independent of order; evidence is bound to it."""
    raise NotImplementedError
