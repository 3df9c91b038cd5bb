"""The line of keys follows the user: which place has the keys now, and when to look again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input, TextArea

from assent_tui.screen.commanding import Commanding

if TYPE_CHECKING:
    from assent_tui.consent.card import ConsentCard


class Offering(Commanding):
    """Shows the keys that do something where the user is."""

    _card: ConsentCard
    _furnished = False
    """Whether there is more than the prompt."""

    def follow_keys(self) -> None:
        """Show them now, and whenever others have the focus."""
        self.watch(self.screen, "focused", self.offer_keys, init=False)
        self.screen_change_signal.subscribe(self, self._page_changed)  # pyright: ignore[reportUnknownMemberType]  Screen is generic
        self.offer_keys()

    def on_lines_choosing(self) -> None:
        """Other keys matter."""
        self.offer_keys()

    def keys_changed(self) -> None:
        """Show the keys that hold now."""
        self._prompt.show_keys()
        self.offer_keys()

    def _page_changed(self, page: object) -> None:
        self.offer_keys()

    def offer_keys(self) -> None:
        """Show the keys of the place where the user is."""
        self._keys.show(self._where(), self.keymap)

    def _where(self) -> str:
        """The place whose keys are worth showing."""
        if not self._furnished:
            return "prompt"
        if len(self.screen_stack) > 1:
            return "page"
        if isinstance(self.focused, Input):
            return "field"
        if isinstance(self.focused, TextArea) and self.focused is not self._prompt:
            return "editor"
        if self._card.has_focus_within:
            return "consent"
        if self._panes.reviewing:
            return "review" if self.pane.review.files else "empty review"
        if self.focused is self.chat:
            return "lines" if self.chat.choosing_lines else "chat"
        if self._card.question is not None:
            return "question elsewhere"
        if self.job is not None:
            return "turn"
        return "prompt beside review" if self._panes.shown and self.pane.review.files else "prompt"
