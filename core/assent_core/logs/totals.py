"""Totals by which tools say that something failed, or that nothing was tried: they count also beside the exit code 0.

Everything here takes text without escape sequences, is linear in its length and never raises.
"""

from __future__ import annotations

import re

from assent_core.logs.reports import LONGEST_LINE, Report, holding

MOST = 200
"""Lines with one sign that are looked at."""

FAILED: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("unittest", ("FAILED (",), r"FAILED \((?:\w[\w ]*=\d+(?:, )?)*(?:failures|errors|unexpected successes)=[1-9].*\)"),
    ("pytest", (" failed", " error"), r"=* ?(?:\d+ [a-z]+, )*[1-9]\d* (?:failed|errors?)\b(?:, \d+ [a-z]+)* in \d[\d.]*s.*"),
    ("pytest", ("FAILED ", "ERROR "), r"(?:FAILED|ERROR) \S+\.py(?:::\S+)?(?: - .*)?"),
    ("jest", ("Tests:", "Test Suites:", "Snapshots:"), r"(?:Tests|Test Suites|Snapshots): +(?:\d+ \w+, )*[1-9]\d* failed\b.*"),
    ("vitest", ("failed",), r"\s*(?:Test Files|Tests|Snapshots|Suites)  +(?:\d+ \w+ \| )*[1-9]\d* failed\b.*"),
    ("vitest", ("Errors  ", "Type Errors"), r"\s*(?:Type )?Errors  +(?:[1-9]\d* errors?\b.*|[1-9]\d* failed.*)"),
    ("vitest", ("Unhandled",), r".*\bVitest caught [1-9]\d* unhandled errors?.*"),
    ("a report in JSON", ("numFailedTest", "numRuntimeErrorTestSuites"),
     r".*\"num(?:Failed(?:Tests|TestSuites)|RuntimeErrorTestSuites)\" ?: ?[1-9].*"),
    ("a report in JSON", ('"success"',),
     r".*(?:\"numTotalTests\"|\"testResults\").*\"success\" ?: ?false.*|\s*\"success\" ?: ?false,?"),
    ("a report in JSON", ('"failed"', '"failures"', '"errors"'),
     r".*\"(?:summary|stats|totals)\" ?: ?\{[^{}]*\"(?:failed|failures|errors)\" ?: ?[1-9].*"),
    ("go test", ("FAIL", '"fail"'), r"FAIL(?:\t.*)?|\s*--- FAIL: .*|.*\"Action\":\"fail\".*"),
    ("node", ("fail ",), r"(?:#|\u2139) fail [1-9]\d*"),
    ("TAP", ("not ok ",), r"not ok \d+(?! .*# (?:TODO|SKIP)).*"),
    ("cargo", ("test result: FAILED", "could not compile"), r"test result: FAILED.*|error: could not compile .*"),
    ("maven", ("Tests run:", "BUILD FAILURE"),
     r"(?:\[\w+\] )?(?:Tests run: \d+, (?:Failures: [1-9]\d*, Errors: \d+|Failures: \d+, Errors: [1-9]\d*).*|BUILD FAILURE)"),
    ("gradle", ("completed, ", "BUILD FAILED"), r"\d+ tests? completed, [1-9]\d* failed.*|BUILD FAILED\b.*"),
    ("mocha", (" failing",), r"\s*[1-9]\d* failing"),
    ("rspec", (" failure",), r"\d+ examples?, [1-9]\d* failures?\b.*"),
    ("minitest", (" failures, ",),
     r"\d+ (?:runs|tests), \d+ assertions, (?:[1-9]\d* failures, \d+|\d+ failures, [1-9]\d*) errors\b.*"),
    ("phpunit", ("Failures: ", "Errors: "), r"Tests: \d+, Assertions: \d+,.*\b(?:Failures|Errors): [1-9].*"),
    ("ctest", ("tests failed out of",), r"\d+% tests passed, [1-9]\d* tests? failed out of \d+"),
    ("exunit", (" failure",), r"\d+ (?:doctests?, \d+ )?tests?, [1-9]\d* failures?\b.*"),
    ("dotnet test", ("Failed!", "Failed:"), r"Failed!  - Failed: .*|\s*Failed: [1-9]\d*"),
    ("bun", (" fail",), r"\s*[1-9]\d* fail"),
    ("deno", ("FAILED | ",), r"FAILED \| .*\b[1-9]\d* failed.*"),
    ("playwright", (" failed",), r"  [1-9]\d* failed"),
    ("doctest", ("***Test Failed***",), r"\*\*\*Test Failed\*\*\* [1-9]\d* failures?\..*"),
    ("prove", ("Result: FAIL",), r"Result: FAIL"),
    ("XCTest", ("Executed ",), r"\s*Executed \d+ tests?, with [1-9]\d* failures?\b.*"),
    ("tsc", ("Found ", "error TS"), r"Found [1-9]\d* errors?(?: in .*)?\.?|\S.*\berror TS\d+: .*"),
    ("mypy", ("Found ",), r"Found [1-9]\d* errors? in \d+ files? .*"),
    ("pyright", (" errors, ", " error, "), r"[1-9]\d* errors?, \d+ warnings?.*"),
    ("ruff", ("Found ",), r"Found [1-9]\d* errors?\b(?!.*\b0 remaining).*"),
    ("eslint", ("problem",), r"\u2716 \d+ problems? \([1-9]\d* errors?,.*"),
    ("make", ("*** ",), r"(?:g?make)(?:\[\d+\])?: \*\*\* (?!\[?.*\(ignored\)).*"),
)  # fmt: skip
"""Whose total it is, a text of which one must stand in the line, and what the whole line is then."""

