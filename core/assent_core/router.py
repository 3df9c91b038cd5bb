"""Which role takes a piece of work, with which model and effort; pure."""

from __future__ import annotations

from typing import Literal

from assent_core.events import Routed
from assent_core.settings import Settings

Work = Literal[
    "edit",
    "debug",
    "terminal",
    "image",
    "triage",
    "classify",
    "extract",
    "rank",
    "summarize",
    "title",
    "question",
    "plan",
    "review",
]


def route(work: Work, settings: Settings) -> Routed:
    """Route by what failure costs; the profile can bind all roles to one model. UsageError where it cannot be done."""
    raise NotImplementedError
