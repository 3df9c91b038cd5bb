"""Whether anything was made, moved or deleted in some folders, asked of the kernel without looking at them; see `inotify(7)`."""

from __future__ import annotations

import ctypes
import os
import sys

_CREATED, _MOVED, _DELETED, _ITSELF = 0x100, 0x40 | 0x80, 0x200, 0x400 | 0x800
_ONLY_FOLDERS, _NO_LINKS = 0x01000000, 0x02000000
_MASK = _CREATED | _MOVED | _DELETED | _ITSELF | _ONLY_FOLDERS | _NO_LINKS
_SHARE = 4
"""At most one part in so many of the watches that the user may have is taken: editors need them too."""
_LOCAL = frozenset(("ext2", "ext3", "ext4", "btrfs", "xfs", "f2fs", "zfs", "bcachefs", "tmpfs", "overlay"))
"""File systems that only this kernel changes, so that it knows of every change."""


class FolderWatch:
    """Watches folders one by one; where that cannot be done it never says that all was quiet."""

    def __init__(self, root: str) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" and _is_local(root) else None
        self._room = _most_watches()
        self._file = -1
        self.restart()

    def restart(self) -> None:
        """Forget all folders."""
        self.close()
        self._watched: set[str] = set()
        self._blind = self._libc is None
        if self._libc:
            self._file = int(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
            self._blind = self._file < 0

    def add(self, folder: str) -> None:
        """Watch a folder, from before it is looked at."""
        if self._blind or self._libc is None:
            return
        self._watched.add(folder)
        if len(self._watched) > self._room or self._libc.inotify_add_watch(self._file, os.fsencode(folder), _MASK) < 0:
            self.close()

    def was_quiet(self) -> bool:
        """Say whether surely nothing happened since the last time that this was asked."""
        if self._blind:
            return False
        quiet = True
        try:
            while os.read(self._file, 1 << 16):
                quiet = False
        except BlockingIOError:
            return quiet
        except OSError:
            self.close()
        return False

    def close(self) -> None:
        """Watch no more; doing it twice is no error."""
        if self._file >= 0:
            os.close(self._file)
        self._file, self._blind = -1, True


def _most_watches() -> int:
    try:
        with open("/proc/sys/fs/inotify/max_user_watches") as file:
            return int(file.read()) // _SHARE
    except (OSError, ValueError):
        return 0


def _is_local(folder: str) -> bool:
    """Say whether a folder lies on a file system that nobody changes from elsewhere."""
    try:
        device = os.stat(folder).st_dev
        with open("/proc/self/mountinfo", errors="surrogateescape") as file:
            mounts = [line.split() for line in file]
    except OSError:
        return False
    wanted = f"{os.major(device)}:{os.minor(device)}"
    kinds = {words[words.index("-") + 1] for words in mounts if words[2] == wanted}
    return bool(kinds) and kinds <= _LOCAL
