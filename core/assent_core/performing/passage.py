"""What is shown of a command's output while it comes, and what passes through as it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from assent_core.events import Printed
from assent_core.logs.reading import Lines, Redact

Stream = Literal["stdout", "stderr"]
Passage = Mapping[Stream, Callable[[bytes], None]]
"""Streams whose bytes go somewhere as they are; of a command with a passage the other stream is shown without a bound."""


class Shown:
    """What is shown of an output while it comes: redacted lines, up to so many bytes; or the bytes where they pass through."""

    def __init__(self, id: str, redact: Redact, most: int, passage: Passage | None) -> None:
        self._id, self._passage = id, passage or {}
        self._room = most if passage is None else sys.maxsize
        self._lines: dict[Stream, Lines] = {"stdout": Lines(redact), "stderr": Lines(redact)}

    def take(self, data: bytes, stream: Stream) -> Printed | None:
        """Take a piece; what is to be shown now, if anything is."""
        if pass_on := self._passage.get(stream):
            pass_on(data)
            return None
        if self._room <= 0:
            return None
        self._room -= len(data)
        return self._printed(self._lines[stream].feed(data), stream)

    def rest(self) -> Iterator[Printed]:
        """What was held back until its line was whole."""
        for stream, lines in self._lines.items():
            if printed := self._printed(lines.end(), stream):
                yield printed

    def _printed(self, text: str, stream: Stream) -> Printed | None:
        return Printed(id=self._id, text=text, stream=stream) if text else None
