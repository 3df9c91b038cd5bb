"""Linux namespaces, mounts and capabilities, by system call: what the C library has no wrappers for.

Standard library only, for the warden and the processes that it clones. Every function raises an OSError that
names what was tried. Interfaces: `clone(2)`, `user_namespaces(7)`, `mount_setattr(2)`, `capabilities(7)`.
"""

from __future__ import annotations

import _socket
import ctypes
import fcntl
import os

NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWTIME = (
    0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80,
)  # fmt: skip
RDONLY, NOSUID, NODEV, NOEXEC = 1, 2, 4, 8
PRIVATE = 1 << 18

_SIGCHLD, _SIGKILL = 17, 9
_EPERM, _EINVAL = 1, 22
_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT, _CLOSE_RANGE, _MOUNT_SETATTR = 428, 429, 430, 431, 432, 436, 442
_CLONE = {"x86_64": 56, "aarch64": 220}
_CAPSET = {"x86_64": 126, "aarch64": 91}
_UMOUNT = {"x86_64": 166, "aarch64": 39}
_AT_FDCWD, _RECURSIVE, _EMPTY_PATH, _CLOEXEC = -100, 0x8000, 0x1000, 0o2000000
_SET_STRING, _SET_FLAG, _CREATE = 1, 0, 6
_PDEATHSIG, _DUMPABLE, _CAPBSET_DROP, _NO_NEW_PRIVS, _SUBREAPER, _AMBIENT = 1, 4, 24, 38, 36, 47

machine = os.uname().machine if hasattr(os, "uname") else ""
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def system_call(what: str, number: int, *arguments: object) -> int:
    """Make a system call; integers go as long, bytes as a string, ctypes values as they are."""
    result = _libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return int(result)


def _prctl(what: str, option: int, *values: int) -> None:
    padded = (*values, 0, 0, 0, 0)[:4]
    if _libc.prctl(option, *(ctypes.c_ulong(value) for value in padded)) < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


# Processes


def clone(flags: int) -> int:
    """Fork into new namespaces: 0 in the child, its process id in the parent."""
    return system_call("new namespaces", _CLONE[machine], flags | _SIGCHLD, None, None, None, None)


def counts_processes() -> bool:
    """Say whether each process namespace has its own bound on processes (Linux 6.14); before, it is the machine's."""
    major, minor = (int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    return (major, minor) >= (6, 14)


def unshare(flags: int) -> None:
    """Move this process into new namespaces."""
    if _libc.unshare(ctypes.c_int(flags)) < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"new user namespace: {os.strerror(error)}")


def enter_user_namespace() -> None:
    """Become all-powerful in a user and a mount namespace of our own, and nowhere else.

    Root keeps every user and group that it has; anybody else is only themselves.
    """
    user, group = os.geteuid(), os.getegid()
    ready, release = os.pipe()
    mapper = _fork_mapper(ready, release) if user == 0 else 0
    os.close(ready)
    try:
        unshare(NEWUSER | NEWNS)
        if mapper:
            os.write(release, b"!")
    finally:
        os.close(release)
        mapped = bool(mapper) and os.waitpid(mapper, 0)[1] == 0
    if not mapped:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")


