"""Start a command inside the walls, stream what it writes, end it with all its children."""

from __future__ import annotations

import asyncio
import marshal
import os
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Self

import msgspec

from assent_sandbox.policy import Command, Ended, Output, Policy, View, Widening
from assent_sandbox.running.denials import find_denials
from assent_sandbox.running.exits import Exits, Outside
from assent_sandbox.running.kept import Kept, Whole
from assent_sandbox.running.relay import Book
from assent_sandbox.running.running import Report, Running
from assent_sandbox.running.seated import run_seated
from assent_sandbox.sight.plan import Plan, Surroundings, git_folders, plan, tmp_of, unheld
from assent_sandbox.sight.surroundings import Lookout, main_git_folder
from assent_sandbox.stage import WallsError

SEATBELT = "/usr/bin/sandbox-exec"
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from assent_sandbox.cell import warden; "
    "warden.main({}, {!r}, {}, {!r}, {!r})"
)

_ENDED = "The machine may be short of memory. What the command did by then is on the stage; run it again."


class Walls:
    """The warden of one stage: started once, warm before the first command, gone when we are gone."""

    def __init__(self, view: View, warden: tuple[subprocess.Popen[bytes], socket.socket] | None = None) -> None:
        self._view = view
        self._warden = warden
        self.outside = Outside()
        self.admit: Callable[[tuple[str, ...]], None] = lambda _: None
        """What is told before each command which files of the repository are of foreign owners."""
        self._turn = asyncio.Lock()
        self._lookout = Lookout(view)
        self._count = self._ended = 0

    @classmethod
    async def raise_around(cls, view: View) -> Self:
        """Start the warden for a view; raises WallsError where its tier cannot be held here."""
        if sys.platform == "darwin" and view.tier != "overlay":
            _furnish(view)
            return cls(view)
        if not sys.platform.startswith("linux"):
            raise WallsError(f"The {view.tier} tier's walls need Linux.", "Use another tier.")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = _start_warden(theirs, view)
        ours.setblocking(False)
        walls = cls(view, (process, ours))
        try:
            if (answer := await walls._hear()) != b"ready":
                words = f"The walls of the {view.tier} tier could not be put up: {_said(answer)}."
                raise WallsError(words, _hint(view))
        except BaseException:
            await walls.close()
            raise
        _furnish(view)
        return walls

    async def run(self, command: Command, policy: Policy) -> AsyncGenerator[Output | Ended]:
        """Run one command; see Stage.run."""
        async with self._turn:
            around = await self._lookout.look(policy)
            self.admit(around.foreign)
            written = plan(self._view, command, policy, around)
            if too_fine := unheld(self._view, policy):
                words = f"The copy tier cannot open {_named(too_fine)} alone."
                raise WallsError(words, "Grant the whole network instead.")
            if self._warden is None:
                wrapper = _wrapper(self._view, policy, around)
                seated = run_seated(wrapper, written, command.stdin, self._keep(policy), self._view.tier)
                async with aclosing(seated) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            made = _make_missing(policy)
            try:
                async with aclosing(self._tried(command, policy, written)) as pieces:
                    async for piece in pieces:
                        yield piece
            finally:
                _remove_untouched(made)

    async def _tried(self, command: Command, policy: Policy, written: Plan) -> AsyncGenerator[Output | Ended]:
        """Run a planned command; once more by another keeper if the first one was lost before the command had begun."""
        for again in (True, False):
            async with Exits(written, self.outside) as exits:
                running = await self._begin(written, command, exits, kept := self._keep(policy))
                try:
                    async for piece in running.outputs():
                        yield piece
                    if again and running.was_lost():
                        continue
                    yield self._conclude(self._reported(running), kept, written, exits.book)
                    return
                finally:
                    running.close()
                    kept.close()
                    if running.report is None or running.report.code is None or not written.spaces:
                        await asyncio.shield(self._wait_for_end())

    def _reported(self, running: Running) -> Report:
        """How a command went; raises WallsError where nobody knows."""
        report = running.report
        if report and report.failed:
            raise WallsError(f"The command was not run: {report.failed}.", _hint(self._view))
        if report and report.code is not None:
            return report
        if running.was_lost():
            raise WallsError("The command was not run: its keeper was ended from outside, twice.", _ENDED)
        raise WallsError("The command's keeper was ended from outside, and the command with it.", _ENDED)

    def _conclude(self, report: Report, kept: Kept, written: Plan, book: Book) -> Ended:
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
            whole=kept.whole(),
            tier=self._view.tier,
            traffic=book.traffic,
        )
        denials = find_denials(ended, written, report.refusals, report.names, book.denials)
        return msgspec.structs.replace(ended, denials=denials)

    def _keep(self, policy: Policy) -> Kept:
        """Where a command's output goes; the file of the one before is deleted."""
        return Kept(policy.limits.output, Whole(os.path.join(self._view.home, "whole"), policy.limits.whole))

    async def _begin(self, written: Plan, command: Command, exits: Exits, kept: Kept) -> Running:
        self._hear_of_end()
        if self._ended < self._count:
            await asyncio.shield(self._wait_for_end())
        self._count += 1
        (out_end, out), (err_end, err) = os.pipe(), os.pipe()
        control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        files = [_file_of(marshal.dumps(msgspec.to_builtins(written))), _file_of(command.stdin)]
        handed = [*files, out, err, *exits.take(), far.detach()]
        try:
            assert self._warden
            socket.send_fds(self._warden[1], [b"%d %d" % (self._count, _kind(written))], handed)
        except OSError as error:
            for descriptor in (out_end, err_end, files[0]):
                os.close(descriptor)
            control.close()
            words = f"The command was not run: the warden was ended from outside ({error.strerror})."
            raise WallsError(words, "The next command gets another one. Run it again.") from error
        finally:
            for descriptor in handed[1:]:
                os.close(descriptor)
        return Running(out_end, err_end, control, kept, files[0])

    async def _wait_for_end(self) -> None:
        """Wait until the namespaces of the last command are gone; in them nothing lives after its report."""
        while self._ended < self._count and (heard := await self._hear()):
            self._ended = int(heard.removeprefix(b"ended "))

    def _hear_of_end(self) -> None:
        """Take what was said already."""
        assert self._warden
        with suppress(OSError):
            while heard := self._warden[1].recv(4096):
                self._ended = int(heard.removeprefix(b"ended "))

    async def _hear(self) -> bytes:
        assert self._warden
        try:
            return await asyncio.get_running_loop().sock_recv(self._warden[1], 4096)
        except OSError:
            return b""

    @property
    def gone(self) -> bool:
        """Whether the warden was ended by others, so that no command can be run any more."""
        return self._warden is not None and self._warden[0].poll() is not None

    async def close(self) -> None:
        """End the warden and everything it started."""
        async with self._turn:
            self._lookout.close()
            if self._warden:
                process, door = self._warden
                door.close()
                await asyncio.to_thread(process.wait)


