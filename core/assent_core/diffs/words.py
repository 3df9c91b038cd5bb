"""Which old and new lines stand for each other, and the words in which they differ; pure, and of bounded cost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

ALIKE = 0.4
"""Share of common words from which two lines count as one line that was changed."""
MOST_COMPARED = 4_096
"""Pairs of lines that are compared with each other; in larger pieces a line is compared with its opposite alone."""
LONGEST = 4_000
"""Characters of a line beyond which its words are not looked at."""
MOST_WORDS = 400

_WORD = re.compile(rb"\w+|[^\w\s]")
_PART = re.compile(r"\w+|\s+|[^\w\s]")

Ranges = tuple[tuple[int, int], ...]
"""Pieces of a text as start and end, rising."""


def paired(old: Sequence[bytes], new: Sequence[bytes]) -> tuple[tuple[int, int], ...]:
    """Pairs (i, j), rising in both, of lines alike enough to be the same line before and after."""
    ours, theirs = [_words(line) for line in old], [_words(line) for line in new]
    if len(old) * len(new) > MOST_COMPARED:
        return tuple((at, at) for at, (a, b) in enumerate(zip(ours, theirs, strict=False)) if _alike(a, b) >= ALIKE)
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            alike = _alike(ours[i], theirs[j])
            both = best[i + 1][j + 1] + alike if alike >= ALIKE else 0.0
            best[i][j] = max(both, best[i + 1][j], best[i][j + 1])
    return tuple(_followed(best, len(old), len(new)))


def _followed(best: list[list[float]], n: int, m: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < n and j < m:
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            pairs.append((i, j))
            i, j = i + 1, j + 1
    return pairs


def changed_words(old: str, new: str) -> tuple[Ranges, Ranges]:
    """Where two forms of a line differ, word by word; nothing where they have too little in common to say."""
    if max(len(old), len(new)) > LONGEST:
        return (), ()
    ours, theirs = _PART.findall(old), _PART.findall(new)
    if max(len(ours), len(theirs)) > MOST_WORDS:
        return (), ()
    steps = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    same = sum(len("".join(ours[i:i_stop]).strip()) for how, i, i_stop, _, _ in steps if how == "equal")
    if 3 * same < max(len(old.strip()), len(new.strip())):
        return (), ()
    gone = [(i, i_stop) for how, i, i_stop, _, _ in steps if how != "equal"]
    come = [(j, j_stop) for how, _, _, j, j_stop in steps if how != "equal"]
    return _ranges(ours, gone), _ranges(theirs, come)


def _ranges(parts: list[str], pieces: list[tuple[int, int]]) -> Ranges:
    ends = [0]
    for part in parts:
        ends.append(ends[-1] + len(part))
    return tuple((ends[start], ends[stop]) for start, stop in pieces if start < stop)


def _words(line: bytes) -> frozenset[bytes]:
    return frozenset(_WORD.findall(line[:LONGEST]))


def _alike(one: frozenset[bytes], other: frozenset[bytes]) -> float:
    together = len(one) + len(other)
    return 2 * len(one & other) / together if together else 1.0
