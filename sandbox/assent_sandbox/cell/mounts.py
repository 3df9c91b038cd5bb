"""What a command sees of the file system: the overlay in its place, the rest read-only or hidden.

Standard library only; runs in a fresh mount namespace. Everything that is to be seen is taken as a detached mount
before anything is covered, and attached when the covers lie, so that no path is looked up through a cover.
"""

from __future__ import annotations

import errno
import os

from assent_sandbox.cell import namespaces
from assent_sandbox.cell.covers import blank, clear_way, make_place, mask_all, prepare
from assent_sandbox.cell.namespaces import NOSUID, RDONLY, attach, copy_mount, make_mount, set_attributes
from assent_sandbox.cell.pieces import STAND, Pieces, bind, identity, look_through

TYPE_CHECKING = False
if TYPE_CHECKING:
    from assent_sandbox.sight.plan import Plan

_LASTING = "/var/tmp"
_LINKS_IN_VAR = ("run", "lock")


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
        if path not in plan.never and any(path.startswith(cover + "/") for cover in covered):
            os.makedirs(path, exist_ok=True)
    for name, target in links if "/var" in covered else ():
        os.symlink(target, f"/var/{name}")
    _place_devices(pieces)
    attach(pieces.proc, "/proc")
    if not plan.network:
        for path, mount in pieces.names:
            if prepare(path, mount):
                attach(mount, path)
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
    gone, seen = tuple(f"{path}/" for path in hidden), (*(path for path, _ in shown), *(path for path, _ in overlays))
    for path in plan.blank:
        if not path.startswith(gone) or path.startswith(seen):
            blank(path, pieces.nothings)
    for path, overlay in sorted(overlays):
        make_place(path, overlay)
        view = os.dup(overlay) if path == plan.view else -1
        attach(overlay, path)
        if view >= 0:
            mask_all(view, plan.masked, pieces.nothings)
    for path in covered:
        if path not in ("/tmp", _LASTING, "/run"):
            _close(path)
    return made


def _close(path: str) -> None:
    """Let nothing be made in a cover any more; where its folder has vanished meanwhile, it has too."""
    try:
        set_attributes(path, RDONLY, recursive=0)
    except FileNotFoundError:
        if os.path.lexists(path):
            raise


def take_away(places: list[str]) -> None:
    """Leave nothing where something was shown that was not there: the next command would find it empty."""
    for path in places:
        try:
            namespaces.detach(path)
            os.rmdir(path) if os.path.isdir(path) else os.unlink(path)
        except OSError:
            continue


def _take(source: str, writable: bool, pieces: Pieces) -> int:
    """A detached mount of a place on the host; -1 if there is none.

    What may only be read is seen through an overlay, where it is another file: of one that is only bound, the lock is the
    host's, and a socket in it, also one made later, can be connected to. What something is mounted in stays bound.
    """
    if writable:
        return bind(source, 0)
    try:
        taken, was = pieces.taken.pop(source, (-1, ()))
        if taken >= 0 and was == identity(source):
            return taken
        if os.path.isdir(source):
            return look_through(source, pieces.empty)
        return _look_at_file(source, pieces)
    except OSError:
        return bind(source, RDONLY)


def _look_at_file(path: str, pieces: Pieces) -> int:
    """A file in an overlay of its folder; sockets stay what they are, for somebody has consented to them."""
    if not os.path.isfile(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    path = os.path.realpath(path)
    attach(look_through(os.path.dirname(path), pieces.empty), STAND)
    try:
        return copy_mount(os.path.join(STAND, os.path.basename(path)), recursive=0)
    finally:
        namespaces.detach(STAND)


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
            try:
                attach(pieces.cover(), path)
            except FileNotFoundError:
                continue
        done.append(path)
    return done


def _place_devices(pieces: Pieces) -> None:
    for name, mount in pieces.nodes:
        if mount >= 0:
            attach(mount, f"/dev/{name}")
        else:
            os.unlink(f"/dev/{name}")
    attach(pieces.terminals, "/dev/pts")
    attach(pieces.shared, "/dev/shm")


def _replace(path: str, text: bytes) -> None:
    """Show a text at a path."""
    ours = "/dev/." + os.path.basename(path)
    file = os.open(ours, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    os.write(file, text)
    os.close(file)
    mount = copy_mount(ours, recursive=0)
    if prepare(path, mount):
        attach(mount, path)
