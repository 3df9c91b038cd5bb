"""A review in which a hunk is cut, taken line by line or edited; pure."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from assent_core.diffs import lines, splits
from assent_core.diffs.changes import FileChange, Hunk, edited, take_apart
from assent_core.diffs.review import Mark, Review, as_cut, decide, obstacle, renew
from assent_sandbox.stage import Change, File


def split(review: Review, hunk: str, cuts: Collection[splits.Cut]) -> Review:
    """Cut a hunk into pieces that are decided apart; they begin with its mark. ValueError if it cannot be cut so."""
    file, whole = _owned(review, hunk)
    if not cuts or not splits.divisible(file, whole) or not set(splits.places(whole)).issuperset(cuts):
        raise ValueError("this hunk cannot be cut there: its lines only stand together")
    base = _joined(file, whole)
    i, j = whole.old_start - base.old_start, whole.new_start - base.new_start
    points = {(i + old, j + new) for old, new in cuts} | set(review.cuts.get(base.id, ()))
    cut = replace(review, cuts={**review.cuts, base.id: tuple(sorted(points))})
    pieces = splits.cut(base, points)
    siblings = [one for one in file.hunks if base.id in (one.id, one.of)]
    at = file.hunks.index(siblings[0])
    hunks = (*file.hunks[:at], *pieces, *file.hunks[at + len(siblings) :])
    known = {one.id for one in file.hunks}
    given = {piece.id: review.mark(whole.id) for piece in pieces if piece.id not in known}
    marks = _only({**review.marks, **given}, {*review.marks, *given} - {whole.id})
    files = tuple(replace(one, hunks=hunks) if one is file else one for one in review.files)
    return replace(cut, files=files, marks={id: mark for id, mark in marks.items() if mark != Mark()})


def take(review: Review, hunk: str, rows: Collection[int]) -> tuple[Review, tuple[str, ...]]:
    """Cut a hunk so that some of its lines (old before new, from 0) stand apart; the review and the pieces of these lines.

    Raises ValueError where these lines cannot be separated from the others.
    """
    file, whole = _owned(review, hunk)
    if not rows:
        raise ValueError("no line is marked: space marks one")
    if len(set(rows)) == len(whole.old) + len(whole.new):
        return review, (hunk,)
    if not splits.divisible(file, whole):
        raise ValueError("the lines of this hunk only stand together")
    cut = split(review, hunk, splits.cuts_around(whole, rows))
    known = {one.id for one in file.hunks}
    now = next(one for one in cut.files if one.path == file.path)
    pieces = [one for one in now.hunks if one.id not in known]
    held = zip(pieces, splits.rows_of(whole, pieces), strict=True)
    return cut, tuple(piece.id for piece, own in held if own <= set(rows))


def amend(review: Review, hunk: str, text: bytes) -> Review:
    """The review once a text stands in the place of a hunk's new lines on the stage; what was written is accepted.

    All other decisions stay, and so do cuts. Where the text and a neighbour have become one hunk, that is undecided.
    ValueError if this hunk cannot be edited (see changes.edited).
    """
    file, target = _owned(review, hunk)
    entry = edited(file, target, text)
    fresh = take_apart(Change(path=file.path, before=file.before, after=entry, conflict=file.conflict))
    if entry == file.after:
        return decide(review, (hunk,), "accepted")
    grown = len(lines.split(entry.data)) - _length(file)
    cuts = {**review.cuts, **_moved_cuts(review, file, target, fresh, grown)}
    shown = as_cut(fresh, cuts)
    others = {one.id: one for one in file.hunks if one is not target}
    kept = {_standing(one, target, grown): review.mark(id) for id, one in others.items()}
    written = Mark("accepted", comment=review.mark(hunk).comment)
    whole = {_standing(one) for one in shown.hunks}.issuperset(kept)
    other = written if whole and not obstacle(shown) else Mark(comment=written.comment)
    marks = _only(review.marks, set(review.marks) - {one.id for one in file.hunks})
    marks |= {
        one.id: review.mark(one.id) if one.id in others else kept.get(_standing(one), other) for one in shown.hunks
    }
    files = tuple(shown if one is file else one for one in review.files if one is not file or shown.hunks)
    cuts = {id: points for id, points in cuts.items() if any(one.of == id for file in files for one in file.hunks)}
    return replace(review, files=files, cuts=cuts, marks={id: mark for id, mark in marks.items() if mark != Mark()})


def refreshed(review: Review, found: Review) -> Review:
    """The decisions of one review over what another, newer one found on the stage, with its evidence and remarks."""
    renewed = renew(review, tuple(_whole(file) for file in found.files))
    return replace(renewed, evidence=found.evidence, remarks=found.remarks)


def _whole(file: FileChange) -> FileChange:
    """A change with none of its hunks cut."""
    if not any(hunk.of for hunk in file.hunks):
        return file
    return take_apart(Change(path=file.path, before=file.before, after=file.after, conflict=file.conflict))


def _joined(file: FileChange, piece: Hunk) -> Hunk:
    """The hunk of which this is a piece; itself if it is whole."""
    if not piece.of:
        return piece
    pieces = [one for one in file.hunks if one.of == piece.of]
    old = tuple(line for one in pieces for line in one.old)
    new = tuple(line for one in pieces for line in one.new)
    return replace(pieces[0], id=piece.of, old=old, new=new, of="")


def _moved_cuts(
    review: Review, file: FileChange, target: Hunk, fresh: FileChange, grown: int
) -> dict[str, tuple[splits.Cut, ...]]:
    """The cuts of the hunk of which an edited piece is one: those behind it move by as much as it grew."""
    if not target.of:
        return {}
    base = _joined(file, target)
    same = (hunk for hunk in fresh.hunks if (hunk.old_start, hunk.old) == (base.old_start, base.old))
    now = next((hunk for hunk in same if len(hunk.new) == len(base.new) + grown), None)
    start = (target.old_start - base.old_start, target.new_start - base.new_start)
    moved = {point if point <= start else (point[0], point[1] + grown) for point in review.cuts[base.id]}
    return {now.id: tuple(sorted(moved))} if now else {}


def _standing(hunk: Hunk, edited: Hunk | None = None, grown: int = 0) -> tuple[object, ...]:
    """Where a hunk stands and what it says, once another one has grown."""
    behind = edited is not None and (hunk.old_start, hunk.new_start) > (edited.old_start, edited.new_start)
    return hunk.kind, hunk.note, hunk.old_start, hunk.new_start + grown * behind, hunk.old, hunk.new


def _length(file: FileChange) -> int:
    return len(lines.split(file.after.data)) if isinstance(file.after, File) else 0


def _owned(review: Review, hunk: str) -> tuple[FileChange, Hunk]:
    for file in review.files:
        for one in file.hunks:
            if one.id == hunk:
                return file, one
    raise ValueError("this hunk is no longer there: look at the changes again")


def _only(marks: dict[str, Mark], wanted: set[str]) -> dict[str, Mark]:
    return {id: mark for id, mark in marks.items() if id in wanted}
