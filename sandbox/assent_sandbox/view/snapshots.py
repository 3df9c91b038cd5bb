"""An album of a stage's snapshots: a log of what changed from one to the next, over a store of contents."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from assent_sandbox.stage import StageError
from assent_sandbox.view.bases import Base, latin, native
from assent_sandbox.view.contents import Contents

MOST = 2 << 30
"""Bytes that one album may hold; beyond it the oldest snapshots go."""


class Held(Struct, frozen=True, omit_defaults=True):
    """What a stage holds apart at one path, and the base of it.

    `nothing` is something deleted. The other kinds after `link` are found in a `.git` alone.
    """

    kind: Literal["file", "link", "nothing", "folder", "hiding folder", "whiteout"]
    content: str = ""
    """A file's content by name; a link's target as bytes read as Latin-1."""
    mode: int = 0
    seen: tuple[int, ...] = ()
    """The fingerprint of the file in the view, as long as that surely tells whether it changed."""
    base: Base | None = None


class Snapshot(Struct, frozen=True):
    """A stage as it was: what it held apart, the folders that were not there, and when (by the clock of files, in ns)."""

    held: dict[str, Held] = {}
    gone: tuple[str, ...] = ()
    time: int = 0


class _Line(Struct, omit_defaults=True):
    """One step of the log: a snapshot as its difference from the one before, or a mark."""

    name: int = 0
    time: int = 0
    put: dict[str, Held] = {}
    taken: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    going: str | None = None
    """A mark: going back to this snapshot has begun, or has ended where it is empty."""


class Album:
    """The snapshots in one folder, by name.

    A line that a crash cut off is dropped (each begins with a newline of its own): contents are stored before it.
    """

    def __init__(self, folder: Path) -> None:
        self._log = f"{folder}/log"
        self._scratch = f"{folder}/scratch"
        os.makedirs(self._scratch, mode=0o700, exist_ok=True)
        self.contents = Contents(f"{folder}/contents", self._scratch)
        self._lines = _read(self._log)
        self.newest = _fold(self._lines)

    def names(self) -> tuple[str, ...]:
        """The names of the snapshots, oldest first."""
        return tuple(str(line.name) for line in self._lines if line.name)

    def mark(self, name: str) -> None:
        """Note that going back to a snapshot begins, or that it has ended (an empty name)."""
        self._append(_Line(going=name))

    def at(self, name: str) -> Snapshot:
        """One snapshot; StageError if it is not kept."""
        places = [place for place, line in enumerate(self._lines) if line.name and str(line.name) == name]
        if not places:
            raise StageError("that state of the stage is not kept any more", "Choose a later one.")
        return _fold(self._lines[: places[0] + 1])

    def add(self, made: Snapshot) -> str:
        """Put a snapshot, of which all contents are stored, behind the others; its name."""
        before = self.newest.held
        line = _Line(
            name=max((line.name for line in self._lines), default=0) + 1,
            time=made.time,
            put={latin(path): held for path, held in made.held.items() if before.get(path) != held},
            taken=tuple(latin(path) for path in before if path not in made.held),
            gone=tuple(map(latin, made.gone)),
        )
        self._append(line)
        self.newest = made
        if line.put:
            self._make_room()
        return str(line.name)

    def copy_to(self, folder: Path, name: str) -> None:
        """Make an album of its own of the snapshots up to one, at the cost of links."""
        self.at(name)
        other = Album(folder)
        for line in self._lines:
            if line.going is None:
                for content in _named([line]):
                    other.contents.take_over(content, self.contents)
                other._append(line)
            if str(line.name) == name:
                return

    def _append(self, line: _Line) -> None:
        file = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(file, "ab") as log:
            log.write(b"\n" + msgspec.json.encode(line) + b"\n")
        self._lines.append(line)

    def _make_room(self) -> None:
        size = self.contents.size()
        while size > MOST and len(self.names()) > 1:
            first, second, *rest = (line for line in self._lines if line.name)
            put = {path: held for path, held in first.put.items() if path not in second.taken} | second.put
            self._lines = [msgspec.structs.replace(second, put=put), *rest]
            with open(f"{self._scratch}/log", "wb") as log:
                log.writelines(msgspec.json.encode(line) + b"\n" for line in self._lines)
            os.rename(f"{self._scratch}/log", self._log)
            self.contents.keep_only(_named(self._lines))
            size = self.contents.size()


def names(folder: Path) -> tuple[str, ...]:
    """The names of the snapshots in a folder, oldest first; none where there is no such folder."""
    return tuple(str(line.name) for line in _read(f"{folder}/log") if line.name)


def going(folder: Path) -> str:
    """The snapshot to which going back was begun and not ended; empty if there is none."""
    marks = [line.going for line in _read(f"{folder}/log") if line.going is not None]
    return marks[-1] if marks else ""


def _read(log: str) -> list[_Line]:
    try:
        with open(log, "rb") as file:
            raw = file.read().split(b"\n")
    except FileNotFoundError:
        return []
    lines: list[_Line] = []
    for each in raw:
        try:
            lines.append(msgspec.json.decode(each, type=_Line))
        except msgspec.DecodeError:
            continue
    return lines


def _fold(lines: Iterable[_Line]) -> Snapshot:
    held: dict[str, Held] = {}
    last = _Line()
    for line in lines:
        if not line.name:
            continue
        for path in line.taken:
            held.pop(native(path), None)
        held |= {native(path): each for path, each in line.put.items()}
        last = line
    return Snapshot(held, tuple(map(native, last.gone)), last.time)


def _named(lines: Iterable[_Line]) -> set[str]:
    """The contents that lines name."""
    found: set[str] = set()
    for line in lines:
        for held in line.put.values():
            if held.kind == "file":
                found.add(held.content)
            if held.base is not None and held.base.kind == "file":
                found.add(held.base.content)
    return found
