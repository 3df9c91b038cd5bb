"""What is kept of an endless output: its head and its tail in memory, and all of it in a file once that is more."""

from __future__ import annotations

import os
from contextlib import suppress

from assent_sandbox.policy import left_out


class Whole:
    """A file of everything, up to so many bytes, that only its owner can read; made when the first byte comes.

    A disk that is full ends it: there is no file then, and head and tail are what is left.
    """

    def __init__(self, path: str, room: int) -> None:
        self._path, self._room = path, room
        self._file = -1
        self._passed = 0
        self._broken = False
        with suppress(OSError):
            os.unlink(path)

    def add(self, data: bytes | bytearray) -> None:
        """Write a piece, as far as there is room."""
        piece = memoryview(data)[: max(self._room - self._passed, 0)]
        self._passed += len(data)
        if self._broken or not piece:
            return
        try:
            if self._file < 0:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                self._file = os.open(self._path, flags, 0o600)
            while piece:
                piece = piece[os.write(self._file, piece) :]
        except OSError:
            self._broken = True
            self.drop()

    def end(self, tail: bytes) -> str:
        """Add the tail where there was no room for all, and what is missing in words; the file's path, or nothing."""
        beyond = self._passed - self._room
        if beyond > 0 and self._file >= 0:
            self._room, missing = self._passed + len(tail) + 100, beyond - len(tail)
            self.add((left_out(missing) if missing > 0 else b"") + tail[-beyond:])
        if self._file < 0:
            return ""
        os.close(self._file)
        self._file = -1
        return self._path

    def drop(self) -> None:
        """Delete the file if it was not ended."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            with suppress(OSError):
                os.unlink(self._path)


class Kept:
    """The head and the tail of an endless output; what is more goes into a file, if there is one for it."""

    def __init__(self, limit: int, whole: Whole | None = None) -> None:
        self._half = max(limit // 2, 1)
        self._head, self._tail = bytearray(), bytearray()
        self._cut = 0
        self._whole = whole

    def add(self, data: bytes) -> None:
        """Take in a piece."""
        if self._cut and self._whole:
            self._whole.add(data)
        room = self._half - len(self._head)
        self._head += data[: max(room, 0)]
        self._tail += data[max(room, 0) :]
        if len(self._tail) > 2 * self._half:
            self._trim()

    def _trim(self) -> None:
        extra = max(len(self._tail) - self._half, 0)
        if extra and not self._cut and self._whole:
            self._whole.add(self._head)
            self._whole.add(self._tail)
        del self._tail[:extra]
        self._cut += extra

    def parts(self) -> tuple[bytes, bytes, int]:
        """Give head, tail, and how many bytes between them were dropped."""
        self._trim()
        return bytes(self._head), bytes(self._tail), self._cut

    def whole(self) -> str:
        """The file with all of it, where head and tail are not all; nothing may be added any more."""
        return self._whole.end(self.parts()[1]) if self._whole else ""

    def close(self) -> None:
        """Let go; a file that nobody was told of is deleted."""
        if self._whole:
            self._whole.drop()
