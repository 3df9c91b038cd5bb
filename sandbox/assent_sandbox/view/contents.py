"""Contents of files, each stored once, under a name that is made from it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Set
from contextlib import suppress

from assent_sandbox.view.clone import clone

_BLOCK = 1 << 20


class Contents:
    """A folder of contents. None of them ever changes, so that two stores can share one by a hard link.

    `scratch` is a folder on the same file system, for what is not whole yet.
    """

    def __init__(self, folder: str, scratch: str) -> None:
        self._folder = folder
        self._scratch = scratch
        os.makedirs(folder, mode=0o700, exist_ok=True)

    def put(self, data: bytes) -> str:
        """Store some bytes; their name."""
        name = hashlib.blake2b(data, digest_size=24).hexdigest()
        if not os.path.exists(self._place(name)):
            with open(f"{self._scratch}/{name}", "wb") as file:
                file.write(data)
            os.rename(f"{self._scratch}/{name}", self._place(name))
        return name

    def put_file(self, file: int) -> str:
        """Store what an open file holds, whatever its size; its name."""
        told = hashlib.blake2b(digest_size=24)
        os.lseek(file, 0, os.SEEK_SET)
        while block := os.read(file, _BLOCK):
            told.update(block)
        name = told.hexdigest()
        if not os.path.exists(self._place(name)):
            _copy(file, f"{self._scratch}/{name}")
            os.rename(f"{self._scratch}/{name}", self._place(name))
        return name

    def get(self, name: str) -> bytes:
        """What is stored under a name; FileNotFoundError if nothing is."""
        with open(self._place(name), "rb") as file:
            return file.read()

    def lay(self, name: str, place: str) -> None:
        """Make a file of its own with this content at a plain path where nothing stands."""
        with open(self._place(name), "rb") as file:
            _copy(file.fileno(), place)

    def take_over(self, name: str, other: Contents) -> None:
        """Store what another store has under a name, at the cost of a link where both are on one file system."""
        if os.path.exists(self._place(name)):
            return
        try:
            os.link(other._place(name), self._place(name))
        except OSError:
            other.lay(name, f"{self._scratch}/{name}")
            os.rename(f"{self._scratch}/{name}", self._place(name))

    def keep_only(self, names: Set[str]) -> None:
        """Delete all others."""
        for name in os.listdir(self._folder):
            if name not in names:
                os.unlink(self._place(name))

    def size(self) -> int:
        """Bytes of all that is stored."""
        with os.scandir(self._folder) as items:
            return sum(item.stat().st_size for item in items)

    def _place(self, name: str) -> str:
        return f"{self._folder}/{name}"


def _copy(source: int, place: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(place)
    target = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.lseek(source, 0, os.SEEK_SET)
        clone(source, target)
    finally:
        os.close(target)
