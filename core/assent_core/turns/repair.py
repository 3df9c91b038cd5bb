"""The `fix` loop: run, digest, repair, verify."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import msgspec

from assent_core.consent.gate import Refused
from assent_core.diffs.changes import unified
from assent_core.errors import AssentError, BudgetExceeded, ConsentMissing, EnvironmentFault
from assent_core.events import AnyEvent, Asked, Decided, Digested, Noticed, Proposed, Relayed, Verified
from assent_core.instructions import own_change, repair_prompt
from assent_core.logs.digest import extract
from assent_core.performing.evidence import contents_digest
from assent_core.performing.perform import Result
from assent_core.performing.steering import AskGate, Go, Move, Place, Run, RunAgain, ShowOwnChange, Stop, steer
from assent_core.proposals import Shell
from assent_core.turns.turn import Bench, carry, decided
from assent_sandbox.policy import Widening

ROUNDS = 6
"""Most times that the worker is sent back with a command that still fails."""

SETTLING = 2
"""How often a passing command is run again because it changed files itself."""

ASKING = "The command is run again with what it needs, if you allow it."


@dataclass
class Course:
    """How a repair has gone so far: the command with what it was allowed, and each run of it that failed."""

    shell: Shell
    runs: list[Run] = field(default_factory=list[Run])
    asked: set[Widening] = field(default_factory=set[Widening])
    """What the user was asked for on its behalf; nothing is asked for twice but by name of what was allowed once."""
    checked: Checked | None = None
    """A run that has just been made, before any worker came to it."""

    def parted(self) -> Course:
        """The same course, to be gone on with apart from this one."""
        return Course(self.shell, list(self.runs), set(self.asked), self.checked)


class Checked(msgspec.Struct, frozen=True):
    """A run of the command that is over, and what is to be done about it."""

    result: Result
    move: Move


async def run_typed(bench: Bench, id: str, shell: Shell) -> AsyncGenerator[AnyEvent | Result]:
    """Run a command that the user typed: typing it was consent to run it on the stage. It is evidence in any case.

    EnvironmentFault where it could not be run at all.
    """
    id = bench.id(id)
    yield Proposed(id=id, proposal=shell, reach=bench.performer.reach(shell) if shell.needs else ())
    reach = bench.performer.reach(shell)
    decision = (
        await bench.gate.decide(id, shell, reach, bench.performer.scripts(shell))
        if shell.needs
        else bench.gate.typed(shell)
    )
    yield decided(id, decision)
    if isinstance(decision, Refused):
        raise ConsentMissing(f"The command may not run: {decision.why}.", "Nothing runs that was not recorded before.")
    async with aclosing(carry(bench, id, decision)) as events:
        async for event in events:
            if isinstance(event, Result):
                if event.evidence is None:
                    why, _, hint = event.performed.told.partition("\n")
                    raise EnvironmentFault(why, hint)
                if not (event.digest and event.digest.summary):
                    yield Verified(evidence=event.evidence)
            yield event


async def repair(
    bench: Bench,
    course: Course,
    wish: str,
    limit: int,
    work: Callable[[str, int], AsyncGenerator[AnyEvent]],
) -> AsyncGenerator[AnyEvent]:
    """Run the command, let the worker repair what fails, and run it again until it passes on what is staged.

    `work(prompt, limit)` is one turn of the worker with at most `limit` requests. Ends normally when the command
    passed; raises AssentError with the exit code of the first reason that applies when it did not.
    """
    asked, refused = 0, False
    shell, checked = course.shell, course.checked
    for round in range(ROUNDS + 1):
        if round or checked is None:
            async with aclosing(steered(bench, course, f"check-{round}")) as events:
                async for event in events:
                    if isinstance(event, Checked):
                        checked = event
                    else:
                        yield event
        assert checked is not None
        result, move = checked.result, checked.move
        if result.performed.ok:
            return
        if isinstance(move, Stop):
            raise move.error
        if round == ROUNDS or asked >= limit:
            break
        prompt = repair_prompt(shell.command, result.performed.told, wish, round)
        if isinstance(move, ShowOwnChange) and result.digest:
            yield Digested(id=result.performed.id, digest=msgspec.structs.replace(result.digest, failure="own edit"))
            prompt = own_change(prompt, _own_diff(bench, move.paths))
        async with aclosing(work(prompt, limit - asked)) as events:
            async for event in events:
                asked += isinstance(event, Asked)
                what = event.of if isinstance(event, Relayed) else event
                refused = refused or (isinstance(what, Decided) and not what.allowed)
                yield event
    assert checked is not None
    result = checked.result
    raise _why_not(result, refused, asked >= limit)


async def steered(bench: Bench, course: Course, id: str) -> AsyncGenerator[AnyEvent | Checked]:
    """Run the command as often as its failures ask for before the worker comes to it; the last value is the `Checked`."""
    attempt, result = 0, None
    while True:
        before, refused = result, False
        try:
            async with aclosing(_check(bench, course.shell, f"{id}-{attempt}" if attempt else id)) as events:
                async for event in events:
                    if isinstance(event, Result):
                        result = event
                    else:
                        yield event
        except ConsentMissing:
            if not course.shell.needs:
                raise
            refused = True
            course.shell = msgspec.structs.replace(course.shell, needs=())
            if before is None:
                continue
        assert result is not None
        move = Go() if result.performed.ok else _move(bench, course, result, refused)
        if isinstance(move, AskGate):
            course.asked.update(move.widenings)
            course.shell = msgspec.structs.replace(course.shell, needs=(*course.shell.needs, *move.widenings))
        elif not isinstance(move, RunAgain):
            yield Checked(result, move)
            return
        yield Noticed(text=move.why if isinstance(move, RunAgain) else ASKING)
        attempt += 1


def _move(bench: Bench, course: Course, result: Result, refused: bool) -> Move:
    assert result.digest is not None
    staged, code = bench.performer.staged, result.performed.code or 0
    run = Run(
        digest=extract(result.command, code, result.output) if refused else result.digest,
        content=contents_digest(staged),
        code=code,
        changed=tuple(file.path for file in staged),
        denials=result.performed.denials,
        allowed=course.shell.needs,
    )
    if not refused:
        course.runs.append(run)
    tier = bench.performer.stage.tier
    place = Place(
        own=bench.performer.own_names(), walled=tier != "unconfined", asked=frozenset(bench.refused | course.asked)
    )
    return steer(run, tuple(course.runs[:-1]), place)


def _own_diff(bench: Bench, paths: tuple[str, ...]) -> str:
    chosen = (file for file in bench.performer.staged if file.path in paths)
    return "".join(bench.performer.redact(unified(file).decode("utf-8", "replace")) for file in chosen)


async def _check(bench: Bench, shell: Shell, id: str) -> AsyncGenerator[AnyEvent | Result]:
    result: Result | None = None
    for attempt in range(SETTLING + 1):
        async with aclosing(run_typed(bench, f"{id}-{attempt}" if attempt else id, shell)) as events:
            async for event in events:
                if isinstance(event, Result):
                    result = event
                else:
                    yield event
        assert result is not None and result.evidence is not None
        if not result.performed.ok or contents_digest(bench.performer.staged) == result.evidence.digest:
            break
        yield Noticed(text="The command changed files itself, so it is run again on what it made.")
    assert result is not None
    yield result


def _why_not(result: Result, refused: bool, limited: bool) -> AssentError:
    summary = result.digest.summary if result.digest and result.digest.summary else f"exit code {result.performed.code}"
    still = f"The command still fails ({summary})."
    if limited:
        return BudgetExceeded(still + " The limit of requests is reached.", "Raise it with --max-turns N.")
    if any(denial.widening and denial.certainty == "sure" for denial in result.performed.denials):
        return EnvironmentFault(still + " The walls denied something that it needs.", "See the denials above.")
    if refused:
        return ConsentMissing(still + " A consent that the worker asked for was not given.")
    return AssentError(still, "What was tried is on the stage; nothing of it reached the real files.")
