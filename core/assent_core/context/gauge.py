"""How large a request is in tokens, estimated before it is sent and corrected by what the service counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import msgspec
from msgspec import Struct

from assent_core.model import Finished, Request, WireItem

FIRST_RATIO = 0.28
"""Tokens per character until a service has counted; most text has fewer."""
BOUNDS = (0.1, 1.0)
"""A service that counts outside of these has counted something else."""
LEAST = 500
"""Tokens from which on a count says something about the text."""
IMAGE = 5_000
"""Characters that an image counts as; what it really costs hangs on its size in pixels."""

Part = str
PARTS: dict[str, Part] = {
    "function_call": "calls",
    "custom_tool_call": "calls",
    "function_call_output": "outputs",
    "custom_tool_call_output": "outputs",
    "reasoning": "reasoning",
}


class Room(Struct, frozen=True, kw_only=True):
    """How full the context is, in tokens; `limit` is 0 where it is unknown. `parts` in order of the request."""

    model: str
    used: int
    limit: int
    parts: tuple[tuple[Part, int], ...]
    items: int = 0
    counted: bool = False
    """Whether a service has counted, so that the estimate is corrected."""

    @property
    def share(self) -> float:
        """How much of the limit is used; 0 where it is unknown."""
        return self.used / self.limit if self.limit else 0.0


class Gauge:
    """Estimates requests; learns from each count how many tokens a character is for that model."""

    def __init__(self) -> None:
        self._ratios: dict[str, float] = {}

    def learn(self, request: Request, finished: Finished) -> None:
        """Take what the service counted for a request that was estimated."""
        counted = finished.context or (finished.usage.input if finished.usage and finished.requests == 1 else 0)
        if counted >= LEAST:
            low, high = BOUNDS
            self._ratios[request.model] = min(high, max(low, counted / weight(request)))

    def tokens(self, request: Request) -> int:
        """About how many tokens the input of a request has."""
        return round(weight(request) * self.ratio(request.model))

    def ratio(self, model: str) -> float:
        """Tokens per character for a model."""
        return self._ratios.get(model, FIRST_RATIO)

    def room(self, request: Request, limit: int) -> Room:
        """A request taken apart, for people."""
        ratio = self.ratio(request.model)
        sizes = {"instructions": len(request.instructions), "tools": len(msgspec.json.encode(request.tools))}
        sizes |= dict.fromkeys(("user", "answers", "reasoning", "calls", "outputs"), 0)
        for item in request.items:
            sizes[part_of(item)] += size(item)
        return Room(
            model=request.model,
            used=self.tokens(request),
            limit=limit,
            parts=tuple((name, round(characters * ratio)) for name, characters in sizes.items()),
            items=len(request.items),
            counted=request.model in self._ratios,
        )


def weight(request: Request) -> int:
    """The characters of a request, images apart."""
    fixed = len(request.instructions) + len(msgspec.json.encode(request.tools))
    return fixed + total(request.items)


def total(items: Iterable[WireItem]) -> int:
    """The characters of items."""
    return sum(map(size, items))


def size(item: WireItem) -> int:
    """The characters of one item; each image counts the same, whatever its bytes."""
    images = 0
    for field in ("content", "output"):
        parts = item.get(field)
        if isinstance(parts, list):
            pictures = [part for part in cast("list[object]", parts) if _is_image(part)]
            images += len(pictures)
            if pictures:
                item = {**item, field: [part for part in cast("list[object]", parts) if not _is_image(part)]}
    return len(msgspec.json.encode(item)) + images * IMAGE


def part_of(item: WireItem) -> Part:
    """Which part of the context an item belongs to."""
    return PARTS.get(str(item.get("type"))) or ("user" if item.get("role") == "user" else "answers")


def _is_image(part: object) -> bool:
    return isinstance(part, dict) and cast("dict[str, object]", part).get("type") == "input_image"
