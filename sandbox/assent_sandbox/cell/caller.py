"""Whoever made a call that was handed over: its memory, its descriptors, and what the paths mean that it names.

Standard library only. All of it is read through /proc by number, which another process may have by then: after each look
the kernel is asked whether the call still waits.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import struct

from assent_sandbox.cell import namespaces

PATH = os.O_PATH | os.O_CLOEXEC
HERE, NOFOLLOW, EMPTY_PATH = -100, 0x100, 0x1000
_STILL_VALID = 0x40082102
_OPENAT2, _NO_LINKS, _PIDFD_GETFD = 437, 4, 438
_PROC = 0x9FA0
_LONGEST_PATH, _MOST_LINKS = 4096, 40
_LAST = (1 << 62) - 1
"""No address of a process lies beyond it."""
_libc = ctypes.CDLL(None, use_errno=True)


class GoneError(Exception):
    """The caller does not wait any more."""


class Caller:
    """The `process` (a thread, in truth) whose call has this `number` with a listener."""

    def __init__(self, listener: int, number: int, process: int) -> None:
        self.listener, self.number, self.process = listener, number, process

    def confirm(self) -> None:
        """Raise GoneError unless the call still waits, so that what was read by its process's number was its own."""
        try:
            fcntl.ioctl(self.listener, _STILL_VALID, struct.pack("=Q", self.number))
        except OSError:
            raise GoneError from None

    def memory(self, address: int, size: int) -> bytes:
        """What stands at an address; less where no more is mapped."""
        if address > _LAST:
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
        with open(f"/proc/{self.process}/mem", "rb", 0) as file:
            found = os.pread(file.fileno(), size, address)
        self.confirm()
        return found

    def text(self, address: int) -> bytes:
        """A path in its memory, read page by page up to its end."""
        found = b""
        while len(found) < _LONGEST_PATH and b"\0" not in found:
            piece = self.memory(address + len(found), 4096 - (address + len(found)) % 4096)
            if not piece:
                raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
            found += piece
        path = found.split(b"\0")[0]
        if len(path) >= _LONGEST_PATH:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        return path

    def take(self, descriptor: int) -> int:
        """A descriptor of its own, as one of ours."""
        handle = os.pidfd_open(leader(self.process))
        try:
            taken = namespaces.system_call("take a descriptor", _PIDFD_GETFD, handle, signed(descriptor), 0)
        finally:
            os.close(handle)
        return self._confirmed(taken)

    def opened(self, descriptor: int) -> int:
        """A handle of what is open at a descriptor."""
        return self._confirmed(os.open(f"/proc/{self.process}/fd/{signed(descriptor)}", PATH))

    def look_up(self, folder: int, path: bytes, flags: int) -> int:
        """A handle of what a path names for it; one that is empty names the folder if the flags say so."""
        if not path and not flags & EMPTY_PATH:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        start = "cwd" if signed(folder) == HERE else f"fd/{signed(folder)}"
        base = os.open(f"/proc/{self.process}/{start}", PATH)
        if not path:
            return self._confirmed(base)
        try:
            found = _open_directly(base, path, flags)
            return self._confirmed(found if found >= 0 else self._walk(base, path, not flags & NOFOLLOW))
        finally:
            os.close(base)

    def _confirmed(self, handle: int) -> int:
        try:
            self.confirm()
        except GoneError:
            os.close(handle)
            raise
        return handle

    def _walk(self, base: int, path: bytes, follow: bool) -> int:
        """Go name by name and link by link: what /proc calls `self` is the caller there, and not we."""
        waiting = _names_of(path)
        here = os.open("/", PATH) if path.startswith(b"/") else os.dup(base)
        links = 0
        try:
            while waiting:
                name = self._own_name(here, waiting.pop(0))
                there = os.open(name, PATH | os.O_NOFOLLOW, dir_fd=here)
                if stat.S_ISLNK(os.fstat(there).st_mode) and (waiting or follow):
                    links += 1
                    there, target = _follow(here, name, there, links)
                    waiting[:0] = _names_of(target)
                    if target.startswith(b"/"):
                        os.close(there)
                        there = os.open("/", PATH)
                os.close(here)
                here = there
        except BaseException:
            os.close(here)
            raise
        return here

    def _own_name(self, folder: int, name: bytes) -> bytes:
        if name not in (b"self", b"thread-self") or not _is_of_proc(folder) or os.fstat(folder).st_ino != 1:
            return name
        own = b"%d" % leader(self.process)
        return own if name == b"self" else b"%s/task/%d" % (own, self.process)


def _names_of(path: bytes) -> list[bytes]:
    """The names in a path; one that ends in a slash means what is in it."""
    names = [name for name in path.split(b"/") if name]
    return [*names, b"."] if path.endswith((b"/", b"/.")) else names


def _follow(folder: int, name: bytes, link: int, links: int) -> tuple[int, bytes]:
    """Where to go on from a link, and the path from there; one of /proc's own leads to an open file and not by its text."""
    try:
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if _is_of_proc(link) and os.fstat(folder).st_ino != 1:
            return os.open(name, PATH, dir_fd=folder), b""
        return os.dup(folder), os.readlink(b"", dir_fd=link)
    finally:
        os.close(link)


def _is_of_proc(handle: int) -> bool:
    state = (ctypes.c_long * 32)()
    return _libc.fstatfs(handle, state) == 0 and state[0] == _PROC


def _open_directly(base: int, path: bytes, flags: int) -> int:
    """Open a path on which there is no link; -1 where there is one, or the kernel cannot tell."""
    wanted = struct.pack("=QQQ", PATH | (os.O_NOFOLLOW if flags & NOFOLLOW else 0), 0, _NO_LINKS)
    try:
        return namespaces.system_call("open", _OPENAT2, base, path, wanted, len(wanted))
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOSYS, errno.EPERM):
            return -1
        raise


def signed(value: int) -> int:
    """An argument of a call as the integer of 32 bits that is meant."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def leader(thread: int) -> int:
    """The process of a thread; -1 if it is gone."""
    try:
        with open(f"/proc/{thread}/status", "rb") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(b"Tgid:"))
    except (OSError, StopIteration):
        return -1
