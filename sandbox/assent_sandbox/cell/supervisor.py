"""Does for a command what neither Landlock nor a filter can judge: each call is judged by its target, and done on it.

Standard library only; runs in the keeper of a copied view. The kernel stops the caller and hands the call over
(`seccomp_unotify(2)`). What a path or an address names is looked up once, held by a descriptor, judged by where that
lies, and acted upon through the descriptor, so that nothing can be exchanged in between.
"""

from __future__ import annotations

import _socket
import ctypes
import errno
import fcntl
import os
import struct

from assent_sandbox.cell import namespaces, seccomp, tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_RECEIVE, _SEND, _STILL_VALID, _ADD_DESCRIPTOR = 0xC0502100, 0xC0182101, 0x40082102, 0x40182103
_CALL = struct.Struct("=QIIiIQ6Q")
_ANSWER, _ADDED = struct.Struct("=QqiI"), struct.Struct("=QIIII")
_CONTINUE, _SEND_TOO = 1, 2
_HERE, _NOFOLLOW, _EMPTY_PATH = -100, 0x100, 0x1000
_PATH = os.O_PATH | os.O_CLOEXEC
_PIDFD_GETFD, _UTIMENSAT = 438, {"x86_64": 280, "aarch64": 88}[namespaces.machine] if namespaces.machine else 0
_PEER = 0x5441
_DONT_FOLLOW = 0x02000000
_LONGEST_PATH, _LONGEST_ADDRESS = 4096, 128


class _Go(Exception):
    """The call may be made by the caller itself: it is judged by numbers alone."""


class _Done(Exception):
    """The caller has its answer already, or will get it from another process."""


