"""A long text in pieces, each laid out only when it comes into sight, and a page that shows one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import ModalScreen

from assent_tui.figures import count
from assent_tui.keymap import bindings, keymap_of
from assent_tui.paint.blocks import BlockView
from assent_tui.paint.lines import Line, Span, clean, line, wrap
from assent_tui.paint.textscreen import TextScreen
from assent_tui.paint.textview import TextView

ROWS, CHARACTERS = 100, 4_000
"""The most of a text that one piece holds."""
_HANG = 2


class Piece(Struct, frozen=True, kw_only=True):
    """Some rows of a text; `goes_on`: its first row continues the last one of the piece before it."""

    rows: tuple[str, ...]
    goes_on: bool = False
    first: Span = ("", "")
    rest: Span = ("", "")
    style: str = ""
    words: bool = False

    def guess(self, width: int) -> int:
        """Rows by length."""
        return sum(1 + len(row) // max(width - 4, 1) for row in self.rows)

    def lines(self, width: int) -> list[Line]:
        """Rows under each other, all of each; what a row goes on with is indented."""
        made: list[Line] = []
        for at, row in enumerate(self.rows):
            whole = line((clean(row.expandtabs(4)), self.style))
            if at == 0 and self.goes_on:
                whole = Line(((" " * _HANG, ""), *whole.spans), "", _HANG, True)
            for each in wrap(whole, width - len(self.rest[0]), _HANG, words=self.words):
                made.append(each.behind(self.rest if made else self.first))
        return made


def pieces(
    text: str, *, first: Span = ("", ""), rest: Span = ("", ""), style: str = "text", words: bool = False
) -> list[Piece]:
    """A text cut into pieces; `first` stands before its first row, `rest` before the others. `words`: no word is folded."""
    made: list[Piece] = []
    rows: list[str] = []
    goes_on = False

    def end() -> None:
        nonlocal rows
        if rows:
            marks = {"first": rest if made else first, "rest": rest}
            made.append(Piece(rows=tuple(rows), goes_on=goes_on, **marks, style=style, words=words))
        rows = []

    size = 0
    for row, continues in _short(text):
        if continues or len(rows) >= ROWS or size + len(row) > CHARACTERS:
            end()
            goes_on, size = continues, 0
        rows.append(row)
        size += len(row)
    end()
    return made


def _short(text: str) -> Iterator[tuple[str, bool]]:
    """The rows of a text, long ones in several; with each, whether it goes on with the one before."""
    for row in text.split("\n"):
        for at in range(0, max(len(row), 1), CHARACTERS):
            yield row[at : at + CHARACTERS], at > 0


class PageScreen(TextScreen[None], ModalScreen[None]):
    """Shows a text over everything, all of it; any of its keys takes it away. `words`: it is prose, and folded as such."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("page")

    def __init__(self, title: str, text: str, *, words: bool = False) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._words = words

    def compose(self) -> ComposeResult:
        """One view that scrolls."""
        view = TextView(id="page")
        view.can_focus = True
        view.border_title = Content(clean(self._title))  # pyright: ignore[reportAttributeAccessIssue]  it takes what str becomes
        rows = count(self._text.count("\n") + 1, "row")
        view.border_subtitle = f"{rows}; {keymap_of(self).shown('page.close')} closes"
        yield view

    def on_mount(self) -> None:
        """Show the text from its end, where most outputs say what came of them."""
        view = self.query_one(BlockView)
        view.reset(pieces(self._text, words=self._words), follow=True)
        view.focus()
