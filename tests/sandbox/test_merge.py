import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent_sandbox.merge import Merged, has_markers, merge
from assent_sandbox.stage import Entry, File, Link, Opaque

BASE = File(b"1\n2\n3\n4\n5\n")


def test_changes_apart_from_each_other_are_joined():
    assert merge(BASE, File(b"one\n2\n3\n4\n5\n"), File(b"1\n2\n3\n4\nfive\n")) == Merged(File(b"one\n2\n3\n4\nfive\n"))


def test_a_mode_changed_on_one_side_is_kept_whichever_side_it_was():
    assert merge(BASE, File(BASE.data, 0o755), File(b"1\n")) == Merged(File(b"1\n", 0o755))
    assert merge(BASE, File(b"1\n"), File(BASE.data, 0o755)) == Merged(File(b"1\n", 0o755))


def test_line_endings_and_a_missing_final_newline_are_kept():
    base, staged, real = (File(data) for data in (b"a\r\nb\r\nc\r\nd", b"A\r\nb\r\nc\r\nd", b"a\r\nb\r\nc\r\nD"))
    assert merge(base, staged, real) == Merged(File(b"A\r\nb\r\nc\r\nD"))


def test_the_same_line_changed_twice_is_marked_with_all_three_versions():
    merged = merge(BASE, File(b"1\n2\nS\n4\n5\n"), File(b"1\n2\nR\n4\n5\n"))
    assert "same lines" in merged.conflict
    assert merged.entry == File(b"1\n2\n<<<<<<< stage\nS\n||||||| before\n3\n=======\nR\n>>>>>>> repository\n4\n5\n")
    assert has_markers(merged.entry)
    assert not has_markers(BASE)


@pytest.mark.parametrize(
    ("base", "staged", "real"),
    [
        (BASE, None, File(b"r")),
        (BASE, File(b"s"), None),
        (BASE, Link("s"), File(b"r")),
        (Link("b"), Link("s"), Link("r")),
        (BASE, File(b"s\0"), File(b"r\0")),
        (None, File(b"s"), Opaque("a pipe")),
        (Opaque("a large file", 1), File(b"s"), File(b"r")),
    ],
)
def test_what_cannot_be_joined_keeps_the_staged_side_and_says_why(
    base: Entry | None, staged: Entry | None, real: Entry | None
):
    merged = merge(base, staged, real)
    assert merged.entry == staged
    assert merged.conflict


def test_without_git_both_sides_changed_is_a_conflict(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    merged = merge(BASE, File(b"s"), File(b"r"))
    assert merged.entry == File(b"s")
    assert "git is not installed" in merged.conflict


lines = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\xff\n", b"<<<<<<< stage\n"]), max_size=8).map(b"".join)


@given(lines, lines)
def test_a_change_of_one_side_alone_wins_without_a_conflict(base: bytes, other: bytes):
    assert merge(File(base), File(base), File(other)) == Merged(File(other))
    assert merge(File(base), File(other), File(base)) == Merged(File(other))
