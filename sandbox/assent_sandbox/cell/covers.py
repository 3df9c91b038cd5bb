"""Makes places for mounts, and lays emptiness over what a command is not to see: by descriptors, and closed when in doubt.

Standard library only; runs in a fresh mount namespace. What lies in the session's /tmp was left there by earlier commands.
"""

from __future__ import annotations

import errno
import os
import stat

from assent_sandbox.cell.namespaces import RDONLY, attach_at, copy_mount, set_attributes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

EMPTY_FILE, EMPTY_FOLDER = "/dev/.empty-file", "/dev/.empty-folder"
_PATH = os.O_PATH | os.O_CLOEXEC
_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def prepare(path: str, mount: int) -> bool:
    """Make the place that a mount is to be attached to, where it is missing and can be made."""
    try:
        make_place(path, mount)
    except OSError:
        os.close(mount)
        return False
    return True


def make_place(path: str, mount: int) -> None:
    """The same; raises OSError where it cannot be made."""
    if stat.S_ISDIR(os.stat(mount).st_mode):
        os.makedirs(path, exist_ok=True)
    elif not os.path.lexists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))


def clear_way(path: str) -> None:
    """Remove what an earlier command has put in the way to a place in the session's /tmp: a link would lead elsewhere."""
    if not path.startswith("/tmp/"):
        return
    for end in [place for place, letter in enumerate(path) if letter == "/" and place > len("/tmp")]:
        above = path[:end]
        try:
            mode = os.lstat(above).st_mode
            if not stat.S_ISDIR(mode):
                os.unlink(above)
            elif mode & 0o700 != 0o700:
                os.chmod(above, 0o755)
        except FileNotFoundError:
            return
    if os.path.islink(path):
        os.unlink(path)


def blank(path: str, stock: list[int]) -> None:
    """Lay something empty and unreadable over a path; a link or a missing path has nothing to hide.

    `stock` are empty files that are ready. Raises OSError where something is there that cannot be covered.
    """
    try:
        place = os.open(path, _PATH | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno in _NOTHING_THERE:
            return
        raise
    _cover_place(place, path, stock)


def mask_all(view: int, paths: Sequence[str], stock: list[int]) -> None:
    """Cover what is secret in the view, each found from its root on, name by name and through no link."""
    try:
        for path in paths:
            if (place := _find(view, path)) >= 0:
                _cover_place(place, path, stock)
    finally:
        os.close(view)


def _find(view: int, path: str) -> int:
    here = os.dup(view)
    for name in path.split("/"):
        try:
            there = os.open(name, _PATH | os.O_NOFOLLOW, dir_fd=here)
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                return -1
            raise OSError(error.errno, f"mask {path}: {error.strerror}") from error
        finally:
            os.close(here)
        here = there
    return here


def _cover_place(place: int, path: str, stock: list[int]) -> None:
    try:
        kind = os.stat(place).st_mode
        if stat.S_ISLNK(kind):
            return
        mount = _nothing(stat.S_ISDIR(kind), stock)
        try:
            attach_at(mount, place)
        except OSError as error:
            raise OSError(error.errno, f"hide {path}: {error.strerror}") from error
        finally:
            os.close(mount)
    finally:
        os.close(place)


def _nothing(folder: bool, stock: list[int]) -> int:
    if stock and not folder:
        return stock.pop()
    mount = copy_mount(EMPTY_FOLDER if folder else EMPTY_FILE, recursive=0)
    set_attributes("", RDONLY, at=mount, recursive=0)
    return mount
