"""What a reviewer says of a change, and the hunk that each remark belongs to; pure, and never a decision."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Literal

from msgspec import Struct

from assent_core.diffs.changes import CONTEXT, FileChange, Hunk, unified

Severity = Literal["serious", "minor"]
HEAD = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")


class Remark(Struct, frozen=True, kw_only=True):
    """One thing that a reviewer found; `line` counts from 1 in the file as it is staged, 0 is the whole file."""

    path: str
    line: int
    severity: Severity
    text: str
    """One line, safe to print."""
    hunk: str = ""
    """The hunk that it belongs to; empty where it fits none."""


def hunk_at(files: Collection[FileChange], path: str, line: int) -> str:
    """The hunk of a place in the staged file, or the one that has it among its unchanged lines around; empty if none."""
    wanted = path.removeprefix("./")
    hunks = [hunk for file in files if wanted in (file.path, f"b/{file.path}") for hunk in file.hunks]
    near = [(far, hunk.id) for hunk in hunks if (far := _distance(hunk, line, alone=len(hunks) == 1)) <= CONTEXT]
    return min(near)[1] if near else ""


def standing(remarks: Collection[Remark], files: Collection[FileChange], same: bool) -> tuple[Remark, ...]:
    """The remarks that still hold: on hunks that are there, and those without one while exactly the `same` is staged."""
    ids = {id for file in files for hunk in file.hunks for id in (hunk.id, hunk.of)} - {""}
    return tuple(remark for remark in remarks if remark.hunk in ids or (same and not remark.hunk))


def by_hunk(remarks: Collection[Remark], files: Collection[FileChange]) -> dict[str, tuple[Remark, ...]]:
    """The remarks on each hunk, by its id; of a hunk that is cut, on the piece that is nearest. Those on none have ""."""
    found: dict[str, tuple[Remark, ...]] = {}
    hunks = [hunk for file in files for hunk in file.hunks]
    for remark in remarks:
        own = [hunk for hunk in hunks if remark.hunk and remark.hunk in (hunk.id, hunk.of)]
        nearest = min(own, key=lambda hunk: _distance(hunk, remark.line, alone=len(own) == 1), default=None)
        id = nearest.id if nearest else ""
        found[id] = (*found.get(id, ()), remark)
    return found


def numbered(file: FileChange) -> str:
    """A change as a unified diff in which each line that stands in the staged file has its number before it."""
    return "\n".join(_numbered(unified(file).decode("utf-8", "replace").splitlines()))


def _numbered(rows: list[str]) -> Iterator[str]:
    number = 0
    for row in rows:
        if found := HEAD.match(row):
            number = int(found[1])
            yield row
        elif number and row.startswith(("+", " ")):
            yield f"{number:>5} {row}"
            number += 1
        else:
            yield f"      {row}" if number else row


def _distance(hunk: Hunk, line: int, *, alone: bool) -> int:
    """How many lines lie between a line and a hunk; what has no lines of its own is near to all of its file."""
    if hunk.kind != "lines" or (alone and line <= 0):
        return 0
    first, last = hunk.new_start + 1, hunk.new_start + max(len(hunk.new), 1)
    return max(first - line, line - last, 0)
