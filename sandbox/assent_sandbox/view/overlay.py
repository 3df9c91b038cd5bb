"""The stage as an overlay: an upper folder holds what differs, all else is the real tree itself."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, contextmanager, suppress

from msgspec.structs import replace

from assent_sandbox.policy import Denial, Ended, Policy, View
from assent_sandbox.stage import Entry, File, Link, StageError
from assent_sandbox.view import admitted, tree
from assent_sandbox.view.folder import Folder
from assent_sandbox.view.ground import Stacked
from assent_sandbox.view.layers import Layers
from assent_sandbox.view.remembering import RememberingStage
from assent_sandbox.view.tree import RealTree, Tree, entry_of
from assent_sandbox.view.upper import Held, Upper


class OverlayStage(RememberingStage):
    """A stage whose view is mounted for commands, and read and written here without any process."""

    def __init__(self, root: str, folder: Folder, beneath: tuple[str, ...] = (), closed: tuple[str, ...] = ()) -> None:
        """`beneath` are the homes of the stages that this one is layered on, the nearest first."""
        upper, work = f"{folder.home}/upper", f"{folder.home}/work"
        self._lowers = (*(f"{home}/upper" for home in beneath), root)
        view = View(tier="overlay", root=root, home=folder.home, upper=upper, work=work, beneath=beneath, closed=closed)
        super().__init__(view, folder, Stacked(self._lowers) if beneath else RealTree(root))
        os.makedirs(work, mode=0o700, exist_ok=True)
        self._upper = Upper(upper, self._real, folder.draft)
        self._held = Held(frozenset(), frozenset(), frozenset())
        self._admitted: set[str] = set()
        self._git_admitted = False
        start = folder.marked()
        if start is not None:
            self.record(start)
        else:
            self._look()

    def above(self, folder: Folder) -> OverlayStage:
        """A stage in another folder that is layered on this one."""
        return OverlayStage(self._view.root, folder, (self._view.home, *self._view.beneath), self._view.closed)

    def read(self, path: str) -> Entry | None:
        """What stands at a path of the view; None for nothing or a folder."""
        names = self._parts(path)
        if not names:
            return None
        with self._at(names[:-1]) as above:
            found = above.status(names[-1])
            if found is None:
                return None
            return entry_of(found.folder, names[-1], ours=found.ours)

    def hide(self, paths: Iterable[str]) -> None:
        """Show nothing at these paths, of which nothing is kept: only for a stage that is thrown away."""
        super().hide(paths)
        self._look()

    def folder(self, path: str) -> tuple[str, ...] | None:
        """The names in a folder of the view, sorted, folders with a trailing slash; None if it is no folder."""
        names = self._parts(path)
        with self._at(names[:-1]) as above:
            if names and not _shows_folder(above, names[-1]):
                return None
        with self._at(names) as here:
            if not here.exists():
                return None
            return tuple(sorted(name + "/" * is_folder for name, is_folder in here.names().items()))

    def _at(self, names: tuple[str, ...]) -> AbstractContextManager[Layers]:
        return Layers.at(self._view.upper, self._lowers, names)

    def _is_clean(self, path: str) -> bool:
        *above, name = path.split("/")
        with self._at(tuple(above)) as here:
            found = here.status(name)
            return found is not None and found.layer == "lower"

    def _put(self, path: str, entry: File | Link) -> None:
        draft = self._folder.draft()
        tree.fill(draft, entry)
        self._place(path, draft)

    def _place(self, path: str, draft: str) -> None:
        *above, name = path.split("/")
        with self._prepared(tuple(above)) as here:
            assert here.upper is not None
            self._refuse_full_folder(here, path, name)
            self._upper.place(draft, here.upper, name)
        if not tree.is_private(path):
            self._touched.add(path)

    def _take(self, path: str) -> None:
        *above, name = path.split("/")
        with self._at(tuple(above)) as here:
            found = here.status(name)
        if found is None:
            return
        with self._prepared(tuple(above)) as here:
            assert here.upper is not None
            if here.beneath(name) is not None:
                self._upper.whiteout(here.upper, name)
            else:
                self._upper.trash(here.upper, name)
        if stat.S_ISDIR(found.status.st_mode):
            self._touched = {held for held in self._touched if not held.startswith(path + "/")}
        self._touched.discard(path)

    def _drop(self, path: str) -> None:
        self._upper.reveal(path)
        if not self._seen_now(path):
            self._upper.prune(path)
        self._touched.discard(path)
        self._admitted.discard(path)

    def _survey(self) -> tuple[set[str], set[str]]:
        with suppress(FileNotFoundError):
            os.chmod(f"{self._view.work}/work", 0o700)
        before, known = self._held, set(self._touched)
        now = self._look()
        held = set(now.files) - known
        hidden = (now.whiteouts - before.whiteouts) | (now.replaced - before.replaced) | held
        deleted = {below for path in hidden for below in self._real_files(path)}
        return held, deleted - held

    def follow(self) -> None:
        """Remove whiteouts that hide nothing, and let through what appeared under a folder's whiteout."""
        self._refresh_private()
        whiteouts = self._look().whiteouts
        for path in whiteouts:
            files = list(self._real_files(path))
            if not files and not self._real.is_folder(tuple(path.split("/"))):
                self._upper.prune(path)
            for below in files:
                if below not in self._bases:
                    self._upper.reveal(below)
        if whiteouts:
            self._look()

    @property
    def _own(self) -> Tree:
        return self._upper.tree

    def _renew_private(self, time: int) -> None:
        with self._at(()) as root:
            assert root.upper is not None
            if self._newest_real() > time and not self._has_committed():
                self._upper.trash(root.upper, ".git")
                self._git_admitted = False

    def _prepare_run(self, policy: Policy) -> None:
        """Take in a git folder of foreign owners; the view is mounted anew, with what the policy grants."""
        if not self._git_admitted:
            self._git_admitted = True
            for path, is_folder in admitted.git_parts(self._view.root):
                self._take_over(path, is_folder=is_folder)

    def _admit(self, foreign: tuple[str, ...]) -> None:
        fresh = tuple(path for path in foreign if path not in self._admitted and not self._is_closed(path))
        self._admitted.update(fresh)
        for path, is_folder in admitted.choose(fresh, self._view.root, self._shown_status):
            self._take_over(path, is_folder=is_folder)

    def _shown_status(self, path: str) -> os.stat_result | None:
        return self._real.status(tuple(path.split("/")))

    def _heeded(self, ended: Ended) -> Ended:
        """Take over the foreign files that a command could not change, so that it can when it is run again."""
        denials = tuple(map(self._taken_over, ended.denials))
        return ended if denials == ended.denials else replace(ended, denials=denials)

    def _taken_over(self, denial: Denial) -> Denial:
        path = os.path.relpath(denial.target, self._view.root) if denial.target.startswith("/") else ".."
        if denial.kind != "file" or denial.widening or path.startswith("..") or self._is_closed(path):
            return denial
        names = () if path == "." else tuple(path.split("/"))
        status = self._real.status(names)
        if status is None or not self._take_over(path, is_folder=stat.S_ISDIR(status.st_mode)):
            return denial
        return replace(denial, why=f"{denial.why}; it is the stage's own from now on: run the command again")

    def _take_over(self, path: str, *, is_folder: bool) -> bool:
        """Let what the view shows of the real tree at a path be held by the stage, as the user's own; whether it was done."""
        names = () if path == "." else tuple(path.split("/"))
        try:
            if is_folder:
                with self._prepared(names) as here:
                    assert here.upper is not None
                    if os.geteuid() == 0 and os.fstat(here.upper).st_uid != 0:
                        os.chown(here.upper, 0, 0)
                return True
            entry = self.read(path) if self._is_clean(path) else None
            if not isinstance(entry, File):
                return False
            self._keep(path)
            self._put(path, entry)
        except (StageError, OSError):
            return False
        return True

    def _check(self, path: str) -> None:
        """Every path of the view can be changed."""

    def _look(self) -> Held:
        self._held = self._upper.look()
        self._touched = set(self._held.files)
        return self._held

    def _real_files(self, path: str) -> Iterable[str]:
        """What really stands at a path: itself, or all files below it."""
        names = tuple(path.split("/"))
        if self._real.is_folder(names):
            yield from (below for below, _ in self._real.files(names))
        elif self._real.status(names) is not None:
            yield path

    def _refresh_private(self) -> None:
        """Give up the view's own `.git` if the real one moved on since and nothing was committed in the view."""
        if self._own.is_folder((".git",)):
            self._renew_private(self._newest_held())

    def _has_committed(self) -> bool:
        """Whether a branch, a tag or the HEAD was changed in the view."""
        held = self._upper.tree
        if any(held.status((".git", name)) for name in ("HEAD", "packed-refs")):
            return True
        return any(names for _, _, names in os.walk(os.path.join(held.root, ".git", "refs")))

    def _newest_real(self) -> int:
        found = (self._real.status((".git", name)) for name in ("HEAD", "index", "logs"))
        return max((status.st_ctime_ns for status in found if status is not None), default=0)

    def _newest_held(self) -> int:
        found = self._upper.tree.status((".git", "index"))
        return found.st_ctime_ns if found is not None else 0

    def _refuse_full_folder(self, here: Layers, path: str, name: str) -> None:
        """A file takes the place of an empty folder, and of no other."""
        if not _shows_folder(here, name):
            return
        below = here.below(name)
        names = below.names()
        below.close()
        if names:
            raise StageError(f"{path} is a folder with something in it", "Delete what is in it first.")

    @contextmanager
    def _prepared(self, names: tuple[str, ...]) -> Generator[Layers]:
        """The folder at a path, made in the upper layer with all above it, each with the mode that it had."""
        for index, name in enumerate(names):
            with self._at(names[:index]) as here:
                found = here.status(name)
                if found is not None and stat.S_ISLNK(found.status.st_mode):
                    here.below(name)
                if found is not None and not stat.S_ISDIR(found.status.st_mode):
                    path = "/".join(names[: index + 1])
                    raise StageError(f"{path} is a file, so nothing can be put into it", "Delete that file first.")
                if found is None or found.layer == "lower":
                    self._upper.make_folder(here, name)
        with self._at(names) as here:
            yield here


def _shows_folder(here: Layers, name: str) -> bool:
    found = here.status(name)
    return found is not None and stat.S_ISDIR(found.status.st_mode)
