"""Passes one HTTP request, or a plain stream, on between two sides, and counts what passed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from assent_sandbox.policy import Denial, Traffic, Widening

if TYPE_CHECKING:
    import h11

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

HEAD = 16 << 10
"""Largest head of a request or an answer, in bytes."""
CHUNK = 1 << 16
_MOST_DENIALS = 20
_REASONS = {400: "Bad Request", 403: "Forbidden", 431: "Request Header Fields Too Large", 502: "Bad Gateway"}
_OF_ONE_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"proxy-authenticate", b"te", b"trailer",
     b"upgrade", b"expect", b"host"}
)  # fmt: skip


class Passage:
    """What passed through one way out so far."""

    def __init__(self) -> None:
        self.connections, self.sent, self.received = 0, 0, 0


class Book:
    """What passed and what was turned away while one command ran."""

    def __init__(self) -> None:
        self._passages: dict[Widening, Passage] = {}
        self._denials: dict[Denial, None] = {}

    def enter(self, widening: Widening) -> Passage:
        """Count one more connection; gives where its bytes are to be counted."""
        passage = self._passages.setdefault(widening, Passage())
        passage.connections += 1
        return passage

    def deny(self, denial: Denial) -> None:
        """Note what was turned away, each thing once."""
        if len(self._denials) < _MOST_DENIALS:
            self._denials[denial] = None

    @property
    def denials(self) -> tuple[Denial, ...]:
        """What was turned away, in the order in which it came."""
        return tuple(self._denials)

    @property
    def traffic(self) -> tuple[Traffic, ...]:
        """What passed, for each way that was used."""
        return tuple(Traffic(way, p.connections, p.sent, p.received) for way, p in self._passages.items())


def end_to_end(message: h11.Request | h11.Response) -> list[tuple[bytes, bytes]]:
    """Its headers as they were written, without those that are of one connection alone."""
    listed = (value for name, value in message.headers if name == b"connection")
    named = {each.strip().lower() for value in listed for each in value.split(b",")}
    left_out = _OF_ONE_HOP | named - {b"content-length", b"transfer-encoding"}
    return [(name, value) for name, value in message.headers.raw_items() if name.lower() not in left_out]


async def exchange(client: h11.Connection, near: Streams, onward: h11.Request, far: Streams, passage: Passage) -> None:
    """Send one request on and its answer back; what the client sends after it is not read."""
    import h11

    server = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD)
    await _put(far[1], server.send(onward), passage)
    if client.they_are_waiting_for_100_continue:
        await _put(near[1], client.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")))
    upload = asyncio.create_task(_upload(client, near[0], server, far[1], passage))
    try:
        while True:
            event = server.next_event()
            if event is h11.NEED_DATA:
                data = await far[0].read(CHUNK)
                passage.received += len(data)
                server.receive_data(data)
            elif isinstance(event, h11.Response):
                headers = [*end_to_end(event), (b"Connection", b"close")]
                answer = h11.Response(status_code=event.status_code, headers=headers, reason=event.reason)
                await _put(near[1], client.send(answer))
            elif isinstance(event, h11.Data):
                await _put(near[1], client.send(h11.Data(data=bytes(event.data))))
            elif isinstance(event, h11.EndOfMessage):
                await _put(near[1], client.send(h11.EndOfMessage()))
                return
            elif not isinstance(event, h11.InformationalResponse):
                raise ConnectionError("the host broke off")
    finally:
        upload.cancel()
        with suppress(asyncio.CancelledError, OSError, h11.ProtocolError):
            await upload


async def _upload(
    client: h11.Connection,
    reader: asyncio.StreamReader,
    server: h11.Connection,
    writer: asyncio.StreamWriter,
    passage: Passage,
) -> None:
    import h11

    while True:
        event = client.next_event()
        if event is h11.NEED_DATA:
            client.receive_data(await reader.read(CHUNK))
        elif isinstance(event, h11.Data):
            await _put(writer, server.send(h11.Data(data=bytes(event.data))), passage)
        else:
            if isinstance(event, h11.EndOfMessage):
                await _put(writer, server.send(h11.EndOfMessage()), passage)
            return


async def _put(writer: asyncio.StreamWriter, data: bytes | None, passage: Passage | None = None) -> None:
    if data:
        writer.write(data)
        await writer.drain()
        if passage:
            passage.sent += len(data)


async def join(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far: Streams, passage: Passage, early: bytes = b""
) -> None:
    """Pass everything on in both directions until both sides have ended; `early` was read already."""

    async def send() -> None:
        data = early or await reader.read(CHUNK)
        while data:
            passage.sent += len(data)
            await _put(far[1], data)
            data = await reader.read(CHUNK)
        far[1].write_eof()

    async def receive() -> None:
        while data := await far[0].read(CHUNK):
            passage.received += len(data)
            await _put(writer, data)
        writer.write_eof()

    both = (asyncio.create_task(send()), asyncio.create_task(receive()))
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for each in both:
            each.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        far[1].close()


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: int, why: str) -> None:
    """Answer with a refusal, and read what still comes for a moment, so that the answer is not lost by a reset."""
    body = f"assent: {why}\n".encode()
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    await _put(writer, head.encode() + b"Connection: close\r\n\r\n" + body)
    writer.write_eof()
    with suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            for _ in range(64):
                if not await reader.read(CHUNK):
                    return
