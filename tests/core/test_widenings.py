"""What the walls denied to a real command is asked for exactly, allowed exactly, and remembered exactly."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from assent_core.consent.gate import Answer
from assent_core.consent.ledger import Ledger
from assent_core.events import AnyEvent, Decided, Performed
from assent_sandbox.policy import Widening
from rehearsed import Said

FETCH = (
    "python3 -c 'import sys, urllib.request as u; [print(u.urlopen(url, timeout=9).read()) for url in sys.argv[1:]]'"
)


@pytest.fixture
async def ports() -> AsyncIterator[tuple[str, list[int]]]:
    """The address of this machine that is not its loopback, and ports of it where HTTP is spoken."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        try:
            door.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but its loopback")
        address = door.getsockname()[0]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nfetched")
        await writer.drain()
        writer.close()

    servers = [await asyncio.start_server(answer, address, 0) for _ in range(3)]
    yield address, [server.sockets[0].getsockname()[1] for server in servers]
    for server in servers:
        server.close()


async def told(session, prompt: str = "go") -> list[AnyEvent]:
    async with aclosing(session.turn(prompt)) as events:
        return [event async for event in events]


def of(kind: Callable[..., AnyEvent], events: list[AnyEvent]) -> list[AnyEvent]:
    return [event for event in events if isinstance(event, kind)]


def script(*commands: str) -> str:
    steps = (f"[[worker]]\nshell = {json.dumps(command)}\n" for command in commands)
    return "".join(steps) + '[[worker]]\nsay = "Done."\n'


async def test_each_host_that_a_command_reaches_next_is_asked_for_alone(opened, ports):
    address, numbers = ports
    urls = " ".join(f"http://{address}:{number}/" for number in numbers)
    user = Said(*[Answer(True)] * 4)
    opening = Widening("host", f"{address}:{numbers[0]}")
    first = (
        f'{{ command = {json.dumps(f"{FETCH} {urls}")}, needs = [{{ kind = "host", target = "{opening.target}" }}] }}'
    )
    session = await opened(
        f'[[worker]]\ncall = {{ name = "shell", arguments = {first} }}\n[[worker]]\nsay = "Done."\n', user
    )
    events = await told(session)
    hosts = [Widening("host", f"{address}:{number}") for number in numbers]
    assert [question.reach for question in user.questions] == [tuple(hosts[:count]) for count in (1, 2, 3)]
    last = of(Performed, events)[-1]
    assert (last.ok, last.told.count("b'fetched'")) == (True, 3)
    assert f"passed: host {hosts[2].target} (1 connections, " in last.told


async def test_a_no_ends_the_asking_and_is_not_asked_again_in_this_task(opened, ports):
    address, numbers = ports
    command = f"http_proxy= {FETCH} http://{address}:{numbers[0]}/"
    user = Said(Answer(False, reason="stay at home"))
    session = await opened(script(command, command), user)
    events = await told(session)
    assert [question.reach for question in user.questions] == [(Widening("host", f"{address}:{numbers[0]}"),)]
    assert [event.allowed for event in of(Decided, events)] == [True, False, True]


async def test_a_host_that_was_allowed_for_the_session_is_allowed_again_unasked_and_no_other(
    opened, ports, tmp_path: Path
):
    address, numbers = ports
    one, other = (f"{FETCH} http://{address}:{number}/" for number in numbers[:2])
    user = Said(Answer(True, scope="session"), Answer(False))
    session = await opened(script(one, one, other), user)
    events = await told(session)
    assert [question.reach for question in user.questions] == [
        (Widening("host", f"{address}:{numbers[0]}"),),
        (Widening("host", f"{address}:{numbers[1]}"),),
    ]
    assert [event.by for event in of(Decided, events) if event.by == "grant"] == ["grant"]
    (grant,) = Ledger(next((tmp_path / "state").rglob("consent.jsonl"))).grants()
    assert (grant.widening, grant.scope) == (Widening("host", f"{address}:{numbers[0]}"), "session")


async def test_what_is_only_printed_raises_no_question_and_is_told_with_how_to_ask(opened, tmp_path: Path):
    (tmp_path / "private").write_text("x")
    user = Said(Answer(True))
    session = await opened(script(f"echo 'cat: {tmp_path}/private: Permission denied' >&2"), user)
    (performed,) = of(Performed, await told(session))
    assert user.questions == []
    assert "likely denied: file" in performed.told
    assert json.dumps([{"kind": "read", "target": f"{tmp_path}/private"}], separators=(",", ":")) in performed.told


async def test_a_hidden_file_is_asked_for_by_itself_and_a_no_ends_that_for_the_task(opened, tmp_path: Path):
    for name in ("one", "other"):
        (tmp_path / name).write_text("noted")
    user = Said(Answer(True), Answer(False))
    session = await opened(script(*(f"cat {tmp_path}/{name}" for name in ("one", "other", "other"))), user)
    performed = of(Performed, await told(session))
    wanted = [(Widening("read", f"{tmp_path}/{name}"),) for name in ("one", "other")]
    assert [question.reach for question in user.questions] == wanted
    assert [each.ok for each in performed] == [False, True, False, False]


async def test_a_port_of_this_machine_is_asked_for_and_reached(opened):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nfetched")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    command = json.dumps(f"{FETCH} http://127.0.0.1:{port}/")
    wish = f'{{ command = {command}, needs = [{{ kind = "host", target = "http://localhost:{port}/" }}] }}'
    user = Said(Answer(True))
    session = await opened(
        f'[[worker]]\ncall = {{ name = "shell", arguments = {wish} }}\n[[worker]]\nsay = "Done."\n', user
    )
    async with server:
        (performed,) = of(Performed, await told(session))
    assert user.questions[0].reach == (Widening("loopback", str(port)),)
    assert "fetched" in performed.told
