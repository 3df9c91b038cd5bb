"""Workers beside the one that the user talks to, each as one entry that opens to what it did; pure."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace
from rich.cells import cell_len

from assent_core.events import (
    Attempted,
    Chosen,
    Decided,
    Digested,
    Joined,
    Mistaken,
    Performed,
    Plain,
    Proposed,
    Retried,
    Routed,
    Said,
)
from assent_tui.chat.entries import Entry, Note, denied, title_of
from assent_tui.figures import ended
from assent_tui.paint.lines import Line, clean, indent, line, rows, shorten, wrap, wrap_all

_MOST = 400
"""Rows of its work that are kept."""

_LEAST = 12
"""Cells that what it does keeps beside what it cost."""

Row = tuple[str, str]
"""A style and a text."""


class Worker(Entry, frozen=True):
    """One worker: its name, what it does now, and what came of it; what was refused or denied is always in sight."""

    name: str
    attempt: int = 0
    model: str = ""
    doing: str = ""
    state: Literal["working", "ok", "failed", "beaten", "stopped"] = "working"
    seconds: float = 0.0
    usd: float = 0.0
    log: tuple[Row, ...] = ()
    flagged: tuple[str, ...] = ()
    """Refusals, denials and conflicts."""
    open: bool = False

    def after(self, event: Plain) -> Worker:
        """It, as it is after something happened to it."""
        match event:
            case Routed(model=model, why=why):
                return self._noted(replace(self, model=model), ("dim", f"{model}: {why}"))
            case Proposed(proposal=proposal):
                did = " ".join(title_of(proposal))
                return self._noted(replace(self, doing=did), ("text", did))
            case Decided(allowed=False, why=why):
                return replace(self, flagged=(*self.flagged, f"REFUSED {why}"))
            case Performed():
                return self._performed(event)
            case Digested(digest=digest):
                return self._noted(self, ("warn", f"  {digest.summary or digest.failure}"))
            case Said(text=text):
                return self._noted(replace(self, doing=_first(text)), *(("text", row) for row in rows(text)))
            case Mistaken(tool=tool, message=message):
                return self._noted(self, ("dim", f"  {tool} was called wrongly: {_first(message)}"))
            case Retried(why=why):
                return self._noted(self, ("warn", f"  {why}; asking again"))
            case Joined():
                return self._joined(event)
            case Attempted(how=how, summary=summary, usd=usd, seconds=seconds):
                state = "ok" if how == "passed" else "beaten" if how == "beaten" else "failed"
                changed = f"+{event.added} -{event.removed}"
                doing = "another one was first" if how == "beaten" else f"{_first(summary)} {changed}".strip()
                return replace(self, state=state, doing=doing, usd=usd, seconds=seconds)
            case _:
                return self

    def body(self, width: int) -> list[Line]:
        """One row, or all that it did."""
        lines = [self._head(width)]
        for flag in self.flagged:
            lines += indent(wrap(line(("⊘ ", "bad"), (clean(flag), "dim")), width - 5, 2), ("  ", ""), ("  ", ""))
        if self.open:
            made = wrap_all((line((clean(text), style)) for style, text in self.log), width - 6)
            lines += indent(made, ("  ▏ ", "rule"), ("  ▏ ", "rule"))
        return lines

    def guess(self, width: int) -> int:
        """Folded, it is mostly one row."""
        return 1 + self.gap + len(self.flagged) + (len(self.log) if self.open else 0)

    def _head(self, width: int) -> Line:
        mark, style = {
            "ok": ("✓", "ok"),
            "failed": ("✗", "bad"),
            "beaten": ("–", "faint"),
            "stopped": ("–", "warn"),
        }.get(self.state, ("…", "dim"))
        name = f"attempt {self.attempt}" if self.attempt else self.name
        paid = [f"{self.seconds:.0f} s"] * (self.seconds >= 1) + [f"${self.usd:.4f}"] * (self.usd > 0)
        tail = f"  {' · '.join(paid)}" if paid and self.state != "working" else ""
        head = f"{name} {mark} "
        room = width - 3 - cell_len(head)
        tail = tail if room - cell_len(tail) >= _LEAST else ""
        room = max(room - cell_len(tail), 1)
        return line(
            ("▾ " if self.open else "▸ ", "dim"),
            (f"{name} ", "accent"),
            (f"{mark} ", style),
            (shorten(clean(self.doing or self.model), room), "text"),
            (tail, "dim"),
        )

    def _performed(self, event: Performed) -> Worker:
        told = ended(event.code, event.seconds) or ("done" if event.ok else _first(event.told))
        made = self._noted(self, ("dim" if event.ok else "bad", f"  {told}"))
        return replace(made, flagged=(*made.flagged, *(f"DENIED {denied(denial)}" for denial in event.denials)))

    def _joined(self, event: Joined) -> Worker:
        state = "ok" if event.how == "done" else "failed"
        flags = tuple(
            f"{'CONFLICT' if each.how == 'conflict' else 'LEFT'} {each.path}: {each.why}" for each in event.moved
        )
        made = self._noted(self, ("dim", f"changed: {', '.join(event.paths)}")) if event.paths else self
        if event.kept:
            made = self._noted(made, ("dim", f"its versions of these are kept in {event.kept}"))
        doing = _first(event.answer) or "done"
        return replace(
            made, state=state, doing=doing, usd=event.usd, seconds=event.seconds, flagged=(*made.flagged, *flags)
        )

    def _noted(self, made: Worker, *notes: Row) -> Worker:
        return replace(made, log=(*self.log, *notes)[-_MOST:])


def chosen(event: Chosen) -> Note:
    """Which attempt goes on."""
    cost = f"all {event.of} cost ${event.usd:.4f}"
    if event.passed:
        return Note(text=f"attempt {event.attempt} goes on; {cost}", level="ok")
    return Note(text=f"no attempt passed; attempt {event.attempt} came nearest; {cost}", level="warn")


def _first(text: str) -> str:
    return next((row.strip() for row in text.split("\n") if row.strip()), "")
