"""The crew of a session: what workers beside the first can be set to."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from assent_core.crew.delegation import delegate
from assent_core.crew.hiring import Hiring
from assent_core.crew.race import race
from assent_core.events import AnyEvent
from assent_core.performing.perform import Result
from assent_core.proposals import Delegate, Shell
from assent_core.turns.turn import Bench


class Workers:
    """See `turn.Crew`."""

    def __init__(self, hiring: Hiring) -> None:
        self._hiring = hiring

    def delegate(self, bench: Bench, id: str, task: Delegate) -> AsyncGenerator[AnyEvent | Result]:
        """Let workers do the parts of a task."""
        return delegate(self._hiring, bench, id, task)

    def race(self, bench: Bench, shell: Shell, wish: str, limit: int, attempts: int) -> AsyncGenerator[AnyEvent]:
        """Let several workers repair the same thing."""
        return race(self._hiring, bench, shell, wish, limit, attempts=attempts)
