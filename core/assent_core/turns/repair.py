"""The `fix` loop: run, digest, repair, verify."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import msgspec

from assent_core.consent.checks import hides
from assent_core.diffs.changes import unified
from assent_core.diffs.review import Evidence
from assent_core.errors import AssentError, BudgetExceeded, ConsentMissing, EnvironmentFault
from assent_core.events import AnyEvent, Asked, Decided, Digested, Noticed, Relayed, Staged, Verified
from assent_core.instructions import own_change, repair_prompt
from assent_core.logs.digest import extract
from assent_core.performing.evidence import contents_digest, named
from assent_core.performing.fresh import put
from assent_core.performing.perform import Performer, Result
from assent_core.performing.programs import hidden_program
from assent_core.performing.steering import AskGate, Go, Move, Place, Run, RunAgain, ShowOwnChange, Stop, steer
from assent_core.proposals import Shell
from assent_core.turns.proving import prove, run_typed
from assent_core.turns.turn import Bench
from assent_sandbox.policy import Widening
from assent_sandbox.stage import Entry, Opaque

ROUNDS = 6
"""Most times that the worker is sent back with a command that still fails."""

SETTLING = 2
"""How often a passing command is run again because it changed files itself."""

LEFT_OUT = "Left out, since it does not land"
UNSTEADY = "it failed before on the same content: it comes and goes, or goes by what git ignores"
PIPEFAIL = "A pipe hides the exit code of what is before it: say `set -o pipefail` first, or leave the pipe away."
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
    begun: bool = False
    """Whether a worker came to the stage: from then on the command is run on fresh ones."""

    def parted(self) -> Course:
        """The same course, to be gone on with apart from this one."""
        return Course(self.shell, list(self.runs), set(self.asked), self.checked, self.begun)


class Checked(msgspec.Struct, frozen=True):
    """A run of the command that is over, and what is to be done about it."""

    result: Result
    move: Move

    @property
    def passed(self) -> bool:
        """Whether there is nothing to repair."""
        return _passed(self.result)


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
        if checked.passed:
            return
        if isinstance(move, Stop):
            raise move.error
        if round == ROUNDS or asked >= limit:
            break
        prompt = repair_prompt(shell.command, _told(bench, result, round), wish, round)
        if isinstance(move, ShowOwnChange) and result.digest:
            yield Digested(id=result.performed.id, digest=msgspec.structs.replace(result.digest, failure="own edit"))
            prompt = own_change(prompt, _own_diff(bench, move.paths))
        course.begun = True
        async with aclosing(work(prompt, limit - asked)) as events:
            async for event in events:
                asked += isinstance(event, Asked)
                what = event.of if isinstance(event, Relayed) else event
                refused = refused or (isinstance(what, Decided) and not what.allowed)
                yield event
    assert checked is not None
    result = checked.result
    raise _why_not(bench, result, refused, asked >= limit)


async def steered(bench: Bench, course: Course, id: str) -> AsyncGenerator[AnyEvent | Checked]:
    """Run the command as often as its failures ask for before the worker comes to it; the last value is the `Checked`."""
    attempt, result = 0, None
    while True:
        before, refused = result, False
        try:
            async with aclosing(_check(bench, course, f"{id}-{attempt}" if attempt else id)) as events:
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
        if _passed(result) and (unsteady := _unsteady(course, result)):
            yield Verified(evidence=unsteady)
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
        content=result.evidence.digest if result.evidence else contents_digest(staged),
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
    move = steer(run, tuple(course.runs[:-1]), place)
    if isinstance(move, Stop) and run.digest.failure == "tool missing" and not run.denials:
        why, hint = hidden_program(run.digest.shown_by)
        return Stop(EnvironmentFault(why, hint)) if why else move
    return move


def _own_diff(bench: Bench, paths: tuple[str, ...]) -> str:
    chosen = (file for file in bench.performer.staged if file.path in paths)
    return "".join(bench.performer.redact(unified(file).decode("utf-8", "replace")) for file in chosen)


async def _check(bench: Bench, course: Course, id: str) -> AsyncGenerator[AnyEvent | Result]:
    """Run it on what would land: on the stage as long as nothing was done there, later on fresh ones."""
    result: Result | None = None
    for attempt in range(SETTLING + 1):
        name = f"{id}-{attempt}" if attempt else id
        made: Performer | None = None
        landing = await asyncio.to_thread(bench.performer.landing)
        async with aclosing(_run(bench, course, name, landing)) as events:
            async for event in events:
                match event:
                    case Result():
                        result = event
                    case Performer():
                        made = event
                    case _:
                        yield event
        assert result is not None and result.evidence is not None
        if made is not None and result.performed.ok and await asyncio.to_thread(_taken_over, bench, made, landing):
            staged = bench.performer.staged
            added, removed = sum(file.added for file in staged), sum(file.removed for file in staged)
            yield Staged(paths=tuple(file.path for file in staged), added=added, removed=removed)
        if not result.performed.ok or await asyncio.to_thread(bench.performer.landing) == landing:
            break
        yield Noticed(text="The command changed files itself, so it is run again on what it made.")
    assert result is not None
    yield result


async def _run(
    bench: Bench, course: Course, id: str, landing: dict[str, Entry | None]
) -> AsyncGenerator[AnyEvent | Result | Performer]:
    """One run; where it passed beside what does not land, it is run without that, too, and that counts."""
    first = not (course.begun or landing or bench.performer.aside)
    result: Result | None = None
    if first:
        async with aclosing(run_typed(bench, id, course.shell)) as events:
            async for event in events:
                result = event if isinstance(event, Result) else result
                yield event
        assert result is not None and result.evidence is not None
        if not (_passed(result) and result.evidence.aside):
            return
    elif aside := bench.performer.aside:
        yield Noticed(text=f"{LEFT_OUT}: {named(aside)}.")
    async with aclosing(prove(bench, id, course.shell, landing, passed=first)) as proved:
        async for event in proved:
            yield event


def _taken_over(bench: Bench, made: Performer, landing: dict[str, Entry | None]) -> bool:
    """Put what the command changed on a fresh stage onto the session's, new files as by-products; whether there was any."""
    performer = bench.performer
    found = [file for file in made.staged if landing.get(file.path, file.before) != file.after]
    kept = [
        file for file in found if not isinstance(file.after, Opaque) and performer.stage.read(file.path) != file.after
    ]
    for file in kept:
        put(performer.stage, file.path, file.after)
    if kept:
        before = {file.path for file in performer.staged}
        performer.changes()
        performer.attribute((file.path for file in kept), before, check=True)
    return bool(kept)


