"""The prompt box: what its keys do to what is written."""

from threading import Event

import pytest
from textual import events
from textual.app import App

from assent_tui.prompt.box import Prompt
from assent_tui.prompt.completion import Finder
from assent_tui.prompt.slash import argv_of, nearest
from screen import text_of, until


class Alone(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []

    def compose(self):
        yield Prompt()

    @property
    def prompt(self) -> Prompt:
        return self.query_one(Prompt)

    def on_prompt_sent(self, message: Prompt.Sent) -> None:
        self.told.append(message.text)

    def on_prompt_left(self) -> None:
        self.told.append(Prompt.Left)

    def on_prompt_help_wanted(self) -> None:
        self.told.append(Prompt.HelpWanted)

    def on_prompt_paged(self, message: Prompt.Paged) -> None:
        self.told.append(message.pages)


async def test_enter_sends_what_is_written_and_empties_the_box():
    app = Alone()
    async with app.run_test() as pilot:
        await pilot.press(*"fix it ", "enter", "enter")
        assert app.told == ["fix it"]
        assert app.prompt.text == ""


@pytest.mark.parametrize("keys", [("ctrl+j",), ("shift+enter",), ("backslash", "enter")])
async def test_another_line_begins(keys: tuple[str, ...]):
    app = Alone()
    async with app.run_test() as pilot:
        await pilot.press("a", *keys, "b")
        assert app.prompt.text == "a\nb"
        assert app.told == []
        await pilot.press("enter")
        assert app.told == ["a\nb"]


async def test_the_history_is_walked_from_the_edges_and_keeps_the_draft():
    app = Alone()
    async with app.run_test() as pilot:
        for text in ("one", "two"):
            await pilot.press(*text, "enter")
        await pilot.press(*"dra", "up")
        assert app.prompt.text == "two"
        await pilot.press("up", "up")
        assert app.prompt.text == "one"
        await pilot.press("down", "down")
        assert app.prompt.text == "dra"


async def test_up_moves_inside_a_text_of_several_lines():
    app = Alone()
    async with app.run_test() as pilot:
        await pilot.press(*"one", "enter", "a", "ctrl+j", "b", "up")
        assert app.prompt.text == "a\nb"
        assert app.prompt.cursor_location[0] == 0


async def test_ctrl_c_empties_the_box_and_then_asks_to_leave():
    app = Alone()
    async with app.run_test() as pilot:
        await pilot.press(*"long text", "ctrl+c")
        assert app.prompt.text == ""
        assert app.told == []
        await pilot.press("up")
        assert app.prompt.text == "long text"
        await pilot.press("ctrl+c", "ctrl+c")
        assert app.told == [Prompt.Left]


async def test_a_question_mark_asks_for_help_only_in_an_empty_box():
    app = Alone()
    async with app.run_test() as pilot:
        await pilot.press("question_mark")
        assert app.told == [Prompt.HelpWanted]
        await pilot.press("w", "question_mark")
        assert app.prompt.text == "w?"


async def test_the_chat_can_be_scrolled_while_writing():
    app = Alone()
    async with app.run_test() as pilot:
        await pilot.press("a", "pageup", "pagedown")
        assert app.told == [-1, 1]


async def test_what_is_pasted_cannot_steer_the_terminal():
    app = Alone()
    async with app.run_test() as pilot:
        app.prompt.post_message(events.Paste("a\r\nb\x1b]0;title\x07\u202ec"))
        await pilot.pause()
        assert app.prompt.text.startswith("a\nb")
        assert all(row.isprintable() for row in app.prompt.text.split("\n"))


async def test_texts_that_were_not_sent_come_back_before_the_draft():
    app = Alone()
    async with app.run_test() as pilot:
        await pilot.press(*"draft")
        app.prompt.bring_back(["first", "second"])
        assert app.prompt.text == "first\nsecond\ndraft"


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        ("pytest -q", ("pytest", "-q")),
        ("echo 'a b'", ("echo", "a b")),
        ("ls *.py", ("sh", "-c", "ls *.py")),
        ("a | b && c", ("sh", "-c", "a | b && c")),
        ("echo 'open", ("sh", "-c", "echo 'open")),
    ],
)
def test_a_typed_command_is_words_or_a_text_for_the_shell(command: str, argv: tuple[str, ...]):
    assert argv_of(command) == argv


def test_a_command_that_does_not_exist_gets_a_hint():
    assert nearest("/reveiw") == "Did you mean /review?"
    assert "/help" in nearest("/zzz")


LONG = "\n".join(f"line {number}" for number in range(120))


async def test_a_long_paste_is_one_token_that_is_sent_whole():
    app = Alone()
    async with app.run_test() as pilot:
        await pilot.press(*"see ")
        app.prompt.post_message(events.Paste(LONG))
        await pilot.pause()
        assert app.prompt.text == "see [pasted 120 lines]"
        await pilot.press("enter")
        assert app.told == [f"see {LONG}"]
        await pilot.press("up")
        assert app.prompt.text == "see [pasted 120 lines]"


