"""The gate: what decides a proposal that has a reach; the only maker of Approved."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from copy import copy
from pathlib import Path
from typing import assert_never, cast

from msgspec import Struct

from assent_core.consent.commands import describe, visible
from assent_core.consent.ledger import Decider, Entry, Grant, Ledger, Scope
from assent_core.consent.offering import (
    PROJECT_SECONDS,
    SESSION_SECONDS,
    narrowest,
    origin,
    scopes,
    wanted_in_words,
)
from assent_core.consent.questions import Answer, Asker, Question
from assent_core.consent.reach import effect, hard_refusal, in_words, phrase
from assent_core.consent.standing import (
    Script,
    Standing,
    Stands,
    Wanted,
    is_same,
    standing,
    standings,
    swapped,
)
from assent_core.proposals import Patch, Proposal, Shell, Spend
from assent_core.settings import Mode
from assent_sandbox.policy import NARROW, Tier, Widening

__all__ = [
    "Answer", "Approved", "Asker", "Decider", "Decision", "Gate", "Grant", "Ledger", "Mode", "Question", "Refused", "Scope",
]  # fmt: skip

HOW = "To give it, start assent in a terminal in this folder, where the question can be answered."
UNCONFINED = Widening("unconfined")
_minting: ContextVar[bool] = ContextVar("minting", default=False)


class Approved(Struct, frozen=True, kw_only=True):
    """A proposal that may be performed with exactly these widenings. Only the gate makes one; others get a TypeError."""

    proposal: Proposal
    widenings: tuple[Widening, ...]
    by: Decider
    why: str
    scope: Scope = "once"
    stands: Stands = ()
    """What stood at the targets when it was decided; whoever opens one refuses anything else."""
    scripts: tuple[Script, ...] = ()

    def __post_init__(self) -> None:
        """Refuse to exist outside the gate, also as a copy or when decoded."""
        if not _minting.get():
            raise TypeError("only the gate makes an Approved: await Gate.decide(...) or call Gate.typed(...)")


class Refused(Struct, frozen=True, kw_only=True):
    """A proposal that may not be performed; `why` is told to the model and to the user."""

    proposal: Proposal
    by: Decider
    why: str


Decision = Approved | Refused


class Gate:
    """Decides each proposal: hard refusals, the mode, the walls, grants, the user, in this order; closed by default.

    `root` is the real repository; the folder of the ledger is assent's own and never opened. What the walls hold by
    themselves is allowed without a line in the ledger; every other decision is recorded there before it counts.
    `put` is told of each question about a proposal when it is put to the user; it must return at once.
    """

    def __init__(
        self,
        *,
        root: Path,
        session: str,
        tier: Tier,
        mode: Mode,
        asker: Asker | None,
        ledger: Ledger,
        put: Callable[[Question], None] | None = None,
    ) -> None:
        self._root = root.resolve()
        self._session = session
        self._tier: Tier = tier
        self._mode: Mode = mode
        self._asker = asker
        self._ledger = ledger
        self._put = put
        self._task: set[str] = set()
        self._read_only = "the mode is read-only (settings: mode)"
        self._one = asyncio.Lock()
        self._by = ""

    def of_worker(self, name: str) -> Gate:
        """The same gate as another worker meets it: same rules and grants, and its questions say whose they are."""
        gate = copy(self)
        gate._by = name
        return gate

    async def decide(
        self, id: str, proposal: Proposal, reach: tuple[Widening, ...], scripts: tuple[Script, ...] = ()
    ) -> Decision:
        """Decide one proposal with its reach, and the scripts that it runs. Cancelling takes the question away: no grant."""
        if self._tier == "unconfined" and isinstance(proposal, Shell) and UNCONFINED not in reach:
            reach = (*reach, UNCONFINED)
        if why := self._objection(proposal, reach):
            return self._refuse(proposal, reach, "rule", why)
        always = self._asks_always(proposal, reach)
        if not reach and not always:
            return _approve(proposal, (), "walls", "it stays on the stage")
        wanted = Wanted(proposal, reach, standings(reach, self._root), scripts)
        if not always and (allowed := self._granted(wanted)):
            return allowed
        async with self._one:
            if not always and (allowed := self._granted(wanted)):
                return allowed
            known = {grant.widening for grant in self._grants(scripts)}
            missing = tuple(widening for widening in reach if widening not in known)
            return await self._ask(id, wanted, missing, always)

    def _granted(self, wanted: Wanted) -> Decision | None:
        """The consent that remembered ones give; None if one is missing."""
        granted = {grant.widening: grant for grant in self._grants(wanted.scripts)}
        if not granted.keys() >= set(wanted.reach):
            return None
        grants = tuple(granted[widening] for widening in wanted.reach)
        why = "; ".join(map(origin, grants))
        return self._allow(_approve_wanted(wanted, "grant", why, narrowest(grants)))

    def read_only(self, why: str) -> Gate:
        """The same gate in the mode read-only, with the reason for it."""
        gate = copy(self)
        gate._mode, gate._read_only = "read-only", why
        return gate

    def typed(self, command: Shell) -> Decision:
        """Allow a command that the user typed: typing it is consent to run it on the stage in any tier, and to no more."""
        if command.needs:
            return self._refuse(command, command.needs, "rule", "what the user types runs inside the walls")
        reach = (UNCONFINED,) if self._tier == "unconfined" else ()
        return self._allow(_approve(command, reach, "user", "you typed this command"))

    async def spend(self, text: str, more: float) -> bool:
        """Whether the user allows to spend so many dollars beyond a budget; no answer, and no record of it, is a no."""
        if self._asker is None:
            return False
        question = Question(
            id=f"budget-{secrets.token_hex(4)}",
            proposal=Spend(text=text),
            reach=(),
            tier=self._tier,
            effects=(f"spend up to ${more:g} more, then stop and ask again",),
            why="a budget is used up (settings: budget, budget_task, budget_day)",
        )
        try:
            async with self._one:
                answer = cast("object", await self._asker.ask(question))
        except Exception:  # whatever happens to a question, it is no consent
            answer = None
        yes = isinstance(answer, Answer) and answer.yes is True
        said = f"spend ${more:g} more: {text}"
        try:
            self._ledger.append(
                Entry(
                    time=time.time(),
                    session=self._session,
                    root=str(self._root),
                    what=visible(said),
                    allowed=yes,
                    by="user" if isinstance(answer, Answer) else "nobody",
                    why="the user said yes" if yes else "the user said no, or could not be asked",
                )
            )
        except OSError:
            return False
        return yes

    def end_task(self) -> None:
        """Drop the grants that were given until the end of the task."""
        ended, self._task = self._task, set()
        with suppress(OSError):
            for id in ended:
                self._ledger.revoke(id, "the task ended")

    def _grants(self, scripts: tuple[Script, ...] = ()) -> tuple[Grant, ...]:
        """The grants that this gate honours at this moment for what runs these scripts; none if the ledger cannot be read."""
        try:
            grants = self._ledger.grants(str(self._root))
            return tuple(grant for grant in grants if self._honours(grant) and self._is_for(grant, scripts))
        except OSError:
            return ()

    def _is_for(self, grant: Grant, scripts: tuple[Script, ...]) -> bool:
        """Whether the same stands at its target as when it was given, and nothing runs that it was not given for."""
        now = standing(grant.widening, self._root)
        given_for_these = not grant.scripts or (bool(scripts) and set(scripts) <= set(grant.scripts))
        return given_for_these and is_same(grant.stands, now)

    def _honours(self, grant: Grant) -> bool:
        match grant.scope:
            case "project":
                return True
            case "session":
                return grant.session == self._session
            case "task":
                return grant.id in self._task
            case "once":
                return False
            case _:
                assert_never(grant.scope)

    def _objection(self, proposal: Proposal, reach: tuple[Widening, ...]) -> str:
        """Why a rule refuses without asking anybody, or nothing."""
        if self._mode == "read-only" and isinstance(proposal, Patch | Shell):
            return f"{self._read_only}, so nothing is edited and no command runs; read, search and answer"
        narrow = [widening for widening in reach if widening.kind in NARROW]
        if self._tier == "copy" and narrow and Widening("network") not in reach:
            return f"the walls of this machine (the copy tier) cannot {phrase(narrow[0])} alone; they know only the whole network"
        own = Path(os.path.abspath(self._ledger.path)).parent  # noqa: PTH100  # a link must not lead us elsewhere
        return next(filter(None, (hard_refusal(widening, self._root, own) for widening in reach)), "")

    def _asks_always(self, proposal: Proposal, reach: tuple[Widening, ...]) -> bool:
        """Whether the user is asked each time, whatever was granted before."""
        careful = self._mode == "careful" and isinstance(proposal, Patch | Shell)
        return careful or UNCONFINED in reach

    async def _ask(self, id: str, wanted: Wanted, missing: tuple[Widening, ...], always: bool) -> Decision:
        proposal, reach = wanted.proposal, wanted.reach
        if self._asker is None:
            return self._refuse(
                proposal, reach, "nobody", f"{wanted_in_words(missing or reach)}, and nobody is there to ask. {HOW}"
            )
        question = Question(
            id=id,
            proposal=proposal,
            reach=reach,
            tier=self._tier,
            effects=tuple(map(effect, reach)),
            why=self._why(reach),
            scopes=() if always else scopes(self._root, missing, wanted.scripts),
            by=self._by,
            marks=describe(proposal.command) if isinstance(proposal, Shell) else (),
        )
        try:
            if self._put is not None:
                self._put(question)
            answer = cast("object", await self._asker.ask(question))
        except asyncio.CancelledError:
            self._refuse(proposal, reach, "nobody", "the question was taken away before it was answered")
            raise
        except Exception as error:  # whatever happens to a question, it is no consent
            return self._refuse(
                proposal, reach, "nobody", f"the question could not be put ({type(error).__name__}). {HOW}"
            )
        if not isinstance(answer, Answer):
            return self._refuse(proposal, reach, "nobody", "what came back was no answer")
        return self._answered(question, wanted, missing, answer)

    def _answered(self, question: Question, wanted: Wanted, missing: tuple[Widening, ...], answer: Answer) -> Decision:
        """Turn an answer into a decision; only a plain True to a scope that was offered is a yes."""
        proposal, reach = wanted.proposal, wanted.reach
        if answer.yes is not True:
            said = f"the user refused: {answer.reason}" if answer.reason else "the user refused, without a reason"
            return self._refuse(proposal, reach, "user", said)
        if answer.scope != "once" and answer.scope not in dict(question.scopes):
            return self._refuse(proposal, reach, "rule", f"consent for the {answer.scope} was not on offer; once was")
        if target := swapped(wanted.stands, self._root):
            why = f"something else was put at {visible(target)} while the user was asked"
            return self._refuse(proposal, reach, "rule", why)
        approved = _approve_wanted(wanted, "user", "the user said yes", answer.scope)
        return self._allow(approved, missing if answer.scope != "once" else ())

    def _why(self, reach: tuple[Widening, ...]) -> str:
        if self._tier == "unconfined" and UNCONFINED in reach:
            return "this machine has no walls, so every command asks (built in; `assent doctor` says what is missing)"
        if self._mode == "careful":
            return "the mode is careful: every edit and every command asks (settings: mode)"
        return f"{wanted_in_words(reach)}, and nothing goes beyond the stage unasked (built in)"

    def _allow(self, approved: Approved, remembered: tuple[Widening, ...] = ()) -> Decision:
        """Record an approval, and the grants that come of it; if it cannot be recorded, it is none."""
        now = time.time()
        until = now + (PROJECT_SECONDS if approved.scope == "project" else SESSION_SECONDS)
        grants = [self._grant(widening, approved, now, until) for widening in remembered]
        try:
            self._record(approved, approved.widenings, until if grants else None)
            for grant in grants:
                self._ledger.append(grant)
        except OSError as error:
            why = f"the consent could not be recorded: {error}"
            return Refused(proposal=approved.proposal, by="rule", why=why)
        if approved.scope == "task":
            self._task.update(grant.id for grant in grants)
        return approved

    def _grant(self, widening: Widening, approved: Approved, now: float, until: float) -> Grant:
        return Grant(
            id=secrets.token_hex(4),
            widening=widening,
            scope=approved.scope,
            root=str(self._root),
            session=self._session,
            time=now,
            until=until,
            why=in_words(approved.proposal),
            stands=dict(approved.stands).get(widening, Standing()),
            scripts=approved.scripts,
        )

    def _refuse(self, proposal: Proposal, reach: tuple[Widening, ...], by: Decider, why: str) -> Refused:
        refused = Refused(proposal=proposal, by=by, why=why)
        try:
            self._record(refused, reach)
        except OSError as error:
            return Refused(proposal=proposal, by=by, why=f"{why} (this could not be recorded: {error})")
        return refused

    def _record(self, decision: Decision, reach: tuple[Widening, ...], until: float | None = None) -> None:
        entry = Entry(
            time=time.time(),
            session=self._session,
            root=str(self._root),
            what=in_words(decision.proposal),
            widenings=reach,
            allowed=isinstance(decision, Approved),
            by=decision.by,
            why=visible(decision.why),
            scope=decision.scope if isinstance(decision, Approved) else "once",
            until=until,
        )
        self._ledger.append(entry)


def _approve_wanted(wanted: Wanted, by: Decider, why: str, scope: Scope) -> Approved:
    token = _minting.set(True)
    try:
        return Approved(
            proposal=wanted.proposal,
            widenings=wanted.reach,
            by=by,
            why=why,
            scope=scope,
            stands=wanted.stands,
            scripts=wanted.scripts,
        )
    finally:
        _minting.reset(token)


def _approve(
    proposal: Proposal, widenings: tuple[Widening, ...], by: Decider, why: str, scope: Scope = "once"
) -> Approved:
    return _approve_wanted(Wanted(proposal, widenings), by, why, scope)
