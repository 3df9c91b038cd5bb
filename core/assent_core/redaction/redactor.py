"""Takes secrets out of text: values that it was told of, and formats that are known for keys."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from urllib.parse import quote

from assent_core.redaction.formats import begins, formats_in

MARK = "[redacted]"
SHORTEST = 8
"""Shorter values are too common to be taken out of text without harm."""
LONGEST = 1 << 16
"""Characters without an end of a line or word after which a flow is given on all the same."""
KEPT = 1 << 9
"""Characters of it that are held back even then: no key in a format is longer and has no end."""
_UNFINISHED = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,60}-{0,4}\Z"
    r"|-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?![\s\S]*-----END [A-Z0-9 ]{0,60}-----)"
)
_END = re.compile(r"-----END [A-Z0-9 ]{0,60}-----")
_told: set[str] = set()


class Redactor:
    """Takes secrets out of text. Doing it twice changes nothing more; it takes time and memory in proportion to the text."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: tuple[str, ...] = ()
        self._long: tuple[str, ...] = ()
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Know these values too, also as JSON or a URL would write them; values under eight characters are passed over."""
        known = set(self._values)
        for value in values:
            if len(value) >= SHORTEST and value not in MARK:
                _told.add(value)
                known |= {value, json.dumps(value)[1:-1], quote(value, safe="")}
        self._values = tuple(sorted(known, key=lambda one: (-len(one), one)))
        self._long = tuple(one for one in self._values if any(char.isspace() for char in one))

    def __call__(self, text: str) -> str:
        """The text with `[redacted]` in place of each secret; lines keep their numbers."""
        for value in self._values:
            if value in text:
                text = text.replace(value, MARK + "\n" * value.count("\n"))
        for one in formats_in(text):
            text = one.taken_out(text, MARK)
        return text

    def unfinished(self, text: str) -> int:
        """Where at the end of a text a secret of several words or lines may have begun; the length of the text if nowhere."""
        at = found.start() if (found := _UNFINISHED.search(text, _last_end(text))) else len(text)
        at = min(at, begins(text))
        for value in self._long:
            size = min(len(value) - 1, len(text))
            while size and not text.endswith(value[:size]):
                size -= 1
            at = min(at, len(text) - size)
        return at


def _last_end(text: str) -> int:
    """Where the last key ends that is whole: what begins before it ends too."""
    at = text.rfind("-----END ")
    while at > 0 and not _END.match(text, at):
        at = text.rfind("-----END ", 0, at)
    return max(at, 0)


class Flow:
    """Text that comes in pieces, given on without secrets: up to the last end of a line or of a word, so that none is cut in two.

    `ends` finds such an end.
    """

    def __init__(self, redact: Callable[[str], str], ends: Callable[[str], int]) -> None:
        self._redact = redact
        self._ends = ends
        self._rest = ""

    def feed(self, text: str) -> str:
        """Take a piece, give what can be given."""
        held = self._rest + text
        end = self._ends(held)
        if isinstance(self._redact, Redactor):
            end = min(end, self._redact.unfinished(held[:end]))
        if not end and len(held) > LONGEST:
            held = self._redact(held)
            end = len(held) - KEPT
        self._rest = held[end:]
        return self._redact(held[:end]) if end else ""

    def end(self) -> str:
        """Give what is left."""
        rest, self._rest = self._rest, ""
        return self._redact(rest) if rest else ""

    def drop(self) -> None:
        """Forget what is left."""
        self._rest = ""


def by_lines(text: str) -> int:
    """Where the last whole line of a text ends."""
    return text.rfind("\n") + 1


def by_words(text: str) -> int:
    """Where the last whole word of a text ends, its blank included."""
    return max(map(text.rfind, " \n\t")) + 1


def everything_known(values: Iterable[str] = ()) -> Redactor:
    """A redactor of all values that any redactor of this process was told of: for what is written outside a session."""
    return Redactor((*_told, *values))
