"""Values that wait for a reader: whoever is faster is held up, and nothing that was put in is lost by that."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Waiting(Generic[T]):
    """A queue of values; `most` is how many may wait before who puts in another is held up, until there are fewer again."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: asyncio.Queue[T] = asyncio.Queue()
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, value: T) -> None:
        """Add a value, then wait for room: it is there also if the waiting is cancelled."""
        self.add(value)
        await self._room.wait()

    def add(self, value: T) -> None:
        """Add a value without being held up."""
        self._values.put_nowait(value)
        self._look()

    async def get(self, seconds: float | None = None) -> T:
        """Take the oldest value; TimeoutError after so many seconds without one."""
        if self._values.empty():
            async with asyncio.timeout(seconds):
                value = await self._values.get()
        else:
            value = self._values.get_nowait()
        self._look()
        return value

    def rest(self) -> Iterator[T]:
        """Take all that is there, without waiting for more."""
        while not self._values.empty():
            yield self._values.get_nowait()
        self._room.set()

    def _look(self) -> None:
        if self._values.qsize() < self._most:
            self._room.set()
        else:
            self._room.clear()
