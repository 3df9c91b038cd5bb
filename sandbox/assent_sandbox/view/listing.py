"""What of a repository belongs into a copy: its files, what is only linked, and what is kept out."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from msgspec import Struct

from assent_sandbox import host
from assent_sandbox.policy import Policy
from assent_sandbox.repositories import Foreign, git_folder
from assent_sandbox.sight.masks import is_secret_file
from assent_sandbox.sight.plan import is_within
from assent_sandbox.view.tree import Tree, is_private

_GENERATED = frozenset(("node_modules", ".venv", "venv", ".tox", ".nox"))
"""Folders that are linked rather than copied where no git says what is ignored."""
_MOST_FILES = 1000
_MOST_BYTES = 32 << 20
"""What an ignored folder may hold, in files and bytes, to be copied; a larger one is linked."""


class Listing(Struct, frozen=True):
    """Paths relative to the root: files to copy, folders to link, secret files to keep out."""

    files: frozenset[str]
    linked: frozenset[str]
    secret: frozenset[str]


def list_repository(root: str, policy: Policy, without: tuple[str, ...] = (), keys: tuple[str, ...] = ()) -> Listing:
    """Look through a repository; `without` is left out of it, and `keys` are secret with all that is in them."""
    tree = Tree(root)
    files: set[str] = set()
    linked: set[str] = set()
    for path, is_whole_folder in _candidates(tree):
        if is_private(path) or any(is_within(path, own) or is_within(own, path) for own in without):
            continue
        if not is_whole_folder:
            files.add(path)
        elif (below := _small_folder(tree, path)) is None:
            linked.add(path)
        else:
            files |= below
    secret = {path for path in files if is_secret_file(root, path, policy) or _is_beneath(path, keys)}
    linked = {path for path in linked if not _is_beneath(path, keys)}
    return Listing(frozenset(files - secret), frozenset(linked), frozenset(secret))


def _is_beneath(path: str, places: tuple[str, ...]) -> bool:
    return any(is_within(path, place) for place in places)


def _candidates(tree: Tree, below: str = "") -> Iterator[tuple[str, bool]]:
    """Files, and ignored folders as a whole; a repository within the repository is looked through like the outer one."""
    inner = Tree(os.path.join(tree.root, below))
    try:
        if below and git_folder(inner.root) is None:
            raise host.GitFailed("the folder of a submodule that is not there", 128)
        kept = host.git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=inner.root)
        ignored = host.git(
            "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", cwd=inner.root
        )
    except (host.GitFailed, Foreign):
        yield from ((below + path, is_folder) for path, is_folder in _plain(inner))
        return
    for raw in set(kept.split(b"\0")) - {b"", b"./"}:
        path = below + os.fsdecode(raw).rstrip("/")
        if raw.endswith(b"/") or _is_folder(tree, path):
            yield from _candidates(tree, path + "/")
        else:
            yield path, False
    for raw in _outermost(ignored.split(b"\0")):
        yield below + os.fsdecode(raw).rstrip("/"), raw.endswith(b"/")


def _outermost(listed: list[bytes]) -> Iterator[bytes]:
    """What lies in no other folder of the list: git goes into one that is ignored by a file of its own, as .venv is."""
    folder = b""
    for raw in sorted(set(listed) - {b"", b"./"}):
        if not (folder and raw.startswith(folder)):
            folder = raw if raw.endswith(b"/") else folder
            yield raw


def _plain(tree: Tree) -> Iterator[tuple[str, bool]]:
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        above = waiting.pop()
        with tree.folder(above) as folder:
            if folder is None:
                continue
            with os.scandir(folder) as items:
                for item in items:
                    is_folder = item.is_dir(follow_symlinks=False)
                    if is_folder and item.name not in _GENERATED:
                        waiting.append((*above, item.name))
                    else:
                        yield "/".join((*above, item.name)), is_folder


def _is_folder(tree: Tree, path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(os.path.join(tree.root, path)).st_mode)
    except OSError:
        return False


def _small_folder(tree: Tree, path: str) -> set[str] | None:
    """The files of a folder that is small enough to be copied; None for a larger one."""
    found: set[str] = set()
    room = _MOST_BYTES
    for below, status in tree.files(tuple(path.split("/"))):
        found.add(below)
        room -= status.st_size if stat.S_ISREG(status.st_mode) else 0
        if len(found) > _MOST_FILES or room < 0:
            return None
    return found
