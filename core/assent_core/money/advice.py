"""Whether the figures say that the small model should get more of a kind of work, or less, or too little to say.

For each kind of work that several models did, the cheapest one is compared with the others by tasks: those in which
it did that work alone, against those in which another one did any of it. A task counts as a success for a model if
it succeeded and every answer of that model for that work was usable. The difference of the two shares gets its 95 %
interval by Newcombe's score method. No loss: the interval excludes a loss of more than 5 points. Loss: it excludes
anything but a loss. Tasks are not dealt out at random, so this is a hint and no experiment.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from msgspec import Struct

LEAST = 30
"""Tasks on either side below which nothing is said."""
MARGIN = 0.05
"""A loss of success that is small enough to be called none."""
Z = 1.96

Piece = tuple[str, str, int, float, int, int, int]
"""Task, model, requests, USD, requests of unknown price, whether all answers were usable, whether the task succeeded."""


class _Done(Struct):
    """What one model did of one kind of work: requests, money, and by task whether it was a success."""

    requests: int = 0
    usd: float = 0.0
    unpriced: int = 0
    tasks: dict[str, bool] = {}


def advise(work: str, pieces: Iterable[Piece]) -> str:
    """A sentence on a kind of work that several models did in judged tasks."""
    models: dict[str, _Done] = {}
    for task, model, requests, usd, unpriced, usable, succeeded in pieces:
        done = models.setdefault(model, _Done())
        done.requests += requests
        done.usd += usd
        done.unpriced += unpriced
        done.tasks[task] = bool(usable and succeeded)
    if len(models) < 2:
        return f"{work}: too few tasks to say (only one model did it in tasks that are judged)."
    if any(done.unpriced for done in models.values()):
        return f"{work}: the price of a model is unknown, so its cost cannot be compared."
    small = min(models, key=lambda model: models[model].usd / models[model].requests)
    others = {task: won for model, done in models.items() if model != small for task, won in done.tasks.items()}
    alone = {task: won for task, won in models[small].tasks.items() if task not in others}
    if len(alone) < LEAST or len(others) < LEAST:
        counts = f"{len(alone)} by {small} alone, {len(others)} by others; {LEAST} of each are needed"
        return f"{work}: too few tasks to say ({counts})."
    share = models[small].requests / sum(done.requests for done in models.values())
    whole = sum(done.usd for done in models.values())
    cost = f" at {models[small].usd / whole:.0%} of the cost" if whole else ""
    won, lost = sum(alone.values()), sum(others.values())
    low, high = difference(won, len(alone), lost, len(others))
    rates = (
        f"{won / len(alone):.0%} of {len(alone)} tasks succeed, with others {lost / len(others):.0%} of {len(others)}"
    )
    figures = f"{rates}; difference {low * 100:+.0f} to {high * 100:+.0f} points"
    verdict = (
        "with no loss: widen"
        if low > -MARGIN
        else "with a loss: narrow"
        if high < 0
        else "too few tasks to tell a loss"
    )
    return f"{small} took {share:.0%} of {work}{cost}, {verdict} ({figures})."


def difference(won: int, of: int, other: int, of_other: int) -> tuple[float, float]:
    """The 95 % interval of the difference of two shares (Newcombe's hybrid score method)."""
    one, two = won / of, other / of_other
    low, high = _wilson(won, of)
    low_two, high_two = _wilson(other, of_other)
    gap = one - two
    return gap - math.hypot(one - low, high_two - two), gap + math.hypot(high - one, two - low_two)


def _wilson(won: int, of: int) -> tuple[float, float]:
    share = won / of
    middle = (share + Z * Z / (2 * of)) / (1 + Z * Z / of)
    half = Z / (1 + Z * Z / of) * math.sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)
