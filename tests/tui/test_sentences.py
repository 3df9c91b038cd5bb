"""What is typed as text is text: it goes to the prompt whole, and grants, lands and decides nothing."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from textual import events

from assent_core.assembly import open_session
from assent_core.events import Decided, Said
from assent_core.proposals import Shell
from assent_core.rehearsal import Rehearsal
from assent_core.settings import Settings
from assent_sandbox.policy import Widening
from assent_tui.consent.card import ConsentCard
from assent_tui.prompt.box import Prompt
from assent_tui.screen import intent
from assent_tui.screen.app import AssentApp
from rehearsed import TWELVE_SCRIPT, four_files, of_worker
from screen import QUESTION, WORK, app_over, ask, reviewing, said, session_of, text_of, until

HAND = 0.15
"""Seconds between two letters of somebody who types."""
NAMES = {
    " ": "space",
    "/": "slash",
    ",": "comma",
    ".": "full_stop",
    "?": "question_mark",
    "\r": "enter",
    "]": "right_square_bracket",
}


@pytest.fixture(autouse=True)
def _pace(monkeypatch: pytest.MonkeyPatch, _deliberate: None) -> None:
    monkeypatch.setattr(intent.Intent, "pace", property(lambda _: 0.3, lambda *_: None))


def typed(app: AssentApp, text: str, gap: float = HAND, after: float = 10.0) -> None:
    """Keys that a hand presses some time after whatever came before, or that come at once without a gap."""
    for at, character in enumerate(text):
        key = events.Key(NAMES.get(character, character), character)
        app.clock = max(getattr(app, "clock", key.time) + (gap if at else after), key.time)
        key.time = app.clock
        app.post_message(key)


async def asked(pilot) -> ConsentCard:
    await until(pilot, lambda: pilot.app.query(ConsentCard) and pilot.app.query_one(ConsentCard).has_focus)
    card = pilot.app.query_one(ConsentCard)
    await until(pilot, lambda: card._reading.whole)
    return card


def undecided(app: AssentApp) -> bool:
    return not app.pane.review.marks and not session_of(app).landed


SENTENCES = ("please wait, why pypi?", "yes but only from the mirror", "no, use the cache", "try it without", "so?")


@pytest.mark.parametrize("sentence", SENTENCES)
async def test_a_sentence_typed_while_a_card_is_up_grants_nothing(sentence: str):
    question = replace(QUESTION, scopes=(*QUESTION.scopes, ("project", "for 30 days: use the network")))

    async def ask_for_all(session):
        answer = await session.asker.ask(question)
        yield Decided(id="q", allowed=answer.yes, by="user", why="", scope=answer.scope)

    app = app_over([ask_for_all], prompt="go")
    async with app.run_test(size=(100, 40)) as pilot:
        card = await asked(pilot)
        typed(app, sentence)
        await until(pilot, lambda: app.query_one(Prompt).text == sentence)
        assert card.question is not None
        assert app.query_one(Prompt).has_focus
        typed(app, "\r")
        await until(pilot, lambda: app._queue == [sentence])
        await until(pilot, lambda: card.has_focus)
        assert card.question is not None


@pytest.mark.parametrize(
    "sentence",
    ["All good. Land it", "ALL good, thanks", "let us land", "remove the test", "ok", "very nice", "undo that"],
)
async def test_a_sentence_typed_in_the_review_decides_nothing_and_is_sent(sentence: str):
    app = app_over(WORK, [Said(text="I see.")], prompt="go")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        typed(app, f"{sentence}\r")
        await until(pilot, lambda: "I see." in said(app))
        assert session_of(app).asked == ["go", sentence]
        assert undecided(app)
        assert session_of(app).verified == []


async def test_a_turn_that_ends_leaves_the_keys_in_the_prompt_and_says_the_way_to_the_review():
    app = app_over(WORK, prompt="go")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(
            pilot, lambda: app.query("#review-said") and "F2 moves here" in text_of(app.query_one("#review-said"))
        )
        assert app.query_one(Prompt).has_focus
        typed(app, "All good. Land it")
        await until(pilot, lambda: app.query_one(Prompt).text == "All good. Land it")
        assert undecided(app)
        await pilot.press("f2")
        assert "moves here" not in text_of(app.query_one("#review-said"))


async def test_after_a_landing_was_taken_back_the_next_prompt_is_a_prompt():
    app = app_over(WORK, [], prompt="go")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.query("#review") and app.pane.review.files and app.job is None)
        typed(app, "/undo\r")
        await until(pilot, lambda: "taken back" in said(app) and app.job is None)
        typed(app, "really?\r")
        await until(pilot, lambda: session_of(app).asked == ["go", "really?"])
        assert undecided(app)


async def test_single_keys_with_time_between_them_decide():
    app = app_over(WORK, prompt="go")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        typed(app, "yn", gap=0.5)
        await until(pilot, lambda: len(app.pane.review.marks) == 2)
        assert [mark.verdict for mark in app.pane.review.marks.values()] == ["accepted", "rejected"]
        assert app.query_one(Prompt).text == ""


async def test_a_key_pressed_again_and_again_stays_a_key():
    app = app_over(WORK, prompt="go")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        typed(app, "yyy", gap=0.1)
        await until(pilot, lambda: len(app.pane.review.accepted) == 3)
        typed(app, "jjjjkkkk]y", gap=0.03)
        await until(pilot, lambda: not app._typed)
        assert app.query_one(Prompt).text == ""


@pytest.mark.parametrize("bracketed", [True, False])
@pytest.mark.parametrize(("turn", "ready"), [(WORK, reviewing), ([ask], asked)])
async def test_a_paste_into_the_review_or_onto_a_card_stands_in_the_prompt(bracketed: bool, turn, ready):
    text = "Land it\nALL y\nyes"
    app = app_over(turn, prompt="go")
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        if bracketed:
            app.post_message(events.Paste(text))
        else:
            typed(app, text.replace("\n", "\r"), gap=0.0)
        await until(pilot, lambda: app.query_one(Prompt).text == text)
        assert undecided(app)
        assert session_of(app).asked == ["go"]


@pytest.mark.parametrize("character", ["é", "/", "ü", "日", "1"])
async def test_a_letter_that_means_nothing_on_the_card_is_the_beginning_of_a_text(character: str):
    app = app_over([ask], prompt="go")
    async with app.run_test(size=(100, 40)) as pilot:
        card = await asked(pilot)
        typed(app, character)
        await until(pilot, lambda: app.query_one(Prompt).text == character)
        assert card.question is not None
        await pilot.press(*["escape"] * (2 if character == "/" else 1))
        assert card.has_focus


async def test_a_lone_yes_counts_after_a_moment_in_which_nothing_else_is_typed():
    app = app_over([ask], prompt="go")
    async with app.run_test(size=(100, 40)) as pilot:
        card = await asked(pilot)
        held: list = []
        app._intent._later = lambda seconds, act: held.append(act)
        typed(app, "y")
        await until(pilot, lambda: "in a moment" in text_of(app.query_one("#consent-answers")))
        assert card.question is not None
        held[-1]()
        await until(pilot, lambda: card.question is None)
        await until(pilot, lambda: "allowed" in said(app) or "by you" in said(app))


async def test_a_broad_yes_is_marked_with_its_scope_and_given_by_a_second_key():
    app = app_over([ask], prompt="go")
    async with app.run_test(size=(100, 40)) as pilot:
        card = await asked(pilot)
        typed(app, "s")
        await until(pilot, lambda: "Enter gives it" in text_of(app.query_one("#consent-answers")))
        assert "▸ s yes, for this session, at most 12 hours: use the network" in text_of(
            app.query_one("#consent-answers")
        )
        await pilot.press("down", "enter")
        assert card.question is not None, "another key came between"
        typed(app, "s")
        await until(pilot, lambda: card._state.marked == "session")
        await pilot.press("enter")
        await until(pilot, lambda: ", this session" in said(app))


LONG = "\n".join(f"echo {number}" for number in range(42))


async def test_a_yes_counts_once_all_of_a_command_was_on_the_screen_and_what_it_reaches_stays_in_sight():
    question = replace(
        QUESTION, proposal=Shell(command=LONG), reach=(Widening("unconfined"),), effects=("runs without walls",)
    )

    async def ask_long(session):
        answer = await session.asker.ask(question)
        yield Decided(id="q", allowed=answer.yes, by="user", why="")

    app = app_over([ask_long], prompt="go")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.query(ConsentCard) and app.query_one(ConsentCard).has_focus)
        card = app.query_one(ConsentCard)
        assert "without walls" in card.border_title
        await until(pilot, lambda: "WITHOUT WALLS" in text_of(app.query_one("#consent-reach")))
        typed(app, "y")
        await pilot.press("end", "down")
        assert card.question is not None, "its middle was never on the screen"
        await pilot.press("home")
        while not card._reading.whole:
            reach = " ".join(text_of(app.query_one("#consent-reach")).split())
            assert "WITHOUT WALLS" in reach
            assert "runs without walls" in reach
            assert "behind" not in reach
            assert "then a yes counts" in text_of(app.query_one("#consent-answers"))
            await pilot.press("pagedown")
        typed(app, "y")
        await pilot.press("down")
        await until(pilot, lambda: card.question is None)


async def test_what_is_decided_is_on_the_screen():
    app = app_over(WORK, prompt="go")
    async with app.run_test(size=(80, 24)) as pilot:
        await reviewing(pilot)
        diff = app.pane.diff
        first = diff.place
        await pilot.press("end")
        assert diff.in_sight
        assert diff.place != first, "the cursor went along"
        await pilot.press("home")
        assert diff.in_sight
        target = diff.place.hunk
        diff.pinned = True
        await pilot.press("end")
        diff.pinned = False
        assert not diff.in_sight
        await pilot.press("y")
        assert undecided(app)
        assert diff.in_sight
        await pilot.press("y")
        assert app.pane.review.accepted == (target,)


async def test_a_hunk_stays_in_sight_when_the_window_changes():
    app = app_over(WORK, prompt="go")
    async with app.run_test(size=(140, 50)) as pilot:
        await reviewing(pilot)
        await pilot.press("j", "j")
        for size in ((80, 24), (60, 18), (200, 20), (90, 30)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: app.pane.diff.in_sight)


async def test_a_reason_goes_to_the_hunk_that_was_shown_when_it_was_begun():
    app = app_over(WORK, prompt="go")
    async with app.run_test(size=(80, 24)) as pilot:
        await reviewing(pilot)
        hunk = app.pane.diff.place.hunk
        typed(app, "r")
        await until(pilot, lambda: app.pane.field.taken)
        app.pane.diff.scroll_end(animate=False)
        typed(app, "no\r")
        await until(pilot, lambda: app.pane.review.mark(hunk).reason == "no")
        assert "it goes with your next prompt; Enter sends it now" in text_of(app.query_one("#review-said"))
        assert "reasons not sent" in text_of(app.query_one("#review-head"))


async def test_reasons_are_sent_by_a_key_without_another_prompt():
    app = app_over(WORK, [Said(text="I see.")], prompt="go")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        typed(app, "r")
        typed(app, "too loud\r")
        typed(app, "\r")
        await until(pilot, lambda: "I see." in said(app) and app.job is None)
        assert "too loud" in session_of(app).notes[0]
        assert "Go on from what I decided" in session_of(app).asked[1]
        await until(pilot, lambda: "not sent" not in text_of(app.query_one("#review-head")))


async def test_a_card_does_not_take_the_keys_from_a_review():
    app = app_over(WORK, [ask], prompt="go")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        await pilot.press("escape", *"more", "enter", "f2")
        card = app.query_one(ConsentCard)
        await until(pilot, lambda: card.question is not None and card._state.armed)
        assert app.pane.diff.has_focus
        typed(app, "y")
        await until(pilot, lambda: app.pane.review.accepted)
        assert card.question is not None
        await pilot.press("escape")
        assert card.has_focus


async def test_ctrl_d_quits_from_an_empty_prompt_and_deletes_in_a_full_one():
    app = app_over(prompt="")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.jobs is not None and app.job is None)
        await pilot.press("a", "b", "left", "ctrl+d")
        assert app.query_one(Prompt).text == "a"
        await pilot.press("backspace", "ctrl+underscore")
        assert app.query_one(Prompt).text != ""
        await pilot.press("ctrl+c", "ctrl+d")
        await until(pilot, lambda: not app.is_running or app._exit)


async def test_tab_goes_from_the_prompt_to_the_review_that_is_shown_and_on():
    app = app_over(WORK, prompt="go")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.query("#review") and app._panes.shown and app.job is None)
        await pilot.press("tab")
        assert app.pane.diff.has_focus
        await pilot.press("tab")
        assert app.query_one(Prompt).has_focus
        await pilot.press("escape", "tab")
        assert app.focused is app.chat


async def test_decisions_reasons_and_comments_outlive_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-not-a-real-key-0123456789")
    repository = four_files(tmp_path / "repository")
    async with Rehearsal.from_text(TWELVE_SCRIPT) as rehearsal:
        settings = Settings(base_url=rehearsal.url, state=str(tmp_path / "state"), scouting=False)
        first = AssentApp(lambda asker: open_session(repository, settings, asker), "change the rows")
        async with first.run_test(size=(120, 40)) as pilot:
            await reviewing(pilot)
            for keys in ("y", "n", "r", "too loud\r", "c", "look here\r", "s"):
                typed(first, keys)
            await until(pilot, lambda: any(mark.comment for mark in first.pane.review.marks.values()))
            decided = first.pane.review.marks
        assert first.jobs is not None
        id = first.jobs.session.opened.session
        await first.jobs.session.close()
        again = AssentApp(lambda asker: open_session(repository, settings, asker, resume=id))
        async with again.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: again.query("#review") and again.pane.review.files and again.job is None)
            assert again.pane.review.marks == decided
            assert {mark.reason for mark in decided.values()} == {"", "too loud"}
            assert "reasons not sent" in " ".join(text_of(again.query_one("#review-head")).split())
            typed(again, "go on\r")
            await until(pilot, lambda: "I see." in said(again) and again.job is None)
            assert "too loud" in str(of_worker(rehearsal)[-1]["input"])
        assert again.jobs is not None
        await again.jobs.session.close()


async def by_paste(pilot):
    pilot.app.post_message(events.Paste("a text"))
    await pilot.pause()
    await pilot.press("ctrl+c", "escape")


async def by_page(pilot):
    await pilot.press("f1", "enter")


async def by_resize(pilot):
    await pilot.resize_terminal(100, 30)


async def by_click(pilot):
    await pilot.click("#review-diff" if pilot.app._card.question is None else "#consent-body")


BETWEEN = (by_paste, by_page, by_resize, by_click)


@pytest.mark.parametrize("between", BETWEEN)
async def test_whatever_comes_between_takes_the_mark_of_a_broad_yes_away(between):
    app = app_over([ask], prompt="go")
    async with app.run_test(size=(100, 40)) as pilot:
        card = await asked(pilot)
        typed(app, "s")
        await until(pilot, lambda: card._state.marked == "session")
        await between(pilot)
        card.focus()
        await pilot.press("enter")
        assert card.question is not None


@pytest.mark.parametrize("between", BETWEEN)
async def test_whatever_comes_between_takes_a_landing_away(between):
    app = app_over(WORK, prompt="go")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        typed(app, "A")
        typed(app, "L")
        await until(pilot, lambda: app.pane._landing is not None)
        await between(pilot)
        app.pane.focus_diff()
        await pilot.press("enter")
        assert session_of(app).landed == []


async def test_a_plain_rejection_is_no_reason_to_ask_the_model():
    app = app_over(WORK, prompt="go")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        typed(app, "n")
        await until(pilot, lambda: app.pane.review.rejected)
        await pilot.press("enter")
        assert "not sent" not in text_of(app.query_one("#review-head"))
        assert session_of(app).asked == ["go"]


async def test_a_reason_that_was_left_is_there_again_and_the_field_keeps_the_keys():
    app = app_over(WORK, prompt="go")
    async with app.run_test(size=(120, 40)) as pilot:
        await reviewing(pilot)
        typed(app, "r")
        typed(app, "too")
        await until(pilot, lambda: app.pane.field.taken and app.focused is not app.pane.diff)
        await pilot.press("f2", "f2")
        assert app.focused is app.query_one("#review-field Input")
        await pilot.press("f2", "tab")
        assert app.focused is app.query_one("#review-field Input")
        await pilot.press("escape")
        assert not app.pane.field.taken
        typed(app, "r")
        await until(pilot, lambda: app.pane.field.taken)
        assert app.query_one("#review-field Input").value == "too"


async def test_in_a_small_window_each_hunk_can_be_decided():
    app = app_over(WORK, prompt="go")
    async with app.run_test(size=(60, 18)) as pilot:
        await reviewing(pilot)
        for _ in range(4):
            typed(app, "n")
            await until(pilot, lambda: not app._typed and not app._hearing)
            await pilot.press("home", "end")
        await pilot.press(*"[[[[")
        for _ in range(8):
            typed(app, "y")
            await until(pilot, lambda: not app._typed and not app._hearing)
            if len(app.pane.review.accepted) < 4:
                assert app.pane.diff.in_sight
        assert not app.pane.review.undecided


async def test_a_yes_before_all_was_read_shows_more_of_it():
    question = replace(QUESTION, proposal=Shell(command=LONG))

    async def ask_long(session):
        await session.asker.ask(question)
        yield Decided(id="q", allowed=True, by="user", why="")

    app = app_over([ask_long], prompt="go")
    async with app.run_test(size=(60, 18)) as pilot:
        await until(pilot, lambda: app.query(ConsentCard) and app.query_one(ConsentCard).has_focus)
        card, presses = app.query_one(ConsentCard), 0
        while card.question is not None:
            assert presses < 60
            typed(app, "y")
            await pilot.press("up")
            await pilot.press("down")
            presses += 1
        assert presses > 5


@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
async def test_an_answer_that_does_not_count_yet_is_taken_back_by_a_second_thought(key: str):
    app = app_over([ask], prompt="go")
    async with app.run_test(size=(100, 40)) as pilot:
        card = await asked(pilot)
        app._intent._later = lambda *_: None
        typed(app, "y")
        await until(pilot, lambda: "in a moment" in text_of(app.query_one("#consent-answers")))
        typed_key = events.Key(key, None)
        typed_key.time = app.clock + 0.2
        app.post_message(typed_key)
        await until(pilot, lambda: card._state.given is None)
        await pilot.press("down")
        assert card.question is not None
        assert app.job is not None
