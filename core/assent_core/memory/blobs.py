"""Large texts of a session as files beside its record, each stored once, under a name that is made from it."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

NAME = re.compile(r"[0-9a-f]{48}")


class Blobs:
    """A folder of texts that only their owner can read; the texts come redacted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, text: str) -> str:
        """Store a text, whole or not at all; its name. OSError if it cannot be stored."""
        return self.keep_all((text,))[0]

    def keep_all(self, pieces: Iterable[str]) -> tuple[str, int]:
        """The same for a text that comes in pieces; its name and its size in bytes."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.folder / f".{secrets.token_hex(8)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        made, size = hashlib.blake2b(digest_size=24), 0
        try:
            with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
                for piece in pieces:
                    data = piece.encode("utf-8", "backslashreplace")
                    made.update(data)
                    size += file.write(data)
            if not self.path(name := made.hexdigest()).exists():
                draft.replace(self.path(name))
        finally:
            draft.unlink(missing_ok=True)
        return name, size

    def get(self, name: str) -> str | None:
        """A stored text; None if it is not there."""
        try:
            return self.path(name).read_text("utf-8", "replace") if NAME.fullmatch(name) else None
        except OSError:
            return None

    def path(self, name: str) -> Path:
        """Where a text lies."""
        return self.folder / name

    def share_with(self, other: Path) -> None:
        """Let another folder have all of it too, at the cost of links."""
        if self.folder.is_dir():
            other.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in self.folder.iterdir():
                if NAME.fullmatch(path.name):
                    (other / path.name).hardlink_to(path)
