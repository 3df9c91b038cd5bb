"""What brings a text to the clipboard of the user's terminal, through what may stand between."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from assent_tui.figures import count

LARGE = 50_000
"""Characters from which on a terminal may refuse what is copied."""
_PIECE = 250
"""Characters that GNU screen surely passes on at once; it prints or drops what is longer than its buffer."""


def copying(text: str, environment: Mapping[str, str]) -> str:
    """OSC 52, which also goes through ssh and, if it is let, tmux; GNU screen passes on only what it is told to, in pieces."""
    sent = f"\x1b]52;c;{base64.b64encode(text.encode('utf-8', 'replace')).decode()}\x07"
    if not environment.get("STY") or environment.get("TERM", "").startswith("tmux"):
        return sent
    return "".join(f"\x1bP{sent[at : at + _PIECE]}\x1b\\" for at in range(0, len(sent), _PIECE))


def copied(what: str, size: int, environment: Mapping[str, str]) -> str:
    """What to tell the user of it."""
    if not size:
        return "There is nothing to copy here."
    tmux = "; tmux: set -g set-clipboard on" if environment.get("TMUX") else ""
    large = "; many terminals take less than that" if size > LARGE else ""
    return f"Copied {what}, {count(size, 'character')}{large}{tmux}."
