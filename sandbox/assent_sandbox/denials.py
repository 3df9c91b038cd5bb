"""What the walls refused to a command, read from what it left behind."""

from __future__ import annotations

from assent_sandbox.plan import Plan
from assent_sandbox.policy import Denial, Ended, Policy, Widening


def find_denials(ended: Ended, written: Plan, policy: Policy, refusals: int) -> tuple[Denial, ...]:
    """Give what was refused, each thing once."""
    found: list[Denial] = []
    if refusals:
        found.append(
            Denial(kind="network", target="", certainty="sure", why="no network", widening=Widening("network"))
        )
    return tuple(found)
