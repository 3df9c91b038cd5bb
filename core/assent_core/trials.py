"""A command that the user wants to see run: on the stage, or on a fresh one that holds a selection of what is staged."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing

from assent_core.consent.checks import is_check
from assent_core.diffs.review import Review, outcomes
from assent_core.events import AnyEvent
from assent_core.performing.perform import Performer, Result
from assent_core.proposals import Shell
from assent_core.turns.proving import prove, run_typed
from assent_core.turns.turn import Bench


async def on_stage(bench: Bench, shell: Shell) -> AsyncGenerator[AnyEvent]:
    """Run it where the session works; what it changes is staged. It is evidence where it is a check."""
    await asyncio.to_thread(bench.performer.changes)
    async with aclosing(run_typed(bench, secrets.token_hex(4), shell, proving=is_check(shell.command))) as events:
        async for event in events:
            if not isinstance(event, Result):
                yield event


async def on_selection(bench: Bench, decided: Review, shell: Shell) -> AsyncGenerator[AnyEvent]:
    """Run it on a stage of its own that holds the real tree plus what is accepted; what it changes there is lost."""
    landing = {outcome.path: outcome.landed for outcome in outcomes(decided)}
    async with aclosing(prove(bench, secrets.token_hex(4), shell, landing)) as events:
        async for event in events:
            if not isinstance(event, Result | Performer):
                yield event
