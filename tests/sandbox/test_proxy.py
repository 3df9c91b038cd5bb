"""The proxy lets through exactly what was granted, whatever is said to it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pytest

from assent_sandbox.destinations import Destination, read_destination, read_port, read_wish
from assent_sandbox.policy import Widening
from assent_sandbox.running import proxy as proxies
from assent_sandbox.running.proxy import Proxy
from assent_sandbox.running.relay import Book, Streams
from patient import PATIENCE

GRANTED = Widening("host", "made.up:80")
PUBLIC = "93.184.215.14"


class World:
    """A server of ours that everything public leads to, names that lead where a test says, and a proxy between."""

    def __init__(self) -> None:
        self.names: dict[str, Sequence[str]] = {"made.up": (PUBLIC,), "other.up": (PUBLIC,)}
        self.asked: list[str] = []
        self.joined: list[tuple[str, int]] = []
        self.heard: list[bytes] = []
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        self.echo = False
        self.book = Book()
        self._servers: list[asyncio.Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.broken: list[Exception] = []
        self._served: list[asyncio.StreamWriter] = []
        self.port = self.server_port = 0

    async def start(self, *hosts: str, ports: tuple[int, ...] = ()) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.server_port = server.sockets[0].getsockname()[1]
        asked = Proxy(frozenset(hosts), frozenset(ports), self.book, self._find, self._join)

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._note()
            try:
                await asked.serve(reader, writer)
            except (OSError, asyncio.CancelledError):
                return
            except Exception as error:
                self.broken.append(error)
            finally:
                writer.close()

        door = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.port = door.sockets[0].getsockname()[1]
        self._servers += [server, door]

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)

    def _note(self) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.append(task)

    async def _find(self, name: str, port: int) -> Sequence[str]:
        self.asked.append(name)
        if name not in self.names:
            raise OSError("no such name")
        return self.names[name]

    async def _join(self, address: str, port: int) -> Streams:
        self.joined.append((address, port))
        return await asyncio.open_connection("127.0.0.1", self.server_port)

    async def hang_up(self) -> None:
        """End what the server has open."""
        self._served[-1].close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._note()
        self._served.append(writer)
        try:
            if self.answer:
                self.heard.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self.answer)
            while data := await reader.read(65536):
                self.heard.append(data)
                if self.echo:
                    writer.write(b"echo " + data)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    async def say(self, *pieces: bytes) -> bytes:
        """Say something to the proxy and give all that comes back until it closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            async with asyncio.timeout(PATIENCE):
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()

    @property
    def refused(self) -> list[tuple[str, Widening | None]]:
        assert all(denial.kind == "network" and denial.certainty == "sure" for denial in self.book.denials)
        return [(denial.target, denial.widening) for denial in self.book.denials]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.stop()


def get(url: str, *headers: str, version: str = "1.1") -> bytes:
    return "\r\n".join((f"GET {url} HTTP/{version}", *headers, "", "")).encode()


HOST = "Host: made.up"


