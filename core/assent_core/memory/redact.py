"""Secrets that must not leave: known values and known formats are taken out of text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH", re.IGNORECASE)
SHORTEST = 8
"""Shorter values are too common to be taken out of text without harm."""

FORMATS = re.compile(
    r"sk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{50,}"
    r"|glpat-[A-Za-z0-9_-]{20,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}"
    r"|xox[abposr]-[A-Za-z0-9-]{20,}"
    r"|AIza[A-Za-z0-9_-]{35}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)


class Redactor:
    """Takes secrets out of text: values that it was told of, and formats that are known for keys."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: tuple[str, ...] = ()
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Know these values too; values under eight characters are passed over."""
        known = set(self._values)
        for value in values:
            if len(value) >= SHORTEST:
                known |= {value, json.dumps(value)[1:-1]}
        self._values = tuple(sorted(known, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """The text with `[redacted]` in place of each secret."""
        for value in self._values:
            text = text.replace(value, "[redacted]")
        return FORMATS.sub("[redacted]", text)


def secrets_of_environment(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of variables whose names sound secret; file paths among them are none."""
    return tuple(value for name, value in environment.items() if SECRET_NAME.search(name) and not value.startswith("/"))


def secrets_of_env_file(text: str) -> tuple[str, ...]:
    """The values that a `.env` file assigns to names that sound secret."""
    found: list[str] = []
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and SECRET_NAME.search(name) and not name.lstrip().startswith("#"):
            found.append(value.strip().strip("'\""))
    return tuple(found)
