"""A hunk cut into smaller hunks that are decided apart; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from msgspec.structs import replace

from assent_core.diffs.changes import FileChange, Hunk
from assent_core.diffs.words import paired
from assent_sandbox.stage import File

Cut = tuple[int, int]
"""How many old and how many new lines of a hunk stand before a cut."""


def divisible(file: FileChange, hunk: Hunk) -> bool:
    """Whether a hunk has lines that can stand without the others."""
    texts = all(entry is None or isinstance(entry, File) for entry in (file.before, file.after))
    return texts and hunk.kind != "mode" and bool(places(hunk))


def places(hunk: Hunk) -> tuple[Cut, ...]:
    """Where a hunk can be cut, in order: on one way through its lines, on which a changed line follows its old form.

    A line without a newline stays with all that follows it on that way, for nothing else may come to stand behind it.
    """
    return tuple(point for point, _ in _points(hunk))


def cuts_into_lines(hunk: Hunk) -> tuple[Cut, ...]:
    """The cuts that make its smallest pieces: single lines, a changed line together with its old form if it can be."""
    apart = tuple(point for point, within in _points(hunk) if not within)
    return apart or places(hunk)


def cut_before(hunk: Hunk, row: int) -> tuple[Cut, ...]:
    """The cut above one of its lines, its old lines counted before its new ones; empty if there is none.

    Above a line that was changed it is above its old form, unless only the two forms are left to be separated.
    """
    old = len(hunk.old)
    above = {at if side == "old" else old + at: point for side, at, point in _way(hunk)}
    forms = {old + new: before for before, new in paired(hunk.old, hunk.new)}
    possible = set(places(hunk))
    wanted = [above[forms.get(row, row)], above[row]]
    return tuple(point for point in wanted if point in possible)[:1]


def cuts_around(hunk: Hunk, rows: Collection[int]) -> tuple[Cut, ...]:
    """The cuts that separate some of its lines from the others; raises ValueError where these cannot be separated."""
    wanted: list[Cut] = []
    marked: bool | None = None
    for side, at, point in _way(hunk):
        now = (at if side == "old" else at + len(hunk.old)) in rows
        if marked is not None and now != marked:
            wanted.append(point)
        marked = now
    if not set(places(hunk)).issuperset(wanted):
        raise ValueError("a line without a newline at its end is decided together with the lines that follow it")
    return tuple(wanted)


def cut(hunk: Hunk, cuts: Collection[Cut]) -> tuple[Hunk, ...]:
    """The pieces of a hunk; their ids rest on its id and on their own lines, so that a further cut elsewhere keeps them."""
    whole = (len(hunk.old), len(hunk.new))
    points = [(0, 0), *sorted(set(cuts) - {(0, 0), whole}), whole]
    return tuple(_piece(hunk, *pair) for pair in pairwise(points)) if len(points) > 2 else (hunk,)


def rows_of(hunk: Hunk, pieces: Sequence[Hunk]) -> tuple[frozenset[int], ...]:
    """Which lines of a hunk each of its pieces holds, its old lines counted before its new ones."""
    ways = [(piece.old_start - hunk.old_start, piece.new_start - hunk.new_start) for piece in pieces]
    old = len(hunk.old)
    return tuple(
        frozenset((*range(i, i + len(piece.old)), *range(old + j, old + j + len(piece.new))))
        for piece, (i, j) in zip(pieces, ways, strict=True)
    )


def _piece(hunk: Hunk, here: Cut, there: Cut) -> Hunk:
    name = f"{hunk.id} {here} {there}".encode()
    return replace(
        hunk,
        id=hashlib.sha256(name).hexdigest()[:32],
        kind="lines",
        old_start=hunk.old_start + here[0],
        old=hunk.old[here[0] : there[0]],
        new_start=hunk.new_start + here[1],
        new=hunk.new[here[1] : there[1]],
        note="",
        of=hunk.id,
    )


def _points(hunk: Hunk) -> list[tuple[Cut, bool]]:
    """Where the way can be cut, and whether that is between the two forms of one line."""
    pairs = set(paired(hunk.old, hunk.new))
    points: list[tuple[Cut, bool]] = []
    for side, at, point in _way(hunk):
        if point != (0, 0):
            points.append((point, side == "new" and (point[0] - 1, at) in pairs))
        if not (hunk.old if side == "old" else hunk.new)[at].endswith(b"\n"):
            break
    return points


def _way(hunk: Hunk) -> Iterator[tuple[str, int, Cut]]:
    """One order for all lines, each with the point above it: what is paired stands together, what goes before what comes."""
    i = j = 0
    for old, new in (*paired(hunk.old, hunk.new), (len(hunk.old), len(hunk.new))):
        yield from (("old", at, (at, j)) for at in range(i, old))
        yield from (("new", at, (old, at)) for at in range(j, new))
        if old < len(hunk.old):
            yield ("old", old, (old, new))
            yield ("new", new, (old + 1, new))
        i, j = old + 1, new + 1
