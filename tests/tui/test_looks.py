"""Pictures of the screen in each of its states, each in both sizes and both themes."""

from collections import deque
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from assent_core.errors import KeyMissing
from assent_core.events import Explained, Said, Texted
from assent_core.proposals import Shell
from assent_core.roles.inquiry import Sent
from assent_tui.consent.card import ConsentCard
from assent_tui.paint.page import PageScreen
from assent_tui.prompt.box import Prompt
from assent_tui.screen.pages import Look
from screen import QUESTION, WORK, app_over, ask, reviewing, said, session_of, until, wait

pytestmark = [
    pytest.mark.parametrize("theme", ["dark", "light"]),
    pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["small", "large"]),
]
ASKED = replace(QUESTION, id="q", marks=("runs pip, python", "may use the network (pip install)"))
ASIDE = Sent(
    name="scout_title", model="gpt-5.4-nano", instructions="Name it.", text="fix [b]it[/b]", answer='{"title":""}'
)


async def whole(session):
    async for event in ask(session):
        yield event


async def long(session):
    await session.asker.ask(replace(ASKED, proposal=Shell(command="echo " + "x" * 1_000_000)))
    yield Said(text="never")


async def opened(pilot):
    await until(pilot, lambda: pilot.app.job is None and pilot.app.jobs is not None)


async def armed(pilot):
    await until(pilot, lambda: pilot.app.query(ConsentCard) and pilot.app.query_one(ConsentCard).has_focus)


async def idle(pilot):
    await until(pilot, lambda: "done" in said(pilot.app) and pilot.app.job is None)


async def paged(pilot):
    await until(pilot, lambda: isinstance(pilot.app.screen, PageScreen))


def test_the_start_looks_as_it_did(snap_compare, size, theme):
    assert snap_compare(app_over(changes=(), look=Look(theme=theme)), terminal_size=size, run_before=opened)


def test_a_streaming_turn_looks_as_it_did(snap_compare, size, theme):
    async def streaming(pilot):
        await until(pilot, lambda: "quantity" in said(pilot.app))

    turn = (*WORK[:12], Texted(delta="The total ignores the **quan"), Texted(delta="tity** of each `Item`"), wait)
    app = app_over(turn, prompt="fix the failing test", look=Look(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=streaming)


def test_an_error_looks_as_it_did(snap_compare, size, theme):
    async def failed(pilot):
        await until(pilot, lambda: "no API key" in said(pilot.app))

    error = KeyMissing("There is no API key.", "Set OPENAI_API_KEY, or run `assent key set`; `assent demo` needs none.")
    assert snap_compare(app_over(error=error, look=Look(theme=theme)), terminal_size=size, run_before=failed)


@pytest.mark.parametrize("plain", [False, True], ids=["drawn", "plain"])
def test_a_review_with_decisions_looks_as_it_did(snap_compare, size, theme, plain):
    async def decided(pilot):
        await reviewing(pilot)
        await pilot.press("y", "r", *"keep it simple", "enter")

    app = app_over(WORK, prompt="fix the failing test", look=Look(theme=theme, plain=plain))
    assert snap_compare(app, terminal_size=size, run_before=decided)


def test_a_question_with_the_scouts_sentence_looks_as_it_did(snap_compare, size, theme):
    async def asked(pilot):
        await armed(pilot)
        pilot.app.query_one(ConsentCard).learn(Explained(id=QUESTION.id, sentence="It downloads a package."))

    app = app_over((*WORK[:13], whole), prompt="fix it", look=Look(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=asked)


def test_a_question_about_a_megabyte_looks_as_it_did(snap_compare, size, theme):
    assert snap_compare(app_over([long], prompt="go", look=Look(theme=theme)), terminal_size=size, run_before=armed)


@pytest.mark.parametrize("written", ["/c", "look at @ca"], ids=["command", "file"])
def test_suggestions_look_as_they_did(snap_compare, size, theme, written):
    async def suggested(pilot):
        await idle(pilot)
        await pilot.press(*written)
        await until(pilot, lambda: pilot.app.query_one(Prompt).suggestions.chosen)

    app = app_over(WORK, prompt="fix it", changes=(), look=Look(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=suggested)


def test_a_chosen_entry_looks_as_it_did(snap_compare, size, theme):
    async def chosen(pilot):
        await idle(pilot)
        pilot.app.chat.focus()
        await pilot.press("k", "k", "k", "k", "enter")

    app = app_over(WORK, prompt="fix it", changes=(), look=Look(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=chosen)


def test_the_raw_output_looks_as_it_did(snap_compare, size, theme):
    async def shown(pilot):
        await idle(pilot)
        pilot.app.chat.focus()
        await pilot.press("o")
        await paged(pilot)

    app = app_over(WORK, prompt="fix it", changes=(), look=Look(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=shown)


def test_what_was_sent_beside_the_turns_looks_as_it_did(snap_compare, size, theme):
    async def shown(pilot):
        await opened(pilot)
        session_of(pilot.app).scout = SimpleNamespace(on=True, sent=deque([ASIDE]))
        pilot.app.command("/scout")
        await paged(pilot)

    assert snap_compare(app_over(changes=(), look=Look(theme=theme)), terminal_size=size, run_before=shown)
