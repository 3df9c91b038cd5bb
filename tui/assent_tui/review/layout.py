"""A file of a review laid out as blocks of a diff, and where each hunk stands among them."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from assent_core.diffs.changes import FileChange, Hunk
from assent_core.diffs.remarks import Remark, by_hunk
from assent_core.diffs.review import Mark, Review
from assent_tui.paint.blocks import Block
from assent_tui.paint.source import before_of, side_rows
from assent_tui.review.diffrows import Look
from assent_tui.review.hunks import CHUNK, Context, FileHead, Fold, HunkHead, HunkRows, Pick

_CONTEXT = 3
_PLAIN = Look()
_UNMARKED = Mark()


class Place(Struct, frozen=True, gc=False):
    """Where a hunk stands in the diff: blocks `first` (its head) up to, without, `end`."""

    hunk: str
    path: str
    first: int
    end: int


def file_blocks(
    file: FileChange,
    review: Review,
    look: Look = _PLAIN,
    opened: frozenset[tuple[str, int]] = frozenset(),
    *,
    at: int = 0,
) -> tuple[list[Block], list[Place]]:
    """The blocks of one file, the first of them with the index `at`, and where each hunk stands."""
    remarks = remarks_of(review, file)
    head = FileHead(file.path, file.marks, file.conflict, gap=at > 0, remarks=remarks.get("", ()))
    blocks: list[Block] = [head]
    places: list[Place] = []
    end = shift = 0
    first_lines = True
    for hunk in file.hunks:
        if hunk.kind == "lines":
            blocks += _between(file, (end, hunk.old_start, shift), look, opened, first=first_lines)
            first_lines = False
            end = hunk.old_start + len(hunk.old)
            shift += len(hunk.new) - len(hunk.old)
        first = at + len(blocks)
        mark = review.marks.get(hunk.id, _UNMARKED)
        blocks += hunk_blocks(file, hunk, mark, look, remarks=remarks.get(hunk.id, ()))
        places.append(Place(hunk.id, file.path, first, at + len(blocks)))
    if not first_lines:
        blocks += _between(file, (end, len(before_of(file)), shift), look, opened, last=True)
    return blocks, places


def hunk_blocks(
    file: FileChange,
    hunk: Hunk,
    mark: Mark,
    look: Look = _PLAIN,
    pick: Pick = Pick(),  # noqa: B008  a frozen value
    *,
    remarks: tuple[Remark, ...] = (),
) -> list[Block]:
    """The blocks of one hunk; their number depends on the hunk and the look alone, not on its mark or remarks."""
    total = len(side_rows(hunk)) if look.sides else len(hunk.old) + len(hunk.new)
    rejected = mark.verdict == "rejected"
    parts = [HunkRows(file, hunk, at, min(at + CHUNK, total), rejected, look, pick) for at in range(0, total, CHUNK)]
    return [HunkHead(hunk, mark, remarks), *parts]


def remarks_of(review: Review, file: FileChange) -> dict[str, tuple[Remark, ...]]:
    """What the reviewer says of a file by the ids of its hunks, and of none as ""; other paths stand with the first file."""
    if not review.remarks:
        return {}
    paths = {each.path for each in review.files}
    first = bool(review.files) and review.files[0].path == file.path
    own = [remark for remark in review.remarks if remark.path == file.path or (first and remark.path not in paths)]
    return by_hunk(own, (file,))


def _between(
    file: FileChange,
    span: tuple[int, int, int],
    look: Look,
    opened: frozenset[tuple[str, int]],
    *,
    first: bool = False,
    last: bool = False,
) -> Iterator[Block]:
    """The unchanged lines `start` up to `end`: a few at either side that has a hunk, a fold for two or more others."""
    start, end, shift = span
    head = start if first else min(start + _CONTEXT, end)
    tail = end if last else max(end - _CONTEXT, head)
    if tail - head <= 1:
        if end > start:
            yield Context(file, start, end, shift, look)
        return
    if head > start:
        yield Context(file, start, head, shift, look)
    fold = Fold(file.path, head, tail, (file.path, tail) in opened)
    yield fold
    for at in range(head, tail if fold.opened else head, CHUNK):
        yield Context(file, at, min(at + CHUNK, tail), shift, look)
    if end > tail:
        yield Context(file, tail, end, shift, look)
