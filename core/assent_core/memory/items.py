"""What a model has seen, kept beside the record, so that a resumed session extends it byte for byte."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import cast

from assent_core.model import WireItem


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
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        try:
            if not self._whole:
                drop_torn(descriptor)
                self._whole = True
            rest = json.dumps([at, items], separators=(",", ":")).encode() + b"\n"
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)


def read_items(path: Path) -> list[WireItem]:
    """The items as they were last; empty without a file. What follows a line that cannot be read is left out."""
    items: list[WireItem] = []
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return items
    for line in lines:
        try:
            at, added = cast("tuple[int, list[WireItem]]", json.loads(line))
            items[at:] = added
        except (ValueError, TypeError):
            break
    return items


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
