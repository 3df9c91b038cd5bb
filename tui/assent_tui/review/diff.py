"""The diff: line-rendered, with a cursor on one hunk, and on one line of it while lines are chosen."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from msgspec.structs import replace
from textual import events
from textual.binding import BindingType
from textual.message import Message

from assent_core.diffs.changes import FileChange, Hunk
from assent_core.diffs.review import Review
from assent_tui.keymap import bindings, keymap_of
from assent_tui.paint.blocks import BlockView
from assent_tui.paint.search import Hit, following, hits
from assent_tui.paint.textview import TextView
from assent_tui.review.diffrows import Look
from assent_tui.review.hunks import Context, FileHead, Fold, HunkRows
from assent_tui.review.layout import Place, hunk_blocks, remarks_of
from assent_tui.review.picking import Picking
from assent_tui.review.sheet import Sheet

_FIRST = 200
"""Blocks that are made before the first look at a review; more than any screen shows."""
_MORE = 5_000
"""Blocks that are made at once afterwards, so that keys are not kept waiting."""
_PAUSE = 0.02
"""Seconds in which what was made is painted."""


class Diff(TextView, inherit_bindings=False):
    """Shows a review; the cursor stands on a hunk as long as there is one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("diff")

    can_focus = True

    class Moved(Message):
        """The cursor was put somewhere with the mouse."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.follow = False
        self._review = Review()
        self._sheet = Sheet(self._review)
        self._owners: dict[str, tuple[FileChange, Hunk]] = {}
        self._cursor = 0
        self._look = Look()
        self._opened: frozenset[tuple[str, int]] = frozenset()
        self._hit: Hit | None = None
        self.picking: Picking | None = None
        """The lines that are being chosen, if that is being done."""
        self.pinned = False
        """Whether something is written about the hunk at the cursor, so that scrolling leaves the cursor on it."""

    @property
    def in_sight(self) -> bool:
        """Whether some of the hunk at the cursor is on the screen."""
        return self.place is not None and self._shows(self.place)

    @property
    def place(self) -> Place | None:
        """The hunk under the cursor."""
        return self._places[self._cursor] if self._places else None

    @property
    def _places(self) -> list[Place]:
        """Where the hunks stand that are made so far."""
        return self._sheet.places

    @property
    def look(self) -> Look:
        """How the diff is looked at."""
        return self._look

    def put(self, review: Review) -> None:
        """Show a review; only what differs from the one before is laid out again."""
        earlier, here = self._review, self.place
        self._review = review
        if earlier.files == review.files and self._blocks:
            self._remark(earlier)
            return
        self._owners = {hunk.id: (file, hunk) for file in review.files for hunk in file.hunks}
        self.picking = None
        kept = bool(here) and bool(earlier.files)
        row = self.row_of(here.first) - round(self.scroll_y) if here and kept else 0
        self._make_blocks()
        if kept:
            self._make_whole()
        hunks = [place.hunk for place in self._places]
        fallback = min(self._cursor, max(len(hunks) - 1, 0))
        self._cursor = hunks.index(here.hunk) if here and here.hunk in hunks else fallback
        if kept:
            self._hold(row)
        self.move_to(self._cursor)

    def _shows(self, place: Place) -> bool:
        top = round(self.scroll_y)
        return self.row_of(place.first) < top + self.size.height and self.row_of(place.end) > top

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The cursor goes with what is scrolled into sight: keys decide what is seen."""
        super().watch_scroll_y(old_value, new_value)
        if not self._settling and not self.pinned and self.picking is None and self._places and not self.in_sight:
            self._take_cursor_along()

    def _take_cursor_along(self) -> None:
        """Put the cursor on the hunk in sight that is nearest to it, if there is one."""
        seen = [at for at, place in enumerate(self._places) if self._shows(place)]
        if seen:
            self._cursor = seen[0] if self._cursor < seen[0] else seen[-1]
            self.selected = (self._places[self._cursor].first, self._places[self._cursor].end)
            self._hit = None
            self.post_message(self.Moved())

    def on_resize(self, event: events.Resize) -> None:
        """What keys decide stays in sight."""
        super().on_resize(event)
        self.bring_into_sight()

    def bring_into_sight(self) -> None:
        """Scroll to the hunk at the cursor, if nothing of it is on the screen."""
        if self.size.height and self.place is not None and not self.in_sight:
            self.move_to(self._cursor)

    def _make_blocks(self) -> None:
        self._sheet = Sheet(self._review, self._look, self._opened)
        self.reset(self._sheet.more(self._review, _FIRST), follow=False)
        self._hit = None
        if not self._sheet.whole:
            self.set_timer(_PAUSE, partial(self._make_more, self._sheet))

    def _make_more(self, sheet: Sheet) -> None:
        """After the first picture: the files that are not in sight, some at a time."""
        if sheet is self._sheet and not sheet.whole:
            self.append(*sheet.more(self._review, _MORE))
            self.set_timer(_PAUSE, partial(self._make_more, sheet))

    def _make_whole(self) -> None:
        """Make all that is missing at once, for somebody wants to go there."""
        if not self._sheet.whole:
            self.append(*self._sheet.rest(self._review))

    def _hold(self, row: int) -> None:
        """Keep the hunk under the cursor where it was on the screen."""
        if (place := self.place) is not None:
            self._scroll_row(max(self.row_of(place.first) - row, 0))

    def _again(self) -> None:
        """Make all blocks again; what is under the cursor stays where it is."""
        place = self.place
        if place is None:
            return
        row = self.row_of(place.first) - round(self.scroll_y)
        self._make_blocks()
        self._make_whole()
        place = self._places[self._cursor]
        self.selected = (place.first, place.end)
        self._show_picks()
        self._hold(row)

    def _remark(self, earlier: Review) -> None:
        if earlier.remarks != self._review.remarks:
            self._again()
            return
        if earlier.marks == self._review.marks:
            return
        changed = {hunk for hunk, _ in earlier.marks.items() ^ self._review.marks.items()}
        with self.gathered():
            for place in self._places:
                if place.hunk in changed:
                    self._replace(place)

    def _replace(self, place: Place) -> None:
        """Lay out one hunk again."""
        file, hunk = self._owners[place.hunk]
        mark = self._review.mark(place.hunk)
        picked = (self.picking.pick,) if self.picking and self.picking.hunk == place.hunk else ()
        remarks = remarks_of(self._review, file).get(hunk.id, ())
        for at, block in enumerate(hunk_blocks(file, hunk, mark, self._look, *picked, remarks=remarks), place.first):
            if block != self._blocks[at]:
                self.replace(at, block)

    def see(self, look: Look) -> None:
        """Look at the same in another way."""
        self._look = look
        self._again()

    def unfold(self) -> bool:
        """Show all that is left out around the hunk at the cursor, or leave it out again; says whether there is any."""
        place = self.place
        if place is None:
            return False
        self._make_whole()
        start = self._places[self._cursor - 1].end if self._cursor else 0
        end = self._places[self._cursor + 1].first if self._cursor + 1 < len(self._places) else len(self._blocks)
        folds = [block for block in self._blocks[start:end] if isinstance(block, Fold) and block.path == place.path]
        keys = frozenset(fold.key for fold in folds)
        self._opened = self._opened | keys if any(not fold.opened for fold in folds) else self._opened - keys
        if folds:
            self._again()
        return bool(folds)

    def move_to(self, index: int) -> None:
        """Put the cursor on a hunk and bring it into sight, its file's name too where it is the first."""
        if not self._places:
            self.selected = (0, 0)
            return
        if index >= len(self._places):
            self._make_whole()
        self._cursor = max(0, min(index, len(self._places) - 1))
        place = self._places[self._cursor]
        if self.picking and self.picking.hunk != place.hunk:
            self.leave_lines()
        self.selected = (place.first, place.end)
        self._hit = None
        first_of_file = self._cursor == 0 or self._places[self._cursor - 1].path != place.path
        self.reveal(self._head_of(place) if first_of_file else place.first, place.end)

    def move(self, step: int) -> None:
        """To the next or previous hunk."""
        self.move_to(self._cursor + step)

    def move_on(self) -> None:
        """To the next hunk that is undecided, if there is one behind this."""
        self._make_whole()
        behind = range(self._cursor + 1, len(self._places))
        undecided = (at for at in behind if self._review.mark(self._places[at].hunk).verdict == "undecided")
        self.move_to(next(undecided, self._cursor))

    def move_file(self, step: int) -> None:
        """To the first hunk of the next or previous file."""
        here = self.place
        if here is None:
            return
        self._make_whole()
        paths = list(dict.fromkeys(place.path for place in self._places))
        at = max(0, min(paths.index(here.path) + step, len(paths) - 1))
        self.show_file(paths[at])

    def show_file(self, path: str) -> None:
        """To the first hunk of a file."""
        self._make_whole()
        self.move_to(next((at for at, place in enumerate(self._places) if place.path == path), self._cursor))

    def show_hunk(self, hunk: str) -> None:
        """To a hunk by its id."""
        self._make_whole()
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

    def pick(self, at: int = 0) -> bool:
        """Begin to choose lines of the hunk at the cursor; says whether it has any."""
        place = self.place
        if place is None:
            return False
        _, hunk = self._owners[place.hunk]
        rows = len(hunk.old) + len(hunk.new)
        if rows:
            self.repick(Picking(place.hunk, rows).go(at))
        return bool(rows)

    def repick(self, picking: Picking) -> None:
        """Choose other lines of the same hunk."""
        self.picking = picking
        self._show_picks()

    def leave_lines(self) -> bool:
        """Choose no lines any more; says whether some were being chosen."""
        if self.picking is None:
            return False
        place = next((place for place in self._places if place.hunk == self.picking.hunk), None)
        self.picking = None
        if place:
            self._replace(place)
        return True

    def _show_picks(self) -> None:
        place = self.place
        if place is None or self.picking is None:
            return
        self._replace(place)
        for index in range(place.first, place.end):
            block = self._blocks[index]
            if isinstance(block, HunkRows) and (row := block.holds(self.picking.at)) >= 0:
                self._reveal_line((index, row))
                return

    def find(self, query: str) -> str:
        """Search for a text and go to its first occurrence from the cursor on; what came of it, in words."""
        self._look = replace(self._look, query=query.lower())
        self._again()
        return self.next_hit(1) if query else ""

    def next_hit(self, step: int) -> str:
        """To the next or previous occurrence; which of how many it is, in words."""
        if not self._look.query:
            return keymap_of(self).words("nothing is searched for: {review.search} asks for a text")
        self._make_whole()
        found = hits(self._blocks, self._look.query)
        if not found:
            return keymap_of(self).words("not found (what is folded is not searched: {review.unfold} unfolds it)")
        place = self.place
        here = self._hit or ((place.first, -1) if place else (0, -1))
        at = following(found, here, step)
        index, row = found[at]
        owner = next((n for n, place in enumerate(self._places) if index < place.end), self._cursor)
        self.move_to(owner)
        self._hit = (index, row)
        self._reveal_line(self._hit)
        return f"{at + 1} of {len(found)}"

    def _reveal_line(self, hit: Hit) -> None:
        """Bring one line of a block into sight."""
        index, row = hit
        self.reveal(index, index + 1)
        block = self._blocks[index]
        if isinstance(block, HunkRows | Context):
            above = sum(map(len, block.by_line(self._width)[:row]))
            self.centre_row(self.row_of(index) + above)

    def _head_of(self, place: Place) -> int:
        """The block of the file's name above its first hunk."""
        earlier = self._places[self._cursor - 1].end if self._cursor else 0
        for at in range(place.first - 1, earlier - 1, -1):
            if isinstance(self._blocks[at], FileHead):
                return at
        return place.first

    def on_block_view_clicked(self, message: BlockView.Clicked) -> None:
        """Put the cursor on the hunk that was clicked, or on its line while lines are chosen; turn a fold."""
        message.stop()
        block = self._blocks[message.index]
        if isinstance(block, Fold):
            self._opened = self._opened ^ {block.key}
            self._again()
        for at, place in enumerate(self._places):
            if place.first <= message.index < place.end:
                self.move_to(at)
        if self.picking and isinstance(block, HunkRows) and block.hunk.id == self.picking.hunk:
            self.repick(self.picking.go(block.line_at(message.row, self._width)))
        self.post_message(self.Moved())
