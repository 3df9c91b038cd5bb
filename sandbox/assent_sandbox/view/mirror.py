"""A copy of a repository that follows it, file by file, as long as nobody changes the copy."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager

import msgspec

from assent_sandbox.sight.private import make_private_git, stamp
from assent_sandbox.stage import StageError
from assent_sandbox.view import tree
from assent_sandbox.view.bases import latin, native
from assent_sandbox.view.clone import clone
from assent_sandbox.view.tree import RealTree, Tree, fingerprint, status_of

Print = tuple[int, ...]


class _Manifest(msgspec.Struct):
    """What was copied, as it is on file; paths as bytes read as Latin-1."""

    files: dict[str, tuple[Print, Print]] = {}
    linked: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    git: Print = ()


class Mirror:
    """The copy at `place` of the real tree; `home` is the stage's folder, `draft` names fresh places in it."""

    def __init__(self, place: str, real: RealTree, home: str, draft: Callable[[], str]) -> None:
        self.tree = Tree(place, ours=True)
        self.real = real
        self._file = f"{home}/manifest"
        self._draft = draft
        os.makedirs(place, mode=0o755, exist_ok=True)
        found = self._load()
        self.files = {native(path): prints for path, prints in found.files.items()}
        """For each clean file, the fingerprints of the real one and of the copy."""
        self.linked = {native(path) for path in found.linked}
        """Large ignored folders that are links to the real ones."""
        self._objects = tuple(native(path) for path in found.objects)
        self._git = found.git
        self._unsaved = False

    def borrowed(self) -> tuple[str, ...]:
        """Absolute paths of real folders that the copy needs."""
        return (*(self.real.place(path) for path in sorted(self.linked)), *self._objects)

    def save(self) -> None:
        """Put on file what was copied, if that is other than what is there."""
        if not self._unsaved:
            return
        found = _Manifest(
            {latin(path): prints for path, prints in self.files.items()},
            tuple(latin(path) for path in sorted(self.linked)),
            tuple(latin(path) for path in self._objects),
            self._git,
        )
        draft = self._draft()
        with open(draft, "wb") as file:
            file.write(msgspec.json.encode(found))
        os.rename(draft, self._file)
        self._unsaved = False

    def changed(self) -> tuple[set[str], set[str]]:
        """What stands in the copy and is not what was copied, and what was copied and is not there any more."""
        found = {path: fingerprint(status) for path, status in self.tree.files() if not self.is_linked(path)}
        touched = {path for path, seen in found.items() if path not in self.files or self.files[path][1] != seen}
        return touched, self.files.keys() - found.keys()

    def is_stale(self, path: str) -> bool:
        """Whether a real file is not the one that was copied."""
        known = self.files.get(path)
        try:
            return known is None or known[0] != fingerprint(os.lstat(self.real.place(path)))
        except OSError:
            return True

    def copy(self, path: str) -> None:
        """Copy a file or link anew; where something of the stage's own is in the way, or no file is there, none is."""
        names = tuple(path.split("/"))
        draft = self._draft()
        seen = self._copy_to(draft, names)
        if seen is None:
            self.remove(path)
            return
        try:
            with self.prepared(names[:-1]) as folder:
                self.make_room(folder, path)
                os.rename(draft, names[-1], dst_dir_fd=folder)
                status = status_of(folder, names[-1])
        except StageError:
            tree.erase(draft)
            return
        if status is not None:
            self.files[path] = (seen, fingerprint(status))
            self._unsaved = True

    def remove(self, path: str) -> None:
        """Remove a file from the copy, and the folders that it alone had kept."""
        names = tuple(path.split("/"))
        self._unsaved |= self.files.pop(path, None) is not None
        for end in range(len(names), 0, -1):
            with self.tree.folder(names[: end - 1]) as folder:
                if folder is None:
                    continue
                if end == len(names):
                    tree.take_out(folder, names[-1], self._draft())
                    continue
                with self.tree.folder(names[:end]) as inner:
                    if inner is None or tree.names_of(inner) or self.real.is_folder(names[:end]):
                        return
                tree.take_out(folder, names[end - 1], self._draft())

    def forget(self, path: str) -> None:
        """Count a file that was moved out of the copy as one that was never copied."""
        self._unsaved |= self.files.pop(path, None) is not None

    def link(self, wanted: set[str]) -> None:
        """Let these folders be links to the real ones, as far as nothing of the stage's own is in the way.

        A link that was there once and is not any more was removed on the stage, and is not made again.
        """
        for path in self.linked - wanted:
            if self.is_linked(path):
                self.remove(path)
        for path in sorted(wanted - self.linked):
            names = tuple(path.split("/"))
            with self.prepared(names[:-1]) as folder:
                if status_of(folder, names[-1]) is None:
                    os.symlink(self.real.place(path), names[-1], dir_fd=folder)
        self._unsaved |= self.linked != wanted
        self.linked = wanted

    def is_linked(self, path: str) -> bool:
        """Whether a path is a link to a large ignored folder, and still stands."""
        return path in self.linked and os.path.islink(os.path.join(self.tree.root, path))

    def refresh_git(self) -> None:
        """Give the copy a git folder like the real one, unless something was committed in the copy."""
        now = stamp(self.real.root)
        own = os.path.join(self.tree.root, ".git")
        if not os.path.isdir(own) or (now != self._git and not os.path.exists(os.path.join(own, "logs"))):
            tree.erase(own)
            self._objects = make_private_git(self.real.root, self.tree.root, self._draft(), self.linked)
            self._git = now
            self._unsaved = True

    def forget_git(self) -> None:
        """Take the git folder for one of an unknown time, so that it is made anew unless something was committed in it."""
        self._git = ()
        self._unsaved = True

    @contextmanager
    def prepared(self, names: tuple[str, ...]) -> Generator[int]:
        """An open folder of the copy, made with all above it; raises StageError where something is in the way."""
        for index, name in enumerate(names):
            with self.tree.folder(names[:index]) as folder:
                assert folder is not None
                found = status_of(folder, name)
                if found is None:
                    os.mkdir(name, 0o755, dir_fd=folder)
                elif not stat.S_ISDIR(found.st_mode) and not stat.S_ISLNK(found.st_mode):
                    path = "/".join(names[: index + 1])
                    raise StageError(f"{path} is a file, so nothing can be put into it", "Delete that file first.")
        with self.tree.folder(names) as folder:
            assert folder is not None
            yield folder

    def make_room(self, folder: int, path: str) -> None:
        """Let a file take the place of an empty folder, and of no other."""
        names = tuple(path.split("/"))
        if not self.tree.is_folder(names):
            return
        with self.tree.folder(names) as inner:
            if inner is not None and tree.names_of(inner):
                raise StageError(f"{path} is a folder with something in it", "Delete what is in it first.")
        tree.take_out(folder, names[-1], self._draft())

    def _copy_to(self, draft: str, names: tuple[str, ...]) -> Print | None:
        """Copy a real file or link to a draft and give the fingerprint that it had; None for anything else."""
        with self.real.around(names) as folder:
            found = None if folder is None else status_of(folder, names[-1])
            if folder is None or found is None:
                return None
            if stat.S_ISLNK(found.st_mode):
                os.symlink(os.readlink(names[-1], dir_fd=folder), draft)
                return fingerprint(found)
            return self._copy_file(draft, folder, names[-1]) if stat.S_ISREG(found.st_mode) else None

    def _copy_file(self, draft: str, folder: int, name: str) -> Print | None:
        try:
            source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except OSError:
            return None
        target = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            found = os.fstat(source)
            clone(source, target)
            os.fchmod(target, stat.S_IMODE(found.st_mode) & 0o777)
            os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
            return fingerprint(found)
        finally:
            os.close(source)
            os.close(target)

    def _load(self) -> _Manifest:
        try:
            with open(self._file, "rb") as file:
                return msgspec.json.decode(file.read(), type=_Manifest)
        except FileNotFoundError:
            return _Manifest()
