"""Budgets of a task, a session and a day: a notice at four fifths, and at the end of one the work stops and asks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

from msgspec import Struct

from assent_core.errors import BudgetExceeded
from assent_core.money.accounts import Spent
from assent_core.settings import Settings

Span = Literal["task", "session", "day", "share"]

NOTICE = 0.8
"""The share of a budget from which on the user is told."""
NEAR = 1e-9
"""Sums of floats that differ by less are the same amount."""

HINTS: dict[Span, str] = {
    "task": "Raise it with `budget_task` in the settings.",
    "session": "Raise it with --max-cost or `budget` in the settings.",
    "day": "Raise it with `budget_day` in the settings, or go on tomorrow.",
    "share": "The worker that gave it out can go on with what is left.",
}


class Overrun(Struct, frozen=True, kw_only=True):
    """A budget that is used up; `spent` and `limit` in USD, `tokens` those that count although no price is known."""

    span: Span
    spent: float
    limit: float
    tokens: int = 0
    more: float = 0.0
    """What a yes would add."""

    @property
    def text(self) -> str:
        """It in a sentence."""
        return f"The budget of this {self.span} is used up: {_counted(self.spent, self.tokens)} of ${self.limit:g}."


class Bounds(Protocol):
    """What the requests of one worker are held to."""

    @property
    def left(self) -> float | None:
        """What may still be spent, in USD, as far as this session knows; None: there is no limit."""
        ...

    def share(self, parts: int) -> Share:
        """One of so many equal parts of what is left; what is spent of it is spent here too."""
        ...

    def begin_task(self) -> None:
        """Another task begins."""
        ...

    def count(self, usd: float | None, unpriced: int) -> None:
        """Take one request out: dollars, or tokens that no price is known for."""
        ...

    def reached(self) -> Overrun | None:
        """What is used up, as far as this session knows."""
        ...

    async def within(self, *, ask: bool = True) -> None:
        """Return while there is something left, or the user allows more; BudgetExceeded else."""
        ...


class _Purse:
    """One budget: what it holds and what was taken from it."""

    def __init__(self, span: Span, size: float) -> None:
        self.span: Span = span
        self.size = size
        self.start(0.0, 0)

    def start(self, usd: float, tokens: int) -> None:
        self.limit = self.size
        self.usd, self.tokens = usd, tokens
        self.noticed = False


class Budgets:
    """What may still be spent. `ask(what, how much)` is whoever can allow more (None: nobody), `tell` takes notices.

    `today` gives what all sessions have spent since midnight, this one included; it may block and runs in a thread.
    """

    def __init__(
        self,
        settings: Settings,
        ask: Callable[[str, float], Awaitable[bool]] | None = None,
        tell: Callable[[str], None] = lambda _: None,
        today: Callable[[float], Spent] | None = None,
    ) -> None:
        self._rate = settings.tokens_per_usd
        self._ask = ask
        self._tell = tell
        self._today = today
        self._asking = asyncio.Lock()
        self._refused = False
        self._midnight = midnight()
        sizes: dict[Span, float] = {
            "task": settings.budget_task,
            "session": settings.budget,
            "day": settings.budget_day,
        }
        self._purses = {span: _Purse(span, size) for span, size in sizes.items() if size > 0}

    def begin_task(self) -> None:
        """Another task has its own budget, and its user may be asked again."""
        self._refused = False
        if task := self._purses.get("task"):
            task.start(0.0, 0)

    def count(self, usd: float | None, unpriced: int) -> None:
        """Take one request out of all budgets: dollars, or tokens that no price is known for."""
        for purse in self._purses.values():
            purse.usd += usd or 0.0
            purse.tokens += unpriced
            self._notice(purse)

    def reached(self) -> Overrun | None:
        """The first budget that is used up, as far as this session knows."""
        for purse in self._purses.values():
            if (spent := self._spent(purse)) >= purse.limit - NEAR:
                return Overrun(span=purse.span, spent=spent, limit=purse.limit, tokens=purse.tokens, more=purse.size)
        return None

    @property
    def left(self) -> float | None:
        """What may still be spent, in USD, as far as this session knows; None: there is no limit."""
        return min((max(0.0, purse.limit - self._spent(purse)) for purse in self._purses.values()), default=None)

    def share(self, parts: int) -> Share:
        """One of so many equal parts of what is left; what is spent of it is spent here too."""
        return _share(self, parts, self._rate)

    async def within(self, *, ask: bool = True) -> None:
        """Return while there is something left, or the user allows more; BudgetExceeded else. To be called before a request.

        Many may wait here at once; the user is asked once, and a no holds until the next task.
        """
        if not self._purses:
            return
        async with self._asking:
            await self._look_at_the_day()
            while over := self.reached():
                said = over.text + self._counting(over)
                if self._ask is None or not ask or self._refused or not await self._ask(said, over.more):
                    self._refused = self._refused or (ask and self._ask is not None)
                    raise BudgetExceeded(said, HINTS[over.span])
                purse = self._purses[over.span]
                purse.limit, purse.noticed = purse.limit + purse.size, False

    async def _look_at_the_day(self) -> None:
        day = self._purses.get("day")
        if day is None:
            return
        if (today := midnight()) != self._midnight:
            self._midnight = today
            day.start(0.0, 0)
        if self._today is not None:
            spent = await asyncio.to_thread(self._today, today)
            day.usd, day.tokens = spent.usd, spent.unpriced
            self._notice(day)

    def _spent(self, purse: _Purse) -> float:
        return purse.usd + (purse.tokens / self._rate if self._rate else 0.0)

    def _notice(self, purse: _Purse) -> None:
        spent = self._spent(purse)
        if not purse.noticed and spent >= NOTICE * purse.limit - NEAR:
            purse.noticed = True
            share = min(spent / purse.limit, 9.99)
            said = _counted(spent, purse.tokens)
            self._tell(f"{share:.0%} of this {purse.span}'s budget is used: {said} of ${purse.limit:g}.")

    def _counting(self, over: Overrun) -> str:
        if not over.tokens:
            return ""
        return f" {self._rate:,} tokens without a known price count as $1 (settings: tokens_per_usd)."


class Share:
    """A part of a budget for a worker of its own: it ends where the part ends or the whole does, whichever is first.

    Only the whole can be asked for more.
    """

    def __init__(self, whole: Bounds, usd: float | None, rate: int) -> None:
        self._whole = whole
        self._limit = usd
        self._rate = rate
        self._usd, self._tokens = 0.0, 0

    @property
    def left(self) -> float | None:
        """What may still be spent, in USD; None: there is no limit."""
        bounds = (self._whole.left, None if self._limit is None else max(0.0, self._limit - self._spent))
        return min((bound for bound in bounds if bound is not None), default=None)

    @property
    def _spent(self) -> float:
        return self._usd + (self._tokens / self._rate if self._rate else 0.0)

    def share(self, parts: int) -> Share:
        """One of so many equal parts of what is left."""
        return _share(self, parts, self._rate)

    def begin_task(self) -> None:
        """Nothing: it lasts for one piece of work."""

    def count(self, usd: float | None, unpriced: int) -> None:
        """Take one request out of this part and of the whole."""
        self._usd += usd or 0.0
        self._tokens += unpriced
        self._whole.count(usd, unpriced)

    def reached(self) -> Overrun | None:
        """This part or the budget of the whole that is used up."""
        if self._limit is not None and self._spent >= self._limit - NEAR:
            return Overrun(span="share", spent=self._spent, limit=self._limit, tokens=self._tokens)
        return self._whole.reached()

    async def within(self, *, ask: bool = True) -> None:
        """Return while there is something left; BudgetExceeded else. The whole may ask the user for more."""
        if (over := self.reached()) and over.span == "share":
            raise BudgetExceeded(
                f"Its share of the budget is used up: ${over.spent:.4f} of ${over.limit:.4f}.", HINTS["share"]
            )
        await self._whole.within(ask=ask)


def _share(whole: Bounds, parts: int, rate: int) -> Share:
    left = whole.left
    return Share(whole, None if left is None else left / parts, rate)


def midnight(now: float | None = None) -> float:
    """When this day began here, in seconds since the epoch."""
    day = time.localtime(now)
    return time.mktime((day.tm_year, day.tm_mon, day.tm_mday, 0, 0, 0, 0, 0, -1))


def _counted(usd: float, tokens: int) -> str:
    return f"${usd:.4f}" + (f" ({tokens:,} tokens of models without a price among it)" if tokens else "")
