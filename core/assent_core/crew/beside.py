"""Several streams at once: what each gives is taken as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")

WAITING = 64
"""How many values may wait for a slow reader before each further one holds its stream up."""


class _Over:
    """One stream is at its end."""


class Beside(Generic[T]):
    """Named streams that run while the block is open, at most `at_once` of them; leaving it ends those that still run."""

    def __init__(self, streams: Mapping[str, AsyncGenerator[T]], at_once: int) -> None:
        self._streams = streams
        self._room = asyncio.Semaphore(at_once)
        self._queue: asyncio.Queue[tuple[str, T] | _Over] = asyncio.Queue()
        self._places = asyncio.Semaphore(WAITING)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._left = len(streams)
        self._failure: Exception | None = None

    async def __aenter__(self) -> Self:
        self._tasks = {name: asyncio.create_task(self._pump(name, each)) for name, each in self._streams.items()}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def next(self, seconds: float | None = None) -> tuple[str, T] | None:
        """The next value and whose it is; None when all are at their end, or after so many seconds without one.

        What a stream raises is raised here.
        """
        while self._left:
            try:
                found = self._queue.get_nowait()
            except asyncio.QueueEmpty:
                try:
                    found = await asyncio.wait_for(self._queue.get(), seconds)
                except TimeoutError:
                    return None
            if not isinstance(found, _Over):
                self._places.release()
                return found
            self._left -= 1
            if self._failure:
                raise self._failure
        return None

    def rest(self) -> Iterator[tuple[str, T]]:
        """What the streams still gave until the block was left, and nobody has taken."""
        while not self._queue.empty():
            if not isinstance(found := self._queue.get_nowait(), _Over):
                yield found

    async def _pump(self, name: str, stream: AsyncGenerator[T]) -> None:
        try:
            async with self._room, aclosing(stream) as values:
                async for value in values:
                    self._queue.put_nowait((name, value))
                    await self._places.acquire()
        except Exception as error:
            self._failure = self._failure or error
        self._queue.put_nowait(_Over())
