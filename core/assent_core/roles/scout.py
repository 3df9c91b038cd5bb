"""Background work for the small model: it digests and classifies, approves nothing and hides nothing."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import aclosing
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from assent_core.consent import plainly
from assent_core.consent.commands import visible
from assent_core.context.transcript import text_of, user_item
from assent_core.diffs.changes import FileChange, unified
from assent_core.errors import AssentError
from assent_core.instructions import fenced, prompt
from assent_core.logs.digest import Digest, FailureClass, plain
from assent_core.model import Finished, Item, Model, Request, Retrying, Role, Schema, Text
from assent_core.redaction.redactor import Redactor
from assent_core.router import Work, route
from assent_core.settings import Settings
from assent_core.tools import strict_schema

SECONDS = 30.0
"""An answer later than this is none."""
HEAD, TAIL = 8_000, 16_000
"""Characters of a log that are sent, about 6,000 tokens; what fails is mostly told at the end."""
OUTPUT_TOKENS = 1_000
MOST_LINES = 5
MOST_CHARACTERS = 240
KEPT = 20
"""So many of the newest requests can be inspected."""


class Reading(Struct, frozen=True, forbid_unknown_fields=True):
    """What the scout answers about a log."""

    failure: FailureClass
    shown_by: Annotated[str, Meta(max_length=4_000)]
    lines: Annotated[list[str], Meta(min_length=1, max_length=MOST_LINES)]


class Explanation(Struct, frozen=True, forbid_unknown_fields=True):
    """What the scout answers about a question of consent."""

    sentence: Annotated[str, Meta(max_length=600)]


class Titled(Struct, frozen=True, forbid_unknown_fields=True):
    """What the scout answers about a session's first prompt."""

    title: Annotated[str, Meta(min_length=3, max_length=200)]


class Committed(Struct, frozen=True, forbid_unknown_fields=True):
    """What the scout answers about a change."""

    subject: Annotated[str, Meta(min_length=3, max_length=plainly.SUBJECT)]
    body: Annotated[list[str], Meta(max_length=8)]


class Triaged(Struct, frozen=True, forbid_unknown_fields=True):
    """What the scout answers about a prompt."""

    kind: plainly.Kind
    several_tools: bool
    high_value: bool


class Ranked(Struct, frozen=True, forbid_unknown_fields=True):
    """What the scout answers about candidate files: their numbers in the list, the best first."""

    numbers: Annotated[list[int], Meta(max_length=plainly.MOST_RANKED)]


class Sent(Struct, frozen=True, kw_only=True):
    """One request of the scout, as the user may inspect it: what left, and what came of it."""

    name: str
    model: str
    instructions: str
    text: str
    outcome: Literal["waiting", "answered", "late", "failed", "cancelled"] = "waiting"
    answer: str = ""
    seconds: float = 0.0


class Scout:
    """Asks the scout's model by strict schema; nothing waits for it, and it decides nothing.

    An answer that is invalid, late or refused is none: then the deterministic result stands alone. With
    `settings.scouting` off no request is made at all. Cancelling a call cancels its request.
    """

    def __init__(
        self,
        model: Model,
        settings: Settings,
        billed: Callable[[Role, Finished], None],
        redact: Callable[[str], str] | None = None,
    ) -> None:
        self._model = model
        self._settings = settings
        self._billed = billed
        self._redact = redact or Redactor()
        self.sent: deque[Sent] = deque(maxlen=KEPT)
        """The newest requests with all the text that left, the oldest first."""

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

    async def title(self, prompt: str) -> str:
        """A short name of a session, from its first prompt."""
        found = _decoded(await self._ask("title", "scout_title", Titled, excerpt(plain(prompt))), Titled)
        named = _clean(found.title).strip("\"'`. ") if found else ""
        return named if 3 <= len(named) <= plainly.TITLE else plainly.title(prompt)

    async def commit_message(self, files: Collection[FileChange]) -> str:
        """A message for a commit of a change; it names only what the change touches."""
        rules = plainly.commit_message(files)
        diff = "".join(unified(file).decode("utf-8", "replace") for file in files)
        if not diff:
            return rules
        found = _decoded(await self._ask("summarize", "scout_commit", Committed, excerpt(plain(diff))), Committed)
        if found is None or not (subject := _clean(found.subject).rstrip(".")):
            return rules
        body = [line for each in found.body if (line := _clean(each))]
        return "\n".join([subject, "", *body]) if body else subject

    async def triage(self, prompt: str) -> plainly.Triage:
        """What a prompt asks for; a risk that the rules see is never talked away."""
        rules = plainly.triage(prompt)
        found = _decoded(await self._ask("triage", "scout_triage", Triaged, excerpt(plain(prompt))), Triaged)
        if found is None:
            return rules
        said = plainly.Triage(kind=found.kind, several_tools=found.several_tools, high_value=found.high_value)
        return plainly.stricter(rules, said)

    async def rank(self, prompt: str, paths: Collection[str]) -> tuple[str, ...]:
        """Those of the paths that matter for a prompt, the best first; never a path that is not among them."""
        first = plainly.ranked(prompt, paths)
        candidates = tuple(dict.fromkeys([*first, *paths]))[: plainly.MOST_CANDIDATES]
        if len(candidates) < 2:
            return first
        listed = "\n".join(f"{number} {visible(path)}" for number, path in enumerate(candidates, 1))
        found = _decoded(await self._ask("rank", "scout_rank", Ranked, f"{excerpt(plain(prompt))}\n\n{listed}"), Ranked)
        if found is None or not all(1 <= number <= len(candidates) for number in found.numbers):
            return first
        chosen = dict.fromkeys(candidates[number - 1] for number in found.numbers)
        return tuple(dict.fromkeys([*chosen, *first]))[: plainly.MOST_RANKED] if chosen else first

    async def _ask(self, work: Work, name: str, answer: type[Struct], data: str) -> str:
        """The text of the answer, or nothing."""
        if not self._settings.scouting:
            return ""
        routed = route(work, self._settings)
        data = self._redact(data)
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
        sent = Sent(name=name, model=routed.model, instructions=request.instructions, text=data)
        self.sent.append(sent)
        began, outcome, answered = time.monotonic(), "cancelled", ""
        try:
            async with asyncio.timeout(SECONDS):
                answered = await self._answer(request)
            outcome = "answered" if answered else "failed"
        except TimeoutError:
            outcome = "late"
        except AssentError:
            outcome = "failed"
        finally:
            self._note(sent, outcome, answered, time.monotonic() - began)
        return answered

    def _note(
        self, sent: Sent, outcome: Literal["answered", "late", "failed", "cancelled"], answer: str, seconds: float
    ) -> None:
        for place, other in enumerate(tuple(self.sent)):
            if other is sent:
                self.sent[place] = msgspec.structs.replace(sent, outcome=outcome, answer=answer, seconds=seconds)

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


Answer = TypeVar("Answer", Reading, Explanation, Titled, Committed, Triaged, Ranked)


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
