"""A line of a file as rows of the diff: number, sign, changed words, and what eyes cannot see."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from rich.cells import cell_len

from assent_core.diffs.changes import FileChange
from assent_core.diffs.words import Ranges
from assent_tui.paint.lines import Line, Span, indent, restyled, wrap
from assent_tui.paint.source import after_of, before_of, decoded, mixed_endings

_BOTH_NUMBERS = 70
"""Width from which both line numbers are shown."""
_STYLES = {"-": ("bad", "del.fill", "del.word"), "+": ("ok", "add.fill", "add.word"), " ": ("faint", "", "")}
"""Of each sign: its own style, the ground of its row, and the ground of changed words."""


class Look(Struct, frozen=True):
    """How a diff is looked at."""

    sides: bool = False
    """Old and new side by side, where there is room."""
    blanks: bool = False
    """Blanks and tabs as marks."""
    query: str = ""
    """What is searched for, in small letters."""


class Cell(Struct, frozen=True):
    """One line of a file: its sign, its numbers before and after, how it looks, what its bytes are, how it is chosen."""

    sign: str
    text: Line
    raw: bytes
    old: int | None = None
    new: int | None = None
    words: Ranges = ()
    faint: bool = False
    cursor: bool = False
    marked: bool = False


class Columns:
    """Where numbers, signs and texts of one file stand."""

    def __init__(self, file: FileChange, width: int, look: Look) -> None:
        self._width = width
        self._look = look
        self._digits = max(3, len(str(max(len(before_of(file)), len(after_of(file))))))
        self._crlf = mixed_endings(file)

    def row(self, cell: Cell) -> list[Line]:
        """A line with the numbers of both sides, where there is room for them."""
        both = self._width >= _BOTH_NUMBERS
        return self._rows(cell, (cell.old, cell.new) if both else (_number(cell),), self._width)

    def pair(self, left: Cell | None, right: Cell | None) -> list[Line]:
        """Two lines beside each other."""
        half = (self._width - 1) // 2
        sides = [self._rows(cell, (_number(cell),), half) if cell else [] for cell in (left, right)]
        high = max(map(len, sides))
        halves = [[_padded(row, half) for row in side] + [((" " * half, ""),)] * (high - len(side)) for side in sides]
        return [Line((*one, ("│", "rule"), *other)) for one, other in zip(*halves, strict=True)]

    def _rows(self, cell: Cell, numbers: Iterable[int | None], width: int) -> list[Line]:
        style, fill, _ = _STYLES[cell.sign]
        gutter = " ".join(f"{'' if number is None else number:>{self._digits}}" for number in numbers)
        spans = self._spans(cell)
        room = max(width - len(gutter) - 3, 8)
        fill = "mark.fill" if cell.cursor else "" if cell.faint else fill
        made = wrap(Line(spans, fill), room, words=False)
        sign = f"{cell.sign}{'✓' if cell.marked else ' '}"
        pointer = "▸" if cell.cursor else " "
        signed = indent(made, (sign, f"{style} faint" if cell.faint else style), ("↪ ", "faint"))
        return [
            row.behind((" " * len(gutter) if at else gutter, "faint"), (" " if at else pointer, "accent"))
            for at, row in enumerate(signed)
        ]

    def _spans(self, cell: Cell) -> tuple[Span, ...]:
        text = cell.text.text
        spans: tuple[Span, ...] = cell.text.spans
        if self._look.blanks:
            spans = _with_marks(spans, decoded(cell.raw))
        word = _STYLES[cell.sign][2]
        if cell.words and word and not cell.faint:
            spans = restyled(spans, cell.words, word)
        if self._look.query:
            spans = restyled(spans, _found(text, self._look.query), "find.fill")
        if cell.faint:
            spans = tuple((piece, f"{names} faint") for piece, names in spans)
        return (*spans, *self._ending(cell))

    def _ending(self, cell: Cell) -> tuple[Span, ...]:
        raw = cell.raw
        if not raw.endswith(b"\n"):
            return ((" ⊣ no newline at end", "warn"),)
        if self._crlf and raw.endswith(b"\r\n"):
            return ((" ␍", "warn"),)
        bare = raw.rstrip(b"\r\n")
        blanks = 0 if self._look.blanks else len(bare) - len(bare.rstrip(b" \t"))
        return (("·" * min(blanks, 20), "warn"),) if blanks and cell.sign == "+" else ()


def _number(cell: Cell) -> int | None:
    return cell.new if cell.new is not None else cell.old


def _padded(row: Line, width: int) -> tuple[Span, ...]:
    """A row of exactly this width, its ground in each of its runs."""
    spans = [(text, f"{row.fill} {names}".strip()) for text, names in row.spans]
    return (*spans, (" " * max(width - sum(cell_len(text) for text, _ in row.spans), 0), row.fill))


def _found(text: str, query: str) -> Ranges:
    low = text.lower()
    found: list[tuple[int, int]] = []
    at = low.find(query) if len(low) == len(text) else -1
    while at >= 0:
        found.append((at, at + len(query)))
        at = low.find(query, at + len(query))
    return tuple(found)


def _with_marks(spans: tuple[Span, ...], raw: str) -> tuple[Span, ...]:
    """Runs with a dot for each blank and an arrow for each tab."""
    signs = "".join(_signs(raw))
    if len(signs) != sum(len(text) for text, _ in spans):
        return spans
    made: list[Span] = []
    at = 0
    for text, names in spans:
        shown = signs[at : at + len(text)]
        at += len(text)
        made.append(("".join(sign if char == " " else char for char, sign in zip(text, shown, strict=True)), names))
    return tuple(made)


def _signs(raw: str) -> Iterable[str]:
    column = 0
    for char in raw:
        wide = 4 - column % 4 if char == "\t" else 1
        yield "→".ljust(wide) if char == "\t" else "·" if char == " " else char
        column += wide