class Supervisor:
    """Answers the calls of one command: it may change what is `writable`, and watch what is readable and not hidden."""

    def __init__(self, listener: int, writable: Sequence[str], readable: Sequence[str], hidden: Sequence[str]) -> None:
        self.listener = listener
        self._writable = [path for path in writable if not path.startswith("/dev/")]
        self._readable, self._hidden = readable, hidden
        column = 0 if namespaces.machine == "x86_64" else 1
        self._names = {row[column]: name for name, row in seccomp.SUPERVISED.items()}

    def answer(self) -> None:
        """Take one call and answer it; a caller that is gone needs no answer."""
        buffer = bytearray(_CALL.size)
        try:
            fcntl.ioctl(self.listener, _RECEIVE, buffer)
        except OSError:
            return
        number, caller, _, call, _, _, *arguments = _CALL.unpack(buffer)
        value = trouble = flags = 0
        try:
            value = self._judge(number, caller, self._names.get(call, ""), arguments)
        except _Go:
            flags = _CONTINUE
        except _Done:
            return
        except OSError as error:
            trouble = -(error.errno or errno.EPERM)
        self._send(number, value, trouble, flags)

    def _send(self, number: int, value: int, trouble: int, flags: int) -> None:
        try:
            fcntl.ioctl(self.listener, _SEND, _ANSWER.pack(number, value, trouble, flags))
        except OSError:
            return

    def _judge(self, number: int, caller: int, name: str, a: list[int]) -> int:
        match name:
            case "connect":
                self._connect(number, caller, a)
            case "ioctl":
                self._open_peer(number, caller, a)
            case "inotify_add_watch":
                return self._watch(caller, a)
            case "kill" | "tkill" | "rt_sigqueueinfo" | "setpriority" | "prlimit64" | "tgkill" | "rt_tgsigqueueinfo":
                self._allow_own(a[1] if name == "setpriority" else a[0])
            case "sched_setparam" | "sched_setscheduler" | "sched_setattr" | "sched_setaffinity":
                self._allow_own(a[0])
            case "pidfd_send_signal":
                self._allow_own(_process_of(caller, a[0]))
            case _:
                self._change(caller, name, a)
        return 0

    # Files

    def _change(self, caller: int, name: str, a: list[int]) -> None:
        target = self._target(caller, name, a)
        try:
            place = f"/proc/self/fd/{target}"
            if name in _MODES:
                os.chmod(place, a[_MODES[name]] & 0o7777)
            elif name in _OWNERS:
                self._keep_owner(target, *(_signed(each) for each in a[_OWNERS[name] : _OWNERS[name] + 2]))
            else:
                _set_times(target, _times(caller, name, a))
        finally:
            os.close(target)

    def _target(self, caller: int, name: str, a: list[int]) -> int:
        """An open handle of what a call is to change; raises PermissionError if that is not the command's own."""
        if name in ("fchmod", "fchown") or (name in ("utimensat", "futimesat") and not a[1]):
            return self._own(os.open(f"/proc/{caller}/fd/{_signed(a[0])}", _PATH))
        flags = a[_FLAGS[name]] if name in _FLAGS else _NOFOLLOW if name == "lchown" else 0
        folder, path = (a[0], a[1]) if name in _AT else (_HERE, a[0])
        return self._own(_look_up(caller, folder, _text(caller, path), flags))

    def _own(self, handle: int) -> int:
        """The same handle if it lies where the command may write, or nowhere; else PermissionError."""
        real = os.readlink(f"/proc/self/fd/{handle}")
        if not real.startswith("/") or real.startswith("/memfd:") or _lies_in(real, self._writable):
            return handle
        os.close(handle)
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    def _keep_owner(self, target: int, user: int, group: int) -> None:
        """A command may give its files to those whose they are."""
        found = os.fstat(target)
        if user not in (-1, found.st_uid) or group not in (-1, found.st_gid):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    def _watch(self, caller: int, a: list[int]) -> int:
        flags = _NOFOLLOW if a[2] & _DONT_FOLLOW else 0
        target = _look_up(caller, _HERE, _text(caller, a[1]), flags)
        real = os.readlink(f"/proc/self/fd/{target}")
        if not _lies_in(real, self._readable) or _lies_in(real, self._hidden):
            self._own(target)
        queue = _take(caller, a[0])
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            wanted = ctypes.c_uint32(a[2] & 0xFFFFFFFF & ~_DONT_FOLLOW)
            watch = libc.inotify_add_watch(queue, f"/proc/self/fd/{target}".encode(), wanted)
            if watch < 0:
                raise OSError(ctypes.get_errno(), "watch")
            return int(watch)
        finally:
            os.close(target)
            os.close(queue)

    # Sockets and terminals

    def _connect(self, number: int, caller: int, a: list[int]) -> None:
        """Connect to a socket of the command's own by its path; it may block, so another process waits for it."""
        address = _memory(caller, a[1], min(a[2], _LONGEST_ADDRESS))
        path = address[2:].split(b"\0")[0]
        if len(address) < 3 or int.from_bytes(address[:2], "little") != _socket.AF_UNIX or not path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        target = self._own(_look_up(caller, _HERE, path, 0))
        if os.fork():
            os.close(target)
            raise _Done
        trouble = 0
        try:
            door = _socket.socket(fileno=_take(caller, a[0]))
            timeout = None if door.getblocking() else 0
            door.settimeout(timeout)
            door.connect(f"/proc/self/fd/{target}")
        except OSError as error:
            trouble = -(error.errno or errno.EACCES)
        finally:
            self._send(number, 0, trouble, 0)
            os._exit(0)

    def _open_peer(self, number: int, caller: int, a: list[int]) -> None:
        """Open the other end of a pseudo terminal that the command has, without a path to all of the user's."""
        master = _take(caller, a[0])
        try:
            peer = fcntl.ioctl(master, _PEER, a[2] & (os.O_ACCMODE | os.O_NONBLOCK) | os.O_NOCTTY | os.O_CLOEXEC)
        finally:
            os.close(master)
        try:
            shut = os.O_CLOEXEC if a[2] & os.O_CLOEXEC else 0
            fcntl.ioctl(self.listener, _ADD_DESCRIPTOR, _ADDED.pack(number, _SEND_TOO, peer, 0, shut))
        finally:
            os.close(peer)
        raise _Done

    # Processes

    def _allow_own(self, process: int) -> None:
        """Let a call be made that names a process, thread or group of the command's own, or itself."""
        process = _signed(process)
        own = tally.descendants()
        if process == 0 or _leader(abs(process)) in own or (process < -1 and _has_group(own, -process)):
            raise _Go
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