def _passed(result: Result) -> bool:
    """Whether it ended with 0 and does not say itself that something failed."""
    return result.performed.ok and not (result.digest and result.digest.against)


def _unsteady(course: Course, result: Result) -> Evidence | None:
    """What a command says that passed now and failed before on the same content."""
    seen = result.evidence
    if seen is None or not seen.passed:
        return None
    same = any(run.content == seen.digest and run.allowed == course.shell.needs for run in course.runs)
    return msgspec.structs.replace(seen, doubt=UNSTEADY) if same else None


def _told(bench: Bench, result: Result, round: int) -> str:
    """What the worker gets of a run, with what it must know of where it ran."""
    said = [result.performed.told]
    if result.performed.ok and result.digest:
        said.insert(
            0, f"The exit code is 0, but the output reports failures ({result.digest.against}): it counts as failed."
        )
    if round and (aside := bench.performer.aside):
        said.insert(
            0, f"It ran on a fresh stage, with nothing but what lands of your changes. {LEFT_OUT}: {named(aside, 20)}."
        )
    return "\n".join(said)


def _why_not(bench: Bench, result: Result, refused: bool, limited: bool) -> AssentError:
    summary = result.digest.summary if result.digest and result.digest.summary else f"exit code {result.performed.code}"
    still = f"The command still fails ({summary})."
    if result.performed.ok and result.digest:
        still = (
            f"The command ends with 0, but its output reports failures ({result.digest.against}): nothing is verified."
        )
    if aside := bench.performer.aside:
        still += f" {LEFT_OUT}: {named(aside)}."
    if limited:
        return BudgetExceeded(still + " The limit of requests is reached.", "Raise it with --max-turns N.")
    if any(denial.widening and denial.certainty == "sure" for denial in result.performed.denials):
        return EnvironmentFault(still + " The walls denied something that it needs.", "See the denials above.")
    if refused:
        return ConsentMissing(still + " A consent that the worker asked for was not given.")
    if result.performed.ok and hides(result.command):
        return AssentError(still, PIPEFAIL)
    return AssentError(still, "What was tried is on the stage; nothing of it reached the real files.")
