"""A few rows of text that a parent sets: the status line, the keys, a card's head."""

from __future__ import annotations

from rich.cells import cell_len
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from assent_tui.paint.lines import BLANK, Line, strip_of, wrap_all
from assent_tui.paint.punctual import Punctual
from assent_tui.paint.theme import Palette, palette_of


class Rows(Punctual, Widget):
    """Shows lines, wrapped to its width and as high as they are; what is folded stands in by `hang`."""

    DEFAULT_CSS = "Rows { height: auto; }"
    _palette: Palette

    def __init__(self, *lines: Line, hang: int = 2, id: str | None = None) -> None:
        super().__init__(id=id)
        self._whole = lines
        self._hang = hang
        self._rows: list[Line] = []
        self._laid_width = -1

    def on_mount(self) -> None:
        """Take the colours of the theme, now and whenever it changes."""
        self._recolour()
        self.watch(self.app, "theme", self._recolour, init=False)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

    def _recolour(self) -> None:
        self._palette = palette_of(self)
        self.refresh()

    def put(self, *lines: Line) -> None:
        """Show other lines."""
        if lines != self._whole:
            high = len(self._rows)
            self._whole = lines
            self._laid_width = -1
            self.refresh(layout=len(self._lay(self.size.width)) != high)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are."""
        return len(self._lay(width))

    def render_line(self, y: int) -> Strip:
        """Paint a row."""
        rows = self._lay(self.size.width)
        return strip_of(rows[y] if y < len(rows) else BLANK, self.size.width, self._palette, self.rich_style)

    def _lay(self, width: int) -> list[Line]:
        if width != self._laid_width:
            self._laid_width = width
            self._rows = wrap_all(self._whole, width, self._hang)
        return self._rows


def keys_line(keys: tuple[tuple[str, str], ...], width: int, more: str = "") -> Line:
    """Keys and what they do, as many as fit; at the end the key `more` that shows all of them, if there is one."""

    def taken(pairs: tuple[tuple[str, str], ...]) -> int:
        return sum(cell_len(key) + cell_len(word) + 3 for key, word in pairs) - 2

    last = ((more, "all keys"),) if more else ()
    fitting = keys
    while fitting and taken((*fitting, *last)) > width:
        fitting, last = fitting[:-1], ((more, "more"),) if more else ()
    spans = [span for key, word in (*fitting, *last) for span in ((f"{key} ", "accent"), (f"{word}  ", "dim"))]
    return Line(tuple(spans))
