"""The life of a stage, whatever its view is made of: bases kept, drift brought together, landings settled, runs."""

from __future__ import annotations

import asyncio
import stat
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Literal

from assent_sandbox.merge import has_markers, merge, same
from assent_sandbox.policy import Command, Ended, Output, Policy, Tier, View
from assent_sandbox.running.run import Walls
from assent_sandbox.sight.plan import closed_within, is_within
from assent_sandbox.stage import Change, Entry, File, Link, Moved, OutsideError, StageError
from assent_sandbox.view.bases import Base, Bases, digest
from assent_sandbox.view.folder import Folder, told
from assent_sandbox.view.ground import Ground
from assent_sandbox.view.tree import fingerprint, is_private, parts

_RACED = "the real file changed while a command that changed it too was running"
_SPARED_FILES = 2000
_SPARED_BYTES = 64 << 20
"""How many deleted files of one command, and how many bytes, are stored; beyond that only their fingerprints are."""


class LivingStage(ABC):
    """What the stages have in common; how the view is kept is left to the methods without a body."""

    def __init__(self, view: View, folder: Folder, ground: Ground) -> None:
        """`ground` is what the stage differs from: the real tree, or the stage that it is layered on."""
        self.lowered = ""
        self._view = view
        self._folder = folder
        self._walls: Walls | None = None
        self._walled = view
        self._real = ground
        self._closed = closed_within(view)
        self._bases = Bases(folder.home)
        self._one = asyncio.Lock()
        self._touched: set[str] = set()
        """Paths that the view holds apart from the real tree, whether or not their contents differ."""

    @property
    def tier(self) -> Tier:
        """How high the walls around this stage are."""
        return self._view.tier

    @property
    def view(self) -> View:
        """Where the view lies and how it is made."""
        return self._view

    @abstractmethod
    def read(self, path: str) -> Entry | None:
        """What stands at a path of the view."""

    @abstractmethod
    def folder(self, path: str) -> tuple[str, ...] | None:
        """The names in a folder of the view."""

    @abstractmethod
    def _is_clean(self, path: str) -> bool:
        """Whether the view shows the real tree at a path, so that what stands there is the base."""

    @abstractmethod
    def _put(self, path: str, entry: File | Link) -> None:
        """Make an entry stand at a path of the view."""

    @abstractmethod
    def _take(self, path: str) -> None:
        """Make nothing stand at a path of the view."""

    @abstractmethod
    def _drop(self, path: str) -> None:
        """Hold nothing apart at a path any more: the view shows the real tree there."""

    @abstractmethod
    def _survey(self) -> tuple[set[str], set[str]]:
        """Look the view through after others wrote in it: paths held apart, and paths deleted, since the last look."""

    @abstractmethod
    def follow(self) -> None:
        """Let what is not held apart follow the real tree."""

    @abstractmethod
    def _check(self, path: str) -> None:
        """Raise StageError if this view cannot be changed at a path."""

    @abstractmethod
    def _prepare_run(self, policy: Policy) -> None:
        """Make the view ready for a command under this policy."""

    @abstractmethod
    def _admit(self, foreign: tuple[str, ...]) -> None:
        """Make what belongs to foreign owners fit for commands, as far as that is cheap."""

    @abstractmethod
    def _heeded(self, ended: Ended) -> Ended:
        """A command's end, after what its denials show to be missing was mended."""

    def write(self, path: str, entry: File | Link) -> None:
        """Put an entry at a path of the view, with the folders that it needs; the base is kept first."""
        path = self._named(path)
        self._check(path)
        with told(path):
            self._keep(path)
            self._put(path, entry)
            self._bases.end_conflict(path)

    def delete(self, path: str) -> None:
        """Remove a path from the view, a folder with all that is in it; a missing one is no error."""
        path = self._named(path)
        self._check(path)
        with told(path):
            for below in (path, *self._files_below(path)):
                self._keep(below)
                self._bases.end_conflict(below)
            self._take(path)

    def hide(self, paths: Iterable[str]) -> None:
        """Show nothing at these paths, of which nothing is kept: only for a stage that is thrown away."""
        for path in paths:
            with told(path):
                self._take(self._named(path))

    def paths(self) -> tuple[str, ...]:
        """Paths that may differ from the real tree, sorted; cost follows what changed."""
        return tuple(sorted(path for path in self._touched.union(self._bases.paths()) if not self._is_closed(path)))

    def change(self, path: str) -> Change | None:
        """Before and after of one path, or None if they are the same."""
        path = self._named(path)
        base = self._bases.get(path)
        if is_private(path) or (base is None and path not in self._touched):
            return None
        before, after = self._before(path, base), self._now(path)
        if same(before, after) or (before == after and path not in self._touched):
            return None
        return Change(path=path, before=before, after=after, conflict=self._conflict(base, after))

    def rebase(self) -> tuple[Moved, ...]:
        """Bring the stage up to the real tree: clean files follow, touched ones are merged three-way, nothing is lost."""
        moved: list[Moved] = []
        for path in self.paths():
            with told(path):
                how = self._bring_up(path)
            if how is not None:
                moved.append(Moved(path=path, how=how))
        with told("the stage"):
            self.follow()
        return tuple(moved)

    def settle(self, path: str, base: Entry | None, staged: Entry | None) -> None:
        """After a landing: the real file is now `base`; the view is to hold `staged` (clean if they are equal)."""
        path = self._named(path)
        with told(path):
            if base == staged:
                self._drop(path)
                self._bases.forget(path)
                return
            if isinstance(staged, (File, Link)):
                self._put(path, staged)
            elif staged is None:
                self._take(path)
            real, seen = self._actual(path)
            self._bases.keep(path, base, seen if real == base else ())

    def dispute(self, path: str, why: str) -> None:
        """Hold what is staged at a path in conflict, in these words, until something else is staged there."""
        path = self._named(path)
        if path in self._touched or path in self._bases:
            self._bases.dispute(path, why, digest(self._now(path)))

    async def run(self, command: Command, policy: Policy) -> AsyncGenerator[Output | Ended]:
        """Run a command in the view; the last item is the `Ended`. Closing the generator ends all its processes."""
        async with self._one:
            start = self._folder.mark()
            recorded = False
            try:
                self._prepare_run(policy)
                walls = await self._raised()
                async with aclosing(walls.run(command, policy)) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, Ended):
                            self.record(start)
                            recorded = True
                            piece = self._heeded(piece)  # noqa: PLW2901 # the same, with what was done about it
                        yield piece
            finally:
                if not recorded:
                    self.record(start)

    async def end(self) -> None:
        """End the helper processes, and keep the folder locked."""
        if self._walls is not None:
            await self._walls.close()
            self._walls = None
        self.shut()

    def shut(self) -> None:
        """Close the index of bases; doing it twice is no error."""
        self._bases.close()

    async def close(self) -> None:
        """End the helper processes and give the folder up; it stays and can be opened again."""
        await self.end()
        self._folder.unlock()

    async def discard(self) -> None:
        """Close, and delete the stage's folder."""
        await self.end()
        await asyncio.to_thread(self._folder.erase)
        self._folder.unlock()

    def record(self, start: int) -> None:
        """Keep the bases of what a command touched; `start` is the time mark from just before it, in nanoseconds."""
        held, deleted = self._survey()
        for path in sorted(held):
            self._record_held(path, start)
        self._record_deleted(sorted(deleted), start)
        self._folder.unmark()

    async def _raised(self) -> Walls:
        """The walls around the view as it is now (what a copy borrows may have become another), with a living warden."""
        if self._walls is not None and (self._walled != self._view or self._walls.gone):
            await self._walls.close()
            self._walls = None
        if self._walls is None:
            self._walls, self._walled = await Walls.raise_around(self._view), self._view
            self._walls.admit = self._admit
        return self._walls

    def _named(self, path: str) -> str:
        names = self._parts(path)
        if not names:
            raise StageError(f"{path} is the root of the repository itself", "Name a file in it.")
        return "/".join(names)

    def _parts(self, path: str) -> tuple[str, ...]:
        """The names of a path of the view; raises OutsideError for what is no part of the repository or is assent's own."""
        names = parts(path)
        if self._is_closed("/".join(names)):
            hint = "Its settings, records and keys are never read or changed here."
            raise OutsideError(f"{path} is in a folder of assent's own", hint)
        return names

    def _is_closed(self, path: str) -> bool:
        return any(is_within(path, place) for place in self._closed)

    def _now(self, path: str) -> Entry | None:
        try:
            return self.read(path)
        except OutsideError:
            return None

    def _actual(self, path: str) -> tuple[Entry | None, tuple[int, ...]]:
        """What really stands at a path, and its fingerprint; nothing where a link or a file is in the way."""
        status = self._real.status(tuple(path.split("/")))
        entry = self._real.entry(tuple(path.split("/")))
        return entry, fingerprint(status) if status is not None and entry is not None else ()

    def _seen_now(self, path: str) -> tuple[int, ...]:
        status = self._real.status(tuple(path.split("/")))
        return fingerprint(status) if status is not None and not stat.S_ISDIR(status.st_mode) else ()

    def _files_below(self, path: str) -> Iterable[str]:
        names = self.folder(path)
        for name in names or ():
            below = f"{path}/{name.rstrip('/')}"
            if name.endswith("/"):
                yield from self._files_below(below)
            else:
                yield below

    def _keep(self, path: str) -> None:
        """Keep the base of a path that is about to change for the first time."""
        if is_private(path) or not (self._was_lost(path) or (path not in self._bases and self._is_clean(path))):
            return
        entry, seen = self._shown(path)
        if entry is not None:
            self._bases.keep(path, entry, seen)

    def _shown(self, path: str) -> tuple[Entry | None, tuple[int, ...]]:
        """What the view shows at a clean path, and the fingerprint of the real file that it is of."""
        return self._actual(path)

    def _was_lost(self, path: str) -> bool:
        """Whether a base was not stored but still stands in the real tree."""
        base = self._bases.get(path)
        return base is not None and base.kind == "lost" and base.seen == self._seen_now(path)

    def _record_held(self, path: str, start: int) -> None:
        if path in self._bases and not self._was_lost(path):
            return
        entry, seen = self._actual(path)
        if entry is not None:
            self._bases.keep(path, entry, seen, *self._raced(path, entry, seen, start))

    def _record_deleted(self, paths: Iterable[str], start: int) -> None:
        files, room = _SPARED_FILES, _SPARED_BYTES
        for path in paths:
            if path in self._bases or not (seen := self._seen_now(path)):
                continue
            _, size, _, changed, _ = seen
            files, room = files - 1, room - size
            if changed <= start and (files < 0 or room < 0):
                self._bases.keep_seen(path, seen)
                continue
            entry, seen = self._actual(path)
            self._bases.keep(path, entry, seen, *self._raced(path, entry, seen, start))

    def _raced(self, path: str, entry: Entry | None, seen: tuple[int, ...], start: int) -> tuple[str, str]:
        """A conflict if the real file changed after the command had started: which version it saw is not known."""
        if not seen or seen[3] <= start:
            return "", ""
        staged = self._now(path)
        return ("", "") if staged == entry else (_RACED, digest(staged))

    def _before(self, path: str, base: Base | None) -> Entry | None:
        if base is None:
            return None
        return self._actual(path)[0] if base.kind == "lost" else self._bases.entry(base)

    def _conflict(self, base: Base | None, staged: Entry | None) -> str:
        if base is None or not base.conflict:
            return ""
        return base.conflict if digest(staged) == base.held or has_markers(staged) else ""

    def _bring_up(self, path: str) -> Literal["merged", "conflict", "same", "followed"] | None:
        """Bring one path up to its real file; None if that is still the base."""
        base = self._bases.get(path)
        if base is not None and base.seen and base.seen == self._seen_now(path):
            return None
        real, seen = self._actual(path)
        known = base is None or base.kind != "lost"
        before = self._before(path, base) if known else None
        staged = self._now(path)
        if base is None and (real is None or staged is None):
            return None
        if known and same(real, before):
            if base is not None and base.seen != seen:
                self._bases.keep(path, real, seen, base.conflict, base.held)
            return None
        if same(staged, real) or (known and same(staged, before)):
            self._drop(path)
            self._bases.forget(path)
            return "same" if same(staged, real) else "followed"
        merged = merge(before, staged, real)
        if isinstance(merged.entry, (File, Link)) and merged.entry != staged:
            self._put(path, merged.entry)
        conflict = merged.conflict or self._conflict(base, staged)
        self._bases.keep(path, real, seen, conflict, digest(merged.entry) if conflict else "")
        return "conflict" if conflict else "merged"
