"""No text makes the reading of logs fail, and none makes it slow."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent_core.logs.diagnostics import diagnostics
from assent_core.logs.failures import SECTIONS, failures
from assent_core.logs.finding import Finding
from assent_core.logs.folding import folded
from assent_core.logs.sieve import HEAD, MIDDLE, TAIL, WHOLE, plain, sieved
from assent_core.logs.tracebacks import tracebacks

PIECES = (
    "a.py", ":", "1", ": error: ", " - error ", "TS1: ", "(1,2)", " --> ", "\n", "  ", "\t", "error[E0308]: ", "F401 [*] ", "✖ ",
    "● ",    " FAIL  ", "FAIL ", "--- FAIL: ", "=== RUN   T", "thread 'x' panicked at ", "Traceback (most recent call last):",
    '  File "x", line 1, in f', "    at f (x:1:2)", "\tat a.B.c(D.java:1)", "panic: x", "goroutine 1", "---- x stdout ----",
    "E   ",    "____ x ____", "ValueError: x", "[ERROR] ", " <<< FAILURE!", "not ok 1 - ",
    "error: '", "npm error ", "*** ", "[", "]",
    "%", "x",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=60).map("".join))
def test_no_text_makes_a_reading_fail(text: str):
    lines = text.split("\n")
    found = [*diagnostics(lines), *tracebacks(lines)]
    for runner in SECTIONS:
        found += failures(runner, {"a::b": "FAILED a::b - x", "x": "x"}, lines)
    assert all(isinstance(finding, Finding) and "\n" not in finding.told for finding in found)
    assert folded(text).count("\n") <= text.count("\n")


def took(piece: str, size: int) -> float:
    lines = (piece * (size // len(piece))).split("\n")
    start = time.process_time()
    diagnostics(lines)
    tracebacks(lines)
    folded("\n".join(lines))
    for runner in SECTIONS:
        failures(runner, {"a::b": "x"}, lines)
    return time.process_time() - start


@pytest.mark.parametrize("piece", [
    "a.c:1:2: error: x\n", " --> a:1:2\n", '  File "x.py", line 3, in f\n    x: y\n', "    at f (x.js:1:2)\n",
    "\tat a.B.c(D.java:1)\n",    "a:1:" * 400 + "\n", "(" * 1900 + "\n", " " * 1900 + "x\n",
    "panic: x\n", "thread 'x' panicked at a:1:2:\n", "✖ a (1ms)\n",
    "● a\n", "____ x ____\n", "FAIL: a (b)\n", "a.py:1: error: x\n  more\n", "1 2 3 10%\n", "  1:2  error  x  y\n",
    "FAIL ./a.js\n",
])  # fmt: skip
def test_the_time_of_a_reading_grows_with_the_text_and_not_with_its_square(piece: str):
    assert any(took(piece, 800_000) < 8 * 5 * max(took(piece, 100_000), 0.005) for _ in range(5))


def test_a_short_log_is_read_whole_and_of_a_long_one_the_head_the_tail_and_what_speaks_of_errors():
    assert sieved("a\r\nb\x1b[31m\n") == "a\nb\n"
    quiet = "all is well in this line of the log\n" * (1 << 18)
    log = f"first\n{quiet}src/a.c:1:2: error: middle\n  after it\n{quiet}last\n"
    assert len(log) > WHOLE
    kept = sieved(log)
    assert len(kept) <= HEAD + MIDDLE + TAIL + 2_000_000
    assert kept.startswith("first\n")
    assert kept.endswith("last\n")
    assert "src/a.c:1:2: error: middle\n  after it\n" in kept


def test_a_flood_of_errors_leaves_room_for_those_that_come_late():
    flood = "x.c:1:1: error: the same again and again\n" * (1 << 15)
    late = "late.c:2:2: error: another one\n"
    kept = sieved(flood * 6 + late + "quiet\n" * (1 << 20))
    assert late in kept
    assert len(kept) <= HEAD + MIDDLE + TAIL + 2_000_000


def test_a_log_of_one_endless_line_is_bounded_too():
    assert len(sieved("error " * 4_000_000)) <= HEAD + MIDDLE + TAIL + 2_000_000


@given(st.text(alphabet="ab\r\n\x1b[31m;", max_size=80))
def test_a_plain_text_has_neither_sequences_nor_carriage_returns(text: str):
    found = plain(text)
    assert "\r" not in found
    assert "\x1b" not in found
