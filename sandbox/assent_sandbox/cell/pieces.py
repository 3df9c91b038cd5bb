"""What a command's file system is made of, ready before the command is known: covers, devices, overlays, put nowhere yet.

Standard library only; runs in a fresh mount namespace. Each file system takes its time to make and to end, so many covers
are folders of one, and many folders of the host are seen through one overlay.
"""

from __future__ import annotations

import errno
import os
import time

from assent_sandbox.cell import namespaces
from assent_sandbox.cell.covers import EMPTY_FILE, EMPTY_FOLDER
from assent_sandbox.cell.namespaces import NODEV, NOEXEC, NOSUID, RDONLY, attach, copy_mount, make_mount, set_attributes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from assent_sandbox.sight.plan import Layers, Plan

_LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
_USUAL_COVERS = 16
_USUAL_NOTHINGS = 16
_LEAST_BOUND = 512
STAND = "/sys"
"""Where mounts are put for as long as it takes to make copies of what is in them."""
NODES = ("null", "zero", "full", "random", "urandom", "tty")

Usual = tuple[tuple[str, tuple[str, ...]], ...]
"""Folders of the host that were shown to the last command, and will be to the next one, by the hidden ones that hold them."""
Stack = tuple[tuple[str, ...], str, str]
"""The layers of an overlay: the lower ones from the uppermost on, the upper one, and the kernel's work folder."""


def make_tmp(home: str) -> str:
    """Make the session's /tmp, seen by its commands alone, gone with the warden; gives where it is kept for them.

    It is kept at a path because only lately can a mount be copied that is at none.
    """
    place = f"{home}/tmp"
    os.makedirs(place, exist_ok=True)
    attach(make_mount("tmpfs", {"mode": "1777", "size": "25%"}, NOSUID | NODEV), place)
    return place


class Pieces:
    """File systems that every command needs, made before it comes and put nowhere yet."""

    def __init__(self, walled: bool, tmp: str, layers: Stack, usual: Usual = ()) -> None:
        self.tmp = tmp
        self.layers = layers
        self.seen = _look_at(layers)
        self.laid = _make_overlay(layers) if self.seen else -1
        self.proc = make_mount("proc", {}, NOSUID | NODEV | NOEXEC)
        self.covers: list[int] = []
        self.nodes: list[tuple[str, int]] = []
        self.nothings: list[int] = []
        self.names: list[tuple[str, int]] = []
        """What is shown at the places of names of hosts, where there is no network."""
        self.empty = -1
        if walled:
            self._prepare_covers()
            self.nodes = [(name, bind(f"/dev/{name}", RDONLY | NOEXEC)) for name in NODES]
            self.terminals = make_mount(
                "devpts", {"newinstance": "", "ptmxmode": "0666", "mode": "620"}, NOSUID | NOEXEC
            )
            self.shared = make_mount("tmpfs", {"mode": "1777", "size": "25%"}, NOSUID | NODEV)
            self.devices = make_cover()
            _furnish_devices(self.devices)
        self.taken = {path: mount for base, paths in usual if walled for path, mount in _taken(base, paths, self.empty)}

    def _prepare_covers(self) -> None:
        """Make empty folders, empty files and a few texts in one file system, and take each of them."""
        attach(make_cover(), STAND)
        try:
            self.empty, *self.covers = (_made_folder(str(number)) for number in range(_USUAL_COVERS))
            _write_file("nothing", b"", 0o000)
            for _ in range(_USUAL_NOTHINGS):
                self.nothings.append(copy_mount(f"{STAND}/nothing", recursive=0))
                set_attributes("", RDONLY, at=self.nothings[-1], recursive=0)
            for number, (path, text) in enumerate(_names()):
                self.names.append((path, _write_file(f"name{number}", text, 0o644)))
        finally:
            namespaces.detach(STAND)

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
        return self.covers.pop() if self.covers else make_cover()


def make_cover() -> int:
    """An empty folder that is a file system of its own."""
    return make_mount("tmpfs", {"mode": "755", "size": "16m"}, NOSUID)


def _made_folder(name: str) -> int:
    os.mkdir(f"{STAND}/{name}", 0o755)
    return copy_mount(f"{STAND}/{name}", recursive=0)


def _write_file(name: str, text: bytes, mode: int) -> int:
    file = os.open(f"{STAND}/{name}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, mode)
    os.write(file, text)
    os.close(file)
    return copy_mount(f"{STAND}/{name}", recursive=0)


def _names() -> list[tuple[str, bytes]]:
    """Our own server, which finds no name and notes it, so that every look-up fails at once and is known.

    This machine's own names are known without one.
    """
    name = os.uname().nodename
    own = f"\n127.0.0.1 localhost {name}\n::1 localhost {name}\n"
    server = b"nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"
    return [("/etc/hosts", _read("/etc/hosts") + own.encode()), (os.path.realpath("/etc/resolv.conf"), server)]


def usual_of(plan: Plan) -> Usual:
    """What a plan shows of the folders that it hides, as far as no link is on the way."""
    found: dict[str, tuple[str, ...]] = {}
    for path in (each.source for each in plan.shown if not each.writable):
        base = next((base for base in plan.hidden if path.startswith(base + "/")), "")
        if base and os.path.realpath(path) == path and os.path.isdir(path):
            found[base] = (*found.get(base, ()), path)
    return tuple(found.items())


def _taken(base: str, paths: Sequence[str], empty: int) -> list[tuple[str, tuple[int, tuple[int, ...]]]]:
    """Mounts of folders, and which ones they were: out of one overlay, for each more would take its time to make and to end."""
    try:
        attach(look_through(base, empty), STAND)
    except OSError:
        return []
    try:
        return [(path, (copy_mount(STAND + path[len(base) :], recursive=0), identity(path))) for path in paths]
    except OSError:
        return []
    finally:
        namespaces.detach(STAND)


def identity(path: str) -> tuple[int, ...]:
    """What an overlay remembers of a folder from when it was made."""
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_mode, found.st_uid, found.st_gid


def look_through(folder: str, empty: int) -> int:
    """A read-only overlay of a folder and nothing."""
    lower = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        layers = f"/proc/self/fd/{lower}:/proc/self/fd/{empty}"
        return make_mount("overlay", {"lowerdir": layers}, NOSUID | RDONLY)
    finally:
        os.close(lower)


def _look_at(layers: Stack) -> list[tuple[int, ...]]:
    """What an overlay remembers of its layers' own folders from when it was made; nothing if one is not there."""
    try:
        return [identity(path) for path in (*layers[0], *layers[1:])]
    except OSError:
        return []


def bind(source: str, attributes: int) -> int:
    """A detached mount of a place of the host itself; -1 if there is none."""
    try:
        mount = copy_mount(source)
    except OSError:
        return -1
    set_attributes("", attributes | NOSUID, at=mount, propagation=namespaces.PRIVATE)
    return mount


def _furnish_devices(folder: int) -> None:
    """Make what /dev holds beside the nodes themselves, which are mounts."""
    for name in (*NODES, EMPTY_FILE):
        os.close(
            os.open(os.path.basename(name), os.O_CREAT | os.O_CLOEXEC, 0o666 if name in NODES else 0, dir_fd=folder)
        )
    for name, target in (_LINKS | {"ptmx": "pts/ptmx"}).items():
        os.symlink(target, name, dir_fd=folder)
    for name in ("pts", "shm"):
        os.mkdir(name, dir_fd=folder)
    os.mkdir(os.path.basename(EMPTY_FOLDER), 0o000, dir_fd=folder)


def _read(path: str) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(file, 1 << 20)
    finally:
        os.close(file)


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
