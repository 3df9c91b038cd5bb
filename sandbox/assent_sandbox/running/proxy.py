"""The proxy behind which a command reaches the hosts that a consent names, and no other.

It runs outside the walls and treats whoever connects as hostile. One connection carries one request: what follows it is
never read as another. Names are looked up here, and the connection goes to the address that was checked.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from assent_sandbox.destinations import (
    Destination,
    as_address,
    is_loopback,
    is_public,
    never_opened,
    read_destination,
)
from assent_sandbox.policy import Denial, Widening
from assent_sandbox.running.relay import CHUNK, HEAD, Book, Streams, end_to_end, exchange, join, say

if TYPE_CHECKING:
    import h11

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Connect = Callable[[str, int], Awaitable[Streams]]

PATIENCE = 10.0
"""Seconds for a head to come in, for a name to be found, for a connection to be made."""
_ABSOLUTE = re.compile(rb"(?i:http)://([^/?#\\@]+)([/?][!-~]*)?")
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


async def resolve(name: str, port: int) -> Sequence[str]:
    """The addresses of a name, as this machine finds them."""
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


async def connect(address: str, port: int) -> Streams:
    """Connect to an address; names are not looked up again."""
    return await asyncio.open_connection(address, port, flags=socket.AI_NUMERICHOST)


class Turned(Exception):
    """A request that is turned away: the status and the words of the answer, and the denial if a wall is the reason."""

    def __init__(self, status: int, why: str, denial: Denial | None = None) -> None:
        super().__init__(why)
        self.status, self.why, self.denial = status, why, denial


class Proxy:
    """Answers one client at a time; `hosts` are the granted `name:port`, `ports` the granted ones of our loopback."""

    def __init__(
        self, hosts: frozenset[str], ports: frozenset[int], book: Book, find: Resolve = resolve, join: Connect = connect
    ) -> None:
        self._hosts, self._ports, self._book = hosts, ports, book
        self._find, self._join = find, join

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection, with one request, to its end; raises OSError where either side breaks off."""
        import h11

        try:
            await self._answer(reader, writer)
        except Turned as turned:
            if turned.denial:
                self._book.deny(turned.denial)
            await say(reader, writer, turned.status, turned.why)
        except h11.ProtocolError:
            raise ConnectionError("a side does not speak HTTP") from None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import h11

        client = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD)
        request = await _read_head(client, reader)
        if request.method == b"CONNECT":
            way, far = await self._reach(_authority(request))
            writer.write(_ESTABLISHED)
            passage = self._book.enter(way)
            early = client.trailing_data[0]
            await join(reader, writer, far, passage, early)
        else:
            wanted, path = _absolute(request)
            onward = _onward(request, wanted, path)
            way, far = await self._reach(wanted)
            try:
                await exchange(client, (reader, writer), onward, far, self._book.enter(way))
            finally:
                far[1].close()

    async def _reach(self, wanted: Destination) -> tuple[Widening, Streams]:
        """Connect to a granted destination, by the address that was checked."""
        way, addresses = await self._addresses(wanted)
        for address in addresses:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    return way, await self._join(address, wanted.port)
        raise Turned(502, f"{wanted} could not be reached")

    async def _addresses(self, wanted: Destination) -> tuple[Widening, list[str]]:
        way, own = Widening("host", str(wanted)), Widening("loopback", str(wanted.port))
        if why := never_opened(wanted.host):
            raise _denied(wanted, f"no consent opens it: {why}")
        if is_loopback(wanted.host):
            if wanted.port in self._ports:
                return own, ["127.0.0.1", "::1"]
            raise _denied(wanted, "it is this machine's own, beyond the walls", own)
        if str(wanted) not in self._hosts:
            raise _denied(wanted, "the consent does not name it", way)
        if wanted.address:
            return way, [wanted.host]
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self._find(wanted.host, wanted.port)
        except (OSError, TimeoutError, UnicodeError):
            raise Turned(502, f"{wanted.host} was not found") from None
        return way, self._checked(wanted, found)

    def _checked(self, wanted: Destination, found: Sequence[str]) -> list[str]:
        """Those addresses of a name that it may be reached at; a private one only if exactly that was granted too."""
        good: list[str] = []
        turned = Turned(502, f"{wanted.host} has no address")
        for text in found:
            address = as_address(text)
            if address is None:
                continue
            private = Destination(str(address), wanted.port)
            if why := never_opened(private.host):
                turned = _denied(wanted, f"it leads to {private.host}, and no consent opens that: {why}")
            elif address.is_loopback and wanted.port not in self._ports:
                turned = _denied(wanted, "it leads back to this machine", Widening("loopback", str(wanted.port)))
            elif address.is_loopback or is_public(address) or str(private) in self._hosts:
                good.append(text)
            else:
                why = f"it leads to {private.host}, which is not of the open internet"
                turned = _denied(wanted, why, Widening("host", str(private)))
        if not good:
            raise turned
        return good


def _denied(wanted: Destination, why: str, widening: Widening | None = None) -> Turned:
    denial = Denial(kind="network", target=str(wanted), certainty="sure", why=why, widening=widening)
    return Turned(403, f"{wanted} is not open to this command: {why}", denial)


# Requests


async def _read_head(client: h11.Connection, reader: asyncio.StreamReader) -> h11.Request:
    import h11

    try:
        async with asyncio.timeout(PATIENCE):
            while (event := client.next_event()) is h11.NEED_DATA:
                client.receive_data(await reader.read(CHUNK))
    except h11.RemoteProtocolError as error:
        raise _odd(error.error_status_hint, "it is not HTTP") from None
    except TimeoutError:
        raise ConnectionError("no request came") from None
    if not isinstance(event, h11.Request):
        raise ConnectionError("no request came")
    names = {name for name, _ in event.headers}
    if {b"content-length", b"transfer-encoding"} <= names:
        raise _odd(400, "its length is given twice")
    if event.method == b"CONNECT" and names & {b"content-length", b"transfer-encoding"}:
        raise _odd(400, "a CONNECT has no body")
    return event


def _odd(status: int, why: str, target: str = "") -> Turned:
    denial = Denial(kind="network", target=target, certainty="sure", why=f"a request to the proxy was refused: {why}")
    return Turned(431 if status == 431 else 400, why, denial)


def _authority(request: h11.Request) -> Destination:
    text = request.target.decode("latin-1")
    wanted = read_destination(text)
    if wanted is None:
        raise _odd(400, "CONNECT takes one host and port", _plain(text))
    return wanted


def _absolute(request: h11.Request) -> tuple[Destination, bytes]:
    """Where a request that is no CONNECT goes, and the path there."""
    found = _ABSOLUTE.fullmatch(request.target)
    wanted = read_destination(found[1].decode("latin-1"), 80) if found else None
    if not found or wanted is None:
        raise _odd(400, "it must name http://host/path, or use CONNECT", _plain(request.target.decode("latin-1")))
    path = found[2] or b"/"
    return wanted, path if path.startswith(b"/") else b"/" + path


def _plain(text: str) -> str:
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text[:100])


def _onward(request: h11.Request, wanted: Destination, path: bytes) -> h11.Request:
    """The request as it is sent on: to the host that was checked, whatever its Host header said."""
    import h11

    host = str(wanted).removesuffix(":80").encode()
    headers = [(b"Host", host), *end_to_end(request), (b"Connection", b"close")]
    try:
        return h11.Request(method=request.method, target=path, headers=headers)
    except h11.LocalProtocolError:
        raise _odd(400, "its head cannot be sent on", str(wanted)) from None
