"""Parts of a task done at once: each by a worker of its own, what they made merged in the order of the parts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from assent_core import machine
from assent_core.crew.beside import Beside
from assent_core.crew.hiring import Hiring
from assent_core.crew.joining import Brought, bring_in
from assent_core.errors import AssentError
from assent_core.events import AnyEvent, Billed, Joined, Performed, Plain, Relayed, Said
from assent_core.instructions import prompt
from assent_core.money.budget import Bounds
from assent_core.performing.evidence import named
from assent_core.performing.perform import Result
from assent_core.performing.wording import TOLD
from assent_core.proposals import Delegate, Subtask
from assent_core.router import route_subtask
from assent_core.telling import Telling
from assent_core.turns.turn import Bench, ended, turn
from assent_sandbox.output import cut
from assent_sandbox.stage import StageError

MOST_AT_ONCE = 4


@dataclass
class Hand:
    """A worker that does a part of the task, and what is known of it so far; without a stage it has no bench."""

    bench: Bench | None = None
    seconds: float = 0.0
    answer: str = ""
    error: AssentError | None = None


async def delegate(hiring: Hiring, bench: Bench, id: str, delegate: Delegate) -> AsyncGenerator[AnyEvent | Result]:
    """Let workers do the sub-tasks and merge what they made in the order of the tasks; the last value is the `Result`.

    Closing ends them, and what they had staged by then is merged as well.
    """
    hands = {task.name: Hand() for task in delegate.tasks}
    bounds = {task.name: bench.meter.budgets.share(len(delegate.tasks) + 1) for task in delegate.tasks}
    works = {task.name: _work(hiring, bench, task, bounds[task.name], hands[task.name]) for task in delegate.tasks}
    brought: dict[str, Brought] = {}
    try:
        async with Beside(works, MOST_AT_ONCE, lambda name, event: hiring.keep(_relayed(name, event))) as beside:
            while (found := await beside.next()) is not None:
                yield _relayed(*found)
    finally:
        brought = await asyncio.shield(_merged(bench, hands))
    for name, hand in hands.items():
        yield _joined(name, hand, brought[name])
    told = "\n\n".join(_told(name, hand, brought[name], len(hands)) for name, hand in hands.items())
    yield Result(performed=Performed(id=id, ok=all(hand.error is None for hand in hands.values()), told=told))


def _relayed(name: str, event: Plain) -> AnyEvent:
    return event if isinstance(event, Billed) else Relayed(by=name, of=event)


async def _work(hiring: Hiring, bench: Bench, task: Subtask, bounds: Bounds, hand: Hand) -> AsyncGenerator[Plain]:
    began = time.monotonic()
    try:
        hired = hand.bench = await hiring.hire(bench, task.name, bounds, task.tools)
        hired.transcript.say(f"{prompt('subtask')}\n\nYour part ({task.name}):\n{task.task}")
        telling = Telling(hired.performer.redact)
        async with aclosing(turn(hired, route_subtask(task, hiring.settings), hiring.settings.turns)) as events:
            async for event in events:
                if isinstance(event, Said):
                    hand.answer = event.text
                for shown in telling(event):
                    assert not isinstance(shown, Relayed)
                    yield shown
    except (AssentError, StageError, OSError) as error:
        hand.error = machine.told(error)
        if hand.error is None:
            raise
    hand.seconds = time.monotonic() - began


async def _merged(bench: Bench, hands: dict[str, Hand]) -> dict[str, Brought]:
    """Bring in what each worker made, and delete its stage."""
    others = {name: hand.bench.performer for name, hand in hands.items() if hand.bench}
    brought = dict.fromkeys(hands, Brought())
    try:
        for name, other in others.items():
            brought[name] = await bring_in(bench.performer, other, name)
    finally:
        await asyncio.gather(*(other.stage.discard() for other in others.values()))
    return brought


def _joined(name: str, hand: Hand, brought: Brought) -> Joined:
    how = ended(0, hand.error).how
    return Joined(
        by=name,
        how="failed" if how in ("interrupted", "limit") else how,
        answer=hand.error.message if hand.error else hand.answer,
        usd=hand.bench.meter.spent if hand.bench else 0.0,
        seconds=hand.seconds,
        paths=tuple(each.path for each in brought.moved),
        moved=brought.disputed,
        kept=brought.kept,
        ignored=brought.ignored,
    )


def _told(name: str, hand: Hand, brought: Brought, of: int) -> str:
    """What the worker that leads gets of another one."""
    lines = [f"== {name}: {'done' if hand.error is None else f'ended before it was done: {hand.error.message}'}"]
    lines += [hand.answer] if hand.answer else []
    lines += [f"changed: {', '.join(each.path for each in brought.moved)}"] if brought.moved else []
    if brought.ignored:
        lines.append(f"not brought over, since git ignores it and it never lands: {named(brought.ignored, 20)}")
    names = dict(brought.names)
    for each in brought.disputed:
        what = "conflict in" if each.how == "conflict" else "not brought over:"
        again = f"; its whole version: `read` with path {names[each.path]}" if names.get(each.path) else ""
        lines.append(f"{what} {each.path}: {each.why}{again}")
    if any(each.how == "conflict" for each in brought.moved):
        lines.append("Settle each conflict: where the file holds conflict marks, replace them by what is right.")
    return cut("\n".join(lines), TOLD // of)
