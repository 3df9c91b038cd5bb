"""Pictures of the prompt, the chat and the consent card, in both sizes and both themes."""

import pytest
from msgspec.structs import replace

from assent_core.events import Explained, Said
from assent_core.proposals import Shell
from assent_tui.consent.card import ConsentCard
from assent_tui.prompt.box import Prompt
from assent_tui.screen.pages import Look
from screen import QUESTION, WORK, app_over, ask, said, until

SIZES = [(80, 24), (120, 40)]
THEMES = ["dark", "light"]
ASKED = replace(QUESTION, id="q", marks=("runs pip, python", "may use the network (pip install)"))


async def whole(session):
    async for event in ask(session):
        yield event


async def long(session):
    await session.asker.ask(replace(ASKED, proposal=Shell(command="echo " + "x" * 1_000_000)))
    yield Said(text="never")


async def armed(pilot):
    await until(pilot, lambda: pilot.app.query(ConsentCard) and pilot.app.query_one(ConsentCard).has_focus)


async def idle(pilot):
    await until(pilot, lambda: "done" in said(pilot.app) and pilot.app.job is None)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES)
def test_a_question_with_the_scouts_sentence_looks_as_it_did(snap_compare, size, theme):
    async def asked(pilot):
        await armed(pilot)
        pilot.app.query_one(ConsentCard).learn(Explained(id=QUESTION.id, sentence="It downloads a package."))

    app = app_over((*WORK[:13], whole), prompt="fix it", look=Look(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=asked)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES)
def test_a_question_about_a_megabyte_looks_as_it_did(snap_compare, size, theme):
    assert snap_compare(app_over([long], prompt="go", look=Look(theme=theme)), terminal_size=size, run_before=armed)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("written", ["/c", "look at @ca"], ids=["command", "file"])
def test_suggestions_look_as_they_did(snap_compare, size, theme, written):
    async def suggested(pilot):
        await idle(pilot)
        await pilot.press(*written)
        await until(pilot, lambda: pilot.app.query_one(Prompt).suggestions.chosen)

    app = app_over(WORK, prompt="fix it", changes=(), look=Look(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=suggested)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES)
def test_a_chosen_entry_looks_as_it_did(snap_compare, size, theme):
    async def chosen(pilot):
        await idle(pilot)
        pilot.app.chat.focus()
        await pilot.press("k", "k", "k", "k", "enter")

    app = app_over(WORK, prompt="fix it", changes=(), look=Look(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=chosen)
