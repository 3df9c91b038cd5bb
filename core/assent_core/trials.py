"""A command that the user wants to see run: on the stage, or on a fresh one that holds a selection of what is staged."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from assent_core.diffs.review import Review, outcomes
from assent_core.events import AnyEvent, Opened, Staged
from assent_core.performing.perform import Result
from assent_core.proposals import Shell
from assent_core.settling import put
from assent_core.turns.repair import run_typed
from assent_core.turns.turn import Bench
from assent_sandbox.tiers import open_stage


async def on_stage(bench: Bench, shell: Shell) -> AsyncGenerator[AnyEvent]:
    """Run it where the session works; what it changes is staged."""
    await asyncio.to_thread(bench.performer.changes)
    async with aclosing(run_typed(bench, secrets.token_hex(4), shell)) as events:
        async for event in events:
            if not isinstance(event, Result):
                yield event


async def on_selection(bench: Bench, opened: Opened, decided: Review, shell: Shell) -> AsyncGenerator[AnyEvent]:
    """Run it on a stage of its own that holds the real tree plus what is accepted; what it changes there is lost."""
    performer = bench.performer
    home = Path(performer.stage.view.home).with_name(f"{opened.session}-verify")
    stage = await open_stage(performer.workspace.root, home, opened.tier, map(Path, performer.stage.view.closed))
    try:
        for outcome in outcomes(decided):
            put(stage, outcome.path, outcome.landed)
        fresh = performer.on(stage)
        await asyncio.to_thread(fresh.changes)
        there = dataclasses.replace(bench, performer=fresh)
        async with aclosing(run_typed(there, secrets.token_hex(4), shell)) as events:
            async for event in events:
                if not isinstance(event, Result | Staged):
                    yield event
    finally:
        await stage.discard()