async def test_a_granted_host_answers_and_what_passed_is_counted(world: World):
    await world.start("made.up:80")
    answer = await world.say(get("http://made.up/a?b=c", HOST, "X-Own: 1"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"\r\n\r\nhello")
    (head,) = world.heard
    assert head.startswith(b"GET /a?b=c HTTP/1.1\r\nHost: made.up\r\n")
    assert b"X-Own: 1" in head and b"Connection: close" in head
    (traffic,) = world.book.traffic
    assert (traffic.widening, traffic.connections, traffic.sent) == (GRANTED, 1, len(head))
    assert traffic.received == len(world.answer)
    assert world.refused == []


async def test_the_connection_goes_to_the_address_that_was_checked(world: World):
    await world.start("made.up:80")
    await world.say(get("http://made.up/", HOST))
    assert (world.asked, world.joined) == (["made.up"], [(PUBLIC, 80)])


async def test_another_host_is_refused_with_the_exact_widening_and_never_looked_up(world: World):
    await world.start("made.up:80")
    answer = await world.say(get("http://other.up/", "Host: other.up"))
    assert answer.startswith(b"HTTP/1.1 403 Forbidden") and b"other.up:80 is not open to this command" in answer
    assert world.refused == [("other.up:80", Widening("host", "other.up:80"))]
    assert world.asked == world.joined == []


async def test_another_port_of_a_granted_host_is_refused(world: World):
    await world.start("made.up:80")
    assert b" 403 " in await world.say(get("http://made.up:8080/", HOST))
    assert b" 403 " in await world.say(b"CONNECT made.up:443 HTTP/1.1\r\nHost: made.up\r\n\r\n")
    assert world.refused == [
        ("made.up:8080", Widening("host", "made.up:8080")),
        ("made.up:443", Widening("host", "made.up:443")),
    ]


async def test_a_tunnel_passes_everything_on_in_both_directions_also_what_came_early(world: World):
    world.answer, world.echo = b"", True
    await world.start("made.up:443")
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(b"CONNECT made.up:443 HTTP/1.1\r\nHost: made.up:443\r\n\r\nearly")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established\r\n\r\n"
    assert await reader.readexactly(10) == b"echo early"
    writer.write(b"late")
    assert await reader.readexactly(9) == b"echo late"
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    (traffic,) = world.book.traffic
    assert (traffic.sent, traffic.received) == (9, 19)


async def test_a_host_header_does_not_change_where_a_request_goes_or_what_is_told_there(world: World):
    await world.start("made.up:80")
    await world.say(get("http://made.up/", "Host: other.up", "X-Forwarded-Host: x"))
    assert b"Host: made.up\r\n" in world.heard[0] and b"other.up" not in world.heard[0]


async def test_a_second_request_on_a_connection_is_never_sent_on(world: World):
    await world.start("made.up:80")
    answer = await world.say(get("http://made.up/1", HOST) + get("http://other.up/2", "Host: other.up") * 2)
    assert answer.count(b"HTTP/1.1") == 1
    assert b"/2" not in b"".join(world.heard)


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 6", "Transfer-Encoding: chunked"),
        ("Content-Length: 6", "Content-Length: 7"),
        ("Transfer-Encoding: chunked, identity"),
        ("Transfer-Encoding: xchunked",),
        ("Content-Length: +6",),
        ("Bad Header: 1",),
        ("Folded: a", " b: c\x00"),
        ("Host: made.up",),
    ],
)
async def test_a_request_with_two_readings_is_refused(world: World, headers: Sequence[str]):
    await world.start("made.up:80")
    smuggled = get("http://made.up/1", HOST, *headers) + b"0\r\n\r\n" + get("/evil", "Host: other.up")
    answer = await world.say(smuggled)
    assert b" 200 " not in answer
    assert b"evil" not in b"".join(world.heard)


@pytest.mark.parametrize(
    "target",
    [
        "made.up", "made.up:", ":443", "made.up:0", "made.up:65536", "made.up:443:80", "made.up:4 43", "user@made.up:443",
        "http://made.up:443", "/", "*", "made.up:443/", "made.up%00:443", "[made.up]:443", "made..up:443", "-made.up:443",
        "made.up:+443", "made.up:٤٤٣", "made.up\x0b:443", "[::1", "[fe80::1%25eth0]:443", "[::ffff:127.0.0.1]:443",
        "127.1:443", "0x7f000001:443", "2130706433:443", "0177.0.0.1:443", "1.2.3.4.5:443", "made.up.0x1:443",
    ],
)  # fmt: skip
async def test_a_connect_that_names_no_single_host_and_port_is_refused(world: World, target: str):
    await world.start("made.up:443", "made.up:80", "2130706433:443")
    answer = await world.say(f"CONNECT {target} HTTP/1.1\r\nHost: made.up\r\n\r\n".encode())
    assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 403")
    assert world.joined == []


@pytest.mark.parametrize(
    "target",
    [
        "/", "https://made.up/", "ftp://made.up/", "//made.up/", "http:/made.up/", "http://made.up:80@other.up/",
        "http://made.up\\@other.up/", "http://made.up#@other.up/", "http://made.up/\x7f", "http://", "http:///x",
        "file:///etc/passwd", "http://made.up:80:80/", "http://[::1/", "gopher://made.up/", "made.up/",
    ],
)  # fmt: skip
async def test_an_address_with_two_readings_is_refused(world: World, target: str):
    await world.start("made.up:80", "made.up:443")
    answer = await world.say(get(target, HOST))
    assert answer.startswith(b"HTTP/1.1 400")
    assert world.joined == []
    assert [widening for _, widening in world.refused] == [None]


