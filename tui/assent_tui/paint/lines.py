"""Lines as data: runs of text with names of styles, wrapped to a width and painted as strips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from assent_sandbox.output import inert
from assent_tui.paint.glyphs import plainly
from assent_tui.paint.theme import Palette

_TAB = 4
LONGEST = 20_000
"""Most characters of one line that are laid out; what is beyond is counted in words at its end."""

Span = tuple[str, str]
"""A run of text and the names of its styles (see theme.Palette)."""


class Line(Struct, frozen=True):
    """One line of a view, wrapped or not; `fill` colours the whole row.

    What is copied of it begins after its first `lead` characters: a margin, a mark, numbers. `joined`: it goes on with the
    row before it, which was folded.
    """

    spans: tuple[Span, ...] = ()
    fill: str = ""
    lead: int = 0
    joined: bool = False

    @property
    def text(self) -> str:
        """What it says, without styles."""
        return "".join(text for text, _ in self.spans)

    def on(self, fill: str) -> Line:
        """The same on another ground."""
        return Line(self.spans, fill, self.lead, self.joined)

    def behind(self, *marks: Span) -> Line:
        """The same with something before it that is not copied."""
        lead = self.lead + sum(len(text) for text, _ in marks)
        return Line((*marks, *self.spans), self.fill, lead, self.joined)


BLANK = Line()


def line(*spans: Span | str, fill: str = "") -> Line:
    """Make a line of runs; a bare string has no style of its own."""
    return Line(tuple((span, "") if isinstance(span, str) else span for span in spans), fill)


def clean(text: str) -> str:
    """Text that may stand in one line: no escape sequence, no newline, tabs as blanks, very long ones cut with a word."""
    shown = inert(text[: LONGEST + 1]).replace("\n", " ").replace("\t", " " * _TAB)
    return shown if len(text) <= LONGEST else f"{shown[:LONGEST]} [... {len(text) - LONGEST:,} more characters]"


def rows(text: str) -> list[str]:
    """Text of several lines, each cleaned; tabs are expanded to stops."""
    return [clean(row.rstrip("\r").expandtabs(_TAB)) for row in text.split("\n")]


def shorten(text: str, width: int) -> str:
    """A cleaned text cut to a width in cells, with a mark where it was cut."""
    shown = clean(text)
    if cell_len(shown) <= width:
        return shown
    return shown[: _fit(shown, 0, max(width - 1, 0))] + "…"


def wrap(whole: Line, width: int, hang: int = 0, *, words: bool = True) -> list[Line]:
    """Fold a line into rows of at most `width` cells, at words or anywhere; later rows are indented by `hang`."""
    text = whole.text
    width = max(width, 1)
    if len(text) * 2 <= width or cell_len(text) <= width:
        return [whole]
    hang = hang if width - hang >= 8 else 0
    pieces = _pieces(whole.spans, _cuts(text, width, width - hang, words))
    margin: tuple[Span, ...] = ((" " * hang, ""),) if hang else ()
    first = Line(next(pieces, ()), whole.fill, whole.lead, whole.joined)
    return [first, *(Line(margin + piece, whole.fill, hang, True) for piece in pieces)]


def wrap_all(lines: Iterable[Line], width: int, hang: int = 0, *, words: bool = True) -> list[Line]:
    """Fold each of several lines."""
    return [row for whole in lines for row in wrap(whole, width, hang, words=words)]


def indent(lines: Iterable[Line], first: Span, rest: Span) -> list[Line]:
    """Put a mark before the first line and a margin before the others."""
    return [row.behind(rest if at else first) for at, row in enumerate(lines)]


def restyled(spans: Iterable[Span], ranges: Iterable[tuple[int, int]], style: str) -> tuple[Span, ...]:
    """Runs with another style added where the ranges of their joined text are."""
    made: list[Span] = []
    edges = sorted({edge for pair in ranges for edge in pair})
    starts = {start for start, _ in ranges}
    at = 0
    inside = False
    for text, names in spans:
        end = at + len(text)
        for stop in (*(edge for edge in edges if at < edge < end), end):
            inside = at in starts or (inside and at not in edges)
            made.append(
                (text[len(text) - (end - at) : len(text) - (end - stop)], f"{names} {style}" if inside else names)
            )
            at = stop
    return tuple(made)


def strip_of(row: Line, width: int, palette: Palette, base: Style) -> Strip:
    """Paint one row; the last check that no control character leaves for the terminal is here."""
    ground = base + palette.style(row.fill) if row.fill else base
    if palette.plain:
        row = Line(tuple((plainly(text, names), names) for text, names in row.spans), row.fill)
    segments = [
        Segment(text if text.isprintable() else clean(text), ground + palette.style(names) if names else ground)
        for text, names in row.spans
    ]
    return Strip(segments).crop_extend(0, width, ground)


def _fit(text: str, start: int, width: int) -> int:
    """Where a row that begins at `start` must end to be at most `width` cells wide, and at least one character long."""
    if text.isascii():
        return min(start + max(width, 1), len(text))
    end = start
    taken = 0
    while end < len(text):
        taken += cell_len(text[end])
        if taken > width and end > start:
            break
        end += 1
    return end


def _cuts(text: str, first: int, later: int, words: bool) -> Iterator[int]:
    start = 0
    width = first
    while start < len(text):
        end = _fit(text, start, width)
        if words and end < len(text):
            blank = text.rfind(" ", start, end + 1)
            end = blank + 1 if text[start : max(blank, start)].strip() else end
        yield end
        start = end
        width = later


def _pieces(spans: tuple[Span, ...], cuts: Iterable[int]) -> Iterator[tuple[Span, ...]]:
    """Cut runs at positions in their joined text; the last cut is its end."""
    at = 0
    left = list(reversed(spans))
    for cut in cuts:
        piece: list[Span] = []
        while at < cut and left:
            text, names = left.pop()
            keep = cut - at
            if len(text) > keep:
                left.append((text[keep:], names))
                text = text[:keep]
            at += len(text)
            piece.append((text, names))
        yield tuple(piece)
