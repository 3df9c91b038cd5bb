"""What a consent opens of the network is open to real programs behind real walls, and nothing beside it."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from assent_sandbox.cell.names import Names
from assent_sandbox.policy import Command, Denial, Ended, Policy, Tier, View, Widening
from assent_sandbox.running.exits import Outside
from assent_sandbox.running.relay import Streams
from assent_sandbox.running.run import Walls
from assent_sandbox.stage import WallsError
from patient import until

PUBLIC = "93.184.215.14"
HTTP, HTTPS = Widening("host", "made.up:80"), Widening("host", "made.up:443")
FETCH = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=60).read().decode())"


class Web:
    """A web server of ours, plain and over TLS, that stands for the internet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heard: list[str] = []
        self.ports: dict[int, int] = {}
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, tls: ssl.SSLContext | None) -> None:
        for port, context in ((80, None), (443, tls)):
            if port == 80 or context:
                server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
                self._servers.append(server)
                self.ports[port] = server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.02)  # so that transports are closed before the loop is

    async def resolve(self, name: str, port: int) -> Sequence[str]:
        return [PUBLIC]

    async def connect(self, address: str, port: int) -> Streams:
        own = address in ("127.0.0.1", "::1")
        assert own or address == PUBLIC
        return await asyncio.open_connection("127.0.0.1", port if own else self.ports[port])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heard.append(head)
            writer.write(self._answer(head.split()[1]))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    def _answer(self, path: str) -> bytes:
        if path.startswith("/away"):
            return b"HTTP/1.1 302 Found\r\nLocation: http://other.up/\r\nContent-Length: 0\r\n\r\n"
        place = self.folder / path.strip("/").partition("?")[0]
        place = place / "index.html" if place.is_dir() else place
        if not place.is_file():
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        body = place.read_bytes()
        kind = b"text/html" if place.suffix == ".html" else b"application/octet-stream"
        return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (kind, len(body), body)


class Inside:
    def __init__(self, walls: Walls, repository: Path) -> None:
        self.walls, self.repository = walls, repository

    async def __call__(self, *argv: str, by: Sequence[Widening] = ()) -> Ended:
        pieces = [p async for p in self.walls.run(Command(argv=argv), Policy(widenings=tuple(by)))]
        assert isinstance(pieces[-1], Ended)
        return pieces[-1]

    async def sh(self, script: str, *by: Widening) -> Ended:
        return await self("sh", "-c", script, by=by)

    async def py(self, script: str, *arguments: str, by: Sequence[Widening] = ()) -> Ended:
        return await self("python3", "-c", script, *arguments, by=by)

    async def fetch(self, url: str, *by: Widening) -> Ended:
        return await self.py(FETCH, url, by=by)


async def raised(tmp_path: Path, tier: Tier, monkeypatch: pytest.MonkeyPatch) -> Inside:
    for name in ("repo", "home", "state/upper", "state/work", "state/copy"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    state = tmp_path / "state"
    view = View(
        tier=tier, root=str(tmp_path / "repo"), home=str(state), upper=str(state / "upper"), work=str(state / "work"),
        copy=str(state / "copy"),
    )  # fmt: skip
    return Inside(await Walls.raise_around(view), tmp_path / "repo")


@pytest.fixture
async def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inside]:
    inside = await raised(tmp_path, "overlay", monkeypatch)
    yield inside
    await inside.walls.close()


