"""Forks: a session of its own that goes on from a point of another one, which stays as it is."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from assent_core.events import Forked, Prompted
from assent_core.lines import encode
from assent_core.memory import sessions
from assent_core.memory.blobs import Blobs
from assent_core.memory.course import Course
from assent_core.memory.outputs import INDEX
from assent_core.memory.record import Heading, Line, Record

_PROMPTED = b'"event":"prompted"'


def fork(
    state: Path, id: str, other: str, course: Course, *, prompt: Prompted | None, redact: Callable[[str], str]
) -> Forked:
    """Keep everything that the session `other` needs to go on from before a prompt of the session `id`, or from its end.

    Its record comes last, so that an interrupted fork is none.
    """
    sessions.erase(state, other)
    course.part(sessions.album_path(state, other), sessions.items_path(state, other), prompt)
    blobs = sessions.blobs_path(state, id)
    Blobs(blobs).share_with(sessions.blobs_path(state, other))
    if (blobs / INDEX).exists():
        shutil.copyfile(blobs / INDEX, sessions.blobs_path(state, other) / INDEX)
    if sessions.marks_path(state, id).exists():
        shutil.copy2(sessions.marks_path(state, id), sessions.marks_path(state, other))
    forked = Forked(session=id, text=prompt.text if prompt else "")
    _copy_record(state, id, other, forked, prompt=prompt, redact=redact)
    return forked


def _copy_record(
    state: Path, id: str, other: str, forked: Forked, *, prompt: Prompted | None, redact: Callable[[str], str]
) -> None:
    first, *rest = sessions.record_path(state, id).read_bytes().split(b"\n")
    heading = msgspec.json.decode(first, type=Heading)
    draft = sessions.record_path(state, other).with_suffix(".fork")
    draft.unlink(missing_ok=True)
    made = msgspec.structs.replace(heading, session=other, time=time.time(), forked=id)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(line + b"\n" for line in (encode(made), *_until(rest[:-1], prompt)))
    record = Record(draft, other, Path(heading.root), redact)
    record.append(forked)
    record.close()
    draft.replace(sessions.record_path(state, other))


def _until(lines: list[bytes], prompt: Prompted | None) -> Iterator[bytes]:
    """The lines before a prompt."""
    for line in lines:
        if prompt and _PROMPTED in line[:80] and _snapshot(line) == prompt.snapshot:
            return
        yield line


def _snapshot(line: bytes) -> str:
    try:
        what = msgspec.json.decode(line, type=Line).what
    except msgspec.DecodeError:
        return ""
    return what.snapshot if isinstance(what, Prompted) else ""
