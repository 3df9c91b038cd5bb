"""A log of any length becomes a text of bounded length: its head, its tail, and the lines between that speak of errors."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

WHOLE = 4 << 20
"""Characters up to which a log is kept as it is."""
HEAD, TAIL = 1 << 20, 1 << 20
MIDDLE = 1 << 20
"""Most characters of the lines that are kept between head and tail."""
BLOCK = 1 << 20
MOST_OF_BLOCK = 400
"""Most lines for one sign that are taken from one block, so that a flood of one kind leaves room for others."""
AFTER = 3
"""Lines after one that speaks of an error that are kept with it: places and reasons stand there."""

ESCAPES = re.compile(
    r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]|\x9b[0-?]{0,64}[ -/]{0,8}[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\n]{0,4096}(?:\x07|\x1b\\)?|\x1b[ -/]{0,8}[0-~]"
)
SIGNS = ("rror", "RROR", "FAIL", "xception", "anic", "atal", "ailed", "not ok ", "✖", "●", "✕", "Traceback", " --> ",
         "denied", "annot ", "not found", "No such", "undefined", "efused", "illed", "FLAKY")  # fmt: skip


def plain(text: str) -> str:
    """The text without escape sequences, and with every line ending as a newline."""
    if "\x1b" in text or "\x9b" in text:
        text = ESCAPES.sub("", text).replace("\x1b", "")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def sieved(text: str) -> str:
    """The plain text of a log if it is not long, else its head, the lines that speak of errors, and its tail."""
    if len(text) <= WHOLE:
        return plain(text)
    sieve = Sieve()
    for block in _blocks(text):
        sieve.add(block)
    return sieve.text()


class Sieve:
    """The same for a log that comes block by block, of any length, in memory of a fixed size.

    A block is whole lines, about BLOCK characters; of the blocks between head and tail each may keep an equal share.
    """

    def __init__(self) -> None:
        self._head: list[str] = []
        self._latest: deque[str] = deque()
        self._waiting = self._size = self._kept = 0
        self._spoken: list[str] = []
        self._share = MIDDLE

    def add(self, block: str) -> None:
        """Take in the next block."""
        self._size += len(block)
        if sum(map(len, self._head)) < HEAD:
            self._head.append(block)
            return
        self._latest.append(block)
        self._waiting += len(block)
        while self._size > WHOLE and self._waiting - len(self._latest[0]) >= TAIL:
            oldest = self._latest.popleft()
            self._waiting -= len(oldest)
            self._keep("".join(_speaking(plain(oldest))))

    def passing(self, blocks: Iterable[str]) -> Iterator[str]:
        """The same blocks, each taken in on its way."""
        for block in blocks:
            self.add(block)
            yield block

    def _keep(self, spoken: str) -> None:
        self._spoken.append(_ends(spoken, self._share))
        self._kept += len(self._spoken[-1])
        while self._kept > MIDDLE:
            self._share //= 2
            self._spoken = [_ends(each, self._share) for each in self._spoken]
            self._kept = sum(map(len, self._spoken))

    def text(self) -> str:
        """What is kept of all that came."""
        return plain("".join(self._head)) + "".join(self._spoken) + plain("".join(self._latest))


def _ends(text: str, most: int) -> str:
    """The first and the last lines that fit into so many characters."""
    if len(text) <= most:
        return text
    half = max(most // 2, 1)
    return (
        text[: text.rfind("\n", 0, half) + 1 or half]
        + text[text.find("\n", len(text) - half) + 1 or len(text) - half :]
    )


def _line_end(text: str, place: int) -> int:
    """The end of the line at a place; the place itself where the line is as long as a block."""
    end = text.find("\n", place, place + BLOCK)
    return min(len(text), place) if end < 0 else end + 1


def _blocks(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = _line_end(text, start + BLOCK)
        yield text[start:end]
        start = end


def _speaking(block: str) -> Iterable[str]:
    """The lines of a block that hold a sign, each with what follows it, in order."""
    spans: set[tuple[int, int]] = set()
    for sign in SIGNS:
        reached, place = 0, block.find(sign)
        for _ in range(MOST_OF_BLOCK // 2):
            if place < 0:
                break
            start, reached = _around(block, place)
            spans.add((start, reached))
            place = block.find(sign, reached)
        place = block.rfind(sign, reached)
        for _ in range(MOST_OF_BLOCK // 2):
            if place < 0:
                break
            spans.add(_around(block, place))
            place = block.rfind(sign, reached, max(_start(block, place), reached))
    reached = 0
    for start, end in sorted(spans):
        if end > reached:
            yield block[max(start, reached) : end]
            reached = end


def _around(block: str, place: int) -> tuple[int, int]:
    """The start of the line at a place, and the end of those that are kept with it."""
    end = place
    for _ in range(AFTER + 1):
        end = block.find("\n", end) + 1
        if not end:
            return _start(block, place), len(block)
    return _start(block, place), end


def _start(block: str, place: int) -> int:
    return block.rfind("\n", 0, place) + 1
