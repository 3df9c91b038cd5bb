"""Chat and review, side by side where there is room, else one in the place of the other."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from assent_tui.chat import Chat
from assent_tui.guard import Guard
from assent_tui.review import ReviewPane

BROAD = 100
"""Columns from which both stand side by side."""


class Panes(Horizontal):
    """Knows which of the two is in sight; the rest is the style sheet's."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("z", "zoom", "review over the whole width")]

    def __init__(self, guard: Guard, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.guard = guard
        self.chat = Chat(id="chat")
        self.review = ReviewPane(guard, id="review")

    def compose(self) -> ComposeResult:
        """The chat on the left."""
        yield self.chat
        yield self.review

    @property
    def reviewing(self) -> bool:
        """Whether the keys go to the review."""
        return self.review.has_focus_within

    @property
    def shown(self) -> bool:
        """Whether the review is in sight."""
        return self.has_class("-review")

    @property
    def covered(self) -> bool:
        """Whether the review hides the chat."""
        return self.shown and (self.has_class("-zoomed") or not self.has_class("-broad"))

    def show_review(self) -> None:
        """Bring the review into sight."""
        self.add_class("-review")

    def hide_review(self, *, wholly: bool = False) -> None:
        """Bring the chat back; the review stays beside it where there is room and something to decide."""
        self.remove_class("-zoomed")
        if wholly or not self.has_class("-broad") or not self.review.review.files:
            self.remove_class("-review")

    def action_zoom(self) -> None:
        """Give the review the whole width, or take it back."""
        if self.shown:
            self.toggle_class("-zoomed")

    def on_resize(self, event: events.Resize) -> None:
        """Side by side where there is room."""
        self.set_class(event.size.width >= BROAD, "-broad")
