"""What was spent and what came of it, as a table, a plot and a sentence: `assent stats`."""

from __future__ import annotations

import datetime
import re
import sys
import time

from assent_core.errors import UsageError
from assent_core.money.statistics import By, Line, Statistics, encoded, read
from assent_core.settings import load
from assent_sandbox.output import inert_json, one_line
from assent_tui.commands.printer import plain
from assent_tui.commands.where import without_screen

UNITS = {"h": 3600, "d": 86400, "w": 7 * 86400}
SINCE = "a number with h, d or w (24h, 7d, 4w), a date (2026-03-01), or all"
HEIGHT, MOST_COLUMNS = 6, 60
LONGEST_KEY = 40
COLUMNS = ("requests", "failed", "cost", "/success", "success", "cached", "first p50", "p95", "end p50", "p95")


def stats(since: str, by: By, *, as_json: bool) -> int:
    """Print the statistics of all sessions of this user."""
    begun = moment(since, time.time())
    found = read(without_screen(load()).state_dir / "accounts.db", begun, by)
    sys.stdout.write(inert_json(encoded(found)) + "\n" if as_json else page(found))
    return 0


def moment(since: str, now: float) -> float:
    """When a period begins, in seconds since the epoch; UsageError says what it takes."""
    if since == "all":
        return 0.0
    try:
        if found := re.fullmatch(r"(\d{1,6})([hdw])", since):
            return now - int(found[1]) * UNITS[found[2]]
        return datetime.datetime.fromisoformat(since).timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"--since {since!r} is no period.", f"It takes {SINCE}.") from None


def page(found: Statistics) -> str:
    """The figures for people, in plain characters."""
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.since)) if found.since else "the beginning"
    if not found.total.requests:
        return f"No request was recorded since {since}.\n"
    lines = [f"Since {since}, by {found.by}:", "", *table(found), ""]
    if found.total.unpriced:
        lines += [f"The price of {found.total.unpriced:,} tokens is unknown; no cost holds them.", ""]
    elif not found.total.usd:
        lines += ["Nothing was spent.", ""]
    if drawn := plot(found.days):
        lines += [*drawn, ""]
    lines += found.advice
    return "\n".join(plain(line) for line in lines) + "\n"


def table(found: Statistics) -> list[str]:
    """One row for each group, and one for all."""
    rows = [(found.by, *COLUMNS), *(_row(line) for line in (*found.lines, found.total))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    made = [
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return [made[0], "-" * len(made[0]), *made[1:-1], "-" * len(made[0]), made[-1]]


def _row(line: Line) -> tuple[str, ...]:
    key = one_line(line.key)
    success = f"{line.success:.0%} of {line.tasks}" if line.success is not None else "-"
    return (
        key if len(key) <= LONGEST_KEY else f"...{key[3 - LONGEST_KEY :]}",
        f"{line.requests:,}",
        f"{line.failed:,}",
        f"{_dollars(line.usd)}{'+?' if line.unpriced else ''}",
        _dollars(line.usd_per_success) if line.usd_per_success is not None else "-",
        success,
        f"{line.cached_share:.0%}" if line.cached_share is not None else "-",
        *(f"{seconds:.1f} s" for seconds in (line.first_p50, line.first_p95, line.end_p50, line.end_p95)),
    )


def plot(days: tuple[tuple[str, float], ...]) -> list[str]:
    """The cost over the days as columns of plain characters, empty for days without a request; nothing without any cost."""
    columns = _columns(days)
    most = max((usd for _, usd in columns), default=0.0)
    if not most:
        return []
    label = len(_dollars(most))
    rows = [
        f"{_dollars(most) if level == HEIGHT else '':>{label}} |"
        + "".join(_cell(usd / most * HEIGHT, level) for _, usd in columns)
        for level in range(HEIGHT, 0, -1)
    ]
    first, last = columns[0][0], days[-1][0]
    axis = f"{'$0':>{label}} +{'-' * len(columns)}"
    span = first if first == last else f"{first} to {last}"
    each = "" if len(columns) == _between(days) else f", each column {-(-_between(days) // len(columns))} days"
    return [f"Cost a day, {span}{each}:", *(row.rstrip() for row in rows), axis]


def _columns(days: tuple[tuple[str, float], ...]) -> list[tuple[str, float]]:
    costs = dict(days)
    first = datetime.date.fromisoformat(days[0][0])
    count = _between(days)
    whole = [(first + datetime.timedelta(day)).isoformat() for day in range(count)]
    each = -(-count // MOST_COLUMNS)
    return [
        (whole[at], sum(costs.get(day, 0.0) for day in whole[at : at + each]) / len(whole[at : at + each]))
        for at in range(0, count, each)
    ]


def _between(days: tuple[tuple[str, float], ...]) -> int:
    first, last = (datetime.date.fromisoformat(day) for day in (days[0][0], days[-1][0]))
    return (last - first).days + 1


def _cell(height: float, level: int) -> str:
    if height >= level - 0.5:
        return "#"
    return "." if level == 1 and height > 0 else " "


def _dollars(usd: float) -> str:
    return f"${usd:,.2f}" if usd >= 1 or not usd else f"${usd:.4f}"
