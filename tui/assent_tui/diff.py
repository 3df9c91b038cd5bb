"""The diff: line-rendered, with a cursor on one hunk."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from assent_core.review import Review
from assent_tui.blocks import BlockView
from assent_tui.hunks import FileHead, Place, blocks_of, hunk_blocks


class Diff(BlockView, inherit_bindings=False):
    """Shows a review; the cursor stands on a hunk as long as there is one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page_up", "page up"),
        Binding("pagedown", "page_down", "page down"),
        Binding("home", "scroll_home", "to the top"),
        Binding("end", "scroll_end", "to the end"),
    ]

    can_focus = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.follow = False
        self._review = Review()
        self._places: list[Place] = []
        self._cursor = 0

    @property
    def place(self) -> Place | None:
        """The hunk under the cursor."""
        return self._places[self._cursor] if self._places else None

    def put(self, review: Review) -> None:
        """Show a review; only what differs from the one before is laid out again."""
        earlier, here = self._review, self.place
        self._review = review
        if earlier.files == review.files and self._blocks:
            self._remark(earlier)
            return
        blocks, self._places = blocks_of(review)
        self.reset(blocks, follow=False)
        hunks = [place.hunk for place in self._places]
        fallback = min(self._cursor, max(len(hunks) - 1, 0))
        self.move_to(hunks.index(here.hunk) if here and here.hunk in hunks else fallback)

    def _remark(self, earlier: Review) -> None:
        hunks = {hunk.id: (file, hunk) for file in self._review.files for hunk in file.hunks}
        for place in self._places:
            mark = self._review.mark(place.hunk)
            if mark != earlier.mark(place.hunk):
                for at, block in enumerate(hunk_blocks(*hunks[place.hunk], mark), place.first):
                    self.replace(at, block)

    def move_to(self, index: int) -> None:
        """Put the cursor on a hunk and bring it into sight, its file's name too where it is the first."""
        if not self._places:
            self.selected = (0, 0)
            return
        self._cursor = max(0, min(index, len(self._places) - 1))
        place = self._places[self._cursor]
        self.selected = (place.first, place.end)
        first_of_file = self._cursor == 0 or self._places[self._cursor - 1].path != place.path
        self.reveal(self._head_of(place) if first_of_file else place.first, place.end)

    def move(self, step: int) -> None:
        """To the next or previous hunk."""
        self.move_to(self._cursor + step)

    def move_on(self) -> None:
        """To the next hunk that is undecided, if there is one behind this."""
        behind = range(self._cursor + 1, len(self._places))
        undecided = (at for at in behind if self._review.mark(self._places[at].hunk).verdict == "undecided")
        self.move_to(next(undecided, self._cursor))

    def move_file(self, step: int) -> None:
        """To the first hunk of the next or previous file."""
        here = self.place
        if here is None:
            return
        paths = list(dict.fromkeys(place.path for place in self._places))
        at = max(0, min(paths.index(here.path) + step, len(paths) - 1))
        self.show_file(paths[at])

    def show_file(self, path: str) -> None:
        """To the first hunk of a file."""
        self.move_to(next((at for at, place in enumerate(self._places) if place.path == path), self._cursor))

    def show_hunk(self, hunk: str) -> None:
        """To a hunk by its id."""
        self.move_to(next((at for at, place in enumerate(self._places) if place.hunk == hunk), self._cursor))

    def step(self, direction: int) -> None:
        """Scroll through a hunk that is longer than the view, then go on to the next."""
        place = self.place
        if place is None:
            return
        top, height = round(self.scroll_y), self.size.height
        beyond = self.row_of(place.end) > top + height if direction > 0 else self.row_of(place.first) < top
        if beyond:
            self.scroll_relative(y=direction * max(height // 2, 1), animate=False, force=True)
        else:
            self.move(direction)

    def _head_of(self, place: Place) -> int:
        """The block of the file's name above its first hunk."""
        earlier = self._places[self._cursor - 1].end if self._cursor else 0
        for at in range(place.first - 1, earlier - 1, -1):
            if isinstance(self._blocks[at], FileHead):
                return at
        return place.first

    def on_block_view_clicked(self, message: BlockView.Clicked) -> None:
        """Put the cursor on the hunk that was clicked."""
        message.stop()
        for at, place in enumerate(self._places):
            if place.first <= message.index < place.end:
                self.move_to(at)
