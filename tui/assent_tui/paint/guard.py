"""Keeps keys that were typed before a question could be read from answering it; pure but for its clock."""

from __future__ import annotations

import time
from collections.abc import Callable

SEEN = 0.4
"""Seconds that a question must have been on the screen."""
QUIET = 0.25
"""Seconds without any key before keys count."""

BURST = 0.001
"""Seconds between two keys that no hand presses: a paste that came as keys."""


class Guard:
    """Open at first; shut when a question appears. Opens by itself once, and stays open until the next question."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown = float("-inf")
        self._pressed = float("-inf")
        self._quiet = QUIET
        self._opened = True

    def shut(self, quiet: float = QUIET) -> None:
        """A question appeared; `quiet` may be longer where the user is in the middle of a text."""
        self._shown = self._clock()
        self._quiet = quiet
        self._opened = False

    def pressed(self) -> None:
        """Any key is pressed, wherever it goes; to be told before the key is used."""
        self._opened = self.open
        self._pressed = self._clock()

    @property
    def open(self) -> bool:
        """Whether keys count."""
        return self._opened or self.left <= 0

    @property
    def left(self) -> float:
        """Seconds until keys count if none is pressed."""
        now = self._clock()
        return max(self._shown + SEEN - now, self._pressed + self._quiet - now)
