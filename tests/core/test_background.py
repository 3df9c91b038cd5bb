"""Background work joins the stream of the turn and holds nothing up."""

import asyncio
from contextlib import aclosing

import pytest

from assent_core.background import Background
from assent_core.events import AnyEvent, Noticed, Said


async def counting(count: int, pause: float = 0.0):
    for number in range(count):
        await asyncio.sleep(pause)
        yield Said(text=str(number))


async def gathered(background: Background, main) -> list[AnyEvent]:
    async with aclosing(background.joined(main)) as events:
        return [event async for event in events]


async def test_events_of_the_main_work_come_in_order_and_are_recorded():
    recorded: list[AnyEvent] = []
    events = await gathered(Background(recorded.append), counting(1000))
    assert [event.text for event in events] == [str(number) for number in range(1000)]
    assert recorded == events


async def test_what_happens_beside_joins_while_the_main_work_waits():
    background = Background(lambda _: None)
    main_may_end = asyncio.Event()

    async def main():
        yield Said(text="begun")
        background.begin(beside())
        await main_may_end.wait()
        yield Said(text="over")

    async def beside():
        background.tell(Noticed(text="beside"))

    seen: list[str] = []
    async with aclosing(background.joined(main())) as events:
        async for event in events:
            seen.append(event.text)
            if event.text == "beside":
                main_may_end.set()
    assert seen == ["begun", "beside", "over"]


async def test_the_main_work_does_not_wait_for_what_is_beside_it():
    background = Background(lambda _: None)
    background.begin(asyncio.sleep(3600))  # type: ignore[arg-type]
    assert len(await gathered(background, counting(2))) == 2
    await background.close()


async def test_what_came_too_late_is_told_with_the_next_turn():
    background = Background(lambda _: None)
    await gathered(background, counting(1))
    background.tell(Noticed(text="late"))
    assert [event.text for event in await gathered(background, counting(1))] == ["late", "0"]


async def test_what_nobody_got_to_see_is_recorded_at_the_end():
    recorded: list[AnyEvent] = []
    background = Background(recorded.append)
    background.tell(Noticed(text="late"))
    await background.close()
    assert recorded == [Noticed(text="late")]


async def test_a_failure_of_the_main_work_comes_after_its_events():
    async def failing():
        yield Said(text="first")
        raise ValueError("broken")

    seen: list[str] = []
    with pytest.raises(ValueError, match="broken"):
        async with aclosing(Background(lambda _: None).joined(failing())) as events:
            async for event in events:
                seen.append(event.text)
    assert seen == ["first"]


async def test_closing_the_stream_ends_the_main_work_with_its_clean_up():
    cleaned = asyncio.Event()

    async def endless():
        try:
            while True:
                yield Said(text="more")
                await asyncio.sleep(0)
        finally:
            cleaned.set()

    async with aclosing(Background(lambda _: None).joined(endless())) as events:
        async for _ in events:
            break
    assert cleaned.is_set()


async def test_a_slow_reader_holds_the_main_work_up_instead_of_filling_the_memory():
    made = 0

    async def fast():
        nonlocal made
        for made in range(1, 100_001):  # noqa: B007 # read by the test
            yield Noticed(text="x")

    async with aclosing(Background(lambda _: None).joined(fast())) as events:
        async for _ in events:
            await asyncio.sleep(0.01)
            break
        assert made < 1000


async def test_what_the_main_work_gave_is_recorded_to_the_last_event_though_its_reader_is_gone():
    made: list[AnyEvent] = []
    recorded: list[AnyEvent] = []

    async def fast():
        for number in range(100_000):
            made.append(Noticed(text=str(number)))
            yield made[-1]

    async with aclosing(Background(recorded.append).joined(fast())) as events:
        async for _ in events:
            break
    assert 1 < len(made) < 1000
    assert recorded == made


async def test_what_came_late_is_recorded_though_the_reader_of_the_next_turn_leaves_before_it():
    recorded: list[AnyEvent] = []
    background = Background(recorded.append)
    for text in ("one", "two"):
        background.tell(Noticed(text=text))
    async with aclosing(background.joined(counting(0))) as events:
        async for _ in events:
            break
    assert [event.text for event in recorded] == ["one", "two"]


async def test_what_a_turn_that_is_ended_can_give_no_more_is_recorded_behind_what_it_gave_and_told_to_nobody():
    recorded: list[AnyEvent] = []
    background = Background(recorded.append)
    heard: list[AnyEvent] = []
    background.listener = heard.append

    async def ended():
        try:
            yield Noticed(text="first")
            yield Noticed(text="second")
            await asyncio.sleep(3600)
        finally:
            background.keep(Noticed(text="kept"))

    async with aclosing(background.joined(ended())) as events:
        async for _ in events:
            break
    background.keep(Noticed(text="without a turn"))
    assert [event.text for event in recorded] == ["first", "second", "kept", "without a turn"]
    assert heard == []


async def test_a_listener_is_told_at_once_while_no_turn_runs_and_what_it_hears_is_recorded():
    recorded: list[AnyEvent] = []
    heard: list[str] = []
    background = Background(recorded.append)
    background.listener = lambda event: heard.append(event.text)
    background.tell(Noticed(text="between"))
    assert heard == ["between"]
    async with aclosing(background.joined(counting(1))) as events:
        async for _ in events:
            background.tell(Noticed(text="while it ends"))
    assert [event.text for event in recorded] == ["between", "0", "while it ends"]
    assert heard in (["between"], ["between", "while it ends"])
    assert await gathered(background, counting(0)) == []
