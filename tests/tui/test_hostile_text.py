"""Text that nobody meant for a screen: a line of a million characters, markup, escapes, letters that turn the writing round."""

import asyncio
import time

import pytest
from rich.cells import cell_len

from assent_core.events import Decided, Performed, Proposed, Said, Texted
from assent_core.proposals import Shell
from assent_tui.chat.pane import Chat
from resting import settled, until
from screen import ChatAlone

WIDTH = 80
LONG = "x = 'abc def' + y; " * 55_000
SHORT = "\n".join(LONG[at : at + 76] for at in range(0, len(LONG), 76))
HOSTILE = {
    "markup": "[bold red]no[/] [@click=app.quit]markup[/]",
    "escapes": "\x1b]0;title\x07\x1b[2J\x1b[31mred\x1b[0m",
    "bidi": "\u202egnp.exe \u2066hidden\u2069 \u200b\u200d",
    "controls": "nul \x00 bell \x07 back \x08\x08\x08",
    "wide": "wide 漢字" * 60,
    "combining": "e\u0301\u0323" * 300,
    "huge-name": "name/" * 3000,
    "overwritten": "\r\rover\rwritten\x0b\x0c",
}


def call(chat: Chat, command: str, told: str) -> None:
    chat.show(Proposed(id="c", proposal=Shell(command=command)))
    chat.show(Decided(id="c", allowed=True, by="walls", why=""))
    chat.show(Performed(id="c", ok=True, told=told, code=0, seconds=0.1))


async def stall(text: str, *, streamed: bool) -> float:
    """Seconds for which the loop stands still at most while a text comes and is shown."""
    app = ChatAlone()
    worst = 0.0
    async with app.run_test(size=(WIDTH, 24)) as pilot:
        await pilot.pause()

        async def watch() -> None:
            nonlocal worst
            last = time.thread_time()
            while True:
                await asyncio.sleep(0.001)
                worst, last = max(worst, time.thread_time() - last), time.thread_time()

        watching = asyncio.create_task(watch())
        await asyncio.sleep(0.01)
        if streamed:
            for at in range(0, len(text), 100_000):
                app.chat.show(Texted(delta=text[at : at + 100_000]))
                await asyncio.sleep(0.01)
            app.chat.show(Said(text=text))
        else:
            call(app.chat, "cat long", text)
            app.chat.action_unfold()
        await until(pilot, lambda: app.chat._beat is None)
        watching.cancel()
    return worst


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_line_of_a_megabyte_stands_in_the_way_no_longer_than_the_same_text_in_lines(streamed):
    reference = max([await stall(SHORT, streamed=streamed), await stall("a word " * 1000, streamed=streamed)])
    ratios: list[float] = []
    while not ratios or (ratios[-1] >= 5 and len(ratios) < 3):  # the collector of rubbish may come in between
        ratios.append(await stall(LONG, streamed=streamed) / reference)
    assert min(ratios) < 5, ratios


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_text_changes_no_layout(text):
    app = ChatAlone()
    async with app.run_test(size=(WIDTH, 24)) as pilot:
        app.chat.show(Said(text=text))
        call(app.chat, text, text)
        app.chat.action_unfold()
        app.chat.show(Texted(delta=text))
        await settled(pilot)
        rows = [row for block in app.chat.blocks for row in block.lines(WIDTH - 2)]
        strips = [app.chat.render_line(y) for y in range(24)]
        assert all(cell_len(row.text) <= WIDTH - 2 for row in rows)
        assert all(strip.cell_length == WIDTH for strip in strips)
        written = "".join(segment.text for strip in strips for segment in strip)
        assert not any(sign in written for sign in "\x1b\x00\x07\x08\r\n\u202e\u2066\u200b")
        assert app.is_running
