"""What a file says, as the model reads it: some of its lines with their numbers."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path

from assent_core.consent.standing import Stands
from assent_core.proposals import Read
from assent_sandbox.stage import Entry, File, Link, Opaque, StageError

LARGEST = 16 << 20
"""Largest file outside the repository, in bytes, that is read."""


def outside(path: Path, stands: Stands) -> Entry | None:
    """A file outside the repository, if it is the very one that was approved."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return Opaque("no regular file")
            if status.st_ino not in {then.inode for _, then in stands}:
                raise StageError(f"{path} is not the file that was approved, so it is not read.", "Ask again.")
            return (
                File(file.read()) if status.st_size <= LARGEST else Opaque("a file too large to read", status.st_size)
            )
    except OSError as error:
        raise StageError(f"{path} cannot be read: {error.strerror}") from error


def window(path: str, entry: Entry | None, read: Read, redact: Callable[[str], str]) -> tuple[bool, str]:
    """Some lines of a file with their numbers; the whole of it is redacted first, so that no window cuts a secret in two."""
    match entry:
        case None:
            return False, f"There is no file {shlex.quote(path)}."
        case Link(target=target):
            return False, f"{path} is a symbolic link to {target}; read that path instead."
        case Opaque(what=what, size=size):
            return False, f"{path} is {what} ({size} bytes) and cannot be read as text."
        case File(data=data):
            if b"\0" in data[:8192]:
                return False, f"{path} is a binary file of {len(data)} bytes."
    lines = redact(data.decode(errors="replace")).splitlines()
    start = max(read.start, 1)
    shown = lines[start - 1 : start - 1 + max(read.lines, 1)]
    if not shown:
        return bool(not lines), f"{path} has {len(lines)} lines; there is nothing from line {start} on."
    numbered = "\n".join(f"{start + index:5} {line}" for index, line in enumerate(shown))
    last = start + len(shown) - 1
    return True, numbered if last == len(lines) else f"{numbered}\n[lines {start}-{last} of {len(lines)}]"
