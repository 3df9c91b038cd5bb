"""What happens in a session, as one closed union of frozen values."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from assent_core.consent.gate import Decider, Scope
from assent_core.diffs.remarks import Remark
from assent_core.diffs.review import Evidence
from assent_core.lines import FORMAT
from assent_core.logs.digest import Digest
from assent_core.model import Effort, Role, Usage
from assent_core.proposals import Proposal
from assent_sandbox.policy import Denial, Tier, Widening
from assent_sandbox.stage import Moved


class Event(Struct, frozen=True, kw_only=True, tag_field="event", tag=lambda name: name.lower()):
    """Base of all events. Text in them comes from models and commands: redacted, but hostile to a terminal."""


class Opened(Event, frozen=True):
    """A session began or was resumed."""

    session: str
    root: str
    tier: Tier
    branch: str = ""
    worker: str = ""
    scout: str = ""
    budget: float = 0.0
    """USD that the session may cost; 0: no limit."""
    notices: tuple[str, ...] = ()
    """What the user should know of this place: no git, weaker walls, an interrupted landing that was completed."""
    format: int = FORMAT


class Prompted(Event, frozen=True):
    """The user (or `fix`) asked for something."""

    turn: int
    text: str
    snapshot: str = ""
    """The name under which the stage was kept before it, so that the session can go back to here; empty: it was not."""
    seen: int = 0
    """Bytes that the file of what the model has seen had then."""


class Routed(Event, frozen=True):
    """Which role takes the piece of work, and why."""

    role: Role
    model: str
    effort: Effort
    why: str
    work: str = ""
    """The kind of work, as the router's table names it."""
    instead_of: str = ""
    """The model that had begun it; `why` says what made it too much for that one."""


class Asked(Event, frozen=True):
    """A request left for a model; `step` counts the requests of a turn."""

    role: Role
    model: str
    step: int


class Texted(Event, frozen=True):
    """A piece of the answer as it streams."""

    delta: str


class Thought(Event, frozen=True):
    """A piece of the reasoning summary as it streams."""

    delta: str


class Said(Event, frozen=True):
    """A complete message of the model; takes the place of the Texted pieces before it."""

    text: str


class Retried(Event, frozen=True):
    """The service faltered and is asked again after `seconds`; unfinished Texted pieces are void."""

    why: str
    attempt: int
    seconds: float


class Proposed(Event, frozen=True):
    """The model wants to do something."""

    id: str
    proposal: Proposal
    reach: tuple[Widening, ...] = ()


class Mistaken(Event, frozen=True):
    """The model called a tool wrongly; it was told `message`, and nothing was done."""

    id: str
    tool: str
    message: str


class Decided(Event, frozen=True):
    """A proposal was allowed or refused: by whom and why. A refusal is never silent."""

    id: str
    allowed: bool
    by: Decider
    why: str
    scope: Scope = "once"


class Explained(Event, frozen=True):
    """What the scout says that an asked proposal would do, or the reviewer thinks of it: an opinion, which decides nothing."""

    id: str
    """The question's, which is the proposal's."""
    sentence: str
    by: Literal["scout", "reviewer"] = "scout"
    concern: Literal["", "none", "some", "serious"] = ""
    """How much the reviewer is concerned."""


class Planned(Event, frozen=True):
    """A plan was made, is carried out as its text stands here, or was dropped."""

    text: str
    how: Literal["made", "begun", "dropped"] = "made"


class Named(Event, frozen=True):
    """The session has a title, by its first prompt; a name that the user gives is above it."""

    title: str


class Pointed(Event, frozen=True):
    """The worker was pointed to files that the scout picked by their names, as data: they may matter for the task."""

    paths: tuple[str, ...]


class Remarked(Event, frozen=True):
    """The reviewer has read a staged change (`digest`, see changes.digest) and says this of it; nothing is decided by it."""

    model: str
    digest: str
    remarks: tuple[Remark, ...] = ()


class Printed(Event, frozen=True):
    """A piece of what a running command writes."""

    id: str
    text: str
    stream: Literal["stdout", "stderr"] = "stdout"


class Performed(Event, frozen=True):
    """A proposal was carried out on the stage; `told` is what the model gets to see of it."""

    id: str
    ok: bool
    told: str
    code: int | None = None
    seconds: float = 0.0
    denials: tuple[Denial, ...] = ()
    paths: tuple[str, ...] = ()
    """Files of the stage that it changed, as far as it is known."""
    whole: str = ""
    """In a record, where `told` is only a part: the name of the blob beside it that holds all."""


class Digested(Event, frozen=True):
    """What the output of a command says: first by rules, later perhaps by the scout."""

    id: str
    digest: Digest


