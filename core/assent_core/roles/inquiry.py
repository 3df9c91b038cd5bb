"""Questions to a model by strict schema, beside the turn: bounded in size and time, inspectable, and never in the way."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from assent_core.consent.commands import visible
from assent_core.context.transcript import text_of, user_item
from assent_core.errors import AssentError
from assent_core.events import Routed
from assent_core.instructions import fenced, prompt
from assent_core.model import Finished, Item, Model, Request, Retrying, Role, Schema, Text
from assent_core.redaction.redactor import Redactor
from assent_core.tools import strict_schema

MOST_CHARACTERS = 240
KEPT = 20
"""So many of the newest requests can be inspected."""

Outcome = Literal["answered", "late", "failed", "cancelled"]
Answer = TypeVar("Answer", bound=Struct)


class Sent(Struct, frozen=True, kw_only=True):
    """One request beside the turn, as the user may inspect it: what left, and what came of it."""

    name: str
    model: str
    instructions: str
    text: str
    outcome: Outcome | Literal["waiting"] = "waiting"
    answer: str = ""
    seconds: float = 0.0


class Bounds(Struct, frozen=True):
    """An answer later than `seconds` is none; `tokens` are the most that it may take, reasoning included."""

    seconds: float
    tokens: int


class Inquiry:
    """Puts data before a model and demands an answer by a schema; an answer that is invalid, late or refused is none.

    The data is redacted and stands between fences. Cancelling a call cancels its request. Several roles may share one,
    so that all that was sent beside the turns stands in one list.
    """

    def __init__(
        self, model: Model, billed: Callable[[Role, Finished], None], redact: Callable[[str], str] | None = None
    ) -> None:
        self._model = model
        self._billed = billed
        self._redact = redact or Redactor()
        self.sent: deque[Sent] = deque(maxlen=KEPT)
        """The newest requests with all the text that left, the oldest first."""

    async def ask(self, routed: Routed, name: str, answer: type[Answer], data: str, bounds: Bounds) -> Answer | None:
        """Ask by the prompt of this name; what comes back fits the schema, and nothing more is known of it.

        Nothing comes back where that fails in any way, also where the machine has no file left to open the prompt.
        """
        data = self._redact(data)
        try:
            instructions = prompt(name)
        except OSError:
            return None
        request = Request(
            role=routed.role,
            model=routed.model,
            effort=routed.effort,
            instructions=instructions,
            items=(user_item(fenced(data)),),
            schema=Schema(name=name, schema=strict_schema(answer)),
            output_tokens=bounds.tokens,
            work=routed.work,
        )
        sent = Sent(name=name, model=routed.model, instructions=request.instructions, text=data)
        self.sent.append(sent)
        began, text = time.monotonic(), ""
        outcome: Outcome = "cancelled"
        try:
            async with asyncio.timeout(bounds.seconds):
                text = await self._answer(request)
            outcome = "answered" if text else "failed"
        except TimeoutError:
            outcome = "late"
        except AssentError:
            outcome = "failed"
        finally:
            self._note(sent, outcome, text, time.monotonic() - began)
        return _decoded(text, answer)

    def _note(self, sent: Sent, outcome: Outcome, answer: str, seconds: float) -> None:
        for place, other in enumerate(tuple(self.sent)):
            if other is sent:
                self.sent[place] = msgspec.structs.replace(sent, outcome=outcome, answer=answer, seconds=seconds)

    async def _answer(self, request: Request) -> str:
        """The text of the answer, or nothing."""
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
                        self._billed(request.role, reply)
                        return "" if reply.incomplete else complete or "".join(streamed)
                    case Retrying():
                        streamed.clear()
                    case _:
                        pass
        return ""


def clean(line: str, longest: int = MOST_CHARACTERS) -> str:
    """A line of a model, made fit for one line of a screen."""
    line = visible(" ".join(line.split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _decoded(text: str, kind: type[Answer]) -> Answer | None:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
