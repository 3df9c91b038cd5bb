"""The review: every decision at once in words, reversible, and only what is in sight laid out."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import current_thread
from time import sleep

import pytest
from msgspec.structs import replace
from pygments.lexer import RegexLexerMeta
from pygments.lexers import find_lexer_class_for_filename
from pygments.lexers.python import PythonLexer
from textual.app import App

from assent_core.diffs.changes import digest, take_apart
from assent_core.diffs.review import Evidence, Review, outcomes
from assent_sandbox.stage import Change, File, Opaque
from assent_tui.paint import highlight, source
from assent_tui.paint.guard import Guard
from assent_tui.review import hunks
from assent_tui.review.hunks import HunkRows
from assent_tui.review.pane import ReviewPane
from assent_tui.review.sheet import Sheet
from screen import CHANGES, text_of, until


def review_of(*changes: Change) -> Review:
    return Review(files=tuple(take_apart(change) for change in changes))


def change(before: bytes | None, after: bytes | None, path: str = "a.py", **more) -> Change:
    def entry(data: bytes | None) -> File | None:
        return None if data is None else File(data)

    return Change(path=path, before=entry(before), after=entry(after), **more)


def written(review: Review, width: int = 100) -> str:
    blocks = Sheet(review).rest(review)
    return "\n".join(row.text.rstrip() for block in blocks for row in block.lines(width))


class Alone(App[None]):
    def __init__(self, review: Review) -> None:
        super().__init__()
        self.review = review
        self.told: list[object] = []

    def compose(self):
        yield ReviewPane(Guard(), id="review")

    def on_mount(self) -> None:
        self.pane.put(self.review)
        self.pane.diff.focus()

    @property
    def pane(self) -> ReviewPane:
        return self.query_one(ReviewPane)

    @property
    def verdicts(self) -> list[str]:
        review = self.pane.review
        return [review.mark(hunk.id).verdict for file in review.files for hunk in file.hunks]

    def row(self, name: str) -> str:
        return text_of(self.query_one(f"#review-{name}"))

    def on_review_pane_changed(self, message: ReviewPane.Changed) -> None:
        self.told.append("changed")

    def on_review_pane_land_wanted(self, message: ReviewPane.LandWanted) -> None:
        self.told.append(message.review)

    def on_review_pane_verify_wanted(self, message: ReviewPane.VerifyWanted) -> None:
        self.told.append(message.command)


def test_a_change_reads_as_a_unified_diff_with_both_line_numbers():
    before = b"".join(b"line %d\n" % number for number in range(1, 21))
    after = before.replace(b"line 10\n", b"line ten\nand more\n")
    assert written(review_of(change(before, after, "notes.txt"))).split("\n") == [
        "notes.txt",
        "  ⋯ 6 unchanged",
        "  7   7   line 7",
        "  8   8   line 8",
        "  9   9   line 9",
        "○ undecided  lines 10–11",
        " 10     - line 10",
        "     10 + line ten",
        "     11 + and more",
        " 11  12   line 11",
        " 12  13   line 12",
        " 13  14   line 13",
        "  ⋯ 7 unchanged",
    ]


def test_near_hunks_share_their_context_once():
    before = b"".join(b"%d\n" % number for number in range(1, 12))
    after = before.replace(b"4\n", b"four\n").replace(b"7\n", b"seven\n")
    rows = written(review_of(change(before, after, "n.txt"))).split("\n")
    assert [row.split()[-1] for row in rows if row.endswith((" 5", " 6"))] == ["5", "6"]


def test_a_single_line_is_not_folded():
    before = b"".join(b"%d\n" % number for number in range(1, 20))
    said = written(review_of(change(before, before.replace(b"5\n", b"five\n", 1).replace(b"13\n", b"x\n"), "n.txt")))
    assert said.split("\n")[1].split()[-1] == "1"
    assert said.count("unchanged") == 1


@pytest.mark.parametrize(
    ("before", "after", "shows"),
    [
        (b"a\n", b"a", "+ a ⊣ no newline at end"),
        (b"a\r\nb\r\n", b"a\nb\r\n", "- a ␍"),
        (b"a\n", b"a \t\n", "+ a   ··"),
        (b"caf\xe9\n", b"cafe\n", "- caf\\xe9"),
        (b"a\n", b"\x1b[31ma\xe2\x80\xae\n", "<U+202E>"),
    ],
)
def test_what_eyes_cannot_see_is_shown(before: bytes, after: bytes, shows: str):
    assert shows in written(review_of(change(before, after, "a.txt")))


def test_files_that_are_no_text_say_what_they_are():
    said = written(
        review_of(
            change(b"\0old", b"\0newer", "logo.png"),
            change(None, b"x\n", "fresh.py"),
            change(b"x\n", None, "gone.py"),
            Change(path="run.sh", before=File(b"#!\n", 0o644), after=File(b"#!\n", 0o755)),
            change(b"a\n", b"b\n", "both.py", conflict="both sides changed line 1"),
            Change(path="pipe", before=None, after=Opaque("a pipe")),
        )
    )
    for words in (
        "binary",
        "fresh.py  new",
        "gone.py  deleted",
        "permissions",
        "644",
        "both.py  CONFLICT",
        "cannot be reviewed",
    ):
        assert words in said
    assert "conflict: both sides changed line 1" in said


def test_a_change_that_will_run_outside_the_walls_says_so():
    assert "runs outside the walls once it has landed" in written(review_of(CHANGES[2]))


def test_a_row_of_a_million_characters_is_cut_with_a_word():
    said = written(review_of(change(b"", b"x" * 1_000_000 + b"\n", "big.txt")))
    assert "more characters]" in said
    assert len(said) < 40_000


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_each_key_decides_and_says_so_at_once(size: tuple[int, int]):
    app = Alone(review_of(*CHANGES))
    async with app.run_test(size=size) as pilot:
        await pilot.press("y")
        assert app.verdicts == ["accepted", "undecided", "undecided", "undecided"]
        assert "● accepted" in text_of(app.pane.diff)
        await pilot.press("n")
        assert app.verdicts == ["accepted", "rejected", "undecided", "undecided"]
        assert "● 1 accepted  ✕ 1 rejected  ○ 2 undecided" in app.row("head")
        assert app.pane.diff.place.path == "tests/test_cart.py"
        await pilot.press("u")
        assert app.verdicts == ["accepted", "undecided", "undecided", "undecided"]
        assert app.pane.diff.place.path == "src/cart.py"
        await pilot.press("u", "u")
        assert app.verdicts == ["undecided"] * 4
        assert "nothing to undo" in app.row("said")
        await pilot.press("a")
        assert app.verdicts == ["accepted", "accepted", "undecided", "undecided"]
        await pilot.press("A")
        assert app.verdicts == ["accepted"] * 4
        await pilot.press("u", "u")
        assert app.verdicts == ["undecided"] * 4


async def test_a_rejection_with_a_reason_and_a_comment_are_written_and_shown():
    app = Alone(review_of(*CHANGES))
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("r", *"too clever", "enter")
        assert app.verdicts[0] == "rejected"
        assert "reason: too clever" in text_of(app.pane.diff)
        await pilot.press("c", *"and this?", "enter")
        assert "comment: and this?" in text_of(app.pane.diff)
        await pilot.press("c", "escape")
        assert app.pane.leave_field()
        await pilot.pause()
        assert app.pane.diff.has_focus


async def test_keys_move_by_hunk_and_by_file():
    app = Alone(review_of(*CHANGES))
    async with app.run_test(size=(100, 30)) as pilot:
        ids = [hunk.id for file in app.review.files for hunk in file.hunks]

        def here() -> int:
            return ids.index(app.pane.diff.place.hunk)

        await pilot.press("right_square_bracket")
        assert here() == 1
        await pilot.press("right_curly_bracket")
        assert here() == 2
        await pilot.press("left_curly_bracket")
        assert here() == 0
        await pilot.press("down", "down", "down", "down", "down")
        assert here() == 3
        await pilot.press("left_square_bracket", "up")
        assert here() == 1


async def test_a_hunk_longer_than_the_view_is_scrolled_through_before_the_next():
    app = Alone(review_of(change(None, b"x = 1\n" * 100, "new.py"), change(b"a\n", b"b\n", "z.txt")))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        assert app.pane.diff.place.path == "new.py"
        assert app.pane.diff.scroll_y > 0
        for _ in range(30):
            await pilot.press("down")
        assert app.pane.diff.place.path == "z.txt"


async def test_conflicts_cannot_be_accepted_and_say_why():
    app = Alone(review_of(change(b"a\n", b"b\n", "both.py", conflict="both sides changed line 1"), CHANGES[0]))
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("y")
        assert app.verdicts == ["undecided"] * 3
        assert "both.py is in conflict" in app.row("said")
        await pilot.press("A")
        assert app.verdicts == ["undecided", "accepted", "accepted"]
        assert "both.py is in conflict" in app.row("said")


async def test_evidence_says_which_command_verified_exactly_this_and_when_it_is_stale():
    review = review_of(*CHANGES)
    app = Alone(review)
    async with app.run_test(size=(120, 30)) as pilot:
        assert "not verified" in app.row("evidence")
        await pilot.press("A")
        accepted = app.pane.review
        seen = digest(tuple((one.path, one.landed) for one in outcomes(accepted)))
        evidence = Evidence(command="pytest -q", code=0, digest=seen, summary="4 passed")
        app.pane.put(replace(accepted, evidence=(evidence,)))
        await pilot.pause()
        assert "✓ verified  pytest -q: 4 passed, on exactly what is accepted" in app.row("evidence")
        await pilot.press("n")
        assert "◌ stale  pytest -q: 4 passed" in app.row("evidence")
        await pilot.press("v")
        assert app.told[-1] == "pytest -q"


async def test_evidence_in_doubt_is_not_green_and_says_why():
    app = Alone(review_of(*CHANGES))
    async with app.run_test(size=(140, 30)) as pilot:
        await pilot.press("A")
        accepted = app.pane.review
        seen = digest(tuple((one.path, one.landed) for one in outcomes(accepted)))
        evidence = Evidence(command="pytest", code=0, digest=seen, doubt="no test ran", aside=("x.local",))
        app.pane.put(replace(accepted, evidence=(evidence,)))
        await pilot.pause()
        assert "\u25cc not verified  pytest: passed: no test ran" in app.row("evidence")
        sure = replace(evidence, doubt="", aside=(), summary="4 passed", relies=("node_modules/",))
        app.pane.put(replace(accepted, evidence=(sure, evidence)))
        await pilot.pause()
        assert "\u2713 verified  pytest: 4 passed" in app.row("evidence")
        assert "with node_modules/ as here" in app.row("evidence")


async def test_by_products_are_left_out_of_all_and_taken_in_one_by_one():
    review = review_of(CHANGES[0], change(None, b"log\n", "zzz.log"))
    made = replace(review.files[1], marks=("new", "by-product"))
    app = Alone(replace(review, files=(review.files[0], made)))
    async with app.run_test(size=(140, 30)) as pilot:
        assert "1 by-product of checks left out" in app.row("head")
        await pilot.press("A")
        assert app.pane.review.mark(made.hunks[0].id).verdict == "undecided"
        await pilot.press(*["down"] * 10, "y")
        assert app.pane.review.mark(made.hunks[0].id).verdict == "accepted"
        assert "left out" not in app.row("head")


async def test_without_evidence_the_key_asks_for_a_command():
    app = Alone(review_of(*CHANGES))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("v", *"make test", "enter")
        await pilot.pause()
        assert app.told == ["make test"]


async def test_landing_needs_a_decision():
    app = Alone(review_of(*CHANGES))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("L")
        assert app.told == []
        assert "nothing is decided yet" in app.row("said")
        await pilot.press("y", "L")
        await pilot.pause()
        assert app.told[-1] == "changed"
        assert "lands 1 hunk in 1 file, not verified: Enter does it" in app.row("said")
        await pilot.press("j", "enter")
        assert app.told[-1] == "changed", "another key came between"
        await pilot.press("L", "enter")
        await pilot.pause()
        assert app.told[-1] == app.pane.review


async def test_keys_that_were_typed_before_the_review_came_up_do_not_decide():
    now = [0.0]
    guard = Guard(lambda: now[0])
    app = Alone(review_of(*CHANGES))
    async with app.run_test(size=(100, 30)) as pilot:
        app.pane._guard = guard
        guard.shut()
        await pilot.press("y", "A", "L")
        assert app.verdicts == ["undecided"] * 4
        assert app.told == []
        now[0] = 1.0
        await pilot.press("y")
        assert app.verdicts[0] == "accepted"


async def test_a_decision_stays_where_its_hunk_stays():
    app = Alone(review_of(*CHANGES))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("y", "n")
        app.pane.put(replace(app.pane.review, files=review_of(*CHANGES[:2]).files))
        await pilot.pause()
        assert app.verdicts == ["accepted", "rejected", "undecided"]


@dataclass
class Laid:
    count: int = 0


async def test_a_review_of_two_hundred_files_lays_out_what_is_in_sight(monkeypatch: pytest.MonkeyPatch):
    laid = Laid()
    real = HunkRows.lines

    def counted(self, width):
        laid.count += 1
        return real(self, width)

    monkeypatch.setattr(hunks.HunkRows, "lines", counted)
    body = b"".join(b"row %d\n" % number for number in range(40))
    many = [change(body, body.replace(b"row 20\n", b"row x\n" * 25), f"f{number:03}.py") for number in range(200)]
    app = Alone(review_of(*many))
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        assert laid.count < 10
        await pilot.press("right_square_bracket")
        assert laid.count < 15
        await pilot.press("A")
        assert app.verdicts == ["accepted"] * 200
        assert laid.count < 30


async def test_a_click_in_the_list_goes_to_the_file():
    app = Alone(review_of(*CHANGES))
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.click("#review-files", offset=(4, 2))
        await pilot.pause()
        assert app.pane.diff.place.path == "Makefile"


LARGE = tuple(
    change(
        b"".join(b"row %d\n" % row for row in range(40)),
        b"".join(b"row %d%s\n" % (row, b" changed" * (row % 8 == 3)) for row in range(40)),
        f"part_{number:03}.py",
    )
    for number in range(60)
)


async def test_a_large_review_opens_with_what_is_in_sight_and_the_rest_follows():
    app = Alone(review_of(*LARGE))
    async with app.run_test(size=(100, 30)) as pilot:
        diff = app.pane.diff
        made = Sheet(app.review).rest(app.review)
        await until(pilot, lambda: len(diff) >= len(made))
        assert diff.blocks == tuple(made)
        assert text_of(diff).startswith(" part_000.py")


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        (("slash", *"part_059", "enter"), "part_059.py"),
        (("]",) * 12, "part_002.py"),
        (("}",) * 25, "part_025.py"),
        (("A", "l"), "part_000.py"),
        (("o", "}"), "part_001.py"),
    ],
)
async def test_keys_go_anywhere_in_a_large_review_before_all_of_it_is_made(monkeypatch, keys, path):
    monkeypatch.setattr("assent_tui.review.diff._PAUSE", 3600.0)
    app = Alone(review_of(*LARGE))
    async with app.run_test(size=(100, 30)) as pilot:
        assert len(app.pane.diff) < 300
        await pilot.press(*keys)
        assert app.pane.diff.place.path == path
        assert "▌" in text_of(app.pane.diff)
        assert app.verdicts.count("accepted") == (len(app.verdicts) - 1 if "A" in keys else 0)


async def test_decisions_taken_before_a_file_is_made_are_shown_in_it(monkeypatch):
    monkeypatch.setattr("assent_tui.review.diff._PAUSE", 3600.0)
    app = Alone(review_of(*LARGE))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("A", *["}"] * 59)
        assert app.pane.diff.place.path == "part_059.py"
        assert "● accepted" in text_of(app.pane.diff)
        assert "○ undecided" not in text_of(app.pane.diff)


def test_the_language_of_a_file_is_the_one_that_pygments_finds():
    names = "a.py a.h a.m a.pl a.ts a.inc a.json package.json Makefile Dockerfile .bashrc a.S a.s setup.cfg a.0 a.odd"
    for name in names.split():
        found = highlight._lexer(f"src/{name}", "")
        assert (type(found) if found else None) is find_lexer_class_for_filename(name), name


def test_the_rules_of_a_language_are_made_by_one_thread_at_a_time(monkeypatch):
    threads, most, make = [], [], RegexLexerMeta.process_tokendef

    def made(lexer, *args):
        threads.append(current_thread())
        sleep(0.05)  # so that the other thread has time to come in between
        most.append(len(threads))
        rules = make(lexer, *args)
        threads.remove(current_thread())
        return rules

    monkeypatch.setattr(RegexLexerMeta, "process_tokendef", made)
    monkeypatch.delattr(PythonLexer, "_tokens", raising=False)
    highlight._lexer.cache_clear()
    with ThreadPoolExecutor(2) as both:
        prepared = both.submit(highlight.prepare, ("a.py",))
        found = [both.submit(highlight.highlight, ["x = f'{a!r}' + rb'b'"], language="python") for _ in range(4)]
    assert prepared.result() is None
    assert all(one.result() == found[0].result() for one in found)
    assert set(most) == {1}


def test_a_line_is_coloured_a_few_times_however_many_hunks_are_near_it(monkeypatch):
    before = "".join(f"first_{at} = {at}\n" for at in range(1000)).encode()
    after = "".join(f"first_{at} = {at}{' # more' * (at % 8 == 4)}\n" for at in range(1000)).encode()
    coloured: list[int] = []
    colour = source.highlight
    monkeypatch.setattr(source, "highlight", lambda rows, **how: coloured.append(len(rows)) or colour(rows, **how))
    shown = written(review_of(change(before, after, path="near.py")))
    assert "first_996 = 996 # more" in shown
    assert sum(coloured) < 4 * 2000
