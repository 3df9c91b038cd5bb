"""Work beside the turn: its events join the stream of the turn, and nothing waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing

from assent_core.events import AnyEvent
from assent_core.waiting import Waiting

WAITING = 256
"""How many events may wait for a slow reader before the turn is held up."""


class _End:
    pass


class Background:
    """Runs background work for a session. What happens while no turn runs is told to the listener, or with the next turn."""

    def __init__(self, record: Callable[[AnyEvent], None]) -> None:
        self._record = record
        self._tasks: set[asyncio.Task[None]] = set()
        self._queue: Waiting[AnyEvent | _End] | None = None
        self._reading = False
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
        if self._queue and self._reading:
            self._queue.add(event)
        elif self.listener is not None:
            self._record(event)
            self.listener(event)
        else:
            self._late.append(event)

    def keep(self, event: AnyEvent) -> None:
        """Take what the running turn can give no more, as it is being ended: it is recorded after all that it gave."""
        if self._queue:
            self._queue.add(event)
        else:
            self._record(event)

    async def joined(self, main: AsyncGenerator[AnyEvent]) -> AsyncGenerator[AnyEvent]:
        """The events of `main`, recorded, and what happens beside it, until `main` ends. Closing cancels `main`."""
        queue = Waiting[AnyEvent | _End](WAITING)
        failure: list[Exception] = []
        late, self._late, self._queue, self._reading = self._late, [], queue, True
        for event in late:
            queue.add(event)
        whole = False
        pump = asyncio.create_task(_pump(main, queue, failure))
        try:
            while not isinstance(event := await queue.get(), _End):
                self._record(event)
                yield event
            whole = True
            if failure:
                raise failure[0]
        finally:
            self._reading = False
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            self._queue = None
            for event in queue.rest():
                if not isinstance(event, _End):
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


async def _pump(main: AsyncGenerator[AnyEvent], queue: Waiting[AnyEvent | _End], failure: list[Exception]) -> None:
    try:
        async with aclosing(main) as events:
            async for event in events:
                await queue.put(event)
    except Exception as error:
        failure.append(error)
    queue.add(_End())
