"""What is typed ahead: each key goes where it would have gone if it had come late, and none is lost."""

import asyncio
from itertools import count
from pathlib import Path

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input

from assent_core.events import Prompted
from assent_core.memory import sessions
from assent_core.memory.record import Record
from assent_tui.chat.pane import Chat
from assent_tui.consent.card import ConsentCard
from assent_tui.pages.sessions import SessionsScreen
from assent_tui.paint.choices import Choices
from assent_tui.paint.guard import Guard
from assent_tui.prompt.box import Prompt
from assent_tui.review.diff import Diff
from assent_tui.review.editor import HunkEditor
from assent_tui.screen.app import AssentApp
from assent_tui.screen.keyline import Keys
from assent_tui.screen.pages import Place
from assent_tui.screen.typed import Typing
from screen import WORK, app_over, ask, reviewing, said, session_of, text_of, until

ENTER = "\r"
NAMES = {"\x01": "ctrl+a", "\x0b": "ctrl+k", "\x12": "ctrl+r", ENTER: "enter", "/": "slash", " ": "space"}


def type_at_once(app: App[object], text: str) -> None:
    """All keys are there before the first of them is looked at."""
    for character in text:
        app.post_message(events.Key(NAMES.get(character, character), character))


def type_by_hand(app: App[object], text: str) -> None:
    """The same, but the keys were pressed one after the other."""
    for at, character in enumerate(text):
        key = events.Key(NAMES.get(character, character), character)
        key.time += at
        app.post_message(key)


async def reviewed(pilot) -> AssentApp:
    app = await reviewing(pilot)
    app.pane.focus_diff()
    return app


async def test_a_reason_typed_ahead_of_its_field_is_the_reason_and_decides_nothing_else():
    async with app_over(WORK, prompt="go").run_test(size=(120, 40)) as pilot:
        app = await reviewed(pilot)
        first = app.pane.diff.place.hunk
        type_by_hand(app, "rnyaLA" + ENTER)
        await until(pilot, lambda: app.pane.review.mark(first).reason)
        assert app.pane.review.mark(first).reason == "nyaLA"
        assert [mark.verdict for mark in app.pane.review.marks.values() if mark.verdict != "undecided"] == ["rejected"]
        assert session_of(app).landed == []


async def test_several_fields_in_one_burst_each_get_their_own():
    async with app_over(WORK, prompt="go").run_test(size=(120, 40)) as pilot:
        app = await reviewed(pilot)
        first = app.pane.diff.place.hunk
        type_by_hand(app, "cfirst words" + ENTER + "r" + "a reason" + ENTER + "/total" + ENTER)
        await until(pilot, lambda: app.pane.diff.look.query)
        assert app.pane.diff.look.query == "total"
        mark = app.pane.review.mark(first)
        assert (mark.comment, mark.verdict, mark.reason) == ("first words", "rejected", "a reason")


async def test_what_is_typed_behind_the_key_that_leaves_the_review_is_written_into_the_prompt():
    async with app_over(WORK, prompt="go").run_test(size=(120, 40)) as pilot:
        app = await reviewed(pilot)
        type_at_once(app, "\x12yna again")
        await until(pilot, lambda: len(app.query_one(Prompt).text) == 9)
        assert app.query_one(Prompt).text == "yna again"
        assert all(mark.verdict == "undecided" for mark in app.pane.review.marks.values())


async def test_an_edit_typed_ahead_of_its_box_is_in_it():
    async with app_over(WORK, prompt="go").run_test(size=(120, 40)) as pilot:
        app = await reviewed(pilot)
        type_by_hand(app, "eyna")
        await until(pilot, lambda: app.query(HunkEditor) and "yna" in app.query_one(HunkEditor).text)
        assert app.query_one(HunkEditor).text.startswith("yna")


async def test_a_name_typed_in_one_burst_is_the_name(tmp_path: Path):
    record = Record(sessions.record_path(tmp_path, "a"), "a", Path("/home/me/shop"), str)
    record.append(Prompted(turn=1, text="repair the cart"))
    record.close()
    app = app_over(changes=(), place=Place(root=Path("/home/me/shop"), state=tmp_path))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.job is None and app.jobs is not None)
        app.action_sessions()
        await until(pilot, lambda: app.screen.query(Choices) and "repair" in text_of(app.screen.query_one(Choices)))
        type_at_once(app, "rold" + ENTER)
        await until(pilot, lambda: sessions.sessions(tmp_path)[0].title == "old")
        await until(pilot, lambda: "old" in text_of(app.screen.query_one(Choices)))
        type_at_once(app, "r\x01\x0bdad and adda" + ENTER)
        await until(pilot, lambda: sessions.sessions(tmp_path)[0].title != "old")
        assert sessions.sessions(tmp_path)[0].title == "dad and adda"
        assert isinstance(app.screen, SessionsScreen)


async def test_a_reason_for_a_refusal_is_typed_ahead_of_its_field():
    async with app_over([ask], prompt="go").run_test(size=(120, 40)) as pilot:
        app = pilot.app
        assert isinstance(app, AssentApp)
        await until(pilot, lambda: app.query(ConsentCard) and app.query_one(ConsentCard).has_focus)
        type_by_hand(app, "rynot tonight" + ENTER)
        await until(pilot, lambda: "by you: ynot tonight" in said(app) and app.job is None)
        assert app.query_one(Prompt).has_focus


class Alone(Typing[None]):
    def compose(self) -> ComposeResult:
        yield Input()


async def test_somebody_who_does_not_answer_holds_up_no_key_for_long(monkeypatch):
    monkeypatch.setattr("assent_tui.screen.typed._PATIENCE", 0.05)
    app, over = Alone(), asyncio.Event()
    async with app.run_test() as pilot:
        app.screen.call_next(over.wait)
        type_at_once(app, ENTER + "all" + ENTER + "of it")
        async with asyncio.timeout(60):
            while app.query_one(Input).value != "allof it":
                await asyncio.sleep(0.01)
        over.set()
        await pilot.pause()


class Timed(Typing[None]):
    def compose(self) -> ComposeResult:
        yield Chat()
        yield Diff()
        yield Keys()
        yield Prompt()
        yield ConsentCard(Guard(), writing=bool, away=bool)


@pytest.mark.parametrize("kind", [Timed, Chat, Diff, Keys, Prompt, ConsentCard])
async def test_what_is_to_happen_later_happens_also_when_the_process_was_put_aside_meanwhile(monkeypatch, kind):
    app, late, happened = Timed(), count(), []
    async with app.run_test() as pilot:
        monkeypatch.setattr("textual._time.get_time", lambda: float(next(late)))
        (app if kind is Timed else app.query_one(kind)).set_timer(0.01, lambda: happened.append(kind))
        await until(pilot, lambda: happened)
