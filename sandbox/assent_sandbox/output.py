"""What a command wrote, made fit for people and models: decoded, inert, and cut to a size."""

from __future__ import annotations

import re
from functools import cache

_STYLE = re.compile(r"\x1b\[[0-9;:]*m")
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
_INVISIBLE = (
    r"\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ue000-\uf8ff\U000110bd\U000110cd"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
)
_EMOJI_STYLE = r"(?<![\u2000-\u3299\U0001f000-\U0001faff])\ufe0f"


@cache
def _active() -> re.Pattern[str]:
    """What is not harmless; compiled when there is a text that may have it."""
    return re.compile(f"[{_CONTROLS}{_INVISIBLE}]|{_EMOJI_STYLE}")


def inert(text: str) -> str:
    """Make text harmless to a terminal and honest to a reader; doing it twice changes nothing more.

    Colours and styles are dropped. Any other control character, and every character that is invisible or reorders
    its neighbours, is shown as a picture (`␛`) or by its number (`<U+202E>`). Newlines and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return _active().sub(_shown, _STYLE.sub("", text).replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same in one line, for names: a newline is shown as a picture, and nothing after it can pass for a line of ours."""
    return inert(text).replace("\n", "␊").replace("\t", "␉")


def inert_json(data: bytes) -> str:
    """JSON with the same values in which every character that is not harmless is written as an escape."""
    return _active().sub(_escaped, data.decode("utf-8"))


def _escaped(match: re.Match[str]) -> str:
    pairs = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{pairs[at] << 8 | pairs[at + 1]:04x}" for at in range(0, len(pairs), 2))


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"<U+{code:04X}>"


def decode(data: bytes) -> str:
    """Bytes as text: UTF-8 with `�` for what is none, and of each line that was redrawn only what it ended with."""
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n")
    return "\n".join(_last_drawn(line) for line in text.split("\n")) if "\r" in text else text


def _last_drawn(line: str) -> str:
    return next((part for part in reversed(line.split("\r")) if part), "")


def readable(data: bytes) -> str:
    """What a command wrote as text that is safe to show, to store and to send."""
    return inert(decode(data))


def cut(text: str, budget: int, note: str = "") -> str:
    """At most about `budget` characters of a text, half from its head and half from its tail, saying what is missing.

    The `note` says it where that is known better than by counting.
    """
    if len(text) <= budget:
        return text
    half = max(budget // 2, 1)
    head, tail = _whole_lines_of_head(text[:half]), _whole_lines_of_tail(text[-half:])
    missing = text[len(head) : len(text) - len(tail)]
    note = note or f"[... {missing.count(chr(10))} lines, {len(missing)} characters cut here ...]"
    return f"{head}{'' if head.endswith(chr(10)) else chr(10)}{note}\n{tail}"


def _whole_lines_of_head(text: str) -> str:
    end = text.rfind("\n") + 1
    return text[:end] if end > len(text) // 2 else text


def _whole_lines_of_tail(text: str) -> str:
    start = text.find("\n") + 1
    return text[start:] if 0 < start < len(text) // 2 else text
