"""Start a command inside the walls, stream what it writes, end it with all its children."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, Self

import msgspec
from msgspec import Struct

from assent_sandbox.denials import find_denials
from assent_sandbox.masks import SecretFiles
from assent_sandbox.plan import Plan, Surroundings, git_folders, plan, tmp_of
from assent_sandbox.policy import Command, Ended, Output, Policy, Tier, View
from assent_sandbox.stage import WallsError
from assent_sandbox.toolchains import find_interpreters, find_toolchains

_CHUNK = 1 << 16
_TOOLS_STAY = 10.0
GRACE = 0.3
"""Seconds that output is read after the leader ended."""
_START = "import sys; sys.path.insert(0, sys.argv[1]); from assent_sandbox import warden; warden.main({}, {!r}, {})"


class Report(Struct, frozen=True):
    """One line of a keeper: why nothing ran, that the leader ended, or how all of it went."""

    failed: str = ""
    ended: bool = False
    code: int | None = None
    cause: Literal["exit", "signal", "time", "memory", "disk", "output", "start"] = "exit"
    seconds: float = 0.0
    why: str = ""
    refusals: int = 0


class Kept:
    """The head and the tail of an endless output."""

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._head, self._tail = bytearray(), bytearray()
        self._cut = 0

    def add(self, data: bytes) -> None:
        """Take in a piece."""
        room = self._half - len(self._head)
        self._head += data[: max(room, 0)]
        self._tail += data[max(room, 0) :]
        if len(self._tail) > 2 * self._half:
            self._trim()

    def _trim(self) -> None:
        extra = max(len(self._tail) - self._half, 0)
        del self._tail[:extra]
        self._cut += extra

    def parts(self) -> tuple[bytes, bytes, int]:
        """Give head, tail, and how many bytes between them were dropped."""
        self._trim()
        return bytes(self._head), bytes(self._tail), self._cut


class Walls:
    """The warden of one stage: started once, warm before the first command, gone when we are gone."""

    def __init__(self, view: View, process: subprocess.Popen[bytes], door: socket.socket) -> None:
        self._view, self._process, self._door = view, process, door
        self._turn = asyncio.Lock()
        self._secrets = SecretFiles(view.root)
        self._count = 0
        self._tools: tuple[float, tuple[str, ...]] = (0.0, ())

    @classmethod
    async def raise_around(cls, view: View) -> Self:
        """Start the warden for a view; raises WallsError where its tier cannot be held here."""
        if not sys.platform.startswith("linux"):
            raise WallsError(f"The {view.tier} tier's walls need Linux.", "Use the copy tier of this system.")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = _start_warden(theirs, view.tier)
        ours.setblocking(False)
        walls = cls(view, process, ours)
        answer = await walls._hear()
        if answer != b"ready":
            await walls.close()
            raise WallsError(f"The walls of the {view.tier} tier could not be put up: {_said(answer)}.", _hint(view))
        _furnish(view)
        return walls

    async def run(self, command: Command, policy: Policy) -> AsyncGenerator[Output | Ended]:
        """Run one command; see Stage.run."""
        async with self._turn:
            written = plan(self._view, command, policy, self._look_around(policy))
            made = _make_missing(policy)
            running = await self._begin(written, command)
            try:
                async for piece in running.outputs(policy.limits.output):
                    yield piece
                report = running.report
                if report is None or report.failed or report.code is None:
                    raise WallsError(f"The command was not run: {_told(report)}.", _hint(self._view))
                yield self._conclude(report, running.kept, written)
            finally:
                running.close()
                await asyncio.shield(self._wait_for_end())
                _remove_untouched(made)

    def _conclude(self, report: Report, kept: Kept, written: Plan) -> Ended:
        if report.why:
            kept.add(f"assent: {report.why}\n".encode())
        head, tail, omitted = kept.parts()
        ended = Ended(
            code=report.code or 0,
            seconds=report.seconds,
            cause=report.cause,
            head=head,
            tail=tail,
            omitted=omitted,
            tier=self._view.tier,
        )
        return msgspec.structs.replace(ended, denials=find_denials(ended, written, report.refusals))

    def _look_around(self, policy: Policy) -> Surroundings:
        when, tools = self._tools
        if time.monotonic() - when > _TOOLS_STAY or not when:
            tools = look_for_tools(self._view, os.environ)
            self._tools = (time.monotonic(), tools)
        return Surroundings(
            variables=os.environ,
            home=_home(os.environ),
            toolchains=tools,
            secrets=self._secrets.find(policy),
            sockets=host_sockets(),
            git=main_git_folder(self._view.root),
        )

    async def _begin(self, written: Plan, command: Command) -> Running:
        self._count += 1
        (out_end, out), (err_end, err), (control, far) = os.pipe(), os.pipe(), socket.socketpair()
        files = [_file_of(msgspec.json.encode(written)), _file_of(command.stdin)]
        handed = [*files, out, err, far.detach()]
        try:
            socket.send_fds(self._door, [b"%d" % self._count], handed)
        except OSError as error:
            for descriptor in (out_end, err_end):
                os.close(descriptor)
            control.close()
            raise WallsError(f"The warden is gone: {error.strerror}.", "Open the stage again.") from error
        finally:
            for descriptor in handed:
                os.close(descriptor)
        return Running(out_end, err_end, control)

    async def _wait_for_end(self) -> None:
        while (heard := await self._hear()) and heard != b"ended %d" % self._count:
            continue

    async def _hear(self) -> bytes:
        try:
            return await asyncio.get_running_loop().sock_recv(self._door, 4096)
        except OSError:
            return b""

    async def close(self) -> None:
        """End the warden and everything it started."""
        async with self._turn:
            self._door.close()
            with suppress(ProcessLookupError):
                await asyncio.to_thread(self._process.wait)


class Running:
    """One command under way: its two pipes and the keeper's control socket."""

    def __init__(self, out: int, err: int, control: socket.socket) -> None:
        self._pipes: dict[int, Literal["stdout", "stderr"]] = {out: "stdout", err: "stderr"}
        self._control: socket.socket | None = control
        self._unread = b""
        self._ended_at: float | None = None
        self.kept = Kept(2)
        self.report: Report | None = None
        for descriptor in (out, err, control.fileno()):
            os.set_blocking(descriptor, False)

    async def outputs(self, limit: int) -> AsyncGenerator[Output]:
        """Yield what it writes, up to a limit; the rest is drained. Ends when the report is there and the pipes are read."""
        self.kept = Kept(limit)
        shown = 0
        while self._pipes or self._listening():
            rest = GRACE - (time.monotonic() - self._ended_at) if self._ended_at is not None else None
            if rest is not None and rest <= 0 and not self._listening():
                return
            for descriptor in await wait_readable(self._waiting_for(), rest if not self._listening() else None):
                if descriptor in self._pipes:
                    data, stream = self._read(descriptor), self._pipes.get(descriptor, "stdout")
                    self.kept.add(data)
                    if data and shown < limit:
                        shown += len(data)
                        yield Output(data, stream)
                else:
                    self._listen()

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
        except BlockingIOError:
            return
        except OSError:
            heard = b""
        *lines, self._unread = (self._unread + heard).split(b"\n")
        for line in lines:
            self.report = msgspec.json.decode(line, type=Report)
            self._ended_at = self._ended_at or time.monotonic()
        if not heard:
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


