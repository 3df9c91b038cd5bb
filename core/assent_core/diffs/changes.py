"""Before and after become hunks, and a selection of hunks becomes the text that it gives; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Literal

from msgspec import Struct

from assent_core.diffs import gitpatch, lines, marks
from assent_sandbox.stage import Change, Entry, File, Link, Opaque

CONTEXT = 3
"""How many unchanged lines around a hunk belong to its identity, so that it means the same in a file that moved."""
USUAL_MODE = 0o644
BYPRODUCT = "by-product"
HunkKind = Literal["lines", "whole", "mode"]
"""lines: a contiguous piece of a text; whole: create, delete, binary, link or type change; mode: permission bits only."""


class Hunk(Struct, frozen=True, kw_only=True):
    """One contiguous piece of a change, the smallest thing that is decided.

    `old` and `new` are lines with their endings, undecoded, without context; `old_start` and `new_start` count
    from 0 and are where they stand in before and after. `id` is stable as long as path, place, bytes and the
    three unchanged lines on either side are.
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
    of: str = ""
    """The hunk that this one was cut from (see splits.cut), if it was."""

    @property
    def only_blanks(self) -> bool:
        """Whether nothing but white space differs."""
        return bool(self.old and self.new) and _solid(self.old) == _solid(self.new)


class FileChange(Struct, frozen=True, kw_only=True):
    """One file's change taken apart: its hunks in order, and marks that a reader must see.

    marks: 'new', 'deleted', 'mode', 'binary', 'link', 'test' (a test, or it switches one off), 'outside' (runs
    outside the walls once it has landed: Makefile, CI, hooks, .envrc, conftest.py, package scripts), 'conflict',
    'opaque', 'by-product' (a new file that nothing but a check wrote: no part of the change unless it is taken in).
    """

    path: str
    before: Entry | None
    after: Entry | None
    hunks: tuple[Hunk, ...]
    marks: tuple[str, ...] = ()
    conflict: str = ""

    @property
    def is_byproduct(self) -> bool:
        """Whether nothing but a check wrote it."""
        return BYPRODUCT in self.marks

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
    before, after = change.before, change.after
    match before, after:
        case _ if before == after:
            hunks: tuple[Hunk, ...] = ()
        case File(), File():
            hunks = (*_mode_hunk(change.path, before, after), *_content_hunks(change.path, before, after))
        case _:
            hunks = (_whole_hunk(change.path, before, after),)
    return FileChange(
        path=change.path,
        before=before,
        after=after,
        hunks=hunks,
        marks=_marks(change, hunks),
        conflict=change.conflict,
    )


def put_together(file: FileChange, accepted: Collection[str]) -> Entry | None:
    """What the accepted hunks (by id) make of `before`: all of them give `after`, none gives `before`."""
    before, after = file.before, file.after
    chosen = [hunk for hunk in file.hunks if hunk.id in accepted]
    if len(chosen) == len(file.hunks):
        return after
    kinds = {hunk.kind for hunk in chosen}
    match before, after:
        case File(), File():
            data = after.data if "whole" in kinds else _spliced(before.data, chosen)
            return File(data, after.mode if "mode" in kinds else before.mode)
        case File(data=data, mode=mode), None:
            return File(_spliced(data, chosen), mode)
        case None, File(mode=mode) if chosen:
            return File(_spliced(b"", chosen), mode)
        case _:
            return before


def edited(file: FileChange, hunk: Hunk, text: bytes) -> File:
    """What is to stand on the stage when a text stands in the place of the hunk's new lines; ValueError says why not.

    Only the last line of a file may lack its newline; a text that would stand before other lines gets one.
    """
    after = file.after
    if hunk.kind == "mode" or not isinstance(after, File) or not lines.is_text(after.data):
        raise ValueError(f"{file.path}: only lines of a text can be edited; reject this hunk instead")
    if not lines.is_text(text):
        raise ValueError(f"{file.path}: what was written is no text")
    standing = lines.split(after.data)
    start, stop = hunk.new_start, hunk.new_start + len(hunk.new)
    if text and not text.endswith(b"\n") and (stop < len(standing) or not hunk.new or hunk.new[-1].endswith(b"\n")):
        text += b"\r\n" if hunk.new and hunk.new[-1].endswith(b"\r\n") else b"\n"
    return File(b"".join((*standing[:start], text, *standing[stop:])), after.mode)


def unified(file: FileChange, accepted: Collection[str] | None = None, context: int = 3) -> bytes:
    """The change, or a selection of it, as a git-style unified diff that `git apply` takes; empty for no selection.

    Binary content is a `GIT binary patch`, a link has mode 120000, and a path is quoted as git does. Of a mode,
    git holds only whether the owner may execute. An opaque entry gives a patch that `git apply` refuses.
    """
    chosen = [hunk for hunk in file.hunks if accepted is None or hunk.id in accepted]
    result = put_together(file, {hunk.id for hunk in chosen})
    return gitpatch.render(file.path, file.before, result, _pieces(chosen), context)


def digest(contents: Collection[tuple[str, Entry | None]]) -> str:
    """A name for exactly these staged contents (path, entry), independent of order; evidence is bound to it."""
    named = sorted((gitpatch.encoded(path), _fingerprint(entry)) for path, entry in contents)
    return _hash(*(part for pair in named for part in pair))


def _solid(rows: tuple[bytes, ...]) -> bytes:
    return b"".join(b"".join(rows).split())


