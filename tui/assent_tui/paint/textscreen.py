"""A screen on which the text of a view can be selected; it loads no view by itself, so that the first picture needs none."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from textual.errors import NoWidget
from textual.geometry import Offset
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

if TYPE_CHECKING:
    from assent_tui.paint.textview import TextView

Result = TypeVar("Result")


class TextScreen(Screen[Result]):
    """A screen on which text is selected within one view at a time; Ctrl+C copies it."""

    class Copied(Message):
        """A text went to the clipboard."""

        def __init__(self, what: str, size: int) -> None:
            super().__init__()
            self.what = what
            self.size = size

    _held: TextView | None = None

    @property
    def allow_select(self) -> bool:
        """Only where text is shown; all else has no selection."""
        return self._held is not None

    def get_widget_and_offset_at(self, x: int, y: int) -> tuple[Widget | None, Offset | None]:
        """Which view is under the pointer, and which place in it; while a selection is made, the view where that began."""
        if not (self._selecting and self._held):
            try:
                widget, _ = self.get_widget_at(x, y)
            except NoWidget:
                return None, None
            from assent_tui.paint.textview import TextView

            self._held = widget if isinstance(widget, TextView) else None
            if self._held is None:
                return widget, None
        region = self._held.content_region
        column, row = min(max(x, region.x), region.right - 1), min(max(y, region.y), region.bottom - 1)
        return self._held, self._held.place_at(column - region.x, row - region.y)

    def action_copy_text(self) -> None:
        """Copy what is selected."""
        text = self.get_selected_text()
        if text is None:
            super().action_copy_text()
            return
        self.app.copy_to_clipboard(text)  # pyright: ignore[reportUnknownMemberType]  App is generic in its result
        self.clear_selection()
        self.post_message(self.Copied("what was selected", len(text)))
