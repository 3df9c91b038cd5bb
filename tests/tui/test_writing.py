"""What is written is not lost: history, drafts, pictures, and the commands of the prompt."""

from pathlib import Path

import pytest

from assent_core.events import Said
from assent_tui.chat.pane import Chat
from assent_tui.prompt.box import Prompt
from screen import WORK, Notes, app_over, said, session_of, text_of, until, wait


async def ready(pilot) -> None:
    await until(pilot, lambda: pilot.app.jobs is not None and pilot.app.job is None)


async def test_what_earlier_sessions_sent_is_in_the_history(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Notes, "past", ("long ago", "yesterday"))
    app = app_over([Said(text="ok")], changes=())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("up", "up")
        assert app.query_one(Prompt).text == "long ago"
        await pilot.press("enter")
        await until(pilot, lambda: session_of(app).notebook.sent == ["long ago"])


async def test_what_was_not_sent_is_in_the_prompt_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Notes, "unsent", "half a thou")
    app = app_over(changes=())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.query_one(Prompt).text == "half a thou")
        assert "not sent the last time" in said(app)


async def test_what_is_written_and_what_is_queued_is_kept_while_it_is_unsent():
    app = app_over([wait], prompt="go", changes=())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.jobs is not None and session_of(app).asked)
        await pilot.press(*"queued", "enter", *"draft")
        await until(pilot, lambda: session_of(app).notebook.draft == "queued\ndraft")
        await pilot.press("escape")
        await until(pilot, lambda: app.query_one(Prompt).text == "queued\ndraft")


async def test_a_notebook_that_cannot_be_written_is_told_once(monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Notes, "remember", fail)
    monkeypatch.setattr(Notes, "keep", fail)
    app = app_over([Said(text="one")], [Said(text="two")], changes=())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press(*"a", "enter")
        await until(pilot, lambda: "one" in said(app) and app.job is None)
        await pilot.press(*"b", "enter")
        await until(pilot, lambda: "two" in said(app))
        assert said(app).count("No space left") == 1


async def test_a_picture_goes_along_and_one_that_is_not_there_is_said(tmp_path: Path):
    shot = tmp_path / "shot.png"
    shot.write_bytes(b"png")
    app = app_over([Said(text="I see")], changes=())
    async with app.run_test(size=(120, 24)) as pilot:
        await ready(pilot)
        app.query_one(Prompt).take_up(f"look @{shot} and @gone.png")
        await pilot.press("enter")
        await until(pilot, lambda: "I see" in said(app))
        assert session_of(app).images == [(shot,)]
        assert "with shot.png" in said(app)
        assert "there is no such picture: gone.png" in said(app)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/context", "5,000 of 272,000 tokens"),
        ("/compact", "was compacted"),
        ("/cost", "by the prices of"),
        ("/cpoy", "/copy?"),
    ],
)
async def test_commands_answer_in_the_chat(command: str, words: str):
    app = app_over(WORK, prompt="go", changes=())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "done" in said(app) and app.job is None)
        await pilot.press(*command, "enter")
        await until(pilot, lambda: words in said(app))


async def test_an_answer_is_copied_by_command_and_by_key():
    app = app_over(WORK, prompt="go", changes=())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "done" in said(app) and app.job is None)
        app.query_one(Prompt).take_up("/copy code")
        await pilot.press("enter")
        await until(pilot, lambda: app.clipboard.startswith("def total(self)"))
        await until(pilot, lambda: "Copied the last block of code" in text_of(app.query_one("#keys")))
        app.query_one(Chat).focus()
        await pilot.press("k", "k", "y")
        await until(pilot, lambda: app.clipboard.startswith("The total ignored"))
