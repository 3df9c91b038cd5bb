"""Two courses of one session side by side: what must be the same, and the first thing that is not, in words; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import groupby, zip_longest
from typing import cast

import msgspec
from msgspec import Struct

from assent_core.events import (
    AnyEvent,
    Asked,
    Billed,
    Digested,
    Explained,
    Named,
    Opened,
    Performed,
    Pointed,
    Relayed,
    Remarked,
)
from assent_core.memory.cues import Cue, Replied

_VOLATILE = frozenset(
    {"seconds", "total", "scout", "snapshot", "seen", "whole", "landing", "landings", "commit", "moved", "kept"}
)
"""Fields that say how long something took, or that are names made anew."""
_MASKS = (
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:ms|s|sec|secs|seconds?)\b"), "<time>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?"), "<date>"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?"), "<clock>"),
    (re.compile(r"\b0x[0-9a-f]{6,16}\b"), "<address>"),
    (re.compile(r"/tmp/[\w.-]+"), "<temporary>"),  # noqa: S108 # no file is made
    (re.compile(r"\babout [\d,]+ (?:to|of) [\d,]+ tokens"), "<tokens>"),
    (re.compile(r"=== [0-9a-f]{16} ==="), "<fence>"),
    (re.compile(r"\bpid[ =:]*\d+"), "<process>"),
    (re.compile(r"\blog:\d+"), "<log>"),
)
LONGEST = 200


class Course(Struct, frozen=True):
    """What is compared of a session: its events, its cues, where its files were, and how to get at all of a large text."""

    events: tuple[AnyEvent, ...]
    cues: tuple[Cue, ...]
    root: str
    whole: Callable[[Performed], str]


def drifts(recorded: Course, played: Course) -> tuple[str, ...]:
    """Where the two part, each in a sentence; empty if they are the same."""
    return (*_told_to_models(recorded, played), *_happened(recorded, played))


def _told_to_models(recorded: Course, played: Course) -> Iterable[str]:
    """What models were told otherwise than then: descriptions of tools, instructions."""
    said: dict[str, None] = {}
    for before, now in zip(_replies(recorded), _replies(played), strict=False):
        for name in sorted(before.tools.keys() | now.tools.keys()):
            if before.tools.get(name) != now.tools.get(name):
                how = "is new since" if name not in before.tools else "is gone since"
                how = "is described otherwise than when" if name in before.tools and name in now.tools else how
                said[f"The tool {name} {how} it was recorded."] = None
        if before.instructions != now.instructions:
            said[f"The {before.role} is instructed otherwise than when it was recorded."] = None
    return said


def _replies(course: Course) -> list[Replied]:
    return [cue for cue in course.cues if isinstance(cue, Replied) and not cue.schema]


def _happened(recorded: Course, played: Course) -> Iterable[str]:
    """The first event that differs."""
    then, now = _told(recorded), _told(played)
    for place, (before, after) in enumerate(zip_longest(then, now), 1):
        if before == after:
            continue
        where = f"Event {place} of {len(then)}"
        if after is None and before is not None:
            yield f"{where}: recorded was {_name(before)}; nothing more happened now."
        elif before is None and after is not None:
            yield f"After all {len(then)} recorded events came {_name(after)}."
        elif before is not None and after is not None:
            yield f"{where}: {_difference(before, after)}"
        return


def _difference(before: dict[str, object], after: dict[str, object]) -> str:
    if before["event"] != after["event"]:
        return f"recorded was {_name(before)}; now came {_name(after)}."
    if before["event"] == "relayed" and before["by"] == after["by"] and before["of"] != after["of"]:
        one, other = (cast("dict[str, object]", each["of"]) for each in (before, after))
        return f"of the worker {before['by']}: {_difference(one, other)}"
    field = next(name for name in (*before, *after) if before.get(name) != after.get(name))
    one, other = _first_lines(before.get(field), after.get(field))
    return f"{_name(before)}: its {field} was {one}, and is {other} now."


def _first_lines(one: object, other: object) -> tuple[str, str]:
    if isinstance(one, str) and isinstance(other, str):
        for before, after in zip_longest(one.split("\n"), other.split("\n"), fillvalue=""):
            if before != after:
                return repr(before[:LONGEST]), repr(after[:LONGEST])
    return _cut(one), _cut(other)


def _cut(value: object) -> str:
    return msgspec.json.encode(value).decode()[:LONGEST]


def _name(event: dict[str, object]) -> str:
    about = ""
    proposal = event.get("proposal")
    if isinstance(proposal, dict):
        facts = cast("dict[str, object]", proposal)
        what = facts.get("command") or facts.get("path") or facts.get("pattern") or "a patch"
        about = f" ({facts.get('type')}: {str(what)[:80]})"
    elif text := event.get("text") or event.get("message") or event.get("why"):
        about = f" ({str(text)[:80]})"
    return f"`{event['event']}`{about}"


def _told(course: Course) -> list[dict[str, object]]:
    """The events that count, without what may differ: what the scout and the reviewer add beside comes at any moment.

    Of workers at once each one's own order counts: what they do together stands one worker after the other.
    """
    ids: dict[str, dict[str, str]] = {}
    told: list[tuple[str, dict[str, object]]] = []
    for event in course.events:
        match event:
            case Opened() | Explained() | Named() | Pointed() | Remarked():
                continue
            case Billed(role=role) | Asked(role=role) if role in ("scout", "reviewer"):
                continue
            case Digested(digest=digest) if digest.source == "scout":
                continue
            case _:
                pass
        by = event.by if isinstance(event, Relayed | Billed) else ""
        told.append((by, _facts(event, course, ids.setdefault(by, {}))))
    runs = (list(run) for _, run in groupby(told, lambda each: bool(each[0])))
    return [facts for run in runs for _, facts in sorted(run, key=lambda each: each[0])]


def _facts(event: AnyEvent, course: Course, ids: dict[str, str]) -> dict[str, object]:
    """An event as values that can be compared; `ids` are the names that its worker has used so far."""
    plain = cast("dict[str, object]", msgspec.to_builtins(event))
    what, inner = event, plain
    if isinstance(event, Relayed):
        what, inner = event.of, cast("dict[str, object]", plain["of"])
    if isinstance(what, Performed):
        inner["told"] = course.whole(what)
    if "id" in inner:
        inner["id"] = ids.setdefault(str(inner["id"]), f"#{len(ids) + 1}")
    return cast("dict[str, object]", _masked(plain, course.root))


def _masked(value: object, root: str) -> object:
    match value:
        case str():
            text = value.replace(root, "<root>")
            for mask, by in _MASKS:
                text = mask.sub(by, text)
            return text
        case dict():
            facts = cast("dict[str, object]", value)
            return {name: _masked(each, root) for name, each in facts.items() if name not in _VOLATILE}
        case list() | tuple():
            return [_masked(each, root) for each in cast("list[object]", value)]
        case float():
            return round(value, 6)
        case _:
            return value
