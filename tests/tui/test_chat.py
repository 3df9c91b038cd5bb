"""The chat: entries as data, one live tail, and a view that does not move under its reader."""

import pytest
from textual.app import App

from assent_core.consent.gate import Decider
from assent_core.events import (
    AnyEvent,
    Decided,
    Digested,
    Ended,
    Opened,
    Performed,
    Printed,
    Prompted,
    Proposed,
    Relayed,
    Retried,
    Routed,
    Said,
    Texted,
    Thought,
)
from assent_core.logs.digest import Digest
from assent_core.proposals import Shell
from assent_sandbox.policy import Denial
from assent_tui.chat.copying import codes, newest_answer, newest_code
from assent_tui.chat.entries import Answer, Call
from assent_tui.chat.pane import Chat
from assent_tui.chat.stream import Stream
from assent_tui.paint.blocks import BlockView
from assent_tui.paint.lines import Line, line
from assent_tui.paint.markdown import markdown
from resting import settled
from screen import ChatAlone, text_of, until


def shown(chat: Chat) -> str:
    return "\n".join(row.text for block in chat.blocks for row in block.lines(78))


async def test_a_message_streams_and_its_pieces_give_way_to_the_whole():
    app = ChatAlone()
    async with app.run_test(size=(80, 24)) as pilot:
        for delta in ("Hel", "lo **wor", "ld**"):
            app.chat.show(Texted(delta=delta))
        await until(pilot, lambda: "Hello world" in text_of(app.chat))
        app.chat.show(Said(text="Hello world!"))
        assert shown(app.chat).strip() == "Hello world!"


async def test_what_was_streamed_before_a_retry_is_void():
    app = ChatAlone()
    async with app.run_test(size=(80, 24)) as pilot:
        app.chat.show(Texted(delta="half a mess"))
        await until(pilot, lambda: "half a mess" in text_of(app.chat))
        app.chat.show(Retried(why="the server is overloaded", attempt=1, seconds=2))
        assert "half a mess" not in shown(app.chat)
        assert "! the server is overloaded; asking again in 2 s" in shown(app.chat)


async def test_thoughts_fold_to_a_row_above_the_answer():
    app = ChatAlone()
    async with app.run_test(size=(80, 24)):
        app.chat.show(Thought(delta="First I look.\nThen I "))
        app.chat.show(Thought(delta="write."))
        app.chat.show(Said(text="Done."))
        assert [row for row in shown(app.chat).split("\n") if row] == ["▸ thought: First I look.", "  Done."]


CALL = (
    Proposed(id="1", proposal=Shell(command="pytest -q", reason="to see")),
    Decided(id="1", allowed=True, by="walls", why=""),
    Printed(id="1", text="raw output\n"),
    Performed(id="1", ok=False, told="told", code=1, seconds=1.5),
)


async def test_a_call_is_one_row_that_opens_to_command_and_raw_output():
    app = ChatAlone()
    async with app.run_test(size=(80, 24)) as pilot:
        for event in CALL:
            app.chat.show(event)
        assert shown(app.chat) == "▸ $ pytest -q  ✗ exit 1 · 1.5 s"
        app.chat.focus()
        await pilot.press("k", "enter")
        assert "raw output" in text_of(app.chat)
        assert "why: to see" in text_of(app.chat)
        await pilot.press("enter")
        assert "raw output" not in text_of(app.chat)


async def test_a_click_opens_a_call():
    app = ChatAlone()
    async with app.run_test(size=(80, 24)) as pilot:
        for event in CALL:
            app.chat.show(event)
        await pilot.pause()
        await pilot.click(Chat, offset=(5, 0))
        await until(pilot, lambda: "raw output" in text_of(app.chat))


@pytest.mark.parametrize("by", ["rule", "user", "nobody"])
async def test_a_refusal_is_said_in_words_without_opening_anything(by: Decider):
    app = ChatAlone()
    async with app.run_test(size=(80, 24)):
        app.chat.show(CALL[0])
        app.chat.show(Decided(id="1", allowed=False, by=by, why="not today"))
        assert "⊘ REFUSED" in shown(app.chat)
        assert "not today" in shown(app.chat)


