"""The name server of a command's own network reads hostile queries."""

from __future__ import annotations

import pytest

from assent_sandbox.cell.names import read_question

HEAD = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0"
ASKED = b"\7ExAmple\3net\0\0\1\0\1"


def test_the_question_is_given_back_as_it_stands_and_the_name_in_small_letters():
    assert read_question(HEAD + ASKED + b"\0\0\x29more") == (ASKED, "example.net")


@pytest.mark.parametrize(
    "query",
    [
        b"", b"\0", HEAD, HEAD + b"\0\0\1\0\1", HEAD + ASKED[:-1], HEAD + b"\xc0\x0c\0\1\0\1", HEAD + b"\x3fshort\0\0\1\0\1",
        b"\x12\x34\x81" + HEAD[3:] + ASKED, HEAD + b"\x40" + b"a" * 64 + b"\0\0\1\0\1",
    ],
)  # fmt: skip
def test_what_is_no_question_is_not_answered(query: bytes):
    assert read_question(query) == (b"", "")


@pytest.mark.parametrize("label", [b"a b", b"a\x1b[2J", b"\xff\xfe", b"a\nb"])
def test_a_name_that_is_none_is_answered_and_not_noted(label: bytes):
    question, name = read_question(HEAD + bytes([len(label)]) + label + b"\0\0\1\0\1")
    assert question and name == ""
