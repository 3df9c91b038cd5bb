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
from assent_sandbox.cell.caller import EMPTY_PATH, HERE, NOFOLLOW, Caller, GoneError, leader, signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_RECEIVE, _SEND, _ADD_DESCRIPTOR = 0xC0502100, 0xC0182101, 0x40182103
_CALL = struct.Struct("=QIIiIQ6Q")
_ANSWER, _ADDED = struct.Struct("=QqiI"), struct.Struct("=QIIII")
_CONTINUE, _SEND_TOO = 1, 2
_UTIMENSAT = {"x86_64": 280, "aarch64": 88}[namespaces.machine] if namespaces.machine else 0
_PEER = 0x5441
_DONT_FOLLOW = 0x02000000
_LONGEST_ADDRESS = 128
_OF_THE_NETWORK = (_socket.AF_UNSPEC, _socket.AF_INET, _socket.AF_INET6, 16)
_libc = ctypes.CDLL(None, use_errno=True)


class _Go(Exception):
    """The call may be made by the caller itself: it is judged by numbers alone."""


class _Done(Exception):
    """The caller has its answer already, or will get it from another process."""


class Supervisor:
    """Answers the calls of one command: it may change what is `writable`, and watch what is readable and not hidden.

    With `network` it may connect to hosts; to unix sockets other than its own, never.
    """

    def __init__(
        self, listener: int, writable: Sequence[str], readable: Sequence[str], hidden: Sequence[str], network: bool
    ) -> None:
        self.listener, self._network = listener, network
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
        number, process, _, call, _, _, *arguments = _CALL.unpack(buffer)
        value = trouble = flags = 0
        try:
            value = self._judge(Caller(self.listener, number, process), self._names.get(call, ""), arguments)
        except _Go:
            flags = _CONTINUE
        except (_Done, GoneError):
            return
        except OSError as error:
            trouble = -(error.errno or errno.EPERM)
        except (ValueError, OverflowError, struct.error):
            trouble = -errno.EINVAL
        self._send(number, value, trouble, flags)

    def _send(self, number: int, value: int, trouble: int, flags: int) -> None:
        try:
            fcntl.ioctl(self.listener, _SEND, _ANSWER.pack(number, value, trouble, flags))
        except OSError:
            return

    def _judge(self, caller: Caller, name: str, a: list[int]) -> int:
        match name:
            case "connect":
                self._connect(caller, a)
            case "ioctl":
                self._open_peer(caller, a)
            case "inotify_add_watch":
                return self._watch(caller, a)
            case "kill" | "tkill" | "rt_sigqueueinfo" | "setpriority" | "prlimit64" | "tgkill" | "rt_tgsigqueueinfo":
                self._allow_own(a[1] if name == "setpriority" else a[0])
            case "sched_setparam" | "sched_setscheduler" | "sched_setattr" | "sched_setaffinity":
                self._allow_own(a[0])
            case "fcntl":
                self._allow_own(a[2])
            case "pidfd_send_signal":
                self._allow_own(_process_of(caller, a[0]))
            case _:
                self._change(caller, name, a)
        return 0

    # Files

    def _change(self, caller: Caller, name: str, a: list[int]) -> None:
        target = self._target(caller, name, a)
        try:
            place = f"/proc/self/fd/{target}"
            if name in _MODES:
                os.chmod(place, a[_MODES[name]] & 0o7777)
            elif name in _OWNERS:
                self._keep_owner(target, *(signed(each) for each in a[_OWNERS[name] : _OWNERS[name] + 2]))
            else:
                _set_times(target, _times(caller, name, a))
        finally:
            os.close(target)

    def _target(self, caller: Caller, name: str, a: list[int]) -> int:
        """An open handle of what a call is to change; raises PermissionError if that is not the command's own."""
        if name in ("fchmod", "fchown") or (name in ("utimensat", "futimesat") and not a[1]):
            return self._own(caller.opened(a[0]))
        flags = a[_FLAGS[name]] if name in _FLAGS else NOFOLLOW if name == "lchown" else 0
        folder, path = (a[0], a[1]) if name in _AT else (HERE, a[0])
        return self._own(caller.look_up(folder, caller.text(path), flags))

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

    def _watch(self, caller: Caller, a: list[int]) -> int:
        flags = NOFOLLOW if a[2] & _DONT_FOLLOW else 0
        target = caller.look_up(HERE, caller.text(a[1]), flags)
        real = os.readlink(f"/proc/self/fd/{target}")
        if not _lies_in(real, self._readable) or _lies_in(real, self._hidden):
            self._own(target)
        queue = caller.take(a[0])
        try:
            wanted = ctypes.c_uint32(a[2] & 0xFFFFFFFF & ~_DONT_FOLLOW)
            watch = _libc.inotify_add_watch(queue, f"/proc/self/fd/{target}".encode(), wanted)
            if watch < 0:
                raise OSError(ctypes.get_errno(), "watch")
            return int(watch)
        finally:
            os.close(target)
            os.close(queue)

    # Sockets and terminals

    def _connect(self, caller: Caller, a: list[int]) -> None:
        """Connect to a socket of the command's own by its path, or to a host if it has the network.

        It is done on the address that was judged. It may block, and then another process waits for it.
        """
        address = caller.memory(a[1], min(a[2] & 0xFFFFFFFF, _LONGEST_ADDRESS))
        kept = [self._own_socket(caller, address)] if not self._is_of_hosts(address) else []
        if kept:
            address = _socket.AF_UNIX.to_bytes(2, "little") + f"/proc/self/fd/{kept[0]}".encode()
        try:
            kept.append(door := caller.take(a[0]))
            if not os.get_blocking(door):
                _connect(door, address)
            elif os.fork():
                raise _Done
            else:
                self._connect_and_end(caller, door, address)
        finally:
            for each in kept:
                os.close(each)

    def _is_of_hosts(self, address: bytes) -> bool:
        family = int.from_bytes(address[:2], "little")
        return self._network and len(address) >= 2 and family in _OF_THE_NETWORK

    def _own_socket(self, caller: Caller, address: bytes) -> int:
        path = address[2:].split(b"\0")[0]
        if len(address) < 3 or int.from_bytes(address[:2], "little") != _socket.AF_UNIX or not path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return self._own(caller.look_up(HERE, path, 0))

    def _connect_and_end(self, caller: Caller, door: int, address: bytes) -> None:
        trouble = 0
        try:
            _connect(door, address)
        except OSError as error:
            trouble = -(error.errno or errno.EACCES)
        finally:
            self._send(caller.number, 0, trouble, 0)
            os._exit(0)

    def _open_peer(self, caller: Caller, a: list[int]) -> None:
        """Open the other end of a pseudo terminal that the command has, without a path to all of the user's."""
        master = caller.take(a[0])
        try:
            peer = fcntl.ioctl(master, _PEER, a[2] & (os.O_ACCMODE | os.O_NONBLOCK) | os.O_NOCTTY | os.O_CLOEXEC)
        finally:
            os.close(master)
        try:
            shut = os.O_CLOEXEC if a[2] & os.O_CLOEXEC else 0
            fcntl.ioctl(self.listener, _ADD_DESCRIPTOR, _ADDED.pack(caller.number, _SEND_TOO, peer, 0, shut))
        finally:
            os.close(peer)
        raise _Done

    # Processes

    def _allow_own(self, process: int) -> None:
        """Let a call be made that names a process, thread or group of the command's own, or itself."""
        process = signed(process)
        own = tally.descendants()
        if process == 0 or leader(abs(process)) in own or (process < -1 and _has_group(own, -process)):
            raise _Go
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


