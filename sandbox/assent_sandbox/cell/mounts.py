"""What a command sees of the file system: the overlay in its place, the rest read-only or hidden.

Standard library only; runs in a fresh mount namespace. Everything that is to be seen is taken as a detached mount
before anything is covered, and attached when the covers lie, so that no path is looked up through a cover.
"""

from __future__ import annotations

import errno
import os
import stat
import time

from assent_sandbox.cell import namespaces
from assent_sandbox.cell.namespaces import (
    NODEV,
    NOEXEC,
    NOSUID,
    RDONLY,
    attach,
    attach_at,
    copy_mount,
    make_mount,
    set_attributes,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from assent_sandbox.sight.plan import Layers, Plan

_NODES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
_PATH = os.O_PATH | os.O_CLOEXEC
_USUAL_COVERS = 4
_LEAST_BOUND = 512
_NO_REST = frozenset(
    (
        "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "lost+found", "nix", "proc", "root", "run",
        "sbin", "snap", "sys", "tmp", "usr",
    )
)  # fmt: skip
_EMPTY_FILE, _EMPTY_FOLDER = "/dev/.empty-file", "/dev/.empty-folder"


def make_tmp(home: str) -> str:
    """Make the session's /tmp, seen by its commands alone, gone with the warden; gives where it is kept for them.

    It is kept at a path because only lately can a mount be copied that is at none.
    """
    place = f"{home}/tmp"
    os.makedirs(place, exist_ok=True)
    attach(make_mount("tmpfs", {"mode": "1777", "size": "25%"}, NOSUID | NODEV), place)
    return place


Stack = tuple[tuple[str, ...], str, str]
"""The layers of an overlay: the lower ones from the uppermost on, the upper one, and the kernel's work folder."""


class Pieces:
    """File systems that every command needs, made before it comes and put nowhere yet."""

    def __init__(self, walled: bool, tmp: str, layers: Stack) -> None:
        self.tmp = tmp
        self.layers = layers
        self.seen = _look_at(layers)
        self.laid = _make_overlay(layers) if self.seen else -1
        self.proc = make_mount("proc", {}, NOSUID | NODEV | NOEXEC)
        self.covers: list[int] = []
        self.nodes: list[tuple[str, int]] = []
        if walled:
            self.covers = [_make_cover() for _ in range(_USUAL_COVERS)]
            self.nodes = [(name, _take(f"/dev/{name}", writable=False, attributes=NOEXEC)) for name in _NODES]
            self.terminals = make_mount(
                "devpts", {"newinstance": "", "ptmxmode": "0666", "mode": "620"}, NOSUID | NOEXEC
            )
            self.shared = make_mount("tmpfs", {"mode": "1777", "size": "25%"}, NOSUID | NODEV)
            self.devices = _make_cover()
            _furnish_devices(self.devices)
        self.rest = _lay_over_rest() if walled else []

    def bound_processes(self, count: int) -> None:
        """Let this process namespace have no more threads, root's too, where that setting is not the whole machine's."""
        if namespaces.counts_processes():
            most = os.open("sys/kernel/pid_max", os.O_WRONLY | os.O_CLOEXEC, dir_fd=self.proc)
            os.write(most, b"%d" % max(count, _LEAST_BOUND))
            os.close(most)

    def overlay(self, layers: Layers) -> int:
        """The overlay of these layers: the one that was made before, if its folders are still the same."""
        named = ((*layers.between, layers.lower), layers.upper, layers.work)
        if self.laid >= 0 and named == self.layers and _look_at(named) == self.seen:
            laid, self.laid = self.laid, -1
            return laid
        return _make_overlay(named)

    def cover(self) -> int:
        """An empty folder to lay over another."""
        return self.covers.pop() if self.covers else _make_cover()


def _make_cover() -> int:
    return make_mount("tmpfs", {"mode": "755", "size": "16m"}, NOSUID)


def arrange(plan: Plan, pieces: Pieces) -> list[str]:
    """Put everything in its place; gives the places that were made for it in the session's /tmp, which lasts."""
    overlays = [(each.lower, pieces.overlay(each)) for each in plan.layers]
    if not plan.walled:
        set_attributes("/", 0, propagation=namespaces.PRIVATE)
        attach(pieces.proc, "/proc")
        for path, overlay in overlays:
            attach(overlay, path)
        return []
    set_attributes("", RDONLY, at=pieces.proc)
    shown = [(each.path, _take(each.source, each.writable)) for each in plan.shown]
    hidden = sorted(path for path in plan.hidden if os.path.isdir(path))
    tmp = copy_mount(pieces.tmp, recursive=0)
    set_attributes("/", 0, propagation=namespaces.PRIVATE)
    for path, mount in pieces.rest:
        attach(mount, path)
    set_attributes("/", RDONLY | NOSUID)
    covered = _cover_all(hidden, tmp, pieces)
    for path in hidden:
        if path not in plan.never:
            os.makedirs(path, exist_ok=True)
    _place_devices(pieces)
    attach(pieces.proc, "/proc")
    if not plan.network:
        _furnish_names()
    if plan.identity[0]:
        path, text = plan.identity
        _replace(path, text.encode("utf-8", "surrogateescape"))
    made: list[str] = []
    for path in (*(path for path, _ in shown), *(path for path, _ in overlays)):
        _clear_way(path)
    for path, mount in sorted(shown):
        lasting = path.startswith(("/tmp/", "/var/tmp/")) and not os.path.lexists(path)
        if mount >= 0 and _prepare(path, mount):
            attach(mount, path)
            made += [path] if lasting else []
    for path in plan.blank:
        _blank(path)
    for path, overlay in sorted(overlays):
        _make_place(path, overlay)
        view = os.dup(overlay) if path == plan.view else -1
        attach(overlay, path)
        if view >= 0:
            _mask_all(view, plan.masked)
    for path in covered:
        if path not in ("/tmp", "/var/tmp", "/run"):
            set_attributes(path, RDONLY, recursive=0)
    return made


def take_away(places: list[str]) -> None:
    """Leave nothing where something was shown that was not there: the next command would find it empty."""
    for path in places:
        try:
            namespaces.detach(path)
            os.rmdir(path) if os.path.isdir(path) else os.unlink(path)
        except OSError:
            continue


def _lay_over_rest() -> list[tuple[str, int]]:
    """Overlays of what else the machine has at its root, to be put over it.

    What is only bound read-only can still be locked, and a socket in it, also one made later, be connected to; what is
    seen through an overlay is another file. A folder in which something is mounted cannot be seen so, and stays bound.
    """
    found: list[tuple[str, int]] = []
    empty = _make_cover()
    for path in _rest():
        try:
            lower = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        layers = f"/proc/self/fd/{lower}:/proc/self/fd/{empty}"
        try:
            found.append((path, make_mount("overlay", {"lowerdir": layers}, NOSUID | RDONLY)))
        except OSError:
            continue
        finally:
            os.close(lower)
    os.close(empty)
    return found


def _rest() -> list[str]:
    """The folders at the root, with something in them, that hold neither the system nor what is hidden anyway."""
    with os.scandir("/") as items:
        names = [each.name for each in items if each.is_dir(follow_symlinks=False) and each.name not in _NO_REST]
    return [f"/{name}" for name in names if not _is_empty(f"/{name}")]


def _is_empty(folder: str) -> bool:
    try:
        with os.scandir(folder) as items:
            return next(items, None) is None
    except OSError:
        return False


def _look_at(layers: Stack) -> list[tuple[int, ...]]:
    """What an overlay remembers of its layers' own folders from when it was made; nothing if one is not there."""
    try:
        found = [os.stat(path) for path in (*layers[0], *layers[1:])]
    except OSError:
        return []
    return [(each.st_dev, each.st_ino, each.st_mode, each.st_uid, each.st_gid) for each in found]


_MEETINGS = 50
"""How often another overlay of the same layers may be met in the making."""


def _make_overlay(layers: Stack) -> int:
    """Made by descriptors, so that no character of a path can be read as an option.

    The kernel makes its folder in `work` anew with each overlay: of two that are made at once, the slower one finds it gone.
    """
    lowers, upper, work = layers
    places = [os.open(path, os.O_PATH | os.O_CLOEXEC) for path in (*lowers, upper, work)]
    *below, upper, work = (f"/proc/self/fd/{place}" for place in places)
    options = {"lowerdir": ":".join(below), "upperdir": upper, "workdir": work}
    try:
        for _ in range(_MEETINGS):
            try:
                return make_mount("overlay", options | {"userxattr": ""}, NOSUID | NODEV)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.EEXIST, errno.EINVAL):
                    raise
                time.sleep(0.002)
        return make_mount("overlay", options | {"userxattr": ""}, NOSUID | NODEV)
    finally:
        for place in places:
            os.close(place)


