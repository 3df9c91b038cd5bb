"""What a command's output says, extracted without any model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from assent_core.reports import LONGEST_LINE, Report, bounds, holding, reports
from assent_sandbox.policy import Denial

FailureClass = Literal[
    "none", "test", "type", "lint", "build", "dependency", "environment", "permission", "network",
    "timeout", "flaky", "resource", "sandbox denial", "tool missing", "own edit", "unknown",
]  # fmt: skip


class Digest(Struct, frozen=True, kw_only=True):
    """What a log says in a few lines, with its failure class and the line of the log that shows it."""

    failure: FailureClass
    lines: tuple[str, ...]
    shown_by: str = ""
    failing: tuple[str, ...] = ()
    """Failing tests by their ids, where the output names them."""
    summary: str = ""
    """One phrase, for example 'pytest: 3 failed, 12 passed'."""
    source: Literal["rules", "scout"] = "rules"


MOST_LINES = 8
MOST_CHARACTERS = 300
MOST_TRIES = 500
"""Lines that are looked at for one sign before it counts as absent."""

ESCAPES = re.compile(
    r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]|\x9b[0-?]{0,64}[ -/]{0,8}[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\n]{0,4096}(?:\x07|\x1b\\)?|\x1b[ -/]{0,8}[0-~]"
)

Sign = tuple[FailureClass, tuple[str, ...], str]
"""A class, texts of which one must stand in a line that shows it, and the pattern that the line must hold."""

CAUSES: tuple[Sign, ...] = (
    ("resource", ("No space left on device", "Cannot allocate memory", "MemoryError", "ut of memory", "OutOfMemoryError",
                  "Disk quota exceeded", "Too many open files", "ENOSPC", "ENOMEM"), ""),
    ("tool missing", ("command not found", ": not found", "executable file not found"),
     r"command not found|executable file not found|^\S+: (?:line )?(?:\d+: )?\S+: not found$"),
    ("dependency", ("ModuleNotFoundError", "No module named ",
                    "Cannot find module ", "Cannot find package ", "no required module provides package",
                    "can't find crate", "No matching distribution found", "ERESOLVE", "no matching package named",
                    "DistributionNotFound", "PackageNotFoundError", "is not in std", "cannot find -l",
                    "Could not resolve dependencies", "Could not find a version that satisfies"), ""),
    ("network", ("ConnectionRefusedError", "gaierror",
                 "Could not resolve host", "Name or service not known", "emporary failure in name resolution",
                 "onnection refused", "etwork is unreachable", "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ENETUNREACH",
                 "Failed to establish a new connection", "no such host", "onnection timed out", "ETIMEDOUT"), ""),
    ("permission", ("ermission denied", "PermissionError", "EACCES", "EPERM", "peration not permitted",
                    "ead-only file system", "EROFS"), ""),
)  # fmt: skip

COMPLAINTS: tuple[Sign, ...] = (
    ("type", ("error: ", "error TS"), r"\.pyi?:\d+: error: .*\[[\w-]+\]$|\.pyi?:\d+:\d+ - error: |\berror TS\d+: "),
    ("lint", ("problem", "fixable", "would reformat", "would be reformatted", ": E", ": W", ": F", ": C"),
     r"✖ \d+ problems?|\d+ fixable with|ould (?:be )?reformat|^\S+:\d+:\d+: [A-Z]{1,4}\d{3,4} "),
    ("build", ("error[E", "error: ", "SyntaxError", "IndentationError", ".go:", "undefined reference", "could not compile",
               "BUILD FAILURE", "BUILD FAILED", "npm ERR!", "npm error", "*** ", "ld returned"),
     r":\d+:(?:\d+:)? (?:fatal )?error: |^error(?:\[E\d+\])?: |SyntaxError|IndentationError|^\S+\.go:\d+:\d+: "
     r"|undefined reference|could not compile|BUILD FAIL|^npm (?:ERR!|error)|^make.*\*\*\* |ld returned"),
    ("environment", ("error while loading shared libraries", "GLIBC", "requires a different Python", "requires Python",
                     "requires-python", "nsupported engine", "nsupported class file", "No such file or directory",
                     "environment variable"), ""),
)  # fmt: skip

ERROR = re.compile(
    r"(?i:error|exception|fatal|panic|panicked|failed|failure|cannot|denied|refused|undefined|killed|not found)\b|^E  "
)
ERROR_NEEDLES = ("rror", "RROR", "xception", "atal", "ATAL", "anic", "ailed", "AILED", "ailure", "annot", "enied", "efused",
                 "ndefined", "illed", "not found", "E   ")  # fmt: skip
NOISE = re.compile(
    r"(?i:\b(?:0|no) (?:errors?|failures?|failed)\b)|^[\s=_*#-]*[A-Z ]+[\s=_*#:-]*$"
    r"|^[=_]{3,} .* [=_]{3,}$|^=*\s?\d+ [a-z]+.* in [\d.]+s|^\S+::.* (?:FAILED|ERROR)\b|^FAILED \("
)
"""Lines that speak of errors only to count, head or list them."""


def extract(command: str, code: int, output: str, denials: tuple[Denial, ...] = ()) -> Digest:
    """Read a log by rules alone; never fails, and degrades to first and last error lines."""
    text = plain(output)
    found = reports(text)
    failing = {id: line for report in found for id, line in report.failing.items()}
    sure = [denial for denial in denials if denial.certainty == "sure"]
    failure, shown = _classify(text, code, found, sure)
    told = [f"{denial.kind} {denial.target}: {denial.why}" for denial in sure]
    told += list(failing.values())[:5]
    if failure != "none":
        told += [shown, *_errors(text)]
    lines = list(dict.fromkeys(_short(line) for line in told if line.strip()))
    return Digest(
        failure=failure,
        lines=tuple(lines[:MOST_LINES]) or _last(text, failure),
        shown_by=_short(shown),
        failing=tuple(failing),
        summary="; ".join(report.summary for report in found),
    )


def plain(text: str) -> str:
    """The text without escape sequences, and with every line ending as a newline."""
    if "\x1b" in text or "\x9b" in text:
        text = ESCAPES.sub("", text)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _classify(text: str, code: int, found: tuple[Report, ...], sure: list[Denial]) -> tuple[FailureClass, str]:
    """The class and the line that shows it: what ended the command before what it says, causes before complaints."""
    failing = [line for report in found for line in report.failing.values()]
    if code == 0:
        return ("test", failing[0]) if failing else ("none", "")
    if sure:
        return "sandbox denial", _line_of(text, sure[0])
    if code == 124:
        return "timeout", _last_line(text)
    if code == 137:
        return "resource", next(holding(text, "illed"), _last_line(text))
    if any(report.failed for report in found):
        return _common_cause(failing) or ("test", failing[0] if failing else _summary_line(text))
    if code == 127 and (missing := _sign(text, (("tool missing", ("not found", "No such file"), ""),))):
        return missing
    if sign := _sign(text, CAUSES) or _sign(text, COMPLAINTS):
        return sign
    if failing:
        return "test", failing[0]
    by_code: dict[int, FailureClass] = {126: "permission", 127: "tool missing"}
    return by_code.get(code, "unknown"), next(iter(_errors(text)), _last_line(text))


def _common_cause(failing: list[str]) -> tuple[FailureClass, str] | None:
    """The cause that the runner's own lines give for every failing test, if it is one and the same."""
    causes = [_sign(line, CAUSES) for line in failing]
    return causes[0] if causes and len({cause and cause[0] for cause in causes}) == 1 else None


