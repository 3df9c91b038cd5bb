"""The formats of keys as data: what is known for a key wherever it stands, without knowing its value.

A table of our own and no library: detect-secrets, the best kept one, takes half a second to import, brings five packages, reads
0.1 MB a second line by line, and of source code it calls every long hexadecimal or base64 text a secret.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

_NEAR = 16
"""Characters before a key that are looked at: the longest escape sequence that may stand there."""
_BEGINS = re.compile(
    r"(?:\A|[^A-Za-z0-9]|\\[abfnrtv]|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|%[0-9A-Fa-f]{2}|\x1b\[[0-9;:]*m)\Z"
)
"""What may stand before a key: nothing that makes it the rest of a longer word. Escapes of JSON, URLs, terminals end a word."""


class Format(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One format of the table; `formats.toml` says what each field means."""

    of: str
    marks: tuple[str, ...]
    pattern: str
    needs: str = ""
    source: str

    def taken_out(self, text: str, mark: str) -> str:
        """The text with `mark` in place of each key of this format."""
        needs = re.compile(self.needs)

        def put(found: re.Match[str]) -> str:
            before = text[max(found.start() - _NEAR, 0) : found.start()]
            if not (_BEGINS.search(before) and needs.search(found[0])):
                return found[0]
            key = found[0].rstrip(".")
            return mark + "\n" * key.count("\n") + found[0][len(key) :]

        return re.sub(self.pattern, put, text)


@cache
def formats() -> tuple[Format, ...]:
    """The table."""
    read = tomllib.loads(Path(__file__).with_name("formats.toml").read_text(encoding="utf-8"))
    return msgspec.convert(read["format"], tuple[Format, ...])


def formats_in(text: str) -> tuple[Format, ...]:
    """Those of the table of which a key may stand in a text; cheap, for most texts hold the mark of none."""
    return tuple(dict.fromkeys(one for mark, one in _by_mark() if mark in text))


@cache
def _by_mark() -> tuple[tuple[str, Format], ...]:
    return tuple((mark, one) for one in formats() for mark in one.marks)
