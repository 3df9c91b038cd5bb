"""Marks of our own in plain letters, one cell for one cell, for screens that are to have no pictograms."""

from __future__ import annotations

PLAIN = str.maketrans(
    {
        "▸": ">",
        "▾": "v",
        "▌": ">",
        "▏": "|",
        "│": "|",
        "┼": "+",
        "─": "-",
        "✓": "+",
        "✗": "x",
        "✕": "x",
        "●": "*",
        "○": "o",
        "◌": "?",
        "◐": "*",
        "◓": "+",
        "◑": "*",
        "◒": "+",
        "⊘": "!",
        "↪": "\\",
        "⋮": ":",
        "⋯": ":",
        "⎇": "@",
        "▲": "^",
        "▼": "v",
        "•": "-",
        "→": ">",
        "›": ">",
        "·": "-",
        "…": "~",
        "−": "-",
        "–": "-",
    }
)
CHROME = frozenset({"accent", "bad", "bold", "dim", "faint", "info", "ok", "rule", "warn", "head", "num"})
"""The styles in which marks of ours are written; text of files and models that are reviewed has others."""
LONGEST_MARK = 2


def plainly(text: str, names: str) -> str:
    """A run of text without pictograms, where it is a mark of ours or begins with one; else as it is."""
    if not names or text.isascii() or not CHROME.issuperset(names.split()):
        return text
    bare = text.lstrip(" ")
    mark, blank, rest = bare.partition(" ")
    if len(mark) > LONGEST_MARK + 1 or mark.isalnum():
        return text
    return text[: len(text) - len(bare)] + mark.translate(PLAIN) + blank + rest
