"""Large texts of a session as files beside its record, each stored once, under a name that is made from it."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path

NAME = re.compile(r"[0-9a-f]{48}")


class Blobs:
    """A folder of texts that only their owner can read; the texts come redacted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, text: str) -> str:
        """Store a text, whole or not at all; its name. OSError if it cannot be stored."""
        data = text.encode("utf-8", "backslashreplace")
        name = hashlib.blake2b(data, digest_size=24).hexdigest()
        if not self.path(name).exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = self.folder / f".{secrets.token_hex(8)}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            try:
                with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
                    file.write(data)
                draft.replace(self.path(name))
            finally:
                draft.unlink(missing_ok=True)
        return name

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