NOTHING: tuple[tuple[str, str], ...] = (
    (
        "no tests ran",
        r"=* ?(?:no tests ran|\d+ (?:deselected|skipped)(?:, \d+ (?:deselected|skipped|warnings?))*)(?: in \d[\d.]*s.*)?",
    ),
    ("No tests found", r"No tests found.*"),
    ("No test files found", r"No test files found.*"),
    ("no test files", r"\?   \t\S+\t\[no test files\]"),
    ("Ran 0 tests", r"Ran 0 tests in .*"),
    ("NO TESTS RAN", r"NO TESTS RAN.*"),
    ("deselected", r"=* ?\d+ deselected(?:, \d+ warnings?)? in \d[\d.]*s.*"),
    ("skipped in", r"=* ?\d+ skipped(?:, \d+ (?:deselected|warnings?))* in \d[\d.]*s.*"),
    ("tests 0", r"(?:#|\u2139) tests 0"),
    ("0 passing", r"\s*0 passing \(.*"),
    ("0 examples", r"0 examples, 0 failures.*"),
    ("running 0 tests", r"running 0 tests"),
    ("numTotalTests", r".*\"numTotalTests\" ?: ?0\b.*"),
    ("no tests to run", r"(?:ok .*|testing: warning: )\[?no tests to run\]?"),
    ("Result: NOTESTS", r"Result: NOTESTS"),
    ("1..0", r"1\.\.0(?: .*)?"),
)
"""A text, and the whole line, by which runners say that no test was run."""


def reported(text: str) -> str:
    """The first line by which a tool says that something failed, wherever it stands; nothing where none does."""
    for name, needles, pattern in FAILED:
        whole = re.compile(pattern)
        for needle in needles:
            for _, line in zip(range(MOST), holding(text, needle), strict=False):
                if whole.fullmatch(line[:LONGEST_LINE].rstrip()):
                    return f"{name}: {' '.join(line.split())[:200]}"
    return ""


def untried(text: str, found: tuple[Report, ...]) -> str:
    """What says that no test was run at all, where a runner spoke; nothing if one was, or none spoke."""
    if any(report.passed or report.failed or report.errors for report in found):
        return ""
    if any(report.passed == 0 for report in found):
        return "; ".join(report.summary for report in found)
    if any(report.passed is None for report in found):
        return ""
    for needle, pattern in NOTHING:
        for _, line in zip(range(MOST), holding(text, needle), strict=False):
            if re.fullmatch(pattern, line.rstrip()):
                return line.strip(" =")
    return ""
