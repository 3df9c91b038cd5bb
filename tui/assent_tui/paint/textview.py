"""A view of which text can be selected, by the mouse or by lines, and copied as it was written."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from textual import events
from textual.geometry import Offset
from textual.selection import Selection

from assent_tui.paint.blocks import BlockView
from assent_tui.paint.lines import Line, Span, restyled

_ROWS = 1 << 24
"""More rows than one block has: a place in a view is its block times this, plus the row within the block."""
_END = 1 << 24
"""A column behind every row."""


class TextView(BlockView):
    """Places are columns and rows of blocks, so that a selection stays with its text whatever is laid out above it."""

    _chosen: Selection | None = None

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint what is selected."""
        self._chosen = selection
        self.refresh()

    def _dressed(self, index: int, within: int, shown: Line) -> tuple[Span, ...]:
        span = self._chosen.get_span(index * _ROWS + within) if self._chosen else None
        if span is None:
            return shown.spans
        start, end = max(span[0], shown.lead), len(shown.text) if span[1] < 0 else span[1]
        return restyled(shown.spans, ((start, end),), "select.fill") if start < end else shown.spans

    def place_at(self, x: int, y: int) -> Offset:
        """The place of a cell of the view, or the nearest one that has text."""
        row = max(min(round(self.scroll_y) + y, self._tops[-1] - 1), 0)
        index = min(self._index_at(row), max(len(self._blocks) - 1, 0))
        within = row - self._tops[index]
        lines = self._lines(index) if self._blocks else []
        text = lines[within].text if within < len(lines) else ""
        return Offset(_column(text, x - 1), index * _ROWS + within)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """What is selected, without margins and marks, and folded rows whole again."""
        text = ""
        for number, (shown, start, end) in enumerate(self._selected_rows(selection)):
            if number and not (shown.joined and start <= shown.lead):
                text = text.rstrip(" ") + "\n"
            text += shown.text[max(start, shown.lead) : end]
        return (text.rstrip(" "), "\n") if text.strip() else None

    def _selected_rows(self, selection: Selection) -> Iterator[tuple[Line, int, int]]:
        first = divmod(selection.start.y, _ROWS) if selection.start else (0, 0)
        last = divmod(selection.end.y, _ROWS) if selection.end else (len(self._blocks) - 1, _ROWS)
        for index in range(first[0], min(last[0] + 1, len(self._blocks))):
            for within, shown in enumerate(self._lines(index)):
                if first <= (index, within) <= last:
                    start, end = selection.get_span(index * _ROWS + within) or (0, 0)
                    yield shown, start, _END if end < 0 else end

    def on_click(self, event: events.Click) -> None:
        """Two clicks select a word, three a line; the end of a selection is no click at all."""
        event.prevent_default()
        if event.chain == 1 and self not in self.screen.selections:
            super().on_click(event)
        elif event.chain in (2, 3):
            place = self.place_at(event.x, event.y)
            index, within = divmod(place.y, _ROWS)
            start, end = (0, _END) if event.chain == 3 else _word(self._lines(index)[within].text, place.x)
            self.select_text(Offset(start, place.y), Offset(end, place.y))

    def select_text(self, start: Offset, end: Offset) -> None:
        """Select from one place up to, without, another."""
        self.screen.selections = {self: Selection(start, end)}

    def rows_around(self, index: int, within: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """The first and the last row of the line to which a row belongs, as block and row."""
        lines = self._lines(index)
        first, last = within, within
        while first > 0 and lines[first].joined:
            first -= 1
        while last + 1 < len(lines) and lines[last + 1].joined:
            last += 1
        return (index, first), (index, last)

    def select_rows(self, first: tuple[int, int], last: tuple[int, int]) -> None:
        """Select whole rows, each given as block and row."""
        self.select_text(Offset(0, first[0] * _ROWS + first[1]), Offset(_END, last[0] * _ROWS + last[1]))


def _column(text: str, cells: int) -> int:
    """How many characters stand before a cell."""
    if text.isascii():
        return max(min(cells, len(text)), 0)
    taken = 0
    for at, char in enumerate(text):
        taken += cell_len(char)
        if taken > cells:
            return at
    return len(text)


def _word(text: str, at: int) -> tuple[int, int]:
    """The word around a column: what a shell would call one, or one blank."""
    start = end = min(at, max(len(text) - 1, 0))
    while start > 0 and _within(text[start - 1]):
        start -= 1
    while end < len(text) and _within(text[end]):
        end += 1
    return start, max(end, start + 1)


def _within(char: str) -> bool:
    return char.isalnum() or char in "_-./:@~+"
