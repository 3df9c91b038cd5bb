"""Text is selected by mouse and by lines, and copied as it was written: no margins, no numbers, folded rows whole."""

from __future__ import annotations

from textual.pilot import Pilot

from assent_core.events import Performed, Proposed, Said
from assent_core.proposals import Shell
from assent_sandbox.stage import File
from assent_tui.paint.page import PageScreen
from assent_tui.paint.textview import TextView
from assent_tui.screen.app import AssentApp
from assent_tui.screen.clipboard import copied, copying
from assent_tui.screen.keyline import Keys
from screen import WORK, Change, app_over, reviewing, said, text_of, until

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"


async def idle(pilot: Pilot[int]) -> AssentApp:
    app = pilot.app
    assert isinstance(app, AssentApp)
    await until(pilot, lambda: "done" in said(app) and app.job is None)
    await pilot.pause()
    return app


def row_of(view: TextView, words: str) -> int:
    return next(y for y in range(view.size.height) if words in view.render_line(y).text)


async def drag(pilot: Pilot[int], view: TextView, start: tuple[int, int], end: tuple[int, int]) -> None:
    await pilot.mouse_down(view, offset=start)
    await pilot.hover(view, offset=end)
    await pilot.mouse_up(view, offset=end)
    await pilot.pause()


async def test_a_paragraph_that_was_folded_is_copied_whole_without_its_margin():
    app = app_over([Said(text=f"{LONG}\n\n- a point\n- another")], prompt="go", changes=())
    async with app.run_test(size=(60, 24)) as pilot:
        await idle(pilot)
        top, end = row_of(app.chat, "one two"), row_of(app.chat, "another")
        await drag(pilot, app.chat, (0, top), (40, end))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app.clipboard)
        assert app.clipboard == f"{LONG}\n\n• a point\n• another"
        assert "Copied what was selected" in text_of(app.query_one(Keys))
        assert not app.screen.selections


async def test_a_part_of_a_row_is_what_lies_under_the_pointer_however_wide_its_characters_are():
    app = app_over([Said(text="数量が 無視 されている and words")], prompt="go", changes=())
    async with app.run_test(size=(60, 24)) as pilot:
        await idle(pilot)
        y = row_of(app.chat, "数量が")
        await drag(pilot, app.chat, (3, y), (8, y))
        assert app.screen.get_selected_text() == "数量が"
        await drag(pilot, app.chat, (8, y), (3, y))
        assert app.screen.get_selected_text() == "数量が"


async def test_what_is_selected_in_a_diff_is_the_text_of_the_file():
    after = b"".join(b"    line %d of the file\n" % number for number in range(4))
    app = app_over(WORK, prompt="go", changes=(Change(path="a.txt", before=None, after=File(after)),))
    async with app.run_test(size=(60, 24)) as pilot:
        await reviewing(pilot)
        diff = app.pane.diff
        first = row_of(diff, "line 0")
        await drag(pilot, diff, (0, first), (50, first + 2))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app.clipboard)
        assert app.clipboard == "    line 0 of the file\n    line 1 of the file\n    line 2 of the file"
        assert not app.pane.review.accepted


async def test_two_clicks_take_a_word_and_three_a_line():
    app = app_over([Said(text="see tests/test_cart.py::test_total for it")], prompt="go", changes=())
    async with app.run_test(size=(60, 24)) as pilot:
        await idle(pilot)
        y = row_of(app.chat, "see tests")
        await pilot.click(app.chat, offset=(12, y), times=2)
        assert app.screen.get_selected_text() == "tests/test_cart.py::test_total"
        await pilot.click(app.chat, offset=(12, y), times=3)
        assert app.screen.get_selected_text() == "see tests/test_cart.py::test_total for it"
        await pilot.press("escape")
        assert not app.screen.selections


