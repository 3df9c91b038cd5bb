"""Which git folder a folder of files holds: its own, or one that points back at it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from msgspec import Struct

from assent_sandbox import host

_LONGEST = 1 << 16
"""Bytes of a file that only names a folder."""
_READ_FIRST = (
    "HEAD", "config", "config.worktree", "commondir", "gitdir", "index", "packed-refs", "shallow", "info/exclude",
    "info/attributes", "info/grafts", "info/sparse-checkout", "objects/info/alternates", "logs/HEAD",
)  # fmt: skip
"""What git reads as soon as it starts; it waits for ever where that is a pipe."""


class GitFolder(Struct, frozen=True):
    """Where git keeps what belongs to a folder of files alone, and what all worktrees share; both resolved."""

    own: str
    common: str


class Foreign(Exception):
    """What calls itself the git folder here is none, or somebody else's; the message says in words why.

    `leads`: it is one, elsewhere.
    """

    leads = False


def git_folder(root: str) -> GitFolder | None:
    """The git folder that a folder of files really holds, read without git; None where it has none.

    Raises Foreign where it leads elsewhere and is not pointed back from there, or where what git would read first is no file.
    """
    mark = os.path.join(root, ".git")
    try:
        kind = os.lstat(mark).st_mode
    except OSError:
        return None
    if stat.S_ISLNK(kind):
        kind = _kind(mark)
    if not (stat.S_ISDIR(kind) or stat.S_ISREG(kind)):
        raise Foreign(".git is neither a folder nor a file")
    own = os.path.realpath(mark) if stat.S_ISDIR(kind) else _pointed_at(root, mark)
    common = _common(own)
    if odd := _odd(own) or _odd(common):
        raise Foreign(f"{odd} is no regular file")
    if not _belongs(os.path.realpath(root), own, common):
        foreign = Foreign(f"its .git leads to {own if common == own else common}, which does not point back here")
        foreign.leads = True
        raise foreign
    return GitFolder(own, common)


def read_small(path: str) -> bytes:
    """The bytes of a small regular file; of anything else, which could keep its reader for ever, an OSError."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(f"{path} is no regular file")
        return os.read(file, _LONGEST)
    finally:
        os.close(file)


def _kind(path: str) -> int:
    with suppress(OSError):
        return os.stat(path).st_mode
    return 0


def _pointed_at(root: str, mark: str) -> str:
    with suppress(OSError):
        text = read_small(mark)
        if text.startswith(b"gitdir:"):
            return os.path.realpath(os.path.join(root, os.fsdecode(text.removeprefix(b"gitdir:").strip())))
    raise Foreign(".git is a file that names no folder")


def _common(own: str) -> str:
    with suppress(OSError):
        return os.path.realpath(
            os.path.join(own, os.fsdecode(read_small(os.path.join(own, "commondir")).rstrip(b"\n")))
        )
    return own


def _odd(folder: str) -> str:
    """A file that git reads first and that is there, but is no regular file."""
    places = (os.path.join(folder, name) for name in (*_READ_FIRST, _branch(folder)))
    return next((place for place in places if (kind := _kind(place)) and not stat.S_ISREG(kind)), "")


def _branch(folder: str) -> str:
    """The file of the branch that a git folder is on."""
    with suppress(OSError):
        return os.fsdecode(read_small(os.path.join(folder, "HEAD")).removeprefix(b"ref:").strip())
    return "HEAD"


def _belongs(root: str, own: str, common: str) -> bool:
    """Whether both are this folder's: within it, or pointing back at it as those of linked worktrees and submodules do."""
    if own.startswith(root + "/") and common == own:
        return True
    if own != common:
        return os.path.dirname(own) == os.path.join(common, "worktrees") and _points_back(root, own)
    return _worktree(root, own) == root


def _points_back(root: str, own: str) -> bool:
    with suppress(OSError):
        back = os.fsdecode(read_small(os.path.join(own, "gitdir")).rstrip(b"\n"))
        return os.path.realpath(os.path.join(own, back)) == os.path.join(root, ".git")
    return False


def _worktree(root: str, own: str) -> str:
    """Where a git folder's own settings say that its files are."""
    with suppress(host.GitFailed):
        said = host.git("config", "--file", os.path.join(own, "config"), "--get", "core.worktree", cwd=root)
        return os.path.realpath(os.path.join(own, os.fsdecode(said.rstrip(b"\n"))))
    return ""
