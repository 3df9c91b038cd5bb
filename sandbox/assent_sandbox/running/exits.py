"""The ways out of one command's network that a consent opened, served from outside: the proxy, and ports of this machine."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self

from msgspec import Struct

from assent_sandbox.policy import Widening
from assent_sandbox.running.proxy import PATIENCE, Connect, Proxy, Resolve, connect, resolve
from assent_sandbox.running.relay import Book, join
from assent_sandbox.running.running import wait_readable
from assent_sandbox.sight.plan import Plan

MOST_CONNECTIONS = 64
"""How many connections of one command are served at once; more are closed at once."""
_LOOPBACKS = ("127.0.0.1", "::1")

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Outside(Struct, frozen=True):
    """How names are found and connections made on this side of the walls."""

    resolve: Resolve = resolve
    connect: Connect = connect


class Exits:
    """Serves the exits of one plan from the command's start to its end; a plan without any costs nothing."""

    def __init__(self, plan: Plan, outside: Outside) -> None:
        self.book = Book()
        self._handed: tuple[int, ...] = ()
        self._plan, self._outside = plan, outside
        self._near: socket.socket | None = None
        self._arrival: asyncio.Task[None] | None = None
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.Task[None]] = set()
        ports = frozenset(target for _, target in plan.exits if target)
        self._proxy = Proxy(frozenset(plan.hosts), ports, self.book, outside.resolve, outside.connect)

    async def __aenter__(self) -> Self:
        if self._plan.exits:
            self._near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._near.setblocking(False)
            self._handed = (far.detach(),)
            self._arrival = asyncio.create_task(self._arrive(self._near))
        return self

    def take(self) -> tuple[int, ...]:
        """Give away the descriptor that the keeper is to send its listeners through; none for a plan without exits."""
        taken, self._handed = self._handed, ()
        return taken

    async def __aexit__(self, *_: object) -> None:
        for descriptor in self.take():
            os.close(descriptor)
        if self._arrival:
            self._arrival.cancel()
            with suppress(asyncio.CancelledError):
                await self._arrival
        for server in self._servers:
            server.close()
        for task in self._open:
            task.cancel()
        if self._open:
            await asyncio.wait(self._open)
        if self._near:
            self._near.close()

    async def _arrive(self, near: socket.socket) -> None:
        """Take the keeper's listeners and serve each."""
        await wait_readable([near.fileno()], None)
        places, handed, _, _ = socket.recv_fds(near, 256, 256, socket.MSG_CMSG_CLOEXEC)
        listeners = [socket.socket(fileno=descriptor) for descriptor in handed]
        try:
            while listeners:
                _, target = self._plan.exits[places[-len(listeners)]]
                serve = self._forward(target) if target else self._proxy.serve
                self._servers.append(await asyncio.start_server(self._bounded(serve), sock=listeners[0]))
                listeners.pop(0)
        finally:
            for left in listeners:
                left.close()

    def _bounded(self, serve: Serve) -> Serve:
        """The same, for so many connections at once, and with no trace of how one broke off."""

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            try:
                if len(self._open) < MOST_CONNECTIONS:
                    self._open.add(task)
                    await serve(reader, writer)
            except (OSError, asyncio.CancelledError):
                return
            finally:
                self._open.discard(task)
                writer.close()

        return accept

    def _forward(self, port: int) -> Serve:
        """Pass a connection on to a port of this machine's loopback."""

        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for address in _LOOPBACKS:
                with suppress(OSError, TimeoutError):
                    async with asyncio.timeout(PATIENCE):
                        far = await self._outside.connect(address, port)
                    await join(reader, writer, far, self.book.enter(Widening("loopback", str(port))))
                    return

        return forward
