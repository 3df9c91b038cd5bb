"""Hunks cut, taken line by line and edited: any selection of pieces is what real git makes of it."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent_core.diffs import lines, splits
from assent_core.diffs.changes import FileChange, edited, put_together, take_apart, unified
from assent_core.diffs.reshape import amend, split, take
from assent_core.diffs.review import Mark, Review, comment, decide, outcomes, renew
from assent_core.diffs.words import changed_words, paired
from assent_sandbox.stage import Change, Entry, File

GIT = ["git", "-c", "core.autocrlf=false", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
SEVERAL = settings(max_examples=60)
WORDS = (b"total = price", b"total = price * count", b"", b"}", b"caf\xc3\xa9 x", b"\xff", b"return total", b"a\rb")


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    body = draw(st.lists(st.sampled_from(WORDS), max_size=9))
    ending = draw(st.sampled_from([b"\n", b"\r\n"]))
    data = b"".join(line + ending for line in body)
    return data[: -len(ending)] if body and body[-1] and draw(st.booleans()) else data


def taken(before: Entry | None, after: Entry | None, path: str = "f.txt") -> FileChange:
    return take_apart(Change(path=path, before=before, after=after))


def review_of(before: bytes | None, after: bytes | None) -> Review:
    sides = [None if data is None else File(data) for data in (before, after)]
    return Review(files=(taken(*sides),))


def applied(folder: Path, before: Entry | None, patch: bytes) -> Entry | None:
    place = folder / "f.txt"
    place.unlink(missing_ok=True)
    if isinstance(before, File):
        place.write_bytes(before.data)
        place.chmod(before.mode)
    if patch:
        command = [*GIT, "apply", "--whitespace=nowarn", "-"]
        done = subprocess.run(command, input=patch, cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0, (done.stderr, patch)
    return File(place.read_bytes(), place.stat().st_mode & 0o777) if place.exists() else None


def cut_at_random(review: Review, chance: random.Random) -> Review:
    for _ in range(4):
        file = review.files[0]
        able = [hunk for hunk in file.hunks if splits.divisible(file, hunk)]
        if able:
            hunk = chance.choice(able)
            points = splits.places(hunk)
            review = split(review, hunk.id, chance.sample(points, chance.randint(1, len(points))))
    return review


SIDES = st.tuples(st.one_of(st.none(), texts()), st.one_of(st.none(), texts()))


@SEVERAL
@given(SIDES, st.randoms(use_true_random=False))
def test_a_selection_of_pieces_gives_what_git_apply_makes_of_it(
    tmp_path: Path, pair: tuple[bytes | None, bytes | None], chance: random.Random
) -> None:
    review = cut_at_random(review_of(*pair), chance)
    file = review.files[0]
    accepted = {hunk.id for hunk in file.hunks if chance.random() < 0.5}
    result = put_together(file, accepted)
    assert applied(tmp_path, file.before, unified(file, accepted)) == result
    assert put_together(file, {hunk.id for hunk in file.hunks}) == file.after
    assert put_together(file, ()) == file.before
    assert len({hunk.id for hunk in file.hunks}) == len(file.hunks)


@settings(max_examples=150)
@given(SIDES, st.randoms(use_true_random=False))
def test_pieces_hold_all_lines_of_their_hunk_and_survive_a_renewal(
    pair: tuple[bytes | None, bytes | None], chance: random.Random
) -> None:
    whole = review_of(*pair)
    cut = cut_at_random(whole, chance)
    for side in ("old", "new"):
        before, after = ([line for hunk in r.files[0].hunks for line in getattr(hunk, side)] for r in (whole, cut))
        assert before == after
    if cut.files[0].hunks:
        cut = decide(cut, (chance.choice(cut.files[0].hunks).id,), "rejected", "no")
    assert renew(cut, whole.files) == cut
    assert renew(cut, cut.files) == cut


@settings(max_examples=150)
@given(SIDES, st.randoms(use_true_random=False))
def test_taken_lines_are_exactly_the_ones_that_were_marked(
    pair: tuple[bytes | None, bytes | None], chance: random.Random
) -> None:
    review = cut_at_random(review_of(*pair), chance)
    if not review.files[0].hunks:
        return
    hunk = chance.choice(review.files[0].hunks)
    rows = (*hunk.old, *hunk.new)
    marked = {at for at in range(len(rows)) if chance.random() < 0.5}
    try:
        apart, pieces = take(review, hunk.id, marked)
    except ValueError:
        assert not marked or any(not row.endswith(b"\n") for row in rows)
        return
    held = [one for one in apart.files[0].hunks if one.id in pieces]
    assert sorted(line for one in held for line in (*one.old, *one.new)) == sorted(rows[at] for at in marked)


@settings(max_examples=150)
@given(SIDES, texts(), st.randoms(use_true_random=False))
def test_an_edit_puts_the_text_in_the_place_of_the_new_lines_and_keeps_what_else_was_decided(
    pair: tuple[bytes | None, bytes | None], text: bytes, chance: random.Random
) -> None:
    review = cut_at_random(review_of(*pair), chance)
    file = review.files[0]
    for hunk in file.hunks:
        review = decide(review, (hunk.id,), chance.choice(("accepted", "rejected", "undecided")))
    if not file.hunks or not isinstance(file.after, File):
        return
    hunk = chance.choice(file.hunks)
    now = amend(review, hunk.id, text)
    after = lines.split(file.after.data)
    written = edited(file, hunk, text)
    if written == file.before:
        assert now.files == ()
        return
    assert written.data.startswith(b"".join(after[: hunk.new_start]) + text)
    assert written.data.endswith(b"".join(after[hunk.new_start + len(hunk.new) :]))
    assert now.files[0].after == written
    same = {one.id for one in now.files[0].hunks} & {one.id for one in file.hunks} - {hunk.id}
    assert all(now.mark(id) == review.mark(id) for id in same)
    assert renew(now, (taken(file.before, written),)) == now
    assert put_together(now.files[0], {one.id for one in now.files[0].hunks}) == written


def test_a_hunk_that_an_edit_elsewhere_lets_be_compared_otherwise_keeps_its_decision() -> None:
    price, count = b"total = price\n", b"total = price * count\n"
    review = review_of(count + b"\n" + count + price, price + count + count)
    first, blank, last = (hunk.id for hunk in review.files[0].hunks)
    review = decide(decide(review, (blank,), "accepted"), (last,), "rejected")
    now = amend(review, first, count)
    assert [(hunk.id == blank, now.mark(hunk.id).verdict) for hunk in now.files[0].hunks] == [
        (True, "accepted"), (False, "undecided"),
    ]  # fmt: skip


BEFORE = b"def f():\n    a = 1\n    b = 2\n    c = 3\n    return a\n"
AFTER = b"def f():\n    a = 10\n    b = 20\n    c = 30\n    return a\n"


def test_a_changed_line_stays_with_its_old_form_in_the_smallest_pieces() -> None:
    review = review_of(BEFORE, AFTER)
    (hunk,) = review.files[0].hunks
    cut = split(review, hunk.id, splits.cuts_into_lines(hunk))
    assert [(one.old, one.new) for one in cut.files[0].hunks] == [
        ((b"    a = 1\n",), (b"    a = 10\n",)),
        ((b"    b = 2\n",), (b"    b = 20\n",)),
        ((b"    c = 3\n",), (b"    c = 30\n",)),
    ]
    middle = cut.files[0].hunks[1]
    (landed,) = outcomes(decide(cut, (middle.id,), "accepted"))
    assert landed.landed == File(BEFORE.replace(b"b = 2", b"b = 20"))
    assert landed.staged == File(AFTER)
    apart = split(cut, middle.id, splits.cuts_into_lines(middle))
    assert [len(one.old) + len(one.new) for one in apart.files[0].hunks] == [2, 1, 1, 2]
    assert [one.id for one in apart.files[0].hunks if one in cut.files[0].hunks] == [
        cut.files[0].hunks[0].id,
        cut.files[0].hunks[2].id,
    ]


def test_a_cut_stands_above_the_line_at_the_cursor_and_above_its_old_form() -> None:
    (hunk,) = taken(File(BEFORE), File(AFTER)).hunks
    assert splits.cut_before(hunk, 0) == ()
    assert splits.cut_before(hunk, 1) == splits.cut_before(hunk, 4) == ((1, 1),)
    assert splits.cut_before(hunk, 3) == ((1, 0),), "only the two forms of the first line are left to be separated"


def test_pieces_begin_with_the_mark_of_their_hunk_and_are_decided_apart() -> None:
    review = review_of(BEFORE, AFTER)
    (hunk,) = review.files[0].hunks
    review = comment(decide(review, (hunk.id,), "rejected", "why?"), hunk.id, "look")
    cut = split(review, hunk.id, ((1, 1),))
    first, second = (one.id for one in cut.files[0].hunks)
    assert cut.marks == {first: Mark("rejected", "why?", "look"), second: Mark("rejected", "why?", "look")}
    assert decide(cut, (first,), "accepted").mark(second) == Mark("rejected", "why?", "look")


def test_a_piece_of_a_created_file_and_of_a_deleted_one_can_land_alone() -> None:
    for before, after, lands in ((None, b"1\n2\n3\n", b"2\n"), (b"1\n2\n3\n", None, b"1\n3\n")):
        review = review_of(before, after)
        (hunk,) = review.files[0].hunks
        apart, pieces = take(review, hunk.id, {1})
        (outcome,) = outcomes(decide(apart, pieces, "accepted"))
        assert outcome.landed == File(lands)
        assert outcome.staged == outcomes(review)[0].staged


def test_an_edited_piece_leaves_its_neighbours_cut_and_decided() -> None:
    review = review_of(BEFORE, AFTER)
    (hunk,) = review.files[0].hunks
    cut = split(review, hunk.id, splits.cuts_into_lines(hunk))
    first, middle, last = (one.id for one in cut.files[0].hunks)
    cut = decide(decide(cut, (first,), "accepted"), (last,), "rejected", "keep it")
    now = amend(cut, middle, b"    b = 21\n    d = 4\n")
    assert [now.mark(one.id) for one in now.files[0].hunks] == [
        Mark("accepted"),
        Mark("accepted"),
        Mark("rejected", "keep it"),
    ]
    assert outcomes(now)[0].landed == File(
        BEFORE.replace(b"a = 1", b"a = 10").replace(b"    b = 2\n", b"    b = 21\n    d = 4\n")
    )


def test_an_edit_that_swallows_a_neighbour_leaves_it_undecided() -> None:
    review = review_of(b"1\n2\n3\n", b"one\n2\nthree\n")
    first, last = (one.id for one in review.files[0].hunks)
    now = amend(decide(review, (last,), "rejected"), first, b"one\n2\n")
    assert [hunk.new for hunk in now.files[0].hunks] == [(b"one\n",), (b"2\n", b"three\n")]
    assert now.marks == {}


@pytest.mark.parametrize(
    ("before", "after", "path"), [(b"a\n", None, "gone"), (b"\0", b"\0\0", "binary"), (b"a\n", b"a\n", "mode")]
)
def test_what_has_no_new_lines_cannot_be_edited(before: bytes, after: bytes | None, path: str) -> None:
    modes = (0o644, 0o755 if path == "mode" else 0o644)
    file = taken(File(before, modes[0]), None if after is None else File(after, modes[1]), path)
    with pytest.raises(ValueError, match=f"{path}: only lines of a text can be edited"):
        edited(file, file.hunks[0], b"x\n")


def test_a_text_that_would_stand_before_other_lines_gets_its_newline() -> None:
    file = taken(File(b"a\r\nb\r\n"), File(b"A\r\nb\r\n"))
    assert edited(file, file.hunks[0], b"X") == File(b"X\r\nb\r\n")
    ends = taken(File(b"a\nb"), File(b"a\nB"))
    assert edited(ends, ends.hunks[0], b"X") == File(b"a\nX")


def test_what_cannot_be_cut_says_so() -> None:
    review = review_of(b"a", b"b\nc")
    (hunk,) = review.files[0].hunks
    assert not splits.divisible(review.files[0], hunk)
    with pytest.raises(ValueError, match="only stand together"):
        split(review, hunk.id, ((1, 0),))
    with pytest.raises(ValueError, match="only stand together"):
        take(review, hunk.id, {0})
    with pytest.raises(ValueError, match="no line is marked"):
        take(review, hunk.id, set())
    with pytest.raises(ValueError, match="no longer there"):
        split(review, "x", ((1, 0),))


def test_hunks_of_white_space_alone_say_so() -> None:
    assert taken(File(b"a b\n"), File(b"a\tb \n")).hunks[0].only_blanks
    assert not taken(File(b"a b\n"), File(b"a c\n")).hunks[0].only_blanks
    assert not taken(File(b"a\n"), File(b"a\n\n")).hunks[0].only_blanks


def test_lines_are_paired_with_what_they_became() -> None:
    old = [b"def total(self):\n", b"    return sum(self.prices)\n"]
    new = [b"# the sum\n", b"def total(self, tax):\n", b"    return sum(self.prices) + tax\n", b"\n"]
    assert paired(old, new) == ((0, 1), (1, 2))
    many = [b"x = %d\n" % n for n in range(500)]
    assert len(paired(many, many)) == 500


def test_changed_words_are_marked_and_unlike_lines_are_not() -> None:
    old, new = "return left - right", "return left + right * 2"
    gone, come = changed_words(old, new)
    assert [old[a:b] for a, b in gone] == ["-"]
    assert [new[a:b] for a, b in come] == ["+", " * 2"]
    assert changed_words("alpha beta", "x(y)[z]") == ((), ())
    assert changed_words("a " * 5000, "b " * 5000) == ((), ())
