"""The gate: what decides a proposal that has a reach; the only maker of Approved."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct

from assent_core.proposals import Proposal
from assent_sandbox.policy import Tier, Widening

Mode = Literal["ask", "careful", "read-only"]
Scope = Literal["once", "task", "session", "project"]
Decider = Literal["walls", "rule", "grant", "user", "nobody"]
"""Who decided: nothing was reached (walls), a rule of the settings, a remembered grant, the user, or nobody was there."""


class Question(Struct, frozen=True, kw_only=True):
    """What the user is asked: everything that a consent card shows.

    `scopes` are the answers offered beside once; each comes with its exact wording, and none is offered that cannot be shown.
    """

    id: str
    proposal: Proposal
    reach: tuple[Widening, ...]
    tier: Tier
    effects: tuple[str, ...]
    """In words, what is going to happen, one line for each reach."""
    why: str
    """Which rule asks, and where it is written."""
    scopes: tuple[tuple[Scope, str], ...] = ()


class Answer(Struct, frozen=True):
    """What the user said; a `reason` of a no goes back to the model."""

    yes: bool
    scope: Scope = "once"
    reason: str = ""


class Asker(Protocol):
    """Whoever can put a question to the user. Cancelling the call must take the question away."""

    async def ask(self, question: Question) -> Answer: ...


class Grant(Struct, frozen=True, kw_only=True):
    """A remembered yes to exactly one widening; it never means unconfined."""

    id: str
    widening: Widening
    scope: Scope
    root: str
    session: str = ""
    time: float
    until: float | None = None
    why: str = ""


class Approved(Struct, frozen=True, kw_only=True):
    """A proposal that may be performed with exactly these widenings. Only the gate makes one."""

    proposal: Proposal
    widenings: tuple[Widening, ...]
    by: Decider
    why: str
    scope: Scope = "once"


class Refused(Struct, frozen=True, kw_only=True):
    """A proposal that may not be performed; `why` is told to the model and to the user."""

    proposal: Proposal
    by: Decider
    why: str


Decision = Approved | Refused