_MODES = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2}
_OWNERS = {"chown": 1, "lchown": 1, "fchown": 1, "fchownat": 2}
_FLAGS = {"fchmodat2": 3, "fchownat": 4, "utimensat": 3}
_AT = frozenset(("fchmodat", "fchmodat2", "fchownat", "utimensat", "futimesat"))
"""Where the arguments of each call are: the mode, the owner, the flags; whether a folder comes first."""


def _lies_in(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def _signed(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def _memory(caller: int, address: int, size: int) -> bytes:
    with open(f"/proc/{caller}/mem", "rb", 0) as file:
        return os.pread(file.fileno(), size, address)


def _text(caller: int, address: int) -> bytes:
    """A path in the caller's memory, read page by page up to its end."""
    found = b""
    while len(found) < _LONGEST_PATH and b"\0" not in found:
        piece = _memory(caller, address + len(found), 4096 - (address + len(found)) % 4096)
        if not piece:
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
        found += piece
    path = found.split(b"\0")[0]
    if len(path) >= _LONGEST_PATH:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return path


def _look_up(caller: int, folder: int, path: bytes, flags: int) -> int:
    """A handle of what a path names for the caller."""
    for mine, its in (
        (b"/proc/self/", b"/proc/%d/"),
        (b"/proc/thread-self/", b"/proc/%d/"),
        (b"/dev/fd/", b"/proc/%d/fd/"),
    ):
        if path.startswith(mine):
            path = its % caller + path[len(mine) :]
    start = "cwd" if _signed(folder) == _HERE else f"fd/{_signed(folder)}"
    if not path and not flags & _EMPTY_PATH:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    base = os.open(f"/proc/{caller}/{start}", _PATH)
    if not path:
        return base
    try:
        return os.open(path, _PATH | (os.O_NOFOLLOW if flags & _NOFOLLOW else 0), dir_fd=base)
    finally:
        os.close(base)


def _times(caller: int, name: str, a: list[int]) -> bytes | None:
    """Two timespecs, from whatever form a call has them in; None for now."""
    place = 1 if name in ("utime", "utimes") else 2
    if not a[place]:
        return None
    size = 16 if name == "utime" else 32
    data = _memory(caller, a[place], size)
    if len(data) < size:
        raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
    values = struct.unpack(f"={size // 8}q", data)
    if name == "utime":
        values = (values[0], 0, values[1], 0)
    elif name != "utimensat":
        values = (values[0], values[1] * 1000, values[2], values[3] * 1000)
    return struct.pack("=4q", *values)


def _set_times(target: int, times: bytes | None) -> None:
    namespaces.system_call("times", _UTIMENSAT, target, b"", times, _EMPTY_PATH)


def _leader(thread: int) -> int:
    try:
        with open(f"/proc/{thread}/status", "rb") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(b"Tgid:"))
    except (OSError, StopIteration):
        return -1


def _take(caller: int, descriptor: int) -> int:
    """The caller's own descriptor, as one of ours."""
    handle = os.pidfd_open(_leader(caller))
    try:
        return namespaces.system_call("take a descriptor", _PIDFD_GETFD, handle, _signed(descriptor), 0)
    finally:
        os.close(handle)


def _process_of(caller: int, handle: int) -> int:
    with open(f"/proc/{caller}/fdinfo/{_signed(handle)}", "rb") as file:
        return next((int(line.split()[1]) for line in file if line.startswith(b"Pid:")), -1) or -1


def _has_group(processes: Sequence[int], group: int) -> bool:
    for process in processes:
        try:
            if os.getpgid(process) == group:
                return True
        except ProcessLookupError:
            continue
    return False
