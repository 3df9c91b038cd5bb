"""One folder tree, read and written step by step so that no link in it can lead out."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from assent_sandbox.policy import PRIVATE
from assent_sandbox.stage import Entry, File, Link, Opaque, OutsideError, StageError

LARGE = 32 << 20
"""Files above this size, in bytes, are Opaque."""

LONGEST = 4096
"""Paths above this length, in bytes, are not looked into: no program could name what lies there."""

_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_HANDLE = getattr(os, "O_PATH", 0) | os.O_NOFOLLOW | os.O_CLOEXEC
_ADVICE = {
    errno.EMFILE: "Allow more open files: ulimit -n 1024.",
    errno.ENFILE: "Too many files are open on this machine: end some programs.",
    errno.ENOSPC: "Make room on the disk.",
    errno.EDQUOT: "Your share of the disk is full: make room.",
}


def parts(path: str) -> tuple[str, ...]:
    """The names of a relative POSIX path; `.` gives none. Raises OutsideError for what cannot be inside."""
    hint = "Name it relative to the root of the repository, such as src/main.py."
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise OutsideError(f"{path!r} cannot be a path", hint) from None
    if not path or "\0" in path:
        raise OutsideError(f"{path!r} cannot be a path", hint)
    if path.startswith("/"):
        raise OutsideError(f"{path} is an absolute path", hint)
    names = tuple(name for name in path.split("/") if name not in ("", "."))
    if ".." in names:
        raise OutsideError(f"{path} leads upwards", hint)
    return names


def is_private(path: str) -> bool:
    """Whether a path is or lies in what version control keeps, which is the view's own and never a change."""
    return not PRIVATE.isdisjoint(path.lower().split("/"))


def advice(error: OSError, usual: str = "") -> str:
    """What helps where it is no matter of this one file; else what usually does."""
    return _ADVICE.get(error.errno or 0, usual)


def fingerprint(status: os.stat_result) -> tuple[int, ...]:
    """What differs as soon as a file was written, replaced or changed in mode (the change time cannot be set back)."""
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode)


def status_of(folder: int, name: str) -> os.stat_result | None:
    """The status of a name in an open folder, of a link itself; None for nothing."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            return None
        hint = advice(error, "Check the permissions of its folder.")
        raise StageError(f"{name} cannot be looked up: {error.strerror}", hint) from error


def open_root(root: str) -> int:
    """Open the folder that a tree begins with; StageError where it cannot be, as when it is no longer there."""
    try:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        hint = advice(error, "If it was moved, put it back, or start assent where it is now.")
        raise StageError(f"the folder {root} cannot be opened: {error.strerror}", hint) from error


def step(folder: int, name: str, *, ours: bool = False) -> int | None:
    """Open a folder within an open folder; None if there is no such folder, OutsideError if it is a link.

    `ours` says that the tree is a private one, in which a folder closed by its own mode is opened up again.
    """
    try:
        return os.open(name, _STEP, dir_fd=folder)
    except PermissionError as error:
        if ours:
            return _unlocked(folder, name, _STEP)
        raise StageError(f"the folder {name} cannot be read", "Check its permissions.") from error
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG):
            raise StageError(f"the folder {name} cannot be opened: {error.strerror}", advice(error)) from error
    found = status_of(folder, name)
    if found is not None and stat.S_ISLNK(found.st_mode):
        raise OutsideError(
            f"{name} is a link to {os.readlink(name, dir_fd=folder)}, and paths through links are not followed",
            "Name the file by its real path in the repository.",
        )
    return None


def _unlocked(folder: int, name: str, flags: int) -> int:
    """Open something of our own that its mode forbids; a folder stays open to its owner, a file gets its mode back."""
    handle = os.open(name, _HANDLE, dir_fd=folder)
    place = f"/proc/self/fd/{handle}"
    try:
        mode = stat.S_IMODE(os.fstat(handle).st_mode)
        os.chmod(place, mode | stat.S_IRWXU)
        fd = os.open(name, flags, dir_fd=folder)
        if not flags & os.O_DIRECTORY:
            os.chmod(place, mode)
        return fd
    except OSError as error:
        hint = advice(error, "Check its permissions.")
        raise StageError(f"{name} cannot be opened: {error.strerror}", hint) from error
    finally:
        os.close(handle)


def entry_of(folder: int, name: str, *, ours: bool = False) -> Entry | None:
    """What stands at a name in an open folder; None for nothing or a folder."""
    found = status_of(folder, name)
    if found is None or stat.S_ISDIR(found.st_mode):
        return None
    if stat.S_ISLNK(found.st_mode):
        return Link(os.readlink(name, dir_fd=folder))
    if not stat.S_ISREG(found.st_mode):
        return Opaque(_kind(found.st_mode))
    if found.st_size > LARGE:
        return Opaque("a large file", found.st_size)
    return _file(folder, name, ours)


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


def open_ours(folder: int, name: str) -> int:
    """Open a file of our own in an open folder to read it, also where its mode forbids that."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(name, flags, dir_fd=folder)
    except PermissionError:
        return _unlocked(folder, name, flags)


def _file(folder: int, name: str, ours: bool) -> Entry | None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError:
        if not ours:
            return Opaque("a file that cannot be read")
        fd = _unlocked(folder, name, flags)
    with open(fd, "rb") as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            return Opaque(_kind(found.st_mode))
        data = file.read(LARGE + 1)
    return File(data, found.st_mode & 0o777) if len(data) <= LARGE else Opaque("a large file", found.st_size)


