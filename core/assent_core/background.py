"""Work beside the turn: its events join the stream of the turn, and nothing waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing

from assent_core.events import AnyEvent

WAITING = 256
"""Most events that may wait for a slow reader before the turn is held up."""


class _End:
    pass


class Background:
    """Runs background work for a session. What happens while no turn runs is told to the listener, or with the next turn."""

    def __init__(self, record: Callable[[AnyEvent], None]) -> None:
        self._record = record
        self._tasks: set[asyncio.Task[None]] = set()
        self._queue: asyncio.Queue[AnyEvent | _End] | None = None
        self._late: list[AnyEvent] = []
        self.listener: Callable[[AnyEvent], object] | None = None
        """Told at once of what happens while no turn runs; must not block."""

    def begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Start a piece of work; it must deal with its own failures. What comes back is good for cancelling it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def tell(self, event: AnyEvent) -> None:
        """Let an event join the running turn; without one, tell the listener, or the next turn."""
        if self._queue is None and self.listener is not None:
            self._record(event)
            self.listener(event)
        elif self._queue is None or self._queue.full():
            self._late.append(event)
        else:
            self._queue.put_nowait(event)

    async def joined(self, main: AsyncGenerator[AnyEvent]) -> AsyncGenerator[AnyEvent]:
        """The events of `main`, recorded, and what happens beside it, until `main` ends. Closing cancels `main`."""
        queue: asyncio.Queue[AnyEvent | _End] = asyncio.Queue(WAITING)
        failure: list[Exception] = []
        late, self._late, self._queue = self._late, [], queue
        whole = False
        pump = asyncio.create_task(_pump(main, queue, failure))
        try:
            for event in late:
                self._record(event)
                yield event
            while not isinstance(event := await queue.get(), _End):
                self._record(event)
                yield event
            whole = True
            if failure:
                raise failure[0]
        finally:
            self._queue = None
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            while not queue.empty():
                if not isinstance(event := queue.get_nowait(), _End):
                    self._record(event)
                    if whole and self.listener is not None:
                        self.listener(event)

    async def close(self) -> None:
        """Cancel what still runs; events that nobody got to see are recorded."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for event in self._late:
            self._record(event)
        self._late.clear()


async def _pump(
    main: AsyncGenerator[AnyEvent], queue: asyncio.Queue[AnyEvent | _End], failure: list[Exception]
) -> None:
    try:
        async with aclosing(main) as events:
            async for event in events:
                await queue.put(event)
    except Exception as error:
        failure.append(error)
    await queue.put(_End())
