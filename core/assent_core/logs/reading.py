"""Raw output becomes redacted text: as it comes, or from a file of any length in memory of a fixed size."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from pathlib import Path

from assent_core.redaction.redactor import Flow, by_lines
from assent_sandbox.output import decode

Redact = Callable[[str], str]

BLOCK = 1 << 20
"""Bytes of a file that are read at once."""


class Lines:
    """Decodes a stream into redacted text by whole lines, so that no secret is cut in two."""

    def __init__(self, redact: Redact) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._flow = Flow(redact, by_lines)

    def feed(self, data: bytes) -> str:
        """Take some bytes, give the lines that are complete."""
        return self._flow.feed(self._decoder.decode(data))

    def end(self) -> str:
        """Give what is left."""
        return self._flow.feed(self._decoder.decode(b"", final=True)) + self._flow.end()


def blocks(path: str, redact: Redact) -> Iterator[str]:
    """The redacted text of a file of raw output, block by block; raises OSError where it cannot be read."""
    flow = Flow(redact, by_lines)
    for piece in _pieces(path):
        if text := flow.feed(decode(piece)):
            yield text
    if rest := flow.end():
        yield rest


def _pieces(path: str) -> Iterator[bytes]:
    """The bytes of a file by whole lines; a line that is longer than a block comes in pieces, no letter cut in two."""
    rest = b""
    with Path(path).open("rb", buffering=0) as file:
        while data := file.read(BLOCK):
            rest += data
            end = rest.rfind(b"\n") + 1 or (_letter_end(rest) if len(rest) >= BLOCK else 0)
            if end:
                yield rest[:end]
                rest = rest[end:]
    if rest:
        yield rest


def _letter_end(data: bytes) -> int:
    """Where the last letter of some UTF-8 ends that is whole."""
    end = len(data)
    while len(data) - end < 4 and data[end - 1] & 0xC0 == 0x80:
        end -= 1
    return end - 1 if data[end - 1] & 0xC0 == 0xC0 else len(data)
