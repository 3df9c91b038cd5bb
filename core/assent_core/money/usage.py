"""Tokens become money: prices, sums of a session, and the budgets that they count against."""

from __future__ import annotations

import copy
from typing import cast

from assent_core.errors import UsageError
from assent_core.events import Billed
from assent_core.model import Finished, Role
from assent_core.money.budget import Bounds, Budgets
from assent_core.service import catalogue
from assent_core.service.catalogue import Catalogue, Tier
from assent_core.service.keys import host_of
from assent_core.settings import Settings

TIERS: dict[str, Tier] = {"flex": "flex", "priority": "priority", "default": "standard", "scale": "standard"}
"""What a server calls its tiers, and what we call them."""


class _Sums:
    """What a session has cost, and how much of it the scout."""

    total = 0.0
    scout = 0.0


class Meter:
    """Prices each request of each role as it happens and knows what the session has cost."""

    def __init__(self, settings: Settings, known: Catalogue | None = None, budgets: Budgets | None = None) -> None:
        self._catalogue = catalogue.load() if known is None else known
        self._source = settings.prices
        self._tier: Tier = settings.tier
        self._regional = settings.regional or host_of(settings.server).endswith(".api.openai.com")
        self.budgets: Bounds = budgets or Budgets(settings)
        self.spent = 0.0
        """USD that was spent through this meter."""
        self._by = ""
        self._sums = _Sums()
        if self._source not in self._catalogue.sources:
            names = ", ".join(sorted(self._catalogue.sources))
            raise UsageError(
                f"There are no prices named {self._source!r}.", f"settings.toml takes prices = one of: {names}."
            )

    def bill(self, role: Role, finished: Finished) -> Billed:
        """Price one request and count it; an unknown model costs None and is counted in tokens only."""
        usd, prices = self.price(finished)
        self.spent += usd or 0.0
        self._sums.total += usd or 0.0
        if role == "scout":
            self._sums.scout += usd or 0.0
        used = finished.usage
        self.budgets.count(usd, used.input + used.output if used and usd is None else 0)
        return Billed(
            role=role,
            model=finished.model,
            usage=finished.usage,
            usd=usd,
            prices=prices,
            total=self._sums.total,
            scout=self._sums.scout,
            context=self._context(finished),
            by=self._by,
        )

    def beside(self, by: str, bounds: Bounds) -> Meter:
        """A meter for a worker beside: it counts into the same sums, and holds that worker to bounds of its own."""
        other = copy.copy(self)
        other.budgets, other.spent, other._by = bounds, 0.0, by
        return other

    def go_on(self, last: Billed | None) -> None:
        """Go on from the sums of an earlier process of the same session."""
        if last is not None:
            self._sums.total, self._sums.scout = last.total, last.scout
            self.budgets.count(last.total, 0)

    def price(self, finished: Finished) -> tuple[float | None, str]:
        """What a request costs and by which prices; None where no price or no usage is known, and why."""
        tier = TIERS.get(finished.service_tier) or self.tier(finished.model)
        quote = self._catalogue.quote(finished.model, self._source, tier)
        if quote is None:
            return None, f"no price is known for {finished.model}"
        if finished.usage is None:
            return None, "the server reports no usage"
        usd = quote.price.usd(finished.usage, finished.context)
        named = [self._catalogue.described(quote.source)]
        if quote.tier != "standard":
            named.append(quote.tier)
        if self._regional and quote.price.regional != 1.0:
            usd *= quote.price.regional
            named.append(f"regional +{quote.price.regional - 1:.0%}")
        return usd, ", ".join(named)

    def tier(self, model: str) -> Tier:
        """The tier to ask for: the one of the settings where the model has it, or is unknown to us."""
        quote = self._catalogue.quote(model, self._source, self._tier)
        return quote.tier if quote else self._tier

    def name(self, model: str) -> str:
        """A model by its plain id, whatever date the server puts behind it; an unknown one as it is called."""
        facts = self._catalogue.find(model)
        return facts.id if facts else model

    def limit(self, model: str) -> int:
        """The largest input that a request to a model should have, in tokens; 0 if it is unknown."""
        facts = self._catalogue.find(model)
        return facts.limit if facts else 0

    def _context(self, finished: Finished) -> float:
        facts = self._catalogue.find(finished.model)
        if facts is None or finished.usage is None or not facts.room:
            return 0.0
        return min(1.0, (finished.context or finished.usage.input) / facts.room)


def asked_tier(tier: Tier) -> str:
    """A tier as a request names it; nothing for the server's default."""
    return cast("str", tier) if tier != "standard" else ""
