"""Tokens become money: prices, sums of a session, the budget."""

from __future__ import annotations

from assent_core import catalogue
from assent_core.catalogue import Catalogue
from assent_core.errors import UsageError
from assent_core.events import Billed
from assent_core.model import Finished, Role
from assent_core.settings import Settings


class Meter:
    """Prices each request of each role as it happens and knows what the session has cost."""

    def __init__(self, settings: Settings, known: Catalogue | None = None) -> None:
        self._catalogue = catalogue.load() if known is None else known
        self._source = settings.prices
        self._budget = settings.budget
        self._total = 0.0
        self._scout = 0.0
        if self._source not in self._catalogue.sources:
            names = ", ".join(sorted(self._catalogue.sources))
            raise UsageError(
                f"There are no prices named {self._source!r}.", f"settings.toml takes prices = one of: {names}."
            )

    def bill(self, role: Role, finished: Finished) -> Billed:
        """Price one request; an unknown model costs None and is counted in tokens only."""
        usd, prices = self._price(finished)
        self._total += usd or 0.0
        if role == "scout":
            self._scout += usd or 0.0
        return Billed(
            role=role,
            model=finished.model,
            usage=finished.usage,
            usd=usd,
            prices=prices,
            total=self._total,
            scout=self._scout,
            context=self._context(finished),
        )

    @property
    def exhausted(self) -> bool:
        """Whether the session's budget is reached."""
        return self._budget > 0 and self._total >= self._budget

    def _price(self, finished: Finished) -> tuple[float | None, str]:
        found = self._catalogue.price(finished.model, self._source)
        if found is None:
            return None, f"no price is known for {finished.model}"
        price, source = found
        if finished.usage is None:
            return None, "the server reports no usage"
        return price.usd(finished.usage, finished.context), self._catalogue.described(source)

    def _context(self, finished: Finished) -> float:
        facts = self._catalogue.find(finished.model)
        if facts is None or finished.usage is None or not facts.room:
            return 0.0
        return min(1.0, (finished.context or finished.usage.input) / facts.room)
