"""What a proposal touches outside the stage, and how that reads in words; pure but for looking at paths."""

from __future__ import annotations

from pathlib import Path

from assent_core.proposals import Proposal
from assent_sandbox.policy import Policy, Widening


def reach(proposal: Proposal, root: Path, policy: Policy) -> tuple[Widening, ...]:
    """The widenings that a proposal asks for or cannot do without; empty means harmless."""
    raise NotImplementedError


def effect(widening: Widening) -> str:
    """In one plain sentence, what this widening lets happen."""
    raise NotImplementedError