@pytest.mark.parametrize(
    ("allowed", "why", "said"),
    [
        (False, "the user refused, without a reason", "⊘ REFUSED by you, without a reason"),
        (False, "the user refused: not today", "⊘ REFUSED by you: not today"),
        (True, "the user said yes", "✓ allowed by you, once"),
        (True, "you typed it", "✓ allowed by you, once: you typed it"),
        (False, "", "⊘ REFUSED by you"),
    ],
)
async def test_an_answer_of_the_users_is_told_once(allowed: bool, why: str, said: str):
    app = ChatAlone()
    async with app.run_test(size=(80, 24)):
        app.chat.show(CALL[0])
        app.chat.show(Decided(id="1", allowed=allowed, by="user", why=why))
        assert said in [row.strip() for row in shown(app.chat).split("\n")]


async def test_a_denial_of_the_walls_is_said_in_words_without_opening_anything():
    app = ChatAlone()
    async with app.run_test(size=(80, 24)):
        for event in CALL[:3]:
            app.chat.show(event)
        denial = Denial(kind="network", target="example.net:443", certainty="likely", why="no network")
        app.chat.show(Performed(id="1", ok=False, told="", code=6, denials=(denial,)))
        assert "⊘ DENIED probably network: example.net:443 — no network" in shown(app.chat)


@pytest.mark.parametrize(
    ("summary", "said"), [("", "digest: test"), ("test", "digest: test"), ("1 failed", "digest: 1 failed [test]")]
)
async def test_a_digest_says_once_what_kind_of_failure_it_is(summary: str, said: str):
    app = ChatAlone()
    async with app.run_test(size=(80, 24)):
        for event in CALL[:3]:
            app.chat.show(event)
        app.chat.show(Performed(id="1", ok=False, told="", code=1))
        app.chat.show(Digested(id="1", digest=Digest(failure="test", lines=(), failing=(), summary=summary)))
        assert said in [row.strip() for row in shown(app.chat).split("\n")]


async def test_a_turn_that_failed_says_what_helps():
    app = ChatAlone()
    async with app.run_test(size=(80, 24)):
        app.chat.show(Ended(turn=1, how="failed", message="The key was refused.", hint="Run `assent key set`.", code=6))
        assert "✗ The key was refused.\n  → Run `assent key set`." in shown(app.chat)


@pytest.mark.parametrize(
    "end",
    [
        Ended(turn=1, how="interrupted", message="Stopped.", code=130),
        Opened(session="s", root="/r", tier="copy", branch="", worker="w", scout="s", budget=0.0),
    ],
    ids=["interrupted", "resumed"],
)
async def test_what_had_no_end_of_its_own_is_told_to_be_stopped(end: AnyEvent):
    app = ChatAlone()
    async with app.run_test(size=(80, 24)):
        for id, command in (("1", "true"), ("2", "sleep 9")):
            app.chat.show(Proposed(id=id, proposal=Shell(command=command)))
            app.chat.show(Decided(id=id, allowed=True, by="walls", why="it stays on the stage"))
        app.chat.show(Performed(id="1", ok=True, told="", code=0))
        app.chat.show(Printed(id="2", text="started\n"))
        app.chat.show(Relayed(by="tests", of=Routed(role="worker", model="m", effort="low", why="a part")))
        app.chat.show(end)
        assert "▸ $ sleep 9  stopped before it was done" in shown(app.chat)
        assert "▸ $ true  stopped" not in shown(app.chat)
        assert "▸ tests – m" in shown(app.chat)
        assert app.chat.blocks[1].output == "started\n"


async def test_the_end_is_followed_but_a_reader_who_scrolled_up_is_not_pulled_down():
    app = ChatAlone()
    async with app.run_test(size=(80, 10)) as pilot:
        for number in range(50):
            app.chat.show(Prompted(turn=number, text=f"prompt {number}"))
        await pilot.pause()
        assert "prompt 49" in text_of(app.chat)
        app.chat.page(-1)
        await pilot.pause()
        reading = text_of(app.chat)
        assert "more rows · Ctrl+End" in reading
        app.chat.show(Said(text="something else\n\n" * 20))
        app.chat.show(Texted(delta="and it streams"))
        await settled(pilot)
        assert "and it streams" in shown(app.chat)
        assert text_of(app.chat).split("\n")[:-1] == reading.split("\n")[:-1]
        assert "more rows · Ctrl+End" in text_of(app.chat).split("\n")[-1]
        app.chat.go_to_end()
        await until(pilot, lambda: "and it streams" in text_of(app.chat))
        app.chat.show(Said(text="at the end again"))
        await pilot.pause()
        assert "at the end again" in text_of(app.chat)


