"""Whether all rows of a command were on the screen; pure."""

from __future__ import annotations


class Reading:
    """Counts the rows that were seen. What was read whole once stays read; folded anew before that, it begins again."""

    def __init__(self) -> None:
        self.whole = False
        """Whether every row was on the screen."""
        self._of = (0, 0)
        self._seen: set[int] = set()

    def see(self, first: int, height: int, *, rows: int, width: int) -> None:
        """These rows are on the screen, of so many that matter, folded for this width."""
        if self._of != (rows, width):
            self._of = (rows, width)
            self._seen.clear()
        self._seen.update(range(max(first, 0), min(first + height, rows)))
        self.whole = self.whole or len(self._seen) == rows
