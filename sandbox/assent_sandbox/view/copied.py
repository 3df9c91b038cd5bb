"""The stage as a copy of the repository, for machines that cannot mount an overlay."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from assent_sandbox.policy import Ended, Policy, View
from assent_sandbox.sight.plan import keys_within
from assent_sandbox.sight.surroundings import home_folder
from assent_sandbox.stage import Entry, File, Link, StageError
from assent_sandbox.view import tree
from assent_sandbox.view.folder import Folder
from assent_sandbox.view.listing import Listing, list_repository
from assent_sandbox.view.mirror import Mirror, Print
from assent_sandbox.view.remembering import RememberingStage
from assent_sandbox.view.tree import RealTree, Tree
from assent_sandbox.view.withheld import Withheld


class Another(RealTree):
    """The copy of another stage, on which one is layered; what is only linked or kept out there lies in the real tree."""

    def __init__(self, copy: str, real: RealTree, linked: frozenset[str], secret: frozenset[str]) -> None:
        super().__init__(copy)
        self.linked = linked
        self.secret = secret
        self._real = real

    def around(self, names: tuple[str, ...]) -> AbstractContextManager[int | None]:
        """The open folder in which a path stands, for as long as the block runs; None if there is none."""
        return self._real.around(names) if self._is_elsewhere(names) else super().around(names)

    def folder(self, names: tuple[str, ...]) -> AbstractContextManager[int | None]:
        """An open folder for as long as the block runs; None if there is none."""
        return self._real.folder(names) if self._is_elsewhere(names) else super().folder(names)

    def place(self, path: str) -> str:
        """The absolute path of what stands at a path."""
        return self._real.place(path) if self._is_elsewhere(tuple(path.split("/"))) else super().place(path)

    def _is_elsewhere(self, names: tuple[str, ...]) -> bool:
        above = ("/".join(names[:end]) for end in range(1, len(names) + 1))
        return "/".join(names) in self.secret or any(path in self.linked for path in above)


class CopiedStage(RememberingStage):
    """A stage whose view is a folder of its own; files that nobody changed there follow the real tree.

    Large ignored folders are links to the real ones, which commands may only read; secret files are not there unless
    they were granted to a command. Once made it is to `follow`, which makes the copy at first. One that is layered on
    another is a copy of that one's copy, and follows it.
    """

    def __init__(  # noqa: PLR0917 - what it is a copy of, and for whom
        self,
        root: str,
        folder: Folder,
        tier: Literal["copy", "unconfined"] = "copy",
        ground: Another | None = None,
        lent: tuple[str, ...] = (),
        closed: tuple[str, ...] = (),
    ) -> None:
        """`ground` is the copy that it is layered on, `lent` are the real folders that are borrowed there."""
        self._tier: Literal["copy", "unconfined"] = tier
        self._source = ground or RealTree(root)
        view = View(tier=tier, root=root, home=folder.home, copy=f"{folder.home}/view", closed=closed)
        super().__init__(view, folder, self._source)
        self._lent = lent
        self._mirror = Mirror(self._view.copy, self._source, folder.home, folder.draft)
        self._withheld = Withheld(f"{folder.home}/withheld", folder.draft)
        self._policy = Policy()
        self._gone: set[str] = set()
        self._secret: frozenset[str] = frozenset()
        start = folder.marked()
        if start is not None:
            self.record(start)
        else:
            self._survey()

    def above(self, folder: Folder) -> CopiedStage:
        """A stage in another folder that is layered on this one."""
        self._show_withheld()
        linked = frozenset(path for path in self._mirror.linked if self._mirror.is_linked(path))
        ground = Another(self._view.copy, self._source, linked, self._secret - self._touched - self._gone)
        return CopiedStage(self._view.root, folder, self._tier, ground, self._view.borrowed, self._view.closed)

    def read(self, path: str) -> Entry | None:
        """What stands at a path of the view; None for nothing or a folder."""
        names = self._parts(path)
        if "/".join(names) in self._withheld.paths:
            return self._withheld.tree.entry(names)
        return (self._source if self._is_elsewhere(names) else self._mirror.tree).entry(names)

    def folder(self, path: str) -> tuple[str, ...] | None:
        """The names in a folder of the view, sorted, folders with a trailing slash; None if it is no folder."""
        names = self._parts(path)
        here = self._source if self._is_elsewhere(names) else self._mirror.tree
        if names and not here.is_folder(names):
            return None
        with here.folder(names) as folder:
            found = {} if folder is None else dict(tree.names_of(folder))
        linked = {name for name in found if self._mirror.is_linked("/".join((*names, name)))}
        return tuple(sorted(name + "/" * (below or name in linked) for name, below in found.items()))

    def _is_linked(self, names: tuple[str, ...]) -> bool:
        """Whether a path is or lies in a folder that is only linked and still so."""
        above = ("/".join(names[:end]) for end in range(1, len(names) + 1))
        return any(self._mirror.is_linked(path) for path in above)

    def _check(self, path: str) -> None:
        if self._is_linked(tuple(path.split("/"))):
            raise StageError(f"{path} is in an ignored folder that is only linked here", "It can be read, not changed.")

    def _is_elsewhere(self, names: tuple[str, ...]) -> bool:
        """Whether a path is shown as it really is: in a linked folder, or an untouched secret file."""
        path = "/".join(names)
        if path in self._secret:
            return path not in self._touched and path not in self._gone
        return self._is_linked(names)

    def _is_clean(self, path: str) -> bool:
        if path in self._touched or path in self._gone:
            return False
        return path in self._mirror.files or path in self._secret

    def _shown(self, path: str) -> tuple[Entry | None, Print]:
        known = self._mirror.files.get(path)
        if known is None or known[0] == self._seen_now(path):
            return self._actual(path)
        return self._mirror.tree.entry(tuple(path.split("/"))), known[0]

    def _put(self, path: str, entry: File | Link) -> None:
        draft = self._folder.draft()
        tree.fill(draft, entry)
        self._place(path, draft)

    def _place(self, path: str, draft: str) -> None:
        names = tuple(path.split("/"))
        self._withheld.drop(path)
        with self._mirror.prepared(names[:-1]) as folder:
            self._mirror.make_room(folder, path)
            os.rename(draft, names[-1], dst_dir_fd=folder)
        if not tree.is_private(path):
            self._touched.add(path)
        self._gone.discard(path)

    def _take(self, path: str) -> None:
        names = tuple(path.split("/"))
        self._withheld.drop(path)
        with self._mirror.tree.folder(names[:-1]) as folder:
            if folder is not None:
                tree.take_out(folder, names[-1], self._folder.draft())
        below = path + "/"
        known = self._mirror.files.keys() | self._secret
        self._gone |= {name for name in known if name == path or name.startswith(below)}
        self._touched = {held for held in self._touched if held != path and not held.startswith(below)}

    def _drop(self, path: str) -> None:
        self._touched.discard(path)
        self._gone.discard(path)
        self._withheld.drop(path)
        if path in self._secret:
            self._mirror.remove(path)
        else:
            self._mirror.copy(path)
        self._mirror.save()

    @property
    def _own(self) -> Tree:
        return self._mirror.tree

    def _renew_private(self, time: int) -> None:
        self._mirror.forget_git()

    def snapshot(self, album: Path) -> str:
        """Keep the stage as it is, what is withheld from commands too; see RememberingStage."""
        self._show_withheld()
        return super().snapshot(album)

    def _show_withheld(self) -> None:
        """Put everything back into the copy, until the next command."""
        for path in tuple(self._withheld.paths):
            self._withheld.give_back(self._mirror, path)

    def _survey(self) -> tuple[set[str], set[str]]:
        touched, gone = self._mirror.changed()
        for path in touched & self._withheld.paths:
            self._withheld.drop(path)
        touched |= self._withheld.paths
        held, deleted = touched - self._touched, gone - self._gone
        self._touched, self._gone = touched, gone | (self._gone & self._secret) - touched
        return held, deleted

    def _prepare_run(self, policy: Policy) -> None:
        """Let clean files follow, and put in the secret files that this policy grants and no others."""
        self._policy = policy
        self.follow()
        for path in sorted(self._secret | self._withheld.paths):
            if path not in self._secret or self._is_granted(path):
                self._let_in(path)
            elif path in self._touched:
                self._withheld.take_in(self._mirror, path)
            elif path in self._mirror.files:
                self._mirror.remove(path)
        self._mirror.save()

    def _admit(self, foreign: tuple[str, ...]) -> None:
        """Nothing: in a copy all files are the user's own."""

    def _heeded(self, ended: Ended) -> Ended:
        """A secret file that the stage has deleted is missing for no other reason."""
        kept = tuple(each for each in ended.denials if each.kind != "secret" or each.target not in self._gone)
        return replace(ended, denials=kept)

    def _is_granted(self, path: str) -> bool:
        granted = (each.target for each in self._policy.widenings if each.kind == "secret")
        return path in granted

    def _let_in(self, path: str) -> None:
        """Show a secret file to the next command: as the stage has made it, or as it really is."""
        if path in self._withheld.paths:
            self._withheld.give_back(self._mirror, path)
        elif path not in self._touched and path not in self._gone:
            self._mirror.copy(path)

    def follow(self) -> None:
        """Let what is not held apart follow the real tree; what is gone there goes first."""
        listing = self._listing()
        own = self._touched.union(self._gone, self._bases.paths())
        self._secret = listing.secret
        self._gone |= {path for path in listing.secret - self._touched if path in self._bases}
        for path in self._mirror.files.keys() - listing.files - own:
            self._mirror.remove(path)
        self._mirror.link(set(listing.linked))
        for path in sorted(listing.files - own):
            if self._mirror.is_stale(path):
                self._mirror.copy(path)
        self._mirror.refresh_git()
        self._mirror.save()
        self._view = replace(self._view, borrowed=(*self._mirror.borrowed(), *self._lent))

    def _listing(self) -> Listing:
        keys = keys_within(self._view.root, home_folder(os.environ))
        found = list_repository(self._source.root, self._policy, self._closed, keys)
        if not isinstance(self._source, Another):
            return found
        linked, secret = found.linked | self._source.linked, found.secret | self._source.secret
        return Listing(found.files - linked - secret, linked, secret)
