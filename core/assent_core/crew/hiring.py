"""Hires workers beside the first: each with a stage above that one's, a transcript, tools and bounds of its own."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec

from assent_core.context.compactor import Compactor
from assent_core.context.gauge import Gauge
from assent_core.context.transcript import Transcript
from assent_core.events import AnyEvent
from assent_core.instructions import opening
from assent_core.model import Model, ToolSpec
from assent_core.money.budget import Bounds
from assent_core.performing.perform import Result
from assent_core.proposals import Kit
from assent_core.settings import Settings
from assent_core.tools import KITS
from assent_core.turns.books import Counted
from assent_core.turns.turn import Bench
from assent_sandbox.stage import Stage
from assent_sandbox.tiers import open_above


class Hiring:
    """What each worker of a session gets; `keep` takes what happened to workers that are ended, when no turn can tell it."""

    def __init__(self, model: Model, settings: Settings, keep: Callable[[AnyEvent], None]) -> None:
        self._model = model
        self.settings = settings
        self.keep = keep

    async def hire(self, bench: Bench, name: str, bounds: Bounds, kit: Kit = "shell") -> Bench:
        """A bench for a worker beside, who has been told of the place; its stage is to be discarded by whoever hired it."""
        lead, transcript = bench.performer, Transcript(redact=bench.performer.redact)
        transcript.say(opening(lead.workspace, lead.stage.tier))
        home = Path(lead.stage.view.home)
        stage = await _opened(lead.stage, home.with_name(f"{home.name}-{name}-{secrets.token_hex(3)}"))
        meter, gauge = bench.meter.beside(name, bounds), Gauge()
        counted = Counted(self._model, meter, bench.books, gauge)
        performer = lead.on(stage)
        performer.beneath = lead
        return dataclasses.replace(
            bench,
            model=counted,
            request=msgspec.structs.replace(
                bench.request,
                tools=_only(bench.request.tools, KITS[kit]),
                cache_key=f"{bench.request.cache_key}-{name}",
            ),
            transcript=transcript,
            gate=bench.gate.of_worker(name),
            performer=performer,
            meter=meter,
            failed=_unlooked,
            said_first=dict(bench.said_first),
            compactor=Compactor(counted, meter, gauge, self.settings),
            name=name,
            aside=_nothing,
            crew=None,
        )


def _only(tools: tuple[ToolSpec, ...], names: tuple[str, ...]) -> tuple[ToolSpec, ...]:
    return tuple(tool for tool in tools if tool.name in names)


async def _opened(stage: Stage, home: Path) -> Stage:
    """A stage above another; cancelled on the way, nothing of it stays."""
    opening = asyncio.ensure_future(open_above(stage, home))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        await (await opening).discard()
        raise


def _nothing(_: Transcript) -> None:
    """What comes up beside the turn of the first worker is not about a part of its task."""


def _unlooked(_: Result) -> None:
    """What a worker beside ran into is its own to find out: the scout looks at what the user sees."""
