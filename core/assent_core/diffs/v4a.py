"""The V4A patch format: text becomes sections, changes become text; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from assent_core.diffs import lines as texts
from assent_core.diffs.matching import Passage, shown
from assent_core.errors import PatchMistake
from assent_sandbox.stage import Change, File

BEGIN, END, END_OF_FILE = "*** Begin Patch", "*** End Patch", "*** End of File"
HEADS: dict[str, Literal["add", "delete", "update"]] = {
    "*** Add File:": "add",
    "*** Delete File:": "delete",
    "*** Update File:": "update",
}
MOVE = "*** Move to:"
NO_NEWLINE = "\\ No newline at end of file"
_RANGES = re.compile(r"-\d+(?:,\d+)? \+\d+(?:,\d+)? @@")


class Section(Struct, frozen=True, kw_only=True):
    """What a patch says of one file; `added` are the lines of a file to create."""

    kind: Literal["add", "delete", "update"]
    path: str
    move: str = ""
    added: tuple[str, ...] = ()
    newline: bool = True
    hunks: tuple[Passage, ...] = ()


def named(text: str) -> tuple[str, ...]:
    """The files that a patch names, as it writes them, also where it cannot be read."""
    return tuple(line[len(head) :].strip() for line in text.split("\n") for head in HEADS if line.startswith(head))


def parse(text: str) -> tuple[Section, ...]:
    """The sections of a patch as written; PatchMistake names the line that cannot be read. Wrappers around it are ignored."""
    lines = text.split("\n")
    if all(line.endswith("\r") for line in lines[:-1] if line):
        lines = [line.removesuffix("\r") for line in lines]
    begins = [at for at, line in enumerate(lines) if line.strip() == BEGIN]
    if not begins:
        raise PatchMistake(f"a patch begins with the line '{BEGIN}' and ends with '{END}'.")
    end = next((at for at in range(begins[0], len(lines)) if lines[at].rstrip() == END), None)
    if end is None:
        raise PatchMistake(
            f"the patch has no '{END}': it seems to be cut off. Send all of it, in smaller patches if need be."
        )
    if begins[-1] > end:
        raise PatchMistake("there is more than one patch. Put all files into one.")
    body = [(at + 1, lines[at]) for at in range(begins[0] + 1, end)]
    sections = tuple(_sections(body))
    if not sections:
        raise PatchMistake("the patch names no file: *** Add File:, *** Delete File: or *** Update File: is missing.")
    return sections


Numbered = list[tuple[int, str]]


def _sections(body: Numbered) -> Iterator[Section]:
    starts = [at for at, (_, line) in enumerate(body) if line.startswith(tuple(HEADS))]
    for number, line in body[: starts[0] if starts else len(body)]:
        if line.strip():
            raise PatchMistake(f"line {number} of the patch belongs to no file: {shown(line)}")
    for start, stop in pairwise([*starts, len(body)]):
        yield _section(body[start][1], body[start + 1 : stop])


def _section(head: str, body: Numbered) -> Section:
    mark = next(mark for mark in HEADS if head.startswith(mark))
    kind, path = HEADS[mark], head.removeprefix(mark).strip()
    while body and not body[-1][1] and kind != "update":
        body = body[:-1]
    if kind == "add":
        added = [_plus(path, number, line) for number, line in body if line != NO_NEWLINE]
        return Section(kind=kind, path=path, added=tuple(added), newline=len(added) == len(body))
    if kind == "delete":
        if body:
            raise PatchMistake(f"{path}: nothing can follow *** Delete File (line {body[0][0]} of the patch).")
        return Section(kind=kind, path=path)
    move = body[0][1].removeprefix(MOVE).strip() if body and body[0][1].startswith(MOVE) else ""
    return Section(kind=kind, path=path, move=move, hunks=tuple(_hunks(path, body[1:] if move else body)))


def _plus(path: str, number: int, line: str) -> str:
    if not line.startswith("+"):
        raise PatchMistake(
            f"{path}: each line of an added file starts with '+' (line {number} of the patch: {shown(line)})."
        )
    return line[1:]


def _hunks(path: str, body: Numbered) -> Iterator[Passage]:
    anchors: list[str] = []
    held: Numbered = []
    opened = 0
    for number, line in [*body, (0, "@@")]:
        if not line.startswith("@@"):
            held.append((number, line))
            continue
        if any(text for _, text in held):
            yield _passage(path, opened or held[0][0], anchors, held)
            anchors, held, opened = [], [], 0
        if number:
            held, opened = [], opened or number
            anchors += _anchor(line)
    if opened or anchors:
        raise PatchMistake(f"{path}: the hunk at line {opened} of the patch has no lines.")


def _anchor(line: str) -> list[str]:
    text = line[2:].strip()
    if _RANGES.match(text):
        return []
    text = text.removesuffix("@@").strip()
    return [text] if text else []


def _passage(path: str, line: int, anchors: list[str], held: Numbered) -> Passage:
    rows = [(number, text) for number, text in held if text != NO_NEWLINE]
    ends = [at for at, (_, text) in enumerate(rows) if text.rstrip() == END_OF_FILE]
    if ends and any(text for _, text in rows[ends[0] + 1 :]):
        raise PatchMistake(f"{path}: after {END_OF_FILE} (line {rows[ends[0]][0]} of the patch) a hunk begins with @@.")
    rows = rows[: ends[0]] if ends else rows
    loose = next((count for count, (_, text) in enumerate(reversed(rows)) if text), len(rows))
    pairs = tuple(_signed(path, number, text) for number, text in rows)
    if all(sign == " " for sign, _ in pairs):
        raise PatchMistake(f"{path}: the hunk at line {line} of the patch changes nothing; it needs '-' or '+' lines.")
    return Passage(line=line, anchors=tuple(anchors), lines=pairs, at_end=bool(ends), loose=loose)


def _signed(path: str, number: int, text: str) -> tuple[str, str]:
    if text and text[0] not in " +-":
        raise PatchMistake(
            f"{path}: a line of a hunk starts with ' ', '-' or '+' (line {number} of the patch: {shown(text)})."
        )
    return (text[0], text[1:]) if text else (" ", "")


def render(changes: Iterable[Change], context: int = 3) -> str:
    """Changes of files as a patch; ValueError for what the format cannot say (modes, links, line endings)."""
    return "\n".join([BEGIN, *(line for change in changes for line in _rendered(change, context)), END, ""])


def _rendered(change: Change, context: int) -> Iterator[str]:
    before, after = change.before, change.after
    if isinstance(after, File) and before is None:
        yield f"*** Add File: {change.path}"
        rows = _decoded(after.data)
        yield from (f"+{row}" for row in rows)
        yield from [NO_NEWLINE] if rows and not after.data.endswith(b"\n") else []
    elif isinstance(before, File) and after is None:
        yield f"*** Delete File: {change.path}"
    elif isinstance(before, File) and isinstance(after, File) and before.mode == after.mode:
        yield f"*** Update File: {change.path}"
        yield from _hunks_of(_decoded(before.data), _decoded(after.data), context)
    else:
        raise ValueError(f"{change.path}: a patch of this format cannot say this change")


def _decoded(data: bytes) -> list[str]:
    rows = data.decode("utf-8", "surrogateescape").split("\n")
    return [row.removesuffix("\r") for row in (rows if rows[-1] else rows[:-1])]


def _hunks_of(old: list[str], new: list[str], context: int) -> Iterator[str]:
    raw_old, raw_new = ([row.encode("utf-8", "surrogateescape") for row in rows] for rows in (old, new))
    held: list[str] = []
    at = 0
    for i, i_stop, j, j_stop in texts.compare(raw_old, raw_new):
        if held and i - at > 2 * context:
            yield from [*held, *(f" {row}" for row in old[at : at + context])]
            held = []
        held = held or ["@@"]
        shared = old[at:i] if len(held) > 1 else old[max(i - context, at) : i]
        held += [f" {row}" for row in shared]
        held += [f"-{row}" for row in old[i:i_stop]] + [f"+{row}" for row in new[j:j_stop]]
        at = i_stop
    yield from [*held, *(f" {row}" for row in old[at : at + context])]
    if held and at + context >= len(old):
        yield END_OF_FILE
