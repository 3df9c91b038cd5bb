"""What is said before a landing: how much, and whether it is verified."""

import pytest
from msgspec.structs import replace

from assent_core.diffs.changes import digest, take_apart
from assent_core.diffs.review import Evidence, Review, decide, outcomes
from assent_tui.review.landing import in_words, is_verified
from screen import CHANGES


def all_accepted(**seen: object) -> Review:
    """A review with all of it accepted, and what one command said of exactly that."""
    files = tuple(map(take_apart, CHANGES))
    review = decide(Review(files=files), tuple(hunk.id for file in files for hunk in file.hunks), "accepted")
    of = digest(tuple((one.path, one.landed) for one in outcomes(review)))
    return replace(review, evidence=(Evidence(command="make check", digest=of, **seen),))  # pyright: ignore


@pytest.mark.parametrize(
    ("seen", "said", "verified"),
    [
        ({"code": 0}, "verified by make check", True),
        ({"code": 0, "doubt": "no test was run"}, "not verified (no test was run)", False),
        ({"code": 2}, "make check FAILS on it", False),
    ],
)
def test_only_what_passed_without_a_doubt_is_called_verified(seen: dict[str, object], said: str, verified: bool):
    review = all_accepted(**seen)
    assert in_words(review) == f"lands 4 hunks in 3 files, {said}"
    assert is_verified(review) == verified


def test_without_evidence_of_exactly_that_it_is_not_verified():
    review = replace(all_accepted(code=0), evidence=())
    assert in_words(review).endswith(", not verified")
    assert not is_verified(review)
