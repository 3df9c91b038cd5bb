"""How the lines of earlier records become lines of this version: data, one step from each version to the next."""

from __future__ import annotations

from typing import cast

import msgspec
from msgspec import Struct

from assent_core.lines import FORMAT


class Step(Struct, frozen=True, kw_only=True):
    """What became of one kind of event; fields that were only added need no step, since they have a default."""

    event: str
    called: str = ""
    """Its name since then, if it has another."""
    renamed: dict[str, str] = {}
    filled: dict[str, object] = {}
    dropped: tuple[str, ...] = ()


STEPS: dict[int, tuple[Step, ...]] = {}
"""By the version that they lead away from. Each change of the lines that is more than an added field has one here."""


def readable(version: int) -> bool:
    """Whether records of a version can be read."""
    return version <= FORMAT and all(earlier in STEPS for earlier in range(version, FORMAT))


def lifted(line: bytes, version: int) -> bytes:
    """A line of an earlier version as this one writes it; DecodeError if it is no line."""
    if version == FORMAT:
        return line
    whole = msgspec.json.decode(line, type=dict[str, object])
    what = whole.get("what")
    if isinstance(what, dict):
        event = cast("dict[str, object]", what)
        for earlier in range(version, FORMAT):
            for step in STEPS[earlier]:
                event = _taken(event, step) if event.get("event") == step.event else event
        whole["what"] = event
    return msgspec.json.encode(whole)


def _taken(event: dict[str, object], step: Step) -> dict[str, object]:
    kept = {step.renamed.get(name, name): value for name, value in event.items() if name not in step.dropped}
    return step.filled | kept | {"event": step.called or step.event}
