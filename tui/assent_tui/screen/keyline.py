"""The line of keys at the foot of the screen: what matters here and now."""

from __future__ import annotations

from textual.timer import Timer

from assent_tui.keymap import Keymap
from assent_tui.paint.lines import Line, line, shorten
from assent_tui.paint.rows import Rows, keys_line

_FLASH = 2.5
KEYS: dict[str, tuple[tuple[str, str], ...]] = {
    "prompt": (
        ("prompt.send", "send"),
        ("app.toggle_review", "review"),
        ("prompt.newline", "new line"),
        ("prompt.outside", "editor"),
        ("app.quit", "quit"),
    ),
    "prompt beside review": (
        ("app.toggle_review", "go to the review"),
        ("prompt.send", "send"),
        ("prompt.newline", "new line"),
        ("app.step_back", "close the review"),
        ("app.quit", "quit"),
    ),
    "question elsewhere": (
        ("app.step_back", "answer the question"),
        ("prompt.send", "queue"),
        ("app.toggle_review", "review"),
        ("app.leave", "stop the turn"),
    ),
    "turn": (
        ("app.step_back", "stop"),
        ("prompt.send", "queue"),
        ("app.unfold", "open tool call"),
        ("app.toggle_review", "review"),
    ),
    "chat": (
        ("chat.next chat.previous", "choose"),
        ("chat.open", "open"),
        ("chat.copy", "copy"),
        ("chat.copy_code", "copy code"),
        ("chat.lines", "lines"),
        ("chat.raw", "raw output"),
        ("app.step_back", "prompt"),
        ("chat.your_previous chat.your_next", "your messages"),
    ),
    "lines": (
        ("chat.next chat.previous", "line"),
        ("chat.lines", "from here on"),
        ("chat.copy", "copy"),
        ("app.step_back", "back"),
    ),
    "consent": (
        ("consent.no", "no"),
        ("consent.yes", "yes, once"),
        ("consent.reason", "no, with a reason"),
        ("app.toggle_review", "review"),
        ("app.step_back", "stop the turn"),
    ),
    "page": (("page.close", "back"), ("diff.page_up diff.page_down", "scroll")),
    "empty review": (("app.step_back", "back"),),
    "field": (("Enter", "send"), ("app.step_back", "back")),
    "editor": (("editor.write", "put onto the stage"), ("app.step_back", "back")),
    "review": (
        ("review.accept", "accept"),
        ("review.reject", "reject"),
        ("review.land", "land"),
        ("review.undo", "undo"),
        ("review.reason", "why"),
        ("review.edit", "edit"),
        ("review.split", "split"),
        ("review.mark", "mark"),
        ("review.verify", "verify"),
        ("review.accept_all", "accept all"),
        ("review.next review.previous", "hunk"),
        ("review.comment", "comment"),
        ("review.next_file review.previous_file", "file"),
        ("panes.zoom", "zoom"),
        ("app.step_back", "later"),
    ),
}
"""The names of the keys worth showing in each place, the most wanted first."""
_HELP = {
    "prompt": "app.help_here",
    "prompt beside review": "app.help_here",
    "chat": "app.help_here",
    "review": "app.help_here",
    "empty review": "app.help_here",
}
"""Where another key than that of everywhere shows all keys."""


class Keys(Rows):
    """Shows keys with what they do, and at the end the one that shows all of them."""

    DEFAULT_CSS = "Keys { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys: tuple[tuple[str, str], ...] = ()
        self._all = ""
        self._flashing: Timer | None = None

    def show(self, where: str, keymap: Keymap) -> None:
        """The keys of a place; where it is narrow, the most wanted of them."""
        self._all = "" if where == "page" else keymap.shown(_HELP.get(where, "app.help"))
        self.offer(*keymap.labels(KEYS[where]))

    def offer(self, *keys: tuple[str, str]) -> None:
        """Show these keys with what they do."""
        self._keys = keys
        self._paint()

    def flash(self, words: str) -> None:
        """Say something for a moment in the place of the keys."""
        if self._flashing is not None:
            self._flashing.stop()
        self._flashing = self.set_timer(_FLASH, self._paint)
        self.put(line((f" {shorten(words, self.size.width - 2)}", "ok")))

    def on_resize(self) -> None:
        """Say as much as fits."""
        self._paint()

    def _paint(self) -> None:
        if self._flashing is not None:
            self._flashing.stop()
            self._flashing = None
        width = self.size.width or self.app.size.width  # pyright: ignore[reportUnknownMemberType]  App is generic
        made = keys_line(self._keys, width - 2, self._all)
        self.put(Line(((" ", ""), *made.spans)))
