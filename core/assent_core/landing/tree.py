"""The real tree, reached folder by folder from its root, so that no link on the way is ever followed."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Generator
from pathlib import Path

from assent_core.landing import rename
from assent_sandbox.stage import Entry, File, Link, Opaque

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
PERMISSIONS = 0o777
KEPT_ATTRIBUTES = ("user.", "system.posix_acl_access")


class LinkInPathError(NotADirectoryError):
    """A symbolic link stands where a folder was to be entered; it is not followed."""


class Tree:
    """A folder and what is below it. Paths are relative, in POSIX form; missing things raise OSError as the system does."""

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, FOLDER)

    def close(self) -> None:
        """Let go of the root."""
        os.close(self._root)

    @contextlib.contextmanager
    def _folder(self, path: str) -> Generator[int]:
        """A handle of a folder, opened one name at a time."""
        folder, seen = os.dup(self._root), ""
        try:
            for name in path.split("/") if path else ():
                seen = f"{seen}/{name}" if seen else name
                inner = _enter(folder, name, seen)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)

    @contextlib.contextmanager
    def _place(self, path: str) -> Generator[tuple[int, str]]:
        above, _, name = path.rpartition("/")
        with self._folder(above) as folder:
            yield folder, name

    def stat(self, path: str) -> os.stat_result | None:
        """What the system says of a path itself, never of what a link leads to; None if nothing stands there."""
        try:
            with self._place(path) as (folder, name):
                return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, path: str) -> Entry | None:
        """What stands at a path; a folder, pipe or device is an Opaque."""
        found = self.stat(path)
        if found is None:
            return None
        try:
            with self._place(path) as (folder, name):
                return _read(folder, name, found)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def holds(self, path: str, entry: Entry | None) -> bool:
        """Whether exactly this stands at a path: kind, bytes, permission bits."""
        found = self.stat(path)
        if found is None or entry is None:
            return found is None and entry is None
        if isinstance(entry, File) and (not stat.S_ISREG(found.st_mode) or found.st_size != len(entry.data)):
            return False
        return self.read(path) == entry

    def names(self, path: str) -> list[str]:
        """What is in a folder."""
        with self._folder(path) as folder:
            return sorted(os.listdir(folder))  # noqa: PTH208 - a handle has no pathlib

    def create(self, path: str, entry: File | Link, like: str = "") -> os.stat_result:
        """Write to a free path (`flush` makes it safe); owner and attributes are those of `like`, or of the folder."""
        with self._place(path) as (folder, name):
            if isinstance(entry, Link):
                os.symlink(entry.target, name, dir_fd=folder)
                _give(os.fstat(folder), name, folder)
                return os.stat(name, dir_fd=folder, follow_symlinks=False)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(name, flags, 0o600, dir_fd=folder)
            with os.fdopen(handle, "wb") as file:
                file.write(entry.data)
                file.flush()
                self._resemble(handle, like, os.fstat(folder))
                os.fchmod(handle, entry.mode & PERMISSIONS)
                if not entry.mode & stat.S_IRUSR:
                    os.fsync(handle)
                return os.fstat(handle)

    def flush(self, path: str) -> None:
        """Make the content of a file safe on the disk. Cheap for many files if all were written before."""
        found = self.stat(path)
        if found is None or not stat.S_ISREG(found.st_mode) or not found.st_mode & stat.S_IRUSR:
            return
        with self._place(path) as (folder, name):
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def _resemble(self, handle: int, like: str, folder: os.stat_result) -> None:
        model = self.stat(like) if like else None
        if model is None or not stat.S_ISREG(model.st_mode):
            _give(folder, handle)
            return
        _give(model, handle, group=model.st_gid)
        with contextlib.suppress(OSError, AttributeError), self._place(like) as (above, name):
            source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=above)
            try:
                for attribute in os.listxattr(source):
                    if attribute.startswith(KEPT_ATTRIBUTES):
                        os.setxattr(handle, attribute, os.getxattr(source, attribute))
            finally:
                os.close(source)

    def exchange(self, path: str, other: str) -> bool:
        """Exchange two paths of one folder in one step; False where there is no such step."""
        with self._place(path) as (folder, name):
            return rename.exchange(folder, name, other.rpartition("/")[2])

    def move(self, path: str, into: str) -> None:
        """Rename to a free path; FileExistsError if it is taken."""
        with self._place(path) as (source, name), self._place(into) as (target, new):
            rename.move(source, name, target, new)

    def replace(self, path: str, into: str) -> None:
        """Rename over whatever stands there."""
        with self._place(path) as (source, name), self._place(into) as (target, new):
            os.replace(name, new, src_dir_fd=source, dst_dir_fd=target)

    def remove(self, path: str) -> None:
        """Delete what stands at a path, if anything does."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), self._place(path) as (folder, name):
            os.unlink(name, dir_fd=folder)

    def make(self, path: str, mode: int | None = None) -> None:
        """Make a folder if nothing stands there or in the way, with the usual permissions or these."""
        taken = (FileExistsError, FileNotFoundError, NotADirectoryError)
        with contextlib.suppress(*taken), self._place(path) as (folder, name):
            os.mkdir(name, dir_fd=folder)
            _give(os.fstat(folder), name, folder)
            if mode is not None:
                with self._folder(path) as made:
                    os.fchmod(made, mode)

    def drop(self, path: str) -> bool:
        """Remove a folder if it is empty, and say whether it is gone."""
        try:
            with self._place(path) as (folder, name):
                os.rmdir(name, dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY, errno.EACCES, errno.EPERM):
                raise
            return False
        return True

    def sync(self, path: str) -> None:
        """Make the names in a folder safe on the disk."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), self._folder(path) as folder:
            os.fsync(folder)


def _read(folder: int, name: str, found: os.stat_result) -> Entry:
    if stat.S_ISLNK(found.st_mode):
        return Link(os.readlink(name, dir_fd=folder))
    if not stat.S_ISREG(found.st_mode):
        return Opaque("a folder" if stat.S_ISDIR(found.st_mode) else "no regular file")
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(handle, "rb") as file:
        mode = os.fstat(handle).st_mode
        return File(file.read(), mode & PERMISSIONS) if stat.S_ISREG(mode) else Opaque("no regular file")


def _enter(folder: int, name: str, path: str) -> int:
    try:
        return os.open(name, FOLDER, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK) and _is_link(folder, name):
            raise LinkInPathError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from error
        raise


def _is_link(folder: int, name: str) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _give(model: os.stat_result, target: int | str, folder: int | None = None, group: int = -1) -> None:
    """Root keeps a user's files the user's; others may at least keep the group. Where that is not allowed it is left."""
    owner = (model.st_uid, model.st_gid) if os.geteuid() == 0 else (-1, group)
    if owner != (-1, -1):
        with contextlib.suppress(OSError):
            os.chown(target, *owner, dir_fd=folder, follow_symlinks=isinstance(target, int))
