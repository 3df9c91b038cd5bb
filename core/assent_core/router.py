"""Which role takes a piece of work, with which model and effort; pure."""

from __future__ import annotations

from typing import Literal

from assent_core.errors import UsageError
from assent_core.events import Routed
from assent_core.model import Effort, Role
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

TABLE: dict[Work, tuple[Role, str]] = {
    "edit": ("worker", "edits need tools and judgement"),
    "debug": ("worker", "debugging needs several tools in a row"),
    "terminal": ("worker", "terminal work is where the small model falls far behind"),
    "image": ("worker", "an image needs the model that sees well"),
    "triage": ("scout", "triage is simple and bounded"),
    "classify": ("scout", "classification is simple and bounded"),
    "extract": ("scout", "extraction is simple and bounded"),
    "rank": ("scout", "ranking is simple and bounded"),
    "summarize": ("scout", "a summary is simple and bounded"),
    "title": ("scout", "a title is simple and bounded"),
    "question": ("scout", "a bounded question goes to the small model first"),
    "plan": ("planner", "a plan is decomposition: the worker's model, thinking harder"),
    "review": ("reviewer", "a second look: the worker's model, thinking harder"),
}


def route(work: Work, settings: Settings) -> Routed:
    """Route by what failure costs; the profile can bind all roles to one model. UsageError where it cannot be done."""
    role, why = TABLE[work]
    small = role == "scout"
    effort: Effort = settings.scout.effort if small else "high" if role != "worker" else settings.worker.effort
    match settings.profile:
        case "tiered":
            model = settings.scout.model if small else settings.worker.model
        case "mini":
            model, why = settings.worker.model, f"{why}; profile mini: one model for all"
        case "nano":
            if work == "image":
                raise UsageError(
                    f"Images cannot be taken on in the profile nano: {settings.scout.model} is too weak on screens and pictures.",
                    'Use the profile "tiered" or "mini" (settings: profile), or describe the image in words.',
                )
            model, why = settings.scout.model, f"{why}; profile nano: the small model does it all the same"
    return Routed(role=role, model=model, effort=effort, why=why, work=work)
