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

LONGEST_BEGUN = 600
"""Characters at the end of a text in which a key of several words may have begun."""
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
    within: bool = False
    after: str = ""
    begun: str = ""
    begun_by: tuple[str, ...] = ()
    source: str

    def taken_out(self, text: str, mark: str) -> str:
        """The text with `mark` in place of each key of this format."""
        needs = re.compile(self.needs)
        before = re.compile(f"(?:{self.after})\\Z") if self.within else _BEGINS
        group = "key" if "(?P<key>" in self.pattern else 0

        def put(found: re.Match[str]) -> str:
            stands = before.search(text[max(found.start() - _NEAR, 0) : found.start()])
            key = found[group].rstrip(".")
            if not (stands and needs.search(key)) or (group and _stands_for(found, mark)):
                return found[0]
            at = found.start(group) - found.start()
            return found[0][:at] + mark + "\n" * key.count("\n") + found[0][at + len(key) :]

        return re.sub(self.pattern, put, text)

    def begins(self, text: str) -> int:
        """Where at the end of a text a key of this format has begun; its length if nowhere."""
        found = re.search(f"(?:{self.begun})\\Z", text) if self.begun else None
        return found.start() if found else len(text)


_WORDS = re.compile(
    r"(?i)(?:(?:your|my|the|some|our|new|old|test|db|user)[-_ ]?)?(?:api[-_]?)?"
    r"(?:pass(?:word|wd|phrase)?|pwd?|secret|token|key|creds?|credentials?|auth)s?\d?|x{2,}|\.{2,}|[*•]{2,}|"
    r"example|placeholder|redacted|change[-_]?me|(?:replace|insert|enter|put)[-_a-z]{3,40}|none|null|undefined"
)
"""What stands for a key in documents and settings."""


def _stands_for(found: re.Match[str], mark: str) -> bool:
    key, user = found["key"], found.groupdict().get("user")
    return (
        key.startswith((mark, "$", "{", "<", "&lt;", "%(", "%s", "[", "(("))
        or key == user
        or bool(_WORDS.fullmatch(key))
    )


@cache
def formats() -> tuple[Format, ...]:
    """The table."""
    read = tomllib.loads(Path(__file__).with_name("formats.toml").read_text(encoding="utf-8"))
    return msgspec.convert(read["format"], tuple[Format, ...])


def formats_in(text: str) -> tuple[Format, ...]:
    """Those of the table of which a key may stand in a text; cheap, for most texts hold the mark of none.

    A key that is one word has its mark in a long one, and of those a text holds few.
    """
    words, small = " ".join(dict.fromkeys(_LONG_WORD.findall(text))), text.lower()
    return tuple(dict.fromkeys(one for mark, one, in_word in _by_mark() if mark in (words if in_word else small)))


_LONG_WORD = re.compile(r"[A-Za-z0-9_.+/=~-]{20,}+")
"""What each key that is one word is a part of, or is."""


@cache
def _by_mark() -> tuple[tuple[str, Format, bool], ...]:
    return tuple((mark, one, _is_one_word(one)) for one in formats() for mark in one.marks)


def _is_one_word(one: Format) -> bool:
    return not one.within and not re.search(r"\\s|\?P<key>|[: \\]PRIVATE KEY|:AA", one.pattern)


def begins(text: str) -> int:
    """Where at the end of a text a key of several words or lines has begun; its length if nowhere."""
    tail = text[-LONGEST_BEGUN:]
    small = tail.lower()
    near = dict.fromkeys(one for sign, one in _by_beginning() if sign in small)
    return len(text) - len(tail) + min((one.begins(tail) for one in near), default=len(tail))


@cache
def _by_beginning() -> tuple[tuple[str, Format], ...]:
    return tuple((sign, one) for one in formats() if one.begun for sign in one.begun_by or one.marks)
