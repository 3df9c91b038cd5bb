"""Tokens become money: prices, sums of a session, the budget."""

from __future__ import annotations

from assent_core.events import Billed
from assent_core.model import Finished, Role
from assent_core.settings import Settings


class Meter:
    """Prices each request of each role as it happens and knows what the session has cost."""

    def __init__(self, settings: Settings) -> None:
        raise NotImplementedError

    def bill(self, role: Role, finished: Finished) -> Billed:
        """Price one request; an unknown model costs None and is counted in tokens only."""
        raise NotImplementedError

    @property
    def exhausted(self) -> bool:
        """Whether the session's budget is reached."""
        raise NotImplementedError
