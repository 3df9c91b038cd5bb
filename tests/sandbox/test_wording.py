"""A pattern that is tried only where one of its words stands finds what it finds without them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent_sandbox.running import denials, refusals
from assent_sandbox.running.wording import Wording

WORDINGS: list[Wording] = [
    each for module in (denials, refusals) for each in vars(module).values() if isinstance(each, Wording)
]
LETTERS = st.characters(max_codepoint=0x7E)


def test_each_pattern_over_whole_outputs_has_its_words() -> None:
    assert len(WORDINGS) == 4


@pytest.mark.parametrize("wording", WORDINGS)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_a_pattern_matches_holds_one_of_its_words(wording: Wording, data: st.DataObject) -> None:
    said = data.draw(st.from_regex(wording.pattern, fullmatch=True, alphabet=LETTERS))
    found = wording.search(f"{said} and so on")
    assert found
    assert said.startswith(found[0])


def test_a_word_alone_is_no_match() -> None:
    wording = Wording(r"\bone\b|two (?:a|b)", "one", "two")
    assert [bool(wording.search(text)) for text in ("ONE", "oneself", "Two B", "two c", "")] == [
        True,
        False,
        True,
        False,
        False,
    ]
