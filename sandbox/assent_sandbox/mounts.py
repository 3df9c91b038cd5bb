"""What a command sees of the file system: the overlay in its place, the rest read-only or hidden.

Standard library only; runs in a fresh mount namespace. Everything that is to be seen is taken as a detached mount
before anything is covered, and attached when the covers lie, so that no path is looked up through a cover.
"""

from __future__ import annotations

import os
import stat

from assent_sandbox import namespaces
from assent_sandbox.namespaces import NODEV, NOEXEC, NOSUID, RDONLY, attach, copy_mount, make_mount, set_attributes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from assent_sandbox.plan import Layers, Plan

_NODES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
_EMPTY_FILE, _EMPTY_FOLDER = "/dev/.empty-file", "/dev/.empty-folder"


def make_tmp() -> int:
    """The session's /tmp: in memory, seen by its commands alone, gone with the warden."""
    return make_mount("tmpfs", {"mode": "1777", "size": "25%"}, NOSUID | NODEV)


def arrange(plan: Plan, tmp: int) -> None:
    """Put everything in its place."""
    overlays = [(each.lower, _make_overlay(each)) for each in plan.layers]
    proc = make_mount("proc", {}, NOSUID | NODEV | NOEXEC | (RDONLY if plan.walled else 0))
    if not plan.walled:
        set_attributes("/", 0, propagation=namespaces.PRIVATE)
        attach(proc, "/proc")
        for path, overlay in overlays:
            attach(overlay, path)
        return
    shown = [(each.path, _take(each.source, each.writable)) for each in plan.shown]
    missed = [path for path in plan.hidden if path not in plan.never and os.path.isdir(path)]
    nodes = [(name, _take(f"/dev/{name}", writable=False, attributes=NOEXEC)) for name in _NODES]
    set_attributes("/", RDONLY | NOSUID, propagation=namespaces.PRIVATE)
    covered = _cover_all(sorted(path for path in plan.hidden if os.path.isdir(path)), tmp)
    for path in missed:
        os.makedirs(path, exist_ok=True)
    _furnish_devices(nodes)
    attach(proc, "/proc")
    if not plan.network:
        _furnish_names()
    for path, mount in sorted(shown):
        if mount >= 0 and _prepare(path, mount):
            attach(mount, path)
    for path in plan.blank:
        _blank(path)
    for path, overlay in sorted(overlays):
        if _prepare(path, overlay):
            attach(overlay, path)
    for path in plan.masked:
        _blank(os.path.join(plan.view, path))
    for path in covered:
        if path not in ("/tmp", "/var/tmp", "/run"):
            set_attributes(path, RDONLY, recursive=0)


def _make_overlay(layers: Layers) -> int:
    """Made by descriptors, so that no character of a path can be read as an option."""
    places = {
        "lowerdir": os.open(layers.lower, os.O_PATH | os.O_CLOEXEC),
        "upperdir": os.open(layers.upper, os.O_PATH | os.O_CLOEXEC),
        "workdir": os.open(layers.work, os.O_PATH | os.O_CLOEXEC),
    }
    options = {key: f"/proc/self/fd/{place}" for key, place in places.items()}
    try:
        return make_mount("overlay", options | {"userxattr": ""}, NOSUID | NODEV)
    finally:
        for place in places.values():
            os.close(place)


def _take(source: str, writable: bool, attributes: int = 0) -> int:
    """A detached copy of a place on the host; -1 if there is none."""
    try:
        mount = copy_mount(source)
    except OSError:
        return -1
    set_attributes("", attributes | NOSUID | (0 if writable else RDONLY), at=mount, propagation=namespaces.PRIVATE)
    return mount


def _cover_all(covers: list[str], tmp: int) -> list[str]:
    """Cover from the shallow to the deep; one that lies under an earlier cover is hidden already."""
    done: list[str] = []
    for path in covers:
        if any(path.startswith(cover + "/") for cover in done):
            continue
        if path == "/tmp":
            attach(copy_mount("", at=tmp, recursive=0), path)
        else:
            mode = "1777" if path == "/var/tmp" else "755"
            attach(make_mount("tmpfs", {"mode": mode, "size": "25%" if mode == "1777" else "16m"}, NOSUID), path)
        done.append(path)
    return done


def _furnish_devices(nodes: list[tuple[str, int]]) -> None:
    for name, mount in nodes:
        if mount >= 0:
            os.close(os.open(f"/dev/{name}", os.O_CREAT | os.O_CLOEXEC, 0o666))
            attach(mount, f"/dev/{name}")
    for name, target in _LINKS.items():
        os.symlink(target, f"/dev/{name}")
    os.symlink("pts/ptmx", "/dev/ptmx")
    os.mkdir("/dev/pts")
    attach(make_mount("devpts", {"newinstance": "", "ptmxmode": "0666", "mode": "620"}, NOSUID | NOEXEC), "/dev/pts")
    os.mkdir("/dev/shm")
    attach(make_mount("tmpfs", {"mode": "1777", "size": "25%"}, NOSUID | NODEV), "/dev/shm")
    os.close(os.open(_EMPTY_FILE, os.O_CREAT | os.O_CLOEXEC, 0o000))
    os.mkdir(_EMPTY_FOLDER, 0o000)


def _furnish_names() -> None:
    """Name a server that no route leads to, so that every look-up fails at once and is counted as refused.

    This machine's own names are known without one.
    """
    try:
        with open("/etc/hosts") as file:
            hosts = file.read()
    except OSError:
        hosts = ""
    own = f"\n127.0.0.1 localhost {os.uname().nodename}\n::1 localhost {os.uname().nodename}\n"
    _replace("/etc/hosts", hosts + own)
    _replace(os.path.realpath("/etc/resolv.conf"), "nameserver 192.0.2.1\noptions timeout:1 attempts:1\n")


def _replace(path: str, text: str) -> None:
    """Show a text at a path."""
    ours = "/dev/." + os.path.basename(path)
    with open(ours, "w") as file:
        file.write(text)
    mount = copy_mount(ours, recursive=0)
    if _prepare(path, mount):
        attach(mount, path)


def _prepare(path: str, mount: int) -> bool:
    """Make the place that a mount is to be attached to, where it is missing and can be made."""
    try:
        if stat.S_ISDIR(os.stat(mount).st_mode):
            os.makedirs(path, exist_ok=True)
        elif not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
    except OSError:
        os.close(mount)
        return False
    return True


def _blank(path: str) -> None:
    """Lay something empty and unreadable over a path; a link or a missing path has nothing to hide."""
    try:
        kind = os.lstat(path).st_mode
    except OSError:
        return
    if stat.S_ISLNK(kind) or os.path.realpath(path) != path:
        return
    mount = copy_mount(_EMPTY_FOLDER if stat.S_ISDIR(kind) else _EMPTY_FILE, recursive=0)
    set_attributes("", RDONLY, at=mount, recursive=0)
    attach(mount, path)
