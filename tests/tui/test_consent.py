"""The consent card: all of the question, keys that count only once it could be read, and it goes when the question goes."""

import asyncio
from itertools import chain

import pytest
from msgspec.structs import replace
from textual.widgets import Input

from assent_core.consent.gate import Answer
from assent_core.events import Decided, Explained
from assent_core.proposals import Shell, Spend
from assent_tui.consent.asked import Opinions, blocks_of, pinned
from assent_tui.consent.asking import ScreenAsker
from assent_tui.consent.card import ConsentCard
from assent_tui.paint.guard import Guard
from assent_tui.prompt.box import Prompt
from screen import QUESTION, WORK, app_over, ask, reviewing, said, session_of, text_of, until


def card_of(app) -> ConsentCard:
    return app.query_one(ConsentCard)


def shown_of(question, width: int, explained: str = "") -> str:
    blocks = blocks_of(question, Opinions(scout=explained), effects=False)
    return "\n".join(
        row.text for row in (*chain(*(block.lines(width) for block in blocks)), *pinned(question, width, 99)[0])
    )


async def armed(pilot) -> ConsentCard:
    await until(pilot, lambda: pilot.app.query(ConsentCard))
    card = card_of(pilot.app)
    await until(pilot, lambda: card.has_focus)
    return card


def test_keys_count_after_the_card_was_seen_and_the_keyboard_was_quiet():
    now = [0.0]
    guard = Guard(lambda: now[0])
    guard.shut()
    assert not guard.open
    now[0] = 0.3
    guard.pressed()
    now[0] = 0.45
    assert not guard.open
    now[0] = 0.56
    assert guard.open
    guard.pressed()
    assert guard.open
    guard.shut()
    assert not guard.open


def test_the_card_shows_everything_that_it_asks_about():
    shown = shown_of(QUESTION, 60)
    assert "$ pip install 'requests>=2' && python -m pytest -q" in shown
    assert "behind the walls" in shown
    assert "opens the network to this command" in shown
    assert "a reach into the network asks (built-in rule)" in shown
    assert "“the tests need requests”" in shown


def test_a_command_is_shown_whole_and_cannot_steer_the_terminal():
    command = "echo \x1b[2K\x1b]0;title\x07 [red]x[/red] \u202eevil\u202c\n" * 3 + "x" * 500
    shown = shown_of(replace(QUESTION, proposal=Shell(command=command)), 60).split("\n")
    assert all(row.isprintable() for row in shown)
    assert sum(row.count("x") for row in shown) >= 500
    assert "[red]" in "".join(shown)


def test_without_walls_the_card_says_so_in_words():
    shown = shown_of(replace(QUESTION, tier="unconfined"), 70)
    assert "WITHOUT WALLS" in shown


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("y", Answer(yes=True)),
        ("t enter", Answer(yes=True, scope="task")),
        ("s enter", Answer(yes=True, scope="session")),
        ("n", Answer(yes=False)),
    ],
)
async def test_each_key_is_an_answer(key: str, answer: Answer):
    app = app_over([ask], prompt="go")
    async with app.run_test(size=(80, 24)) as pilot:
        card = await armed(pilot)
        await pilot.press(*key.split())
        await until(pilot, lambda: not card.display)
        await until(pilot, lambda: ("REFUSED" in said(app)) != answer.yes and "by you" in said(app))
        assert (", for this task" in said(app), ", this session" in said(app)) == (
            answer.scope == "task",
            answer.scope == "session",
        )


async def test_a_scope_that_is_not_offered_has_no_key():
    app = app_over([ask], prompt="go")
    async with app.run_test(size=(80, 24)) as pilot:
        card = await armed(pilot)
        await pilot.press("p", "x", "enter")
        assert card.display
        assert "project" not in text_of(app.query_one("#consent-answers"))


async def test_a_no_with_its_reason_is_told():
    app = app_over([ask], prompt="go")
    async with app.run_test(size=(80, 24)) as pilot:
        card = await armed(pilot)
        await pilot.press("r")
        await pilot.press(*"y: use what is there", "enter")
        await until(pilot, lambda: not card.display)
        await until(pilot, lambda: "by you: y: use what is there" in said(app))


