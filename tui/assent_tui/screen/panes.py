"""Chat and review, side by side where there is room, else one in the place of the other."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import BindingType
from textual.containers import Horizontal

from assent_tui.keymap import bindings
from assent_tui.paint.guard import Guard

if TYPE_CHECKING:
    from assent_tui.chat.pane import Chat
    from assent_tui.review.pane import ReviewPane

BROAD = 100
"""Columns from which both stand side by side."""


class Panes(Horizontal):
    """Knows which of the two is in sight; the rest is the style sheet's. Empty until it is furnished."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("panes")
    chat: Chat
    review: ReviewPane

    def __init__(self, guard: Guard, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.guard = guard
        self.furnished = False

    async def furnish(self) -> None:
        """Make chat and review: neither is needed for the first picture, and what they import takes its time."""
        for name in ("assent_tui.chat.pane", "assent_tui.review.pane"):
            await asyncio.to_thread(import_module, name)
        from assent_tui.chat.pane import Chat
        from assent_tui.review.pane import ReviewPane

        self.chat = Chat(id="chat")
        self.review = ReviewPane(self.guard, id="review")
        await self.mount(self.chat)
        await self.mount(self.review)
        self.furnished = True

    @property
    def reviewing(self) -> bool:
        """Whether the keys go to the review."""
        return self.furnished and self.review.has_focus_within

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
        """Side by side where there is room; where it is gone, the chat stays, unless the keys are in the review."""
        narrowed = self.has_class("-broad") and event.size.width < BROAD
        self.set_class(event.size.width >= BROAD, "-broad")
        if narrowed and not self.reviewing:
            self.hide_review()
