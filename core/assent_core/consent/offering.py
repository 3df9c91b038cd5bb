"""Which remembered answers are offered, and how consents read in words."""

from __future__ import annotations

from pathlib import Path

from assent_core.consent.commands import visible
from assent_core.consent.ledger import Grant, Scope
from assent_core.consent.reach import phrase
from assent_core.consent.standing import Script, while_same
from assent_sandbox.policy import Widening

SESSION_SECONDS = 12 * 3600
PROJECT_SECONDS = 30 * 24 * 3600
SHOWABLE = 300
"""A target longer than this does not fit a card whole, so no remembered consent to it is offered."""


def scopes(root: Path, missing: tuple[Widening, ...], scripts: tuple[Script, ...]) -> tuple[tuple[Scope, str], ...]:
    """The remembered answers on offer; none where a target or a script could not be shown whole and exactly."""
    names = (*(widening.target for widening in missing), *(script.path for script in scripts))
    if any(len(name) > SHOWABLE or visible(name) != name for name in names):
        return ()
    what = "; ".join(map(phrase, missing)) + while_same(scripts)
    return (
        ("task", f"until this task ends: {what}"),
        ("session", f"for this session, at most 12 hours: {what}"),
        ("project", f"for 30 days in {visible(str(root))}: {what}"),
    )


def wanted_in_words(reach: tuple[Widening, ...]) -> str:
    """What is wanted, as the first half of a sentence."""
    what = " and to ".join(map(phrase, reach))
    return f"it wants to {what}" if what else "consent to run or edit at all is needed (mode careful)"


def origin(grant: Grant) -> str:
    """A grant, as the reason of a decision."""
    return f"consent {grant.id} for this {grant.scope}: {phrase(grant.widening)}"


def narrowest(grants: tuple[Grant, ...]) -> Scope:
    """The scope of several grants that ends first."""
    held = {grant.scope for grant in grants}
    return "task" if "task" in held else "session" if "session" in held else "project"
