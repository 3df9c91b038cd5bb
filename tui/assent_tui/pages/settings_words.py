"""The settings in the order in which they are shown, and a sentence about each."""

from __future__ import annotations

from assent_core.errors import UsageError

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Screen", ("theme", "plain", "notify", "pace", "confirm_landing")),
    ("Consent", ("mode",)),
    (
        "Models",
        (
            "profile",
            "worker.model",
            "worker.effort",
            "scout.model",
            "scout.effort",
            "scouting",
            "planner.model",
            "planner.effort",
            "reviewing",
            "reviewer.model",
            "reviewer.effort",
            "judge.model",
            "judge.effort",
            "base_url",
            "tier",
        ),
    ),
    ("Money", ("budget", "budget_task", "budget_day", "tokens_per_usd", "prices", "regional", "accounts")),
    ("Work", ("turns", "context", "idle_seconds", "trailer")),
    (
        "Commands on the stage",
        (
            "limits.seconds",
            "limits.memory",
            "limits.processes",
            "limits.file",
            "limits.disk",
            "limits.output",
            "limits.whole",
            "readable",
            "variables",
            "secrets",
        ),
    ),
    ("Files", ("state",)),
)

ABOUT: dict[str, str] = {
    "theme": "How the screen looks.",
    "plain": "No frames drawn of lines and no pictograms: for screen readers and poor terminals.",
    "notify": "How you are called when you are needed and look elsewhere: a notification, a bell, or nothing.",
    "pace": "Seconds within which a second letter makes text of the first, in the review and on cards; 0: never.",
    "confirm_landing": "When a landing is said first and takes Enter: always, or only what is not verified.",
    "mode": "ask: what reaches outside the stage asks. careful: every patch and command asks. read-only: nothing is changed.",
    "profile": "tiered: mini works, nano digests. mini or nano: one model for all.",
    "worker.model": "The model that reads, edits and runs commands.",
    "worker.effort": "How hard the worker thinks.",
    "scout.model": "The small model that digests logs and names things; it approves nothing.",
    "scout.effort": "How hard the scout thinks.",
    "scouting": "Whether any text is sent to the scout.",
    "planner.model": "The model that makes the plan of /plan; none: the worker's.",
    "planner.effort": "How hard the planner thinks.",
    "reviewing": "off: nothing. risky: risky actions, and changes that run outside the walls. always: each change too.",
    "reviewer.model": "The model that reads a staged change with fresh eyes; none: the worker's.",
    "reviewer.effort": "How hard the reviewer thinks.",
    "judge.model": "The model that takes the second look at a risky action; none: the worker's.",
    "judge.effort": "How hard it thinks about that.",
    "base_url": "A server that speaks /v1/responses; none: OpenAI.",
    "tier": "How requests are served where the model has a choice: flex is half the price, priority double.",
    "budget": "USD that one session may cost; 0: no limit.",
    "budget_task": "USD that one task may cost; 0: no limit.",
    "budget_day": "USD that all sessions of a day may cost together; 0: no limit.",
    "tokens_per_usd": "How many tokens of a model without a price count as one dollar of a budget; 0: nothing.",
    "prices": "Which source of prices in the catalogue counts.",
    "regional": "Whether data is processed in one region, which costs more.",
    "accounts": "Whether the accounts that `assent stats` shows are kept.",
    "turns": "Most requests to the worker in one turn.",
    "context": "Most input tokens of one request, beyond which older parts are compacted; 0: what the model takes.",
    "idle_seconds": "How long a reply may be silent before it is asked for again.",
    "trailer": "A last line for the messages of /commit, such as Assisted-by: assent; empty: none.",
    "limits.seconds": "Seconds that one command may take.",
    "limits.memory": "Bytes of memory that a command may use.",
    "limits.processes": "Processes that a command may have.",
    "limits.file": "Bytes of the largest file that a command may write.",
    "limits.disk": "Bytes that the stage may take.",
    "limits.output": "Bytes of a command's output that are shown and told at most.",
    "limits.whole": "Bytes of it that are kept to be read and searched.",
    "readable": "Absolute paths outside the workspace that commands may read.",
    "variables": "Environment variables that commands get beside the usual ones.",
    "secrets": "Patterns of secret files, on top of the built-in ones.",
    "state": "The folder for stages, journals, records; none: the one of this platform.",
}

EFFORTS = ("none", "low", "medium", "high", "xhigh")
CHOICES: dict[str, tuple[str, ...]] = {
    "theme": ("dark", "light", "contrast", "contrast-light"),
    "mode": ("ask", "careful", "read-only"),
    "profile": ("tiered", "mini", "nano"),
    "tier": ("standard", "flex", "priority"),
    "reviewing": ("off", "risky", "always"),
    "confirm_landing": ("always", "unverified"),
    "effort": EFFORTS,
}


def no_theme(name: str) -> UsageError:
    """What to tell of a theme that there is not."""
    *names, last = CHOICES["theme"]
    return UsageError(f"There is no theme {name!r}.", f"It is {', '.join(names)} or {last}.")
