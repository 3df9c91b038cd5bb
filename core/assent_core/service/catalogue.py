"""Models as data: ids, windows, prices, efforts, shutdown dates, and the source of each figure."""

from __future__ import annotations

import datetime
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from assent_core.errors import UsageError
from assent_core.model import Effort, Usage
from assent_core.settings import config_dir

MILLION = 1_000_000
Usd = Annotated[float, Meta(ge=0, le=1e6)]
Tier = Literal["standard", "flex", "priority"]
"""How fast a request is served, and at which price."""


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where prices were read, and when."""

    text: str
    date: str


class Rate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """USD per million tokens."""

    input: Usd
    cached: Usd
    output: Usd


class Long(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Factors on a whole request whose input is above so many tokens."""

    above: int
    input: float
    output: float


class Price(Rate, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one source says that a model costs; `flex` and `priority` where the model has those tiers."""

    flex: Rate | None = None
    priority: Rate | None = None
    long: Long | None = None
    regional: float = 1.0
    """Factor on everything where the data is processed in one region."""

    def rate(self, tier: Tier) -> Rate | None:
        """The rates of a tier; None if the model does not have it."""
        return {"standard": self, "flex": self.flex, "priority": self.priority}[tier]

    def usd(self, usage: Usage, context: int = 0) -> float:
        """What a request costs: cached input apart, all of it dearer above the long-context limit.

        `context` is the input of the one request that the limit looks at, where `usage` sums up several.
        """
        inputs = outputs = 1.0
        if self.long is not None and (context or usage.input) > self.long.above:
            inputs, outputs = self.long.input, self.long.output
        cached = min(usage.cached, usage.input)
        paid = (usage.input - cached) * self.input + cached * self.cached
        return (paid * inputs + usage.output * self.output * outputs) / MILLION


class ModelFacts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model; sizes in tokens. `largest_input` is 0 where only the window bounds it."""

    id: str
    dated: str = ""
    window: int = 0
    largest_input: int = 0
    largest_output: int = 0
    efforts: tuple[Effort, ...] = ()
    computer_use: bool = False
    shutdown: datetime.date | None = None
    prices: dict[str, Price] = {}

    @property
    def limit(self) -> int:
        """The largest input that is wise: what the model takes, or the line above which all of it is dearer; 0 if unknown."""
        lines = [price.long.above for price in self.prices.values() if price.long]
        return min([*lines, self.room]) if self.room else min(lines, default=0)

    @property
    def room(self) -> int:
        """The largest input that leaves place for the largest output; 0 if unknown."""
        return self.largest_input or max(0, self.window - self.largest_output)


class Quote(Struct, frozen=True, kw_only=True):
    """A price at the rates of a tier, and where both come from."""

    price: Price
    source: str
    tier: Tier


class Catalogue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All known models and sources of prices."""

    sources: dict[str, Source] = {}
    models: tuple[ModelFacts, ...] = ()

    def find(self, model: str) -> ModelFacts | None:
        """A model by its id or dated id; None if it is unknown, which is no error: servers have models of their own."""
        return next((facts for facts in self.models if model in (facts.id, facts.dated)), None)

    def price(self, model: str, source: str = "default") -> tuple[Price, str] | None:
        """A model's price by a source, and that source's name; where the source lacks the model, the default counts."""
        facts = self.find(model)
        for name in (source, "default"):
            if facts is not None and name in facts.prices:
                return facts.prices[name], name
        return None

    def quote(self, model: str, source: str = "default", tier: Tier = "standard") -> Quote | None:
        """What a model costs in a tier: by the source, else by the default, else at the standard rates of either."""
        facts = self.find(model)
        for wanted in dict.fromkeys((tier, "standard")):
            for name in (source, "default"):
                price = facts.prices.get(name) if facts else None
                if price and (rate := price.rate(wanted)):
                    rated = msgspec.structs.replace(price, input=rate.input, cached=rate.cached, output=rate.output)
                    return Quote(price=rated, source=name, tier=wanted)
        return None

    def described(self, source: str) -> str:
        """A source in words, for everybody who is shown a cost."""
        known = self.sources.get(source)
        return f"{known.text} ({known.date})" if known else source


@cache
def bundled() -> Catalogue:
    """The catalogue that comes with the program."""
    return msgspec.convert(tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")), Catalogue)


def load() -> Catalogue:
    """The bundled catalogue with the user's `prices.toml` over it; UsageError names the file and what it takes."""
    file = config_dir() / "prices.toml"
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return bundled()
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"{file}: cannot be read: {error}", "It is a TOML file of your own; delete it if unsure."
        ) from error
    try:
        return merged(bundled(), msgspec.convert(tomllib.loads(text), Catalogue))
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        hint = "It takes [sources.NAME] with text and date, and [[models]] with id and prices, as catalogue.toml does."
        raise UsageError(f"{file}: {error}", hint) from error


def merged(under: Catalogue, over: Catalogue) -> Catalogue:
    """Two catalogues as one: models of the upper one add to or replace fields of the same id."""
    models = {facts.id: facts for facts in under.models}
    for facts in over.models:
        below = models.get(facts.id)
        models[facts.id] = facts if below is None else _over(below, facts)
    return Catalogue(sources=under.sources | over.sources, models=tuple(models.values()))


def _over(below: ModelFacts, above: ModelFacts) -> ModelFacts:
    stated = {
        name: value
        for name in ModelFacts.__struct_fields__
        if (value := getattr(above, name)) not in ("", 0, (), None, False, {})
    }
    return msgspec.structs.replace(below, **stated | {"prices": below.prices | above.prices})