def _pieces(hunks: list[Hunk]) -> list[lines.Piece]:
    """Where the selected hunks stand in before, and in the text that they alone make of it."""
    pieces: list[lines.Piece] = []
    shift = 0
    for hunk in hunks:
        if hunk.kind == "lines":
            start, stop = hunk.old_start, hunk.old_start + len(hunk.old)
            pieces.append(lines.Piece(start, stop, start + shift, start + shift + len(hunk.new)))
            shift += len(hunk.new) - len(hunk.old)
    return pieces


def _spliced(data: bytes, hunks: list[Hunk]) -> bytes:
    old = lines.split(data)
    parts: list[bytes] = []
    at = 0
    for hunk in hunks:
        if hunk.kind == "lines":
            parts += old[at : hunk.old_start]
            parts += hunk.new
            at = hunk.old_start + len(hunk.old)
    return b"".join((*parts, *old[at:]))


def _content_hunks(path: str, before: File, after: File) -> tuple[Hunk, ...]:
    if before.data == after.data:
        return ()
    if not (lines.is_text(before.data) and lines.is_text(after.data)):
        return (_whole_hunk(path, before, after),)
    old, new = lines.split(before.data), lines.split(after.data)
    return tuple(_line_hunk(path, old, new, piece) for piece in lines.compare(old, new))


def _line_hunk(path: str, old: tuple[bytes, ...], new: tuple[bytes, ...], piece: lines.Piece) -> Hunk:
    i, i_stop, j, j_stop = piece
    removed, added = old[i:i_stop], new[j:j_stop]
    around = (*old[max(i - CONTEXT, 0) : i], b"", *old[i_stop : i_stop + CONTEXT])
    place = (str(i).encode(), str(len(removed)).encode(), str(len(added)).encode())
    return Hunk(
        id=_hash(b"lines", gitpatch.encoded(path), *place, *removed, *added, *around),
        path=path,
        old_start=i,
        old=removed,
        new_start=j,
        new=added,
    )


def _mode_hunk(path: str, before: File, after: File) -> tuple[Hunk, ...]:
    if before.mode == after.mode:
        return ()
    note = f"mode {before.mode:o} -> {after.mode:o}"
    return (Hunk(id=_hash(note.encode(), gitpatch.encoded(path)), path=path, kind="mode", note=note),)


def _whole_hunk(path: str, before: Entry | None, after: Entry | None) -> Hunk:
    sides = isinstance(before, File) and isinstance(after, File)
    old, new = ((), ()) if sides else (_text_lines(before), _text_lines(after))
    return Hunk(
        id=_hash(b"whole", gitpatch.encoded(path), _fingerprint(before), _fingerprint(after)),
        path=path,
        kind="whole",
        old=old,
        new=new,
        note=_note(before, after),
    )


def _text_lines(entry: Entry | None) -> tuple[bytes, ...]:
    return lines.split(entry.data) if isinstance(entry, File) and lines.is_text(entry.data) else ()


def _note(before: Entry | None, after: Entry | None) -> str:
    if isinstance(before, File) and isinstance(after, File):
        return f"binary, {len(before.data):,} -> {len(after.data):,} bytes"
    if before is not None and after is not None:
        return f"{_described(before) or 'file'} -> {_described(after) or 'file'}"
    return "".join(_described(entry) for entry in (before, after) if entry is not None)


def _described(entry: Entry) -> str:
    match entry:
        case Link(target=target):
            return f"link to {target}"
        case Opaque(what=what, size=size):
            return f"{what}, {size:,} bytes" if size else what
        case File(data=b""):
            return "empty file" + (f", mode {entry.mode:o}" if entry.executable else "")
        case File(data=data) if not lines.is_text(data):
            return f"binary, {len(data):,} bytes"
        case _:
            return f"mode {entry.mode:o}" if entry.mode != USUAL_MODE else ""


def _marks(change: Change, hunks: tuple[Hunk, ...]) -> tuple[str, ...]:
    before, after = change.before, change.after
    sides = [entry for entry in (before, after) if entry is not None]
    added = tuple(line for hunk in hunks for line in hunk.new)
    holds = {
        "new": before is None and after is not None,
        "deleted": after is None and before is not None,
        "mode": any(hunk.kind == "mode" for hunk in hunks) or (before is None and _runs(after)),
        "binary": any(isinstance(entry, File) and not lines.is_text(entry.data) for entry in sides),
        "link": any(isinstance(entry, Link) for entry in sides),
        "test": marks.concerns_tests(change.path, added),
        "outside": marks.runs_outside(change.path),
        "conflict": bool(change.conflict),
        "opaque": any(isinstance(entry, Opaque) for entry in sides),
    }
    return tuple(name for name, held in holds.items() if held)


def _runs(entry: Entry | None) -> bool:
    return isinstance(entry, File) and entry.executable


def _fingerprint(entry: Entry | None) -> bytes:
    match entry:
        case None:
            return b"nothing"
        case File(data=data, mode=mode):
            return b"file %o " % mode + hashlib.sha256(data).digest()
        case Link(target=target):
            return b"link " + gitpatch.encoded(target)
        case Opaque(what=what, size=size):
            return b"opaque %d " % size + gitpatch.encoded(what)


def _hash(*parts: bytes) -> str:
    """A name for a row of parts; each goes in with its length, so no two rows read the same."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(b"%d:" % len(part) + part)
    return whole.hexdigest()[:32]
