"""One command under way: what it writes, and what its keeper reports."""

from __future__ import annotations

import asyncio
import marshal
import os
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Literal

import msgspec
from msgspec import Struct

from assent_sandbox.policy import Output
from assent_sandbox.running.kept import Kept

_CHUNK = 1 << 16
GRACE = 0.3
"""Seconds that output is read after the leader ended."""


class Report(Struct, frozen=True):
    """One packet of a keeper: why nothing ran, that the leader ended, or how all of it went."""

    failed: str = ""
    ended: bool = False
    code: int | None = None
    cause: Literal["exit", "signal", "time", "memory", "processes", "disk", "output", "start"] = "exit"
    seconds: float = 0.0
    why: str = ""
    refusals: int = 0
    names: tuple[str, ...] = ()


class Running:
    """One command under way: its two pipes, the keeper's control socket, and the file of its plan."""

    def __init__(self, out: int, err: int, control: socket.socket, kept: Kept, plan: int) -> None:
        self._pipes: dict[int, Literal["stdout", "stderr"]] = {out: "stdout", err: "stderr"}
        self._control: socket.socket | None = control
        self._plan = plan
        self._ended_at: float | None = None
        self.kept = kept
        self.report: Report | None = None
        for descriptor in (out, err, control.fileno()):
            os.set_blocking(descriptor, False)

    async def outputs(self) -> AsyncGenerator[Output]:
        """Yield what it writes, as it comes. Ends when the report is there and the pipes are read."""
        while self._pipes or self._listening():
            rest = GRACE - (time.monotonic() - self._ended_at) if self._ended_at is not None else None
            if rest is not None and rest <= 0 and not self._listening():
                return
            for descriptor in await wait_readable(self._waiting_for(), rest if not self._listening() else None):
                if descriptor in self._pipes:
                    data, stream = self._read(descriptor), self._pipes.get(descriptor, "stdout")
                    self.kept.add(data)
                    if data:
                        yield Output(data, stream)
                else:
                    self._listen()

    def was_lost(self) -> bool:
        """Whether the keeper ended without a report before it let the command go: it moves the plan's position just then."""
        return self.report is None and self._plan >= 0 and os.lseek(self._plan, 0, os.SEEK_CUR) == 0

    def _listening(self) -> bool:
        return self._control is not None and (self.report is None or self.report.ended)

    def _waiting_for(self) -> list[int]:
        control = [self._control.fileno()] if self._control and self._listening() else []
        return [*self._pipes, *control]

    def _read(self, descriptor: int) -> bytes:
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return b""
        if not data:
            os.close(descriptor)
            del self._pipes[descriptor]
            if not self._pipes and self._control:
                with suppress(OSError):
                    self._control.send(b"drained")
        return data

    def _listen(self) -> None:
        assert self._control
        try:
            heard = self._control.recv(_CHUNK)
        except (BlockingIOError, ConnectionResetError):
            return  # a reset says that the keeper left something unread, and comes before what it wrote last
        except OSError:
            heard = b""
        if heard:
            self.report = msgspec.convert(marshal.loads(heard), Report)
        else:
            self._control.close()
            self._control = None
        self._ended_at = self._ended_at or time.monotonic()

    def close(self) -> None:
        """Let go: the keeper sees it and ends everything."""
        for descriptor in self._pipes:
            os.close(descriptor)
        self._pipes.clear()
        if self._control:
            self._control.close()
            self._control = None
        if self._plan >= 0:
            os.close(self._plan)
        self._plan = -1


async def wait_readable(descriptors: list[int], seconds: float | None) -> list[int]:
    """Give those that can be read, once there is one or the time is over."""
    loop = asyncio.get_running_loop()
    found: dict[int, None] = {}
    some = asyncio.Event()

    def mark(descriptor: int) -> None:
        found[descriptor] = None
        some.set()
        loop.remove_reader(descriptor)

    for descriptor in descriptors:
        loop.add_reader(descriptor, mark, descriptor)
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(some.wait(), seconds)
    finally:
        for descriptor in descriptors:
            loop.remove_reader(descriptor)
    return list(found)
