"""Brings three versions of a file together, or says in words why it cannot."""

from __future__ import annotations

import os
import tempfile

from msgspec import Struct

from assent_sandbox import host
from assent_sandbox.stage import Entry, File, Link

_MARKS = (b"<<<<<<< ", b"||||||| ", b">>>>>>> ")
_NAMES = ("stage", "before", "repository")
_MOST = 127
"""`git merge-file` exits with the number of conflicts up to this; anything above is a failure."""


class Merged(Struct, frozen=True):
    """What the stage is to hold; `conflict` is empty if both sides are wholly in it."""

    entry: Entry | None
    conflict: str = ""


def merge(base: Entry | None, staged: Entry | None, real: Entry | None) -> Merged:
    """Bring together what the stage and the real tree each made of a base; all three differ from each other.

    Without git, and for what is no text, both sides cannot be joined: the staged one stays and the words say why.
    """
    match staged, real:
        case None, _:
            return Merged(None, "it was deleted on the stage, and changed in the repository")
        case _, None:
            return Merged(staged, "it was changed on the stage, and deleted in the repository")
        case File(), File() if isinstance(base, File) or base is None:
            return _merge_files(base, staged, real)
        case Link(), Link():
            return Merged(staged, f"it is a link that now points to {real.target} in the repository")
        case _:
            return Merged(staged, "it became another kind of file in the repository")


def has_markers(entry: Entry | None) -> bool:
    """Whether a file still holds the markers of a conflict at the start of its lines."""
    return isinstance(entry, File) and all(entry.data.startswith(mark) or b"\n" + mark in entry.data for mark in _MARKS)


def _merge_files(base: File | None, staged: File, real: File) -> Merged:
    before = base.mode if base is not None else real.mode
    mode = staged.mode if staged.mode != before else real.mode
    data = base.data if base is not None else b""
    if staged.data in (real.data, data) or real.data == data:
        return Merged(File(real.data if staged.data == data else staged.data, mode))
    if any(b"\0" in side for side in (data, staged.data, real.data)):
        return Merged(
            File(staged.data, mode), "it is a binary file that was changed on the stage and in the repository"
        )
    try:
        joined, clean = _merge_text(data, staged.data, real.data)
    except host.GitFailed as failed:
        return Merged(File(staged.data, mode), f"it was changed on both sides and could not be merged: {failed}")
    words = "" if clean else _words(base)
    return Merged(File(joined, mode), words)


def _words(base: File | None) -> str:
    if base is None:
        return "it was added on the stage and, differently, in the repository"
    return "the same lines were changed on the stage and in the repository"


def _merge_text(base: bytes, staged: bytes, real: bytes) -> tuple[bytes, bool]:
    with tempfile.TemporaryDirectory(prefix="assent-merge-") as folder:
        for name, data in zip(_NAMES, (staged, base, real), strict=True):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        labels = [word for name in _NAMES for word in ("-L", name)]
        try:
            return host.git("merge-file", "-p", "--diff3", *labels, *_NAMES, cwd=folder), True
        except host.GitFailed as failed:
            if 0 < failed.code <= _MOST and failed.output:
                return failed.output, False
            raise