def _sign(text: str, signs: tuple[Sign, ...]) -> tuple[FailureClass, str] | None:
    for failure, needles, pattern in signs:
        test = re.compile(pattern)
        for needle in needles:
            for _, line in zip(range(MOST_TRIES), holding(text, needle), strict=False):
                if test.search(line):
                    return failure, line
    return None


def _errors(text: str) -> tuple[str, ...]:
    """The first and the last line that read like an error."""
    firsts = [place for needle in ERROR_NEEDLES if (place := _error_at(text, _forward(text, needle))) is not None]
    lasts = [place for needle in ERROR_NEEDLES if (place := _error_at(text, _backward(text, needle))) is not None]
    return (_line(text, min(firsts)), _line(text, max(lasts))) if firsts else ()


def _error_at(text: str, places: Iterator[int]) -> int | None:
    """The first of the places that starts a line which reads like an error."""
    for _, place in zip(range(MOST_TRIES), places, strict=False):
        line = _line(text, place)
        if ERROR.search(line) and not NOISE.search(line):
            return place
    return None


def _forward(text: str, needle: str) -> Iterator[int]:
    """The starts of the lines that hold the needle, from the first on."""
    place = text.find(needle)
    while place >= 0:
        start, end = bounds(text, place)
        yield start
        place = text.find(needle, end)


def _backward(text: str, needle: str) -> Iterator[int]:
    """The starts of the lines that hold the needle, from the last on."""
    place = text.rfind(needle)
    while place >= 0:
        start, _ = bounds(text, place)
        yield start
        place = text.rfind(needle, 0, start) if start else -1


def _line(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start : min(len(text) if end < 0 else end, start + LONGEST_LINE)]


def _line_of(text: str, denial: Denial) -> str:
    """The line of the log that names what was denied; where none does, what the wall says."""
    named = holding(text, denial.target) if denial.target else iter(())
    return next(named, denial.why)


def _summary_line(text: str) -> str:
    """The first line that speaks of failing."""
    lines = (line for word in ("failed", "FAILED", "FAIL") for line in holding(text, word))
    return next(lines, "")


def _last_line(text: str) -> str:
    return text.rstrip()[-LONGEST_LINE:].rpartition("\n")[2]


def _last(text: str, failure: FailureClass) -> tuple[str, ...]:
    line = _short(_last_line(text))
    return (line,) if line and failure != "none" else ()


def _short(line: str) -> str:
    line = line.strip()
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1]}…"
