"""A list to choose from: blocks under each other, one of them marked, chosen by keys or mouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct
from textual.binding import BindingType
from textual.message import Message

from assent_tui.keymap import bindings
from assent_tui.paint.blocks import Block, BlockView
from assent_tui.paint.lines import BLANK, Line, indent, line, wrap, wrap_all


class Heading(Struct, frozen=True):
    """What stands over some choices and cannot be chosen: a text, or only a blank row."""

    text: str = ""
    gap: bool = False

    def guess(self, width: int) -> int:
        """One row and the gap."""
        return bool(self.text) + self.gap

    def lines(self, width: int) -> list[Line]:
        """The text, after a blank row where there is something above."""
        made = wrap(line((" ", ""), (self.text, "head")), width, 2) if self.text else []
        return [BLANK, *made] if self.gap else made


class Choice(Struct, frozen=True):
    """One thing to choose: its rows, folded where it is narrow.

    `gap`: a blank row is above it; `above`: so is the heading of it and of those that follow. `hang`: how far what is folded
    stands in.
    """

    rows: tuple[Line, ...]
    gap: bool = False
    above: str = ""
    hang: int = 2

    def guess(self, width: int) -> int:
        """As many rows as there are, unfolded."""
        return len(self.rows)

    def lines(self, width: int) -> list[Line]:
        """Its rows, later ones of a folded row indented."""
        return indent(wrap_all(self.rows, width - 2, self.hang), (" ", ""), (" ", ""))


class Choices(BlockView):
    """Up, Down, Home, End and the page keys move the mark; Enter or a click chooses."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("list")
    can_focus = True

    class Chosen(Message):
        """A choice was made; `index` counts from 0."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class Marked(Message):
        """The user moved the mark."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._places: list[int] = []
        """Of each choice, which block it is."""

    @property
    def mark(self) -> int:
        """Which one is marked; -1 if there is none."""
        first, end = self.selected
        return self._places.index(first) if first < end else -1

    def offer(self, choices: Sequence[Choice], mark: int = 0) -> None:
        """Show other choices."""
        blocks: list[Block] = []
        self._places = []
        for one in choices:
            if one.above or one.gap:
                blocks.append(Heading(one.above, bool(blocks)))
            self._places.append(len(blocks))
            blocks.append(one)
        self.selected = (0, 0)
        self.reset(blocks, follow=False)
        self._mark(mark)

    def action_mark(self, step: int) -> None:
        """Move the mark."""
        self.put(self.mark + step)

    def action_choose(self) -> None:
        """Choose what is marked."""
        if self.mark >= 0:
            self.post_message(self.Chosen(self.mark))

    def on_block_view_clicked(self, message: BlockView.Clicked) -> None:
        """Mark what was clicked; choose it if it was marked already."""
        message.stop()
        if message.index not in self._places:
            return
        at = self._places.index(message.index)
        if at == self.mark:
            self.action_choose()
        else:
            self.put(at)

    def put(self, mark: int) -> None:
        """Mark one, or the nearest there is, and say so."""
        self._mark(mark)
        if self._places:
            self.post_message(self.Marked(self.mark))

    def _mark(self, mark: int) -> None:
        """Bring it into sight; the first one under a heading with that."""
        if not self._places:
            self.selected = (0, 0)
            return
        at = min(max(mark, 0), len(self._places) - 1)
        place = self._places[at]
        self.selected = (place, place + 1)
        above = place - 1 if place and place - 1 not in self._places else place
        self.reveal(above, place + 1)
