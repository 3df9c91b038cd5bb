"""Every key has a name, can be bound, clashes with none, and is shown as it is bound."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.dom import DOMNode
from textual.widgets import Input

from assent_core.errors import UsageError
from assent_tui import keymap
from assent_tui.chat.reader import Reader
from assent_tui.consent.card import ConsentCard
from assent_tui.keymap import USUAL, Keymap, checked, full_name, shown
from assent_tui.keytable import HEARD, PLACES, TABLE
from assent_tui.pages.help import PAGE, HelpScreen, Page
from assent_tui.pages.prompts import PromptsScreen
from assent_tui.pages.sessions import SessionsScreen
from assent_tui.pages.settings import SettingsScreen, settings_now
from assent_tui.pages.welcome import WelcomeScreen
from assent_tui.paint.choices import Choices
from assent_tui.paint.guard import Guard
from assent_tui.paint.page import PageScreen
from assent_tui.prompt.box import Prompt
from assent_tui.review.diff import Diff
from assent_tui.review.editor import HunkEditor
from assent_tui.review.pane import ReviewPane
from assent_tui.screen.app import AssentApp
from assent_tui.screen.keyline import KEYS, Keys
from assent_tui.screen.pages import Look
from assent_tui.screen.panes import Panes
from screen import CHANGES, WORK, app_over, ask, reviewing, said, session_of, text_of, until

OWNERS: dict[str, type[DOMNode]] = {
    "app": AssentApp,
    "prompt": Prompt,
    "chat": Reader,
    "panes": Panes,
    "diff": Diff,
    "review": ReviewPane,
    "editor": HunkEditor,
    "consent": ConsentCard,
    "list": Choices,
    "sessions": SessionsScreen,
    "prompts": PromptsScreen,
    "settings": SettingsScreen,
    "welcome": WelcomeScreen,
    "help": HelpScreen,
    "page": PageScreen,
}
DOCUMENT = Path(__file__).parents[2] / "docs" / "KEYS.md"


def refused(keys: dict[str, str]) -> str:
    with pytest.raises(UsageError) as caught:
        checked(keys)
    return f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("place", PLACES)
def test_a_place_binds_exactly_what_the_table_says_and_can_do_it(place: str):
    owner = OWNERS[place]
    bound = [one for one in owner.__dict__["BINDINGS"] if isinstance(one, Binding)]
    assert [one.id for one in bound] == [key.name for key in TABLE if key.place == place and key.binds]
    for one in bound:
        action = one.action.partition("(")[0]
        assert callable(getattr(owner, f"action_{action}", None)), one.action


def test_no_other_key_of_ours_is_bound_anywhere():
    for file in Path(inspect.getfile(keymap)).parent.rglob("*.py"):
        if file.name not in ("keymap.py", "keytable.py"):
            assert "Binding(" not in file.read_text(), file


def test_every_place_is_heard_somewhere():
    assert {place for places in HEARD for place in places} == set(PLACES) == {key.place for key in TABLE}


def test_the_page_of_the_documents_lists_every_name_with_its_keys():
    rows = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| (.+) \| (.+) \|$", DOCUMENT.read_text(), re.M)
    assert rows == [(key.name, USUAL.all_shown(key.name).replace("|", "\\|"), key.does) for key in TABLE]


def test_the_page_of_keys_leaves_none_out():
    shown_names = {name for _, rows in PAGE for keys, _ in rows for name in re.findall(r"\{([a-z_.]+)\}", keys)}
    told = {name for _, rows in PAGE for _, does in rows for name in re.findall(r"\{([a-z_.]+)\}", does)}
    assert shown_names | told == {key.name for key in TABLE}


def test_every_line_of_keys_names_keys_that_there_are():
    names = {name for pairs in KEYS.values() for names, _ in pairs for name in names.split() if "." in name}
    assert names <= set(keymap.ACTIONS)


@pytest.mark.parametrize("name", [key.name for key in TABLE])
def test_every_key_can_be_bound_to_another(name: str):
    assert checked({name: "ctrl+f9"}).of(name) == ("ctrl+f9",)


def test_two_keys_can_change_places():
    made = checked({"review.accept": "n", "review.reject": "y"})
    assert (made.shown("review.accept"), made.shown("review.reject")) == ("n", "y")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"review.accept": "n"}, ("n would be both", "review.accept", "review.reject")),
        ({"chat.raw": "z"}, ("chat.raw", "panes.zoom")),
        ({"consent.no": "f2"}, ("consent.no", "app.toggle_review")),
        ({"sessions.rename": "j"}, ("list.next", "sessions.rename")),
        ({"app.help_here": "n"}, ("app.help_here", "review.reject")),
    ],
)
def test_a_key_that_would_mean_two_things_is_refused_with_both_names(keys: dict[str, str], words: tuple[str, ...]):
    told = refused(keys)
    assert all(word in told for word in words), told


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"review.acept": "x"}, "Did you mean review.accept?"),
        ({"zzz": "x"}, "docs/KEYS.md"),
        ({"review.land": "puce"}, "names no key"),
        ({"review.land": ""}, "names no key"),
        ({"review.land": "strg+l"}, "names no key"),
        ({"review.land": "ctrl+i"}, "send Tab for it"),
        ({"app.quit": "q"}, "missing when you write"),
        ({"app.unfold": "space"}, "missing when you write"),
        ({"prompt.send": "shift+ä"}, "missing when you write"),
        ({"editor.write": "backspace"}, "missing when you write"),
        ({"consent.yes": "enter"}, "not given in passing"),
        ({"consent.task": "f5,space"}, "not given in passing"),
    ],
)
def test_keys_that_cannot_be_are_refused_with_what_helps(keys: dict[str, str], words: str):
    assert words in refused(keys)


def test_keys_may_be_written_as_the_screen_shows_them():
    for key in TABLE:
        for one in USUAL.of(key.name):
            assert full_name(shown(one)) == one
    assert [full_name(key) for key in ("Ctrl+K", "?", "+", "ctrl++", "shift+a", "PgDn")] == [
        "ctrl+k",
        "question_mark",
        "plus",
        "ctrl+plus",
        "A",
        "pagedown",
    ]


def test_words_hold_the_keys_that_are_bound_and_leave_the_rest():
    made = Keymap({"review.accept": "f5"})
    assert made.words("{review.accept} accepts, {review.reject} rejects") == "F5 accepts, n rejects"


async def test_bound_keys_decide_in_the_review_and_the_old_ones_do_not():
    app = app_over(WORK, prompt="fix it", look=Look(keys={"review.accept": "f5", "review.later": "y"}))
    async with app.run_test(size=(80, 24)) as pilot:
        await reviewing(pilot)
        await pilot.press("y")
        assert not app.pane.review.accepted
        assert "F5 accept" in text_of(app.query_one(Keys))
        await pilot.press("f5")
        assert len(app.pane.review.accepted) == 1


async def test_the_card_answers_to_the_keys_that_it_shows_and_waits_for_them_to_count():
    app, now = app_over([ask], prompt="go", look=Look(keys={"consent.yes": "f5", "consent.no": "x"})), [0.0]
    app._card_guard = Guard(lambda: now[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.query(ConsentCard) and app.query_one(ConsentCard).question)
        await pilot.press("x", "f5")
        card = app.query_one(ConsentCard)
        assert card.question is not None
        now[0] = 2.0
        await until(pilot, lambda: card.has_focus)
        shown_rows = text_of(card.query_one("#consent-answers"))
        assert "F5 yes, once" in shown_rows
        assert "x no" in shown_rows
        await pilot.press("y", "n")
        assert card.question is not None
        assert app._prompt.text == "xyn", "none of them was a key of the card that counted"
        await pilot.press("escape", "x")
        await until(pilot, lambda: card.question is None)
        assert "REFUSED" in said(app)


async def test_the_prompt_sends_by_the_key_that_it_says():
    app = app_over([], look=Look(keys={"prompt.send": "ctrl+s", "app.help_here": "!"}))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.jobs is not None and app.job is None)
        assert app._prompt.placeholder.startswith("What is to be done?  Ctrl+S sends")
        await pilot.press("a", "enter", "b")
        assert app._prompt.text == "a\nb"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "done" in said(app))
        await pilot.press("!")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))


async def test_every_page_leaves_by_the_key_that_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ASSENT_CONFIG_DIR", str(tmp_path))
    app = app_over([], look=Look(keys={"settings.leave": "f8", "settings.reset": "f9", "help.close": "f7"}))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.jobs is not None and app.job is None)
        app.action_settings()
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen) and app.screen.query(Choices))
        assert "F8 back  F9 default" in text_of(app.screen.query_one("#page-keys"))
        await pilot.press("q")
        assert isinstance(app.screen, SettingsScreen)
        await pilot.press("f8")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("f7")
        await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_a_key_changed_in_the_settings_holds_and_is_shown_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ASSENT_CONFIG_DIR", str(tmp_path))
    app = app_over([])
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.jobs is not None and app.job is None)
        app.action_settings()
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen) and app.screen.query(Choices))
        names = [one.name for one in settings_now(None)]
        app.screen.query_one(Choices).put(names.index("keys.settings.leave"))
        await pilot.press("enter", "ctrl+u", *"x", "enter")
        await until(
            pilot, lambda: "both settings.leave and settings.reset" in text_of(app.screen.query_one("#page-said"))
        )
        assert app.screen.query_one(Input).display
        await pilot.press("ctrl+u", *"F8, ", "]", "enter")
        await until(pilot, lambda: "F8 back" in text_of(app.screen.query_one("#page-keys")))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: len(app.screen_stack) == 1)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120])
async def test_the_line_of_keys_shows_as_many_as_fit_and_always_the_one_for_all(width: int):
    app = app_over(WORK, prompt="fix it")
    async with app.run_test(size=(width, 24)) as pilot:
        await reviewing(pilot)
        row = text_of(app.query_one(Keys))
        assert "? " in row
        assert "y accept" in row or width < 40
        if width >= 80:
            assert all(f" {keys} " in row for keys in ("e edit", "s split", "Space mark", "L land"))


async def test_a_review_of_nothing_offers_no_key_that_decides():
    app = app_over((), prompt="go", changes=())
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: app.query(Diff) and app.job is None)
        app.action_toggle_review()
        await until(pilot, lambda: "back" in text_of(app.query_one(Keys)))
        assert text_of(app.query_one(Keys)).split() == ["Esc", "back", "?", "all", "keys"]
        session_of(app).changes = CHANGES
        app.command("/review")
        await until(pilot, lambda: "y accept" in text_of(app.query_one(Keys)))


def test_the_page_of_keys_has_room_in_a_narrow_window():
    for width in (30, 60, 90):
        page = Page(USUAL, (("/help", "all keys"),))
        assert all(len(row.text.rstrip()) <= width for row in page.lines(width))
