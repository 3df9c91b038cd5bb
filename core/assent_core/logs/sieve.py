"""A log of any length becomes a text of bounded length: its head, its tail, and the lines between that speak of errors."""

from __future__ import annotations

import re
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
        text = ESCAPES.sub("", text)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def sieved(text: str) -> str:
    """The plain text of a log if it is not long, else its head, the lines that speak of errors, and its tail."""
    if len(text) <= WHOLE:
        return plain(text)
    head_end, tail_start = _line_end(text, HEAD), _line_end(text, len(text) - TAIL)
    parts = [plain(text[:head_end])]
    room = MIDDLE
    for block in _blocks(text, head_end, tail_start):
        kept = "".join(_speaking(plain(block)))[:room]
        parts.append(kept)
        room -= len(kept)
        if room <= 0:
            break
    return "".join(parts) + "\n" + plain(text[tail_start:])


def _line_end(text: str, place: int) -> int:
    """The end of the line at a place; the place itself where the line is as long as a block."""
    end = text.find("\n", place, place + BLOCK)
    return min(len(text), place) if end < 0 else end + 1


def _blocks(text: str, start: int, stop: int) -> Iterator[str]:
    while start < stop:
        end = min(_line_end(text, start + BLOCK), stop)
        yield text[start:end]
        start = end


def _speaking(block: str) -> Iterable[str]:
    """The lines of a block that hold a sign, each with what follows it, in order."""
    spans: set[tuple[int, int]] = set()
    for sign in SIGNS:
        place = block.find(sign)
        for _ in range(MOST_OF_BLOCK):
            if place < 0:
                break
            end = _after(block, place)
            spans.add((block.rfind("\n", 0, place) + 1, end))
            place = block.find(sign, end)
    reached = 0
    for start, end in sorted(spans):
        if end > reached:
            yield block[max(start, reached) : end]
            reached = end


def _after(block: str, place: int) -> int:
    for _ in range(AFTER + 1):
        place = block.find("\n", place) + 1
        if not place:
            return len(block)
    return place
