"""What a landing is about to do, safe on the disk before anything is touched, and how far it came."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from assent_core.errors import LandingRefused
from assent_sandbox.stage import Entry, File, Link

INTENT, STAGED, COMMITTED, FINISHED, CONTENTS = "intent.json", "staged.json", "committed", "finished", "contents"
LEAST_KEPT = 10
"""So many landings of one repository can always be shown and undone, however old or large."""
LONGEST_KEPT = 90 * 24 * 3600.0
"""Seconds after which a landing is forgotten."""
LARGEST_KEPT = 256 << 20
"""Bytes that the journals of one repository may take up before the oldest are forgotten."""
LONGEST_WAIT = 30.0
"""Seconds to wait for another landing in the same repository."""


class Kept(Struct, frozen=True):
    """An entry whose bytes (or target) are a stretch of the journal's contents."""

    kind: Literal["file", "link"]
    start: int
    size: int
    sha256: str
    mode: int = 0


class Step(Struct, frozen=True, kw_only=True):
    """One path of a landing and the name beside it at which its other side waits. Paths are bytes: any name can occur."""

    path: bytes
    temp: bytes
    before: Kept | None
    after: Kept | None


class Folder(Struct, frozen=True):
    """A folder that is made or removed, with its permission bits; None: the usual ones."""

    path: bytes
    mode: int | None = None


class Intent(Struct, frozen=True, kw_only=True):
    """A whole landing, in the order in which it is done: steps that delete, `dropped`, `made`, the other steps, `pruned`.

    dropped: folders that give way to a file; made: folders that are needed; pruned: folders removed at the end if
    they are empty. `undoes` is the id of the landing that this one takes back.
    """

    id: str
    session: str
    time: float
    steps: tuple[Step, ...]
    dropped: tuple[Folder, ...] = ()
    made: tuple[Folder, ...] = ()
    pruned: tuple[Folder, ...] = ()
    undoes: str = ""


class Inode(Struct, frozen=True):
    """Which file was written for a step, and the permission bits that it really got."""

    number: int
    mode: int


class Contents:
    """Entries gathered for the journal, each byte string once."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._starts: dict[bytes, int] = {}

    def keep(self, entry: Entry | None) -> Kept | None:
        """Remember an entry; what is opaque cannot be kept."""
        match entry:
            case None:
                return None
            case File(data=data, mode=mode):
                return self._keep("file", data, mode)
            case Link(target=target):
                return self._keep("link", os.fsencode(target), 0)
            case _:
                raise LandingRefused(f"This cannot be landed: {entry.what}.", "Reject it.")

    def _keep(self, kind: Literal["file", "link"], data: bytes, mode: int) -> Kept:
        name = hashlib.sha256(data)
        start = self._starts.setdefault(name.digest(), len(self.data))
        if start == len(self.data):
            self.data += data
        return Kept(kind, start, len(data), name.hexdigest(), mode)


class Journal:
    """One landing's folder. The files in it say how far it came; each is complete or not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name

    def begin(self, intent: Intent, contents: Contents) -> None:
        """Write down all that will be done; nothing counts before this returns."""
        self.folder.mkdir(mode=0o700)
        _write(self.folder / CONTENTS, bytes(contents.data))
        self._record(INTENT, msgspec.json.encode(intent))
        _sync(self.folder.parent)

    def stage(self, inodes: Sequence[Inode | None]) -> None:
        """All files are written beside their targets; from now on names change."""
        self._record(STAGED, msgspec.json.encode(inodes))

    def commit(self) -> None:
        """From now on the landing stands, whatever happens."""
        self._record(COMMITTED, b"")

    def finish(self) -> None:
        """Nothing is left to do."""
        self._record(FINISHED, b"")

    def facts(self) -> tuple[float, int]:
        """When it was last changed (seconds since the epoch), and how many bytes it takes up; zeros if it is gone."""
        try:
            sizes = [entry.stat().st_size for entry in os.scandir(self.folder)]
            return self.folder.stat().st_mtime, sum(sizes)
        except OSError:
            return 0.0, 0

    def delete(self) -> None:
        """Forget it, the intent first, so that half a folder means nothing."""
        (self.folder / INTENT).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _record(self, name: str, data: bytes) -> None:
        _write(self.folder / f"{name}.part", data)
        (self.folder / f"{name}.part").replace(self.folder / name)
        _sync(self.folder)

    @property
    def begun(self) -> bool:
        """Whether the intent was written at all."""
        return (self.folder / INTENT).exists()

    @property
    def committed(self) -> bool:
        """Whether the landing stands."""
        return (self.folder / COMMITTED).exists()

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return (self.folder / FINISHED).exists()

    def intent(self) -> Intent:
        """What was to be done; LandingRefused if the file was damaged by something else."""
        try:
            return msgspec.json.decode((self.folder / INTENT).read_bytes(), type=Intent)
        except (OSError, msgspec.MsgspecError) as error:
            raise self._damaged() from error

    def inodes(self) -> tuple[Inode | None, ...] | None:
        """The files that were written for the steps; None if not all of them were."""
        try:
            data = (self.folder / STAGED).read_bytes()
        except FileNotFoundError:
            return None
        return msgspec.json.decode(data, type=tuple[Inode | None, ...])

    def entry(self, kept: Kept | None) -> File | Link | None:
        """An entry as it was remembered, checked against its hash."""
        if kept is None:
            return None
        with (self.folder / CONTENTS).open("rb") as file:
            file.seek(kept.start)
            data = file.read(kept.size)
        if hashlib.sha256(data).hexdigest() != kept.sha256:
            raise self._damaged()
        return File(data, kept.mode) if kept.kind == "file" else Link(os.fsdecode(data))

    def _damaged(self) -> LandingRefused:
        hint = "Look into the folder: it has what the files held before. Move it away when you need it no longer."
        return LandingRefused(f"The journal of a landing is damaged: {self.folder}", hint)


class Shelf:
    """The journals of one repository, oldest first."""

    def __init__(self, root: Path, state: Path) -> None:
        key = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
        self.folder = state / "landings" / key

    def journals(self) -> list[Journal]:
        """All of them, also interrupted ones."""
        if not self.folder.is_dir():
            return []
        return [Journal(folder) for folder in sorted(self.folder.iterdir()) if folder.is_dir()]

    def add(self) -> Journal:
        """A journal with a name of its own, not yet on the disk."""
        numbers = (journal.id.partition("-")[0] for journal in self.journals())
        newest = max((int(number) for number in numbers if number.isdecimal()), default=0)
        return Journal(self.folder / f"{newest + 1:06}-{secrets.token_hex(3)}")

    def forget_old(self) -> None:
        """Delete the oldest finished journals, as long as they are too old or all take up too much; not the last ones."""
        journals = self.journals()
        facts = [journal.facts() for journal in journals]
        total, now = sum(size for _, size in facts), time.time()
        for journal, (changed, size) in zip(journals[:-LEAST_KEPT], facts, strict=False):
            if total <= LARGEST_KEPT and now - changed <= LONGEST_KEPT:
                return
            if journal.finished:
                journal.delete()
                total -= size

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """One landing at a time; the lock ends with its owner, however that ends."""
        for folder in (*reversed(self.folder.parents), self.folder):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
                _sync(folder.parent)
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(handle)
            yield
        finally:
            os.close(handle)


def _lock(handle: int) -> None:
    until = time.monotonic() + LONGEST_WAIT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR):
                raise
        else:
            return
        if time.monotonic() > until:
            raise LandingRefused("Another landing in this repository does not end.", "Wait for it, or end its process.")
        time.sleep(0.02)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
