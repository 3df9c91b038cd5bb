"""What the accounts say over a period: cost, latency and success side by side, and advice where the figures carry it.

A task is judged if it is a prompt, a `fix` or a plan and was not interrupted. It succeeded if it ended by itself
and, where a command checked it, that command passed at the last time. A group (a route, a model, ...) counts every
task in which it took part, with all the lines of it that landed; its cost is that of its own requests alone.
"""

from __future__ import annotations

import datetime
import math
import operator
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from assent_core.errors import EnvironmentFault
from assent_core.machine import refusal
from assent_core.money.accounts import opened
from assent_core.money.advice import advise

By = Literal["route", "model", "repo", "class", "role", "day"]

QUARTER = 900
"""Days begin at a whole quarter of an hour everywhere on earth."""

KEYS: dict[By, str] = {
    "route": "work || ' > ' || model",
    "model": "model",
    "repo": "requests.repo",
    "class": "coalesce(nullif((SELECT failure FROM tasks WHERE id = task), ''), 'none')",
    "role": "role",
    "day": f"CAST(time / {QUARTER} AS INTEGER)",
}
JUDGED = "kind IN ('turn', 'fix', 'plan') AND tasks.outcome != 'interrupted'"
SUCCEEDED = "tasks.outcome = 'done' AND coalesce(verified, 1) = 1"

SUMS = """SELECT {key} AS key, count(*), total(requests) - count(*), total(outcome NOT IN ('done', 'cancelled')), total(usd),
total(CASE WHEN usd IS NULL THEN input + output END), total(input), total(cached), total(output), total(reasoning)
FROM requests WHERE time >= ? GROUP BY key"""
TASKS = """SELECT key, count(*), total({succeeded}), total(verified = 1), total(landed)
FROM (SELECT DISTINCT {key} AS key, task AS id FROM requests WHERE time >= ?) JOIN tasks USING (id)
WHERE {judged} GROUP BY key"""
DAYS = """SELECT {key} AS key, count(*), total({succeeded}), total(verified = 1), total(landed)
FROM tasks WHERE time >= ? AND {judged} AND id IN (SELECT task FROM requests) GROUP BY key"""
ALL_TASKS = """SELECT 'total', count(*), total({succeeded}), total(verified = 1), total(landed)
FROM tasks WHERE id IN (SELECT task FROM requests WHERE time >= ?) AND {judged}"""
TIMES = "SELECT {key} AS key, first, seconds FROM requests WHERE time >= ? AND outcome != 'cancelled'"
COSTS = "SELECT {key} AS key, total(usd) FROM requests WHERE time >= ? GROUP BY key"
PIECES = """SELECT task, model, count(*), total(usd), total(usd IS NULL), min(requests.outcome = 'done'), {succeeded}
FROM requests JOIN tasks ON tasks.id = task WHERE requests.time >= ? AND work = ? AND {judged} GROUP BY task, model"""

Row = tuple[str, tuple[float, ...]]
"""A group's name and its figures."""
Latencies = tuple[list[float], list[float]]


class Line(Struct, frozen=True, kw_only=True):
    """One group of requests, and the tasks in which it took part. Money in USD, latencies in seconds."""

    key: str
    requests: int = 0
    retries: int = 0
    failed: int = 0
    """Requests without a usable answer; what was cancelled is not among them."""
    usd: float = 0.0
    unpriced: int = 0
    """Tokens whose price is unknown; `usd` lacks them."""
    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    first_p50: float = 0.0
    first_p95: float = 0.0
    end_p50: float = 0.0
    end_p95: float = 0.0
    tasks: int = 0
    succeeded: int = 0
    verified: int = 0
    landed: int = 0

    @property
    def cached_share(self) -> float | None:
        """How much of the input came from the cache; None without input."""
        return self.cached / self.input if self.input else None

    @property
    def success(self) -> float | None:
        """The share of judged tasks that succeeded; None without any."""
        return self.succeeded / self.tasks if self.tasks else None

    @property
    def usd_per_success(self) -> float | None:
        """What one success cost; None without a success, or where prices are unknown."""
        return self.usd / self.succeeded if self.succeeded and not self.unpriced else None


class Statistics(Struct, frozen=True, kw_only=True):
    """The answer to one question of the accounts; `since` in seconds since the epoch."""

    since: float
    by: By
    lines: tuple[Line, ...]
    total: Line
    days: tuple[tuple[str, float], ...]
    """USD of each day with any request, by its local date, oldest first."""
    advice: tuple[str, ...]


def read(path: Path, since: float, by: By) -> Statistics:
    """Read the accounts; without a file there is nothing in them. EnvironmentFault where they cannot be read."""
    try:
        if not path.exists():
            return Statistics(since=since, by=by, lines=(), total=Line(key="total"), days=(), advice=())
        with opened(path) as database:
            database.execute("BEGIN")
            return _read(database, since, by)
    except OSError as error:
        raise refusal(error) or _unread(path, error) from error
    except sqlite3.Error as error:
        raise _unread(path, error) from error