async def test_the_scrollbar_stands_where_the_view_does_also_where_it_came_after_it_was_needed():
    app = ChatAlone()
    async with app.run_test(size=(80, 10)) as pilot:
        assert not app.chat.show_vertical_scrollbar
        for number in range(50):
            app.chat.show(Prompted(turn=number, text=f"prompt {number}"))
        await pilot.pause()
        assert app.chat.scroll_y == app.chat.max_scroll_y > 0
        assert app.chat.vertical_scrollbar.position == app.chat.scroll_y


async def test_what_is_read_stays_in_sight_when_the_window_gets_narrower():
    app = ChatAlone()
    async with app.run_test(size=(120, 12)) as pilot:
        for number in range(200):
            app.chat.show(Prompted(turn=number, text=f"prompt {number} " + "word " * 30))
        app.chat.page(-4)
        await pilot.pause()
        first = text_of(app.chat).split("prompt ")[1].split()[0]
        await pilot.resize_terminal(50, 12)
        await pilot.pause()
        assert f"prompt {first} " in text_of(app.chat)


class Counted:
    """A block that counts how often it is laid out."""

    made = 0

    def guess(self, width: int) -> int:
        return 2

    def lines(self, width: int) -> list[Line]:
        Counted.made += 1
        return [line("one"), line("two")]


class Many(App[None]):
    def compose(self):
        yield BlockView()


async def test_only_what_is_in_sight_is_laid_out():
    app = Many()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.query_one(BlockView)
        view._follows = True
        Counted.made = 0
        for _ in range(3000):
            view.append(Counted())
        await pilot.pause()
        assert Counted.made <= 3000 + 24
        Counted.made = 0
        view.append(Counted())
        await pilot.pause()
        assert Counted.made == 1
        await pilot.resize_terminal(60, 24)
        await pilot.pause()
        assert Counted.made <= 1 + 2 * 24
        view.reset([Counted() for _ in range(3000)], follow=False)
        Counted.made = 0
        view.scroll_to(y=3000, animate=False)
        await pilot.pause()
        assert Counted.made <= 24


def test_a_long_fence_streams_in_parts_that_are_each_laid_out_once():
    stream = Stream()
    parts: list[str] = []
    rows = [f"x = {number}" for number in range(300)]
    longest = 0
    for piece in ["Look:\n\n```python\n", *(row + "\n" for row in rows), "```\n", "\nDone."]:
        stream.feed(piece)
        known, finished, tail = stream.advance()
        assert known == len(parts)
        parts += [text for text, _ in finished]
        longest = max(longest, tail[0].count("\n"))
    assert longest < 60
    laid = [row.text.strip() for part in (*parts, tail[0]) for row in markdown(part, 80)]
    assert [row for row in laid if row] == ["Look:", *rows, "Done."]


HOSTILE = "\x1b[31mred\x1b]52;c;aGk=\x07 [bold]not markup[/bold] \u202eevil\u202c \x00nul [@click=app.quit]x[/]"


async def test_hostile_text_is_shown_and_not_obeyed():
    app = ChatAlone()
    async with app.run_test(size=(80, 24)) as pilot:
        app.chat.note(HOSTILE, "error", HOSTILE, HOSTILE)
        for event in (
            Prompted(turn=1, text=HOSTILE),
            Said(text=HOSTILE + "\n\n```" + HOSTILE + "\n" + HOSTILE + "\n```\n\n|a|b|\n|-|-|\n|" + HOSTILE + "|1|"),
            Thought(delta=HOSTILE),
            Proposed(id="1", proposal=Shell(command=HOSTILE, workdir=HOSTILE, reason=HOSTILE)),
            Decided(id="1", allowed=False, by="user", why=HOSTILE),
            Performed(id="1", ok=False, told=HOSTILE, code=1, paths=(HOSTILE,)),
        ):
            app.chat.show(event)
        app.chat.action_unfold()
        for block in app.chat.blocks:
            if isinstance(block, Call | Answer):
                assert "[bold]not markup" in "\n".join(row.text for row in block.lines(500))
        await pilot.pause()
        for y in range(app.chat.size.height):
            strip = app.chat.render_line(y)
            assert strip.text.isprintable()
            assert strip.cell_length == app.chat.size.width
            assert all(not (segment.style and segment.style.meta) for segment in strip)