def _take(source: str, writable: bool, attributes: int = 0) -> int:
    """A detached copy of a place on the host; -1 if there is none."""
    try:
        mount = copy_mount(source)
    except OSError:
        return -1
    set_attributes("", attributes | NOSUID | (0 if writable else RDONLY), at=mount, propagation=namespaces.PRIVATE)
    return mount


def _cover_all(covers: list[str], tmp: int, pieces: Pieces) -> list[str]:
    """Cover from the shallow to the deep; one that lies under an earlier cover is hidden already."""
    done: list[str] = []
    for path in covers:
        if any(path.startswith(cover + "/") for cover in done):
            continue
        if path == "/tmp":
            attach(tmp, path)
        elif path == "/dev":
            attach(pieces.devices, path)
        elif path == "/var/tmp":
            attach(make_mount("tmpfs", {"mode": "1777", "size": "25%"}, NOSUID), path)
        else:
            attach(pieces.cover(), path)
        done.append(path)
    return done


def _furnish_devices(folder: int) -> None:
    """Make what /dev holds beside the nodes themselves, which are mounts."""
    for name in (*_NODES, _EMPTY_FILE):
        os.close(
            os.open(os.path.basename(name), os.O_CREAT | os.O_CLOEXEC, 0o666 if name in _NODES else 0, dir_fd=folder)
        )
    for name, target in (_LINKS | {"ptmx": "pts/ptmx"}).items():
        os.symlink(target, name, dir_fd=folder)
    for name in ("pts", "shm"):
        os.mkdir(name, dir_fd=folder)
    os.mkdir(os.path.basename(_EMPTY_FOLDER), 0o000, dir_fd=folder)


