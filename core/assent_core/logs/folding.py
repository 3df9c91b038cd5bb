"""A log without its repetition: the same lines again, progress that is redrawn, frames inside of libraries."""

from __future__ import annotations

import re
from itertools import takewhile

from assent_core.logs.tracebacks import FOREIGN, JAVA_FOREIGN, NODE_FRAME, PYTHON_FRAME

LONGEST_PERIOD = 4
"""Lines of a block that is looked for again right below itself."""
FEWEST = 4
"""Lines that must go for a note to stand in their place."""

PROGRESS = re.compile(r"\d{1,3}(?:\.\d{1,3})?\s?%|[\[(|][#=>\-.█▏▎▍▌▋▊▉ ]{5,}[\])|]|\b\d{1,9}/\d{1,9}\b")
DIGITS = re.compile(r"[\d.#=> █▏▎▍▌▋▊▉-]+")


def folded(text: str) -> str:
    """The text with a note in place of what only repeats; no other line is changed or moved."""
    lines = text.split("\n")
    for fold in (_frames, _progress, _repeated):
        lines = fold(lines)
    return "\n".join(lines)


def _repeated(lines: list[str]) -> list[str]:
    kept: list[str] = []
    at, count = 0, len(lines)
    while at < count:
        period, times = _period(lines, at)
        kept += lines[at : at + period]
        if period * (times - 1) >= FEWEST and any(line.strip() for line in lines[at : at + period]):
            what = "the line above" if period == 1 else f"the {period} lines above"
            kept.append(f"[... {what} {times - 1} more times ...]")
        else:
            kept += lines[at + period : at + period * times]
        at += period * times
    return kept


def _period(lines: list[str], at: int) -> tuple[int, int]:
    """The shortest block that stands here several times over, and how often."""
    for period in range(1, LONGEST_PERIOD + 1):
        block = lines[at : at + period]
        if lines[at + period : at + 2 * period] != block:
            continue
        times = 2
        while lines[at + times * period : at + (times + 1) * period] == block:
            times += 1
        if period * (times - 1) >= FEWEST:
            return period, times
    return 1, 1


def _progress(lines: list[str]) -> list[str]:
    """Of lines that show the same progress, only the first and the last."""
    kept: list[str] = []
    run: list[str] = []
    shape = ""
    for line in lines:
        found = DIGITS.sub("#", line) if len(line) < 400 and PROGRESS.search(line) else ""
        if found and found == shape:
            run.append(line)
            continue
        kept += _ends(run)
        run, shape = [line], found
    return kept + _ends(run)


def _ends(run: list[str]) -> list[str]:
    return run if len(run) < FEWEST + 2 else [run[0], f"[... {len(run) - 2} lines of progress ...]", run[-1]]


def _frames(lines: list[str]) -> list[str]:
    kept: list[str] = []
    run: list[str] = []
    at = 0
    while at < len(lines):
        size = _foreign(lines, at)
        if size:
            run += lines[at : at + size]
            at += size
            continue
        kept += _note(run)
        run = []
        kept.append(lines[at])
        at += 1
    return kept + _note(run)


def _note(run: list[str]) -> list[str]:
    return run if len(run) < FEWEST else [f"[... {len(run)} lines of frames in libraries ...]"]


def _foreign(lines: list[str], at: int) -> int:
    """How many lines a frame in a library takes here, with the source that is shown below it; 0 where there is none."""
    line = lines[at]
    if not any(sign in line for sign in (*FOREIGN, "\tat ", " at ")) or len(line) > 1000:
        return 0
    if (python := PYTHON_FRAME.fullmatch(line)) and any(sign in python["path"] for sign in FOREIGN):
        indent = len(line) - len(line.lstrip())
        below = takewhile(lambda other: len(other) - len(other.lstrip()) > indent, lines[at + 1 : at + 4])
        return 1 + len(list(below))
    if JAVA_FOREIGN.match(line):
        return 1
    node = NODE_FRAME.fullmatch(line)
    return int(bool(node and any(sign in node["path"] for sign in FOREIGN) and not line.rstrip().endswith("{")))
