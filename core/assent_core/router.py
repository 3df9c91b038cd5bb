"""Which role takes a piece of work, with which model and effort, and when a larger model takes over; pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from assent_core.consent.plainly import Triage
from assent_core.errors import UsageError
from assent_core.events import Routed
from assent_core.model import Role
from assent_core.proposals import Subtask
from assent_core.settings import RoleSettings, Settings

Work = Literal[
    "edit",
    "debug",
    "terminal",
    "image",
    "computer",
    "triage",
    "classify",
    "extract",
    "rank",
    "summarize",
    "title",
    "question",
    "plan",
    "review",
    "judge",
    "subtask",
]

TABLE: dict[Work, tuple[Role, str]] = {
    "edit": ("worker", "edits need tools and judgement"),
    "debug": ("worker", "debugging needs several tools in a row"),
    "terminal": ("worker", "terminal work is where the small model falls far behind"),
    "image": ("worker", "an image needs the model that sees well"),
    "computer": ("worker", "computer use needs the model that has it"),
    "triage": ("scout", "triage is simple and bounded"),
    "classify": ("scout", "classification is simple and bounded"),
    "extract": ("scout", "extraction is simple and bounded"),
    "rank": ("scout", "ranking is simple and bounded"),
    "summarize": ("scout", "a summary is simple and bounded"),
    "title": ("scout", "a title is simple and bounded"),
    "question": ("scout", "a bounded question goes to the small model first"),
    "plan": ("planner", "a plan is decomposition: it is worth thinking harder"),
    "review": ("reviewer", "a change is read again with fresh eyes, thinking harder"),
    "judge": ("reviewer", "a risky action is worth a second look by a stronger model"),
    "subtask": ("worker", "a part of the task that needs several steps"),
}
"""Who takes what, by what failing costs."""

BEYOND_SMALL: dict[Work, str] = {"image": "images", "computer": "computer use"}
"""What the small model is not given at all."""
LOOKING = ("read", "search")
FEW = 4
"""Calls of tools that a bounded question takes at most."""
BOUNDED = 16_000
"""Tokens of context up to which a question is bounded; above, the worker has it in its cache and is the cheaper one."""


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of a prompt before anybody works on it."""

    triage: Triage
    images: bool = False
    context: int = 0
    """About how many tokens the model that takes it has to read first."""


class Grown(Struct, frozen=True, kw_only=True):
    """What a bounded question has come to so far."""

    tools: tuple[str, ...] = ()
    """The tools that were called, each time by name."""
    beyond: bool = False
    """Whether a call reaches outside the stage."""
    images: bool = False
    mistakes: int = 0
    """Calls that could not be understood."""


def work_of(facts: Facts) -> Work:
    """The kind of work that a prompt is; a question that is dear, long or takes many steps is none of the bounded ones."""
    if facts.images:
        return "image"
    triage = facts.triage
    if triage.kind == "question" and (triage.several_tools or triage.high_value or facts.context > BOUNDED):
        return "edit"
    return triage.kind


def route(work: Work, settings: Settings) -> Routed:
    """Route by what failure costs; the profile can bind all roles to one model. UsageError where it cannot be done."""
    role, why = TABLE[work]
    if work == "question" and not _small_first(settings):
        role, why = "worker", "a question; no smaller model is asked first"
    bound = _binding(work, role, settings)
    match settings.profile:
        case "tiered":
            model = bound.model or settings.worker.model
        case "mini":
            model, why = settings.worker.model, f"{why}; profile mini: one model for all"
        case "nano":
            model, why = settings.scout.model, f"{why}; profile nano: the small model does it all the same"
            if work in BEYOND_SMALL:
                raise UsageError(
                    f"There is no {BEYOND_SMALL[work]} in the profile nano: {model} is too weak on screens and pictures.",
                    'Use the profile "tiered" or "mini" (settings: profile), or describe it in words.',
                )
    return Routed(role=role, model=model, effort=bound.effort, why=why, work=work)


def outgrown(grown: Grown) -> str:
    """Why a question is none of the bounded ones any more; empty while it is."""
    other = next((tool for tool in grown.tools if tool not in LOOKING), "")
    if other == "apply_patch":
        return "it comes to editing files"
    if other:
        return f"it needs the tool {other}"
    if grown.beyond:
        return "it reaches outside the stage"
    if grown.images:
        return "an image turned up"
    if grown.mistakes:
        return "it called a tool wrongly"
    return f"it takes more than {FEW} looks" if len(grown.tools) > FEW else ""


def taken_over(routed: Routed, settings: Settings, why: str) -> Routed:
    """The worker in place of the model that a piece of work has outgrown."""
    worker = route("edit", settings)
    return replace(worker, why=why, work=routed.work, instead_of=routed.model)


def _binding(work: Work, role: Role, settings: Settings) -> RoleSettings:
    """Which model and effort the settings bind; without a model it is the worker's."""
    match role:
        case "worker":
            return settings.worker
        case "planner":
            return settings.planner
        case "reviewer":
            return settings.judge if work == "judge" else settings.reviewer
        case "scout":
            return _working(settings.scout) if work == "question" else settings.scout


def route_subtask(task: Subtask, settings: Settings) -> Routed:
    """Route a part of a task: simple ones that need no terminal go to the small model, all others as work does."""
    routed = route("subtask", settings)
    if not task.simple or not _small_first(settings):
        return routed
    if task.tools == "shell":
        return replace(routed, why="simple, but terminal work is where the small model falls far behind")
    why = "a narrow part of the task that needs no terminal: the small model comes close"
    return replace(routed, model=settings.scout.model, effort=_working(settings.scout).effort, why=why)


def _small_first(settings: Settings) -> bool:
    return settings.profile == "tiered" and settings.scouting and settings.scout.model != settings.worker.model


def _working(scout: RoleSettings) -> RoleSettings:
    """The small model where it uses tools."""
    return replace(scout, effort="low") if scout.effort == "none" else scout
