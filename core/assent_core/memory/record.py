"""The session as an append-only file of events, one JSON line each."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from assent_core.events import AnyEvent, Printed, Texted, Thought, encode
from assent_core.memory.items import drop_torn
from assent_core.redaction.values import redacted

FORMAT = 1
"""The version of the lines; it stands in the first one."""


class Heading(Struct, frozen=True, kw_only=True, tag_field="record", tag="heading"):
    """The first line of a record."""

    format: int = FORMAT
    session: str
    root: str
    time: float


class Line(Struct, frozen=True):
    """One event and when it happened, in seconds since the epoch."""

    time: float
    what: AnyEvent


class Record:
    """Appends events to a file that only its owner can read; pieces of streams are left out, their whole follows.

    A file that is there is gone on with; a last line that was never finished is dropped.
    """

    def __init__(self, path: Path, session: str, root: Path, redact: Callable[[str], str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._redact = redact
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        drop_torn(self._descriptor)
        if not path.stat().st_size:
            self._write(encode(Heading(session=session, root=str(root), time=time.time())))

    def append(self, event: AnyEvent) -> None:
        """Write one event; it is in the file when this returns."""
        if not isinstance(event, Texted | Thought | Printed):
            self._write(encode(Line(time.time(), redacted(event, self._redact))))

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, line: bytes) -> None:
        rest = line + b"\n"
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


def read(path: Path) -> tuple[Heading, tuple[Line, ...], bool]:
    """The heading, the events, and whether a torn last line was dropped. ValueError if it is no record."""
    heading, *rest = path.read_bytes().split(b"\n")
    torn = bool(rest and rest[-1])
    lines = [line for line in rest[:-1] if line]
    try:
        head = msgspec.json.decode(heading, type=Heading)
        decode = msgspec.json.Decoder(Line).decode
        return head, tuple(decode(line) for line in lines), torn
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} is not a record of a session: {error}") from error