@pytest.mark.parametrize("flood", [b"X: " + b"a" * 100_000, b"X: a\r\n" * 20_000, b"A" * 200_000])
async def test_a_flood_of_headers_is_cut_off(world: World, flood: bytes):
    await world.start("made.up:80")
    answer = await world.say(b"GET http://made.up/ HTTP/1.1\r\n", flood, b"\r\n\r\n")
    assert b" 200 " not in answer
    assert world.joined == []


async def test_a_head_that_never_ends_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(proxies, "PATIENCE", 0.1)
    await world.start("made.up:80")
    assert await world.say(b"GET http://made.up/ HTTP/1.1\r\nHost:") == b""


@pytest.mark.parametrize(
    ("address", "offered"),
    [
        ("127.0.0.1", Widening("loopback", "80")),
        ("127.8.8.8", Widening("loopback", "80")),
        ("::1", Widening("loopback", "80")),
        ("::ffff:127.0.0.1", Widening("loopback", "80")),
        ("64:ff9b::7f00:1", Widening("loopback", "80")),
        ("10.1.2.3", Widening("host", "10.1.2.3:80")),
        ("192.168.0.1", Widening("host", "192.168.0.1:80")),
        ("172.16.0.1", Widening("host", "172.16.0.1:80")),
        ("100.64.0.1", Widening("host", "100.64.0.1:80")),
        ("fd12::1", Widening("host", "[fd12::1]:80")),
        ("2002:a01:203::", Widening("host", "10.1.2.3:80")),
        ("169.254.169.254", None),
        ("fe80::1", None),
        ("fd00:ec2::254", None),
        ("::ffff:169.254.169.254", None),
        ("0.0.0.0", None),
        ("::", None),
        ("224.0.0.1", None),
        ("255.255.255.255", None),
        ("168.63.129.16", None),
    ],
)
async def test_a_name_that_leads_to_a_private_place_is_refused(world: World, address: str, offered: Widening | None):
    world.names["made.up"] = (address,)
    await world.start("made.up:80")
    assert b" 403 " in await world.say(get("http://made.up/", HOST))
    assert world.joined == []
    assert world.refused == [("made.up:80", offered)]


async def test_a_name_is_reached_only_at_those_of_its_addresses_that_are_open(world: World):
    world.names["made.up"] = ("127.0.0.1", PUBLIC, "10.0.0.1")
    await world.start("made.up:80")
    assert b" 200 " in await world.say(get("http://made.up/", HOST))
    assert world.joined == [(PUBLIC, 80)]


async def test_a_private_place_is_reached_when_exactly_it_was_granted_too(world: World):
    world.names["made.up"] = ("10.1.2.3",)
    await world.start("made.up:80", "10.1.2.3:80")
    assert b" 200 " in await world.say(get("http://made.up/", HOST))
    assert b" 200 " in await world.say(get("http://10.1.2.3/", "Host: 10.1.2.3"))
    assert b" 403 " in await world.say(get("http://10.1.2.3:81/", "Host: 10.1.2.3"))
    assert world.joined == [("10.1.2.3", 80)] * 2


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "app.localhost"])
async def test_our_own_loopback_is_reached_only_at_a_granted_port(world: World, host: str):
    await world.start("made.up:80", "127.0.0.1:80", "localhost:80", ports=(8000,))
    assert b" 403 " in await world.say(get(f"http://{host}/", HOST))
    assert b" 200 " in await world.say(get(f"http://{host}:8000/", HOST))
    assert [widening for _, widening in world.refused] == [Widening("loopback", "80")]


@pytest.mark.parametrize("host", ["169.254.169.254", "metadata.google.internal", "[fe80::1]", "0.0.0.0"])
async def test_the_metadata_service_is_refused_even_if_it_was_granted(world: World, host: str):
    await world.start(f"{host}:80")
    assert b" 403 " in await world.say(get(f"http://{host}/", HOST))
    assert [widening for _, widening in world.refused] == [None]


async def test_a_redirect_to_another_host_is_a_request_of_its_own(world: World):
    world.answer = b"HTTP/1.1 302 Found\r\nLocation: http://other.up/\r\nContent-Length: 0\r\n\r\n"
    await world.start("made.up:80")
    assert b"Location: http://other.up/" in await world.say(get("http://made.up/", HOST))
    assert b" 403 " in await world.say(get("http://other.up/", "Host: other.up"))


