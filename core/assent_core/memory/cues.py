"""What came into a session from outside, kept beside its record, so that it can be played again: acts, answers, replies."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from assent_core.consent.gate import Answer, Asker, Question
from assent_core.diffs.review import Review
from assent_core.diffs.splits import Cut
from assent_core.errors import AssentError
from assent_core.memory.items import drop_torn
from assent_core.memory.sessions import ID_LENGTH
from assent_core.model import Finished, Item, Model, Reply, Request, WireItem
from assent_core.redaction.values import redacted, redacted_item
from assent_core.settings import Settings

FORMAT = 1
_LEFT_OUT = (
    "base_url",
    "state",
    "keys",
    "theme",
    "notify",
    "plain",
    "pace",
    "confirm_landing",
    "readable",
    "variables",
)
"""Settings that say nothing of what a session does, or where it was."""


class Began(Struct, frozen=True, kw_only=True, tag_field="cue", tag="began"):
    """A process opened the session: under these settings, over a tree whose newest commit was `head`."""

    format: int = FORMAT
    settings: dict[str, object]
    head: str = ""
    branch: str = ""
    asked: bool = False
    """Whether somebody was there to be asked."""


class Selection(Struct, frozen=True, kw_only=True):
    """What of the staged changes was accepted and rejected, by the ids of hunks, and how they were cut."""

    accepted: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    cuts: dict[str, tuple[Cut, ...]] = {}

    @classmethod
    def of(cls, review: Review) -> Selection:
        """The decisions of a review."""
        return cls(accepted=review.accepted, rejected=review.rejected, cuts=review.cuts)


Act = Literal[
    "turn", "ask", "plan", "carry out", "drop plan", "fix", "run", "verify", "compact", "land", "take back", "amend",
    "undo", "rewind", "note",
]  # fmt: skip


class Acted(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="cue", tag="acted"):
    """The user let the session do something: a prompt, a command, a landing."""

    act: Act
    text: str = ""
    """A prompt, a landing's id, a snapshot's name, a path: whatever the act is about."""
    command: tuple[str, ...] = ()
    number: int = 0
    images: int = 0
    attempts: int = 1
    selection: Selection | None = None
    content: str = ""
    """What the user wrote over a file, in base64."""
    mode: int = 0


class Answered(Struct, frozen=True, kw_only=True, tag_field="cue", tag="answered"):
    """What the user said to a question; the next of their answers."""

    answer: Answer


class Replied(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="cue", tag="replied"):
    """What a model answered, or how asking it failed, and what it had been told beside the items, as digests."""

    role: str
    model: str
    schema: str = ""
    line: str = ""
    """Of several conversations in one session: which, as its cache key says after the session's id."""
    tools: dict[str, str] = {}
    instructions: str = ""
    items: tuple[WireItem, ...] = ()
    finished: Finished | None = None
    failed: str = ""


Cue = Began | Acted | Answered | Replied


class Cues:
    """Appends cues to a file that only its owner can read, without secrets. What cannot be written is left out."""

    def __init__(self, path: Path, redact: Callable[[str], str]) -> None:
        self.path = path
        self._redact = redact
        self._whole = False

    def begin(self, settings: Settings, head: str, branch: str, *, asked: bool) -> None:
        """A process opened the session."""
        values: dict[str, object] = msgspec.to_builtins(settings)
        kept = {name: value for name, value in values.items() if name not in _LEFT_OUT}
        self._write(Began(settings=kept, head=head, branch=branch, asked=asked))

    def act(self, act: Acted) -> None:
        """The user let the session do something."""
        self._write(redacted(act, self._redact))

    def amend(self, path: str, data: bytes, mode: int) -> None:
        """The user wrote over a file."""
        text = self._redact(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        self._write(Acted(act="amend", text=path, content=base64.b64encode(text).decode(), mode=mode))

    def answer(self, answer: Answer) -> None:
        """The user answered a question."""
        self._write(Answered(answer=redacted(answer, self._redact)))

    def reply(self, replied: Replied) -> None:
        """A model answered."""
        items = tuple(redacted_item(item, self._redact) for item in replied.items)
        self._write(msgspec.structs.replace(replied, items=items))

    def _write(self, cue: Cue) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with suppress(OSError, UnicodeError), os.fdopen(os.open(self.path, flags, 0o600), "r+b", buffering=0) as file:
            if not self._whole:
                drop_torn(file.fileno())
                self._whole = True
            os.write(file.fileno(), msgspec.json.encode(cue) + b"\n")


class Prompter:
    """An asker that keeps the answers."""

    def __init__(self, asker: Asker, cues: Cues) -> None:
        self._asker = asker
        self._cues = cues

    async def ask(self, question: Question) -> Answer:
        """Put the question on."""
        answer = await self._asker.ask(question)
        if isinstance(answer, Answer):  # pyright: ignore[reportUnnecessaryIsInstance] # an asker may be anything
            self._cues.answer(answer)
        return answer


class Overheard:
    """A model whose replies are kept; see `model.Model`."""

    def __init__(self, model: Model, cues: Cues) -> None:
        self._model = model
        self._cues = cues

    async def stream(self, request: Request) -> AsyncGenerator[Reply]:
        """Stream one reply; it is kept however it ends."""
        items: list[WireItem] = []
        finished: Finished | None = None
        failed = "it was broken off"
        try:
            async with aclosing(self._model.stream(request)) as replies:
                async for reply in replies:
                    if isinstance(reply, Item):
                        items.append(reply.item)
                    elif isinstance(reply, Finished):
                        finished, failed = reply, ""
                    yield reply
        except AssentError as error:
            failed = error.message
            raise
        finally:
            self._cues.reply(
                Replied(
                    role=request.role,
                    model=request.model,
                    schema=request.schema.name if request.schema else "",
                    line=request.cache_key[ID_LENGTH:],
                    tools={tool.name: _digest([tool.description, tool.parameters]) for tool in request.tools},
                    instructions=_digest(request.instructions),
                    items=tuple(items),
                    finished=finished,
                    failed=failed,
                )
            )

    async def close(self) -> None:
        """Close the connections."""
        await self._model.close()


def read_cues(path: Path) -> tuple[Cue, ...]:
    """All cues of a session that can be read; none where they were not kept."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return ()
    cues: list[Cue] = []
    for line in lines:
        with suppress(msgspec.DecodeError):
            cues.append(msgspec.json.decode(line, type=Cue))
    return tuple(cues)


def _digest(value: object) -> str:
    return hashlib.blake2b(msgspec.json.encode(value, order="deterministic"), digest_size=12).hexdigest()