async def test_a_token_is_deleted_as_a_whole():
    app = Alone()
    async with app.run_test() as pilot:
        app.prompt.post_message(events.Paste(LONG))
        await pilot.pause()
        await pilot.press("a", "backspace", "backspace")
        assert app.prompt.text == ""


async def test_a_million_lines_are_pasted_as_a_token():
    app = Alone()
    async with app.run_test() as pilot:
        app.prompt.post_message(events.Paste("word\r" * 1_000_000))
        await until(pilot, lambda: app.prompt.text == "[pasted 1000001 lines]")
        assert app.prompt.whole == "word\n" * 1_000_000


async def test_the_path_of_a_picture_is_pasted_as_a_mention(tmp_path):
    shot = tmp_path / "a shot.png"
    shot.write_bytes(b"")
    app = Alone()
    async with app.run_test() as pilot:
        app.prompt.post_message(events.Paste(f"'{shot}'"))
        await pilot.pause()
        assert app.prompt.text == f'@"{shot}" '


class Whole(Alone):
    """With the list above the box."""

    def compose(self):
        self.box = Prompt()
        yield self.box.suggestions
        yield self.box

    def on_prompt_files_wanted(self) -> None:
        self.box.know(Finder(("README.md", "src/cart.py", "src/my file.py")))


async def test_a_file_is_completed_from_a_few_letters():
    app = Whole()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press(*"see @cr")
        await until(pilot, lambda: "src/cart.py" in text_of(app.box.suggestions))
        await pilot.press("tab")
        assert app.box.text == "see @src/cart.py "
        await pilot.press(*"@myf")
        await until(pilot, lambda: "my file" in text_of(app.box.suggestions))
        await pilot.press("enter")
        assert app.box.text == 'see @src/cart.py @"src/my file.py" '
        assert app.told == []


async def test_what_is_chosen_has_the_letters_that_were_typed_while_others_are_still_looked_for():
    class Slow(Finder):
        def find(self, wanted: str, most: int = 8) -> tuple[str, ...]:
            assert len(wanted) < 2 or looking.wait(60)
            return super().find(wanted, most)

    app, looking = Whole(), Event()
    async with app.run_test(size=(60, 20)) as pilot:
        app.box.know(Slow(("README.md", "src/cart.py", "src/my file.py")))
        await pilot.press(*"@r")
        await until(pilot, lambda: "› README.md" in text_of(app.box.suggestions))
        await pilot.press(*"myf")
        assert app.box.suggestions.chosen.text == "src/my file.py"
        await pilot.press("enter")
        assert app.box.text == '@"src/my file.py" '
        looking.set()


async def test_the_list_is_walked_and_closed_and_comes_back_with_the_next_letter():
    app = Whole()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("slash")
        assert app.box.suggestions.chosen.text == "/help"
        await pilot.press("down", "down", "up")
        assert app.box.suggestions.chosen.text == "/plan"
        assert app.box.close_suggestions()
        assert not app.box.close_suggestions()
        await pilot.press("c")
        assert app.box.suggestions.chosen.text.startswith("/c")


async def test_enter_takes_the_chosen_command_and_sends_it():
    app = Whole()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("slash", *"cos", "enter")
        assert app.told == ["/cost"]
        await pilot.press("slash", *"copy code", "enter")
        assert app.told == ["/cost", "/copy code"]


async def test_walking_the_history_opens_no_list():
    app = Whole()
    async with app.run_test(size=(60, 20)) as pilot:
        app.box.recall(["first", "see @src/cart.py", "/review"])
        await pilot.press("up", "up", "up")
        assert app.box.text == "first"


def at_once(app: Alone, text: str) -> None:
    """Keys that come as no hand presses them."""
    for character in text:
        pressed = events.Key("enter" if character == "\r" else character, character)
        pressed.time = 0.0
        app.prompt.post_message(pressed)


async def test_several_lines_in_a_burst_of_keys_send_nothing():
    app = Alone()
    async with app.run_test() as pilot:
        at_once(app, "a\rb\r")
        await until(pilot, lambda: app.prompt.text == "a\nb\n")
        assert app.told == []


async def test_one_line_in_a_burst_of_keys_is_sent_by_the_enter_at_its_end():
    app = Alone()
    async with app.run_test() as pilot:
        at_once(app, "ab\r")
        await until(pilot, lambda: app.told == ["ab"])
        assert app.prompt.text == ""


async def test_what_is_kept_has_pastes_whole_and_is_taken_up_as_tokens():
    app, later = Alone(), Alone()
    async with app.run_test() as pilot:
        await pilot.press("a")
        app.prompt.post_message(events.Paste(LONG))
        await pilot.pause()
        kept = app.prompt.kept
    async with later.run_test():
        later.prompt.take_up(kept)
        assert later.prompt.text == "a[pasted 120 lines]"
        assert later.prompt.whole == f"a{LONG}"