def _unread(path: Path, error: Exception) -> EnvironmentFault:
    hint = "If the file is damaged, move it away: it is made anew."
    return EnvironmentFault(f"The accounts cannot be read: {path}: {error}", hint)


def _read(database: sqlite3.Connection, since: float, by: By) -> Statistics:
    sums, times = _folded(_ask(database, SUMS, by, since)), _latencies(_ask(database, TIMES, by, since))
    tasks = _folded(_ask(database, DAYS if by == "day" else TASKS, by, since))
    lines = [_line(key, row, tasks.get(key), times.get(key, ([], []))) for key, row in sums.items()]
    [(_, *all_tasks)] = database.execute(_filled(ALL_TASKS, ""), (since,)).fetchall()
    whole = _folded(("total", row) for row in sums.values())
    both = (
        [value for first, _ in times.values() for value in first],
        [value for _, end in times.values() for value in end],
    )
    days = _folded(_ask(database, COSTS, "day", since))
    return Statistics(
        since=since,
        by=by,
        lines=tuple(sorted(lines, key=lambda line: line.key if by == "day" else (-line.usd, -line.requests, line.key))),
        total=_line("total", whole["total"], tuple(all_tasks), both) if whole else Line(key="total"),
        days=tuple(sorted((day, usd) for day, (usd,) in days.items())),
        advice=tuple(_advice(database, since)),
    )


def _advice(database: sqlite3.Connection, since: float) -> Iterator[str]:
    pairs = database.execute("SELECT DISTINCT work, model FROM requests WHERE time >= ? AND task != ''", (since,))
    works = [work for work, _ in pairs]
    shared = sorted({work for work in works if works.count(work) > 1})
    for work in shared:
        yield advise(work, database.execute(_filled(PIECES, ""), (since, work)))
    if works and not shared:
        yield "Each kind of work went to one model alone, so there is nothing to compare."


def _filled(query: str, key: str) -> str:
    return query.format(key=key, succeeded=SUCCEEDED, judged=JUDGED)


def _ask(database: sqlite3.Connection, query: str, by: By, since: float) -> list[Row]:
    """A query's rows by group."""
    return _named(database.execute(_filled(query, KEYS[by]), (since,)), by)


def _named(rows: Iterable[tuple[Any, ...]], by: By | None) -> list[Row]:
    """Rows with the names of their groups; a quarter of an hour is named by the day here that it belongs to."""
    names: dict[int, str] = {}

    def name(key: Any) -> str:
        if by != "day":
            return str(key)
        if key not in names:
            names[key] = datetime.datetime.fromtimestamp(key * QUARTER).astimezone().date().isoformat()
        return names[key]

    return [(name(row[0]), row[1:]) for row in rows]


def _line(key: str, sums: tuple[float, ...], tasks: tuple[float, ...] | None, times: Latencies) -> Line:
    first, end = times
    requests, retries, failed, usd, unpriced, given, cached, output, reasoning = sums
    judged, succeeded, verified, landed = tasks or (0, 0, 0, 0)
    return Line(
        key=key, requests=int(requests), retries=int(retries), failed=int(failed), usd=usd, unpriced=int(unpriced),
        input=int(given), cached=int(cached), output=int(output), reasoning=int(reasoning),
        first_p50=nearest(first, 0.5), first_p95=nearest(first, 0.95),
        end_p50=nearest(end, 0.5), end_p95=nearest(end, 0.95),
        tasks=int(judged), succeeded=int(succeeded), verified=int(verified), landed=int(landed),
    )  # fmt: skip


def _folded(rows: Iterable[Row]) -> dict[str, tuple[float, ...]]:
    """Rows of the same name as one, by their sums."""
    made: dict[str, tuple[float, ...]] = {}
    for key, row in rows:
        made[key] = tuple(map(operator.add, made[key], row)) if key in made else row
    return made


def _latencies(rows: Iterable[Row]) -> dict[str, Latencies]:
    """Seconds to the first piece and to the end, by group; a request without an answer has none."""
    values: dict[str, Latencies] = defaultdict(lambda: ([], []))
    for key, (first, end) in rows:
        firsts, ends = values[key]
        if first:
            firsts.append(first)
        if end:
            ends.append(end)
    return values


def nearest(values: list[float], share: float) -> float:
    """The percentile by nearest rank: a value that occurred, at or below which lie so many; sorts in place."""
    values.sort()
    return values[max(0, math.ceil(share * len(values)) - 1)] if values else 0.0


def encoded(statistics: Statistics) -> bytes:
    """The figures as one JSON object, with those that are made of others."""
    lines = [_spelled(line) for line in statistics.lines]
    return msgspec.json.encode(
        msgspec.structs.asdict(statistics) | {"lines": lines, "total": _spelled(statistics.total)}
    )


def _spelled(line: Line) -> dict[str, object]:
    made: dict[str, object] = {
        "cached_share": line.cached_share,
        "success": line.success,
        "usd_per_success": line.usd_per_success,
    }
    return {**msgspec.structs.asdict(line), **made}
