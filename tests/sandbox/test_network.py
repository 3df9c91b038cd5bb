"""With a consent to the network programs connect to hosts in every way they know, and to no unix socket."""

# ruff: noqa: E501 - a script stays on one line

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from assent_sandbox.policy import Policy, Widening
from assent_sandbox.stage import Stage
from staged import sh

NETWORK = Policy(widenings=(Widening("network"),))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "repo").mkdir()
    return tmp_path / "repo"


class Service:
    """Answers whoever connects, over TCP, and whoever sends, over UDP, until it is closed."""

    def __init__(self) -> None:
        self.door = socket.create_server(("127.0.0.1", 0))
        self.letters = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.letters.bind(("127.0.0.1", 0))
        self.threads = [threading.Thread(target=each, daemon=True) for each in (self._serve, self._answer)]
        for thread in self.threads:
            thread.start()

    @property
    def ports(self) -> tuple[int, int]:
        return self.door.getsockname()[1], self.letters.getsockname()[1]

    def _serve(self) -> None:
        while True:
            visitor, _ = self.door.accept()
            with visitor:
                if not visitor.recv(1).strip(b"q"):
                    return
                visitor.sendall(b"answer\n")

    def _answer(self) -> None:
        while (letter := self.letters.recvfrom(9))[0] != b"q":
            self.letters.sendto(b"letter\n", letter[1])

    def close(self) -> None:
        with socket.create_connection(("127.0.0.1", self.ports[0])) as last:
            last.sendall(b"q")
        self.letters.sendto(b"q", self.letters.getsockname())
        for thread in self.threads:
            thread.join()
        self.door.close()
        self.letters.close()


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


WAYS = {
    "blocking": "s = socket.create_connection(('127.0.0.1', TCP)); s.send(b'x'); print(s.recv(99))",
    "with a time limit": "s = socket.create_connection(('127.0.0.1', TCP), 30); s.send(b'x'); print(s.recv(99))",
    "without blocking": (
        "s = socket.socket(); s.setblocking(False); e = s.connect_ex(('127.0.0.1', TCP)); assert e in (0, 115), e\n"
        "select.select([], [s], [], 30); print(s.getsockopt(1, 4), s.getblocking()); s.send(b'x'); select.select([s], [], [], 30); print(s.recv(99))"
    ),
    "asyncio": (
        "import asyncio\nasync def main():\n    r, w = await asyncio.open_connection('127.0.0.1', TCP); w.write(b'x'); print(await r.read(99)); w.close()\n"
        "asyncio.run(main())"
    ),
    "by name": "s = socket.create_connection(('localhost', TCP)); s.send(b'x'); print(s.recv(99))",
    "datagrams": "s = socket.socket(2, 2); s.settimeout(30); s.sendto(b'x', ('127.0.0.1', UDP)); print(s.recv(99))",
    "connected datagrams": "s = socket.socket(2, 2); s.settimeout(30); s.connect(('127.0.0.1', UDP)); s.send(b'x'); print(s.recv(99)); print(s.connect_ex(('0.0.0.0', 0)) >= 0)",
    "many at once": (
        "import threading\ndef ask(): s = socket.create_connection(('127.0.0.1', TCP)); s.send(b'x'); got.append(s.recv(99))\n"
        "got = []; ts = [threading.Thread(target=ask) for _ in range(20)]; [t.start() for t in ts]; [t.join() for t in ts]; print(len(got))"
    ),
    "refused": "print(socket.socket().connect_ex(('127.0.0.1', 1)))",
    "an address that is none": "l = ctypes.CDLL(None, use_errno=True); print(l.connect(socket.socket().fileno(), b'', 1), ctypes.get_errno())",
}
ANSWERS = {
    "datagrams": "b'letter\\n'\n", "connected datagrams": "b'letter\\n'\nTrue\n", "many at once": "20\n", "refused": "111\n",
    "without blocking": "0 False\nb'answer\\n'\n",
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
async def test_what_was_consented_to_goes_on_as_without_walls(stage: Stage, service: Service, way: str) -> None:
    tcp, udp = service.ports
    head = f"import ctypes, select, socket; TCP, UDP = {tcp}, {udp}\n"
    ended = await sh(stage, f"python3 -I -S - <<'END'\n{head}{WAYS[way]}\nEND", NETWORK)
    if way == "an address that is none":
        assert ended.output.startswith(b"-1 ")
    else:
        assert ended.output.decode() == ANSWERS.get(way, "b'answer\\n'\n")


async def test_without_a_consent_nobody_is_reached(stage: Stage, service: Service) -> None:
    script = f"import socket\ntry: print(socket.socket().connect_ex(('127.0.0.1', {service.ports[0]})))\nexcept OSError as e: print(e.errno)"
    ended = await sh(stage, f"python3 -I -S - <<'END'\n{script}\nEND")
    assert ended.output in (b"13\n", b"111\n")


async def test_a_socket_of_the_user_is_not_reached_with_the_network(stage: Stage, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        agent.listen()
        agent.setblocking(False)
        script = f"import socket\nfor kind in (1, 2, 5):\n    try: socket.socket(1, kind).connect('{tmp_path}/agent'); print('reached')\n    except OSError: pass"
        ended = await sh(stage, f"python3 -I -S - <<'END'\n{script}\nEND", NETWORK)
        assert ended.output == b""
        with pytest.raises(BlockingIOError):
            agent.accept()
