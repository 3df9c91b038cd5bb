"""A command that the user wants to see pass: run as typed, and on a fresh stage with exactly what lands."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import msgspec

from assent_core.consent.gate import Refused
from assent_core.errors import ConsentMissing, EnvironmentFault
from assent_core.events import AnyEvent, Noticed, Proposed, Staged, Verified
from assent_core.performing.evidence import named
from assent_core.performing.fresh import fresh
from assent_core.performing.leftovers import is_cache
from assent_core.performing.perform import Performer, Result
from assent_core.proposals import Shell
from assent_core.turns.turn import Bench, carry, decided
from assent_sandbox.stage import Entry

Landing = Mapping[str, Entry | None]
"""What stands at each path that lands."""


async def run_typed(bench: Bench, id: str, shell: Shell, *, proving: bool = True) -> AsyncGenerator[AnyEvent | Result]:
    """Run a command that the user typed: typing it was consent to run it on the stage.

    `proving`: it is evidence in any case, and not only where it is a check. EnvironmentFault where it could not be run at all.
    """
    id = bench.id(id)
    yield Proposed(id=id, proposal=shell, reach=bench.performer.reach(shell) if shell.needs else ())
    reach = bench.performer.reach(shell)
    scripts = bench.performer.scripts(shell) if shell.needs else ()
    decision = await bench.gate.decide(id, shell, reach, scripts) if shell.needs else bench.gate.typed(shell)
    yield decided(id, decision)
    if isinstance(decision, Refused):
        raise ConsentMissing(f"The command may not run: {decision.why}.", "Nothing runs that was not recorded before.")
    async with aclosing(carry(bench, id, decision, typed=proving)) as events:
        async for event in events:
            if isinstance(event, Result) and not event.command:
                why, _, hint = event.performed.told.partition("\n")
                raise EnvironmentFault(why, hint)
            yield event


async def prove(
    bench: Bench, id: str, shell: Shell, landing: Landing, *, passed: bool = False
) -> AsyncGenerator[AnyEvent | Result | Performer]:
    """Run it on a fresh stage with exactly what lands; the performer of that stage comes before the `Result`, the last value.

    What builds and checks have left in the user's tree is not there. Where it fails for want of that, that is said: it is
    run once more beside it, unless it is known to have `passed` so.
    """
    name = f"{id}-fresh" if passed else id
    result: Result | None = None
    async with fresh(bench.performer, landing, shell.command) as performer:
        async with aclosing(_on(bench, performer, name, shell)) as events:
            async for event in events:
                result = event if isinstance(event, Result) else result
                if not isinstance(event, Result):
                    yield event
        assert result is not None
        hidden = performer.hidden or ()
        if result.performed.ok:
            yield performer
            yield result
            return
    missed = tuple(path for path in hidden if not is_cache(path)) or (hidden if passed else ())
    if not passed and missed:
        beside: Result | None = None
        yield Noticed(text=f"It is run again beside what git ignores in your tree: {named(missed)}.")
        async with fresh(bench.performer, landing, shell.command, bare=False) as performer:
            async with aclosing(_on(bench, performer, f"{id}-beside", shell)) as events:
                async for event in events:
                    beside = event if isinstance(event, Result) else beside
                    if not isinstance(event, Result | Verified):
                        yield event
            assert beside is not None
            passed = beside.performed.ok
            result = beside
            if not passed and beside.evidence:
                yield Verified(evidence=beside.evidence)
            yield performer
    if passed and result.evidence:
        doubt = (
            f"it passes only beside what builds and checks have left in your tree, which git ignores: {named(missed)}"
        )
        told = msgspec.structs.replace(result.evidence, code=0, doubt=doubt, aside=missed)
        yield Verified(evidence=told)
        result = msgspec.structs.replace(result, evidence=told)
    yield result


async def _on(bench: Bench, performer: Performer, id: str, shell: Shell) -> AsyncGenerator[AnyEvent | Result]:
    """Run it on another stage than the session's, of which nobody hears what is staged there."""
    there = dataclasses.replace(bench, performer=performer)
    async with aclosing(run_typed(there, id, shell)) as events:
        async for event in events:
            if not isinstance(event, Staged):
                yield event
