"""Landlock: which files this process and all that it starts may open, and how; see `landlock(7)`.

Standard library only. A right that the kernel's version does not know is left out, never asked for.
"""

from __future__ import annotations

import ctypes
import os

from assent_sandbox.cell.namespaces import system_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_CREATE, _ADD, _RESTRICT = 444, 445, 446

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
_RIGHTS_OF = ((1, (1 << 13) - 1), (2, REFER), (3, TRUNCATE), (5, IOCTL_DEV))
READ = EXECUTE | READ_FILE | READ_DIR
"""Read, list and execute."""
WRITE = (1 << 16) - 1
"""Everything that there is."""

SCOPED, _ABSTRACT_SOCKETS, _SIGNALS = 6, 1, 2
"""Since which version signals and abstract sockets are kept in."""


def version() -> int:
    """The kernel's Landlock ABI; 0 where it has none or it is switched off."""
    try:
        return system_call("Landlock", _CREATE, None, 0, 1)
    except OSError:
        return 0


def known_rights(abi: int) -> int:
    """All rights to files that this ABI can withhold."""
    rights = 0
    for since, bits in _RIGHTS_OF:
        rights |= bits if abi >= since else 0
    return rights


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def restrict(abi: int, readable: list[str], writable: list[str], hidden: tuple[str, ...] = ()) -> None:
    """Withhold everything but these paths; what is missing is skipped. Signals and abstract sockets stay inside.

    What is `hidden` below a readable folder is left out by allowing everything beside it.
    """
    if not abi:
        return
    known = known_rights(abi)
    scoped = _ABSTRACT_SOCKETS | _SIGNALS if abi >= SCOPED else 0
    size = 24 if abi >= SCOPED else 8
    ruleset = system_call("Landlock ruleset", _CREATE, (ctypes.c_uint64 * 3)(known, 0, scoped), size, 0)
    try:
        for path in readable:
            _allow_beside(ruleset, path, hidden, READ & known)
        for path in writable:
            _allow(ruleset, path, WRITE & known)
        system_call("Landlock", _RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow_beside(ruleset: int, path: str, hidden: Sequence[str], rights: int) -> None:
    """Allow a path without what is hidden in it; links in a folder that is taken apart lead nowhere."""
    inner = [each for each in hidden if each.startswith(path.rstrip("/") + "/")]
    if not inner:
        _allow(ruleset, path, rights)
        return
    if not any(os.path.isdir(each) and os.access(each, os.R_OK) for each in inner):
        _allow(ruleset, path, rights & READ_DIR)
    try:
        names = os.listdir(path)
    except OSError:
        return
    for below in (os.path.join(path, name) for name in names):
        if below not in inner and not os.path.islink(below):
            _allow_beside(ruleset, below, inner, rights)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        folder = os.stat(place).st_mode & 0o170000 == 0o040000
        rule = _Beneath(rights if folder else rights & _ON_FILES, place)
        system_call(f"Landlock rule for {path}", _ADD, ruleset, 1, ctypes.byref(rule), 0)
    finally:
        os.close(place)
