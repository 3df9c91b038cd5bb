"""Lines of a view that are chosen with keys, where a mouse would drag."""

from __future__ import annotations

from textual.message import Message

from assent_tui.paint.textview import TextView

Row = tuple[int, int]
"""A row as block and row within it."""


class Lines(TextView):
    """Has a cursor on one line while lines are being chosen; the selection goes from its anchor to it."""

    class Choosing(Message):
        """Lines begin to be chosen, or no more."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._cursor: Row | None = None
        self._anchor: Row | None = None
        """Where the choice begins, if it is more than the line of the cursor."""

    @property
    def choosing_lines(self) -> bool:
        """Whether the keys that move go by lines."""
        return self._cursor is not None

    def action_lines(self) -> None:
        """Begin to choose at the selected entry, or at the last line in sight; then: hold the choice where the cursor is."""
        if self._cursor is None:
            self._begin_lines()
            self.post_message(self.Choosing())
        else:
            self._anchor = None if self._anchor else self._cursor
        self._show_lines()

    def move_line(self, step: int) -> None:
        """To the next or the previous line that says something."""
        if self._cursor is None:
            return
        first, last = self.rows_around(*self._cursor)
        following = self._beside(last if step > 0 else first, step)
        while following and not self._says(following):
            following = self._beside(following, step)
        self._cursor = following or self._cursor
        self._show_lines()

    def leave_lines(self) -> bool:
        """Choose no lines any more; says whether some were being chosen."""
        chosen = self._cursor is not None
        self._cursor = self._anchor = None
        if chosen:
            self.screen.clear_selection()
            self.post_message(self.Choosing())
        return chosen

    def _begin_lines(self) -> None:
        if not self._blocks:
            return
        first, end = self.selected
        if first < end:
            self._cursor = (first, 0)
        else:
            row = min(round(self.scroll_y) + self.size.height, self._tops[-1]) - 1
            index = min(self._index_at(row), len(self._blocks) - 1)
            self._cursor = (index, max(min(row - self._tops[index], len(self._lines(index)) - 1), 0))
        if not self._says(self._cursor):
            self.move_line(1 if first < end else -1)

    def _beside(self, row: Row, step: int) -> Row | None:
        index, within = row[0], row[1] + step
        while not 0 <= within < len(self._lines(index)):
            index += step
            if not 0 <= index < len(self._blocks):
                return None
            within = 0 if step > 0 else len(self._lines(index)) - 1
        return index, within

    def _says(self, row: Row) -> bool:
        shown = self._lines(row[0])[row[1]]
        return bool(shown.text[shown.lead :].strip())

    def _show_lines(self) -> None:
        if self._cursor is None:
            return
        here = self.rows_around(*self._cursor)
        there = self.rows_around(*self._anchor) if self._anchor else here
        self.select_rows(min(here[0], there[0]), max(here[1], there[1]))
        self.reveal(self._cursor[0], self._cursor[0])
        self.centre_row(self.row_of(self._cursor[0]) + self._cursor[1])
