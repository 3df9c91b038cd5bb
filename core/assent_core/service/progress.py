"""How far one reply has come, over all the requests that it takes; no input or output."""

from __future__ import annotations

import time

from assent_core.model import Finished, Item, Reply, Request, Usage, WireItem
from assent_core.service import wire


class Progress:
    """What has come of one reply so far."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.kept: list[WireItem] = []
        self.failures = 0
        self.terminal: wire.Terminal | None = None
        self._seen: set[tuple[int, str]] = set()
        self._names: set[str] = set()
        self._usage: Usage | None = None
        self._requests = 0
        self._started = time.monotonic()
        self._first = 0.0
        self._fresh = 0

    @property
    def complete(self) -> bool:
        """Whether a call has come whole: it must be answered before anything else is asked."""
        return any(item.get("type") in wire.CALLS for item in self.kept)

    @property
    def empty(self) -> bool:
        """Whether the answer ended as if complete and nothing at all was in it."""
        return self.terminal is not None and not self.terminal.incomplete and not self.kept

    def doubtful(self, shunned: frozenset[str], message: str) -> frozenset[str]:
        """Ids of the reasoning items that a server cannot have meant well: those that it names, the carried last one, or all."""
        thoughts = [
            str(item.get("id")) for item in (*self.request.items, *self.kept) if item.get("type") == "reasoning"
        ]
        left = [id for id in thoughts if id not in shunned]
        last = [str(item.get("id")) for item in self.kept[-1:]]
        return frozenset([id for id in left if id in message] or [id for id in left if id in last] or left)

    def begin(self) -> None:
        """Another request leaves."""
        self.terminal = None
        self._requests += 1
        self._fresh = len(self.kept)
        self._seen = set()

    def repeated(self, event: dict[str, object]) -> bool:
        """Whether an event of this request came before; servers that do not number theirs are believed."""
        number = event.get("sequence_number")
        if not isinstance(number, int) or number <= 0:
            return False
        mark = number, str(event.get("type"))
        twice = mark in self._seen
        self._seen.add(mark)
        return twice

    def begun(self, replies: list[Reply]) -> list[Reply]:
        """Note when the first piece of the answer came."""
        self._first = self._first or time.monotonic() - self._started
        return replies

    def took(self, item: WireItem) -> list[Reply]:
        """Keep a complete item; what is none, or is already there, is not taken; ValueError: a call that nobody could answer."""
        name = wire.name_of(item)
        kind, call = item.get("type"), item.get("call_id")
        if isinstance(kind, str) and kind in wire.CALLS and not (call and isinstance(call, str)):
            raise ValueError("a call has no id")
        if not isinstance(kind, str) or (name and name in self._names):
            return []
        self._names.add(name)
        self.kept.append(item)
        return [Item(item)]

    def ended(self, terminal: wire.Terminal) -> list[Reply]:
        """Take the terminal event, and the items of a server that names them only there."""
        self.terminal = terminal
        self.spent(terminal.usage)
        if len(self.kept) > self._fresh:
            return []
        return [reply for item in terminal.items for reply in self.took(item)]

    def spent(self, usage: Usage | None) -> None:
        """Add what an attempt used up."""
        self._usage = wire.added(self._usage, usage)

    def finished(self) -> Finished:
        """The last reply."""
        return Finished(
            model=self.terminal.model if self.terminal else self.request.model,
            usage=self._usage,
            incomplete=self.terminal.incomplete if self.terminal else "",
            requests=self._requests,
            context=self.terminal.usage.input if self.terminal and self.terminal.usage else 0,
            seconds_to_first=self._first,
            seconds=time.monotonic() - self._started,
            service_tier=self.terminal.service_tier if self.terminal else "",
        )
