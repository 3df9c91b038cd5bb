"""Keeps keys that were typed before a question could be read from answering it; pure but for its clock."""

from __future__ import annotations

import time
from collections.abc import Callable

SEEN = 0.4
"""Seconds that a question must have been on the screen."""
QUIET = 0.25
"""Seconds without any key before keys count."""


class Guard:
    """Shut when a question appears; opens by itself once, and stays open until the next question."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown = 0.0
        self._pressed = float("-inf")
        self._quiet = QUIET

    def shut(self, quiet: float = QUIET) -> None:
        """A question appeared; `quiet` may be longer where the user is in the middle of a text."""
        self._shown = self._clock()
        self._quiet = quiet

    def pressed(self) -> None:
        """Any key was pressed, wherever it went."""
        self._pressed = self._clock()

    @property
    def left(self) -> float:
        """Seconds until keys count if none is pressed; 0 or less: they count."""
        now = self._clock()
        return max(self._shown + SEEN - now, self._pressed + self._quiet - now)
