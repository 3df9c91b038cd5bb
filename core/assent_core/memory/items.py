"""What a model has seen, kept beside the record, so that a resumed session extends it byte for byte."""

from __future__ import annotations

import json
import mmap
import os
from pathlib import Path
from typing import cast

from msgspec import Struct

from assent_core.model import WireItem

_WHOLE = b"\n[0,"
"""A line begins so that says what all items are."""


class Seen(Struct, frozen=True):
    """What a model has seen, and of how many lines of the file it is not known what they said."""

    items: tuple[WireItem, ...] = ()
    lost: int = 0


class ItemFile:
    """An append-only file that only its owner can read. Each line says: from item `at` on, the items are these.

    Nothing in it is redacted again: what a model has been sent and has answered goes back unchanged.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._whole = False

    def keep(self, at: int, items: list[WireItem]) -> None:
        """Write that `items` follow the first `at` ones; it is in the file when this returns."""
        descriptor = self._open()
        try:
            rest = json.dumps([at, items], separators=(",", ":")).encode() + b"\n"
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)

    def size(self) -> int:
        """Bytes that are in the file: a place in it to which `read_items` can go back."""
        descriptor = self._open()
        try:
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        if not self._whole:
            drop_torn(descriptor)
            self._whole = True
        return descriptor


def read_items(path: Path, size: int | None = None) -> Seen:
    """The items as they were last, or when the file had that size; none without a file.

    A line that cannot be read is left out, with what cannot stand without it; a last line that was cut off never counts.
    """
    try:
        with path.open("rb") as file:
            if not (length := min(size, path.stat().st_size) if size is not None else path.stat().st_size):
                return Seen()
            with mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ) as data:
                return _folded(_tail(data).split(b"\n"))
    except FileNotFoundError:
        return Seen()


def _tail(data: mmap.mmap) -> bytes:
    """The whole lines from the last one on that says what all items are; of a long file that is a small part."""
    end = data.rfind(b"\n") + 1
    start = end
    while (start := data.rfind(_WHOLE, 0, start + len(_WHOLE) - 1)) >= 0:
        if _decoded(data[start + 1 : data.find(b"\n", start + 1)]) is not None:
            break
    return data[max(start, 0) : end]


def _folded(lines: list[bytes]) -> Seen:
    items: list[WireItem | None] = []
    lost = 0
    for line in filter(None, lines):
        if (decoded := _decoded(line)) is None:
            lost += 1
            continue
        at, added = decoded
        items += [None] * (at - len(items))
        items[at:] = added
    known = [item for item in items if item is not None]
    return Seen(tuple(_answering(known) if lost else known), lost)


def _decoded(line: bytes) -> tuple[int, list[WireItem]] | None:
    try:
        at, added = cast("tuple[int, list[WireItem]]", json.loads(line))
        return (at, added) if isinstance(at, int) and isinstance(added, list) else None  # pyright: ignore[reportUnnecessaryIsInstance] # a damaged file
    except (ValueError, TypeError):
        return None


def _answering(items: list[WireItem]) -> list[WireItem]:
    """The items without outputs whose calls are not known, which no service takes."""
    calls = {str(item.get("call_id")) for item in items if str(item.get("type")).endswith("_call")}
    return [
        item for item in items if not str(item.get("type")).endswith("_output") or str(item.get("call_id")) in calls
    ]


def drop_torn(descriptor: int) -> None:
    """Cut a last line that was never finished off an open file of lines."""
    end = size = os.fstat(descriptor).st_size
    while end and (block := os.pread(descriptor, min(end, 1 << 16), end - min(end, 1 << 16))):
        found = block.rfind(b"\n")
        end = end - len(block) + found + 1
        if found >= 0:
            break
    if end < size:
        os.ftruncate(descriptor, end)
