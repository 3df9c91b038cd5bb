"""A V4A patch and the files that it is for become edits, all or none; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise

from msgspec import Struct

from assent_core.diffs import lines as texts
from assent_core.diffs.matching import Passage, Place, find, shown
from assent_core.diffs.v4a import Section, parse
from assent_core.errors import PatchMistake
from assent_sandbox.policy import PRIVATE
from assent_sandbox.stage import Entry, File, Link, Opaque, StageError

BOM = "\ufeff"
LF, CRLF = "\n", "\r\n"
MOST_MISTAKES = 4


class Edit(Struct, frozen=True):
    """What is to stand at a path; nothing if `entry` is None. A rename is two edits."""

    path: str
    entry: File | Link | None


Read = Callable[[str], Entry | None]


def paths(text: str, *roots: str) -> tuple[str, ...]:
    """The paths that applying a patch looks at or changes, as `apply_patch` locates them, with the folders above them.

    None of a patch that it cannot read, for then nothing is done.
    """
    try:
        sections = parse(text)
    except PatchMistake:
        return ()
    found: dict[str, None] = {}
    for section in sections:
        with suppress(PatchMistake):
            located = _located(section, roots, set())
            for path in filter(None, (located.path, located.move)):
                found |= dict.fromkeys((*_above(path), path))
    return tuple(found)


def apply_patch(text: str, read: Read, *roots: str) -> tuple[Edit, ...]:
    """What a patch makes of the files, deletions first; PatchMistake tells the model all that does not fit.

    Line endings, a missing final newline, a byte order mark and bytes that are not UTF-8 stay as they are in the
    file. `roots`: absolute paths below one of them are taken as relative ones. `read` may give an Opaque for a folder.
    """
    sections = parse(text)
    edits: list[Edit] = []
    mistakes: list[str] = []
    named: set[str] = set()
    for section in sections:
        try:
            located = _located(section, roots, named)
            edits += _edits(located, read)
        except PatchMistake as mistake:
            mistakes.append(mistake.message)
        except StageError as error:
            mistakes.append(f"{section.path}: {error}")
    mistakes += [] if mistakes else _blocked(edits, read)
    if mistakes:
        more = [f"... and {len(mistakes) - MOST_MISTAKES} more."] if len(mistakes) > MOST_MISTAKES else []
        raise PatchMistake("\n\n".join([*mistakes[:MOST_MISTAKES], *more, "Nothing of the patch was applied."]))
    return tuple(sorted(edits, key=lambda edit: edit.entry is not None))


def _located(section: Section, roots: tuple[str, ...], named: set[str]) -> Section:
    path, move = _path(section.path, roots), _path(section.move, roots) if section.move else ""
    for name in dict.fromkeys((path, move) if move else (path,)):
        if name in named:
            raise PatchMistake(f"{name}: the patch names it twice. Put all that happens to a file into one section.")
        named.add(name)
    return Section(
        kind=section.kind,
        path=path,
        move="" if move == path else move,
        added=section.added,
        newline=section.newline,
        hunks=section.hunks,
    )


def _path(path: str, roots: tuple[str, ...]) -> str:
    above = next((root for root in roots if path.startswith(root.rstrip("/") + "/")), "")
    inner = path.removeprefix(above.rstrip("/") + "/") if above else path
    names = [name for name in inner.split("/") if name not in ("", ".")]
    if inner.startswith("/") or ".." in names or "\0" in inner:
        raise PatchMistake(f"{shown(path)}: this leads out of the repository. Paths are relative to its root.")
    if not names:
        raise PatchMistake(f"'{shown(path)}' is no path of a file.")
    if not PRIVATE.isdisjoint(name.lower() for name in names):
        raise PatchMistake(f"{shown(path)}: the files of version control are not patched; run git with the shell.")
    return "/".join(names)


def _edits(section: Section, read: Read) -> list[Edit]:
    path, there = section.path, read(section.path)
    if isinstance(there, Opaque):
        raise PatchMistake(f"{path}: it cannot be patched ({there.what}).")
    if section.kind == "add":
        if there is not None:
            raise PatchMistake(f"{path}: it exists already. Change it with *** Update File: {path}")
        return [Edit(path, File(_created(section)))]
    if there is None:
        raise PatchMistake(f"{path}: there is no such file{_advice(section.kind)}.")
    if section.kind == "delete":
        return [Edit(path, None)]
    if not section.hunks and not section.move:
        raise PatchMistake(f"{path}: the update has no hunks. Start one with @@, then lines with ' ', '-' or '+'.")
    entry = _updated(path, there, section.hunks)
    if not section.move:
        return [Edit(path, entry)]
    if read(section.move) is not None:
        raise PatchMistake(f"{section.move}: it exists already, so {path} cannot be moved there.")
    return [Edit(path, None), Edit(section.move, entry)]


def _advice(kind: str) -> str:
    return ", so it cannot be deleted" if kind == "delete" else ". Create it with *** Add File:, or look for its name"


def _blocked(edits: list[Edit], read: Read) -> Iterator[str]:
    gone = {edit.path for edit in edits if edit.entry is None}
    made = {edit.path for edit in edits if edit.entry is not None}
    for path in sorted(made):
        for folder in _above(path):
            if folder in made or (folder not in gone and isinstance(read(folder), File | Link)):
                yield f"{path}: {folder} is a file, not a folder."


def _above(path: str) -> list[str]:
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names))]


def _created(section: Section) -> bytes:
    text = "\n".join(section.added) + ("\n" if section.added and section.newline else "")
    return _encoded(text, section.path)


def _encoded(text: str, path: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise PatchMistake(f"{path}: the patch has half a character in {shown(ascii(error.object))}.") from None


def _updated(path: str, entry: File | Link, hunks: tuple[Passage, ...]) -> File | Link:
    if not hunks:
        return entry
    if isinstance(entry, Link):
        raise PatchMistake(
            f"{path}: it is a symbolic link to {shown(entry.target)}. Patch that file, or use the shell."
        )
    if not texts.is_text(entry.data):
        raise PatchMistake(f"{path}: it is binary and cannot be patched. Use the shell.")
    text = entry.data.decode("utf-8", "surrogateescape")
    mark = BOM if text.startswith(BOM) else ""
    patched = _patched(path, text.removeprefix(BOM), hunks)
    return File(_encoded(mark + patched.removeprefix(mark), path), entry.mode)


def _patched(path: str, text: str, hunks: tuple[Passage, ...]) -> str:
    *closed, last = text.split("\n")
    lines = [_divided(line) for line in closed] + ([(last, "")] if last else [])
    usual = CRLF if sum(ending == CRLF for _, ending in lines) * 2 > len(closed) else LF
    result: list[tuple[str, str]] = []
    at = 0
    for place, passage in _placed(path, [line for line, _ in lines], hunks):
        result += lines[at : place.start]
        at = place.start
        for sign, line in passage.lines[: place.taken]:
            if sign == "+":
                result.append(_added(path, line, _ending(lines, at) or usual, text))
            else:
                result += lines[at : at + 1] if sign == " " else []
                at += 1
    result += lines[at:]
    above = "".join(line + (ending or usual) for line, ending in result[:-1])
    bottom, ending = result[-1] if result else ("", "")
    return above + bottom + ("" if last or not result else ending or usual)


def _divided(line: str) -> tuple[str, str]:
    return (line[:-1], CRLF) if line.endswith("\r") else (line, LF)


def _ending(lines: list[tuple[str, str]], at: int) -> str:
    """How the line above ends, or else the one below."""
    near = lines[max(at - 1, 0) : at] or lines[at : at + 1]
    return near[0][1] if near else ""


def _added(path: str, line: str, ending: str, text: str) -> tuple[str, str]:
    if "\ufffd" in line and "\ufffd" not in text:
        raise PatchMistake(
            f"{path}: an added line has U+FFFD, which stands for bytes that are not UTF-8: {shown(line)}\n"
            "Leave such lines as they are, or change them with the shell."
        )
    return (line.removesuffix("\r") if ending == CRLF else line), ending


def _placed(path: str, lines: list[str], hunks: tuple[Passage, ...]) -> list[tuple[Place, Passage]]:
    placed: list[tuple[Place, Passage, int]] = []
    for number, passage in enumerate(hunks, 1):
        try:
            placed.append((find(lines, passage), passage, number))
        except PatchMistake as mistake:
            raise PatchMistake(f"{_called(path, number, passage)}: {mistake.message}") from None
    placed.sort(key=lambda one: one[0].start)
    for (place, passage, number), (after, _, other) in pairwise(placed):
        if place.start + sum(sign != "+" for sign, _ in passage.lines[: place.taken]) > after.start:
            raise PatchMistake(
                f"{path}: hunks {number} and {other} overlap at line {after.start + 1}. Make them one hunk."
            )
    return [(place, passage) for place, passage, _ in placed]


def _called(path: str, number: int, passage: Passage) -> str:
    sign, line = next((pair for pair in passage.lines if pair[1].strip()), passage.lines[0])
    return f"{path}, hunk {number} (line {passage.line} of the patch, first line '{sign}{shown(line)}')"
