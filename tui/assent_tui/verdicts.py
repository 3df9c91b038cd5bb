"""By whom something was allowed or refused, how long that holds, and why, in words that say nothing twice."""

from __future__ import annotations

from assent_core.consent.gate import Decider, Scope

_BY: dict[Decider, str] = {
    "walls": "stays on the stage",
    "rule": "by a rule",
    "grant": "by a remembered yes",
    "user": "by you",
    "nobody": "nobody was there to ask",
}
_SCOPE: dict[Scope, str] = {
    "once": ", once",
    "task": ", for this task",
    "session": ", this session",
    "project": ", this project",
}
_KNOWN = ("the user refused", "the user said yes", "it stays on the stage")
"""How a reason begins that says no more than the words before it."""


def verdict(by: Decider, why: str, scope: Scope | None = None) -> str:
    """What follows "allowed" or "refused"; `scope` is that of a yes of the user."""
    lasting = _SCOPE[scope] if scope and by == "user" else ""
    known = next((each for each in _KNOWN if why.startswith(each)), None)
    because = why.removeprefix(known) if known else f": {why}" if why else ""
    return f"{_BY[by]}{lasting}{because}"
