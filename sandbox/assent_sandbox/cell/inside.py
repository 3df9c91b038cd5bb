"""What runs inside the walls: the first process of a command's namespaces, and the step from it into the command.

Standard library only. The first process (the *keeper*) is forked before its command is known: it makes ready what does
not depend on it, and forks the process that is to become the command's program (the *leader*), which gives up its
privileges and waits. When the command comes the keeper builds the walls, lets the leader go, watches the limits, and
when the leader is done ends everything that is left. It reports over a socket in marshalled packets: one when the
leader ended and left something behind, one when all is over. When the socket closes at the other end, all ends.
"""

from __future__ import annotations

import _socket
import errno
import marshal
import os
import resource
import sys
from types import SimpleNamespace

from assent_sandbox.cell import ending, landlock, listeners, mounts, names, namespaces, pieces, seccomp, tally
from assent_sandbox.cell.supervisor import Supervisor
from assent_sandbox.cell.vigil import Vigil

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Sequence

    from assent_sandbox.sight.plan import Plan
else:
    import _signal  # what `signal` is made of, without the enumerations that take longer to import than all the rest

SPACES, WALLED, NETWORK = 1, 2, 4
"""What a kind of keeper is made of: namespaces of its own, walls, the host's network."""
BEGUN = 1
"""The position of the plan's file from when the command is let go: whoever holds the file too can tell."""
_MOST_DOORS = 6


class Walls:
    """What a keeper needs to know before its command comes.

    `tmp` is where the session's /tmp is kept; `layers` are those of the repository's overlay; `usual` is what the last command
    was shown.
    """

    def __init__(  # noqa: PLR0917 - a record
        self,
        kind: int,
        tmp: str,
        layers: pieces.Stack,
        filter_: bytes,
        abi: int,
        supervised: bool,
        usual: pieces.Usual = (),
    ) -> None:
        self.supervised = supervised and not kind & SPACES and bool(kind & WALLED)
        self.spaces, self.walled, self.network = bool(kind & SPACES), bool(kind & WALLED), bool(kind & NETWORK)
        self.tmp, self.layers, self.filter, self.abi = tmp, layers, filter_, abi
        self.usual = usual


def heed_interrupts() -> None:
    """Let an interrupt end this process, without a traceback."""
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)


class Doors:
    """The descriptors that a command comes with; `exits` is where its listeners go, for a plan that has any."""

    def __init__(self, stdin: int, stdout: int, stderr: int, *others: int) -> None:
        self.stdin, self.stdout, self.stderr, self.control = stdin, stdout, stderr, others[-1]
        self.exits = others[0]


def pair() -> tuple[_socket.socket, _socket.socket]:
    """Two ends over which descriptors are handed."""
    ends = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
    return ends[0], ends[1]


def hand(door: _socket.socket, message: bytes, descriptors: Sequence[int]) -> None:
    """Send a packet with descriptors."""
    data = b"".join(each.to_bytes(4, sys.byteorder) for each in descriptors)
    door.sendmsg([message], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, data)])


def receive(door: _socket.socket) -> tuple[bytes, list[int]]:
    """Wait for a packet with descriptors; an empty one says that the other end is gone."""
    message, ancillary, _, _ = door.recvmsg(64, _socket.CMSG_SPACE(4 * _MOST_DOORS), _socket.MSG_CMSG_CLOEXEC)
    data = b"".join(each[2] for each in ancillary)
    return message, [int.from_bytes(data[i : i + 4], sys.byteorder) for i in range(0, len(data), 4)]


def load(file: int) -> Plan:
    """The plan in a file, whose position stays."""
    values = marshal.loads(os.pread(file, os.fstat(file).st_size, 0))
    values["limits"] = SimpleNamespace(**values["limits"])
    for name in ("layers", "shown"):
        values[name] = [SimpleNamespace(**each) for each in values[name]]
    return SimpleNamespace(**values)  # pyright: ignore[reportReturnType] # a plan in all but its class, which needs msgspec


def report(control: int, values: dict[str, object]) -> None:
    """Tell whoever asked; nobody may be listening any more."""
    try:
        os.write(control, marshal.dumps(values))
    except OSError:
        return


# The keeper


def keep(walls: Walls, door: _socket.socket) -> None:
    """Be the keeper of one command from the first namespace to the last report; never raises."""
    trouble: Exception | None = None
    ready: _Ready | None = None
    try:
        ready = _Ready(walls, door)
    except (OSError, ValueError) as error:
        trouble = error
    message, doors = receive(door)
    if not message:
        return
    if ready is None:
        report(doors[-1], {"failed": _words(trouble)})
        return
    _run(ready, doors[0], Doors(*doors[1:]))


class _Ready:
    """What stands ready before a command comes: namespaces, file systems that are not in place yet, the leader."""

    def __init__(self, walls: Walls, door: _socket.socket) -> None:
        self.walls = walls
        os.setsid()
        namespaces.die_with_parent() if walls.spaces else namespaces.adopt_orphans()
        namespaces.hide_from_tracers()
        self.routes = tally.Routes() if walls.spaces and not walls.network else None
        self.pieces = pieces.Pieces(walls.walled, walls.tmp, walls.layers, walls.usual) if walls.spaces else None
        if walls.spaces and not walls.network:
            namespaces.raise_loopback()
        self.names = names.Names() if self.routes else None
        self.leader_door, theirs = pair()
        self.leader = os.fork()
        if self.leader == 0:
            try:
                door.close()
                self.leader_door.close()
                _lead(walls, theirs)
            finally:
                os._exit(126)
        theirs.close()
        self.listener = _wait_for_listener(self.leader_door) if walls.supervised else -1