def _place_devices(pieces: Pieces) -> None:
    for name, mount in pieces.nodes:
        if mount >= 0:
            attach(mount, f"/dev/{name}")
        else:
            os.unlink(f"/dev/{name}")
    attach(pieces.terminals, "/dev/pts")
    attach(pieces.shared, "/dev/shm")


def _furnish_names() -> None:
    """Name our own server, which finds no name and notes it, so that every look-up fails at once and is known.

    This machine's own names are known without one.
    """
    name = os.uname().nodename
    own = f"\n127.0.0.1 localhost {name}\n::1 localhost {name}\n"
    _replace("/etc/hosts", _read("/etc/hosts") + own.encode())
    _replace(os.path.realpath("/etc/resolv.conf"), b"nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")


def _read(path: str) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(file, 1 << 20)
    finally:
        os.close(file)


def _replace(path: str, text: bytes) -> None:
    """Show a text at a path."""
    ours = "/dev/." + os.path.basename(path)
    file = os.open(ours, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    os.write(file, text)
    os.close(file)
    mount = copy_mount(ours, recursive=0)
    if _prepare(path, mount):
        attach(mount, path)


def _prepare(path: str, mount: int) -> bool:
    """Make the place that a mount is to be attached to, where it is missing and can be made."""
    try:
        _make_place(path, mount)
    except OSError:
        os.close(mount)
        return False
    return True


def _make_place(path: str, mount: int) -> None:
    if stat.S_ISDIR(os.stat(mount).st_mode):
        os.makedirs(path, exist_ok=True)
    elif not os.path.lexists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))


def _clear_way(path: str) -> None:
    """Remove what an earlier command has put in the way to a place in the session's /tmp: a link would lead elsewhere."""
    if not path.startswith("/tmp/"):
        return
    for end in [place for place, letter in enumerate(path) if letter == "/" and place > len("/tmp")]:
        above = path[:end]
        try:
            mode = os.lstat(above).st_mode
            if not stat.S_ISDIR(mode):
                os.unlink(above)
            elif mode & 0o700 != 0o700:  # noqa: PLR2004
                os.chmod(above, 0o755)
        except FileNotFoundError:
            return
    if os.path.islink(path):
        os.unlink(path)


_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def _blank(path: str) -> None:
    """Lay something empty and unreadable over a path; a link or a missing path has nothing to hide.

    Raises OSError where something is there that cannot be covered.
    """
    try:
        place = os.open(path, _PATH | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno in _NOTHING_THERE:
            return
        raise
    _cover_place(place, path)


def _mask_all(view: int, paths: Sequence[str]) -> None:
    """Cover what is secret in the view, each found from its root on, name by name and through no link."""
    try:
        for path in paths:
            if (place := _find(view, path)) >= 0:
                _cover_place(place, path)
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


def _cover_place(place: int, path: str) -> None:
    try:
        kind = os.stat(place).st_mode
        if stat.S_ISLNK(kind):
            return
        mount = copy_mount(_EMPTY_FOLDER if stat.S_ISDIR(kind) else _EMPTY_FILE, recursive=0)
        try:
            set_attributes("", RDONLY, at=mount, recursive=0)
            attach_at(mount, place)
        except OSError as error:
            raise OSError(error.errno, f"hide {path}: {error.strerror}") from error
        finally:
            os.close(mount)
    finally:
        os.close(place)
