"""What the user is asked at the gate, and what comes back."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from assent_core.consent.ledger import Scope
from assent_core.proposals import Proposal, Spend
from assent_sandbox.policy import Tier, Widening


class Question(Struct, frozen=True, kw_only=True):
    """What the user is asked: everything that a consent card shows.

    `scopes` are the answers offered beside once; each comes with its exact wording, and none is offered that cannot be shown.
    """

    id: str
    proposal: Proposal | Spend
    reach: tuple[Widening, ...]
    tier: Tier
    effects: tuple[str, ...]
    """In words, what is going to happen, one line for each reach."""
    why: str
    """Which rule asks, and where it is written."""
    scopes: tuple[tuple[Scope, str], ...] = ()
    by: str = ""
    """Which of several workers asks; empty: the one that the user talks to."""
    marks: tuple[str, ...] = ()
    """How a command line reads: its programs, what it writes to, what a reader should notice; safe to print."""


class Answer(Struct, frozen=True):
    """What the user said; a `reason` of a no goes back to the model."""

    yes: bool
    scope: Scope = "once"
    reason: str = ""


class Asker(Protocol):
    """Whoever can put a question to the user. Cancelling the call must take the question away."""

    async def ask(self, question: Question) -> Answer:
        """Put the question and give the answer; whatever is raised, or comes back instead, is no consent."""
        ...