async def test_selecting_opens_nothing_and_stays_with_its_text_while_more_comes():
    app = app_over(WORK, prompt="go", changes=())
    async with app.run_test(size=(80, 24)) as pilot:
        await idle(pilot)
        y = row_of(app.chat, "The total ignored")
        before = said(app)
        await drag(pilot, app.chat, (3, y), (11, y))
        assert said(app) == before
        app.chat.note("something else happened\n" * 5)
        await pilot.pause()
        assert app.screen.get_selected_text() == "The total"


async def test_a_selection_stays_in_the_view_where_it_began():
    app = app_over(WORK, prompt="go", changes=())
    async with app.run_test(size=(80, 24)) as pilot:
        await idle(pilot)
        y = row_of(app.chat, "The total ignored")
        await pilot.mouse_down(app.chat, offset=(3, y))
        await pilot.hover(app._prompt, offset=(5, 1))
        await pilot.mouse_up(app._prompt, offset=(5, 1))
        text = app.screen.get_selected_text()
        assert text is not None
        assert text.startswith("The total ignored the quantity")
        assert list(app.screen.selections) == [app.chat]


async def test_lines_are_chosen_and_copied_by_keys():
    app = app_over([Said(text=f"first\n\n{LONG}\n\nlast")], prompt="go", changes=())
    async with app.run_test(size=(60, 24)) as pilot:
        await idle(pilot)
        app.chat.focus()
        await pilot.press("k", "k", "V")
        assert "from here on" in text_of(app.query_one(Keys))
        assert app.screen.get_selected_text() == "first"
        await pilot.press("j")
        assert app.screen.get_selected_text() == LONG
        await pilot.press("V", "j", "y")
        assert app.clipboard == f"{LONG}\n\nlast"
        assert not app.chat.choosing_lines
        await until(pilot, lambda: "Copied what was selected" in text_of(app.query_one(Keys)))
        await pilot.press("V", "escape")
        assert not app.chat.choosing_lines
        assert not app.screen.selections
        assert app.chat.has_focus


async def test_the_raw_output_can_be_selected_too():
    shell = Shell(command="pytest -q")
    done = Performed(id="1", ok=False, told="alpha\nbeta\ngamma\n", code=1)
    app = app_over([Proposed(id="1", proposal=shell), done], prompt="go", changes=())
    async with app.run_test(size=(60, 24)) as pilot:
        await idle(pilot)
        app.chat.focus()
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, PageScreen) and app.screen.query(TextView))
        await pilot.pause()
        view = app.screen.query_one(TextView)
        y = row_of(view, "alpha")
        await drag(pilot, view, (2, y + 1), (40, y + 2))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app.clipboard)
        assert app.clipboard == "alpha\nbeta"


async def test_copying_hostile_text_gives_no_escape():
    app = app_over([Said(text="x \x1b]52;c;ZXZpbA==\x07 \u202eevil")], prompt="go", changes=())
    async with app.run_test(size=(60, 24)) as pilot:
        await idle(pilot)
        await pilot.click(app.chat, offset=(4, row_of(app.chat, "evil")), times=3)
        text = app.screen.get_selected_text()
        assert text is not None
        assert text.isprintable()


def test_gnu_screen_is_given_pieces_that_it_passes_on():
    plain = copying("é" * 5000, {"TERM": "xterm"})
    assert plain.startswith("\x1b]52;c;")
    assert plain.endswith("\x07")
    assert copying("é" * 5000, {"TMUX": "t"}) == plain
    assert copying("é" * 5000, {"TMUX": "t", "STY": "s", "TERM": "tmux-256color"}) == plain
    sent = copying("é" * 5000, {"STY": "1.pts"})
    pieces = sent.split("\x1b\\")[:-1]
    assert all(piece.startswith("\x1bP") and len(piece) <= 256 for piece in pieces)
    assert "".join(piece.removeprefix("\x1bP") for piece in pieces) == plain


def test_what_was_copied_is_told_with_what_may_be_in_its_way():
    assert copied("the note", 1, {}) == "Copied the note, 1 character."
    assert "set-clipboard on" in copied("it", 9, {"TMUX": "t"})
    assert "take less" in copied("it", 60_000, {})
    assert copied("", 0, {}) == "There is nothing to copy here."
