"""Patterns over what a command wrote, each tried only where one of its words stands: looking for those costs a hundredth."""

from __future__ import annotations

import re


class Wording:
    """A pattern that takes no heed of case, and words in lower case of which each match holds one."""

    def __init__(self, pattern: str, *words: str) -> None:
        self.pattern = re.compile(pattern, re.IGNORECASE)
        self.words = words

    def search(self, text: str) -> re.Match[str] | None:
        """The first match in a text."""
        lowered = text.lower()
        return self.pattern.search(text) if any(word in lowered for word in self.words) else None
