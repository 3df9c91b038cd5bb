"""Brings three versions of a file together, or says in words why it cannot."""

from __future__ import annotations

import os
import tempfile

from msgspec import Struct

from assent_sandbox import host
from assent_sandbox.stage import Entry, File, Link, Opaque

_MARKS = (b"<<<<<<< ", b"||||||| ", b">>>>>>> ")
_FILES = ("stage", "before", "other")
_MOST = 127
"""`git merge-file` exits with the number of conflicts up to this; anything above is a failure."""


class Merged(Struct, frozen=True):
    """What the stage is to hold; `conflict` is empty if both sides are wholly in it."""

    entry: Entry | None
    conflict: str = ""


class Side(Struct, frozen=True):
    """Whose version is brought together with the stage's: as the marks of a conflict name it, and as a place in a sentence."""

    name: str
    where: str


REPOSITORY = Side("repository", "in the repository")


def merge(base: Entry | None, staged: Entry | None, other: Entry | None, side: Side = REPOSITORY) -> Merged:
    """Bring together what the stage and another side each made of a base; all three differ from each other.

    Without git, and for what is no text, both sides cannot be joined: the staged one stays and the words say why.
    """
    match staged, other:
        case None, _:
            return Merged(None, f"it was deleted on the stage, and changed {side.where}")
        case _, None:
            return Merged(staged, f"it was changed on the stage, and deleted {side.where}")
        case File(), File() if isinstance(base, File) or base is None:
            return _merge_files(base, staged, other, side)
        case Link(), Link():
            return Merged(staged, f"it is a link that now points to {other.target} {side.where}")
        case _:
            return Merged(staged, f"it became another kind of file {side.where}")


def has_markers(entry: Entry | None) -> bool:
    """Whether a file still holds the markers of a conflict at the start of its lines."""
    return isinstance(entry, File) and all(entry.data.startswith(mark) or b"\n" + mark in entry.data for mark in _MARKS)


def _merge_files(base: File | None, staged: File, other: File, side: Side) -> Merged:
    before = base.mode if base is not None else other.mode
    mode = staged.mode if staged.mode != before else other.mode
    data = base.data if base is not None else b""
    if staged.data in (other.data, data) or other.data == data:
        return Merged(File(other.data if staged.data == data else staged.data, mode))
    if any(b"\0" in each for each in (data, staged.data, other.data)):
        return Merged(File(staged.data, mode), f"it is a binary file that was changed on the stage and {side.where}")
    try:
        joined, clean = _merge_text(data, staged.data, other.data, side)
    except host.GitFailed as failed:
        return Merged(File(staged.data, mode), f"it was changed on both sides and could not be merged: {failed}")
    words = "" if clean else _words(base, side)
    return Merged(File(joined, mode), words)


def _words(base: File | None, side: Side) -> str:
    if base is None:
        return f"it was added on the stage and, differently, {side.where}"
    return f"the same lines were changed on the stage and {side.where}"


def _merge_text(base: bytes, staged: bytes, other: bytes, side: Side) -> tuple[bytes, bool]:
    with tempfile.TemporaryDirectory(prefix="assent-merge-") as folder:
        for name, data in zip(_FILES, (staged, base, other), strict=True):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        labels = [word for name in ("stage", "before", side.name) for word in ("-L", name)]
        try:
            return host.git("merge-file", "-p", "--diff3", *labels, *_FILES, cwd=folder), True
        except host.GitFailed as failed:
            if 0 < failed.code <= _MOST and failed.output:
                return failed.output, False
            raise


def same(one: Entry | None, other: Entry | None) -> bool:
    """Whether two entries are surely the same: what is opaque cannot be compared."""
    return one == other and not isinstance(one, Opaque)