async def test_escape_leaves_the_reason_and_then_stops_the_turn():
    app = app_over([ask], prompt="go")
    async with app.run_test(size=(80, 24)) as pilot:
        card = await armed(pilot)
        await pilot.press("r", "escape")
        await until(pilot, lambda: not card.query(Input))
        assert card.display
        await pilot.press("escape")
        await until(pilot, lambda: not card.display and "Stopped" in said(app))
        assert session_of(app).interrupted == 1


async def test_keys_that_were_being_typed_go_to_the_prompt_and_answer_nothing():
    app, now = app_over([ask], prompt="go"), [0.0]
    app._card_guard = Guard(lambda: now[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.query(ConsentCard))
        card = card_of(app)
        prompt = app.query_one(Prompt)
        await pilot.press("y")
        await until(pilot, lambda: card.display)
        for _ in range(10):
            now[0] += 0.2
            await pilot.press("y")
            assert card.display
            assert not card.has_focus
        assert prompt.text == "y" * 11
        now[0] += 2
        await until(pilot, lambda: card.has_focus)
        await pilot.press("n")
        await until(pilot, lambda: "REFUSED" in said(app))
        assert prompt.text == "y" * 11


async def test_a_question_that_is_cancelled_takes_its_card_away():
    posted: list[object] = []
    asker = ScreenAsker(posted.append)
    task = asyncio.create_task(asker.ask(QUESTION))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [type(message).__name__ for message in posted] == ["Asking", "AskingOver"]


async def test_a_second_question_waits_for_the_first():
    posted: list = []
    asker = ScreenAsker(posted.append)
    first = asyncio.create_task(asker.ask(QUESTION))
    second = asyncio.create_task(asker.ask(replace(QUESTION, id="q2")))
    await asyncio.sleep(0)
    assert [message.question.id for message in posted] == ["q1"]
    posted[0].future.set_result(Answer(yes=True))
    assert await first == Answer(yes=True)
    await asyncio.sleep(0)
    assert posted[-1].question.id == "q2"
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second


async def test_a_command_longer_than_the_card_scrolls_and_says_how_much_is_below():
    command = "\n".join(f"echo step {number}" for number in range(60))

    async def long(session):
        answer = await session.asker.ask(replace(QUESTION, proposal=Shell(command=command)))
        yield Decided(id="q", allowed=answer.yes, by="user", why="")

    app = app_over([long], prompt="go")
    async with app.run_test(size=(80, 24)) as pilot:
        card = await armed(pilot)
        answers = app.query_one("#consent-answers")
        assert "more rows" in text_of(answers)
        assert "y yes, once" in text_of(answers)
        for _ in range(20):
            await pilot.press("pagedown")
        await until(pilot, lambda: "more rows" not in text_of(answers))
        assert "built-in rule" in text_of(app.query_one("#consent-body"))
        assert card.region.y > 2


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_card_stands_beside_the_review_and_not_over_it(size: tuple[int, int]):
    app = app_over([ask], prompt="go")
    async with app.run_test(size=size) as pilot:
        card = await armed(pilot)
        app.action_toggle_review()
        await pilot.pause()
        assert app.pane.region.height >= 4
        assert app.pane.region.bottom <= card.region.y


def test_a_line_of_a_megabyte_is_whole_and_lies_in_pieces():
    blocks = blocks_of(
        replace(QUESTION, proposal=Shell(command="echo " + "x" * 1_000_000 + " END")), Opinions(), effects=False
    )
    shown = [row.text for block in blocks[:-1] for row in block.lines(70)]
    assert sum(row.count("x") for row in shown) == 1_000_000
    assert shown[-1].endswith("END")
    assert max(len(block.lines(70)) for block in blocks) < 100


def test_colours_in_a_command_are_shown_and_not_dropped():
    assert "␛[31mred" in shown_of(replace(QUESTION, proposal=Shell(command="echo \x1b[31mred")), 60)


def test_marks_say_what_a_command_does_as_a_person_would_and_the_scout_is_named_as_an_opinion():
    marks = ("deletes or overwrites (rm)", "feeds text into an interpreter (sh)")
    shown = shown_of(replace(QUESTION, marks=marks), 70, "It deletes \x1b[2Kall.")
    assert "command  deletes or overwrites (rm)\n         feeds text into an interpreter (sh)" in shown
    assert "scout    It deletes ␛[2Kall. (an opinion; it decides nothing)" in shown


def test_a_budget_is_asked_about_without_a_place_where_it_runs():
    spend = replace(QUESTION, proposal=Spend(text="The budget is used up."), reach=(), effects=("spend $1 more",))
    shown = shown_of(spend, 70)
    assert shown.startswith("The budget is used up.")
    assert "a yes    spend $1 more" in shown
    assert "runs" not in shown


async def test_what_scout_and_reviewer_say_joins_the_open_card_and_no_other_and_answers_nothing():
    async def explained(session):
        yield Explained(id="other", sentence="wrong")
        task = asyncio.create_task(session.asker.ask(QUESTION))
        while not card_of(app).question:
            await asyncio.sleep(0.01)
        yield Explained(id=QUESTION.id, sentence="It downloads a package.")
        yield Explained(id=QUESTION.id, sentence="Nobody asked for that.", by="reviewer", concern="serious")
        answer = await task
        yield Decided(id="q", allowed=answer.yes, by="user", why="")

    app = app_over([explained], prompt="go")
    async with app.run_test(size=(100, 40)) as pilot:
        await armed(pilot)
        await until(pilot, lambda: "It downloads a package." in text_of(app.query_one("#consent-body")))
        await until(pilot, lambda: "WARNS: Nobody asked for that." in text_of(app.query_one("#consent-body")))
        assert "It downloads a package." in text_of(app.query_one("#consent-body"))
        assert "wrong" not in text_of(app.query_one("#consent-body"))
        assert card_of(app).question == QUESTION
        await pilot.press("n")
        await until(pilot, lambda: not card_of(app).display)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 20), (40, 17)])
