"""Memory that no process need have mapped: files in memory, System V segments, what waits in sockets.

Standard library only; part of the keeper. What the kernel keeps for a command is found by the descriptors that it has open;
where some of these cannot be seen, what all of the machine keeps more than before stands in.
"""

from __future__ import annotations

import _socket
import os
import stat
import struct
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_PAGE = os.sysconf("SC_PAGE_SIZE")
_NETLINK, _SOCKET_DIAG, _BY_FAMILY, _REQUEST_ALL, _DONE = 16, 4, 20, 0x301, 3
_SHOW_MEMORY, _MEMORY = 0x20, 5
_SHARE = 10
"""Looking may take one part in so many of the time: who has many descriptors is looked at less often."""


class Held:
    """What a command holds; `spaces` if it has an ipc namespace of its own, `alone` if a network too."""

    def __init__(self, spaces: bool, alone: bool) -> None:
        self._spaces, self._alone = spaces, alone
        self._device = _device_of_memory()
        self._before, self._sent = _shared_by_all(), _sent_by_all()
        self._again = 0.0
        self.objects = self.buffers = 0
        self.unseen = False
        """Whether files may be held by descriptors that cannot be seen: of a process that is closed, or under way."""

    def look(self, members: Sequence[int]) -> None:
        """Look anew, unless the last look took so long that it is not time yet."""
        begun = time.monotonic()
        if begun < self._again:
            return
        self.unseen = False
        files: dict[int, int] = {}
        sockets: set[int] = set()
        for process in members:
            self._look_at(process, files, sockets)
        self.objects = sum(files.values()) + (_segments() if self._spaces else 0)
        self.buffers = max(_sent_by_all() - self._sent, 0) + self._waiting(sockets)
        self._again = begun + (time.monotonic() - begun) * _SHARE

    def grown(self) -> int:
        """By how much the shared memory of the whole machine has grown since the command began."""
        return max(_shared_by_all() - self._before, 0)

    def _look_at(self, process: int, files: dict[int, int], sockets: set[int]) -> None:
        folder = f"/proc/{process}/fd/"
        try:
            names = os.listdir(folder)
        except OSError as error:
            self.unseen |= isinstance(error, PermissionError)
            return
        for name in names:
            try:
                found = os.stat(folder + name)
            except OSError:
                continue
            if found.st_dev == self._device:
                files[found.st_ino] = found.st_blocks * 512
            elif stat.S_ISSOCK(found.st_mode):
                sockets.add(found.st_ino)
                self.unseen = self.unseen or _carries_descriptors(process, name)

    def _waiting(self, sockets: set[int]) -> int:
        """Bytes in unix sockets: in all of a network of one's own, else in those that were seen."""
        if not sockets and not self._alone:
            return 0
        return sum(size for inode, size in _unix_sockets() if self._alone or inode in sockets)


def _device_of_memory() -> int:
    try:
        file = os.memfd_create("")
    except OSError:
        return -1
    try:
        return os.fstat(file).st_dev
    finally:
        os.close(file)


def _carries_descriptors(process: int, name: str) -> bool:
    """Whether open files are under way in a socket: nobody need have them open meanwhile."""
    told = _read(f"/proc/{process}/fdinfo/{name}").partition(b"scm_fds:")[2].split(None, 1)
    return bool(told) and told[0] != b"0"


def _shared_by_all() -> int:
    return int((_read("/proc/meminfo").partition(b"Shmem:")[2].split(None, 1) or [b"0"])[0]) * 1024


def _sent_by_all() -> int:
    """What the machine's sockets of the internet families keep."""
    lines = [line.split() for line in _read("/proc/net/sockstat").splitlines()]
    return sum(int(words[words.index(b"mem") + 1]) for words in lines if b"mem" in words) * _PAGE


def _segments() -> int:
    """What the System V segments of this ipc namespace have in memory or swapped out."""
    _, *rows = [line.split() for line in _read("/proc/sysvipc/shm").splitlines()] or [[]]
    return sum(int(row[-2]) + int(row[-1]) for row in rows)


def _unix_sockets() -> list[tuple[int, int]]:
    """The number of each unix socket of this network, and the bytes that wait in it; see `sock_diag(7)`."""
    body = struct.pack("=BBHIIIII", _socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, _SHOW_MEMORY, 0, 0)
    found: list[tuple[int, int]] = []
    try:
        door = _socket.socket(_NETLINK, _socket.SOCK_RAW | _socket.SOCK_CLOEXEC, _SOCKET_DIAG)
    except OSError:
        return found
    try:
        door.send(struct.pack("=IHHII", 16 + len(body), _BY_FAMILY, _REQUEST_ALL, 1, 0) + body)
        while _take_in(door.recv(1 << 16), found):
            continue
    except OSError:
        return found
    finally:
        door.close()
    return found


def _take_in(data: bytes, found: list[tuple[int, int]]) -> bool:
    """Read the messages of one answer; False after the last."""
    while len(data) >= 16:
        size, kind = struct.unpack_from("=IH", data)
        if kind != _BY_FAMILY or size < 32:
            return False
        found.append((struct.unpack_from("=I", data, 20)[0], _memory_of(data[32:size])))
        data = data[(size + 3) & ~3 :]
    return True


def _memory_of(attributes: bytes) -> int:
    while len(attributes) >= 4:
        size, kind = struct.unpack_from("=HH", attributes)
        if kind == _MEMORY and size >= 16:
            return struct.unpack_from("=I", attributes, 4)[0] + struct.unpack_from("=I", attributes, 12)[0]
        attributes = attributes[max((size + 3) & ~3, 4) :]
    return 0


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", 0) as file:
            return file.read()
    except OSError:
        return b""
