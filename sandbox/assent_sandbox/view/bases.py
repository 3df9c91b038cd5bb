"""What stood in the real tree before the stage differed: an index of paths over a store of contents."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Struct

from assent_sandbox.stage import Entry, File, Link, Opaque
from assent_sandbox.view.contents import Contents


class Base(Struct, frozen=True, omit_defaults=True):
    """The base of one path.

    `seen` is the fingerprint of the real file when it was the base: as long as it is the same the real file is
    unchanged. A `lost` base was never stored (a deleted file is only remembered by its fingerprint).
    """

    kind: Literal["none", "file", "link", "opaque", "lost"]
    content: str = ""
    """A file's digest; a link's target or what an opaque thing is, as bytes read as Latin-1."""
    mode: int = 0
    size: int = 0
    seen: tuple[int, ...] = ()
    conflict: str = ""
    held: str = ""
    """The digest of what the stage held when the conflict arose; the conflict ends when something else stands there."""


class _Line(Struct, omit_defaults=True):
    path: str
    base: Base | None = None


def digest(entry: Entry | None) -> str:
    """A name for exactly this entry."""
    match entry:
        case None:
            return "nothing"
        case File():
            return hashlib.blake2b(entry.data, digest_size=24, person=b"file%o" % entry.mode).hexdigest()
        case Link():
            return "link:" + latin(entry.target)
        case Opaque():
            return f"opaque:{entry.what}:{entry.size}"


def latin(text: str) -> str:
    """A path, or another text of the file system, as JSON can hold it: its bytes read as Latin-1."""
    return os.fsencode(text).decode("latin-1")


def native(text: str) -> str:
    """The text of the file system that `latin` was made of."""
    return os.fsdecode(text.encode("latin-1"))


class Bases:
    """The bases of one stage, kept in its folder; every change of the index is on file before the call returns.

    The index is a log of lines, the last one for a path counts; contents are files named by their digest. A line
    cut off by a crash is dropped: contents are stored before the line that names them.
    """

    def __init__(self, home: str) -> None:
        self._log = f"{home}/bases"
        self._scratch = f"{home}/scratch"
        self.contents = Contents(f"{home}/contents", self._scratch)
        self._index = self._load()
        self._compact()
        self._fd = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def close(self) -> None:
        """Close the index; it is on file already. Doing it twice is no error."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def __contains__(self, path: str) -> bool:
        return path in self._index

    def paths(self) -> Iterable[str]:
        """The paths that have a base of their own."""
        return tuple(self._index)

    def get(self, path: str) -> Base | None:
        """The base of a path as kept; None if nothing is known of it."""
        return self._index.get(path)

    def entry(self, base: Base) -> Entry | None:
        """The base itself, its content read from the store; a lost one cannot be given."""
        match base.kind:
            case "none":
                return None
            case "file":
                return File(self.contents.get(base.content), base.mode)
            case "link":
                return Link(native(base.content))
            case "opaque":
                return Opaque(base.content, base.size)
            case "lost":
                raise ValueError("a lost base was never stored")

    def keep(self, path: str, entry: Entry | None, seen: tuple[int, ...], conflict: str = "", held: str = "") -> None:
        """Make an entry the base of a path, its content stored first."""
        self._set(path, msgspec.structs.replace(self._base(entry), seen=seen, conflict=conflict, held=held))

    def keep_seen(self, path: str, seen: tuple[int, ...]) -> None:
        """Make what has this fingerprint the base of a path without storing it."""
        self._set(path, Base("lost", seen=seen))

    def adopt(self, path: str, base: Base, contents: Contents) -> None:
        """Make a base that was kept elsewhere, with its content in that store, the base of a path."""
        if base.kind == "file":
            self.contents.take_over(base.content, contents)
        self._set(path, base)

    def dispute(self, path: str, conflict: str, held: str) -> None:
        """Note that a path is in conflict; one without a base of its own had nothing before."""
        self._set(path, msgspec.structs.replace(self._index.get(path, Base("none")), conflict=conflict, held=held))

    def end_conflict(self, path: str) -> None:
        """Forget that a path was in conflict."""
        base = self._index.get(path)
        if base is not None and base.conflict:
            self._set(path, msgspec.structs.replace(base, conflict="", held=""))

    def forget(self, path: str) -> None:
        """Drop the base of a path: the stage holds nothing of its own there."""
        if path in self._index:
            self._set(path, None)

    def _base(self, entry: Entry | None) -> Base:
        match entry:
            case None:
                return Base("none")
            case File():
                return Base("file", self.contents.put(entry.data), entry.mode)
            case Link():
                return Base("link", latin(entry.target))
            case Opaque():
                return Base("opaque", entry.what, size=entry.size)

    def _set(self, path: str, base: Base | None) -> None:
        os.write(self._fd, msgspec.json.encode(_Line(latin(path), base)) + b"\n")
        if base is None:
            self._index.pop(path, None)
        else:
            self._index[path] = base

    def _load(self) -> dict[str, Base]:
        index: dict[str, Base] = {}
        decoder = msgspec.json.Decoder(_Line)
        try:
            with open(self._log, "rb") as file:
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return index
        for raw in lines:
            try:
                line = decoder.decode(raw)
            except msgspec.DecodeError:
                continue
            if line.base is None:
                index.pop(native(line.path), None)
            else:
                index[native(line.path)] = line.base
        return index

    def _compact(self) -> None:
        """Write the index anew without what is superseded, and drop contents that no base names."""
        draft = f"{self._scratch}/bases"
        with open(draft, "wb") as file:
            for path, base in self._index.items():
                file.write(msgspec.json.encode(_Line(latin(path), base)) + b"\n")
        os.rename(draft, self._log)
        self.contents.keep_only({base.content for base in self._index.values() if base.kind == "file"})
