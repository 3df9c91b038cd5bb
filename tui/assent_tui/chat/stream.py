"""A streaming answer cut into parts that are finished and one open end, so that only the end is laid out again; pure."""

from __future__ import annotations

_LONG = 48
"""Rows of an open end beyond which it is cut even inside a list or a code fence."""

Part = tuple[str, bool]
"""Markdown of a part, and whether a blank line stands above it."""


class Stream:
    """Gathers the pieces of one message."""

    def __init__(self) -> None:
        self.text = ""
        self._new: list[str] = []
        self._open: Part = ("", True)
        self._shown = 0

    @property
    def began(self) -> bool:
        """Whether any piece has come."""
        return bool(self.text or self._new)

    @property
    def pending(self) -> bool:
        """Whether pieces came since the last `advance`."""
        return bool(self._new)

    def feed(self, piece: str) -> None:
        """Take a piece."""
        if piece:
            self._new.append(piece)

    def advance(self) -> tuple[int, list[Part], Part]:
        """How many finished parts were known before, those finished since, and the open end."""
        new = "".join(self._new)
        self._new = []
        self.text += new
        known = self._shown
        finished, self._open = _cut(self._open[0] + new, self._open[1])
        self._shown += len(finished)
        return known, finished, self._open


def _cut(text: str, gap: bool) -> tuple[list[Part], Part]:
    """Cut at blank lines outside of code, and in long runs at any row; a fence is closed and opened again."""
    finished: list[Part] = []
    rows = text.split("\n")
    fence = ""
    start = 0
    for at, row in enumerate(rows[:-1]):
        fence = _fence(row, fence)
        here = not row.strip() and not fence and at > start
        if not here and at - start < _LONG:
            continue
        part = "\n".join(rows[start : at + 1])
        finished.append((f"{part}\n{_closing(fence)}" if fence else part, gap))
        gap = here
        start = at + 1
        if fence:
            rows[at] = fence
            start = at
    return finished, ("\n".join(rows[start:]), gap)


def _fence(row: str, opened: str) -> str:
    """The line that opened the code in which the rows after this one stand; empty outside of code."""
    bare = row.strip()
    if opened:
        mark = _closing(opened)
        closes = bare.startswith(mark) and not bare.strip(mark[0])
        return "" if closes else opened
    return row if bare.startswith(("```", "~~~")) else ""


def _closing(fence: str) -> str:
    bare = fence.strip()
    return bare[: len(bare) - len(bare.lstrip(bare[0]))]
