"""A command that the user wants to see pass: run as typed, and on a fresh stage with exactly what lands."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import msgspec

from assent_core.consent.gate import Refused
from assent_core.errors import ConsentMissing, EnvironmentFault
from assent_core.events import AnyEvent, Noticed, Proposed, Staged, Verified
from assent_core.performing.evidence import named
from assent_core.performing.fresh import fresh
from assent_core.performing.leftovers import is_cache, parted
from assent_core.performing.perform import Performer, Result
from assent_core.proposals import Shell
from assent_core.turns.turn import Bench, carry, decided
from assent_sandbox.stage import Entry

ONLY_BESIDE = "it passes only beside what builds and checks have left"
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

    What builds and checks have left in the user's tree is not there. Where there is more than caches, it must pass beside that
    first, as it is to pass in the user's tree; known to have `passed` there, it is not run beside it again.
    """
    left = parted(await asyncio.to_thread(bench.performer.workspace.ignored_there), shell.command)[0]
    outputs = tuple(path for path in left if not is_cache(path))
    result: Result | None = None
    if outputs and not passed:
        async with (
            fresh(bench.performer, landing, shell.command, bare=False) as performer,
            aclosing(_on(bench, performer, f"{id}-beside", shell)) as events,
        ):
            async for event in events:
                match event:
                    case Result():
                        result = event
                    case Verified(evidence=seen) if seen.code == 0:
                        pass
                    case _:
                        yield event
        assert result is not None
        if not result.performed.ok:
            yield result
            return
        yield Noticed(text=f"It is run again without what builds and checks have left in your tree: {named(outputs)}.")
    async with fresh(bench.performer, landing, shell.command) as performer:
        async with aclosing(_on(bench, performer, f"{id}-fresh" if passed else id, shell)) as events:
            async for event in events:
                if isinstance(event, Result):
                    result = event
                else:
                    yield event
        yield performer
    assert result is not None and result.evidence is not None
    missed = left if passed else outputs
    if not result.performed.ok and missed:
        doubt = (
            f"it passes only beside what builds and checks have left in your tree, which git ignores: {named(missed)}"
        )
        told = msgspec.structs.replace(result.evidence, code=0, doubt=doubt, aside=missed)
        yield Verified(evidence=told)
        ended = msgspec.structs.replace(result.performed, ok=True)
        result = msgspec.structs.replace(result, evidence=told, performed=ended)
    yield result


async def _on(bench: Bench, performer: Performer, id: str, shell: Shell) -> AsyncGenerator[AnyEvent | Result]:
    """Run it on another stage than the session's, of which nobody hears what is staged there."""
    there = dataclasses.replace(bench, performer=performer)
    async with aclosing(run_typed(there, id, shell)) as events:
        async for event in events:
            if not isinstance(event, Staged):
                yield event
