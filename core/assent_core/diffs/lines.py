"""Two texts as lines, and the pieces in which they differ; pure, and of bounded cost on any input."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

TEXT_PROBE = 8192
"""How many leading bytes decide between text and binary."""
MOST_EDITS = 1000
"""Inserted plus deleted lines up to which the shortest script is looked for; its cost grows with their square."""
MOST_EDITS_IN_GAP = 200
"""The same between two anchors, of which a long text has many."""


class Piece(NamedTuple):
    """Lines `old_start:old_stop` of the one text stand where `new_start:new_stop` of the other do."""

    old_start: int
    old_stop: int
    new_start: int
    new_stop: int


def is_text(data: bytes) -> bool:
    """Whether the content is compared by lines: no NUL near the start, as git decides it."""
    return b"\0" not in data[:TEXT_PROBE]


def split(data: bytes) -> tuple[bytes, ...]:
    """Lines with their endings; only a line feed ends one, so a carriage return stays with its line."""
    lines = data.split(b"\n")
    last = lines.pop()
    return (*(line + b"\n" for line in lines), *((last,) if last else ()))


def compare(old: Sequence[bytes], new: Sequence[bytes]) -> tuple[Piece, ...]:
    """The pieces that differ, in order, with at least one common line between any two of them."""
    names: dict[bytes, int] = {}
    a = [names.setdefault(line, len(names)) for line in old]
    b = [names.setdefault(line, len(names)) for line in new]
    return tuple(_joined(_differing(a, b, Piece(0, len(a), 0, len(b)), MOST_EDITS)))


def _differing(a: list[int], b: list[int], span: Piece, most: int) -> Iterator[Piece]:
    span = _trimmed(a, b, span)
    if span.old_start == span.old_stop or span.new_start == span.new_stop:
        yield span
        return
    matches = _shortest(a[span.old_start : span.old_stop], b[span.new_start : span.new_stop], most)
    if matches is not None:
        yield from _between(span, [(i + span.old_start, j + span.new_start) for i, j in matches])
        return
    anchors = _anchors(a, b, span)
    for gap in _between(span, anchors):
        yield from _differing(a, b, gap, MOST_EDITS_IN_GAP) if anchors else (gap,)


def _trimmed(a: list[int], b: list[int], span: Piece) -> Piece:
    i, i_stop, j, j_stop = span
    while i < i_stop and j < j_stop and a[i] == b[j]:
        i, j = i + 1, j + 1
    while i < i_stop and j < j_stop and a[i_stop - 1] == b[j_stop - 1]:
        i_stop, j_stop = i_stop - 1, j_stop - 1
    return Piece(i, i_stop, j, j_stop)


def _between(span: Piece, matches: list[tuple[int, int]]) -> Iterator[Piece]:
    i, j = span.old_start, span.new_start
    for to_i, to_j in [*matches, (span.old_stop, span.new_stop)]:
        if to_i > i or to_j > j:
            yield Piece(i, to_i, j, to_j)
        i, j = to_i + 1, to_j + 1


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    held: Piece | None = None
    for piece in pieces:
        if piece.old_start == piece.old_stop and piece.new_start == piece.new_stop:
            continue
        if held and held.old_stop == piece.old_start and held.new_stop == piece.new_start:
            held = Piece(held.old_start, piece.old_stop, held.new_start, piece.new_stop)
            continue
        if held:
            yield held
        held = piece
    if held:
        yield held


def _shortest(a: list[int], b: list[int], most: int) -> list[tuple[int, int]] | None:
    """Matching lines of a shortest edit script (Myers' greedy algorithm), or None beyond `most` edits."""
    n, m = len(a), len(b)
    rounds: list[list[int]] = []
    reach: list[int] = []
    for edits in range(min(most, n + m) + 1):
        earlier, reach = reach, []
        for k in range(-edits, edits + 1, 2):
            x = _furthest(earlier, k, edits)
            while 0 <= x < n and 0 <= x - k < m and a[x] == b[x - k]:
                x += 1
            reach.append(x)
            if k == n - m and x >= n:
                return _walked_back([*rounds, reach], n, m)
        rounds.append(reach)
    return None


def _furthest(earlier: list[int], k: int, edits: int) -> int:
    """How far into the old text an edit more leads on diagonal `k`, given the diagonals one edit earlier."""
    if not edits:
        return 0
    right = (k + edits) // 2
    deleted = earlier[right - 1] + 1 if k > -edits else -1
    return max(deleted, earlier[right] if k < edits else -1)


def _walked_back(rounds: list[list[int]], x: int, y: int) -> list[tuple[int, int]]:
    matches: list[tuple[int, int]] = []
    for edits in range(len(rounds) - 1, -1, -1):
        k = x - y
        earlier = rounds[edits - 1] if edits else []
        start = _furthest(earlier, k, edits)
        while x > start:
            x, y = x - 1, y - 1
            matches.append((x, y))
        if edits:
            deleted = k > -edits and earlier[(k + edits) // 2 - 1] + 1 == start
            x, y = (x - 1, y) if deleted else (x, y - 1)
    return matches[::-1]


def _anchors(a: list[int], b: list[int], span: Piece) -> list[tuple[int, int]]:
    """Lines that occur once in both texts, as far as they stand in the same order."""
    old, new = a[span.old_start : span.old_stop], b[span.new_start : span.new_stop]
    old_count, new_count = Counter(old), Counter(new)
    places = {line: j for j, line in enumerate(new) if new_count[line] == 1}
    pairs = [(i, places[line]) for i, line in enumerate(old) if old_count[line] == 1 and line in places]
    return [(i + span.old_start, j + span.new_start) for i, j in _rising(pairs)]


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs whose second member rises too (patience sorting)."""
    tops: list[int] = []
    owners: list[int] = []
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        pile = bisect_left(tops, j)
        before.append(owners[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [j]
        owners[pile : pile + 1] = [index]
    chain: list[tuple[int, int]] = []
    at = owners[-1] if owners else -1
    while at >= 0:
        chain.append(pairs[at])
        at = before[at]
    return chain[::-1]
