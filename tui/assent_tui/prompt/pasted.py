"""Long texts that stand in the prompt as one token each, and come back whole when it is sent; pure."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROWS, CHARACTERS = 8, 1_000
"""A text with more rows or characters than this is folded."""
PICTURES = frozenset((".png", ".jpg", ".jpeg", ".gif", ".webp"))
_BEGIN, _END = "\x02", "\x03"
"""Stand around a folded text where the prompt is kept; neither can be in a prompt, whose text is inert."""
_KEPT = re.compile(f"{_BEGIN}([^{_BEGIN}{_END}]*){_END}?")
_MENTION = re.compile(r'(?:^|(?<=\s))@(?:"([^"\n]+)"|(\S+))')


class Pasted:
    """Knows which token stands for which text, as long as the prompt lives."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def fold(self, text: str) -> str:
        """The token for a text that is too long to be shown; others as they are."""
        count = text.count("\n") + 1
        if count <= ROWS and len(text) <= CHARACTERS:
            return text
        size = f"{count} lines" if count > 1 else f"{len(text):,} characters"
        token = f"[pasted {size}]"
        number = 2
        while self._texts.get(token, text) != text:
            token = f"[pasted {size} #{number}]"
            number += 1
        self._texts[token] = text
        return token

    def whole(self, text: str) -> str:
        """What is meant: each token's own text in its place."""
        return self._replaced(text, "", "")

    def packed(self, text: str) -> str:
        """The text as it is to be kept, from which `unpacked` makes tokens again."""
        return self._replaced(text, _BEGIN, _END)

    def unpacked(self, text: str) -> str:
        """A kept text with tokens for what was folded."""
        return _KEPT.sub(lambda match: self.fold(match[1]), text)

    def token_before(self, text: str) -> int:
        """How many characters the token has with which a text ends; 0 if it does not."""
        return next((len(token) for token in self._texts if text.endswith(token)), 0)

    def _replaced(self, text: str, before: str, after: str) -> str:
        if not self._texts:
            return text
        tokens = re.compile("|".join(map(re.escape, sorted(self._texts, key=len, reverse=True))))
        return tokens.sub(lambda match: before + self._texts[match[0]] + after, text)


def plain(kept: str) -> str:
    """A kept text as it was sent."""
    return kept.replace(_BEGIN, "").replace(_END, "")


def picture_in(text: str) -> str:
    """The path of an existing picture if that is all that was pasted or dropped, quoted, escaped or as a URL."""
    word = text.strip()
    if not word or "\n" in word or len(word) > 4096:
        return ""
    if word[0] == word[-1] and word[0] in "'\"" and len(word) > 2:
        word = word[1:-1]
    elif word.startswith("file://"):
        word = unquote(urlsplit(word).path)
    else:
        word = re.sub(r"\\(.)", r"\1", word)
    return word if word.isprintable() and _is_picture(Path(word).expanduser()) else ""


def mention(path: str) -> str:
    """How a path is written into the prompt."""
    return f'@"{path}"' if " " in path else f"@{path}"


def pictures(text: str, root: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The pictures that a text mentions (`@shot.png`, `@"my shot.png"`), and those mentions that are no file."""
    found: dict[Path, None] = {}
    missing: list[str] = []
    for match in _MENTION.finditer(text):
        named = match[1] or match[2].rstrip(".,;:!?)")
        if Path(named).suffix.lower() not in PICTURES:
            continue
        place = root / Path(named).expanduser()
        if _is_picture(place):
            found[place] = None
        else:
            missing.append(named)
    return tuple(found), tuple(missing)


def _is_picture(place: Path) -> bool:
    try:
        return place.suffix.lower() in PICTURES and place.is_file()
    except (OSError, ValueError):
        return False
