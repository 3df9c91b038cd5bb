"""What test runners report: which tests failed and how many, read from their output by the way they print it.

Everything here takes text without escape sequences, is linear in its length and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from assent_core.logs.failures import java_test, unittest_id

LONGEST_LINE = 2000
MOST_TESTS = 2000


class Report(Struct, frozen=True, kw_only=True):
    """The outcome that one runner printed; `failing` maps the id of a failing test to the line that says so."""

    runner: str
    failing: dict[str, str] = {}
    failed: int = 0
    passed: int | None = None
    errors: int = 0

    @property
    def summary(self) -> str:
        """One phrase, for example 'pytest: 3 failed, 12 passed'."""
        if self.passed == 0 and not self.failed and not self.errors:
            return f"{self.runner}: no test passed or failed"
        parts = [f"{max(self.failed, 0)} failed"]
        parts += [f"{self.passed} passed"] if self.passed is not None else []
        parts += [f"{self.errors} error{'s' * (self.errors != 1)}"] if self.errors else []
        return f"{self.runner}: {', '.join(parts)}"


def reports(text: str) -> tuple[Report, ...]:
    """What each runner that left its marks in the text reports."""
    found = (
        _pytest(text),
        _unittest(text),
        _go(text),
        _jest(text),
        _vitest(text),
        _written(text),
        _node(text),
        _cargo(text),
        *_java(text),
    )
    return tuple(report for report in found if report)


def holding(text: str, needle: str) -> Iterator[str]:
    """Each line that holds the needle, in order, cut to LONGEST_LINE."""
    place = text.find(needle)
    while place >= 0:
        start, end = bounds(text, place)
        yield text[start : min(end, start + LONGEST_LINE)]
        place = text.find(needle, end)


def bounds(text: str, place: int) -> tuple[int, int]:
    """Where the line around a place starts and ends."""
    end = text.find("\n", place)
    return text.rfind("\n", 0, place) + 1, len(text) if end < 0 else end


def counted(text: str) -> dict[str, int]:
    """Pairs such as '3 failed, 12 passed' or 'failures=3' as numbers by word."""
    pairs = [(word, number) for number, word in re.findall(r"\b(\d{1,9}) ([a-z]+)", text)]
    pairs += re.findall(r"\b([a-z]+)=(\d{1,9})\b", text)
    return {word: int(number) for word, number in pairs}


PYTEST_END = re.compile(r"=* ?((?:\d{1,9} [a-z]+(?:, )?){1,12}) in \d[\d.]*s\b.*")
PYTEST_ERROR = re.compile(r"ERROR (\S+\.py(?:::.*?)?)(?: - .*)?")
PYTEST_VERBOSE = re.compile(
    r"(?:\[gw\d+\] \[ *\d+%\] (?:FAILED|ERROR) (\S+::.*)|(\S+::.*?) (?:FAILED|ERROR)(?: +\[ *\d+%\])?)\s*"
)
PYTEST_HEADING = re.compile(r"_{3,} (?:ERROR (?:collecting|at \w+ of) )?(\S.*?) _{3,}")


def _pytest(text: str) -> Report | None:
    failing: dict[str, str] = {}
    for line in holding(text, "FAILED"):
        if line.startswith("FAILED ") and "::" in line:
            failing.setdefault(_pytest_id(line.removeprefix("FAILED ")), line)
        elif found := PYTEST_VERBOSE.fullmatch(line):
            failing.setdefault((found[1] or found[2]).strip(), line)
    for line in holding(text, "ERROR"):
        found = PYTEST_ERROR.fullmatch(line) or PYTEST_VERBOSE.fullmatch(line)
        if found:
            failing.setdefault(_pytest_id(next(filter(None, found.groups()), "")), line)
    _prefer_reasons(failing, text)
    ends = [found[1] for word in ("passed", "failed", "error", "skipped") for line in holding(text, word)
            if (found := PYTEST_END.fullmatch(line))]  # fmt: skip
    if not ends and not failing:
        return None
    counts = counted(max(ends, key=text.rfind)) if ends else {}
    failed, errors = counts.get("failed", 0), counts.get("error", 0) + counts.get("errors", 0)
    if ends and failed + errors and not failing:
        headings = (PYTEST_HEADING.fullmatch(line) for line in holding(text, "___"))
        failing = {found[1]: found[0] for found in headings if found}
    if not ends:
        return Report(runner="pytest", failing=_most(failing), failed=len(failing))
    return Report(runner="pytest", failing=_most(failing), failed=failed, passed=counts.get("passed", 0), errors=errors)


def _pytest_id(rest: str) -> str:
    """The id before ' - reason'; parameters in brackets may hold that themselves."""
    bracket, dash = rest.find("["), rest.find(" - ")
    if 0 <= bracket < dash:
        closed = rest.find("] - ")
        return rest[: closed + 1] if closed >= 0 else rest.rstrip()
    return (rest if dash < 0 else rest[:dash]).strip()


def _prefer_reasons(failing: dict[str, str], text: str) -> None:
    """Where a test is named in progress and in the summary, keep the line that gives the reason."""
    for line in holding(text, "FAILED "):
        if line.startswith("FAILED ") and (id := _pytest_id(line.removeprefix("FAILED "))) in failing:
            failing[id] = line


def _unittest(text: str) -> Report | None:
    ran = [
        int(found[1]) for line in holding(text, "Ran ") if (found := re.fullmatch(r"Ran (\d{1,9}) tests? in .*", line))
    ]
    if not ran:
        return None
    failing: dict[str, str] = {}
    unloaded: dict[str, str] = {}
    told = 0
    for word in ("FAIL: ", "ERROR: "):
        for line in holding(text, word):
            if found := re.match(rf"{word}(\S+)(?: \(([\w.<>]+)\))?", line):
                told += 1
                into = unloaded if "unittest.loader._FailedTest" in line else failing
                into.setdefault(unittest_id(found[1], found[2] or ""), line)
    ends = [counted(line.replace("(expected failures", "(xfailed").replace(" expected failures", " xfailed"))
            for line in holding(text, " (") if re.match(r"(?:FAILED|OK) \(", line)]  # fmt: skip
    aside = sum(end.get(word, 0) for end in ends for word in ("skipped", "xfailed", "successes"))
    total = sum(end.get(word, 0) for end in ends for word in ("failures", "errors"))
    named = len(failing) if told >= total else total - len(unloaded)
    passed = max(0, sum(ran) - named - len(unloaded) - aside)
    failed = named + sum(end.get("successes", 0) for end in ends)
    return Report(
        runner="unittest", failing=_most(failing | unloaded), failed=failed, passed=passed, errors=len(unloaded)
    )


def _go(text: str) -> Report | None:
    failing: dict[str, str] = {}
    waiting: list[tuple[str, str]] = []
    packages = 0
    for line in holding(text, "FAIL"):
        if found := re.match(r"\s*--- FAIL: (\S+) \(", line):
            waiting.append((found[1], line))
        elif line.startswith("FAIL\t"):
            package = line.split("\t")[1].split(" ")[0]
            packages += 1
            failing.update({f"{package}.{name}": shown for name, shown in waiting})
            waiting.clear()
    failing.update(waiting)
    good = sum(line.startswith("ok  \t") for line in holding(text, "ok  \t"))
    passed = sum(1 for _ in holding(text, "--- PASS: "))
    if not failing and not packages and not good:
        return None
    broken = packages if not failing else 0
    return Report(runner="go test", failing=_most(failing), failed=len(failing), passed=passed or None, errors=broken)


def _jest(text: str) -> Report | None:
    ends = [line for line in holding(text, "Tests: ") if re.fullmatch(r"Tests: +\d.* total", line)]
    broken = sum(1 for _ in holding(text, "Test suite failed to run"))
    if not ends and not (broken and "● " in text):
        return None
    failing: dict[str, str] = {}
    for line in holding(text, "● "):
        name = line.strip().removeprefix("● ")
        if line.strip().startswith("● ") and name not in ("Console", "Test suite failed to run"):
            failing.setdefault(name, line)
    if broken:
        failing |= {suite: line for suite, line in _suites(text) if suite not in failing}
    counts = counted(ends[-1]) if ends else {}
    passed, failed = counts.get("passed", 0), counts.get("failed", 0)
    suites = [line for line in holding(text, "Test Suites: ") if re.fullmatch(r"Test Suites: +\d.* total", line)]
    if suites and not failed:
        broken = max(broken, counted(suites[-1]).get("failed", 0))
    return Report(runner="jest", failing=_most(failing), failed=failed, passed=passed, errors=broken)


def _suites(text: str) -> Iterator[tuple[str, str]]:
    """The test files of jest that could not be run, each with the line that says so."""
    place = text.find("Test suite failed to run")
    while place >= 0:
        above = text.rfind("FAIL ", 0, place)
        start, end = bounds(text, above if above >= 0 else place)
        line = text[start : min(end, start + LONGEST_LINE)]
        if line.startswith("FAIL "):
            yield line.removeprefix("FAIL ").split(" (")[0].strip().removeprefix("./"), line
        place = text.find("Test suite failed to run", place + 1)


def _vitest(text: str) -> Report | None:
    ends = [line for line in holding(text, "Tests  ") if re.fullmatch(r"\s*Tests  +\d.*\(\d+\)\s*", line)]
    failing: dict[str, str] = {}
    for line in holding(text, " FAIL  "):
        if line.startswith(" FAIL  ") and (" > " in line or " [ " in line):
            failing.setdefault(line.removeprefix(" FAIL  ").split(" [ ")[0].strip(), line)
    if not ends and not failing:
        return None
    counts = counted(ends[-1]) if ends else {}
    files = [line for line in holding(text, "Test Files  ") if re.fullmatch(r"\s*Test Files  +\d.*\(\d+\)\s*", line)]
    broken = max(len(failing), counted(files[-1]).get("failed", 0) if files else 0)
    caught = [line for line in holding(text, "Errors  ") if re.fullmatch(r"\s*Errors  +\d+ errors?\s*", line)]
    unhandled = sum(counted(caught[-1]).values()) if caught else 0
    return Report(
        runner="vitest",
        failing=_most(failing),
        failed=counts.get("failed", 0),
        passed=counts.get("passed", 0),
        errors=(0 if counts.get("failed") else broken) + unhandled,
    )


def _written(text: str) -> Report | None:
    """What jest and vitest write as JSON."""
    numbers: dict[str, int] = {}
    for key in ("FailedTests", "PassedTests", "FailedTestSuites", "RuntimeErrorTestSuites"):
        for line in holding(text, f'"num{key}"'):
            if found := re.search(rf'"num{key}" ?: ?(\d{{1,9}})', line):
                numbers[key] = int(found[1])
    if "FailedTests" not in numbers or "PassedTests" not in numbers:
        return None
    failed = numbers["FailedTests"]
    broken = numbers.get("RuntimeErrorTestSuites", 0) or (0 if failed else numbers.get("FailedTestSuites", 0))
    return Report(runner="tests", failed=failed, passed=numbers["PassedTests"], errors=broken)


def _node(text: str) -> Report | None:
    ends = {found[1]: int(found[2]) for word in ("fail ", "pass ") for line in holding(text, word)
            if (found := re.fullmatch(r"(?:#|ℹ) (fail|pass) (\d{1,9})", line))}  # fmt: skip
    if "fail" not in ends:
        return None
    failing: dict[str, str] = {}
    for sign, pattern in (("not ok ", r"\s*not ok \d+ - (.+)"), ("✖ ", r"\s*✖ (.+?) \(\d[\d.]*ms\)")):
        for line in holding(text, sign):
            if found := re.fullmatch(pattern, line.rstrip()):
                failing.setdefault(found[1], line)
    files = sum(bool(re.search(r"/.*\.[cm]?[jt]sx?$", name)) for name in failing)
    failed = max(0, ends["fail"] - files)
    return Report(runner="node", failing=_most(failing), failed=failed, passed=ends.get("pass"), errors=files)


def _cargo(text: str) -> Report | None:
    ends = [counted(line) for line in holding(text, "test result: ")]
    if not ends:
        return None
    found = (re.match(r"test (.+?) \.\.\. FAILED", line) for line in holding(text, " ... FAILED"))
    failing = {match[1].removesuffix(" - should panic"): match.string for match in found if match}
    failed, passed = (sum(end.get(word, 0) for end in ends) for word in ("failed", "passed"))
    return Report(runner="cargo test", failing=_most(failing), failed=failed, passed=passed)


SUREFIRE_END = re.compile(
    r"\[(?:INFO|ERROR|WARNING)\] Tests run: (\d{1,9}), Failures: (\d{1,9}), Errors: (\d{1,9}), Skipped: (\d{1,9})"
)
GRADLE_END = re.compile(r"(\d{1,9}) tests? completed, (\d{1,9}) failed.*")


def _java(text: str) -> Iterator[Report]:
    """What surefire (maven) and gradle report."""
    failing = {id: line for sign in (" <<< ", " FAILED") for line in holding(text, sign) if (id := java_test(line))}
    ends = [found for line in holding(text, "Tests run: ") if (found := SUREFIRE_END.fullmatch(line.rstrip()))]
    if ends:
        run, failed, errors, skipped = (int(number) for number in ends[-1].groups())
        passed = max(0, run - failed - errors - skipped)
        yield Report(runner="maven", failing=_most(failing), failed=failed + errors, passed=passed)
    elif end := next((found for line in holding(text, " completed, ") if (found := GRADLE_END.fullmatch(line))), None):
        passed = int(end[1]) - int(end[2])
        yield Report(runner="gradle", failing=_most(failing), failed=int(end[2]), passed=passed)


def _most(failing: dict[str, str]) -> dict[str, str]:
    return dict(list(failing.items())[:MOST_TESTS])
