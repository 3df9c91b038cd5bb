"""What only repeats is folded, and nothing else is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent_core.logs.folding import folded


def test_a_line_that_repeats_stands_once_with_a_count():
    assert folded("a\n" + "waiting\n" * 400 + "b") == "a\nwaiting\n[... the line above 399 more times ...]\nb"


def test_a_block_that_repeats_stands_once_with_a_count():
    block = "  File x, line 2\n    return depth(n + 1)\n"
    assert folded(block * 10 + "RecursionError") == (
        "  File x, line 2\n    return depth(n + 1)\n[... the 2 lines above 9 more times ...]\nRecursionError"
    )


def test_progress_shows_its_first_and_its_last_state():
    bar = [f"loading {n:3}% [{'#' * (n // 10):10}]" for n in range(101)]
    assert folded("\n".join(["start", *bar, "end"])) == "\n".join(
        ["start", bar[0], "[... 99 lines of progress ...]", bar[-1], "end"]
    )


def test_lines_that_differ_in_numbers_but_show_no_progress_all_stay():
    text = "\n".join(f"a.c:{n}: error: number {n}" for n in range(50))
    assert folded(text) == text


@pytest.mark.parametrize(
    ("frame", "lines"),
    [
        ('  File "/opt/lib/python3.11/site-packages/x/y.py", line %d, in f\n    g(%d)', 2),
        ("    at Module.f (node:internal/x:%d:%d)", 1),
        ("\tat java.base/java.util.X.f(X.java:%d%d)", 1),
    ],
)
def test_frames_in_libraries_are_folded_and_own_ones_stay(frame: str, lines: int):
    own = '  File "/home/user/a.py", line 3, in main\n    run()'
    text = "\n".join([own, *(frame % (n, n) for n in range(20)), "ValueError: x"])
    assert folded(text) == f"{own}\n[... {20 * lines} lines of frames in libraries ...]\nValueError: x"


def test_a_short_text_stays_as_it_is():
    text = "one\none\ntwo 10%\ntwo 20%\n\n\n\nthree"
    assert folded(text) == text


@given(st.lists(st.sampled_from(["a", "b", "10%", "20%", "", "  at x (node:y:1:2)"]), max_size=60))
def test_no_kind_of_line_vanishes_without_a_note(lines: list[str]):
    text = folded("\n".join(lines))
    left = text.split("\n")
    for line in lines:
        assert line in left or "[... " in text
    assert len(left) <= max(len(lines), 1)