def _start_warden(door: socket.socket, tier: Tier) -> subprocess.Popen[bytes]:
    room = str(Path(__file__).resolve().parent.parent)
    code = _START.format(door.fileno(), tier, os.getpid())
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code, room],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[door.fileno()],
        start_new_session=True,
        env={"PATH": "/usr/bin:/bin"},
        cwd="/",
    )


def _furnish(view: View) -> None:
    """Make the folders of a view that are the walls' own."""
    if view.tier != "overlay":
        os.makedirs(tmp_of(view), exist_ok=True)
    elif main := main_git_folder(view.root):
        upper, work = git_folders(view)
        os.makedirs(work, exist_ok=True)
        os.makedirs(upper, mode=stat.S_IMODE(os.stat(main).st_mode), exist_ok=True)


def _make_missing(policy: Policy) -> dict[str, int]:
    """Make the files that may be written and are not there, for only what is there can be shown; gives when each was made."""
    made: dict[str, int] = {}
    for widening in policy.widenings:
        if widening.kind == "write" and not os.path.lexists(widening.target):
            with suppress(OSError):
                os.close(os.open(widening.target, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
                made[widening.target] = os.stat(widening.target).st_mtime_ns
    return made


def _remove_untouched(made: dict[str, int]) -> None:
    for path, when in made.items():
        with suppress(OSError):
            state = os.lstat(path)
            if (state.st_size, state.st_mtime_ns) == (0, when):
                os.unlink(path)


def _file_of(data: bytes) -> int:
    """A descriptor to read these bytes from the start."""
    descriptor = os.memfd_create("assent")
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _home(variables: Mapping[str, str]) -> str:
    return os.path.realpath(variables.get("HOME") or os.path.expanduser("~"))


def look_for_tools(view: View, variables: Mapping[str, str]) -> tuple[str, ...]:
    """The folders that hold the tools on PATH and the pythons of the repository, where they would be hidden."""
    interpreters = find_interpreters(view.root, (variables.get("VIRTUAL_ENV", ""),))
    return find_toolchains(variables.get("PATH", ""), interpreters, _homes(view, _home(variables)))


def _homes(view: View, home: str) -> tuple[str, ...]:
    """Where tools are hidden unless they are found: under the homes; in the copy tier, everywhere."""
    own = home
    with suppress(KeyError):
        own = pwd.getpwuid(os.getuid()).pw_dir
    return tuple(dict.fromkeys((home, os.path.realpath(own), *(() if view.tier == "overlay" else ("/",)))))


def host_sockets() -> tuple[str, ...]:
    """The unix sockets of this machine that have a path."""
    try:
        lines = Path("/proc/net/unix").read_text(errors="surrogateescape").splitlines()[1:]
    except OSError:
        return ()
    paths = {parts[7] for line in lines if len(parts := line.split(maxsplit=7)) == 8}
    return tuple(sorted(path for path in paths if path.startswith("/")))


def main_git_folder(root: str) -> str:
    """The main git folder of a linked worktree or submodule, if it lies outside of it; empty otherwise."""
    try:
        link = Path(root, ".git").read_text()
    except (OSError, UnicodeDecodeError):
        return ""
    folder = Path(root, link.removeprefix("gitdir:").strip()).resolve()
    with suppress(OSError, UnicodeDecodeError):
        folder = Path(folder, Path(folder, "commondir").read_text().strip()).resolve()
    inside = folder.is_relative_to(Path(root).resolve())
    return "" if inside or not link.startswith("gitdir:") or not (folder / "HEAD").is_file() else str(folder)


def _said(answer: bytes) -> str:
    return answer.removeprefix(b"failed ").decode(errors="replace") or "the warden ended at once"


def _told(report: Report | None) -> str:
    return report.failed if report and report.failed else "its keeper ended without a report"


def _hint(view: View) -> str:
    return "`assent doctor` shows what this machine can hold." if view.tier == "overlay" else ""
