"""What a command's output says, extracted without any model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from assent_core.logs.diagnostics import diagnostics
from assent_core.logs.failures import failures
from assent_core.logs.finding import Finding, short
from assent_core.logs.reports import LONGEST_LINE, Report, bounds, holding, reports
from assent_core.logs.sieve import plain, sieved
from assent_core.logs.totals import reported, untried
from assent_core.logs.tracebacks import tracebacks
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
    findings: tuple[Finding, ...] = ()
    """Failing tests with place and assertion, diagnostics, raised exceptions: in this order, each kind in that of the log."""
    more: int = 0
    """How many findings there are beyond those that are kept."""
    first: str = ""
    """The first line that reads like an error, and the last one."""
    last: str = ""
    against: str = ""
    """Beside the exit code 0: the line by which the output says that something failed all the same."""
    untried: str = ""
    """Beside the exit code 0: what says that no test was run."""

    @property
    def told(self) -> tuple[str, ...]:
        """All that was extracted, in lines; at most about MOST_TOLD characters."""
        found = [finding.told for finding in self.findings]
        found += [f"... and {self.more} more of these"] if self.more else []
        ends = [("first error", self.first), ("last error", self.last if self.last != self.first else "")]
        return (*([self.summary] if self.summary else []), *found, *(f"{name}: {line}" for name, line in ends if line))


__all__ = ["Digest", "FailureClass", "extract", "plain"]

MOST_LINES = 8
MOST_TOLD = 16_000
"""Characters of findings that a digest keeps, about 4,000 tokens: what it keeps is always shown whole."""
MOST_TRIES = 500
"""Lines that are looked at for one sign before it counts as absent."""

Sign = tuple[FailureClass, tuple[str, ...], str]
"""A class, texts of which one must stand in a line that shows it, and the pattern that the line must hold."""

CAUSES: tuple[Sign, ...] = (
    ("timeout", ("test timed out after",), r"panic: test timed out after"),
    ("resource", ("No space left on device", "Cannot allocate memory", "MemoryError", "ut of memory", "OutOfMemoryError",
                  "Disk quota exceeded", "Too many open files", "ENOSPC", "ENOMEM"), ""),
    ("tool missing", ("command not found", ": not found", "executable file not found", "No such file", "Failed to spawn",
                      "Cannot run program", "spawn "),
     r"command not found|executable file not found|^\S+: (?:line )?(?:\d+: )?\S+: not found$|[Ff]ailed to spawn"
     r"|^make(?:\[\d+\])?: \S+: No such file or directory$|running subprocess \[Errno 2\]|Cannot run program|spawn \S+ ENOENT"),
    ("network", ("ConnectionRefusedError", "gaierror",
                 "Could not resolve host", "Name or service not known", "emporary failure in name resolution",
                 "onnection refused", "etwork is unreachable", "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ENETUNREACH",
                 "Failed to establish a new connection", "no such host", "onnection timed out", "ETIMEDOUT",
                 "Failed to connect to "), ""),
    ("dependency", ("ModuleNotFoundError", "No module named ",
                    "Cannot find module ", "Cannot find package ", "no required module provides package",
                    "cannot find module providing", "can't find crate", "No matching distribution found", "ERESOLVE",
                    "no matching package named", "DistributionNotFound", "PackageNotFoundError", "is not in std",
                    "is not in GOROOT", "cannot find -l", "Could not resolve dependencies", "Could not resolve all ",
                    "No solution found when", "Could not find a version that satisfies"), ""),
    ("permission", ("ermission denied", "PermissionError", "EACCES", "EPERM", "peration not permitted",
                    "ead-only file system", "EROFS"), ""),
    ("environment", ("error while loading shared libraries", "GLIBC", "requires a different Python", "requires Python",
                     "requires-python", "nsupported engine", "EBADENGINE", "nsupported class file", "nvironment variable",
                     "not a git repository", "ddress already in use", "EADDRINUSE", "unbound variable",
                     "could not find or load main class", "Could not find or load main class", "couldn't find an eslint.config",
                     "allowlist_externals to allow"),
     r"^(?!.*nvironment variable)|nvironment variable .*(?:not set|unset|missing|required|undefined)"),
    ("flaky", ("laky", "FLAKY", "on retry", "passed on rerun"),
     r"(?i)\bflaky\b.*\b(?:retry|passed|failed|test)|passed on (?:retry|rerun)"),
)  # fmt: skip

COMPLAINTS: tuple[Sign, ...] = (
    ("type", ("error: ", "error TS"), r"\.pyi?:\d+: error: .*\[[\w-]+\]$|\.pyi?:\d+:\d+ - error: |\berror TS\d+: "),
    ("lint", ("problem", "fixable", "would reformat", "would be reformatted", ": E", ": W", ": F", ": C"),
     r"✖ \d+ problems?|\d+ fixable with|ould (?:be )?reformat|^\S+:\d+:\d+: [A-Z]{1,4}\d{3,4} "),
    ("build", ("error[E", "error: ", "SyntaxError", "IndentationError", ".go:", "undefined reference", "could not compile",
               "BUILD FAILURE", "BUILD FAILED", "npm ERR!", "npm error", "*** ", "ld returned", "CONFLICT (", "the POMs"),
     r":\d+:(?:\d+:)? (?:fatal )?error: |^error\[E\d+\]: |SyntaxError|IndentationError|^\S+\.go:\d+:\d+: "
     r"|undefined reference|could not compile|BUILD FAIL|^npm (?:ERR!|error)|^make.*\*\*\* |ld returned|^CONFLICT \("
     r"|^error: (?:could not find `Cargo|failed to parse manifest|expected|aborting)|processing the POMs"),
    ("environment", ("No such file or directory", "no such file or directory", "file or directory not found"), ""),
)  # fmt: skip

CLASSES: dict[str, FailureClass] = {
    "mypy": "type", "pyright": "type", "tsc": "type", "ruff": "lint", "eslint": "lint", "cc": "build", "rustc": "build",
    "javac": "build", "go": "build", "maven": "build", "gradle": "build", "make": "build", "bash": "build",
}  # fmt: skip
"""What a diagnostic of a tool is a matter of."""
SYNTAX = ("syntax", "invalid-syntax")

ERROR = re.compile(
    r"(?i:error|exception|fatal|panic|panicked|failed|failure|cannot|denied|refused|undefined|killed|rejected|not found)\b|^E  "
)
ERROR_NEEDLES = ("rror", "RROR", "xception", "atal", "ATAL", "anic", "ailed", "AILED", "ailure", "annot", "enied", "efused",
                 "ndefined", "illed", "ejected", "not found", "E   ")  # fmt: skip
NOISE = re.compile(
    r"(?i:\b(?:0|no) (?:errors?|failures?|failed)\b)|^[\s=_*#-]*[A-Z ]+[\s=_*#:-]*$"
    r"|^[=_]{3,} .* [=_]{3,}$|^=*\s?\d+ [a-z]+.* in [\d.]+s|^\S+::.* (?:FAILED|ERROR)\b|^FAILED \("
)
"""Lines that speak of errors only to count, head or list them."""


def extract(command: str, code: int, output: str, denials: tuple[Denial, ...] = ()) -> Digest:
    """Read a log by rules alone; never fails, and degrades to first and last error lines."""
    text = sieved(output)
    found = reports(text)
    sure = [denial for denial in denials if denial.certainty == "sure"]
    lines = [line[:LONGEST_LINE].rstrip() for line in text.split("\n")]
    tests = [finding for report in found for finding in failures(report.runner, report.failing, lines)]
    complaints = diagnostics(lines)
    failure, shown = _classify(text, code, (found, tests, complaints), sure)
    findings, more = _kept(_ordered(tests, [*complaints, *tracebacks(lines)])) if failure != "none" else ((), 0)
    errors = _errors(text) if failure != "none" else ()
    told = [f"{denial.kind} {denial.target}: {denial.why}" for denial in sure]
    told += [line for report in found for line in report.failing.values()][:5]
    told += [shown, *errors]
    few = list(dict.fromkeys(short(line) for line in told if line.strip()))
    return Digest(
        failure=failure,
        lines=tuple(few[:MOST_LINES]) or _last(text, failure),
        shown_by=short(shown),
        failing=tuple(finding.test for finding in findings if finding.test),
        summary="; ".join(report.summary for report in found),
        findings=findings,
        more=more,
        first=short(errors[0]) if errors else "",
        last=short(errors[-1]) if errors else "",
        against=_against(text, found) if code == 0 else "",
        untried=short(untried(text, found)) if code == 0 else "",
    )


def _against(text: str, found: tuple[Report, ...]) -> str:
    """What a log says of failing although it ended well: a total, or what a runner counts."""
    counted = next((report.summary for report in found if report.failed > 0 or report.errors), "")
    return short(reported(text) or counted)


def _ordered(tests: list[Finding], others: list[Finding]) -> list[Finding]:
    """Failing tests, then what no test tells: errors before warnings."""
    known = {(finding.path, finding.line) for finding in tests}
    apart = [finding for finding in others if (finding.path, finding.line) not in known or not finding.line]
    return [*tests, *sorted(apart, key=lambda finding: finding.severity != "error")]


def _kept(findings: list[Finding]) -> tuple[tuple[Finding, ...], int]:
    """The findings that fit into MOST_TOLD, and how many do not."""
    room = MOST_TOLD
    for index, finding in enumerate(findings):
        room -= len(finding.told) + 1
        if room < 0:
            return tuple(findings[:index]), len(findings) - index
    return tuple(findings), 0


Read = tuple[tuple[Report, ...], list[Finding], list[Finding]]
"""What runners report, their failing tests, and the diagnostics of other tools."""


def _classify(text: str, code: int, read: Read, sure: list[Denial]) -> tuple[FailureClass, str]:
    """The class and the line that shows it: what ended the command before what it says, causes before complaints."""
    found, tests, complaints = read
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
        return _common_cause(text, tests, failing) or ("test", failing[0] if failing else _summary_line(text))
    if code == 127 and (missing := _sign(text, (("tool missing", ("not found", "No such file"), ""),))):
        return missing
    if sign := _sign(text, CAUSES) or _of_tool(text, complaints) or _sign(text, COMPLAINTS):
        return sign
    if failing:
        return "test", failing[0]
    by_code: dict[int, FailureClass] = {126: "permission", 127: "tool missing"}
    return by_code.get(code, "unknown"), next(iter(_errors(text)), _last_line(text))


def _of_tool(text: str, complaints: list[Finding]) -> tuple[FailureClass, str] | None:
    """The class of the first error that a tool complains of, with its line."""
    errors = sorted(complaints, key=lambda finding: finding.severity != "error")
    if not errors or errors[0].tool not in CLASSES:
        return None
    first = errors[0]
    failure = "build" if first.code in SYNTAX else CLASSES[first.tool]
    near = [str(first.line), first.path.rpartition("/")[2]]
    shown = list(zip(range(MOST_TRIES), holding(text, first.message[:40].rstrip("…") or first.code), strict=False))
    best = next((line for _, line in shown if all(part in line for part in near)), shown[0][1] if shown else "")
    return (failure, best) if best else None


def _common_cause(text: str, tests: list[Finding], failing: list[str]) -> tuple[FailureClass, str] | None:
    """The cause that the runner gives for every failing test, if it is one and the same."""
    causes = [_sign(line, CAUSES) for line in failing]
    if not all(causes):
        said = [finding.message for finding in tests]
        causes = [own or _sign(message, CAUSES) for own, message in zip(causes, said, strict=False)]
    if not causes or len({cause and cause[0] for cause in causes}) != 1 or not causes[0]:
        return None
    failure, line = causes[0]
    return failure, next(holding(text, line), line)


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
    line = short(_last_line(text))
    return (line,) if line and failure != "none" else ()
