"""Background work for the small model: it digests and classifies, approves nothing and hides nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from assent_core.consent import plainly
from assent_core.consent.commands import visible
from assent_core.diffs.changes import FileChange, unified
from assent_core.logs.digest import Digest, FailureClass, plain
from assent_core.roles.inquiry import Answer, Bounds, Inquiry, Sent, clean
from assent_core.router import Work, route
from assent_core.settings import Settings

SECONDS = 30.0
"""An answer later than this is none."""
HEAD, TAIL = 8_000, 16_000
"""Characters of a log that are sent, about 6,000 tokens; what fails is mostly told at the end."""
OUTPUT_TOKENS = 1_000
MOST_LINES = 5
MOST_POINTED = 5


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

    numbers: Annotated[list[int], Meta(max_length=MOST_POINTED)]


class Scout:
    """Asks the scout's model by strict schema; nothing waits for it, and it decides nothing.

    An answer that is invalid, late or refused is none: then the deterministic result stands alone. With
    `settings.scouting` off no request is made at all. Cancelling a call cancels its request.
    """

    def __init__(self, inquiry: Inquiry, settings: Settings) -> None:
        self._inquiry = inquiry
        self._settings = settings
        self.on = settings.scouting
        """Whether anything is sent; nothing waits for what is sent already."""

    @property
    def sent(self) -> deque[Sent]:
        """The newest requests with all the text that left, the oldest first."""
        return self._inquiry.sent

    async def digest(self, command: str, code: int, output: str, rules: Digest) -> Digest | None:
        """What the log says in at most five lines, with its class; None if the rules' digest must stand alone.

        Where the rules know the class, it stands: a log that talks to the scout cannot change it.
        """
        log = excerpt(plain(output))
        reading = await self._ask("classify", "scout_digest", Reading, f"$ {command}\nexit code {code}\n\n{log}")
        if reading is None or (code != 0 and reading.failure == "none") or not _occurs(reading.shown_by, log):
            return None
        lines = tuple(clean(line) for line in reading.lines if line.strip())
        known = rules.failure != "unknown"
        return msgspec.structs.replace(
            rules,
            failure=rules.failure if known else reading.failure,
            shown_by=rules.shown_by if known else clean(reading.shown_by),
            lines=lines or rules.lines,
            source="scout",
        )

    async def explain(self, question: str) -> str | None:
        """One plain sentence on what a proposal would do, for a card of consent; it is an opinion and decides nothing."""
        found = await self._ask("summarize", "scout_explain", Explanation, excerpt(plain(question)))
        return clean(found.sentence) or None if found else None

    async def title(self, prompt: str) -> str:
        """A short name of a session, from its first prompt."""
        found = await self._ask("title", "scout_title", Titled, excerpt(plain(prompt)))
        named = clean(found.title).strip("\"'`. ") if found else ""
        return named if 3 <= len(named) <= plainly.TITLE else plainly.title(prompt)

    async def commit_message(self, files: Collection[FileChange]) -> str:
        """A message for a commit of a change; it names only what the change touches."""
        rules = plainly.commit_message(files)
        diff = "".join(unified(file).decode("utf-8", "replace") for file in files)
        if not diff:
            return rules
        found = await self._ask("summarize", "scout_commit", Committed, excerpt(plain(diff)))
        if found is None or not (subject := clean(found.subject).rstrip(".")):
            return rules
        body = [line for each in found.body if (line := clean(each))]
        return "\n".join([subject, "", *body]) if body else subject

    async def triage(self, prompt: str) -> plainly.Triage:
        """What a prompt asks for; a risk that the rules see is never talked away."""
        rules = plainly.triage(prompt)
        found = await self._ask("triage", "scout_triage", Triaged, excerpt(plain(prompt)))
        if found is None:
            return rules
        said = plainly.Triage(kind=found.kind, several_tools=found.several_tools, high_value=found.high_value)
        return plainly.stricter(rules, said)

    async def rank(self, prompt: str, candidates: Sequence[str]) -> tuple[str, ...]:
        """Those of the files that matter for a prompt, the best first; nothing without a valid answer, never another file."""
        if len(candidates) < 2:
            return ()
        listed = "\n".join(f"{number} {visible(path)}" for number, path in enumerate(candidates, 1))
        found = await self._ask("rank", "scout_rank", Ranked, f"{excerpt(plain(prompt))}\n\n{listed}")
        if found is None or not all(1 <= number <= len(candidates) for number in found.numbers):
            return ()
        return tuple(dict.fromkeys(candidates[number - 1] for number in found.numbers))

    async def _ask(self, work: Work, name: str, answer: type[Answer], data: str) -> Answer | None:
        """The answer as its schema has it, or nothing."""
        if not self.on:
            return None
        return await self._inquiry.ask(route(work, self._settings), name, answer, data, Bounds(SECONDS, OUTPUT_TOKENS))


def excerpt(text: str) -> str:
    """Head and tail of a text, and between them how much is left out."""
    left = len(text) - HEAD - TAIL
    return text if left <= 0 else f"{text[:HEAD]}\n[... {left} characters left out ...]\n{text[-TAIL:]}"


def _occurs(line: str, log: str) -> bool:
    """Whether the line stands in the log, as a whole line or a good piece of one; spaces at the ends do not count."""
    wanted = line.strip()
    if "\n" in wanted or not wanted:
        return False
    lines = (each.strip() for each in log.splitlines())
    return any(wanted == each or (len(wanted) >= 12 and wanted in each) for each in lines)
