"""The `fix` loop: run, digest, repair, verify."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from assent_core.consent import Refused
from assent_core.digest import Digest
from assent_core.errors import AssentError, BudgetExceeded, ConsentMissing, EnvironmentFault
from assent_core.events import AnyEvent, Asked, Decided, Noticed, Proposed, Verified
from assent_core.evidence import contents_digest
from assent_core.instructions import repair_prompt
from assent_core.perform import Result
from assent_core.proposals import Shell
from assent_core.turn import Bench, carry, decided

ROUNDS = 6
"""Most times that the worker is sent back with a command that still fails."""

SETTLING = 2
"""How often a passing command is run again because it changed files itself."""


async def run_typed(bench: Bench, id: str, shell: Shell) -> AsyncGenerator[AnyEvent | Result]:
    """Run a command that the user typed: typing it was consent to run it on the stage. It is evidence in any case."""
    yield Proposed(id=id, proposal=shell)
    decision = bench.gate.typed(shell)
    yield decided(id, decision)
    if isinstance(decision, Refused):
        raise ConsentMissing(f"The command may not run: {decision.why}.")
    async with aclosing(carry(bench, id, decision)) as events:
        async for event in events:
            if isinstance(event, Result) and event.evidence and not (event.digest and event.digest.summary):
                yield Verified(evidence=event.evidence)
            yield event


async def repair(
    bench: Bench, shell: Shell, wish: str, limit: int, work: Callable[[str, int], AsyncGenerator[AnyEvent]]
) -> AsyncGenerator[AnyEvent]:
    """Run the command, let the worker repair what fails, and run it again until it passes on what is staged.

    `work(prompt, limit)` is one turn of the worker with at most `limit` requests. Ends normally when the command
    passed; raises AssentError with the exit code of the first reason that applies when it did not.
    """
    result: Result | None = None
    asked, refused = 0, False
    for round in range(ROUNDS + 1):
        async with aclosing(_check(bench, shell, f"check-{round}")) as events:
            async for event in events:
                if isinstance(event, Result):
                    result = event
                else:
                    yield event
        assert result is not None
        if result.performed.ok:
            return
        _may_go_on(result, shell)
        if round == ROUNDS or asked >= limit:
            break
        async with aclosing(
            work(repair_prompt(shell.command, result.performed.told, wish, round), limit - asked)
        ) as events:
            async for event in events:
                asked += isinstance(event, Asked)
                refused = refused or (isinstance(event, Decided) and not event.allowed)
                yield event
    assert result is not None
    raise _why_not(result, refused, asked >= limit)


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


def _may_go_on(result: Result, shell: Shell) -> None:
    found: Digest | None = result.digest
    if result.performed.code in (126, 127) and (found is None or found.failure in ("tool missing", "environment")):
        raise EnvironmentFault(
            f"{shell.command!r} cannot be run here: {_last_line(result.output)}",
            "Install what is missing, or name the command by a path that the stage shows (see `assent doctor`).",
        )


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


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else "no output"
