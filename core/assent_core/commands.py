"""How a shell command reads: words and marks for a card; it decides nothing and opens nothing."""

from __future__ import annotations

INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(map(chr, range(0xFE00, 0xFE10)))
"""Characters that count as letters or marks and yet show nothing."""


def visible(text: str, keep: str = "") -> str:
    """The text with control, bidi and invisible characters made visible; those in `keep` stay as they are."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in keep or _is_plain(char) else _picture(char) for char in text)


def _is_plain(char: str) -> bool:
    return char == " " or (char not in INVISIBLE and char.isprintable())


def _picture(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"