_MODES = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2}
_OWNERS = {"chown": 1, "lchown": 1, "fchown": 1, "fchownat": 2}
_FLAGS = {"fchmodat2": 3, "fchownat": 4, "utimensat": 3}
_AT = frozenset(("fchmodat", "fchmodat2", "fchownat", "utimensat", "futimesat"))
"""Where the arguments of each call are: the mode, the owner, the flags; whether a folder comes first."""


def _lies_in(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def _connect(door: int, address: bytes) -> None:
    if _libc.connect(door, address, len(address)) < 0:
        raise OSError(ctypes.get_errno(), "connect")


def _times(caller: Caller, name: str, a: list[int]) -> bytes | None:
    """Two timespecs, from whatever form a call has them in; None for now."""
    place = 1 if name in ("utime", "utimes") else 2
    if not a[place]:
        return None
    size = 16 if name == "utime" else 32
    data = caller.memory(a[place], size)
    if len(data) < size:
        raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
    values = struct.unpack(f"={size // 8}q", data)
    if name == "utime":
        values = (values[0], 0, values[1], 0)
    elif name != "utimensat":
        values = (values[0], values[1] * 1000, values[2], values[3] * 1000)
    return struct.pack("=4q", *values)


def _set_times(target: int, times: bytes | None) -> None:
    namespaces.system_call("times", _UTIMENSAT, target, b"", times, EMPTY_PATH)


def _process_of(caller: Caller, handle: int) -> int:
    with open(f"/proc/{caller.process}/fdinfo/{signed(handle)}", "rb") as file:
        return next((int(line.split()[1]) for line in file if line.startswith(b"Pid:")), -1) or -1


def _has_group(processes: Sequence[int], group: int) -> bool:
    for process in processes:
        try:
            if os.getpgid(process) == group:
                return True
        except ProcessLookupError:
            continue
    return False
