"""Files of foreign owners, taken into the upper layer of an overlay as the user's own, so that commands can change them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from assent_sandbox.sight import foreign

MOST_FILES, MOST_BYTES = 200, 16 << 20
"""How many files, and bytes of them, are taken before anybody asked for them; more are when a command met them."""
_MOST_GIT_FOLDERS = 3000
_WRITTEN_IN_PLACE = ("COMMIT_EDITMSG", "FETCH_HEAD", "logs")
"""What git writes into without putting a fresh file in its place."""


def choose(
    paths: tuple[str, ...], root: str, shown: Callable[[str], os.stat_result | None]
) -> Iterator[tuple[str, bool]]:
    """Which of these are taken beforehand, and whether each is a folder: what the user may write, within the bounds.

    `shown` gives the status of what a stage shows at a path.
    """
    files, room = MOST_FILES, MOST_BYTES
    for path in paths:
        status = shown(path)
        if status is None or not foreign.is_foreign(status):
            continue
        if stat.S_ISDIR(status.st_mode):
            yield path, True
            continue
        fits = files > 0 and status.st_size <= room and stat.S_ISREG(status.st_mode)
        if fits and is_writable(os.path.join(root, path), status):
            files, room = files - 1, room - status.st_size
            yield path, False


def is_writable(place: str, status: os.stat_result) -> bool:
    """Whether the user could change a file where it really is."""
    return os.access(place, os.R_OK) and (os.access(place, os.W_OK) or status.st_uid == os.geteuid())


def git_parts(root: str) -> Iterator[tuple[str, bool]]:
    """The folders of a git folder of foreign owners, and the files in it that git writes in place; nothing of any other."""
    top = os.path.join(root, ".git")
    if not os.path.isdir(top) or not any(map(_is_foreign, (top, f"{top}/objects", f"{top}/refs/heads", f"{top}/logs"))):
        return
    count = 0
    for folder, _, files in os.walk(top):
        if (count := count + 1) > _MOST_GIT_FOLDERS:
            return
        inside = os.path.relpath(folder, root)
        yield inside, True
        for name in files:
            path = os.path.join(inside, name)
            if path.split("/")[1] in _WRITTEN_IN_PLACE and os.access(os.path.join(root, path), os.W_OK):
                yield path, False


def _is_foreign(place: str) -> bool:
    try:
        return foreign.is_foreign(os.lstat(place))
    except OSError:
        return False
