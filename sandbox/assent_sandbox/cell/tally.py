"""What a running command uses up and what its network refused, counted from inside.

Standard library only. In a namespace of its own every process but the first belongs to the command; elsewhere its
descendants do.
"""

from __future__ import annotations

import os

from assent_sandbox.cell.held import Held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

_PAGE = os.sysconf("SC_PAGE_SIZE")
_ENTRY = 4096
"""Bytes that each file counts besides its content, so that empty ones are bounded too."""


_NODE = 1024
"""Bytes that a file in memory takes besides its content."""


def open_folder(path: str) -> int:
    """A descriptor of a folder that stays valid when the folder is hidden; -1 for no path."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) if path else -1


def processes() -> list[int]:
    """Every process that this /proc shows, but the first."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def descendants(without: Collection[int] = (), enough: int = 1 << 22) -> list[int]:
    """Every process that descends from this one, and not through one of these; no more are looked for once there are enough."""
    found = _children(os.getpid())
    for process in found:
        if process not in without and len(found) <= enough:
            found.extend(_children(process))
    return found


def _children(process: int) -> list[int]:
    """The children of a process, of all its threads; by looking at every process where the kernel keeps no list."""
    if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
        return [each for each in processes() if _parent(each) == process]
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    except OSError:
        return found
    return found


def _parent(process: int) -> int:
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return -1


class Crowd:
    """The processes of a command: how many threads they have, and how much memory they use together."""

    def __init__(self, spaces: bool, network: bool = False) -> None:
        self.spaces = spaces
        self.held = Held(spaces, spaces and not network)
        self.kept = _in_memory_files() if spaces else 0
        self.members: list[int] = []
        self.threads = self.resident = 0

    def count(self, enough: int) -> None:
        """Look at every process once, or at one more than enough."""
        self.members = processes() if self.spaces else descendants(enough=enough)
        self.threads = self.resident = 0
        for process in self.members:
            threads, resident = _weigh(process)
            self.threads += threads
            self.resident += resident

    def memory(self, limit: int) -> int:
        """Bytes in use since the start, each shared page counted once if that decides about the limit."""
        self.held.look(self.members)
        files = max(_in_memory_files() - self.kept, 0) if self.spaces else 0
        objects = files + self.held.objects
        if self.held.unseen:
            objects = max(objects, self.held.grown())
        if self.resident + objects + self.held.buffers <= limit:
            return self.resident + objects + self.held.buffers
        parts = [_proportional(process) for process in self.members]
        shared = sum(part for _, part in parts)
        return sum(part for part, _ in parts) + max(shared, objects) + self.held.buffers


def _weigh(process: int) -> tuple[int, int]:
    """Threads and resident bytes of a process."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return int(fields[17]), int(fields[21]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0, 0


def _proportional(process: int) -> tuple[int, int]:
    """A process's share of the pages that it has mapped: of its own and of files, and of what is shared in memory."""
    found = {b"Pss": -1, b"Pss_Shmem": 0}
    try:
        with open(f"/proc/{process}/smaps_rollup", "rb") as file:
            for line in file:
                name, _, rest = line.partition(b":")
                if name in found:
                    found[name] = int(rest.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    whole, shared = found[b"Pss"], found[b"Pss_Shmem"]
    return (_weigh(process)[1], 0) if whole < 0 else (whole - shared, shared)


def _in_memory_files() -> int:
    """What lies in the private in-memory file systems."""
    used = 0
    for path in ("/dev/shm", "/tmp", "/var/tmp", "/run"):
        try:
            state = os.statvfs(path)
        except OSError:
            continue
        used += (state.f_blocks - state.f_bfree) * state.f_frsize + (state.f_files - state.f_ffree) * _NODE
    return used


def threads_of_all() -> int:
    """How many threads the whole machine has."""
    try:
        with open("/proc/loadavg", "rb") as file:
            return int(file.read().split()[3].partition(b"/")[2])
    except (OSError, ValueError, IndexError):
        return 0


class Growth:
    """Watches what a folder's file system loses, and measures the folder only when that could matter."""

    def __init__(self, folder: int, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self.enough = self._free() - limit
        """As long as so much is free the folder cannot have grown too large."""

    def _free(self) -> int:
        if self.folder < 0:
            return 0
        state = os.statvfs(self.folder)
        return state.f_bfree * state.f_frsize + state.f_ffree * _ENTRY

    def exceeded(self) -> bool:
        """Say whether the folder holds more than the limit."""
        if self.folder < 0 or (free := self._free()) >= self.enough:
            return False
        room = self.limit - size(self.folder)
        self.enough = free - max(room, 0)
        return room < 0


def size(folder: int) -> int:
    """Bytes on a folder's own disk below it, links not followed, with what the disk needs for each file besides."""
    total = 0
    disk = os.stat(folder).st_dev
    for _, folders, names, at in os.fwalk(".", dir_fd=folder):
        if os.stat(at).st_dev != disk:
            folders.clear()
            continue
        total += len(folders) * _ENTRY
        for name in names:
            try:
                total += os.stat(name, dir_fd=at, follow_symlinks=False).st_blocks * 512 + _ENTRY
            except OSError:
                continue
    return total


class Routes:
    """Counts the packets that had nowhere to go from this network namespace: only its own loopback has a route.

    Made before /proc is replaced; an unreadable counter counts nothing.
    """

    def __init__(self) -> None:
        self._old, self._new = _open("/proc/self/net/snmp"), _open("/proc/self/net/snmp6")

    def refused(self) -> int:
        """How many there were until now."""
        names, values = [*_read(self._old).splitlines(), b"", b""][:2]
        counted = dict(zip(names.split(), values.split(), strict=False)).get(b"OutNoRoutes", b"0")
        _, _, rest = _read(self._new).partition(b"Ip6OutNoRoutes")
        return int(counted) + int((rest.split(None, 1) or [b"0"])[0])


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def _read(file: int) -> bytes:
    return os.pread(file, 1 << 14, 0) if file >= 0 else b""
