"""Background work for the small model: it digests and classifies, approves nothing and hides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from assent_core.commands import visible
from assent_core.digest import Digest, FailureClass, plain
from assent_core.errors import AssentError
from assent_core.instructions import fenced, prompt
from assent_core.model import Finished, Item, Model, Request, Retrying, Role, Schema, Text
from assent_core.router import Work, route
from assent_core.settings import Settings
from assent_core.tools import strict_schema
from assent_core.transcript import text_of, user_item

SECONDS = 30.0
"""An answer later than this is none."""
HEAD, TAIL = 8_000, 16_000
"""Characters of a log that are sent, about 6,000 tokens; what fails is mostly told at the end."""
OUTPUT_TOKENS = 1_000
MOST_LINES = 5
MOST_CHARACTERS = 240


class Reading(Struct, frozen=True, forbid_unknown_fields=True):
    """What the scout answers about a log."""

    failure: FailureClass
    shown_by: Annotated[str, Meta(max_length=4_000)]
    lines: Annotated[list[str], Meta(min_length=1, max_length=MOST_LINES)]


class Explanation(Struct, frozen=True, forbid_unknown_fields=True):
    """What the scout answers about a question of consent."""

    sentence: Annotated[str, Meta(max_length=600)]


class Scout:
    """Asks the scout's model by strict schema; an invalid, late or refused answer is None, and nothing waits for it.

    With `settings.scouting` off no request is made at all. Cancelling a call cancels its request.
    """

    def __init__(self, model: Model, settings: Settings, billed: Callable[[Role, Finished], None]) -> None:
        self._model = model
        self._settings = settings
        self._billed = billed

    async def digest(self, command: str, code: int, output: str, rules: Digest) -> Digest | None:
        """What the log says in at most five lines, with its class; None if the rules' digest must stand alone.

        Where the rules know the class, it stands: a log that talks to the scout cannot change it.
        """
        log = excerpt(plain(output))
        text = await self._ask("classify", "scout_digest", Reading, f"$ {command}\nexit code {code}\n\n{log}")
        reading = _decoded(text, Reading)
        if reading is None or (code != 0 and reading.failure == "none") or not _occurs(reading.shown_by, log):
            return None
        lines = tuple(_clean(line) for line in reading.lines if line.strip())
        known = rules.failure != "unknown"
        return msgspec.structs.replace(
            rules,
            failure=rules.failure if known else reading.failure,
            shown_by=rules.shown_by if known else _clean(reading.shown_by),
            lines=lines or rules.lines,
            source="scout",
        )

    async def explain(self, question: str) -> str | None:
        """One plain sentence on what a proposal would do, for a card of consent; it is an opinion and decides nothing."""
        found = _decoded(
            await self._ask("summarize", "scout_explain", Explanation, excerpt(plain(question))), Explanation
        )
        return _clean(found.sentence) or None if found else None

    async def _ask(self, work: Work, name: str, answer: type[Struct], data: str) -> str:
        """The text of the answer, or nothing."""
        if not self._settings.scouting:
            return ""
        routed = route(work, self._settings)
        request = Request(
            role="scout",
            model=routed.model,
            effort=routed.effort,
            instructions=prompt(name),
            items=(user_item(fenced(data)),),
            schema=Schema(name=name, schema=strict_schema(answer)),
            output_tokens=OUTPUT_TOKENS,
            work=work,
        )
        try:
            async with asyncio.timeout(SECONDS):
                return await self._answer(request)
        except (AssentError, TimeoutError):
            return ""

    async def _answer(self, request: Request) -> str:
        streamed: list[str] = []
        complete = ""
        async with aclosing(self._model.stream(request)) as replies:
            async for reply in replies:
                match reply:
                    case Text(delta=delta):
                        streamed.append(delta)
                    case Item(item=item):
                        complete += text_of(item)
                    case Finished():
                        self._billed("scout", reply)
                        return "" if reply.incomplete else complete or "".join(streamed)
                    case Retrying():
                        streamed.clear()
                    case _:
                        pass
        return ""


def excerpt(text: str) -> str:
    """Head and tail of a text, and between them how much is left out."""
    left = len(text) - HEAD - TAIL
    return text if left <= 0 else f"{text[:HEAD]}\n[... {left} characters left out ...]\n{text[-TAIL:]}"


Answer = TypeVar("Answer", Reading, Explanation)


def _decoded(text: str, kind: type[Answer]) -> Answer | None:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _occurs(line: str, log: str) -> bool:
    """Whether the line stands in the log, as a whole line or a good piece of one; spaces at the ends do not count."""
    wanted = line.strip()
    if "\n" in wanted or not wanted:
        return False
    lines = (each.strip() for each in log.splitlines())
    return any(wanted == each or (len(wanted) >= 12 and wanted in each) for each in lines)


def _clean(line: str) -> str:
    """A line of a model, made fit for one line of a screen."""
    line = visible(" ".join(line.split()))
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1]}…"
