"""The status line and the line of keys under it."""

from __future__ import annotations

from textual.timer import Timer

from assent_core.events import AnyEvent, Asked, Billed, Landed, Opened, Routed, Staged
from assent_tui.lines import Line, Span, clean
from assent_tui.rows import Rows, keys_line

_TICK = 0.5
_WHEEL = "◐◓◑◒"


class Status(Rows):
    """Which model is at work, how high the walls are, what is staged, how full the context is, and what it has cost."""

    DEFAULT_CSS = "Status { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._doing = "opening"
        self._ticks = 0
        self._timer: Timer | None = None
        self._opened: Opened | None = None
        self._model = ""
        self._staged: Staged | None = None
        self._billed: Billed | None = None
        self._context = 0.0
        self._tokens = 0

    def show(self, event: AnyEvent) -> None:
        """Take from an event what the line says."""
        match event:
            case Opened():
                self._opened = event
                self._model = event.worker
            case Routed(role="worker", model=model) | Asked(role="worker", model=model):
                self._model = model
            case Staged():
                self._staged = event
            case Billed():
                self._billed = event
                self._tokens += event.usage.input + event.usage.output if event.usage and event.usd is None else 0
                self._context = event.context if event.role == "worker" else self._context
            case Landed(left=0):
                self._staged = None
            case _:
                return
        self._paint()

    def staged(self, files: int, added: int, removed: int) -> None:
        """What is on the stage, as a review found it."""
        self._staged = Staged(paths=("",) * files, added=added, removed=removed) if files else None
        self._paint()

    def working(self, doing: str) -> None:
        """Say what is going on, with the time that it takes; empty: nothing is."""
        self._doing = doing
        self._ticks = 0
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_interval(_TICK, self._tick) if doing else None
        self._paint()

    def on_mount(self) -> None:
        """Show that the session is being opened."""
        self.working(self._doing)

    def on_resize(self) -> None:
        """Say as much as fits."""
        self._paint()

    def _tick(self) -> None:
        self._ticks += 1
        self._paint()

    def _paint(self) -> None:
        width = self.size.width or 80
        right = self._right()
        room = width - len(Line(right).text) - 2
        left: tuple[Span, ...] = ()
        for part in self._left():
            joined = (*left, *(((" · ", "faint"),) if left else ()), *part)
            if len(Line(joined).text) <= room:
                left = joined
        gap = max(width - 2 - len(Line(left).text) - len(Line(right).text), 1)
        self.put(Line(((" ", ""), *left, (" " * gap, ""), *right)))

    def _left(self) -> list[tuple[Span, ...]]:
        """Parts in the order in which they matter."""
        opened = self._opened
        parts: list[tuple[Span, ...]] = []
        if self._model:
            parts.append(((clean(self._model), "text"),))
        if opened:
            bare = opened.tier == "unconfined"
            parts.append(((("UNCONFINED" if bare else f"{opened.tier} stage"), "bad bold" if bare else "dim"),))
        if self._staged and self._staged.paths:
            count = len(self._staged.paths)
            files = f"{count} file{'s' * (count != 1)} "
            parts.append(((files, "text"), (f"+{self._staged.added} ", "ok"), (f"−{self._staged.removed}", "bad")))
        if opened and opened.branch:
            parts.append(((f"⎇ {clean(opened.branch)}", "dim"),))
        if self._context >= 0.005:
            full = self._context >= 0.8
            parts.append(((f"context {self._context:.0%}", "warn" if full else "dim"),))
        return parts

    def _right(self) -> tuple[Span, ...]:
        spans: list[Span] = []
        if self._billed:
            spans.append((f"${self._billed.total:.4f}", "text"))
            spans += [(f" (scout ${self._billed.scout:.4f})", "dim")] if self._billed.scout else []
            spans += [(f" + {self._tokens:,} unpriced tokens", "warn")] if self._tokens else []
            spans.append(("  ", ""))
        if self._doing:
            seconds = int(self._ticks * _TICK)
            took = f" {seconds} s" if seconds else ""
            spans.append((f"{_WHEEL[self._ticks % len(_WHEEL)]} {clean(self._doing)}{took}", "accent"))
        else:
            spans.append(("ready", "dim"))
        return tuple(spans)


class Keys(Rows):
    """The keys that matter here and now."""

    DEFAULT_CSS = "Keys { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys: tuple[tuple[str, str], ...] = ()

    def offer(self, *keys: tuple[str, str]) -> None:
        """Show these keys with what they do; the last ones are left out where it is narrow."""
        self._keys = keys
        self._paint()

    def on_resize(self) -> None:
        """Say as much as fits."""
        self._paint()

    def _paint(self) -> None:
        made = keys_line(self._keys, self.size.width - 2)
        self.put(Line(((" ", ""), *made.spans)))