def _wait_for_listener(door: _socket.socket) -> int:
    """Where the calls that a supervisor answers for will come in."""
    message, descriptors = receive(door)
    if not descriptors:
        raise OSError(0, message.decode(errors="replace"))
    return descriptors[0]


def _run(ready: _Ready, file: int, doors: Doors) -> None:
    walls = ready.walls
    try:
        plan = load(file)
        watched = tally.open_folder(plan.watched)
        if plan.identity[0] and not ready.pieces:
            _put(*plan.identity)
        made: list[str] = []
        if ready.pieces:
            ready.pieces.bound_processes(most_threads(plan))
            made = mounts.arrange(plan, ready.pieces)
        if plan.exits:
            listeners.hand_out(plan, doors.exits)
        os.lseek(file, BEGUN, os.SEEK_SET)
        hand(ready.leader_door, b"go", (file, doors.stdin, doors.stdout, doors.stderr))
    except (OSError, ValueError) as error:
        report(doors.control, {"failed": str(_told(ready.leader_door).get("why") or _words(error))})
        return
    for door in (file, doors.stdin, doors.stdout, doors.stderr):
        os.close(door)
    watch = Vigil(plan, ready.leader, doors.control, watched, ready.names)
    if ready.listener >= 0:
        watch.supervise(Supervisor(ready.listener, plan.writable, plan.readable, plan.blank, walls.network))
    told = watch.until_ended()
    told |= _told(ready.leader_door)
    told["refusals"] = ready.routes.refused() if ready.routes else 0
    told["names"] = ready.names.all_noted() if ready.names else []
    if ending.reap_orphans():
        report(doors.control, {"ended": True})
        watch.until_quiet()
        ending.end_all(walls.spaces)
    mounts.take_away(made)
    report(doors.control, told)


def _put(path: str, text: str) -> None:
    """Make a file where nothing stands; what a command has put there is left alone."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError:
        return
    os.write(file, text.encode("utf-8", "surrogateescape"))
    os.close(file)


def _words(error: Exception | None) -> str:
    return str(getattr(error, "strerror", None) or error)


# The leader


def _told(door: _socket.socket) -> dict[str, object]:
    """Why the leader could not start, once it has ended; nothing if it did."""
    try:
        told = door.recv(4096, _socket.MSG_DONTWAIT).decode(errors="replace")
    except OSError:
        told = ""
    return {"cause": "start", "why": told} if told else {}


def _lead(walls: Walls, door: _socket.socket) -> None:
    """Give up everything, wait for the command, become it; what is in the way is told."""
    what, program = "the walls", ""
    code = 126
    tell = door.fileno()
    try:
        _forgo(walls, door)
        message, doors = receive(door)
        if not message:
            return
        plan = load(doors[0])
        tell = _settle_descriptors(doors[1:], tell)
        what = plan.workdir
        os.chdir(plan.workdir)
        what = "the walls"
        _bound(plan)
        if plan.walled:
            hidden = () if plan.spaces else tuple(plan.blank)
            writable = [path for path in plan.writable if not (walls.supervised and path == "/dev/pts")]
            landlock.restrict(walls.abi, list(plan.readable), writable, hidden)
        what = program = plan.argv[0]
        _execute(plan.argv, dict(plan.environment))
    except OSError as error:
        code = 127 if error.errno in (errno.ENOENT, errno.ENOTDIR) and what == program else 126
        os.write(tell, f"{what}: {os.strerror(error.errno or 0)}".encode()[:4000])
    finally:
        os._exit(code)


def _forgo(walls: Walls, door: _socket.socket) -> None:
    os.setsid()
    os.umask(0o022)
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ, _signal.SIGINT):
        _signal.signal(number, _signal.SIG_DFL)
    namespaces.give_up_privileges() if walls.spaces or walls.walled else namespaces.forgo_new_privileges()
    if walls.walled:
        listener = seccomp.confine(walls.filter, walls.supervised)
        if listener >= 0:
            hand(door, b"listener", (listener,))
            os.close(listener)


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


def _settle_descriptors(doors: Sequence[int], tell: int) -> int:
    """Put input, output and error in their places and close all else but the last, which will not be inherited."""
    kept = [os.dup(door) for door in (*doors, tell)]
    high = max(kept) + 1
    spare = [os.dup2(door, high + place) for place, door in enumerate(kept)]
    for place in range(3):
        os.dup2(spare[place], place)
    os.dup2(spare[3], 3, inheritable=False)
    namespaces.close_from(4)
    return 3


def most_threads(plan: Plan) -> int:
    """More threads than this cannot be made; somewhat more than allowed, so that the watch can see it and say so."""
    return plan.limits.processes * 5 // 4 + 16


def _bound(plan: Plan) -> None:
    limits = plan.limits
    bounds = [(resource.RLIMIT_FSIZE, limits.file), (resource.RLIMIT_DATA, limits.memory), (resource.RLIMIT_CORE, 0)]
    others = 0 if plan.spaces else tally.threads_of_all()
    bounds.append((resource.RLIMIT_NPROC, others + most_threads(plan)))
    for kind, value in bounds:
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))
