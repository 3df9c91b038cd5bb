"""A view of entries that is read with keys: chosen, opened, copied; its end is followed until the reader leaves it."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace
from rich.cells import cell_len
from textual.binding import BindingType
from textual.strip import Strip

from assent_sandbox.output import inert
from assent_tui.chat.copying import codes_of, group, newest_answer, newest_code, whole_of
from assent_tui.chat.entries import Call, Note, Reasoning, Request, title_of
from assent_tui.chat.linewise import Lines
from assent_tui.chat.workers import Worker
from assent_tui.figures import count
from assent_tui.keymap import bindings, keymap_of
from assent_tui.paint.blocks import BlockView
from assent_tui.paint.lines import line, strip_of
from assent_tui.paint.page import PageScreen
from assent_tui.paint.textscreen import TextScreen


class Reader(Lines):
    """Entries under each other, or lines of them. Scrolling up is never undone by what comes; a mark says how much is below."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("chat")

    _follows = True
    _measures = True
    can_focus = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._code_copied = (-1, 0)
        """Of which entry a block of code was copied last, and which one."""

    def page(self, pages: int) -> None:
        """Scroll by pages, for whoever has the keys."""
        self.scroll_relative(y=pages * max(self.size.height - 2, 1), animate=False, force=True)

    def go_to_end(self) -> None:
        """Show the end, and follow it."""
        self.follow = True
        self._settle()

    def copy_newest(self, *, code: bool = False) -> None:
        """Copy the newest answer, or its last block of code."""
        self._copy(*(newest_code(self._blocks) if code else newest_answer(self._blocks)))

    def on_block_view_clicked(self, message: BlockView.Clicked) -> None:
        """Choose the entry that was clicked, and open or fold it."""
        message.stop()
        self.selected = group(self._blocks, message.index)
        self._open(message.index)

    def action_choose(self, step: int) -> None:
        """Select the next or previous entry, or line."""
        if self.choosing_lines:
            self.move_line(step)
            return
        first, end = self.selected
        outside = len(self._blocks) - 1 if step < 0 or self.follow else 0
        inside = end if step > 0 else first - 1
        self._select(outside if first == end else inside)

    def action_turn(self, step: int) -> None:
        """Select the next or previous message of the user's."""
        first, end = self.selected
        start = first if first < end else len(self._blocks)
        found = range(start + 1, len(self._blocks)) if step > 0 else range(start - 1, -1, -1)
        self._select(next((at for at in found if isinstance(self._blocks[at], Request)), -1))

    def _select(self, at: int) -> None:
        if 0 <= at < len(self._blocks):
            self.selected = group(self._blocks, at)
            self.reveal(*self.selected)

    def action_open(self) -> None:
        """Open or fold the selected entry, with none selected the last one that opens."""
        first, end = self.selected
        if first < end:
            self._open(first)
        else:
            self.action_unfold()

    def action_unfold(self) -> None:
        """Open or fold the selected entry if it opens, else the last one that does."""
        first, end = self.selected
        if not (first < end and _foldable(self._blocks[first])):
            first = next((at for at in range(len(self._blocks) - 1, -1, -1) if _foldable(self._blocks[at])), -1)
        self._open(first)

    def action_go_to_end(self) -> None:
        """Show the end, and follow it."""
        self.go_to_end()

    def action_raw(self) -> None:
        """Show the raw output of the selected call, or of the newest one, on a page of its own."""
        first, end = self.selected
        chosen = self._blocks[first] if first < end else None
        if not isinstance(chosen, Call):
            chosen = next((block for block in reversed(self._blocks) if isinstance(block, Call) and block.output), None)
        if chosen is not None:
            title = " ".join(title_of(chosen.proposal)) if chosen.proposal else chosen.tool
            self.app.push_screen(PageScreen(title, chosen.output or "no output"))  # pyright: ignore[reportUnknownMemberType]

    def action_copy(self) -> None:
        """Copy what is selected of the text, else the selected entry whole, else the newest answer."""
        chosen = self.screen.selections.get(self)
        if chosen is not None and (found := self.get_selection(chosen)):
            self.leave_lines()
            self.screen.clear_selection()
            self._copy(found[0], "what was selected")
            return
        first, end = self.selected
        self._copy(*(whole_of(self._blocks, first, end) if first < end else newest_answer(self._blocks)))

    def action_copy_code(self) -> None:
        """Copy a block of code of the selected message, the next one each time; or the newest one of all."""
        first, end = self.selected
        found = codes_of(self._blocks, first, end) if first < end else ()
        if first == end:
            self._copy(*newest_code(self._blocks))
        elif not found:
            self._copy("", "")
        else:
            at = (self._code_copied[1] + 1) % len(found) if self._code_copied[0] == first else 0
            self._code_copied = (first, at)
            self._copy(found[at], f"block {at + 1} of {len(found)}" if len(found) > 1 else "the block of code")

    def _copy(self, text: str, what: str) -> None:
        if text:
            self.app.copy_to_clipboard(inert(text))  # pyright: ignore[reportUnknownMemberType]  App is generic in its result
        self.post_message(TextScreen.Copied(what, len(text)))

    def _open(self, index: int) -> None:
        block = self._blocks[index] if index >= 0 else None
        if isinstance(block, Call | Reasoning | Note | Request | Worker) and _foldable(block):
            self.follow = False
            self.replace(index, replace(block, open=not block.open))

    def render_line(self, y: int) -> Strip:
        """Paint one row in sight; the last one says how much is below."""
        strip = super().render_line(y)
        below = self.virtual_size.height - round(self.scroll_y) - self.size.height
        if self.follow or below <= 0 or y != self.size.height - 1:
            return strip
        words = f" ▼ {count(below, 'more row')} · {keymap_of(self).shown('prompt.chat_end')} "
        mark = strip_of(
            line((words, "mark.fill text")), min(cell_len(words), strip.cell_length), self._palette, self.rich_style
        )
        return Strip.join((strip.crop(0, strip.cell_length - mark.cell_length), mark))


def _foldable(block: object) -> bool:
    match block:
        case Call() | Reasoning() | Worker():
            return True
        case Note():
            return bool(block.detail)
        case Request():
            return block.folds
        case _:
            return False
