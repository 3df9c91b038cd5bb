"""Models that will be shut down soon: by the catalogue, and by what the server says in its list; pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import cast

AHEAD = 90
"""Days before a shutdown from which on it is told."""


def listed(answer: object) -> dict[str, datetime.date]:
    """The days on which models of a `GET /v1/models` are shut down; what cannot be read is passed over."""
    table = cast("dict[str, object]", answer) if isinstance(answer, dict) else {}
    data = table.get("data")
    found: dict[str, datetime.date] = {}
    for each in cast("list[object]", data) if isinstance(data, list) else []:
        model = cast("dict[str, object]", each) if isinstance(each, dict) else {}
        day = _day(model.get("shutdown_date"))
        if day and isinstance(name := model.get("id"), str):
            found[name] = day
    return found


def endings(models: Iterable[str], days: Mapping[str, datetime.date], today: datetime.date) -> tuple[str, ...]:
    """What to tell of models that end within the next days, or have ended."""
    told: list[str] = []
    for model in dict.fromkeys(models):
        if (day := days.get(model)) is None or (left := (day - today).days) > AHEAD:
            continue
        when = f"is shut down on {day}, in {left} days" if left > 0 else f"was shut down on {day}"
        told.append(f"{model} {when}: /model NAME works with another one, the settings bind another for good.")
    return tuple(told)


def _day(value: object) -> datetime.date | None:
    try:
        if isinstance(value, int | float):
            return datetime.datetime.fromtimestamp(value, datetime.UTC).date()
        return datetime.date.fromisoformat(str(value)[:10])
    except (ValueError, OverflowError, OSError):
        return None
