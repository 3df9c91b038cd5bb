"""A stage that can be put back to how it was: snapshots of what it holds apart, whatever its view is made of."""

from __future__ import annotations

import os
import stat
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path

import msgspec

from assent_sandbox.stage import Moved, OutsideError
from assent_sandbox.view import tree
from assent_sandbox.view.bases import latin, native
from assent_sandbox.view.folder import Folder, told
from assent_sandbox.view.layers import is_opaque, is_whiteout, set_opaque
from assent_sandbox.view.life import LivingStage
from assent_sandbox.view.snapshots import Album, Held, Snapshot
from assent_sandbox.view.tree import Tree, fingerprint, names_of, open_ours, status_of, step

_GIT = ".git"


class RememberingStage(LivingStage):
    """Keeps and restores snapshots: files and links held apart, what was deleted, the view's own `.git`, and all bases.

    Pipes, sockets, devices and folders that hold nothing are left out.
    """

    @property
    @abstractmethod
    def _own(self) -> Tree:
        """The tree on disk in which lies what is held apart."""

    @abstractmethod
    def above(self, folder: Folder) -> RememberingStage:
        """A stage in another folder that is layered on this one; it is to `follow`, and this one not to be changed."""

    @abstractmethod
    def _place(self, path: str, draft: str) -> None:
        """Make a draft stand at a path of the view, with the folders that it needs."""

    @abstractmethod
    def _renew_private(self, time: int) -> None:
        """Let the view's own `.git` of that time follow the real one, if that moved since and nothing was committed."""

    def snapshot(self, album: Path) -> str:
        """Keep the stage as it is in an album; the name of the snapshot. Its cost follows what changed since the last."""
        with told("a snapshot of the stage"):
            book = Album(album)
            time = self._folder.now()
            before, held = book.newest.held, dict[str, Held]()
            for path in self.paths():
                if (found := self._kept(path, before.get(path), time, book)) is not None:
                    held[path] = found
            gone = self._gone_folders(path for path, each in held.items() if each.kind == "nothing")
            held |= self._private(before, time, book)
            return book.add(Snapshot(held, gone, time))

    def restore(self, album: Path, name: str) -> tuple[Moved, ...]:
        """Put the stage back to how it was, then bring it up to the real tree as `rebase` does.

        Interrupted, it can be done again. StageError if the snapshot is not kept.
        """
        with told("the stage"):
            book = Album(album)
            wanted = book.at(name)
            files = {path: held for path, held in wanted.held.items() if not tree.is_private(path)}
            for path in self.paths():
                if path not in files:
                    self._drop(path)
                    self._bases.forget(path)
            for path in (*wanted.gone, *(path for path, held in files.items() if held.kind == "nothing")):
                self._take(path)
            for path, held in files.items():
                self._put_back(path, held, book)
            self._restore_private(wanted, book)
            return self.rebase()

    def _kept(self, path: str, known: Held | None, time: int, book: Album) -> Held | None:
        base = self._bases.get(path)
        if base is not None and base.kind == "file":
            book.contents.take_over(base.content, self._bases.contents)
        if path not in self._touched:
            return Held("nothing", base=base)
        *above, name = path.split("/")
        with self._own.folder(tuple(above)) as folder:
            found = None if folder is None else self._piece(folder, name, known, time, book)
        return None if found is None else msgspec.structs.replace(found, base=base)

    def _piece(self, folder: int, name: str, known: Held | None, time: int, book: Album) -> Held | None:
        """What stands at a name of our own, its content stored; None for what is no file, link or whiteout."""
        found = status_of(folder, name)
        if found is None:
            return None
        if is_whiteout(folder, name, found):
            return Held("whiteout")
        if stat.S_ISLNK(found.st_mode):
            return Held("link", latin(os.readlink(name, dir_fd=folder)))
        if not stat.S_ISREG(found.st_mode):
            return None
        seen = fingerprint(found)
        if known is not None and known.kind == "file" and known.seen == seen:
            return known
        file = open_ours(folder, name)
        try:
            content = book.contents.put_file(file)
        finally:
            os.close(file)
        return Held("file", content, stat.S_IMODE(found.st_mode) & 0o777, seen if found.st_ctime_ns < time else ())

    def _gone_folders(self, deleted: Iterator[str]) -> tuple[str, ...]:
        """The topmost folders that are no folders of the view any more, above what was deleted."""
        known: dict[str, bool] = {}
        for path in deleted:
            names = path.split("/")
            for end in range(1, len(names)):
                above = "/".join(names[:end])
                if above not in known:
                    known[above] = self._is_folder(above)
                if not known[above]:
                    break
        return tuple(path for path, there in known.items() if not there)

    def _is_folder(self, path: str) -> bool:
        try:
            return self.folder(path) is not None
        except OutsideError:
            return False

    def _put_back(self, path: str, held: Held, book: Album) -> None:
        if held.kind != "nothing" and not self._still(path, held):
            draft = self._folder.draft()
            _make(draft, held, book)
            if self._is_folder(path):
                self._take(path)
            self._place(path, draft)
        if held.base is None:
            self._bases.forget(path)
        else:
            self._bases.adopt(path, held.base, book.contents)

    def _still(self, path: str, held: Held) -> bool:
        """Whether the very file that a snapshot was made of stands there unchanged."""
        if not held.seen or path not in self._touched:
            return False
        found = self._own.status(tuple(path.split("/")))
        return found is not None and fingerprint(found) == held.seen

    def _private(self, before: dict[str, Held], time: int, book: Album) -> dict[str, Held]:
        """The view's own `.git`, piece by piece."""
        pieces: dict[str, Held] = {}
        waiting: list[tuple[str, ...]] = [(_GIT,)]
        while waiting:
            *above, name = waiting.pop()
            path = "/".join((*above, name))
            with self._own.folder(tuple(above)) as folder:
                found = None if folder is None else status_of(folder, name)
                if folder is None or found is None:
                    continue
                inner = step(folder, name, ours=True) if stat.S_ISDIR(found.st_mode) else None
                if inner is None:
                    if (piece := self._piece(folder, name, before.get(path), time, book)) is not None:
                        pieces[path] = piece
                    continue
                kind = "hiding folder" if is_opaque(inner) else "folder"
                pieces[path] = Held(kind, mode=stat.S_IMODE(found.st_mode))
                waiting += [(*above, name, below) for below, _ in names_of(inner)]
                os.close(inner)
        return pieces

    def _restore_private(self, wanted: Snapshot, book: Album) -> None:
        pieces = {path: held for path, held in wanted.held.items() if tree.is_private(path)}
        draft = self._folder.draft()
        for path in sorted(pieces):
            _make(f"{draft}{path.removeprefix(_GIT)}", pieces[path], book)
        with self._own.folder(()) as root:
            assert root is not None
            tree.take_out(root, _GIT, self._folder.draft())
            if pieces:
                os.rename(draft, _GIT, dst_dir_fd=root)
        self._renew_private(wanted.time)


def _make(place: str, held: Held, book: Album) -> None:
    """Make what was held stand at a plain path of our own."""
    match held.kind:
        case "file":
            book.contents.lay(held.content, place)
            os.chmod(place, held.mode)
        case "link":
            os.symlink(native(held.content), place)
        case "whiteout":
            os.mknod(place, stat.S_IFCHR, 0)
        case "folder" | "hiding folder":
            os.mkdir(place)
            os.chmod(place, held.mode | stat.S_IRWXU)
            if held.kind == "hiding folder":
                folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                set_opaque(folder)
                os.close(folder)
        case "nothing":
            pass
