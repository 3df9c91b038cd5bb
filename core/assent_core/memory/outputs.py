"""What commands wrote, kept whole for the session, so that any window of it can be read again."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path

NAME = re.compile(r"log:(\d{1,9})")
MOST = 64 << 20
"""Most bytes of all outputs of one session; beyond it the oldest go."""


class Outputs:
    """Keeps outputs as files that only their owner can read; the texts come redacted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, text: str) -> str:
        """Keep one output; the name under which it can be read, or nothing where it cannot be kept."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            number = max(self._numbers(), default=0) + 1
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            with os.fdopen(os.open(self._file(number), flags, 0o600), "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            self._make_room(number)
        except OSError:
            return ""
        return f"log:{number}"

    def window(self, name: str, start: int, lines: int) -> str | None:
        """Numbered lines of a kept output from line `start` on; None if `name` is no name of an output.

        An output that is not there any more, or has fewer lines, is told in words.
        """
        if not (found := NAME.fullmatch(name)):
            return None
        try:
            with self._file(int(found[1])).open(encoding="utf-8", errors="replace", newline="\n") as file:
                window = list(islice(file, start - 1, start - 1 + lines))
                left = sum(1 for _ in file)
        except OSError:
            known = sorted(self._numbers())
            return f"There is no {name}; kept are: {', '.join(f'log:{number}' for number in known) or 'none'}."
        if not window:
            return f"{name} has no line {start}."
        numbered = "".join(f"{start + index:5} {line}" for index, line in enumerate(window)).rstrip("\n")
        last = start + len(window) - 1
        return f"{numbered}\n[lines {start}-{last} of {last + left}]"

    def _make_room(self, newest: int) -> None:
        sizes = {number: self._file(number).stat().st_size for number in sorted(self._numbers())}
        for number, size in list(sizes.items()):
            if sum(sizes.values()) <= MOST or number == newest:
                return
            self._file(number).unlink(missing_ok=True)
            sizes[number] -= size

    def _numbers(self) -> list[int]:
        names = os.listdir(self._folder) if self._folder.is_dir() else []  # noqa: PTH208  # names, not paths
        return [int(name) for name in names if name.isdecimal() and name.isascii()]

    def _file(self, number: int) -> Path:
        return self._folder / str(number)
