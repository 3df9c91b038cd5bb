"""What a command sees of the file system: the overlay in its place, the rest read-only or hidden.

Standard library only; runs in a fresh mount namespace. Everything that is to be seen is taken as a detached mount
before anything is covered, and attached when the covers lie, so that no path is looked up through a cover.
"""

from __future__ import annotations

import errno
import os
import time

from assent_sandbox.cell import namespaces
from assent_sandbox.cell.covers import EMPTY_FILE, EMPTY_FOLDER, blank, clear_way, make_place, mask_all, prepare
from assent_sandbox.cell.namespaces import (
    NODEV,
    NOEXEC,
    NOSUID,
    RDONLY,
    attach,
    copy_mount,
    make_mount,
    set_attributes,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from assent_sandbox.sight.plan import Layers, Plan

_NODES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
_USUAL_COVERS = 10
_LEAST_BOUND = 512
_LASTING = "/var/tmp"
_LINKS_IN_VAR = ("run", "lock")


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
        self.empty = _make_cover()
        if walled:
            self.covers = [_make_cover() for _ in range(_USUAL_COVERS)]
            self.nodes = [(name, _bind(f"/dev/{name}", RDONLY | NOEXEC)) for name in _NODES]
            self.terminals = make_mount(
                "devpts", {"newinstance": "", "ptmxmode": "0666", "mode": "620"}, NOSUID | NOEXEC
            )
            self.shared = make_mount("tmpfs", {"mode": "1777", "size": "25%"}, NOSUID | NODEV)
            self.devices = _make_cover()
            _furnish_devices(self.devices)

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
    set_attributes("/", 0, propagation=namespaces.PRIVATE)
    shown = [(each.path, _take(each.source, each.writable, pieces)) for each in plan.shown]
    hidden = sorted(path for path in plan.hidden if os.path.isdir(path))
    tmp = copy_mount(pieces.tmp, recursive=0)
    set_attributes("/", RDONLY | NOSUID)
    links = [(name, os.readlink(f"/var/{name}")) for name in _LINKS_IN_VAR if os.path.islink(f"/var/{name}")]
    covered = _cover_all(hidden, tmp, pieces)
    for path in hidden:
        if path not in plan.never:
            os.makedirs(path, exist_ok=True)
    for name, target in links:
        os.symlink(target, f"/var/{name}")
    _place_devices(pieces)
    attach(pieces.proc, "/proc")
    if not plan.network:
        _furnish_names()
    if plan.identity[0]:
        path, text = plan.identity
        _replace(path, text.encode("utf-8", "surrogateescape"))
    made: list[str] = []
    for path in (*(path for path, _ in shown), *(path for path, _ in overlays)):
        clear_way(path)
    for path, mount in sorted(shown):
        lasting = path.startswith(("/tmp/", "/var/tmp/")) and not os.path.lexists(path)
        if mount >= 0 and prepare(path, mount):
            attach(mount, path)
            made += [path] if lasting else []
    for path in plan.blank:
        blank(path)
    for path, overlay in sorted(overlays):
        make_place(path, overlay)
        view = os.dup(overlay) if path == plan.view else -1
        attach(overlay, path)
        if view >= 0:
            mask_all(view, plan.masked)
    for path in covered:
        if path not in ("/tmp", _LASTING, "/run"):
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


def _take(source: str, writable: bool, pieces: Pieces) -> int:
    """A detached mount of a place on the host; -1 if there is none.

    What may only be read is seen through an overlay, where it is another file: of one that is only bound, the lock is the
    host's, and a socket in it, also one made later, can be connected to. What something is mounted in stays bound.
    """
    if writable:
        return _bind(source, 0)
    try:
        if os.path.isdir(source):
            return _look_through(source, pieces)
        return _look_at_file(source, pieces)
    except OSError:
        return _bind(source, RDONLY)


def _bind(source: str, attributes: int) -> int:
    try:
        mount = copy_mount(source)
    except OSError:
        return -1
    set_attributes("", attributes | NOSUID, at=mount, propagation=namespaces.PRIVATE)
    return mount


def _look_through(folder: str, pieces: Pieces) -> int:
    """A read-only overlay of a folder and nothing."""
    lower = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        layers = f"/proc/self/fd/{lower}:/proc/self/fd/{pieces.empty}"
        return make_mount("overlay", {"lowerdir": layers}, NOSUID | RDONLY)
    finally:
        os.close(lower)


def _look_at_file(path: str, pieces: Pieces) -> int:
    """A file in an overlay of its folder; sockets stay what they are, for somebody has consented to them."""
    if not os.path.isfile(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    path = os.path.realpath(path)
    attach(_look_through(os.path.dirname(path), pieces), "/proc")
    try:
        return copy_mount(os.path.join("/proc", os.path.basename(path)), recursive=0)
    finally:
        namespaces.detach("/proc")


def _cover_all(covers: list[str], tmp: int, pieces: Pieces) -> list[str]:
    """Cover from the shallow to the deep; one that lies under an earlier cover is hidden already."""
    done: list[str] = []
    for path in covers:
        if path == _LASTING:
            os.makedirs(path, exist_ok=True)
        elif any(path.startswith(cover + "/") for cover in done):
            continue
        if path == "/tmp":
            attach(tmp, path)
        elif path == "/dev":
            attach(pieces.devices, path)
        elif path == _LASTING:
            attach(make_mount("tmpfs", {"mode": "1777", "size": "25%"}, NOSUID), path)
        else:
            attach(pieces.cover(), path)
        done.append(path)
    return done


def _furnish_devices(folder: int) -> None:
    """Make what /dev holds beside the nodes themselves, which are mounts."""
    for name in (*_NODES, EMPTY_FILE):
        os.close(
            os.open(os.path.basename(name), os.O_CREAT | os.O_CLOEXEC, 0o666 if name in _NODES else 0, dir_fd=folder)
        )
    for name, target in (_LINKS | {"ptmx": "pts/ptmx"}).items():
        os.symlink(target, name, dir_fd=folder)
    for name in ("pts", "shm"):
        os.mkdir(name, dir_fd=folder)
    os.mkdir(os.path.basename(EMPTY_FOLDER), 0o000, dir_fd=folder)


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
    if prepare(path, mount):
        attach(mount, path)
