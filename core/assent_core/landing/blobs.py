"""Entries as git keeps them: modes, line ends, and what two versions of a file come to; nothing of the repository's own runs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from assent_core.errors import UsageError
from assent_sandbox import host
from assent_sandbox.merge import merge
from assent_sandbox.stage import Entry, File, Link

CONVERTING = ("filter", "ident", "working-tree-encoding")
"""Attributes by which git stores something else than the file: programs of the repository's choice, or rare."""
LINK, PLAIN, EXECUTABLE = "120000", "100644", "100755"


class Blob(Struct, frozen=True):
    """What git has at a path: the mode and the name of the object."""

    mode: str
    name: str


class Ends(Struct, frozen=True):
    """How the lines of a path end in git: kept as they are, or always with a line feed."""

    convert: bool = False
    guess: bool = False
    """Only where it is a text, and git does not have it with other ends already."""


def ends_of(root: Path, paths: Iterable[str]) -> dict[str, Ends]:
    """How each path is converted; UsageError where git would run a filter for it."""
    asked = tuple(paths)
    auto = _config(root, "core.autocrlf").lower() in ("true", "input")
    told = host.git(
        "check-attr",
        "-z",
        "--stdin",
        *CONVERTING,
        "text",
        cwd=root,
        input=b"".join(os.fsencode(p) + b"\0" for p in asked),
    )
    words = [os.fsdecode(word) for word in told.split(b"\0")]
    found: dict[str, Ends] = {}
    for path, name, value in zip(words[0::3], words[1::3], words[2::3], strict=False):
        if name != "text" and value not in ("unspecified", "unset"):
            raise UsageError(
                f"{path} is converted by git ({name}: {value}), and assent runs no program of a repository.",
                "Commit it yourself: git commit -- FILE.",
            )
        if name == "text":
            guess = value == "auto" or (value == "unspecified" and auto)
            found[path] = Ends(value == "set" or guess, guess)
    return found


def clean(entry: Entry | None, ends: Ends, stored: File | Link | None) -> File | Link | None:
    """An entry of the work tree as git would store it, given what git has there now."""
    if not isinstance(entry, File):
        return entry if isinstance(entry, Link) else None
    mode = 0o755 if entry.mode & 0o100 else 0o644
    crlf = isinstance(stored, File) and b"\r\n" in stored.data
    keep = not ends.convert or (ends.guess and (b"\0" in entry.data[:8000] or crlf))
    return File(entry.data if keep else entry.data.replace(b"\r\n", b"\n"), mode)


def joined(
    base: File | Link | None, ours: File | Link | None, theirs: File | Link | None
) -> tuple[File | Link | None, bool]:
    """What two versions of an entry come to, and whether both are wholly in it."""
    if ours in (base, theirs):
        return theirs, True
    if theirs == base:
        return ours, True
    made = merge(base, ours, theirs)
    return (made.entry if isinstance(made.entry, File | Link) else None), not made.conflict


def in_head(root: Path, path: str) -> Blob | None:
    """What the newest commit has at a path; None if nothing, or if there is no commit."""
    told = host.git("ls-tree", "-z", "HEAD", "--", path, cwd=root)
    mode, kind, name = told.split(b"\t")[0].decode().split() if told else ("", "", "")
    return Blob(mode, name) if kind == "blob" else None


def in_index(root: Path, path: str) -> Blob | None:
    """What is staged in git at a path; UsageError while a merge of it is undecided."""
    told = [one for one in host.git("ls-files", "-s", "-z", "--", f":(literal){path}", cwd=root).split(b"\0") if one]
    if len(told) > 1 or (told and told[0].split()[2] != b"0"):
        raise UsageError(f"{path} is in the middle of a merge.", "Settle it, and `git add` it first.")
    if not told:
        return None
    mode, name = told[0].split()[:2]
    return Blob(mode.decode(), name.decode())


def load(root: Path, blob: Blob | None) -> File | Link | None:
    """The entry that an object stands for."""
    if blob is None:
        return None
    data = host.git("cat-file", "blob", blob.name, cwd=root)
    return Link(os.fsdecode(data)) if blob.mode == LINK else File(data, 0o755 if blob.mode == EXECUTABLE else 0o644)


def store(root: Path, entry: File | Link | None) -> Blob | None:
    """Write an entry as an object."""
    if entry is None:
        return None
    data = os.fsencode(entry.target) if isinstance(entry, Link) else entry.data
    name = host.write_git("hash-object", cwd=root, input=data).decode().strip()
    if isinstance(entry, Link):
        return Blob(LINK, name)
    return Blob(EXECUTABLE if entry.mode & 0o100 else PLAIN, name)


def _config(root: Path, name: str) -> str:
    try:
        return host.git("config", "--get", name, cwd=root).decode(errors="replace").strip()
    except host.GitFailed:
        return ""
