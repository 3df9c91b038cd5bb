"""Landlock: which files this process and all that it starts may open, and how; see `landlock(7)`.

Standard library only. A right that the kernel's version does not know is left out, never asked for.
"""

from __future__ import annotations

import ctypes
import os

from assent_sandbox.namespaces import system_call

_CREATE, _ADD, _RESTRICT = 444, 445, 446

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
_RIGHTS_OF = ((1, (1 << 13) - 1), (2, REFER), (3, TRUNCATE), (5, IOCTL_DEV))
READ = EXECUTE | READ_FILE | READ_DIR
"""Read, list and execute."""
WRITE = (1 << 16) - 1
"""Everything that there is."""

_SCOPED_ABI, _ABSTRACT_SOCKETS, _SIGNALS = 6, 1, 2


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


def restrict(abi: int, readable: list[str], writable: list[str]) -> None:
    """Withhold everything but these paths; what is missing is skipped. Signals and abstract sockets stay inside."""
    if not abi:
        return
    known = known_rights(abi)
    scoped = _ABSTRACT_SOCKETS | _SIGNALS if abi >= _SCOPED_ABI else 0
    size = 24 if abi >= _SCOPED_ABI else 8
    ruleset = system_call("Landlock ruleset", _CREATE, (ctypes.c_uint64 * 3)(known, 0, scoped), size, 0)
    try:
        for paths, rights in ((readable, READ), (writable, WRITE)):
            for path in paths:
                _allow(ruleset, path, rights & known)
        system_call("Landlock", _RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)


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