class Billed(Event, frozen=True):
    """A request was paid for. `usd` is None where the price is unknown; `total` and `scout` are sums of the session."""

    role: Role
    model: str
    usage: Usage | None
    usd: float | None
    prices: str
    total: float
    scout: float
    context: float = 0.0
    """How much of the model's largest input the request took, from 0 to 1."""
    by: str = ""
    """Which of several workers made it; empty: the one that the user talks to, or a role beside it."""


class Staged(Event, frozen=True):
    """The changes on the stage, after a proposal that changed some."""

    paths: tuple[str, ...]
    added: int
    removed: int


class Drifted(Event, frozen=True):
    """The real tree moved under the stage, and what was done for each staged path."""

    moved: tuple[Moved, ...]


class Verified(Event, frozen=True):
    """A check was run on a known staged content; what it said is in `evidence`, also whether it verifies anything."""

    evidence: Evidence


class Ended(Event, frozen=True):
    """A turn is over. `hint` says what would help where `how` is not `done`."""

    turn: int
    how: Literal["done", "interrupted", "limit", "budget", "refused", "failed", "environment"]
    message: str = ""
    hint: str = ""
    code: int = 0
    """The exit code that this ending means for a script."""


class Landed(Event, frozen=True):
    """Accepted hunks were written into the real tree."""

    landing: str
    paths: tuple[str, ...]
    hunks: int
    left: int = 0
    """How many hunks stay undecided on the stage."""


class Undone(Event, frozen=True):
    """A landing was taken back."""

    landing: str
    paths: tuple[str, ...]
    left: tuple[str, ...] = ()
    """Of its paths those in which nothing of it stood any more: they are as they were."""


class Rewound(Event, frozen=True):
    """The session went back to before a prompt: what was asked and staged since then does not count any more."""

    snapshot: str
    """That of the prompt."""
    text: str
    """The prompt, to be written anew."""
    landed: tuple[str, ...] = ()
    """Files that were landed since then and stay so."""
    moved: tuple[Moved, ...] = ()
    """Staged paths of that time whose real files have changed, and what was done about it."""


class Forked(Event, frozen=True):
    """A session of its own goes on from here: all before this is the past of another one too."""

    session: str
    """The one that it came from."""
    text: str = ""
    """The prompt before which it was forked, to be written anew; empty: at its end."""


class Committed(Event, frozen=True):
    """What these landings wrote was committed to git."""

    commit: str
    branch: str
    subject: str
    paths: tuple[str, ...]
    landings: tuple[str, ...]


class Joined(Event, frozen=True):
    """A worker that did a part of the task is done, and what it changed was merged into the stage."""

    by: str
    how: Literal["done", "budget", "refused", "failed", "environment"]
    answer: str = ""
    """Its last message, or why it ended before it was done."""
    usd: float = 0.0
    seconds: float = 0.0
    paths: tuple[str, ...] = ()
    """What it changed."""
    moved: tuple[Moved, ...] = ()
    """Of these, what is in conflict with what others made of it, and what could not be brought over."""
    kept: str = ""
    """The folder in which its versions of those are kept until the session ends."""
    ignored: tuple[str, ...] = ()
    """What it changed and git ignores: that is not merged, and never lands."""


class Attempted(Event, frozen=True):
    """One of several attempts at the same problem is over."""

    attempt: int
    how: Literal["passed", "beaten", "budget", "refused", "failed", "environment"]
    """beaten: another one passed before."""
    summary: str = ""
    """What its last run of the command said, or why it ended."""
    usd: float = 0.0
    seconds: float = 0.0
    added: int = 0
    removed: int = 0


class Chosen(Event, frozen=True):
    """The attempt that goes on, whose changes are on the stage from now; `passed` is false if none passed."""

    attempt: int
    of: int
    passed: bool
    usd: float = 0.0
    """What all attempts cost together."""


class Noticed(Event, frozen=True):
    """Something that the user should know and that fits nowhere else."""

    text: str


Plain = (
    Opened | Prompted | Routed | Asked | Texted | Thought | Said | Retried | Proposed | Mistaken | Decided | Explained | Planned
    | Named | Pointed | Remarked | Printed | Performed | Digested | Billed | Staged | Drifted | Verified | Ended | Landed | Undone
    | Rewound | Forked | Committed | Joined | Attempted | Chosen | Noticed
)  # fmt: skip


class Relayed(Event, frozen=True):
    """What happened to one of several workers at once: a part of the task (`by` is its name), or an attempt (its number)."""

    by: str
    of: Plain
    attempt: int = 0


AnyEvent = Plain | Relayed
