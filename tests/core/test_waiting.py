"""Values that wait for a reader: the fast are held up, and nothing that was put in is lost."""

import asyncio

import pytest

from assent_core.waiting import Waiting


async def test_who_is_faster_than_the_reader_is_held_up_until_there_is_room_and_the_order_stays():
    waiting, put = Waiting[int](3), []

    async def fast():
        for number in range(10):
            await waiting.put(number)
            put.append(number)

    work = asyncio.create_task(fast())
    await asyncio.sleep(0)
    assert put == [0, 1]
    assert [await waiting.get() for _ in range(10)] == list(range(10))
    await work


async def test_what_was_put_in_is_there_though_who_put_it_in_is_cancelled_while_held_up():
    waiting = Waiting[str](1)
    work = asyncio.create_task(waiting.put("only"))
    await asyncio.sleep(0)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert work.cancelled()
    assert list(waiting.rest()) == ["only"]


async def test_who_is_not_to_be_held_up_is_not_and_all_others_go_on_when_all_of_it_is_taken():
    waiting = Waiting[int](1)
    held = [asyncio.create_task(waiting.put(number)) for number in range(3)]
    await asyncio.sleep(0)
    waiting.add(3)
    assert list(waiting.rest()) == [0, 1, 2, 3]
    await asyncio.gather(*held)


async def test_a_reader_waits_no_longer_than_it_wants_and_takes_what_is_there_even_without_waiting():
    waiting = Waiting[int](1)
    with pytest.raises(TimeoutError):
        await waiting.get(0.0)
    waiting.add(1)
    assert await waiting.get(0.0) == 1


async def test_a_reader_that_is_cancelled_as_a_value_comes_leaves_it_there():
    waiting = Waiting[int](1)
    reader = asyncio.create_task(waiting.get(3600))
    await asyncio.sleep(0)
    waiting.add(1)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    assert reader.cancelled()
    assert list(waiting.rest()) == [1]
