"""The status line and the line of keys under it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct
from rich.cells import cell_len
from textual.timer import Timer

from assent_tui.figures import count
from assent_tui.paint.lines import Line, Span, clean
from assent_tui.paint.rows import Rows

if TYPE_CHECKING:
    from assent_core.diffs.review import Review
    from assent_core.events import AnyEvent, Billed, Opened
    from assent_core.model import Role

_TICK = 0.5
_BROAD = 100
"""Columns from which on the line says more of the same."""
_WHEEL = "◐◓◑◒"


class Spent(Struct, frozen=True):
    """What one role has used up in a session; `usd` leaves out what has no known price."""

    requests: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    usd: float = 0.0

    def plus(self, billed: Billed) -> Spent:
        """With one more request."""
        used, usd = billed.usage, self.usd + (billed.usd or 0.0)
        if used is None:
            return Spent(self.requests + 1, self.input, self.cached, self.output, usd)
        tokens = (self.input + used.input, self.cached + used.cached, self.output + used.output)
        return Spent(self.requests + 1, *tokens, usd)

    def words(self, role: str) -> str:
        """In one line."""
        cached = f" ({self.cached:,} cached)" if self.cached else ""
        asked = count(self.requests, "request")
        return f"{role}: ${self.usd:.4f} · {asked} · {self.input:,} tokens in{cached}, {self.output:,} out"


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
        self._role: Role = "worker"
        self._before = 0.0
        """What the session had cost when the turn began."""
        self._staged = (0, 0, 0)
        """Files, lines added, lines removed."""
        self._billed: Billed | None = None
        self._fullness = 0.0
        self._tokens = 0
        self._spent: dict[Role, Spent] = {}

    def show(self, event: AnyEvent) -> None:
        """Take from an event what the line says."""
        from assent_core.events import Asked, Billed, Forked, Opened, Prompted, Routed, Staged

        match event:
            case Opened():
                self._opened = event
                self._model = event.worker
            case Routed(role=role, model=model) | Asked(role=role, model=model):
                self._model, self._role = model, role
            case Prompted():
                self._before = self._billed.total if self._billed else 0.0
            case Staged():
                self._staged = (len(event.paths), event.added, event.removed)
            case Billed():
                self._billed = event
                self._tokens += event.usage.input + event.usage.output if event.usage and event.usd is None else 0
                shown = event.role in ("worker", "planner") and not event.by
                self._fullness = event.context if shown else self._fullness
                self._spent[event.role] = self._spent.get(event.role, Spent()).plus(event)
            case Forked():
                self._billed, self._before, self._tokens, self._spent = None, 0.0, 0, {}
            case _:
                return
        self._paint()

    @property
    def costs(self) -> str:
        """What each role has cost, in words; empty before the first request."""
        if self._billed is None:
            return ""
        lines = [spent.words(role) for role, spent in self._spent.items()]
        unpriced = [f"{self._tokens:,} tokens have no known price"] if self._tokens else []
        return "\n".join([f"${self._billed.total:.4f} by the prices of {self._billed.prices}", *lines, *unpriced])

    @property
    def place(self) -> str:
        """Where we are and how high the walls are, in words; empty before the session is open."""
        here = self._opened
        if here is None:
            return ""
        return f"{here.root}\nwalls: {here.tier} · worker: {here.worker} · scout: {here.scout or 'off'}"

    def staged(self, review: Review) -> None:
        """What is on the stage, as a review found it."""
        files = review.files
        added, removed = sum(file.added for file in files), sum(file.removed for file in files)
        self._staged = (len(files), added, removed)
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
        """Where it is narrow: the scout's share goes first, then what the turn cost, the words of what is done, the cost."""
        room = (self.size.width or self.app.size.width) - 2  # pyright: ignore[reportUnknownMemberType]  App is generic
        parts = self._left()
        rights = self._rights()
        wanted = [_width(_joined(parts[: max(3 - at, 1)])) for at in range(len(rights))]
        fitting = (one for one, least in zip(rights, wanted, strict=True) if _width(one) + 2 + least <= room)
        right = next(fitting, rights[-1])
        left = _joined(parts)
        while parts and _width(left) + 2 + _width(right) > room:
            parts = parts[:-1]
            left = _joined(parts)
        gap = max(room - _width(left) - _width(right), 1)
        self.put(Line(((" ", ""), *left, (" " * gap, ""), *right)))

    def _left(self) -> list[tuple[Span, ...]]:
        """Parts in the order in which they matter."""
        opened = self._opened
        parts: list[tuple[Span, ...]] = []
        if self._model:
            role = ((f"{self._role} ", "dim"),) if self.size.width >= _BROAD else ()
            parts.append((*role, (clean(self._model), "text")))
        if opened:
            bare = opened.tier == "unconfined"
            tier = ((("UNCONFINED" if bare else f"{opened.tier} stage"), "bad bold" if bare else "dim"),)
            parts.insert(0 if bare else len(parts), tier)
        files, added, removed = self._staged
        if files:
            parts.append(((f"{count(files, 'file')} ", "text"), (f"+{added} ", "ok"), (f"−{removed}", "bad")))
        if self._fullness >= 0.005:
            full = self._fullness >= 0.8
            parts.append(((f"context {self._fullness:.0%}", "warn" if full else "dim"),))
        if opened and opened.branch:
            parts.append(((f"⎇ {clean(opened.branch)}", "dim"),))
        return parts

    def _rights(self) -> list[tuple[Span, ...]]:
        """What it costs and what is being done, in fewer and fewer words."""
        seconds = int(self._ticks * _TICK)
        took = f" {seconds} s" if seconds else ""
        wheel = _WHEEL[self._ticks % len(_WHEEL)]
        doing = ((f"{wheel} {clean(self._doing)}{took}", "accent"),) if self._doing else (("ready", "dim"),)
        short = ((f"{wheel}{took}", "accent"),) if self._doing else doing
        if self._billed is None:
            return [doing, doing, doing, short]
        turn, cost, budget, scout = self._money(self._billed)
        gap = (("  ", ""),)
        return [
            (*turn, *cost, *budget, *scout, *gap, *doing),
            (*turn, *cost, *budget, *gap, *doing),
            (*cost, *gap, *doing),
            (*cost, *gap, *short),
            short,
        ]

    def _money(self, billed: Billed) -> tuple[tuple[Span, ...], ...]:
        """What the turn has cost, what the session, of which budget, and the scout's share of it."""
        broad = self.size.width >= _BROAD
        turn = billed.total - self._before
        budget = self._opened.budget if self._opened else 0.0
        unpriced = ((f" + {self._tokens:,} unpriced tokens", "warn"),) if self._tokens else ()
        return (
            ((f"turn ${turn:.4f} · ", "dim"),) if broad and self._before and turn > 0 else (),
            ((f"${billed.total:.4f}", "text"),),
            (
                *(((f" of ${budget:g}", "warn" if billed.total >= 0.8 * budget else "dim"),) if budget else ()),
                *unpriced,
            ),
            ((f" (scout ${billed.scout:.4f})", "dim"),) if billed.scout else (),
        )


def _joined(parts: Iterable[tuple[Span, ...]]) -> tuple[Span, ...]:
    """Parts with a point between."""
    made: list[Span] = []
    for part in parts:
        made += [*([(" · ", "faint")] if made else []), *part]
    return tuple(made)


def _width(spans: tuple[Span, ...]) -> int:
    return sum(cell_len(text) for text, _ in spans)
