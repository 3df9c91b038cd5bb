"""What runs inside the walls: the first process of a command's namespaces, and the step from it into the command.

Standard library only. The first process (the *keeper*) builds the walls, starts the command's own program (the
*leader*), watches the limits, and when the leader is done ends everything that is left. It reports over a socket:
one line of JSON when the leader ended, one when all is over. When the socket closes at the other end, all ends.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import select
import signal
import time

from assent_sandbox import landlock, mounts, namespaces, seccomp, tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from assent_sandbox.plan import Plan

GRACE = 0.3
"""Seconds that what the leader left behind may go on writing."""
_TICK = 0.1


class Doors:
    """The descriptors that a command comes with."""

    def __init__(self, stdin: int, stdout: int, stderr: int, control: int) -> None:
        self.stdin, self.stdout, self.stderr, self.control = stdin, stdout, stderr, control


def keep(plan: Plan, doors: Doors, tmp: int, filter_: bytes, abi: int) -> None:
    """Be the keeper of one command from the first namespace to the last report; never raises."""
    try:
        watched = tally.open_folder(plan.watched)
        _become_first(plan)
        if plan.spaces:
            mounts.arrange(plan, tmp)
            if not plan.network:
                namespaces.raise_loopback()
        leader, trouble = _start(plan, doors, filter_, abi)
    except (OSError, ValueError) as error:
        _report(doors.control, {"failed": getattr(error, "strerror", None) or str(error)})
        return
    for door in (doors.stdin, doors.stdout, doors.stderr):
        os.close(door)
    watch = _Watch(plan, leader, doors.control, watched)
    report = watch.until_ended()
    report |= _told(trouble)
    report["refusals"] = tally.refused_routes() if plan.spaces and not plan.network else 0
    _report(doors.control, {"ended": True})
    watch.until_quiet()
    end_all(plan.spaces)
    _report(doors.control, report)


def _become_first(plan: Plan) -> None:
    os.setsid()
    if plan.spaces:
        namespaces.die_with_parent()
    else:
        namespaces.adopt_orphans()
    namespaces.hide_from_tracers()


def _report(control: int, values: dict[str, object]) -> None:
    try:
        os.write(control, json.dumps(values).encode() + b"\n")
    except OSError:
        return


# The leader


def _start(plan: Plan, doors: Doors, filter_: bytes, abi: int) -> tuple[int, int]:
    """Fork the leader; gives its process id and where it tells why it could not start."""
    trouble, tell = os.pipe()
    leader = os.fork()
    if leader == 0:
        try:
            _lead(plan, doors, tell, filter_, abi)
        finally:
            os._exit(126)
    os.close(tell)
    return leader, trouble


def _told(trouble: int) -> dict[str, object]:
    """Why the leader could not start, once it has ended; nothing if it did."""
    os.set_blocking(trouble, False)
    try:
        told = os.read(trouble, 4096).decode(errors="replace")
    except BlockingIOError:
        told = ""
    return {"cause": "start", "why": told} if told else {}


def _lead(plan: Plan, doors: Doors, tell: int, filter_: bytes, abi: int) -> None:
    what = "the walls"
    code = 126
    try:
        os.setsid()
        tell = _settle_descriptors(doors, tell)
        what = plan.workdir
        os.chdir(plan.workdir)
        what = "the walls"
        os.umask(0o022)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        _bound(plan)
        namespaces.give_up_privileges() if plan.spaces or plan.walled else namespaces.forgo_new_privileges()
        if plan.walled:
            landlock.restrict(abi, list(plan.readable), list(plan.writable))
            seccomp.confine(filter_)
        what = plan.argv[0]
        _execute(plan.argv, dict(plan.environment))
    except OSError as error:
        code = 127 if error.errno in (errno.ENOENT, errno.ENOTDIR) and what == plan.argv[0] else 126
        os.write(tell, f"{what}: {os.strerror(error.errno or 0)}".encode()[:4000])
    finally:
        os._exit(code)


def _execute(argv: Sequence[str], environment: dict[str, str]) -> None:
    """Become the program, looked for on the command's own PATH."""
    folders = [""] if "/" in argv[0] else [f"{folder}/" for folder in environment.get("PATH", "").split(":")]
    trouble = OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    for folder in folders:
        try:
            os.execve(folder + argv[0], list(argv), environment)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                trouble = error
    raise trouble


