"""What commands wrote, kept whole beside the record, so that any window of it can be read again."""

from __future__ import annotations

import mmap
import os
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

from assent_core.memory.blobs import Blobs

NAME = re.compile(r"log:(\d{1,9})")
MOST = 256 << 20
"""Most bytes of all outputs of one session; beyond it the oldest go."""
LONGEST_LINE = 1 << 16
"""Characters of one line that a window shows; the rest of it is left out."""
INDEX = "outputs"


class Outputs:
    """Keeps outputs as blobs; an index beside them says which blob is `log:1`. The texts come redacted."""

    def __init__(self, folder: Path) -> None:
        self._blobs = Blobs(folder)
        self._index = folder / INDEX
        self._known: dict[int, tuple[str, int]] | None = None
        self._one = threading.Lock()

    def keep(self, text: str) -> str:
        """Keep one output; the name under which it can be read, or nothing where it cannot be kept."""
        return self.keep_all((text,))

    def keep_all(self, pieces: Iterable[str]) -> str:
        """Keep one output that comes in pieces, which are all taken in any case."""
        pieces = iter(pieces)
        try:
            with self._one:
                return self._kept(pieces)
        except OSError:
            deque(pieces, maxlen=0)
            return ""

    def _kept(self, pieces: Iterator[str]) -> str:
        known = self._entries()
        number = max(known, default=0) + 1
        known[number] = self._blobs.keep_all(pieces)
        self._make_room(known)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(self._index, flags, 0o600), "a") as index:
            index.write(f"\n{number} {known[number][1]} {known[number][0]}\n")
        return f"log:{number}"

    def window(self, name: str, start: int, lines: int) -> str | None:
        """Numbered lines of a kept output from line `start` on; None if `name` is no name of an output.

        An output that is not there any more, or has fewer lines, is told in words. In memory of a fixed size.
        """
        if not (found := NAME.fullmatch(name)):
            return None
        blob, _ = self._entries().get(int(found[1]), ("", 0))
        try:
            with self._blobs.path(blob).open(encoding="utf-8", errors="replace", newline="\n") as file:
                numbered = _lines(file)
                window = list(islice(numbered, start - 1, start - 1 + lines))
                left = sum(1 for _ in numbered)
        except OSError:
            there = sorted(number for number, (blob, _) in self._entries().items() if self._blobs.path(blob).exists())
            return f"There is no {name}; kept are: {', '.join(f'log:{number}' for number in there) or 'none'}."
        if not window:
            return f"{name} has no line {start}."
        shown = "".join(f"{start + index:5} {line}" for index, line in enumerate(window)).rstrip("\n")
        last = start + len(window) - 1
        return f"{shown}\n[lines {start}-{last} of {last + left}]"

    def line_of(self, name: str, text: str) -> int:
        """The first line of a kept output that holds a text, which may end with `…`; 0 where none does."""
        wanted, found = text.removesuffix("…").encode(errors="replace"), NAME.fullmatch(name)
        if not wanted or not found:
            return 0
        blob, _ = self._entries().get(int(found[1]), ("", 0))
        try:
            with self._blobs.path(blob).open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
                place = data.find(wanted)
                return _newlines(data, place) + 1 if place >= 0 else 0
        except (OSError, ValueError):
            return 0

    def _make_room(self, known: dict[int, tuple[str, int]]) -> None:
        """Let the oldest go, but never the newest, nor a blob that a newer output is too."""
        newest, total = max(known), sum(dict(known.values()).values())
        for number in sorted(known):
            if total <= MOST or number == newest:
                return
            blob, size = known.pop(number)
            if all(blob != other for other, _ in known.values()):
                self._blobs.path(blob).unlink(missing_ok=True)
                total -= size

    def _entries(self) -> dict[int, tuple[str, int]]:
        """Blob and size of each output by its number."""
        if self._known is None:
            self._known = {}
            lines = self._index.read_text("ascii", "replace").split("\n") if self._index.is_file() else []
            for line in lines:
                match line.split(" "):
                    case [number, size, blob] if number.isdecimal() and size.isdecimal():
                        self._known[int(number)] = (blob, int(size))
                    case _:
                        pass
        return self._known


def _lines(file: TextIO) -> Iterator[str]:
    """The lines of a file, of each so many characters at most."""
    while line := file.readline(LONGEST_LINE):
        size, rest = len(line), line
        while rest and not rest.endswith("\n"):
            rest = file.readline(LONGEST_LINE)
            size += len(rest)
        yield line if size == len(line) else f"{line} [...]\n"


def _newlines(data: mmap.mmap, stop: int) -> int:
    """How many lines end before a place."""
    step = 1 << 20
    return sum(data[start : min(start + step, stop)].count(b"\n") for start in range(0, stop, step))