def test_columns_of_a_table_stand_on_the_side_that_it_says():
    rows = markdown("| kind | price |\n|---|---:|\n| pear | 1.00 |\n| figs, dried | 12.00 |\n", 40)
    assert [row.text for row in rows] == [
        "kind        │ price",
        "────────────┼──────",
        "pear        │  1.00",
        "figs, dried │ 12.00",
    ]


@pytest.mark.parametrize("width", [1, 7, 20, 79])
def test_markdown_never_grows_wider_than_its_place(width: int):
    text = (
        "# 日本語の見出し "
        + "word " * 20
        + "\n\n- "
        + "x" * 300
        + "\n\n> " * 40
        + "deep\n\n|a|b|\n|-|-|\n|"
        + "界" * 50
        + "|c|\n"
    )
    for row in markdown(text, max(width, 40)):
        from rich.cells import cell_len

        assert cell_len(row.text.rstrip()) <= max(width, 40)


MESSAGE = "Look:\n\n```python\nx = 1\n\ny = 2\n```\n\nand\n\n```\nmore\n```\n\nThe end."


async def streamed(app: ChatAlone, pilot) -> None:
    app.chat.show(Said(text="earlier"))
    for at in range(0, len(MESSAGE), 7):
        app.chat.show(Texted(delta=MESSAGE[at : at + 7]))
        if at % 21 == 0:
            await settled(pilot)
    app.chat.show(Said(text=MESSAGE))


async def test_a_message_that_streamed_in_parts_is_copied_whole_as_it_was_written():
    app = ChatAlone()
    async with app.run_test(size=(80, 24)) as pilot:
        await streamed(app, pilot)
        assert len(app.chat.blocks) > 3
        app.chat.focus()
        await pilot.press("k", "y")
        assert app.clipboard == MESSAGE
        await pilot.press("k", "y")
        assert app.clipboard == "earlier"
        await pilot.press("j", "c")
        assert app.clipboard == "x = 1\n\ny = 2"
        await pilot.press("c")
        assert app.clipboard == "more"


async def test_the_newest_answer_and_code_are_copied_without_choosing():
    app = ChatAlone()
    async with app.run_test(size=(80, 24)) as pilot:
        await streamed(app, pilot)
        app.chat.show(CALL[0])
        assert newest_answer(app.chat.blocks)[0] == MESSAGE
        assert newest_code(app.chat.blocks)[0] == "more"
        app.chat.copy_newest()
        assert app.clipboard == MESSAGE


def test_nothing_to_copy_is_nothing():
    assert newest_answer(()) == ("", "")
    assert newest_code(()) == ("", "")
    assert codes("no code") == ()
    assert codes("```\nopen") == ("open",)


async def test_the_raw_output_has_a_page_of_its_own_however_long_it_is():
    app = ChatAlone()
    async with app.run_test(size=(80, 24)) as pilot:
        app.chat.show(CALL[0])
        app.chat.show(Printed(id="1", text="".join(f"row {number}\n" for number in range(5000))))
        app.chat.show(CALL[3])
        app.chat.focus()
        await pilot.press("k", "enter")
        assert "rows between; its raw output has all of them" in shown(app.chat)
        await pilot.press("o")
        page = app.screen.query_one(BlockView)
        await until(pilot, lambda: "row 4999" in text_of(page))
        rows = [row.text.strip() for block in page.blocks for row in block.lines(70)]
        assert [row for row in rows if row] == [f"row {number}" for number in range(5000)]


async def test_a_long_request_is_folded_and_opens():
    app = ChatAlone()
    async with app.run_test(size=(80, 60)) as pilot:
        app.chat.show(Prompted(turn=1, text="\n".join(f"line {number}" for number in range(40))))
        assert "28 more lines" in shown(app.chat)
        assert "line 39" not in shown(app.chat)
        app.chat.focus()
        await pilot.press("k", "enter")
        assert "line 39" in shown(app.chat)


async def test_the_users_messages_are_found_one_after_the_other():
    app = ChatAlone()
    async with app.run_test(size=(80, 12)) as pilot:
        for number in range(30):
            app.chat.show(Prompted(turn=number, text=f"prompt {number}"))
            app.chat.show(Said(text="answer\n\n" * 9))
        app.chat.focus()
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert "prompt 28" in text_of(app.chat)
        await pilot.press("right_square_bracket")
        assert "prompt 29" in text_of(app.chat)
