"""Several attempts at the same problem at once: the first that passes goes on, and the others are ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from assent_core import machine
from assent_core.crew.beside import Beside
from assent_core.crew.hiring import Hiring
from assent_core.crew.joining import bring_in
from assent_core.diffs.review import Evidence
from assent_core.errors import AssentError
from assent_core.events import (
    AnyEvent,
    Attempted,
    Billed,
    Chosen,
    Digested,
    Noticed,
    Performed,
    Plain,
    Proposed,
    Relayed,
    Staged,
    Verified,
)
from assent_core.instructions import nudge
from assent_core.logs.digest import Digest
from assent_core.performing.evidence import contents_digest, named
from assent_core.performing.steering import Stop
from assent_core.proposals import Shell
from assent_core.router import route
from assent_core.telling import Telling
from assent_core.turns.repair import LEFT_OUT, Checked, Course, repair, steered
from assent_core.turns.turn import Bench, ended, turn
from assent_sandbox.stage import StageError

GRACE = 1.0
"""Seconds that attempts whose command runs may still take when another one has passed."""


@dataclass(frozen=True)
class Problem:
    """What all attempts begin with; `limit` is the most requests of each."""

    course: Course
    wish: str
    limit: int


class _Over:
    """One attempt is at its end."""


@dataclass
class Attempt:
    """One attempt and what is known of it so far."""

    number: int
    bench: Bench | None = None
    began: float = 0.0
    seconds: float = 0.0
    checking: bool = False
    """Whether its command runs at this moment."""
    over: bool = False
    error: AssentError | None = None
    digest: Digest | None = None
    evidence: Evidence | None = None

    @property
    def passed(self) -> bool:
        """Whether its command passed on what it made."""
        return self.over and self.error is None

    @property
    def lines(self) -> tuple[int, int]:
        """Added and removed ones."""
        staged = self.bench.performer.staged if self.bench else ()
        return sum(file.added for file in staged), sum(file.removed for file in staged)

    @property
    def worth(self) -> tuple[bool, int, int, int]:
        """The smallest is the best: what passes, fails least, changes least, came first."""
        found = self.digest
        failing = 0 if self.passed else (len(found.failing) or len(found.findings) + found.more) if found else 1 << 30
        return not self.passed, failing, sum(self.lines), self.number

    def saw(self, event: Plain) -> None:
        """Take from an event what matters here."""
        match event:
            case Proposed(id=id) if "/check-" in id:
                self.checking = True
            case Performed(id=id) if "/check-" in id:
                self.checking = False
            case Digested(id=id, digest=digest) if "/check-" in id:
                self.digest = digest
            case Verified(evidence=evidence):
                self.evidence = evidence
            case _:
                pass


async def race(
    hiring: Hiring, bench: Bench, shell: Shell, wish: str, limit: int, *, attempts: int
) -> AsyncGenerator[AnyEvent]:
    """Run the command once; if it fails, let so many attempts repair it, and bring the best one onto the stage.

    The first that passes is the best; of those that pass within the same moment, the one that changes the fewest lines.
    Raises AssentError as `repair` does where none passes. Closing ends all, and nothing of them is kept.
    """
    course = Course(shell)
    async with aclosing(steered(bench, course, "check-0")) as events:
        async for event in events:
            if isinstance(event, Checked):
                course.checked = event
            else:
                yield event
    assert course.checked is not None
    if course.checked.passed:
        return
    if isinstance(course.checked.move, Stop):
        raise course.checked.move.error
    tries = {f"attempt-{number}": Attempt(number) for number in range(1, attempts + 1)}
    try:
        async with aclosing(_run(hiring, bench, Problem(course, wish, limit), tries)) as events:
            async for event in events:
                yield event
        best = min(tries.values(), key=lambda each: each.worth)
        async with aclosing(_choose(bench, best, list(tries.values()))) as chosen:
            async for event in chosen:
                yield event
    finally:
        benches = [each.bench for each in tries.values() if each.bench]
        await asyncio.shield(asyncio.gather(*(each.performer.stage.discard() for each in benches)))
    if best.error:
        raise best.error


async def _run(hiring: Hiring, bench: Bench, problem: Problem, tries: dict[str, Attempt]) -> AsyncGenerator[AnyEvent]:
    """Let all of them work until one has passed or all are over."""
    streams = {name: _attempt(hiring, bench, problem, each) for name, each in tries.items()}
    until: float | None = None
    async with Beside(streams, len(tries), lambda name, event: hiring.keep(_taken(tries, name, event))) as beside:
        while (found := await beside.next(None if until is None else max(0.0, until - time.monotonic()))) is not None:
            yield _taken(tries, *found)
            if any(each.passed for each in tries.values()):
                near = any(each.checking for each in tries.values() if not each.over)
                until = min(until or float("inf"), time.monotonic() + GRACE) if near else 0.0
    for attempt in tries.values():
        if not attempt.over:
            yield _attempted(attempt)


def _taken(tries: dict[str, Attempt], name: str, event: Plain | _Over) -> AnyEvent:
    attempt = tries[name]
    if isinstance(event, _Over):
        return _attempted(attempt)
    attempt.saw(event)
    return event if isinstance(event, Billed) else Relayed(by=name, of=event, attempt=attempt.number)


async def _attempt(hiring: Hiring, bench: Bench, problem: Problem, attempt: Attempt) -> AsyncGenerator[Plain | _Over]:
    attempt.began = time.monotonic()
    try:
        hired = attempt.bench = await hiring.hire(bench, f"attempt-{attempt.number}", bench.meter.budgets)
        telling, ways = Telling(hired.performer.redact), [nudge(attempt.number)]

        def work(text: str, limit: int) -> AsyncGenerator[AnyEvent]:
            hired.transcript.say("\n\n".join(filter(None, (text, ways.pop() if ways else ""))))
            return turn(hired, route("debug", hiring.settings), limit)

        async with aclosing(repair(hired, problem.course.parted(), problem.wish, problem.limit, work)) as events:
            async for event in events:
                for shown in telling(event):
                    assert not isinstance(shown, Relayed)
                    yield shown
    except (AssentError, StageError, OSError) as error:
        attempt.error = machine.told(error)
        if attempt.error is None:
            raise
    attempt.seconds = time.monotonic() - attempt.began
    attempt.over = True
    yield _Over()


async def _choose(bench: Bench, best: Attempt, tries: list[Attempt]) -> AsyncGenerator[AnyEvent]:
    """Bring the best attempt onto the stage: its changes, what it has seen, and the evidence where it is of exactly these."""
    if best.bench is not None:
        other = best.bench.performer
        await bring_in(bench.performer, other, f"attempt-{best.number}")
        staged = await asyncio.to_thread(bench.performer.changes)
        if not bench.transcript.items:
            bench.transcript.rewrite(best.bench.transcript.items)
        if staged:
            added, removed = sum(file.added for file in staged), sum(file.removed for file in staged)
            yield Staged(paths=tuple(file.path for file in staged), added=added, removed=removed)
        if best.evidence and best.evidence.digest == contents_digest(staged):
            yield Verified(evidence=best.evidence)
        if other.aside:
            yield Noticed(text=f"{LEFT_OUT}: {named(other.aside)}.")
    usd = sum(each.bench.meter.spent for each in tries if each.bench)
    yield Chosen(attempt=best.number, of=len(tries), passed=best.passed, usd=usd)


def _attempted(attempt: Attempt) -> Attempted:
    added, removed = attempt.lines
    seconds = attempt.seconds if attempt.over else time.monotonic() - attempt.began
    said = attempt.evidence.summary if attempt.evidence else ""
    return Attempted(
        attempt=attempt.number,
        how=_how(attempt),
        summary=attempt.error.message if attempt.error else said,
        usd=attempt.bench.meter.spent if attempt.bench else 0.0,
        seconds=seconds,
        added=added,
        removed=removed,
    )


def _how(attempt: Attempt) -> Literal["passed", "beaten", "budget", "refused", "failed", "environment"]:
    if not attempt.over:
        return "beaten"
    if attempt.error is None:
        return "passed"
    how = ended(0, attempt.error).how
    return "failed" if how in ("interrupted", "limit", "done") else how