def names_of(folder: int) -> list[tuple[str, bool]]:
    """The names in an open folder and whether each is a folder itself (links are not)."""
    try:
        with os.scandir(folder) as found:
            return [(item.name, item.is_dir(follow_symlinks=False)) for item in found]
    except OSError as error:
        hint = advice(error, "Check its permissions.")
        raise StageError(f"a folder cannot be listed: {error.strerror}", hint) from error


class Tree:
    """A folder and what is below it, addressed by tuples of names; raises OutsideError where a link is in the way."""

    def __init__(self, root: str, *, ours: bool = False) -> None:
        self.root = root
        self.ours = ours

    def around(self, names: tuple[str, ...]) -> AbstractContextManager[int | None]:
        """The open folder in which a path stands, for as long as the block runs; None if there is none."""
        return self.folder(names[:-1])

    def folder(self, names: tuple[str, ...]) -> AbstractContextManager[int | None]:
        """An open folder for as long as the block runs; None if there is none."""
        return self._folder(names)

    @contextmanager
    def _folder(self, names: tuple[str, ...]) -> Generator[int | None]:
        fd: int | None = self._open_root()
        try:
            for name in names:
                above = fd
                fd = None
                try:
                    fd = self.step(above, name)
                finally:
                    os.close(above)
                if fd is None:
                    break
            yield fd
        finally:
            if fd is not None:
                os.close(fd)

    def step(self, above: int, name: str) -> int | None:
        """Open a folder within an open folder of this tree; see the function of this name."""
        return step(above, name, ours=self.ours)

    def _open_root(self) -> int:
        if self.ours and not os.access(self.root, os.R_OK | os.W_OK | os.X_OK):
            with suppress(OSError):
                os.chmod(self.root, os.stat(self.root).st_mode & 0o777 | stat.S_IRWXU)
        return open_root(self.root)

    def status(self, names: tuple[str, ...]) -> os.stat_result | None:
        """The status of a path, of a link itself; None for nothing."""
        if not names:
            return os.stat(self.root)
        with self.around(names) as folder:
            return None if folder is None else status_of(folder, names[-1])

    def entry(self, names: tuple[str, ...]) -> Entry | None:
        """What stands at a path; None for nothing or a folder."""
        if not names:
            return None
        with self.around(names) as folder:
            return None if folder is None else entry_of(folder, names[-1], ours=self.ours)

    def is_folder(self, names: tuple[str, ...]) -> bool:
        """Whether a folder stands at a path and not at the end of a link."""
        found = self.status(names)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def names(self, names: tuple[str, ...]) -> list[str]:
        """What stands in a folder; nothing if it is none."""
        with self.folder(names) as folder:
            return [] if folder is None else [name for name, _ in names_of(folder)]

    def files(self, names: tuple[str, ...] = ()) -> Iterator[tuple[str, os.stat_result]]:
        """Every path below a folder that is no folder, with its status; `.git` is left out at any depth."""
        waiting = [names]
        while waiting:
            above = waiting.pop()
            with self.folder(above) as folder:
                if folder is None:
                    continue
                for name, is_folder in names_of(folder):
                    path = "/".join((*above, name))
                    if name.lower() in PRIVATE or len(path) > LONGEST:
                        continue
                    if is_folder:
                        waiting.append((*above, name))
                    elif (found := status_of(folder, name)) is not None:
                        yield path, found


class RealTree(Tree):
    """The user's own tree, which is never changed here; what lies beyond a link in it counts as nothing."""

    def __init__(self, root: str) -> None:
        super().__init__(root)

    def place(self, path: str) -> str:
        """The absolute path of what stands at a path."""
        return os.path.join(self.root, path)

    def step(self, above: int, name: str) -> int | None:
        """Open a folder within an open folder; None if there is none or a link."""
        try:
            return step(above, name)
        except OutsideError:
            return None


def fill(place: str, entry: File | Link) -> None:
    """Make a file or link at a plain path of our own, where nothing stands."""
    if isinstance(entry, Link):
        os.symlink(entry.target, place)
        return
    fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        file.write(entry.data)
        os.fchmod(fd, entry.mode & 0o777)


def take_out(folder: int, name: str, draft: str) -> None:
    """Take a name of our own out of an open folder in one step, by way of a draft, and delete it; nothing is no error."""
    found = status_of(folder, name)
    if found is None:
        return
    if stat.S_ISDIR(found.st_mode) and (fd := step(folder, name, ours=True)) is not None:
        os.fchmod(fd, stat.S_IRWXU)
        os.close(fd)
    os.rename(name, draft, src_dir_fd=folder)
    erase(draft)


def erase(place: str) -> None:
    """Delete a plain path of our own with all below it, however deep, also where modes forbid it."""
    try:
        found = os.lstat(place)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(place)
        return
    waiting = [place]
    count = 0
    while waiting:
        folder = waiting.pop()
        os.chmod(folder, stat.S_IRWXU)
        with os.scandir(folder) as items:
            inner = [(item.path, item.is_dir(follow_symlinks=False)) for item in items]
        for path, is_folder in inner:
            if not is_folder:
                os.unlink(path)
                continue
            os.chmod(path, stat.S_IRWXU)
            waiting.append(f"{place}.{count}")
            os.rename(path, waiting[-1])
            count += 1
        os.rmdir(folder)
