"""Text from commands, files and models cannot act on a terminal, hide, or flood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent_sandbox.output import cut, decode, inert, readable


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x1b]52;c;aGk=\x1b\\", "␛]52;c;aGk=␛\\"),
        ("\x1b[6n\x1b[2J", "␛[6n␛[2J"),
        ("\x9b31m", "<U+009B>31m"),
        ("a\x00\x08\x7f", "a␀␈␡"),
        ("if admin\u202e\u2066", "if admin<U+202E><U+2066>"),
        ("pass\u200bword\u00ad\ufeff", "pass<U+200B>word<U+00AD><U+FEFF>"),
        ("\U000e0041\U000e0042", "<U+E0041><U+E0042>"),
        ("\ud800", "<U+D800>"),
        ("a\r\nb\tc\n", "a\nb\tc\n"),
        ("a\rb", "a␍b"),
        ("❤️ ok", "❤️ ok"),
        ("x\ufe0f\ufe0f", "x<U+FE0F><U+FE0F>"),
        ("naïve 漢字 🎉 עברית", "naïve 漢字 🎉 עברית"),
        ("\x1b\x1b[0m[31mx", "␛[31mx"),
    ],
)
def test_active_characters_are_shown_instead_of_obeyed(hostile: str, shown: str) -> None:
    assert inert(hostile) == shown


@given(st.text())
def test_inert_text_holds_no_control_character_and_stays_as_it_is(text: str) -> None:
    once = inert(text)
    assert inert(once) == once
    assert not [c for c in once if (ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"10%\r50%\r100%\ndone\n", "100%\ndone\n"),
        (b"a\r\nb\r\n", "a\nb\n"),
        (b"working\r", "working"),
        (b"\xff\xfeok", "\ufffd\ufffdok"),
    ],
)
def test_bytes_become_text_and_redrawn_lines_keep_their_last_state(data: bytes, text: str) -> None:
    assert decode(data) == text


def test_what_a_command_wrote_is_readable() -> None:
    assert readable(b"\x1b[1mok\x1b[0m\x07\n") == "ok␇\n"


def test_a_short_text_is_not_cut() -> None:
    assert cut("x\n" * 10, 20) == "x\n" * 10


def test_a_long_text_keeps_head_and_tail_and_says_what_is_missing() -> None:
    text = "".join(f"line {number}\n" for number in range(1000))
    short = cut(text, 200)
    assert short.startswith("line 0\n")
    assert short.endswith("line 999\n")
    assert len(short) < 300
    head, note, tail = short.partition("[... ")
    kept = len(head) + len(tail.partition("\n")[2])
    assert f"{len(text) - kept} characters cut here ...]" in note + tail


def test_one_long_line_is_cut_in_its_middle() -> None:
    short = cut("a" * 5000 + "z" * 5000, 100)
    assert short == "a" * 50 + "\n[... 0 lines, 9900 characters cut here ...]\n" + "z" * 50
