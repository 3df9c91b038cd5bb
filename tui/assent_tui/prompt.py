"""The prompt box: several lines, a history, and keys that send."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from assent_sandbox.output import inert


class Prompt(TextArea):
    """Where the user writes. Enter sends; Shift+Enter, Ctrl+J or a backslash before Enter begin another line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+enter,ctrl+j,alt+enter", "newline", "newline", show=False, priority=True),
    ]

    class Sent(Message):
        """The user sent a text; it is not empty."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Paged(Message):
        """The user wants to scroll the chat while writing; `pages` is signed."""

        def __init__(self, pages: int) -> None:
            super().__init__()
            self.pages = pages

    class Left(Message):
        """Ctrl+C with nothing to copy and nothing written."""

    class HelpWanted(Message):
        """A question mark in an empty box."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(
            id=id,
            compact=True,
            highlight_cursor_line=False,
            placeholder="What is to be done?  Enter sends, / lists commands, ? shows all keys",
        )
        self._history: list[str] = []
        self._at = 0
        self._draft = ""

    def queued(self, count: int) -> None:
        """Say on the border how many messages wait for the turn to end."""
        self.border_subtitle = f"{count} queued, sent when this turn ends" if count else ""

    def bring_back(self, texts: list[str]) -> None:
        """Put texts that were not sent before what is written."""
        kept = "\n".join([*texts, self.text] if self.text else texts)
        self.load_text(kept)
        self.move_cursor(self.document.end)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self._send()
        elif event.key == "question_mark" and not self.text:
            event.stop()
            event.prevent_default()
            self.post_message(self.HelpWanted())

    async def _on_paste(self, event: events.Paste) -> None:
        event.text = inert(event.text.replace("\r\n", "\n").replace("\r", "\n"))

    def _send(self) -> None:
        if self.text.endswith("\\"):
            row, column = self.document.end
            self.replace("\n", (row, column - 1), (row, column))
            return
        text = self.text.strip()
        if not text:
            return
        if not self._history or self._history[-1] != text:
            self._history.append(text)
        self._at = len(self._history)
        self._draft = ""
        self.load_text("")
        self.post_message(self.Sent(text))

    def action_newline(self) -> None:
        """Begin another line."""
        self.insert("\n")

    def action_cursor_up(self, select: bool = False) -> None:
        """Up a row, and from the first row into the history."""
        if select or not self.cursor_at_first_line or not self._recall(-1):
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Down a row, and from the last row back towards what was being written."""
        if select or not self.cursor_at_last_line or not self._recall(1):
            super().action_cursor_down(select)

    def action_cursor_page_up(self) -> None:
        """Scroll the chat."""
        self.post_message(self.Paged(-1))

    def action_cursor_page_down(self) -> None:
        """Scroll the chat."""
        self.post_message(self.Paged(1))

    def action_copy(self) -> None:
        """Copy what is selected; with nothing selected, empty the box; with nothing in it, leave."""
        if self.selected_text:
            super().action_copy()
        elif self.text:
            self._history.append(self.text)
            self._at = len(self._history)
            self.load_text("")
        else:
            self.post_message(self.Left())

    def _recall(self, step: int) -> bool:
        """Move in the history; one past its end is what was being written."""
        to = self._at + step
        if not 0 <= to <= len(self._history):
            return False
        if self._at == len(self._history):
            self._draft = self.text
        self._at = to
        self.load_text(self._history[to] if to < len(self._history) else self._draft)
        self.move_cursor(self.document.end)
        return True