def _fork_mapper(ready: int, release: int) -> int:
    """Fork a process that stays outside and, once told, maps all of its users and groups into its parent's namespace."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.close(release)
        if os.read(ready, 1):
            for kind in ("uid_map", "gid_map"):
                _write(f"/proc/{parent}/{kind}", _identity(kind))
            code = 0
    finally:
        os._exit(code)


def _identity(kind: str) -> str:
    with open(f"/proc/self/{kind}") as file:
        extents = [line.split() for line in file]
    return "".join(f"{inside} {inside} {count}\n" for inside, _, count in extents)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    except OSError as error:
        raise OSError(error.errno, f"write {path}: {error.strerror}") from error
    finally:
        os.close(descriptor)


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends."""
    _prctl("die with the parent", _PDEATHSIG, _SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _prctl("adopt orphans", _SUBREAPER, 1)


def hide_from_tracers() -> None:
    """Make this process's memory, descriptors and folders unreadable to others of the same user."""
    _prctl("be undumpable", _DUMPABLE, 0)


def give_up_privileges() -> None:
    """No capability now, none by any later exec."""
    for capability in range(64):
        try:
            _prctl("drop a capability", _CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno in (_EPERM, _EINVAL):
                break
            raise
    forgo_new_privileges()
    _prctl("clear ambient capabilities", _AMBIENT, 4)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    system_call("drop capabilities", _CAPSET[machine], header, (ctypes.c_uint32 * 6)())


def forgo_new_privileges() -> None:
    """Make set-user-id programs and file capabilities powerless from here on."""
    _prctl("no new privileges", _NO_NEW_PRIVS, 1)


def close_from(first: int) -> None:
    """Close every descriptor from this number on."""
    system_call("close descriptors", _CLOSE_RANGE, first, 0xFFFFFFFF, 0)


# Mounts: made detached, as a descriptor, and attached to a path later


def make_mount(kind: str, options: dict[str, str], attributes: int = 0) -> int:
    """Make a file system; an option with an empty value is a flag. Gives the detached mount's descriptor."""
    context = system_call(f"open {kind}", _FSOPEN, kind.encode(), 1)
    try:
        for key, value in options.items():
            command, text = (_SET_STRING, value.encode()) if value else (_SET_FLAG, None)
            system_call(f"{kind} {key}={value}", _FSCONFIG, context, command, key.encode(), text, 0)
        system_call(f"create {kind}", _FSCONFIG, context, _CREATE, None, None, 0)
        return system_call(f"mount {kind}", _FSMOUNT, context, 1, attributes)
    finally:
        os.close(context)


def copy_mount(path: str, at: int = _AT_FDCWD, recursive: int = _RECURSIVE) -> int:
    """A detached copy of what is mounted at a path (or is that folder or file), with all below it."""
    flags = 1 | _CLOEXEC | recursive | (0 if path else _EMPTY_PATH)
    return system_call(f"copy the mount of {path}", _OPEN_TREE, at, os.fsencode(path), flags)


def attach(mount: int, path: str) -> None:
    """Put a detached mount at a path and close its descriptor."""
    try:
        system_call(f"mount at {path}", _MOVE_MOUNT, mount, b"", _AT_FDCWD, os.fsencode(path), 4)
    finally:
        os.close(mount)


def attach_at(mount: int, place: int) -> None:
    """Put a detached mount on what a descriptor is open at, whatever its path is by now; `mount` is not closed."""
    system_call("mount at a descriptor", _MOVE_MOUNT, mount, b"", place, b"", 4 | 0x40)


def detach(path: str) -> None:
    """Take away what is mounted at a path; a link is not followed."""
    system_call(f"unmount {path}", _UMOUNT[machine], os.fsencode(path), 2 | 8)


def set_attributes(
    path: str, attributes: int, at: int = _AT_FDCWD, propagation: int = 0, recursive: int = _RECURSIVE
) -> None:
    """Add attributes (RDONLY, NOSUID ...) to a mount and everything mounted below it."""
    value = (ctypes.c_uint64 * 4)(attributes, 0, propagation, 0)
    flags = recursive | (0 if path else _EMPTY_PATH)
    system_call(f"set attributes of {path or 'a mount'}", _MOUNT_SETATTR, at, os.fsencode(path), flags, value, 32)


# Network


def raise_loopback() -> None:
    """Bring up the loopback of this network namespace."""
    door = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
    try:
        fcntl.ioctl(door.fileno(), 0x8914, b"lo".ljust(16, b"\0") + (0x1 | 0x40).to_bytes(2, "little") + bytes(22))
    finally:
        door.close()
