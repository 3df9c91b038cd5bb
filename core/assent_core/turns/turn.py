"""One turn: prompt in, events out: ask, propose, consent, perform, report."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from assent_core.consent.checks import is_check
from assent_core.consent.gate import Approved, Decision, Gate, Refused
from assent_core.context.compactor import Compactor
from assent_core.context.transcript import CALLS, Transcript, text_of
from assent_core.errors import AssentError, BadReply, BudgetExceeded, ContextTooLong, PatchMistake, ServiceError
from assent_core.events import (
    AnyEvent,
    Asked,
    Decided,
    Digested,
    Ended,
    Mistaken,
    Performed,
    Pointed,
    Proposed,
    Retried,
    Routed,
    Said,
    Staged,
    Texted,
    Thought,
    Verified,
)
from assent_core.model import Finished, Item, Model, Reply, Request, Retrying, Text, WireItem
from assent_core.model import Thought as Thinking
from assent_core.money.usage import Meter
from assent_core.performing.around import Around, around
from assent_core.performing.evidence import evidence
from assent_core.performing.perform import Performer, Result, mistaken
from assent_core.proposals import Delegate, Patch, Proposal, Shell
from assent_core.tools import Mistake, parse
from assent_core.turns.books import Books
from assent_core.turns.lane import TAKEN_OVER, Lane, Relief
from assent_sandbox.policy import Widening
from assent_sandbox.stage import StageError

ROUNDS = 6
"""How often one proposal is performed at most, each time with more consent."""
MISTAKES = 8
"""How many answers in a row may hold nothing but wrong calls."""
INTERRUPTED = "The user interrupted the work before this was done."
UNSEEN = "It is not shown to you: in the profile nano there are no images."


@dataclass(frozen=True)
class Bench:
    """All that a turn works with; it outlives the turn."""

    model: Model
    request: Request
    """The fixed part of each request: role, model, effort, instructions, tools."""
    transcript: Transcript
    gate: Gate
    performer: Performer
    meter: Meter
    failed: Callable[[Result], None]
    """Told of each command that failed, for the scout; must not block."""
    refused: set[Widening] = field(default_factory=set[Widening])
    """What was refused in this task: it is not asked again."""
    said_first: dict[str, str] = field(default_factory=dict[str, str])
    """The first summary of each command, for evidence."""
    books: Books = field(default_factory=Books)
    compactor: Compactor | None = None
    """None: nothing is ever compacted."""
    sees: bool = True
    """Whether the model is given the images that turn up."""
    name: str = ""
    """Of one of several workers; empty: the one that the user talks to."""
    aside: Callable[[Transcript], Pointed | None] = lambda _: None
    """Adds to the transcript what came up beside the turn since; must not block."""
    crew: Crew | None = None
    """None: this worker delegates nothing."""

    def id(self, of: str) -> str:
        """A name of something that this worker does, which no other worker of the session gives."""
        return f"{self.name}/{of}" if self.name else of


class Crew(Protocol):
    """Workers beside the one of a turn."""

    def delegate(self, bench: Bench, id: str, task: Delegate) -> AsyncGenerator[AnyEvent | Result]:
        """Let them do the parts of a task and bring what they made onto the stage of the bench; last comes the `Result`."""
        ...

    def race(self, bench: Bench, shell: Shell, wish: str, limit: int, attempts: int) -> AsyncGenerator[AnyEvent]:
        """Let so many repair what makes a command fail, each in its own way; the best one's changes come onto the stage.

        `limit` is the most requests of each. Raises as `repair` does where none passes.
        """
        ...


async def turn(bench: Bench, routed: Routed, limit: int, relief: Relief | None = None) -> AsyncGenerator[AnyEvent]:
    """Let the model work on the transcript until it calls no tool; at most `limit` requests. A `relief` may take over.

    Raises ServiceError when the service fails (also one that calls tools wrongly and nothing else) and BudgetExceeded at
    a limit. However it ends, closed from outside
    too, the transcript is left whole and the stage as it is.
    """
    yield routed
    lane, wrong = Lane(bench.transcript, routed, bench.request.model, relief), 0
    try:
        for step in range(1, limit + 1):
            calls: list[WireItem] = []
            async with aclosing(_reply(bench, lane, step, calls)) as events:
                async for event in events:
                    yield event
            if taken := _taken_over(bench, lane, calls):
                yield taken
                continue
            if not calls:
                return
            mistakes = 0
            for call in calls:
                async with aclosing(_carry_out(bench, lane, call)) as events:
                    async for event in events:
                        mistakes += isinstance(event, Mistaken)
                        yield event
            wrong = wrong + 1 if mistakes == len(calls) else 0
            if wrong == MISTAKES:
                raise BadReply(
                    f"{lane.routed.model} called tools wrongly {wrong} times in a row.", "Try another model."
                )
        raise BudgetExceeded(
            f"The worker made {limit} requests, the most that one task may.", "Raise it with --max-turns N."
        )
    finally:
        bench.transcript.mend(INTERRUPTED)
        lane.end()


async def _reply(bench: Bench, lane: Lane, step: int, calls: list[WireItem]) -> AsyncGenerator[AnyEvent]:
    """One request and what it streams; the calls in it are put into `calls`."""
    if taken := lane.relieved():
        yield taken
    while True:
        routed = lane.routed
        async with aclosing(_prepare(bench, lane)) as events:
            async for event in events:
                yield event
        yield Asked(role=routed.role, model=routed.model, step=step)
        try:
            async with aclosing(_ask(bench, lane)) as replies:
                async for reply in replies:
                    if event := _event_of(reply, bench, lane):
                        yield event
                    if isinstance(reply, Item) and reply.item.get("type") in CALLS:
                        calls.append(reply.item)
            return
        except ServiceError as error:
            if calls or not (taken := lane.failed(error)):
                raise
            yield Retried(why=error.message, attempt=1, seconds=0.0)
            yield taken


def _taken_over(bench: Bench, lane: Lane, calls: list[WireItem]) -> Routed | None:
    """The larger model that takes over instead of carrying these calls out."""
    lane.saw(
        ((str(call.get("name")), parse(call)) for call in calls), lambda wanted: bool(bench.performer.reach(wanted))
    )
    if not calls or not (taken := lane.relieved()):
        return None
    for call in calls:
        bench.transcript.answer(call, TAKEN_OVER)
    return taken


async def _prepare(bench: Bench, lane: Lane) -> AsyncGenerator[AnyEvent]:
    """Hold the next request to the budgets, and its context to its limit."""
    await bench.meter.budgets.within()
    if pointed := bench.aside(bench.transcript):
        yield pointed
    if bench.compactor:
        whole = msgspec.structs.replace(_request(bench, lane), items=bench.transcript.items)
        async with aclosing(bench.compactor.make_room(bench.transcript, whole)) as events:
            async for event in events:
                yield event


async def _ask(bench: Bench, lane: Lane) -> AsyncGenerator[Reply | AnyEvent]:
    """One reply; what the service finds too long is compacted and sent once more."""
    try:
        async with aclosing(bench.model.stream(_request(bench, lane))) as replies:
            async for reply in replies:
                yield reply
        return
    except ContextTooLong:
        before = bench.transcript.items
        if bench.compactor is None:
            raise
        whole = msgspec.structs.replace(_request(bench, lane), items=before)
        async with aclosing(bench.compactor.make_room(bench.transcript, whole, refused=True)) as told:
            async for event in told:
                yield event
        if bench.transcript.items == before:
            raise
    async with aclosing(bench.model.stream(_request(bench, lane))) as replies:
        async for reply in replies:
            yield reply


def _request(bench: Bench, lane: Lane) -> Request:
    routed = lane.routed
    return msgspec.structs.replace(
        bench.request, role=routed.role, model=routed.model, effort=routed.effort, work=routed.work, items=lane.items
    )


def _event_of(reply: Reply | AnyEvent, bench: Bench, lane: Lane) -> AnyEvent | None:
    match reply:
        case Text(delta=delta):
            return Texted(delta=delta)
        case Thinking(delta=delta):
            return Thought(delta=delta)
        case Item(item=item):
            bench.transcript.add(item)
            lane.took(item)
            return Said(text=text) if (text := text_of(item)) else None
        case Retrying(why=why, attempt=attempt, seconds=seconds):
            return Retried(why=why, attempt=attempt, seconds=seconds)
        case Finished():
            return bench.meter.bill(lane.routed.role, reply)
        case _:
            return reply


async def _carry_out(bench: Bench, lane: Lane, call: WireItem) -> AsyncGenerator[AnyEvent]:
    id = bench.id(str(call.get("call_id")))
    proposal = parse(call, [spec.name for spec in bench.request.tools])
    if isinstance(proposal, Mistake):
        yield Mistaken(id=id, tool=proposal.tool, message=proposal.message)
        bench.transcript.answer(call, proposal.message)
        return
    told, images = "", ()
    async with aclosing(propose(bench, id, proposal)) as events:
        async for event in events:
            match event:
                case Result(performed=performed, images=pictures):
                    told, images = performed.told, pictures
                case Refused(why=why):
                    told = f"{told}\n{why}".lstrip()
                case _:
                    yield event
    if images and not bench.sees:
        told, images = f"{told} {UNSEEN}", ()
    if images:
        lane.pictured()
    bench.transcript.answer(call, told, images)


async def propose(bench: Bench, id: str, proposal: Proposal) -> AsyncGenerator[AnyEvent | Result | Refused]:
    """Put one proposal before the gate, perform it, and ask for what the walls surely denied to a failed command.

    A command that gets further with each consent (one host leads to the next) is asked about ROUNDS times at most.
    """
    wanted = asked = bench.performer.reach(proposal)
    yield Proposed(id=id, proposal=proposal, reach=wanted)
    for _ in range(ROUNDS):
        decision = await bench.gate.decide(id, proposal, wanted, bench.performer.scripts(proposal) if wanted else ())
        yield decided(id, decision)
        if isinstance(decision, Refused):
            bench.refused.update(asked)
            yield decision
            return
        asked = ()
        async with aclosing(carry(bench, id, decision)) as events:
            async for event in events:
                yield event
                if isinstance(event, Performed) and not event.ok:
                    asked = _liftable(event, decision, bench.refused)
        if not asked or not isinstance(proposal, Shell):
            return
        wanted = (*decision.widenings, *asked)
        proposal = msgspec.structs.replace(proposal, needs=wanted)


async def carry(bench: Bench, id: str, approved: Approved, *, typed: bool = False) -> AsyncGenerator[AnyEvent | Result]:
    """Perform what was approved and tell what came of it: Printed..., Performed, Digested?, Verified?, Staged?, the Result.

    A check is evidence, whoever ran it; so is `typed`, a command that the user wants to see pass.
    """
    before, aside = bench.performer.staged, bench.performer.aside
    command = approved.proposal.command if isinstance(approved.proposal, Shell) else ""
    check = bool(command) and (typed or is_check(command))
    result = mistaken(id, StageError("Nothing came of it."))
    try:
        async with aclosing(_performed(bench, id, approved)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Result):
                    result = piece
                else:
                    yield piece
    except (PatchMistake, StageError) as error:
        result = mistaken(id, error)
    touching = isinstance(approved.proposal, Shell | Patch | Delegate)
    after = await asyncio.to_thread(bench.performer.changes) if touching else before
    touched = tuple(file.path for file in after if file not in before)
    gone = tuple({file.path for file in before} - {file.path for file in after})
    if touching:
        bench.performer.attribute(touched, (file.path for file in before), check=check)
        after = bench.performer.staged
    yield msgspec.structs.replace(result.performed, paths=tuple(sorted({*touched, *gone})))
    if result.digest and not result.performed.ok:
        yield Digested(id=id, digest=result.digest)
        bench.failed(result)
    if result.command and check:
        there = Around(aside=aside)
        if result.performed.ok:
            there = await asyncio.to_thread(around, bench.performer, command, aside, typed=typed)
        result = msgspec.structs.replace(result, evidence=evidence(result, before, bench.said_first, there))
        if result.evidence:
            yield Verified(evidence=result.evidence)
    if after != before:
        added, removed = sum(file.added for file in after), sum(file.removed for file in after)
        yield Staged(paths=tuple(file.path for file in after), added=added, removed=removed)
    yield result


def _performed(bench: Bench, id: str, approved: Approved) -> AsyncGenerator[AnyEvent | Result]:
    if isinstance(approved.proposal, Delegate) and bench.crew:
        return bench.crew.delegate(bench, id, approved.proposal)
    return bench.performer.perform(id, approved)


def _liftable(performed: Performed, approved: Approved, refused: set[Widening]) -> tuple[Widening, ...]:
    sure = (denial.widening for denial in performed.denials if denial.certainty == "sure")
    wanted = dict.fromkeys(w for w in sure if w and w not in approved.widenings)
    return () if refused & set(wanted) else tuple(wanted)


def decided(id: str, decision: Decision) -> Decided:
    """The event of a decision."""
    match decision:
        case Approved(by=by, why=why, scope=scope):
            return Decided(id=id, allowed=True, by=by, why=why, scope=scope)
        case Refused(by=by, why=why):
            return Decided(id=id, allowed=False, by=by, why=why)


def ended(turn: int, error: AssentError | None = None) -> Ended:
    """The last event of a turn."""
    if error is None:
        return Ended(turn=turn, how="done")
    how = {4: "budget", 5: "environment", 3: "refused"}.get(error.code, "failed")
    return Ended(turn=turn, how=how, message=error.message, hint=error.hint, code=error.code)  # pyright: ignore[reportArgumentType] # values of the table
