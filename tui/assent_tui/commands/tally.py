"""All events of a one-shot command, summed up."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from assent_core.diffs.changes import FileChange
from assent_core.diffs.review import Evidence
from assent_core.events import (
    AnyEvent,
    Billed,
    Chosen,
    Decided,
    Ended,
    Landed,
    Mistaken,
    Opened,
    Performed,
    Proposed,
    Relayed,
    Verified,
)
from assent_core.proposals import Patch
from assent_sandbox.policy import Denial


class RoleCost(Struct, frozen=True, kw_only=True):
    """What one role cost; tokens are counted even where the price is unknown (`usd` None)."""

    requests: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    usd: float | None = 0.0


class Refusal(Struct, frozen=True):
    """A proposal that was not allowed: by whom and why."""

    by: str
    why: str


class Spoilt(Struct, frozen=True):
    """Why no patch was made: `by` whom it was refused, or empty where it did not fit."""

    by: str
    why: str


class Changed(Struct, frozen=True, kw_only=True):
    """A path that differs on the stage, with its lines added and removed and the marks of its change."""

    path: str
    how: Literal["new", "deleted", "changed"]
    added: int
    removed: int
    marks: tuple[str, ...] = ()


class Summary(Struct, frozen=True, kw_only=True, tag_field="event", tag="summary"):
    """The last line of `--json`.

    outcome: 'landed', 'written', 'answered', 'done' (to be reviewed), 'nothing to fix', 'ran', or why not: 'interrupted',
    'usage', 'service', 'budget', 'environment', 'refused', 'failed', 'fault'.
    """

    outcome: str
    code: int
    message: str = ""
    hint: str = ""
    session: str = ""
    tier: str = ""
    verification: Evidence | None = None
    """The last run of a check: one that passed and verifies what it is of, or one that failed."""
    doubted: Evidence | None = None
    """The last run instead, where it ended with 0 and verifies nothing: its `doubt` says why."""
    denials: tuple[Denial, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    usd: float = 0.0
    prices: str = ""
    cost: dict[str, RoleCost] = {}
    changes: tuple[Changed, ...] = ()
    """What differs on the stage at the end, before any of it lands."""
    landing: str = ""
    landed: tuple[str, ...] = ()
    answer: str = ""
    """What `assent ask` was answered."""
    attempt: int = 0
    """Which of several attempts this is about."""
    attempts: int = 0


class Tally:
    """Reads events as they come and knows what a summary says of them."""

    def __init__(self) -> None:
        self.opened: Opened | None = None
        self.ended: Ended | None = None
        self.verified: Evidence | None = None
        self.landed: Landed | None = None
        self.answer = ""
        self.chosen: Chosen | None = None
        self.changes: tuple[Changed, ...] = ()
        self.code: int | None = None
        self.spoilt: Spoilt | None = None
        """Why the last patch was not made; None if one was, or none was tried."""
        self._patches: set[str] = set()
        self._patched = False
        self._denials: dict[Denial, None] = {}
        self._refusals: dict[tuple[str, str], None] = {}
        self._cost: dict[str, RoleCost] = {}
        self._usd = 0.0
        self._prices = ""

    def add(self, event: AnyEvent) -> None:
        """Take notice of an event."""
        self._look_for_patches(event.of if isinstance(event, Relayed) else event)
        match event:
            case Opened():
                self.opened = event
            case Performed(denials=denials, code=code):
                self.code = code if code is not None else self.code
                self._denials |= dict.fromkeys(denials)
            case Decided(allowed=False, by=by, why=why) | Relayed(of=Decided(allowed=False, by=by, why=why)):
                self._refusals[by, why] = None
            case Relayed(of=Performed(denials=denials)):
                self._denials |= dict.fromkeys(denials)
            case Chosen():
                self.chosen = event
            case Billed():
                self._bill(event)
            case Verified(evidence=evidence):
                self.verified = evidence
            case Landed():
                self.landed = event
            case Ended():
                self.ended = event
            case _:
                pass

    def compare(self, files: tuple[FileChange, ...]) -> tuple[Changed, ...]:
        """Take the changes on the stage into the summary."""
        self.changes = tuple(_changed(file) for file in files)
        return self.changes

    @property
    def denials(self) -> tuple[Denial, ...]:
        """Each thing that the walls denied, once."""
        return tuple(self._denials)

    def summary(self, outcome: str, code: int, message: str = "", hint: str = "") -> Summary:
        """Everything so far, with how it came out."""
        return Summary(
            outcome=outcome,
            code=code,
            message=message,
            hint=hint,
            session=self.opened.session if self.opened else "",
            tier=self.opened.tier if self.opened else "",
            verification=self.verified if not (self.verified and self.verified.doubt) else None,
            doubted=self.verified if self.verified and self.verified.doubt else None,
            denials=self.denials,
            refusals=tuple(Refusal(by, why) for by, why in self._refusals),
            usd=self._usd,
            prices=self._prices,
            cost=self._cost,
            changes=self.changes,
            landing=self.landed.landing if self.landed else "",
            landed=self.landed.paths if self.landed else (),
            answer=self.answer,
            attempt=self.chosen.attempt if self.chosen else 0,
            attempts=self.chosen.of if self.chosen else 0,
        )

    def _look_for_patches(self, event: AnyEvent) -> None:
        match event:
            case Proposed(id=id, proposal=Patch()):
                self._patches.add(id)
            case Decided(id=id, allowed=False, by=by, why=why) if id in self._patches:
                self.spoilt = None if self._patched else Spoilt(by, why)
            case Performed(id=id, ok=ok, told=told) if id in self._patches:
                self._patched |= ok
                self.spoilt = None if self._patched else Spoilt("", told.partition("\n")[0])
            case Mistaken(tool="apply_patch", message=message):
                self.spoilt = None if self._patched else Spoilt("", message.partition("\n")[0])
            case _:
                pass

    def _bill(self, billed: Billed) -> None:
        so_far = self._cost.get(billed.role, RoleCost())
        usage = billed.usage
        self._cost[billed.role] = RoleCost(
            requests=so_far.requests + 1,
            input=so_far.input + (usage.input if usage else 0),
            cached=so_far.cached + (usage.cached if usage else 0),
            output=so_far.output + (usage.output if usage else 0),
            usd=None if so_far.usd is None or billed.usd is None else so_far.usd + billed.usd,
        )
        self._usd, self._prices = billed.total, billed.prices


def _changed(file: FileChange) -> Changed:
    how = "new" if file.before is None else "deleted" if file.after is None else "changed"
    return Changed(path=file.path, how=how, added=file.added, removed=file.removed, marks=file.marks)