def _settle_descriptors(doors: Doors, tell: int) -> int:
    kept = [os.dup(door) for door in (doors.stdin, doors.stdout, doors.stderr, tell)]
    high = max(kept) + 1
    spare = [os.dup2(door, high + place) for place, door in enumerate(kept)]
    for place in range(3):
        os.dup2(spare[place], place)
    os.dup2(spare[3], 3, inheritable=False)
    namespaces.close_from(4)
    return 3


def _bound(plan: Plan) -> None:
    limits = plan.limits
    bounds = [(resource.RLIMIT_FSIZE, limits.file), (resource.RLIMIT_DATA, limits.memory), (resource.RLIMIT_CORE, 0)]
    if plan.spaces:
        bounds.append((resource.RLIMIT_NPROC, limits.processes))
    for kind, value in bounds:
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))


# The watch


class _Watch:
    """Waits for the leader, the limits, or the end of whoever asked."""

    def __init__(self, plan: Plan, leader: int, control: int, watched: int) -> None:
        self.plan, self.leader, self.control = plan, leader, control
        self.started = time.monotonic()
        self.cause = "exit"
        self.drained = False
        self.closed = False
        self.growth = tally.Growth(watched, plan.limits.disk)
        self.handle = os.pidfd_open(leader)
        self.poller = select.poll()
        self.poller.register(self.handle, select.POLLIN)
        self.poller.register(control, select.POLLIN)

    def until_ended(self) -> dict[str, object]:
        """Give code, cause and seconds once the leader has ended by itself or was killed at a limit."""
        status: int | None = None
        deadline = self.started + self.plan.limits.seconds
        while status is None:
            rest = deadline - time.monotonic()
            ready = self.poller.poll(max(0, min(rest, _TICK)) * 1000)
            self._listen(ready)
            if any(descriptor == self.handle for descriptor, _ in ready):
                status = self._reap()
            elif self.closed or rest <= 0 or self._overrun():
                self.cause = "closed" if self.closed else "time" if rest <= 0 else self.cause
                end_all(self.plan.spaces, spare=self.leader)
                os.kill(self.leader, signal.SIGKILL)
                status = os.waitpid(self.leader, 0)[1]
            else:
                status = self._reap()
        code = os.waitstatus_to_exitcode(status)
        cause = "signal" if code < 0 and self.cause == "exit" else self.cause
        code = 128 - code if code < 0 else code
        return {
            "code": 124 if cause == "time" else code,
            "cause": cause,
            "seconds": time.monotonic() - self.started,
        }

    def until_quiet(self) -> None:
        """Wait at most GRACE seconds for what the leader left behind, unless its output was read to the end."""
        deadline = time.monotonic() + GRACE
        self.poller.unregister(self.handle)
        while not (self.drained or self.closed or self.cause != "exit"):
            rest = deadline - time.monotonic()
            if rest <= 0 or not _reap_orphans():
                return
            self._listen(self.poller.poll(min(rest, 0.02) * 1000))

    def _listen(self, ready: list[tuple[int, int]]) -> None:
        if any(descriptor == self.control for descriptor, _ in ready):
            try:
                heard = os.read(self.control, 64)
            except OSError:
                heard = b""
            self.drained, self.closed = True, not heard
            if self.closed:
                self.poller.unregister(self.control)

    def _reap(self) -> int | None:
        """Collect the ended; give the leader's status if it is among them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return 0
            if pid == self.leader:
                return status
            if pid == 0:
                return None

    def _overrun(self) -> bool:
        if tally.memory(self.plan.spaces, self.plan.limits.memory) > self.plan.limits.memory:
            self.cause = "memory"
        elif self.growth.exceeded():
            self.cause = "disk"
        return self.cause != "exit"


def _reap_orphans() -> bool:
    """Collect the ended; say whether anything still lives."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def end_all(spaces: bool, spare: int = 0) -> None:
    """Kill every process of this namespace (or every descendant) and wait until none is left; `spare` is not waited for."""
    while spare or _reap_orphans():
        if spaces:
            _kill(-1)
        else:
            for process in tally.descendants():
                _kill(process)
        if spare:
            return
        try:
            while os.waitpid(-1, 0 if spaces else os.WNOHANG)[0]:
                pass
            time.sleep(0.001)
        except ChildProcessError:
            return


def end_all_but(kept: set[int]) -> None:
    """Kill every descendant of this process that is neither kept nor a descendant of a kept one."""
    while stray := [process for process in tally.descendants(kept) if process not in kept]:
        for process in stray:
            _kill(process)
            try:
                os.waitpid(process, os.WNOHANG)
            except ChildProcessError:
                continue
        time.sleep(0.001)


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
