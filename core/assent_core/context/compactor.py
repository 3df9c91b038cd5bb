"""Makes room in a context before a request is too large, and says what was dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from weakref import WeakSet

import msgspec

from assent_core.context import compaction
from assent_core.context.compaction import Drop
from assent_core.context.gauge import Gauge, Room, total, weight
from assent_core.context.transcript import Transcript, text_of, user_item
from assent_core.errors import AssentError
from assent_core.events import AnyEvent, Billed, Noticed
from assent_core.instructions import fenced, prompt
from assent_core.model import Finished, Item, Model, Request, Schema, WireItem
from assent_core.money.usage import Meter
from assent_core.router import route
from assent_core.settings import Settings
from assent_core.tools import strict_schema

WARN, FULL = 0.8, 0.9
"""The shares of the limit from which on the user is told, and from which on room is made."""
AIM, KEEP = 0.5, 0.25
"""What is aimed at when room is made, and how much of the newest stays where a summary is made."""
MOST_KEPT = 0.7
"""How much may stay where the newest reply alone is larger, since the model has not read its outputs yet."""
SECONDS = 60.0
"""A summary later than this is none; rules make one then."""
OUTPUT_TOKENS = 4_000
MOST_NAMED = 5


class Compactor:
    """Compacts transcripts; `settings.context`, else what the model takes, is the limit. `scouting`: may the scout sum up."""

    def __init__(
        self,
        model: Model,
        meter: Meter,
        gauge: Gauge,
        settings: Settings,
        *,
        scouting: Callable[[], bool] | None = None,
    ) -> None:
        self._model = model
        self._meter = meter
        self._gauge = gauge
        self._settings = settings
        self._scouting = scouting or (lambda: settings.scouting)
        self._warned: WeakSet[Transcript] = WeakSet()

    def room(self, request: Request) -> Room:
        """How full the context of a request is."""
        return self._gauge.room(request, self._limit(request))

    async def make_room(
        self, transcript: Transcript, request: Request, *, refused: bool = False
    ) -> AsyncGenerator[AnyEvent]:
        """Compact the transcript if the request that it makes is too large, or has been `refused` as such.

        Every call of the transcript must be answered. The events say what was dropped, and what it cost.
        """
        used, limit = self._gauge.tokens(request), self._limit(request)
        if refused:
            limit = min(limit or used, used)
        if refused or (limit and used >= FULL * limit):
            async with aclosing(self.compact(transcript, request, limit)) as events:
                async for event in events:
                    yield event
        elif limit and used >= WARN * limit and transcript not in self._warned:
            self._warned.add(transcript)
            yield Noticed(
                text=f"The context is {used / limit:.0%} full (about {used:,} of {limit:,} tokens). "
                f"At {FULL:.0%} its older parts are compacted; /compact does it now."
            )

    async def compact(
        self, transcript: Transcript, request: Request, limit: int = 0, *, summarise: bool = False
    ) -> AsyncGenerator[AnyEvent]:
        """Digests in place of old outputs; where that does not do, or `summarise` says so, a summary of old items.

        `limit` in tokens: half of it is aimed at; 0: half of what there is.
        """
        before = self._gauge.tokens(request)
        limit = limit or before
        ratio = self._gauge.ratio(request.model)
        fixed = weight(request) - total(request.items)
        items, drops = compaction.with_digests(request.items, round(AIM * limit / ratio) - fixed)
        by, place = "", compaction.split(items, round(KEEP * limit / ratio))
        if place == len(items):
            place = compaction.split(items, round(MOST_KEPT * limit / ratio) - fixed)
        aimed = total(items) + fixed <= AIM * limit / ratio * 1.2
        if (summarise or not aimed) and place > 2:
            summary = ""
            async with aclosing(self._summary(items[1:place])) as answers:
                async for answer in answers:
                    if isinstance(answer, Billed):
                        yield answer
                    else:
                        summary, by = answer
            shorter = compaction.condensed(items, place, summary)
            if total(shorter) < total(items):
                items, drops = shorter, [*drops, Drop(f"{place - 1} items, now a summary by {by}", 0)]
        after = self._gauge.tokens(msgspec.structs.replace(request, items=tuple(items)))
        if not drops:
            return
        transcript.rewrite(items)
        self._warned.discard(transcript)
        yield Noticed(text=_in_words(before, after, drops))

    def _limit(self, request: Request) -> int:
        known = self._meter.limit(request.model)
        return min(filter(None, (self._settings.context, known)), default=0)

    async def _summary(self, items: list[WireItem]) -> AsyncGenerator[Billed | tuple[str, str]]:
        """What the request for a summary cost, and at last the summary and who made it."""
        routed = route("summarize" if self._scouting() else "edit", self._settings)
        request = Request(
            role=routed.role,
            model=routed.model,
            effort=routed.effort,
            instructions=prompt("summary"),
            items=(user_item(fenced(compaction.rendered(items))),),
            schema=Schema(name="summary", schema=strict_schema(compaction.Summary)),
            output_tokens=OUTPUT_TOKENS,
            work="summarize",
        )
        text = ""
        finished: Finished | None = None
        try:
            async with asyncio.timeout(SECONDS), aclosing(self._model.stream(request)) as replies:
                async for reply in replies:
                    if isinstance(reply, Item):
                        text += text_of(reply.item)
                    elif isinstance(reply, Finished):
                        finished = reply
        except (AssentError, TimeoutError):
            text = ""
        if finished:
            yield self._meter.bill(routed.role, finished)
        found = compaction.decoded(text)
        yield (compaction.in_words(found), routed.model) if found else (compaction.outline(items), "rules")


def _in_words(before: int, after: int, drops: list[Drop]) -> str:
    largest = sorted((drop for drop in drops if drop.characters), key=lambda drop: -drop.characters)
    named = [f"{drop.what} ({drop.characters:,} characters)" for drop in largest[:MOST_NAMED]]
    more = [f"{len(largest) - MOST_NAMED} more"] if len(largest) > MOST_NAMED else []
    summary = [drop.what for drop in drops if not drop.characters]
    outputs = [f"outputs, now digests: {', '.join([*named, *more])}"] if largest else []
    return (
        f"The context was compacted from about {before:,} to {after:,} tokens. Dropped: "
        f"{'; '.join([*outputs, *summary])}. The record of the session keeps all of it."
    )
