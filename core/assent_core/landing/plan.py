"""What a landing will do, path by path, worked out before anything is touched."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Generator, Iterator, Sequence
from stat import S_IMODE, S_ISDIR, S_ISLNK

from msgspec import Struct

from assent_core.errors import LandingRefused, Unwritable
from assent_core.landing.journal import Contents, Folder, Intent, Step
from assent_core.landing.tree import Tree
from assent_sandbox.policy import PRIVATE
from assent_sandbox.stage import Entry, Opaque

HINTS = {
    errno.ENOSPC: "Nothing was written. Free some space on the disk and land again.",
    errno.EDQUOT: "Nothing was written. Free some of your quota and land again.",
    errno.EROFS: "Nothing was written. The file system is read-only; mount it writable and land again.",
    errno.EACCES: "Nothing was written. Give yourself access to the file and its folder and land again.",
    errno.EPERM: "Nothing was written. Give yourself access to the file and its folder and land again.",
}
AGAIN = "Nothing was written. Review again: the changes are computed anew."
TEMP = ".assent-"
"""How the name begins under which a file waits beside its target."""


class Write(Struct, frozen=True, kw_only=True):
    """One path of a landing: `before` is what was shown and must still stand, `after` what is to stand."""

    path: str
    before: Entry | None
    after: Entry | None


def checked(writes: Sequence[Write]) -> tuple[Write, ...]:
    """The writes that change something, in the order in which they are done; LandingRefused for what never lands."""
    wanted = [write for write in writes if write.before != write.after]
    for write in wanted:
        if isinstance(write.before, Opaque) or isinstance(write.after, Opaque):
            raise LandingRefused(f"{write.path} is no file that can be landed.", "Reject it.")
        _check_path(write.path)
    standing = {write.path for write in wanted if write.after is not None}
    for path in standing:
        if not standing.isdisjoint(above(path)):
            raise LandingRefused(f"{path} cannot stand below a file.", "Reject one of the two.")
    if len({write.path for write in wanted}) < len(wanted):
        raise LandingRefused("A path is named twice.", "Review again.")
    if not wanted:
        raise LandingRefused("Nothing is accepted, so there is nothing to land.", "Accept a hunk first.")
    return tuple(sorted(wanted, key=lambda write: (write.after is not None, write.path)))


def _check_path(path: str) -> None:
    names = path.split("/")
    if path.startswith("/") or "\0" in path or not {"", ".", ".."}.isdisjoint(names):
        raise LandingRefused(f"{path} leads out of the repository.", "Reject it.")
    if any(_is_git(name) for name in names):
        raise LandingRefused(
            f"{path} belongs to version control and never lands.", "Reject it; use its own program in your own shell."
        )


def _is_git(name: str) -> bool:
    """`.git` also as file systems that ignore case, trailing dots or invisible characters would read it."""
    seen = "".join(c for c in name if c.isprintable()).lower().rstrip(". ")
    return seen in PRIVATE or seen == "git~1"


def above(path: str) -> list[str]:
    """The folders of a path from the outside in, without the root."""
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names))]


@contextlib.contextmanager
def told(path: str) -> Generator[None]:
    """Say in words which path the system refused, and what would help."""
    try:
        yield
    except (FileExistsError, FileNotFoundError) as error:
        raise LandingRefused(f"{path} changed while it was landed.", AGAIN) from error
    except OSError as error:
        hint = HINTS.get(error.errno or 0, "Nothing was written.")
        raise Unwritable(f"{path} cannot be written: {error.strerror}.", hint) from error


def differing(tree: Tree, writes: Sequence[Write]) -> list[str]:
    """The paths at which the tree no longer holds what was shown; LandingRefused if one leads through a link."""
    gone = {write.path for write in writes if write.after is None}
    yielding = {folder for path in gone for folder in above(path)}
    moved: list[str] = []
    for write in writes:
        with told(write.path):
            _check_folders(tree, write.path, gone)
            given_way = write.before is None and (
                not gone.isdisjoint(above(write.path)) or (write.path in yielding and _is_folder(tree, write.path))
            )
            if not given_way and not tree.holds(write.path, write.before):
                moved.append(write.path)
    return moved


def _check_folders(tree: Tree, path: str, gone: set[str]) -> None:
    for folder in above(path):
        found = tree.stat(folder)
        if folder in gone or found is None:
            return
        if S_ISLNK(found.st_mode):
            raise LandingRefused(
                f"{folder} is a symbolic link, and nothing is written through one.",
                "Reject what lies below it, or put a real folder in its place.",
            )


def _is_folder(tree: Tree, path: str) -> bool:
    found = tree.stat(path)
    return found is not None and S_ISDIR(found.st_mode)


def _missing(tree: Tree, path: str, gone: frozenset[str]) -> list[str]:
    """The folders of a path that are still to be made."""
    folders = above(path)
    for depth, folder in enumerate(folders):
        if folder in gone or tree.stat(folder) is None:
            return folders[depth:]
        if not _is_folder(tree, folder):
            raise LandingRefused(f"{folder} is no folder, but {path} is to land below it.", AGAIN)
    return []


def plan(
    tree: Tree, writes: Sequence[Write], contents: Contents, id: str, session: str, *, undone: Intent | None = None
) -> Intent:
    """Every name that will change, and the names under which things wait; `undone` is a landing that this takes back."""
    gone = frozenset(write.path for write in writes if write.after is None)
    put = [write.path for write in writes if write.after is not None]
    missing = {folder for path in put for folder in _missing(tree, path, gone)}
    dropped = [folder for path in put if _is_folder(tree, path) for folder in _emptied(tree, path, gone)]
    known = {folder.path: folder.mode for folder in (*undone.pruned, *undone.dropped)} if undone else {}
    returning = [os.fsdecode(folder.path) for folder in undone.dropped] if undone else []
    made = sorted({*missing, *returning}, key=lambda path: (path.count("/"), path))
    unsteady = {*dropped, *made}
    steps = tuple(
        Step(
            path=os.fsencode(write.path),
            temp=os.fsencode(_waiting(write.path, unsteady, f"{TEMP}{id}-{number}")),
            before=contents.keep(write.before),
            after=contents.keep(write.after),
        )
        for number, write in enumerate(writes)
    )
    emptied = dict.fromkeys(folder for path in gone for folder in reversed(above(path)) if folder not in unsteady)
    pruned = [_folder(tree, path) for path in sorted(emptied, key=lambda path: -path.count("/"))]
    if undone:
        own = {folder.path for folder in undone.made}
        pruned = [folder for folder in pruned if folder.path in own]
    return Intent(
        id=id,
        session=session,
        time=time.time(),
        steps=steps,
        dropped=tuple(_folder(tree, path) for path in dropped),
        made=tuple(Folder(os.fsencode(path), known.get(os.fsencode(path))) for path in made),
        pruned=tuple(pruned),
        undoes=undone.id if undone else "",
    )


def _waiting(path: str, unsteady: set[str], name: str) -> str:
    """A name in the nearest folder that stands before, during and after the landing."""
    folders = [folder for folder in reversed(above(path)) if unsteady.isdisjoint((folder, *above(folder)))]
    return f"{folders[0]}/{name}" if folders else name


def _emptied(tree: Tree, folder: str, gone: frozenset[str]) -> Iterator[str]:
    """A folder that must give way, and those in it, the inner ones first; refused if anything else is in it."""
    for name in tree.names(folder):
        inner = f"{folder}/{name}"
        if _is_folder(tree, inner):
            yield from _emptied(tree, inner, gone)
        elif inner not in gone:
            raise LandingRefused(f"{folder} is a folder that also holds {inner}, so no file can take its place.", AGAIN)
    yield folder


def _folder(tree: Tree, path: str) -> Folder:
    found = tree.stat(path)
    return Folder(os.fsencode(path), S_IMODE(found.st_mode) if found else None)
