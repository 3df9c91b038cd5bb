"""The review: verdicts over staged changes, what they make of each path, and what the model hears of it."""

from __future__ import annotations

import pytest

from assent_core.diffs.changes import digest, take_apart
from assent_core.diffs.review import (
    Evidence,
    Mark,
    Outcome,
    Review,
    Verdict,
    comment,
    decide,
    evidence_for,
    message_to_model,
    outcomes,
    renew,
)
from assent_sandbox.stage import Change, Entry, File, Link, Opaque

BEFORE = File(b"one\ntwo\nthree\nfour\nfive\n")
AFTER = File(b"ONE\ntwo\nthree\nfour\nFIVE\n")
FIRST = File(b"ONE\ntwo\nthree\nfour\nfive\n")
SECOND = File(b"one\ntwo\nthree\nfour\nFIVE\n")


def review_of(*changes: tuple[str, Entry | None, Entry | None], conflict: str = "") -> Review:
    taken = (take_apart(Change(path=p, before=b, after=a, conflict=conflict)) for p, b, a in changes)
    return Review(files=tuple(taken))


def ids(review: Review, *paths: str) -> tuple[str, ...]:
    return tuple(hunk.id for file in review.files for hunk in file.hunks if not paths or file.path in paths)


def test_accepted_hunks_land_rejected_ones_are_taken_back_and_undecided_ones_stay() -> None:
    review = review_of(("f", BEFORE, AFTER))
    first, second = ids(review)
    assert outcomes(review) == (Outcome(path="f", before=BEFORE, landed=BEFORE, staged=AFTER),)
    half = decide(review, (first,), "accepted")
    assert outcomes(half) == (Outcome(path="f", before=BEFORE, landed=FIRST, staged=AFTER),)
    whole = decide(half, (second,), "rejected", "not this one")
    assert outcomes(whole) == (Outcome(path="f", before=BEFORE, landed=FIRST, staged=FIRST),)
    assert whole.mark(second) == Mark("rejected", "not this one")
    assert review.marks == {}, "a review is a value"


def test_a_verdict_can_be_taken_back_and_leaves_nothing() -> None:
    review = review_of(("f", BEFORE, AFTER))
    first, _ = ids(review)
    assert decide(decide(review, (first,), "rejected", "no"), (first,), "undecided") == review


def test_a_reason_belongs_to_a_rejection_and_a_comment_to_any_verdict() -> None:
    review = review_of(("f", BEFORE, AFTER))
    first, _ = ids(review)
    review = comment(review, first, "why upper case?")
    review = decide(review, (first,), "accepted", "ignored")
    assert review.mark(first) == Mark("accepted", "", "why upper case?")
    assert comment(review, first, "").mark(first) == Mark("accepted")


def test_created_and_deleted_files_are_decided_as_wholes() -> None:
    review = review_of(("gone", BEFORE, None), ("made", None, AFTER), ("link", None, Link("gone")))
    accepted = decide(review, ids(review), "accepted")
    assert [o.landed for o in outcomes(accepted)] == [None, AFTER, Link("gone")]
    rejected = decide(review, ids(review), "rejected")
    assert [o.staged for o in outcomes(rejected)] == [BEFORE, None, None]


@pytest.mark.parametrize(
    ("after", "conflict", "words"),
    [
        (Opaque("a pipe"), "", "cannot be landed: a pipe"),
        (AFTER, "both sides changed line 1", "both sides changed line 1"),
    ],
)
def test_opaque_and_conflicted_changes_can_be_rejected_but_not_accepted(
    after: Entry, conflict: str, words: str
) -> None:
    review = review_of(("f", BEFORE, after), conflict=conflict)
    with pytest.raises(ValueError, match=words):
        decide(review, ids(review), "accepted")
    assert outcomes(decide(review, ids(review), "rejected"))[0].staged == BEFORE


def test_an_unknown_hunk_is_refused() -> None:
    review = review_of(("f", BEFORE, AFTER))
    with pytest.raises(ValueError, match="no longer there"):
        decide(review, ("gone",), "accepted")
    with pytest.raises(ValueError, match="no longer there"):
        comment(review, "gone", "hm")


