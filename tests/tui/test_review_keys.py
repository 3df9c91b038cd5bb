"""The keys of a review beyond yes and no: lines, splits, edits, views and the search; and the mouse."""

import json
import re
import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from textual.app import App
from textual.widgets import Input

from assent_core.assembly import open_session
from assent_core.diffs.changes import take_apart
from assent_core.diffs.review import Review, outcomes
from assent_core.rehearsal import Rehearsal
from assent_core.settings import Settings
from assent_sandbox.stage import Change, File
from assent_tui.paint.guard import Guard
from assent_tui.review.editor import HunkEditor
from assent_tui.review.hunks import Fold
from assent_tui.review.pane import ReviewPane
from assent_tui.screen.app import AssentApp
from rehearsed import TWELVE, TWELVE_SCRIPT, four_files, git, of_worker, tree
from screen import CHANGES, WORK, app_over, reviewing, said, session_of, text_of, until

BEFORE = b"".join(b"row %d = old\n" % number for number in range(1, 41))
AFTER = BEFORE
for row in (10, 11, 12, 30):
    AFTER = AFTER.replace(b"row %d = old\n" % row, b"row %d = new\n" % row)


class Alone(App[None]):
    """A review without a session: what is to be written on the stage is there at once."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, *changes: Change) -> None:
        super().__init__()
        self.found = Review(files=tuple(take_apart(change) for change in changes))
        self.amended: list[tuple[str, bytes]] = []

    def compose(self):
        yield ReviewPane(Guard(), id="review")

    def on_mount(self) -> None:
        self.pane.put(self.found)
        self.pane.diff.focus()

    @property
    def pane(self) -> ReviewPane:
        return self.query_one(ReviewPane)

    @property
    def verdicts(self) -> list[str]:
        review = self.pane.review
        return [review.mark(hunk.id).verdict for file in review.files for hunk in file.hunks]

    @property
    def landed(self) -> list[bytes]:
        return [one.landed.data for one in outcomes(self.pane.review) if isinstance(one.landed, File)]

    @property
    def shown(self) -> str:
        return text_of(self.pane.diff)

    @property
    def told(self) -> str:
        return text_of(self.query_one("#review-said"))

    def on_review_pane_amend_wanted(self, message: ReviewPane.AmendWanted) -> None:
        self.amended.append((message.shown.path, message.entry.data))
        self.pane.take_over(message)


def rows(path: str = "rows.txt") -> Change:
    return Change(path=path, before=File(BEFORE), after=File(AFTER))


async def test_single_lines_are_marked_and_taken():
    app = Alone(rows())
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("space")
        assert "▸- row 10 = old" in app.shown
        assert "Space marks" in app.told
        await pilot.press("down", "space")
        assert "✓row 11 = old" in app.shown
        await pilot.press("j", "j", "space", "y")
        assert app.verdicts == ["undecided", "accepted", "undecided", "undecided"]
        assert app.landed == [BEFORE.replace(b"row 11 = old", b"row 11 = new")]
        await pilot.press("u")
        assert app.verdicts == ["undecided", "undecided"]


async def test_a_range_of_lines_is_rejected_with_a_reason():
    app = Alone(rows())
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("space", "space", "down", "V", "r", *"not these", "enter")
        pieces = [hunk for file in app.pane.review.files for hunk in file.hunks]
        gone = [hunk for hunk in pieces if app.pane.review.mark(hunk.id).verdict == "rejected"]
        assert [line for hunk in gone for line in hunk.old] == [b"row 10 = old\n", b"row 11 = old\n", b"row 12 = old\n"]
        assert not any(hunk.new for hunk in gone)
        assert "reason: not these" in app.shown


async def test_the_line_at_the_cursor_counts_where_none_is_marked_and_escape_leaves():
    app = Alone(rows())
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("space", "down", "n")
        assert app.verdicts.count("rejected") == 1
        await pilot.press("space")
        assert app.pane.leave_field()
        assert app.pane.diff.picking is None
        assert not app.pane.leave_field()


async def test_a_hunk_is_split_above_a_line_and_into_lines():
    app = Alone(rows())
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("s")
        assert "above which the hunk is split" in app.told
        await pilot.press("s")
        assert "its lines only stand together" in app.told, "nothing stands above the first line"
        await pilot.press("down", "s")
        assert [len(hunk.old) for hunk in app.pane.review.files[0].hunks] == [1, 2, 1]
        await pilot.press("]", "S")
        assert [len(hunk.old) for hunk in app.pane.review.files[0].hunks] == [1, 1, 1, 1]
        await pilot.press("y", "n", "y")
        assert app.verdicts == ["undecided", "accepted", "rejected", "accepted"]
        await pilot.press("u", "u", "u", "u", "u")
        assert app.pane.review == app.found


async def test_an_edited_hunk_is_accepted_and_the_edit_can_be_undone():
    app = Alone(rows())
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("y", "[", "e")
        editor = app.query_one(HunkEditor)
        assert editor.text == "row 10 = new\nrow 11 = new\nrow 12 = new\n"
        await pilot.press("X", "ctrl+s")
        await pilot.pause()
        written = AFTER.replace(b"row 10", b"Xrow 10")
        assert app.amended == [("rows.txt", written)]
        assert app.verdicts == ["accepted", "undecided"]
        assert "+ Xrow 10 = new" in app.shown
        assert not app.query(HunkEditor)
        await pilot.press("u")
        await pilot.pause()
        assert app.amended[1] == ("rows.txt", AFTER)
        assert app.verdicts == ["accepted", "undecided"], "as it was before the edit"
        await pilot.press("u")
        assert app.pane.review == app.found


async def test_a_draft_of_an_edit_is_kept_until_it_is_used():
    app = Alone(rows())
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("e", "D")
        assert app.pane.leave_field()
        await pilot.pause()
        assert app.pane.review == app.found
        await pilot.press("e")
        assert app.query_one(HunkEditor).text.startswith("Drow 10")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (Change(path="gone", before=File(b"a\n"), after=None), "only lines of a text can be edited"),
        (Change(path="odd", before=None, after=File(b"a\x1b[31m\n")), "E opens $EDITOR"),
        (Change(path="odd", before=None, after=File("a\u2028b\n".encode())), "E opens $EDITOR"),
    ],
)
async def test_what_a_text_box_cannot_edit_says_what_can(change: Change, told: str):
    app = Alone(change)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("e")
        assert told in app.told
        assert not app.query(HunkEditor)


async def test_carriage_returns_survive_an_edit():
    app = Alone(Change(path="dos.txt", before=File(b"a\r\nb\r\n"), after=File(b"a\r\nB\r\nC\r\n")))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("e", "X", "ctrl+s")
        await pilot.pause()
        assert app.amended == [("dos.txt", b"a\r\nXB\r\nC\r\n")]


async def test_a_hunk_is_left_for_later():
    app = Alone(rows())
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("y", "[", "l")
        assert app.verdicts == ["undecided", "undecided"]
        assert app.pane.diff.place.hunk == app.found.files[0].hunks[1].id


async def test_folds_open_and_close_with_a_key_and_with_the_mouse():
    app = Alone(rows())
    async with app.run_test(size=(100, 60)) as pilot:
        assert "row 20 = old" not in app.shown
        await pilot.press("o")
        assert "⌄ 6 unchanged" in app.shown
        assert "row 1 = old" in app.shown
        assert "row 20 = old" in app.shown
        await pilot.press("o")
        assert "row 20 = old" not in app.shown
        at = next(n for n, row in enumerate(app.shown.split("\n")) if "⋯ 11 unchanged" in row)
        await pilot.click("#review-diff", offset=(6, at))
        await pilot.pause()
        assert "row 20 = old" in app.shown
        assert sum(block.opened for block in app.pane.diff.blocks if isinstance(block, Fold)) == 1


async def test_two_sides_stand_beside_each_other_where_there_is_room():
    app = Alone(rows())
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("vertical_line")
        assert any("- row 10 = old" in row and "+ row 10 = new" in row for row in app.shown.split("\n"))
        assert {len(row) for row in app.shown.split("\n") if "│" in row} <= set(range(50, 101))
        await pilot.press("space", "down")
        assert "▸- row 11 = old" in app.shown
        await pilot.resize_terminal(60, 40)
        await pilot.pause()
        assert not any("row 10 = old" in row and "row 10 = new" in row for row in app.shown.split("\n"))
        await pilot.press("escape", "vertical_line", "vertical_line")
        assert "too narrow for two sides" in app.told


async def test_white_space_is_shown_on_demand_and_hunks_of_it_say_so():
    change = Change(path="a.py", before=File(b"if x:\n\treturn 1\n"), after=File(b"if x:\n    return 1\n"))
    app = Alone(change)
    async with app.run_test(size=(100, 30)) as pilot:
        assert "only white space" in app.shown
        await pilot.press("w")
        assert "- →   return·1" in app.shown
        assert "+ ····return·1" in app.shown
        await pilot.press("w")
        assert "····return" not in app.shown


async def test_a_search_goes_round_and_ends_with_escape():
    app = Alone(rows("one.txt"), rows("two.txt"))
    async with app.run_test(size=(100, 24)) as pilot:
        await pilot.press("slash", *"ROW 30 = n", "enter")
        assert app.told.strip() == "1 of 2"
        assert app.pane.diff.place.path == "one.txt"
        await pilot.press("ctrl+n")
        assert app.pane.diff.place.path == "two.txt"
        assert "row 30 = new" in app.shown
        await pilot.press("ctrl+n")
        assert app.told.strip() == "1 of 2"
        await pilot.press("ctrl+p")
        assert app.told.strip() == "2 of 2"
        assert app.verdicts == ["undecided"] * 4
        assert app.pane.leave_field()
        assert app.pane.diff.look.query == ""
        await pilot.press("slash", *"nowhere", "enter")
        assert "not found" in app.told


async def test_changed_words_are_marked_in_changed_lines():
    app = Alone(rows())
    async with app.run_test(size=(100, 30)):
        lines = [line for block in app.pane.diff.blocks for line in block.lines(90)]
        marked = {text for line in lines for text, style in line.spans if "word" in style}
        assert marked == {"old", "new"}


async def test_the_mouse_goes_to_a_hunk_and_to_a_line():
    app = Alone(rows())
    async with app.run_test(size=(100, 50)) as pilot:
        at = next(n for n, row in enumerate(app.shown.split("\n")) if "row 30 = new" in row)
        await pilot.click("#review-diff", offset=(20, at))
        await pilot.pause()
        assert app.pane.diff.place.hunk == app.found.files[0].hunks[1].id
        await pilot.press("space")
        await pilot.click("#review-diff", offset=(20, at))
        await pilot.pause()
        assert "▸+ row 30 = new" in app.shown


async def test_decisions_of_the_time_in_which_a_command_ran_stay():
    app = app_over(WORK, prompt="fix it")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        await pilot.press("y", "v", *"true", "enter")
        app.pane.action_decide("rejected")
        await until(pilot, lambda: app.pane.review.evidence)
        verdicts = [app.pane.review.mark(hunk.id).verdict for file in app.pane.review.files for hunk in file.hunks]
        assert verdicts[:2] == ["accepted", "rejected"]


async def test_what_is_written_goes_onto_the_stage_of_the_session():
    app = app_over(WORK, prompt="fix it")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        await pilot.press("e", *"# mine", "ctrl+s")
        await until(pilot, lambda: app.job is None and not app.query(HunkEditor))
        assert b"# mine" in session_of(app).changes[0].after.data
        assert app.pane.review.accepted
        await pilot.press("u")
        await until(pilot, lambda: app.job is None and not app.pane.review.accepted)
        assert session_of(app).changes == CHANGES


EVIL = "\x1b]0;x\x07[red]\u202e\u200b日本語"


async def test_hostile_lines_and_names_change_no_layout_in_any_view():
    big = EVIL.encode() + b"\0"[:0] + b"y" * 1_000_000 + b"\n"
    changes = (
        Change(path=EVIL + "n" * 4000, before=File(b"a\n"), after=File(big)),
        Change(path="nul\n.py", before=File(b"\0"), after=File(b"\0\0")),
        Change(path="c.py", before=File(EVIL.encode() + b" = 1\n"), after=File(EVIL.encode() + b"\t= 2\r\n\xff\n")),
    )
    for size in ((80, 24), (120, 40), (40, 12)):
        app = app_over(WORK, prompt="go", changes=changes)
        async with app.run_test(size=size) as pilot:
            await reviewing(pilot)
            keys = ("w", "vertical_line", "space", "space", "c", *"[b]x", "enter", "}", "}", "S", "slash", "[", "enter")
            for key in (*keys, "vertical_line", "o", "n", "u", "{", "{", "r", *"[/]", "enter"):
                await pilot.press(key)
                for strip in app.screen._compositor.render_strips():
                    assert strip.text.isprintable()
                    assert strip.cell_length == size[0]


# over a real session


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return four_files(tmp_path / "repository")


def applied(root: Path, copy: Path, choose: Callable[[str, str], str]) -> dict[str, bytes]:
    """What git makes of the pieces of the change that are chosen: of a path and a piece, what of it is to be applied."""
    git(root.parent, "clone", "-q", str(root), str(copy))
    subprocess.run(["bash", "-c", TWELVE], cwd=copy, check=True)
    patch = ""
    for file in re.split(r"(?m)^(?=diff --git)", git(copy, "diff", "-U0"))[1:]:
        head, *pieces = re.split(r"(?m)^(?=@@ )", file)
        chosen = "".join(choose(head.split()[2][2:], piece) for piece in pieces)
        patch += head + chosen if chosen else ""
    git(copy, "checkout", "-q", ".")
    words = ["git", "apply", "--unidiff-zero", "--recount", "-"]
    subprocess.run(words, cwd=copy, input=patch, text=True, check=True, capture_output=True)
    return tree(copy)


def wanted(path: str, piece: str) -> str:
    """The selection that the test makes with keys, as text: six as they are, two edited, half of one."""
    row = re.findall(r"(?m)^-row (\d+) ", piece)
    match path[0], row:
        case ("a" | "b", ["45"]) | ("d", ["5"] | ["45"]):
            return ""
        case ("b", ["25"]):
            return piece.replace("+row", "+X row")
        case ("c", ["25"]):
            return piece.replace("+row", "+Y row")
        case ("d", ["25", "26", "27", "28"]):
            return re.sub(r"(?m)^[-+]row 2[78] .*\n", "", piece)
        case _:
            return piece


async def test_a_review_of_twelve_hunks_lands_what_git_makes_of_the_same_selection(
    repository: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-not-a-real-key-0123456789")
    async with Rehearsal.from_text(TWELVE_SCRIPT) as rehearsal:
        settings = Settings(base_url=rehearsal.url, state=str(tmp_path / "state"), scouting=False)
        app = AssentApp(lambda asker: open_session(repository, settings, asker), "change the rows")
        async with app.run_test(size=(120, 40)) as pilot:
            await reviewing(pilot)
            assert [len(file.hunks) for file in app.pane.review.files] == [3, 3, 3, 3]

            async def idle() -> None:
                await until(pilot, lambda: app.job is None and app.pane.diff.has_focus)

            await pilot.press("y", "y", "r", *"too loud", "enter")
            await pilot.press("y", "e", *"X ", "ctrl+s")
            await idle()
            await pilot.press("]", "r", *"keep b", "enter")
            await pilot.press("y", "e", *"Y ", "ctrl+s")
            await idle()
            await pilot.press("]", "y", "r", *"not d", "enter")
            await pilot.press("s", "down", "down", "s", "y", "l", "l")
            review = app.pane.review
            assert (len(review.accepted), len(review.rejected), len(review.undecided)) == (8, 3, 2)
            expected = applied(repository, tmp_path / "copy", wanted)
            await pilot.press("L", "enter")
            await until(pilot, lambda: "landed 8 hunks in 4 files" in said(app) and app.job is None)
            assert tree(repository) == expected
            await until(pilot, lambda: "2 undecided" in text_of(app.query_one("#review-head")))
            await pilot.press("escape", *"go on", "enter")
            await until(pilot, lambda: "I see." in said(app) and app.job is None)
            asked = json.dumps(of_worker(rehearsal)[-1]["input"])
            assert all(words in asked for words in ("too loud", "keep b", "not d", "X row 25 of b changed"))
            assert not app.query(Input)
        assert app.jobs is not None
        await app.jobs.session.close()


async def test_the_users_own_editor_writes_on_the_stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    script = tmp_path / "editor"
    script.write_text("#!/bin/sh\nsed -i 's/item.price/self.price/' \"$1\"\n")
    script.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(script))
    monkeypatch.delenv("VISUAL", raising=False)
    app = app_over(WORK, prompt="fix it")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        await pilot.press("E")
        await until(pilot, lambda: "cannot be given to an editor" in text_of(app.query_one("#review-said")))
        monkeypatch.setattr(app, "suspend", nullcontext)
        await pilot.press("E")
        await until(pilot, lambda: b"self.price" in session_of(app).changes[0].after.data)
        monkeypatch.setenv("EDITOR", "false")
        await until(pilot, lambda: app.job is None)
        await pilot.press("E")
        await until(pilot, lambda: "exited with 1" in text_of(app.query_one("#review-said")))


# what it looks like


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize(
    ("state", "keys"),
    [
        ("two sides", ("z", "vertical_line")),
        ("lines", ("space", "down", "down", "space")),
        ("split", ("S", "y")),
        ("edit", ("e",)),
        ("search", ("o", "slash", *"items", "enter")),
    ],
)
def test_each_way_to_work_in_a_review_looks_as_it_did(
    snap_compare, size, theme: str, state: str, keys: tuple[str, ...]
):
    async def worked(pilot):
        await reviewing(pilot)
        await pilot.press(*keys)

    app = app_over(WORK, prompt="fix the failing test", theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=worked)
