"""A list to choose from: blocks under each other, one of them marked, chosen by keys or mouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct
from textual.binding import Binding, BindingType
from textual.message import Message

from assent_tui.paint.blocks import BlockView
from assent_tui.paint.lines import BLANK, Line, indent, wrap_all


class Choice(Struct, frozen=True):
    """One thing to choose: its rows, folded where it is narrow."""

    rows: tuple[Line, ...]
    gap: bool = False

    def guess(self, width: int) -> int:
        """As many rows as there are, unfolded."""
        return len(self.rows) + self.gap

    def lines(self, width: int) -> list[Line]:
        """Its rows, later ones of a folded row indented."""
        made = indent(wrap_all(self.rows, width - 2, 2), (" ", ""), (" ", ""))
        return [BLANK, *made] if self.gap else made


class Choices(BlockView):
    """Up, Down, Home, End and the page keys move the mark; Enter or a click chooses."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "mark(1)", "next", show=False),
        Binding("up,k", "mark(-1)", "previous", show=False),
        Binding("pagedown", "mark(10)", "a page on", show=False),
        Binding("pageup", "mark(-10)", "a page back", show=False),
        Binding("home", "mark(-1000000)", "first", show=False),
        Binding("end", "mark(1000000)", "last", show=False),
        Binding("enter", "choose", "choose", show=False),
    ]
    can_focus = True

    class Chosen(Message):
        """A choice was made; `index` counts from 0."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class Marked(Message):
        """The mark moved."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    @property
    def mark(self) -> int:
        """Which one is marked; -1 if there is none."""
        first, end = self.selected
        return first if first < end else -1

    def offer(self, choices: Sequence[Choice], mark: int = 0) -> None:
        """Show other choices."""
        self.reset(choices, follow=False)
        self._put(mark)

    def action_mark(self, step: int) -> None:
        """Move the mark."""
        self._put(self.mark + step)

    def action_choose(self) -> None:
        """Choose what is marked."""
        if self.mark >= 0:
            self.post_message(self.Chosen(self.mark))

    def on_block_view_clicked(self, message: BlockView.Clicked) -> None:
        """Mark what was clicked; choose it if it was marked already."""
        message.stop()
        if message.index == self.mark:
            self.action_choose()
        else:
            self._put(message.index)

    def _put(self, mark: int) -> None:
        if not len(self):
            self.selected = (0, 0)
            return
        at = min(max(mark, 0), len(self) - 1)
        self.selected = (at, at + 1)
        self.reveal(at, at + 1)
        self.post_message(self.Marked(at))