@pytest.fixture
def authority(tmp_path: Path) -> ssl.SSLContext | None:
    """A certificate of ours for `made.up`, which lies in the repository for commands to trust."""
    if not shutil.which("openssl"):
        return None
    folder = tmp_path / "authority"
    folder.mkdir()
    given = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=made.up")
    names = ("-addext", "subjectAltName=DNS:made.up", "-keyout", "key", "-out", "cert")
    subprocess.run(["openssl", "req", *given, *names], cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


@pytest.fixture
async def web(run: Inside, tmp_path: Path, authority: ssl.SSLContext | None) -> AsyncIterator[Web]:
    (tmp_path / "web").mkdir()
    (tmp_path / "web/page").write_text("hello from outside")
    web = Web(tmp_path / "web")
    await web.start(authority)
    if authority:
        shutil.copy(tmp_path / "authority/cert", run.repository / "cert")
    run.walls.outside = Outside(web.resolve, web.connect)
    yield web
    await web.stop()


def offered(ended: Ended) -> list[tuple[str, Widening | None]]:
    return [(denial.certainty, denial.widening) for denial in ended.denials]


def needs(program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")


# A host


async def test_python_fetches_from_a_granted_host_and_what_passed_is_counted(run: Inside, web: Web):
    ended = await run.fetch("http://made.up/page", HTTP)
    assert (ended.code, ended.output.decode().strip(), ended.denials) == (0, "hello from outside", ())
    (traffic,) = ended.traffic
    assert (traffic.widening, traffic.connections) == (HTTP, 1)
    assert traffic.sent == len(web.heard[0]) and traffic.received > len("hello from outside")


async def test_python_fetches_by_tls_whose_certificate_it_checks_itself(run: Inside, web: Web):
    needs("openssl")
    ended = await run.sh(f"SSL_CERT_FILE=cert python3 -c '{FETCH}' https://made.up/page", HTTPS)
    assert (ended.code, ended.output.decode().strip()) == (0, "hello from outside")
    assert (await run.fetch("https://made.up/page", HTTPS)).code == 1


@pytest.mark.parametrize("program", ["curl -sS", "wget -q -O-"])
async def test_command_line_tools_fetch_by_the_proxy_in_the_environment(run: Inside, web: Web, program: str):
    needs(program.partition(" ")[0])
    ended = await run.sh(f"{program} http://made.up/page", HTTP)
    assert (ended.code, ended.output) == (0, b"hello from outside")


async def test_curl_tunnels_to_a_granted_host(run: Inside, web: Web):
    needs("curl")
    needs("openssl")
    ended = await run.sh("curl -sS --cacert cert https://made.up/page", HTTPS)
    assert (ended.code, ended.output) == (0, b"hello from outside")


async def test_git_clones_from_a_granted_host(run: Inside, web: Web, tmp_path: Path):
    needs("git")
    made = (
        "git init -q -b main w && cd w && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one && "
        "git clone -q --bare . ../web/it.git && cd ../web/it.git && git update-server-info"
    )
    subprocess.run(["sh", "-c", made], cwd=tmp_path, check=True, capture_output=True)
    ended = await run.sh("git clone -q http://made.up/it.git got && git -C got log --format=%s", HTTP)
    assert (ended.code, ended.output.decode().strip()) == (0, "one")
    if shutil.which("openssl"):
        tls = await run.sh("git -c http.sslCAInfo=$PWD/cert clone -q https://made.up/it.git safe", HTTPS)
        assert (tls.code, tls.output) == (0, b"")
    refused = await run.sh("git clone -q http://made.up/it.git again")
    assert refused.code and offered(refused) == [("sure", HTTP)]


async def test_pip_installs_from_a_granted_host_and_is_led_to_the_next(run: Inside, web: Web, tmp_path: Path):
    wheel = tmp_path / "web" / "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("tiny.py", "")
        file.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        file.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("tiny-1.dist-info/RECORD", "")
    (tmp_path / "web/simple/tiny").mkdir(parents=True)
    index = tmp_path / "web/simple/tiny/index.html"
    index.write_text(f'<!DOCTYPE html><a href="http://files.up/{wheel.name}">{wheel.name}</a>')
    pip = (
        "python3 -m pip --version >/dev/null 2>&1 || exit 77; python3 -m pip download -q --retries 0 --no-deps -d got "
        "--index-url http://made.up/simple --trusted-host made.up --trusted-host files.up tiny && ls got"
    )
    first = await run.sh(pip, HTTP)
    if first.code == 77:
        pytest.skip("this python has no pip")
    files = Widening("host", "files.up:80")
    assert first.code and offered(first) == [("sure", files)]
    second = await run.sh(pip, HTTP, files)
    assert (second.code, second.output.decode().split()) == (0, [wheel.name])
    assert {each.widening for each in second.traffic} == {HTTP, files}


async def test_a_redirect_to_another_host_is_denied_and_that_host_is_offered(run: Inside, web: Web):
    ended = await run.fetch("http://made.up/away", HTTP)
    assert ended.code and offered(ended) == [("sure", Widening("host", "other.up:80"))]


async def test_the_proxy_is_the_only_way_out(run: Inside, web: Web):
    direct = f"""
import socket
for kind, family, target in ((socket.SOCK_STREAM, socket.AF_INET, ("{PUBLIC}", 80)), (socket.SOCK_DGRAM, socket.AF_INET,
        ("{PUBLIC}", 53)), (socket.SOCK_STREAM, socket.AF_INET6, ("2606:2800::1", 80)),
        (socket.SOCK_STREAM, socket.AF_INET, ("127.0.0.1", {web.ports[80]}))):
    door = socket.socket(family, kind)
    door.settimeout(30)
    try:
        door.connect(target)
        door.send(b"x")
        print("out", target)
    except OSError as error:
        print("no", error.errno)
try:
    print("out", socket.getaddrinfo("made.up", 80))
except OSError as error:
    print("no name")
"""
    ended = await run.py(direct, by=[HTTP])
    assert "out" not in ended.output.decode()
    assert web.heard == []
    assert ("sure", Widening("network")) in offered(ended)


async def test_the_port_of_the_proxy_can_be_neither_taken_nor_closed_from_inside(run: Inside, web: Web):
    ended = await run.py(
        "import os, socket, urllib.parse as p\n"
        "port = p.urlsplit(os.environ['http_proxy']).port\n"
        "for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):\n"
        "    door = socket.socket()\n"
        "    door.setsockopt(socket.SOL_SOCKET, option, 1)\n"
        "    try:\n        door.bind(('127.0.0.1', port)); door.listen(); print('taken')\n"
        "    except OSError as error:\n        print('no')\n",
        by=[HTTP],
    )
    assert ended.output.decode().split() == ["no", "no"]


async def test_proxies_are_in_the_environment_only_when_a_host_was_granted(run: Inside, web: Web):
    proxies = "env | grep -ic _proxy="
    assert (await run.sh(proxies)).output.strip() == b"0"
    assert (await run.sh(proxies, Widening("loopback", "5432"))).output.strip() == b"0"
    assert (await run.sh(proxies, HTTP, Widening("network"))).output.strip() == b"0"
    assert int((await run.sh(proxies, HTTP)).output) > 6


async def test_a_flood_of_connections_is_bounded_and_leaves_nothing_open(run: Inside, web: Web):
    await run.fetch("http://made.up/page", HTTP)
    before = len(list(Path("/proc/self/fd").iterdir()))
    ended = await run.py(
        "import os, select, socket, urllib.parse as p\n"
        "port = p.urlsplit(os.environ['http_proxy']).port\n"
        "doors = [socket.create_connection(('127.0.0.1', port), 60) for _ in range(150)]\n"
        "watched = select.poll()\n"
        "for door in doors: watched.register(door, select.POLLIN)\n"
        "closed = 0\n"
        "while closed < 80:\n"
        "    for door, _ in watched.poll():\n        watched.unregister(door); closed += 1\n"
        "print(closed)\n",
        by=[HTTP],
    )
    assert ended.code == 0 and int(ended.output) >= 80
    await until(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before)
    assert (await run.fetch("http://made.up/page", HTTP)).code == 0


async def test_what_is_open_when_a_command_ends_is_closed(run: Inside, web: Web):
    ended = await run.sh(
        "python3 -c 'import os, socket, time, urllib.parse as p\n"
        'port = p.urlsplit(os.environ["http_proxy"]).port\n'
        'door = socket.create_connection(("127.0.0.1", port))\n'
        'door.send(b"CONNECT made.up:80 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")\n'
        'print(door.recv(12), flush=True); open("heard", "w"); time.sleep(600)\' & '
        "until test -e heard; do sleep 0.02; done",
        HTTP,
    )
    assert (ended.code, ended.output.strip()) == (0, b"b'HTTP/1.1 200'")


async def test_a_real_address_of_this_machine_is_open_only_if_exactly_it_was_granted(run: Inside):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        try:
            door.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but its loopback")
        own = door.getsockname()[0]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        writer.close()

    server = await asyncio.start_server(answer, own, 0)
    port = server.sockets[0].getsockname()[1]
    exact = Widening("host", f"{own}:{port}")
    async with server:
        denied = await run.fetch(f"http://{own}:{port}/", HTTP)
        allowed = await run.fetch(f"http://{own}:{port}/", exact)
    assert denied.code and offered(denied) == [("sure", exact)]
    assert (allowed.code, allowed.output.strip()) == (0, b"hi")


# Names


async def test_a_name_that_was_looked_for_is_a_sure_denial_that_names_exactly_it(run: Inside):
    ended = await run.fetch("https://example.net/simple/")
    (denial,) = ended.denials
    assert denial == Denial(
        kind="network",
        target="example.net:443",
        certainty="sure",
        why=denial.why,
        widening=Widening("host", "example.net:443"),
    )


async def test_the_name_server_answers_at_once_and_withstands_nonsense(run: Inside):
    ended = await run.py(
        "import os, socket, time\n"
        "door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); door.connect(('127.0.0.1', 53))\n"
        "for nonsense in (b'', b'\\0', b'\\0' * 12, b'\\xff' * 600, b'a' * 13, b'\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\x3fab'):\n"
        "    door.send(nonsense)\n"
        "for _ in range(3000):\n    door.send(os.urandom(40))\n"
        "calm = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); calm.connect(('127.0.0.1', 53)); calm.settimeout(0.2)\n"
        "question = b'ok\\1\\0\\0\\1' + bytes(6) + b'\\4calm\\0\\0\\1\\0\\1'\n"
        "for _ in range(300):\n    calm.send(question)\n"
        "    try:\n        if calm.recv(512)[:2] == b'ok':\n            break\n"
        "    except TimeoutError:\n        continue\n"
        "try:\n    socket.getaddrinfo('example.net', 443)\n"
        "except OSError as error:\n    print(error.errno == socket.EAI_AGAIN)\n"
    )
    assert ended.output.decode().split() == ["True"]
    assert {"calm:443", "example.net:443"} <= {denial.target for denial in ended.denials}


def test_queries_that_nobody_had_time_for_before_the_command_ended_are_noted_too():
    names = Names(port=0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        with socket.socket(fileno=os.dup(names.fileno())) as server:
            door.connect(server.getsockname())
        for number in range(64):
            name = b"last" if number == 63 else b"many"
            door.send(bytes(5) + b"\1" + bytes(6) + b"\4" + name + b"\0\0\1\0\1")
        names.answer()
        assert list(names.noted) == ["many"]
        assert names.all_noted() == ["many", "last"]
    names._door.close()


async def test_the_names_of_this_machine_are_found_and_are_no_denial(run: Inside):
    ended = await run.py(
        "import socket; print(socket.gethostbyname('localhost'), socket.gethostbyname(socket.gethostname()))"
    )
    assert (ended.code, ended.denials) == (0, ())


# A port of this machine


async def test_a_granted_port_of_this_machine_is_reached_at_its_own_number_and_no_other(run: Inside, web: Web):
    port = Widening("loopback", str(web.ports[80]))
    for host in ("127.0.0.1", "localhost", "[::1]"):
        ended = await run.fetch(f"http://{host}:{web.ports[80]}/page", port)
        assert (ended.code, ended.output.decode().strip()) == (0, "hello from outside")
        assert [each.widening for each in ended.traffic] == [port]
    assert (await run.fetch(f"http://127.0.0.1:{web.ports[80]}/page", Widening("loopback", "1"))).code
    assert (await run.fetch(f"http://127.0.0.1:{web.ports[80]}/page")).code


async def test_a_granted_port_where_nobody_listens_ends_the_connection(run: Inside):
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = str(door.getsockname()[1])
        ended = await run.py(
            f"import socket; print(socket.create_connection(('127.0.0.1', {port}), 60).recv(9))",
            by=[Widening("loopback", port)],
        )
    assert ended.output.strip() == b"b''"


async def test_a_port_and_a_host_can_be_open_together_also_at_the_number_of_the_proxy(run: Inside, web: Web):
    ended = await run.fetch("http://made.up/page", HTTP, Widening("loopback", "61080"))
    assert ended.code == 0


# A socket


async def test_a_granted_socket_is_reached_and_others_beside_it_are_not(run: Inside, tmp_path: Path):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hi")
        writer.close()

    folder = Path(tempfile.mkdtemp(prefix="assent-", dir="/tmp"))
    servers = [await asyncio.start_unix_server(answer, folder / name) for name in ("one", "two")]
    talk = "import socket, sys; d = socket.socket(socket.AF_UNIX); d.connect(sys.argv[1]); print(d.recv(9))"
    granted = [Widening("socket", str(folder / "one"))]
    try:
        ended = await run.py(talk, str(folder / "one"), by=granted)
        assert (ended.code, ended.output.strip()) == (0, b"b'hi'")
        assert (await run.py(talk, str(folder / "two"), by=granted)).code
        refused = await run.py(talk, str(folder / "one"))
        assert refused.code and offered(refused) == []
        named = await run.sh(f"echo '{folder}/one: Connection refused'; exit 1")
        assert offered(named) == [("likely", granted[0])]
        assert (await run.py(talk, str(folder / "one"), by=[Widening("read", str(folder))])).code
        assert (await run.py(talk, str(folder / "one"), by=[Widening("read", str(folder / "one"))])).code
        assert (await run.py(talk, str(folder / "one"), by=[Widening("write", str(folder))])).code
        (folder / "link").symlink_to("one")
        assert (await run.py(talk, str(folder / "one"), by=[Widening("socket", str(folder / "link"))])).code == 0
    finally:
        for server in servers:
            server.close()
        shutil.rmtree(folder)


# The copy tier


@pytest.mark.parametrize("kind", ["host", "loopback", "socket"])
async def test_the_copy_tier_says_that_it_cannot_open_one_thing_alone(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    inside = await raised(tmp_path, "copy", monkeypatch)
    targets = {"host": "made.up:80", "loopback": "5432", "socket": "/run/x.sock"}
    one = Widening(kind, targets[kind])  # pyright: ignore[reportArgumentType]
    try:
        with pytest.raises(WallsError, match="cannot open"):
            await inside.sh("true", one)
        assert (await inside.sh("true", one, Widening("network"))).code == 0
        assert (await inside.sh("true")).code == 0
    finally:
        await inside.walls.close()


# Package managers


async def test_npm_installs_from_a_granted_registry(run: Inside, web: Web, tmp_path: Path):
    needs("npm")
    with tarfile.open(tmp_path / "web/tiny-1.0.0.tgz", "w:gz") as archive:
        _put(archive, "package/package.json", b'{"name": "tiny", "version": "1.0.0"}')
        _put(archive, "package/index.js", b"module.exports = 4711\n")
    version = {"name": "tiny", "version": "1.0.0", "dist": {"tarball": "http://made.up/tiny-1.0.0.tgz"}}
    about = {"name": "tiny", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    (tmp_path / "web/tiny").write_text(json.dumps(about))
    install = "npm install --no-audit --no-save --fetch-retries=0 --registry http://made.up/ tiny 2>&1"
    refused = await run.sh(install)
    assert refused.code and offered(refused) == [("sure", HTTP)]
    ended = await run.sh(f"{install} > log || cat log; node -p 'require(\"tiny\")'", HTTP)
    assert (ended.code, ended.output) == (0, b"4711\n")


async def test_cargo_fetches_from_a_granted_registry(run: Inside, web: Web, tmp_path: Path):
    needs("cargo")
    with tarfile.open(tmp_path / "web/tiny.crate", "w:gz") as archive:
        _put(archive, "tiny-1.0.0/Cargo.toml", b'[package]\nname = "tiny"\nversion = "1.0.0"\n')
        _put(archive, "tiny-1.0.0/src/lib.rs", b"")
    sum = hashlib.sha256((tmp_path / "web/tiny.crate").read_bytes()).hexdigest()
    (tmp_path / "web/index/ti/ny").mkdir(parents=True)
    (tmp_path / "web/index/config.json").write_text('{"dl": "http://made.up/{crate}.crate"}')
    entry = {"name": "tiny", "vers": "1.0.0", "deps": [], "cksum": sum, "features": {}, "yanked": False}
    (tmp_path / "web/index/ti/ny/tiny").write_text(json.dumps(entry) + "\n")
    (run.repository / "src").mkdir()
    (run.repository / "src/lib.rs").write_text("")
    (run.repository / "Cargo.toml").write_text(
        '[package]\nname = "it"\nversion = "0.1.0"\n[dependencies]\ntiny = { version = "1", registry = "made" }\n'
    )
    fetch = (
        f"export CARGO_HOME=$PWD/.home RUSTUP_HOME={pwd.getpwuid(os.getuid()).pw_dir}/.rustup CARGO_NET_RETRY=0 "
        "CARGO_REGISTRIES_MADE_INDEX=sparse+http://made.up/index/; "
        "cargo fetch 2>&1 && ls .home/registry/src/*"
    )
    ended = await run.sh(fetch, HTTP)
    assert (ended.code, ended.output.split()[-1]) == (0, b"tiny-1.0.0")


async def test_go_downloads_from_a_granted_proxy_of_modules(run: Inside, web: Web, tmp_path: Path):
    needs("go")
    versions = tmp_path / "web/tiny.up/it/@v"
    versions.mkdir(parents=True)
    (versions / "v1.0.0.info").write_text('{"Version": "v1.0.0"}')
    (versions / "v1.0.0.mod").write_text("module tiny.up/it\n")
    with zipfile.ZipFile(versions / "v1.0.0.zip", "w") as file:
        file.writestr("tiny.up/it@v1.0.0/it.go", "package it\n")
    download = (
        "export GOPATH=$PWD/.go GOSUMDB=off GOFLAGS=-modcacherw GOPROXY=http://made.up; "
        "go mod download tiny.up/it@v1.0.0 2>&1 && ls .go/pkg/mod/tiny.up"
    )
    ended = await run.sh(download, HTTP)
    assert (ended.code, ended.output.split()) == (0, [b"it@v1.0.0"])


async def test_node_fetches_where_it_knows_of_proxies_and_else_goes_past_and_is_told_so(run: Inside, web: Web):
    needs("node")
    fetch = "node -e 'fetch(\"http://made.up/page\").then(r => r.text()).then(console.log)'"
    ended = await run.sh(fetch, HTTP)
    if ended.code == 0:
        assert ended.output == b"hello from outside\n"
    else:
        (denial,) = ended.denials
        assert (denial.widening, "goes past that" in denial.why) == (Widening("network"), True)


def _put(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))
