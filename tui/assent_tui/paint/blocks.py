"""One scroll view over any number of blocks, each laid out only when it comes into sight."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from itertools import accumulate
from typing import Protocol

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from assent_tui.paint.lines import BLANK, Line, Span, strip_of
from assent_tui.paint.punctual import Punctual
from assent_tui.paint.theme import Palette, palette_of

_MEASURED = 40
"""How many of the newest blocks are measured at once after a resize, in a view that measures as they come."""
_KEPT = 300
"""How many laid-out blocks are remembered; all others keep only their height."""


class Block(Protocol):
    """A piece of a view as a value; `lines` must be pure, for it is called again after each resize."""

    def lines(self, width: int) -> list[Line]:
        """Its rows, none wider than `width` cells."""
        ...

    def guess(self, width: int) -> int:
        """About how many rows it will have; cheap."""
        ...


class BlockView(Punctual, ScrollView):
    """Blocks under each other in one widget: the cost of a frame follows the rows in sight, not the blocks.

    Heights out of sight are guesses until they are seen; what is in sight never jumps when a guess is corrected.
    One range of blocks can be selected; a bar in the first column shows it.
    """

    DEFAULT_CSS = """
    BlockView { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """
    selected: reactive[tuple[int, int]] = reactive((0, 0), layout=False)
    """The selected blocks as first and one past the last; empty if equal."""

    _palette: Palette

    class Clicked(Message):
        """A block was clicked; `index` counts from 0, and so does `row` within it."""

        def __init__(self, view: BlockView, index: int, row: int = 0) -> None:
            super().__init__()
            self.view = view
            self.index = index
            self.row = row

        @property
        def control(self) -> BlockView:
            """The view whose block it is."""
            return self.view

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._blocks: list[Block] = []
        self._tops: list[int] = [0]
        self._exact: list[bool] = []
        self._laid: OrderedDict[int, list[Line]] = OrderedDict()
        self._laid_width = 0
        self._settling = False
        self.follow = True

    def on_mount(self) -> None:
        """Take the colours of the theme, now and whenever it changes."""
        self._recolour()
        self.watch(self.app, "theme", self._recolour, init=False)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

    def _recolour(self) -> None:
        self._palette = palette_of(self)
        self.refresh()

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What is in the view."""
        return tuple(self._blocks)

    def __len__(self) -> int:
        return len(self._blocks)

    def __bool__(self) -> bool:
        return True

    def append(self, *blocks: Block) -> int:
        """Put blocks at the end; follows the end if it was in sight. Returns the index of the first."""
        first = len(self._blocks)
        self.splice(first, *blocks)
        return first

    def splice(self, start: int, *blocks: Block) -> None:
        """Put blocks in the place of all from an index on."""
        del self._blocks[start:], self._exact[start:], self._tops[start + 1 :]
        for index in [index for index in self._laid if index >= start]:
            del self._laid[index]
        width = self._width
        self._blocks += blocks
        self._exact += [False] * len(blocks)
        self._tops[-1:] = accumulate((block.guess(width) for block in blocks), initial=self._tops[-1])
        for index in range(start, len(self._blocks) if self._measures else 0):
            self._measure_now(index)
        self._settle()

    @contextmanager
    def gathered(self) -> Generator[None]:
        """Lay out once, after many changes."""
        measures, self._measures, self._settling = self._measures, False, True
        try:
            yield
        finally:
            self._measures, self._settling = measures, False
            self._settle()

    def replace(self, index: int, block: Block) -> None:
        """Put another block in the place of one."""
        self._blocks[index] = block
        self._forget(index)
        self._measure_now(index)
        self._settle()

    def reset(self, blocks: Iterable[Block], *, follow: bool) -> None:
        """Show other blocks from the top, or from the end where `follow` is asked for."""
        self._blocks = list(blocks)
        self._exact = [False] * len(self._blocks)
        self._laid.clear()
        width = self._width
        self._tops = [0, *accumulate(block.guess(width) for block in self._blocks)]
        self.follow = follow
        self._settle()

    def row_of(self, index: int) -> int:
        """The first row of a block, exact for what is in sight and above only guessed."""
        return self._tops[index]

    def reveal(self, first: int, last: int) -> None:
        """Bring blocks into sight, their beginning above all."""
        self.follow = False
        for index in range(first, min(last, first + self.size.height)):
            self._measure(index)
        self._resize()
        top, end, height = self._tops[first], self._tops[last], self.size.height
        at = round(self.scroll_y)
        if top < at or end > at + height:
            lead = max((height - (end - top)) // 3, 0) if end - top < height else 0
            self._scroll_row(max(top - lead, 0))
        self._settle()

    @property
    def layout_width(self) -> int:
        """The columns for which its blocks are laid out."""
        return self._width

    @property
    def _width(self) -> int:
        """What blocks are laid out for: all but the column of the bar; a usual width before there is any."""
        return max(self.scrollable_content_region.width - 1, 1) if self.size.width else 80

    def _forget(self, index: int) -> None:
        self._exact[index] = False
        self._laid.pop(index, None)

    def _lines(self, index: int) -> list[Line]:
        laid = self._laid.get(index)
        if laid is None:
            laid = self._laid[index] = self._blocks[index].lines(self._width)
            if len(self._laid) > _KEPT:
                self._laid.popitem(last=False)
        return laid

    def _measure(self, index: int) -> int:
        """Make the height of a block exact; says by how much it grew."""
        if self._exact[index]:
            return 0
        self._exact[index] = True
        grown = len(self._lines(index)) - (self._tops[index + 1] - self._tops[index])
        if grown:
            for later in range(index + 1, len(self._tops)):
                self._tops[later] += grown
        return grown

    def _settle(self) -> None:
        """Lay out what is in sight and keep it where it is: at the end if that is followed, else at its top row."""
        if self._settling or not self.is_attached or self.size.height == 0:
            return
        self._settling = True
        try:
            at = self._settle_end() if self.follow else self._settle_here()
            self._resize()
            self._scroll_row(at)
        finally:
            self._settling = False
        self.refresh()

    def _settle_end(self) -> int:
        height = self.size.height
        for index in range(len(self._blocks) - 1, -1, -1):
            self._measure(index)
            if self._tops[-1] - self._tops[index] >= height:
                break
        return max(self._tops[-1] - height, 0)

    def _settle_here(self) -> int:
        at = min(round(self.scroll_y), max(self._tops[-1] - 1, 0))
        first = self._index_at(at)
        if first < len(self._blocks):
            within = at - self._tops[first]
            grown = self._measure(first)
            at = self._tops[first] + (max(within + grown, 0) if within else 0)
        end = at + self.size.height
        while first < len(self._blocks) and self._tops[first] < end:
            self._measure(first)
            first += 1
        return min(at, max(self._tops[-1] - self.size.height, 0))

    def _resize(self) -> None:
        self.virtual_size = Size(self._width, self._tops[-1])

    def _scroll_row(self, row: int) -> None:
        if round(self.scroll_y) != row:
            self.scroll_to(y=row, animate=False, immediate=True, force=True)

    def centre_row(self, row: int) -> None:
        """Bring a row into the middle, if it is out of sight or at its lower edge."""
        top, height = round(self.scroll_y), self.size.height
        if not top <= row < top + height - 1:
            self._scroll_row(max(row - height // 2, 0))

    def _index_at(self, row: int) -> int:
        return max(bisect_right(self._tops, row) - 1, 0)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Lay out what came into sight; the end is followed as long as it is in sight."""
        super().watch_scroll_y(old_value, new_value)
        if not self._settling:
            self.follow = new_value >= self.max_scroll_y and self._follows
            self._settle()

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """A bar that comes after the view was scrolled stands where the view does."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y

    _follows = False
    """Whether this view sticks to its end once it was scrolled there."""
    _measures = False
    """Whether blocks are measured as they come, which is right where they come one by one."""

    def _measure_now(self, index: int) -> None:
        if self._measures and self.is_attached and self.size.height:
            self._measure(index)

    def on_resize(self, event: events.Resize) -> None:
        """Forget all layouts of another width; heights out of sight stay as guesses."""
        if self._width != self._laid_width:
            self._laid_width = self._width
            self._laid.clear()
            self._exact = [False] * len(self._blocks)
            for index in range(max(len(self._blocks) - _MEASURED, 0), len(self._blocks) if self.follow else 0):
                self._measure_now(index)
        self._settle()

    def on_click(self, event: events.Click) -> None:
        """Say which block was clicked."""
        row = round(self.scroll_y) + event.y
        if 0 <= row < self._tops[-1]:
            index = self._index_at(row)
            self.post_message(self.Clicked(self, index, row - self._tops[index]))

    def watch_selected(self) -> None:
        """Repaint: the bar has moved."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Paint one row in sight."""
        row = round(self.scroll_y) + y
        base = self.rich_style
        if not 0 <= row < self._tops[-1]:
            return Strip.blank(self.size.width, base)
        index = self._index_at(row)
        laid = self._lines(index)
        within = row - self._tops[index]
        shown = laid[within] if within < len(laid) else BLANK
        first, end = self.selected
        bar = ("▌", "accent") if first <= index < end else (" ", "")
        spans = self._dressed(index, within, shown)
        return strip_of(Line((bar, *spans), shown.fill), self.size.width, self._palette, base)

    def _dressed(self, index: int, within: int, shown: Line) -> tuple[Span, ...]:
        """The runs of a row as they are painted now."""
        return shown.spans
