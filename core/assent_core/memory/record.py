"""The session as an append-only file of events, one JSON line each."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from assent_core.events import AnyEvent, Performed, Printed, Relayed, Texted, Thought
from assent_core.lines import FORMAT, encode
from assent_core.memory.blobs import Blobs
from assent_core.memory.items import drop_torn
from assent_core.memory.versions import lifted, readable
from assent_core.redaction.values import redacted
from assent_sandbox.output import cut

LARGE = 4_000
"""Characters of what a proposal told from which on all of it is a blob beside the record, and a part in the line."""


class Heading(Struct, frozen=True, kw_only=True, tag_field="record", tag="heading"):
    """The first line of a record; `forked` is the session that it goes on from, if it is a fork."""

    format: int = FORMAT
    session: str
    root: str
    time: float
    forked: str = ""


class Line(Struct, frozen=True):
    """One event and when it happened, in seconds since the epoch."""

    time: float
    what: AnyEvent


class Passage(Struct, frozen=True):
    """What a record holds."""

    heading: Heading
    lines: tuple[Line, ...]
    lost: tuple[int, ...] = ()
    """The numbers, from 1, of lines that could not be read: damaged, or of a kind that only a newer assent knows."""
    torn: bool = False
    """Whether the last line was cut off and dropped."""

    @property
    def events(self) -> tuple[AnyEvent, ...]:
        """What happened, in order."""
        return tuple(line.what for line in self.lines)


class Record:
    """Appends events to a file that only its owner can read; pieces of streams are left out, their whole follows.

    A file that is there is gone on with; a last line that was never finished is dropped.
    """

    def __init__(self, path: Path, session: str, root: Path, redact: Callable[[str], str], *, forked: str = "") -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._redact = redact
        self._blobs = Blobs(path.with_suffix(".blobs"))
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        drop_torn(self._descriptor)
        if not path.stat().st_size:
            self._write(encode(Heading(session=session, root=str(root), time=time.time(), forked=forked)))

    def append(self, event: AnyEvent) -> None:
        """Write one event; it is in the file when this returns."""
        what = event.of if isinstance(event, Relayed) else event
        if not isinstance(what, Texted | Thought | Printed):
            self._write(encode(Line(time.time(), self._shortened(redacted(event, self._redact)))))

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _shortened(self, event: AnyEvent) -> AnyEvent:
        """An event with a large text as a blob; where that cannot be kept, the text stays in the line."""
        if not isinstance(event, Performed) or len(event.told) <= LARGE:
            return event
        try:
            return msgspec.structs.replace(event, told=cut(event.told, LARGE), whole=self._blobs.keep(event.told))
        except OSError:
            return event

    def _write(self, line: bytes) -> None:
        rest = line + b"\n"
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            drop_torn(self._descriptor)
            raise


def read(path: Path) -> Passage:
    """All of a record that can be read; ValueError if it is none, or of a version that cannot be read."""
    first, *rest = path.read_bytes().split(b"\n")
    heading = heading_of(first, path)
    lines: list[Line] = []
    lost: list[int] = []
    decode = msgspec.json.Decoder(Line).decode
    for number, line in enumerate(rest[:-1], 2):
        if line:
            try:
                lines.append(decode(lifted(line, heading.format)))
            except msgspec.DecodeError:
                lost.append(number)
    return Passage(heading, tuple(lines), tuple(lost), bool(rest and rest[-1]))


def heading_of(line: bytes, path: Path) -> Heading:
    """The first line of a record; ValueError if it is none, or of a version that cannot be read."""
    try:
        heading = msgspec.json.decode(line, type=Heading)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} is not a record of a session: {error}") from error
    if not readable(heading.format):
        which = "newer" if heading.format > FORMAT else "older"
        raise ValueError(
            f"{path} was written by a {which} assent, in version {heading.format} of its format; this one reads {FORMAT}"
        )
    return heading


def whole(path: Path, event: Performed) -> str:
    """All that a recorded proposal told, of which the line may hold a part; that part where the rest is gone."""
    return (Blobs(path.with_suffix(".blobs")).get(event.whole) if event.whole else None) or event.told
