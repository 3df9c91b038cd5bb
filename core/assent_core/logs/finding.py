"""One thing that a tool complains of, as it said it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

LONGEST_MESSAGE = 300
Severity = Literal["error", "warning", "note"]


class Finding(Struct, frozen=True, kw_only=True):
    """A diagnostic, a raised exception or a failing test; empty or 0 where the log does not say."""

    tool: str
    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    code: str = ""
    """The rule or number of the error, for example 'F401', 'E0308', 'return-value'."""
    severity: Severity = "error"
    test: str = ""
    """The id of the failing test."""

    @property
    def place(self) -> str:
        """Where it is, as 'path:line:column' as far as it is known."""
        return ":".join([self.path, *(str(number) for number in (self.line, self.column) if number)])

    @property
    def told(self) -> str:
        """All of it in one line."""
        kind = f"{self.severity}{f' {self.code}' if self.code else ''}" if not self.test else ""
        return ": ".join(part for part in (self.test, self.place, kind, self.message) if part)


def short(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """The text without spaces at its ends, in at most so many characters."""
    text = text.strip()
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