async def test_a_body_is_sent_on_whole_also_in_chunks_and_after_a_pause(world: World):
    world.answer = b""
    await world.start("made.up:80")
    for headers, body in (
        ("Content-Length: 4", b"body"),
        ("Transfer-Encoding: chunked", b"4\r\nbody\r\n0\r\n\r\n"),
    ):
        world.heard.clear()
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(f"POST http://made.up/ HTTP/1.1\r\n{HOST}\r\nExpect: 100-continue\r\n{headers}\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(body)
        async with asyncio.timeout(PATIENCE):
            while not b"".join(world.heard).endswith(body):
                await asyncio.sleep(0.01)
        assert b"Expect" not in b"".join(world.heard)
        writer.close()


async def test_an_answer_without_a_length_ends_with_the_connection(world: World):
    world.answer = b"HTTP/1.0 200 OK\r\n\r\nall of it"
    await world.start("made.up:80")
    task = asyncio.create_task(world.say(get("http://made.up/", HOST, version="1.0")))
    while not world.heard:
        await asyncio.sleep(0.01)
    await world.hang_up()
    assert (await task).endswith(b"all of it")


async def test_a_server_that_speaks_no_http_or_floods_ends_the_connection(world: World):
    await world.start("made.up:80")
    for world.answer in (b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000):
        assert b" 200 " not in await world.say(get("http://made.up/", HOST))


async def test_a_name_that_is_not_found_is_no_denial(world: World):
    del world.names["made.up"]
    await world.start("made.up:80")
    assert (await world.say(get("http://made.up/", HOST))).startswith(b"HTTP/1.1 502")
    assert world.refused == []


async def test_nothing_that_is_said_breaks_it(world: World):
    await world.start("made.up:80", "made.up:443")
    seeds = (get("http://made.up/", HOST, "Content-Length: 3"), b"CONNECT made.up:443 HTTP/1.1\r\nHost: a\r\n\r\nabc")
    chance = random.Random(7)
    for turn in range(300):
        said = bytearray(seeds[turn % 2])
        for _ in range(chance.randrange(1, 8)):
            said[chance.randrange(len(said))] = chance.choice(b"\r\n :/@[]\0\xff0a")
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(bytes(said[: chance.randrange(1, len(said) + 1)]))
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            await reader.read()
        writer.close()
    assert world.broken == []
    assert {address for address, _ in world.joined} <= {PUBLIC}


async def test_a_flood_of_refusals_is_noted_within_bounds(world: World):
    await world.start("made.up:80")
    for number in range(30):
        await world.say(get(f"http://h{number}.up/", "Host: x"))
    assert len(world.refused) == 20


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Example.Net:443", "example.net:443"), ("example.net.:443", "example.net:443"), ("1.2.3.4:80", "1.2.3.4:80"),
        ("[2001:DB8::0:1]:80", "[2001:db8::1]:80"), ("_x.y-z.org:1", "_x.y-z.org:1"),
        ("example.net", None), ("münchen.de:80", None),
        ("a b:80", None), ("", None), ("2001:db8::1:80", None), ("example.net:99999", None), ("x" * 64 + ".org:80", None),
    ],
)  # fmt: skip
def test_a_host_and_port_have_one_form(text: str, read: str | None):
    found = read_destination(text)
    assert (str(found) if found else None) == read
    assert found is None or read_destination(str(found)) == found


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("example.net", "example.net:443"), ("https://example.net/simple/", "example.net:443"), ("http://a.org", "a.org:80"),
        ("https://u:p@a.org:8443/x", "a.org:8443"), ("ssh://git@github.com/x", "github.com:22"), ("nope://a.org", None),
        ("https://good.org\\@evil.org/", "good.org:443"), ("a.org:22", "a.org:22"),
    ],
)  # fmt: skip
def test_what_means_a_host_is_read_as_one(text: str, read: str | None):
    found = read_wish(text)
    assert (str(found) if found else None) == read


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("5432", 5432),
        ("localhost:1", 1),
        ("[::1]:65535", 65535),
        ("0", None),
        ("65536", None),
        ("05", None),
        ("x", None),
    ],
)
def test_a_port_is_read_in_one_form(text: str, port: int | None):
    assert read_port(text) == port


def test_a_destination_reads_as_it_is_granted():
    assert str(Destination("fd12::1", 80)) == "[fd12::1]:80"