@pytest.mark.parametrize("verdict", ["accepted", "rejected"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_file_that_gives_way_to_a_folder_is_decided_with_what_is_in_it(verdict: Verdict, turned: bool) -> None:
    above, below = (None, BEFORE) if turned else (BEFORE, None)
    review = review_of(("a", above, below), ("a/b", below, above), ("a/c/d", below, above), ("ab", BEFORE, None))
    for path in ("a", "a/b", "a/c/d"):
        decided = decide(review, ids(review, path), verdict)
        assert {hunk for hunk in ids(decided) if decided.mark(hunk).verdict == verdict} == {
            *ids(review, "a", "a/b", "a/c/d")
        }


def test_marks_stay_exactly_where_the_hunk_is_unchanged() -> None:
    review = review_of(("f", BEFORE, AFTER))
    first, second = ids(review)
    review = comment(decide(decide(review, (first,), "accepted"), (second,), "rejected", "no"), second, "see above")
    same = renew(review, review_of(("f", BEFORE, AFTER)).files)
    assert same == review
    changed = renew(review, review_of(("f", BEFORE, File(b"ONE\ntwo\nthree\nfour\nFIFE\n"))).files)
    assert changed.marks == {first: Mark("accepted")}
    assert renew(review, ()).marks == {}


def test_an_acceptance_does_not_outlive_a_conflict() -> None:
    review = review_of(("f", BEFORE, AFTER))
    accepted = decide(review, ids(review), "accepted")
    conflicted = renew(accepted, review_of(("f", BEFORE, AFTER), conflict="both sides").files)
    assert conflicted.marks == {}
    stale = Review(files=conflicted.files, marks={hunk: Mark("accepted") for hunk in ids(conflicted)})
    assert outcomes(stale)[0].landed == BEFORE


def test_evidence_is_fresh_for_exactly_the_selection_that_was_run() -> None:
    review = review_of(("f", BEFORE, AFTER), ("new", None, File(b"x\n")))
    of_all = Evidence(command="pytest", code=0, digest=digest([("f", AFTER), ("new", File(b"x\n"))]))
    of_first = Evidence(command="pytest", code=1, digest=digest([("f", FIRST)]))
    review = Review(files=review.files, evidence=(of_first, of_all))
    assert evidence_for(review) == (of_all, False)
    assert evidence_for(decide(review, ids(review), "accepted")) == (of_all, True)
    assert evidence_for(decide(review, ids(review)[:1], "accepted")) == (of_first, True)
    assert evidence_for(decide(review, ids(review)[1:2], "accepted")) == (of_all, False)
    assert evidence_for(Review(files=review.files)) == (None, False)


def test_the_model_hears_rejections_with_lines_and_reasons_and_comments() -> None:
    review = review_of(("src/f", BEFORE, AFTER), ("new", None, File(b"x\n", 0o755)))
    first, second, new = ids(review)
    assert message_to_model(review) == ""
    assert message_to_model(decide(review, (first, second, new), "accepted")) == ""
    review = decide(review, (first,), "rejected", "keep it lower case")
    review = comment(decide(review, (second,), "accepted"), second, "good, but explain it")
    review = decide(review, (new,), "rejected")
    assert message_to_model(review) == (
        "The user reviewed your changes and rejected these; they were taken back in the files:\n\n"
        "src/f, line 1:\n-one\n+ONE\nReason: keep it lower case\n\n"
        "new:\n(mode 755)\n+x\nNo reason was given.\n\n"
        "The user commented on these of your changes:\n\n"
        "src/f, line 5 (accepted):\n-five\n+FIVE\nComment: good, but explain it"
    )


def test_a_long_rejected_hunk_is_quoted_by_its_ends() -> None:
    review = review_of(("f", None, File(b"".join(b"line %d\n" % n for n in range(100)))))
    text = message_to_model(decide(review, ids(review), "rejected"))
    assert "... 60 lines not quoted ..." in text
    assert "+line 0\n" in text
    assert "+line 99\n" in text
    assert "line 50" not in text
