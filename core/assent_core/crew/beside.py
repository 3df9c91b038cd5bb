"""Several streams at once: what each gives is taken as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import Generic, Self, TypeVar

from assent_core.waiting import Waiting

T = TypeVar("T")

WAITING = 64
"""How many values may wait for a slow reader before the streams are held up."""


class _Over:
    """One stream is at its end."""


class Beside(Generic[T]):
    """Named streams that run while the block is open, at most `at_once` of them; leaving it ends those that still run.

    `left` gets what they still gave until then and nobody has taken, however the block is left.
    """

    def __init__(self, streams: Mapping[str, AsyncGenerator[T]], at_once: int, left: Callable[[str, T], None]) -> None:
        self._streams = streams
        self._untaken = left
        self._room = asyncio.Semaphore(at_once)
        self._queue = Waiting[tuple[str, T] | _Over](WAITING)
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
        for found in self._queue.rest():
            if not isinstance(found, _Over):
                self._untaken(*found)

    async def next(self, seconds: float | None = None) -> tuple[str, T] | None:
        """The next value and whose it is; None when all are at their end, or after so many seconds without one.

        What a stream raises is raised here.
        """
        while self._left:
            try:
                found = await self._queue.get(seconds)
            except TimeoutError:
                return None
            if not isinstance(found, _Over):
                return found
            self._left -= 1
            if self._failure:
                raise self._failure
        return None

    async def _pump(self, name: str, stream: AsyncGenerator[T]) -> None:
        try:
            async with self._room, aclosing(stream) as values:
                async for value in values:
                    await self._queue.put((name, value))
        except Exception as error:
            self._failure = self._failure or error
        self._queue.add(_Over())