@pytest.mark.parametrize("lines", [1, 300])
async def test_every_answer_the_field_and_the_status_are_in_sight_in_any_window(size: tuple[int, int], lines: int):
    question = replace(QUESTION, proposal=Shell(command="\n".join(f"echo {n}" for n in range(lines))))

    async def asked(session):
        await session.asker.ask(question)
        yield Decided(id=question.id, allowed=False, by="user", why="")

    app = app_over([asked], prompt="go")
    async with app.run_test(size=size) as pilot:
        card = await armed(pilot)
        card.learn(Explained(id=question.id, sentence="It counts."))
        await pilot.pause()
        for _ in range(2):
            answers = card.query_one("#consent-answers")
            shown = " ".join(text_of(answers).split())
            assert "y yes, once" in shown
            assert "n no" in shown
            assert answers.region.bottom <= card.content_region.bottom <= size[1] - 3
            assert app.query_one("#status").region.y == size[1] - 2
            assert card.query_one("#consent-body").size.height >= (2 if size[1] >= 20 else 1)
            assert ("more rows" in shown) == (lines > 1 or size[0] < 80)
            await pilot.press("r")
            await pilot.pause()
        assert card.query_one(Input).region.bottom <= card.content_region.bottom
        await pilot.press("escape", "n")
        await until(pilot, lambda: card.question is None)
        assert app._prompt.display
        assert app._prompt.region.height == 3


@pytest.mark.parametrize(("size", "back"), [((80, 24), "escape"), ((120, 40), "f2"), ((120, 40), "escape")])
async def test_the_diff_is_looked_at_while_something_is_asked_and_the_way_back_answers_nothing(size, back):
    app = app_over(WORK, [ask], prompt="go")
    async with app.run_test(size=size) as pilot:
        await reviewing(pilot)
        await pilot.press("ctrl+r", *"more", "enter")
        await until(pilot, lambda: card_of(app).has_focus)
        await pilot.press("f2")
        assert app.pane.diff.has_focus
        await until(pilot, lambda: app.pane.diff.size.height > 6)
        await pilot.press("down", "y")
        assert [mark.verdict for mark in app.pane.review.marks.values()].count("accepted") == 1
        await pilot.press(back)
        assert card_of(app).has_focus
        assert card_of(app).question is not None
        app.chat.focus()
        await pilot.press("escape")
        assert card_of(app).has_focus
        await pilot.press("y")
        await until(pilot, lambda: "by you" in said(app) and app.job is None)
