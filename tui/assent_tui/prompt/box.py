"""The prompt box: several lines, a history, long texts folded, completions, and keys that send."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TextArea

from assent_sandbox.output import inert
from assent_tui.keymap import bindings, keymap_of
from assent_tui.paint.guard import BURST
from assent_tui.paint.punctual import Punctual
from assent_tui.prompt.completion import Finder, Word, word_at
from assent_tui.prompt.pasted import Pasted, mention, picture_in
from assent_tui.prompt.slash import beginning
from assent_tui.prompt.suggestions import Suggestion, Suggestions

if TYPE_CHECKING:
    from textual.widgets.text_area import Location

_PAUSE = 0.4
"""Seconds without a change after which what is written is kept."""

_REST = 0.03
"""Seconds in which the rest of a paste comes that came as keys. Enter within it is another line; behind one line it sends."""

_FRAME = 6
"""Columns of the box that are margin, border and padding."""

_ROOM = 68
"""Columns from which on an empty box says what its keys do."""


Later = Callable[[float, Callable[[], None]], object]
"""Calls a function after some seconds, behind all that was typed meanwhile."""


class Prompt(Punctual, TextArea):
    """Where the user writes. Enter sends; Shift+Enter, Ctrl+J or a backslash before Enter begin another line.

    Long texts that are pasted stand in it as tokens; what it sends, and what it gives to be kept, has them whole.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("prompt")

    class Sent(Message):
        """The user sent a text; it is not empty. `kept` is what the history is to remember."""

        def __init__(self, text: str, kept: str = "") -> None:
            super().__init__()
            self.text = text
            self.kept = kept or text

    class Drafted(Message):
        """What is written has not changed for a moment, and is to be kept."""

    class FilesWanted(Message):
        """The user began to mention a file."""

    class EditorWanted(Message):
        """The user wants to go on in an editor of their own."""

    class Paged(Message):
        """The user wants to scroll the chat while writing; `pages` is signed, 0 is to its end."""

        def __init__(self, pages: int) -> None:
            super().__init__()
            self.pages = pages

    class Left(Message):
        """Ctrl+C with nothing to copy and nothing written."""

    class QuitWanted(Message):
        """Ctrl+D in an empty box."""

    class HelpWanted(Message):
        """A question mark in an empty box."""

    def __init__(self, *, later: Later | None = None, id: str | None = None) -> None:
        super().__init__(
            id=id,
            compact=True,
            highlight_cursor_line=False,
        )
        self.suggestions = Suggestions(id="suggestions")
        """The list that belongs above the box."""
        self._pasted = Pasted()
        self._history: list[str] = []
        self._at = 0
        self._draft = ""
        self._finder: Finder | None = None
        self._word: Word | None = None
        self._dismissed: Word | None = None
        self._pause: Timer | None = None
        self._pressed = 0.0
        self._burst = False
        """Whether the last key came in a burst that has another line already."""
        self._entering: events.Key | None = None
        """An Enter at the end of a burst that waits for the rest of it."""
        self._later = later or self.set_timer
        self.cursor_blink = False

    def show_keys(self) -> None:
        """Say in the empty box what can be done, as far as there is room."""
        room = self.size.width or self.app.size.width - _FRAME  # pyright: ignore[reportUnknownMemberType]  App is generic
        more = "  {prompt.send} sends, / commands, @ files, {app.help_here} all keys"
        self.placeholder = "What is to be done?" + keymap_of(self).words(more if room >= _ROOM else "")

    def on_mount(self) -> None:
        """Say it in the first picture."""
        self.show_keys()

    def on_resize(self) -> None:
        """Say as much as there is room for."""
        self.show_keys()

    @property
    def whole(self) -> str:
        """What is written, with pasted texts in the places of their tokens."""
        return self._pasted.whole(self.text)

    @property
    def kept(self) -> str:
        """What is written as it is to be kept; `take_up` and `recall` understand it."""
        return self._pasted.packed(self.text)

    def queued(self, count: int) -> None:
        """Say on the border how many messages wait for the turn to end."""
        self.border_subtitle = f"{count} queued, sent when this turn ends" if count else ""

    def bring_back(self, texts: list[str]) -> None:
        """Put texts that were not sent before what is written."""
        folded = list(map(self._pasted.fold, texts))
        self.take_up("\n".join([*folded, self.text] if self.text else folded))

    def recall(self, texts: Iterable[str]) -> None:
        """Put what earlier sessions sent before the history of this one."""
        self._history[:0] = texts
        self._at = len(self._history)

    def take_up(self, kept: str) -> None:
        """Write a text that was kept."""
        self.load_text(self._pasted.unpacked(kept))
        self.move_cursor(self.document.end)

    def know(self, files: Finder) -> None:
        """Complete the names of these files."""
        self._finder = files
        self._suggest()

    def close_suggestions(self) -> bool:
        """Take the list away; says whether there was one."""
        self._dismissed = self._word
        there = self.suggestions.chosen is not None
        self.suggestions.offer(())
        return there

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Whether a key is written; the one that shows all keys is not in an empty box."""
        return super().check_consume_key(key, character) and (
            bool(self.text) or key not in keymap_of(self).of("app.help_here")
        )

    async def _on_key(self, event: events.Key) -> None:
        chosen, keys = self.suggestions.chosen, keymap_of(self)
        burst, self._pressed = event.time - self._pressed < BURST, event.time
        self._end_burst(more=burst)
        sends = event.key in keys.of("prompt.send")
        if event.key == "enter" and burst:
            self._entering = event
            self._later(_REST, partial(self._enter_at_end, event))
        elif event.key in keys.of("prompt.take") and chosen is not None:
            self._take(chosen)
        elif sends and chosen is not None and not self._is_whole(chosen):
            self._take(chosen)
            if chosen.text.startswith("/"):
                self._send()
        elif sends:
            self._send()
        elif event.key in keys.of("app.help_here") and not self.text:
            self.post_message(self.HelpWanted())
        else:
            return
        event.stop()
        event.prevent_default()

    def _end_burst(self, *, more: bool) -> None:
        """An Enter that came in a burst begins another line if more came in it, or it had one already; else it sends."""
        if self._entering is not None:
            self._entering = None
            if more or self._burst:
                self.insert("\n")
                self._burst = True
            else:
                self._send()
        self._burst = self._burst and more

    def _enter_at_end(self, key: events.Key) -> None:
        if self._entering is key:
            self._end_burst(more=False)

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        self._end_burst(more=True)
        text = inert(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        picture = picture_in(text)
        event.text = f"{mention(picture)} " if picture else self._pasted.fold(text)

    def on_text_area_changed(self) -> None:
        """Keep what is written after a pause, and suggest what the word at the cursor may become."""
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(_PAUSE, self._paused)
        self._suggest()

    def on_text_area_selection_changed(self) -> None:
        """The cursor may stand at another word."""
        self._suggest()

    def on_blur(self) -> None:
        """Nobody chooses any more."""
        self.suggestions.offer(())

    def _paused(self) -> None:
        self._pause = None
        self.post_message(self.Drafted())

    def _suggest(self) -> None:
        word = self._word_here() if self.has_focus else None
        if word == self._word and word is not None and self.suggestions.display:
            return
        self._word = word
        if word is None or word == self._dismissed:
            self.suggestions.offer(())
        elif word.kind == "/":
            self.suggestions.offer(tuple(Suggestion(name, about) for name, about in beginning(word.text)))
        elif self._finder is None:
            self.post_message(self.FilesWanted())
        else:
            self.suggestions.narrow(word.text)
            self.run_worker(partial(self._search, self._finder, word), group="search", exclusive=True)

    def _word_here(self) -> Word | None:
        row, column = self.cursor_location
        line = self.document.get_line(row)
        return word_at(line, first=self.document.line_count == 1) if column == len(line) else None

    async def _search(self, finder: Finder, word: Word) -> None:
        found = await asyncio.to_thread(finder.find, word.text)
        if word == self._word:
            self.suggestions.offer(tuple(Suggestion(path) for path in found))

    def _is_whole(self, chosen: Suggestion) -> bool:
        return self._word is not None and self._word.text == chosen.text

    def _take(self, chosen: Suggestion) -> None:
        """Write a suggestion in the place of the word."""
        if self._word is None:
            return
        end = self.cursor_location
        text = chosen.text if self._word.kind == "/" else mention(chosen.text) + " "
        self.suggestions.offer(())
        self.replace(text, (end[0], self._word.start), end)
        self.move_cursor((end[0], self._word.start + len(text)))
        self._dismissed = self._word_here()

    def _send(self) -> None:
        if self.text.endswith("\\"):
            row, column = self.document.end
            self.replace("\n", (row, column - 1), (row, column))
            return
        text, kept = self.whole.strip(), self.kept.strip()
        if not text:
            return
        self._enter(kept)
        self.load_text("")
        self.suggestions.offer(())
        self.post_message(self.Sent(text, kept))

    def _enter(self, kept: str) -> None:
        """Put a text at the end of the history."""
        if not self._history or self._history[-1] != kept:
            self._history.append(kept)
        self._at = len(self._history)
        self._draft = ""

    def action_newline(self) -> None:
        """Begin another line."""
        self.insert("\n")

    def action_leave_or_delete(self) -> None:
        """Delete the next character; with nothing written, quit."""
        if self.text:
            self.action_delete_right()
        else:
            self.post_message(self.QuitWanted())

    def action_outside(self) -> None:
        """Go on in the user's own editor."""
        self.post_message(self.EditorWanted())

    def action_chat_end(self) -> None:
        """Scroll the chat to its end."""
        self.post_message(self.Paged(0))

    def action_delete_left(self) -> None:
        """Delete a character, or the whole token before the cursor."""
        row, column = self.cursor_location
        length = self._pasted.token_before(self.document.get_line(row)[:column])
        if length and self.selection.is_empty:
            start: Location = (row, column - length)
            self.delete(start, (row, column))
        else:
            super().action_delete_left()

    def action_cursor_up(self, select: bool = False) -> None:
        """Up in the list, up a row, and from the first row into the history."""
        if self.suggestions.chosen is not None:
            self.suggestions.choose(-1)
        elif select or not self.cursor_at_first_line or not self._recall(-1):
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Down in the list, down a row, and from the last row back towards what was being written."""
        if self.suggestions.chosen is not None:
            self.suggestions.choose(1)
        elif select or not self.cursor_at_last_line or not self._recall(1):
            super().action_cursor_down(select)

    def action_cursor_page_up(self) -> None:
        """Scroll the chat."""
        self.post_message(self.Paged(-1))

    def action_cursor_page_down(self) -> None:
        """Scroll the chat."""
        self.post_message(self.Paged(1))

    def action_copy(self) -> None:
        """Copy what is selected here or elsewhere; with nothing selected, empty the box; with nothing in it, leave."""
        if self.selected_text:
            self.app.copy_to_clipboard(self._pasted.whole(self.selected_text))  # pyright: ignore[reportUnknownMemberType]  App is generic
        elif self.text and not self.screen.selections:
            self._enter(self.kept)
            self.load_text("")
        else:
            self.post_message(self.Left())

    def _recall(self, step: int) -> bool:
        """Move in the history; one past its end is what was being written."""
        to = self._at + step
        if not 0 <= to <= len(self._history):
            return False
        if self._at == len(self._history):
            self._draft = self.kept
        self._at = to
        self.take_up(self._history[to] if to < len(self._history) else self._draft)
        self._dismissed = self._word_here()
        self.suggestions.offer(())
        return True
