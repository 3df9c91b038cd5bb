"""Decisions kept beside the record: whole, without secrets, readable by their owner alone."""

from pathlib import Path

from assent_core.diffs.review import Mark, Review
from assent_core.memory.marked import Marked, MarkFile
from assent_core.redaction.redactor import Redactor

SECRET = "correct-horse-battery-staple"


def test_decisions_come_back_as_they_were_kept(tmp_path: Path):
    review = Review(marks={"a": Mark("accepted"), "b": Mark("rejected", "too loud", "look")}, cuts={"b": ((1, 2),)})
    MarkFile(tmp_path / "s.marks", str).keep(review, "told")
    left = MarkFile(tmp_path / "s.marks", str).left()
    assert (left.review.marks, left.review.cuts, left.told) == (review.marks, review.cuts, "told")
    assert (tmp_path / "s.marks").stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "s.marks"]


def test_a_secret_in_a_reason_is_not_kept(tmp_path: Path):
    redactor = Redactor([SECRET])
    MarkFile(tmp_path / "s.marks", redactor).keep(Review(marks={"a": Mark("rejected", f"not {SECRET}")}), "")
    assert SECRET not in (tmp_path / "s.marks").read_text()
    assert MarkFile(tmp_path / "s.marks", redactor).left().marks["a"].verdict == "rejected"


def test_what_is_missing_or_damaged_leaves_all_undecided(tmp_path: Path):
    kept = MarkFile(tmp_path / "s.marks", str)
    assert kept.left() == Marked()
    (tmp_path / "s.marks").write_bytes(b'{"marks": {"a"')
    assert kept.left() == Marked()
