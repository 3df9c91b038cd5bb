"""The upper layer of an overlay as a folder on disk: whiteouts and folders put into it while nothing is mounted."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from msgspec import Struct

from assent_sandbox.view import tree
from assent_sandbox.view.ground import Ground
from assent_sandbox.view.layers import Layers, clear_opaque, is_opaque, is_whiteout, set_opaque
from assent_sandbox.view.tree import Tree, names_of, status_of, step


class Held(Struct, frozen=True):
    """What an upper layer holds: files of its own, what it hides by whiteouts, files that its folders replace."""

    files: frozenset[str]
    whiteouts: frozenset[str]
    replaced: frozenset[str]


class Upper:
    """The upper layer over what is beneath it; `draft` names fresh places on the same file system."""

    def __init__(self, root: str, real: Ground, draft: Callable[[], str]) -> None:
        self.tree = Tree(root, ours=True)
        self._real = real
        self._draft = draft
        if not os.path.isdir(root):
            made, like = draft(), real.status(())
            assert like is not None
            os.mkdir(made)
            imitate(made, like)
            os.rename(made, root)

    def trash(self, folder: int, name: str) -> None:
        """Take a name out of an open folder in one step, and delete it then; nothing there is no error."""
        tree.take_out(folder, name, self._draft())

    def place(self, draft: str, folder: int, name: str) -> None:
        """Let a draft stand at a name; a folder that is there must be in nobody's way."""
        if is_folder(folder, name) or is_folder_at(draft):
            self.trash(folder, name)
        os.rename(draft, name, dst_dir_fd=folder)

    def whiteout(self, folder: int, name: str) -> None:
        """Let nothing stand at a name, in one step unless it is a folder.

        A device 0:0, as a mount by the same user would make it; it needs no privilege since Linux 5.8.
        """
        draft = self._draft()
        os.mknod(draft, stat.S_IFCHR, 0)
        self.place(draft, folder, name)

    def make_folder(self, here: Layers, name: str) -> None:
        """Make a folder of the view in this layer too; where the view has none, nothing shows through a fresh one."""
        assert here.upper is not None
        shown = here.status(name)
        draft = self._draft()
        os.mkdir(draft)
        if shown is not None:
            imitate(draft, shown.status)
        elif (hidden := here.beneath(name)) is not None and stat.S_ISDIR(hidden.status.st_mode):
            fd = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            set_opaque(fd)
            os.close(fd)
        self.place(draft, here.upper, name)

    def look(self) -> Held:
        """Walk the layer, `.git` left out; opaque folders are spelled out as whiteouts on the way."""
        files: set[str] = set()
        whiteouts: set[str] = set()
        replaced: set[str] = set()
        waiting: list[tuple[str, ...]] = [()]
        while waiting:
            above = waiting.pop()
            with self.tree.folder(above) as folder:
                if folder is None:
                    continue
                if above and self._replaces(above):
                    replaced.add("/".join(above))
                if above and is_opaque(folder):
                    self._spell_out(folder, above)
                for name, is_below in names_of(folder):
                    path = "/".join((*above, name))
                    if tree.is_private(name) or len(path) > tree.LONGEST:
                        continue
                    if is_below:
                        waiting.append((*above, name))
                    elif (found := status_of(folder, name)) is not None:
                        (whiteouts if is_whiteout(folder, name, found) else files).add(path)
        return Held(frozenset(files), frozenset(whiteouts), frozenset(replaced))

    def reveal(self, path: str) -> None:
        """Let the real file show at a path, which this layer hides or holds a file at; its own folders stay."""
        names = tuple(path.split("/"))
        for index, name in enumerate(names):
            with self.tree.folder(names[:index]) as folder:
                found = None if folder is None else status_of(folder, name)
                if folder is None or found is None or (stat.S_ISDIR(found.st_mode) and index == len(names) - 1):
                    return
                if index == len(names) - 1:
                    self.trash(folder, name)
                elif is_whiteout(folder, name, found):
                    self._expand(folder, names[: index + 1])
                elif not stat.S_ISDIR(found.st_mode):
                    return

    def prune(self, path: str) -> None:
        """Remove a file or whiteout where there is no real one, and the folders that it alone had kept."""
        names = tuple(path.split("/"))
        with self.tree.folder(names[:-1]) as folder:
            if folder is not None and not is_folder(folder, names[-1]):
                self.trash(folder, names[-1])
        for end in range(len(names) - 1, 0, -1):
            with self.tree.folder(names[: end - 1]) as folder, self.tree.folder(names[:end]) as inner:
                if folder is None or inner is None or names_of(inner) or self._real.status(names[:end]) is not None:
                    return
                self.trash(folder, names[end - 1])

    def _replaces(self, names: tuple[str, ...]) -> bool:
        found = self._real.status(names)
        return found is not None and not stat.S_ISDIR(found.st_mode)

    def _spell_out(self, folder: int, names: tuple[str, ...]) -> None:
        """Turn an opaque folder into one with a whiteout for each lower name that it hides."""
        for name in self._real.names(names):
            if status_of(folder, name) is None:
                self.whiteout(folder, name)
            elif is_folder(folder, name) and (below := step(folder, name, ours=True)) is not None:
                set_opaque(below)
                os.close(below)
        clear_opaque(folder)

    def _expand(self, folder: int, names: tuple[str, ...]) -> None:
        """Turn the whiteout of a lower folder into a folder with a whiteout for each name in it."""
        draft = self._draft()
        os.mkdir(draft)
        fd = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for name in self._real.names(names):
            self.whiteout(fd, name)
        os.close(fd)
        if (found := self._real.status(names)) is not None and stat.S_ISDIR(found.st_mode):
            imitate(draft, found)
        self.place(draft, folder, names[-1])


def is_folder(folder: int, name: str) -> bool:
    """Whether a folder stands at a name in an open folder."""
    found = status_of(folder, name)
    return found is not None and stat.S_ISDIR(found.st_mode)


def is_folder_at(place: str) -> bool:
    """Whether a folder stands at a plain path."""
    return stat.S_ISDIR(os.lstat(place).st_mode)


def imitate(place: str, like: os.stat_result) -> None:
    """Give a folder the mode of another, and its owner where commands can work with that (only root's can).

    On a stage its owner may always write: what cannot be written in the real tree is refused when it is to land.
    """
    if os.geteuid() == 0:
        os.chown(place, like.st_uid, like.st_gid)
    os.chmod(place, stat.S_IMODE(like.st_mode) | stat.S_IRWXU)
