"""Single lines of a hunk under a cursor of their own; pure."""

from __future__ import annotations

from msgspec import Struct

from assent_tui.review.hunks import Pick


class Picking(Struct, frozen=True):
    """The lines of one hunk that are being chosen; `rows` are its lines, old before new."""

    hunk: str
    rows: int
    at: int = 0
    marked: frozenset[int] = frozenset()
    last: int = -1
    """The line that was marked last: a range begins there."""

    @property
    def pick(self) -> Pick:
        """How it is shown."""
        return Pick(self.at, self.marked)

    @property
    def chosen(self) -> frozenset[int]:
        """The marked lines; the one at the cursor where none is marked."""
        return self.marked or frozenset((self.at,))

    def step(self, by: int) -> Picking:
        """With the cursor on another line."""
        return self.go(self.at + by)

    def go(self, at: int) -> Picking:
        """With the cursor on this line, or on the nearest."""
        return Picking(self.hunk, self.rows, max(0, min(at, self.rows - 1)), self.marked, self.last)

    def toggle(self) -> Picking:
        """With the line at the cursor marked, or not any more, and the cursor on the next."""
        return Picking(self.hunk, self.rows, self.at, self.marked ^ {self.at}, self.at).step(1)

    def extend(self) -> Picking:
        """With all lines marked from the one that was marked last to the cursor."""
        start, end = sorted((self.at, self.last if self.last >= 0 else self.at))
        return Picking(self.hunk, self.rows, self.at, self.marked | frozenset(range(start, end + 1)), self.at)
