"""What the word at the cursor may become: files by a fuzzy search, commands by their beginning; pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from heapq import nsmallest
from time import thread_time

from msgspec import Struct

_WORD = re.compile(r'(?:^|(?<=\s))@("?)([^\s"]*)$')
_SCANNED = 4_000
"""Hits of one kind that are ranked; a word that hits more says too little to tell them apart."""
_SECONDS = 0.1
"""How long letters in their order are looked for, in seconds of the processor, so that nothing else that runs counts."""


class Word(Struct, frozen=True):
    """A word that can be completed: where it begins in its row, and what of it is there."""

    kind: str
    """`@` for a file, `/` for a command."""
    start: int
    text: str


def word_at(row: str, *, first: bool) -> Word | None:
    """The word at the end of a row up to the cursor; commands only stand at the beginning of the `first` row."""
    if first and row.startswith("/") and not re.search(r"\s", row):
        return Word("/", 0, row)
    found = _WORD.search(row)
    return Word("@", found.start(), found[2]) if found else None


class Finder:
    """Finds paths by pieces of them. Making one takes a second for some hundred thousand; asking it takes a moment.

    Paths that cannot be printed as they are cannot be typed either and are left out.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = [path for path in paths if path.isprintable() and '"' not in path]
        self._lower = [path.lower() for path in self._paths]
        self._masks = [_mask(path) for path in self._lower]
        self._joined = "".join(f"\n{path}" for path in self._lower) + "\n"
        self._ends: list[int] = []
        at = 0
        for path in self._lower:
            at += len(path) + 1
            self._ends.append(at)

    def __len__(self) -> int:
        return len(self._paths)

    def find(self, wanted: str, most: int = 8) -> tuple[str, ...]:
        """The best paths: name begins with it, path contains it, its letters stand in the path in their order."""
        word = wanted.lower()
        if not word:
            return tuple(nsmallest(most, self._paths[:_SCANNED], key=lambda path: (path.count("/"), path)))
        ranked: dict[int, tuple[int, int]] = {}
        for rank, hits in enumerate((self._named(word), self._containing(word), self._spelling(word))):
            for index, span in hits:
                ranked.setdefault(index, (rank, span))
            if len(ranked) >= most:
                break
        best = nsmallest(most, ranked, key=lambda index: (ranked[index], len(self._paths[index]), self._paths[index]))
        return tuple(self._paths[index] for index in best)

    def _named(self, word: str) -> Iterator[tuple[int, int]]:
        """Paths whose name begins with a word."""
        for before in "/\n":
            for index in self._places(before + word):
                if self._lower[index].rpartition("/")[2].startswith(word):
                    yield index, 0

    def _containing(self, word: str) -> Iterator[tuple[int, int]]:
        return ((index, 0) for index in self._places(word))

    def _places(self, piece: str) -> Iterator[int]:
        """Paths that have a piece, some thousand at most."""
        at = -1
        for _ in range(_SCANNED):
            at = self._joined.find(piece, at + 1)
            if at < 0:
                return
            index = bisect_right(self._ends, at)
            yield index
            at = self._ends[index] - 1

    def _spelling(self, word: str) -> Iterator[tuple[int, int]]:
        """Paths that have the letters of a word in their order, with how far these are spread."""
        wanted = _mask(word)
        letters = [re.escape(letter) for letter in word]
        search = re.compile(letters[0] + "".join(f"[^{letter}]*+{letter}" for letter in letters[1:])).search
        until = thread_time() + _SECONDS
        hits = 0
        for start in range(0, len(self._lower), 1000):
            if hits > _SCANNED or thread_time() > until:
                return
            for index in range(start, min(start + 1000, len(self._lower))):
                if self._masks[index] & wanted == wanted and (found := search(self._lower[index])):
                    hits += 1
                    yield index, found.end() - found.start()


def _mask(text: str) -> int:
    """Which characters a text has, some of them lumped together."""
    mask = 0
    for letter in set(text):
        mask |= 1 << (ord(letter) & 63)
    return mask