def _kind(written: Plan) -> int:
    """What the keeper of a plan is made of, as `inside` reads it."""
    return written.spaces | written.walled << 1 | written.network << 2


def _wrapper(view: View, policy: Policy, around: Surroundings) -> tuple[str, ...]:
    """What a command of a Mac runs behind; nothing where there are no walls."""
    from assent_sandbox.running.seatbelt import profile

    if view.tier == "unconfined" or policy.allows("unconfined"):
        return ()
    text = profile(view, policy, home=around.home, toolchains=around.toolchains, tmp=tmp_of(view))
    return (SEATBELT, "-p", text)


def _start_warden(door: socket.socket, view: View) -> subprocess.Popen[bytes]:
    room = str(Path(__file__).resolve().parents[2])
    layers = ((*(f"{home}/upper" for home in view.beneath), view.root), view.upper, view.work)
    code = _START.format(door.fileno(), view.tier, os.getpid(), view.home, layers)
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
        for home in (view.home, *view.beneath):
            upper, work = git_folders(home)
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


def _named(widenings: tuple[Widening, ...]) -> str:
    return ", ".join(f"{each.kind} {each.target}" for each in widenings)


def _said(answer: bytes) -> str:
    return answer.removeprefix(b"failed ").decode(errors="replace") or "the warden ended at once"


def _hint(view: View) -> str:
    if not os.path.isdir(view.root):
        return f"{view.root} is not there: if it was moved, put it back, or start assent where it is now."
    return "`assent doctor` shows what this machine can hold." if view.tier == "overlay" else ""
