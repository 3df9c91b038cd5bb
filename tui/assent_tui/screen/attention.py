"""Calls the user when they are needed and look elsewhere: a bell, and a notification where the terminal knows one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Literal

Wanted = Literal["on", "bell", "off"]
AWAY = 30.0
"""Seconds without a key that stand for looking elsewhere, where the terminal does not say whether it has the focus."""
_BELL = "\x07"
_BY_OSC_9 = ("iTerm.app", "WezTerm", "ghostty", "vscode", "WarpTerminal", "Tabby")
_BY_OSC_777 = ("foot", "rxvt", "urxvt")


def call(words: str, wanted: Wanted, environment: Mapping[str, str]) -> str:
    """What to send to the terminal; `words` are our own, and plain ASCII.

    Only a program that is known to understand a notification is sent one: others would print it.
    """
    if wanted == "off":
        return ""
    program, term = environment.get("TERM_PROGRAM", ""), environment.get("TERM", "")
    if wanted == "bell" or environment.get("TMUX") or term.startswith(("screen", "tmux", "linux", "dumb")):
        return _BELL
    if program in _BY_OSC_9 or environment.get("WT_SESSION") or "kitty" in term or "ghostty" in term:
        return f"\x1b]9;assent: {words}\x1b\\{_BELL}"
    if term.startswith(_BY_OSC_777):
        return f"\x1b]777;notify;assent;{words}\x1b\\{_BELL}"
    return _BELL


def title(words: str, environment: Mapping[str, str]) -> str:
    """What makes the title of the window say something; nothing where there is no window."""
    return "" if environment.get("TERM", "dumb") in ("dumb", "linux") else f"\x1b]2;{words}\x1b\\"


class Attention:
    """Knows whether the user looks: by what the terminal says of its focus, else by the keys."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._pressed = clock()
        self._focused: bool | None = None

    def pressed(self) -> None:
        """A key came, so somebody looks."""
        self._pressed = self._clock()

    def focused(self, there: bool) -> None:
        """The terminal says whether it has the focus."""
        self._focused = there

    @property
    def away(self) -> bool:
        """Whether the user looks elsewhere."""
        if self._focused is not None:
            return not self._focused
        return self._clock() - self._pressed > AWAY
