"""Renames that replace nothing unseen: two names exchanged, or a name taken only while it is free."""

from __future__ import annotations

import errno
import os
import sys
from functools import cache
from typing import Protocol, cast

EXCHANGE, NOREPLACE = 2, 1
SWAP, EXCLUSIVE = 2, 4
"""The same two wishes as Linux (renameat2) and as macOS (renameatx_np) number them."""
SYSCALLS = {"x86_64": 316, "aarch64": 276}
"""renameat2, for a C library without a function for it."""
CANNOT = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


class _Rename(Protocol):
    def __call__(self, source: int, name: bytes, target: int, into: bytes, flags: int, /) -> int: ...


@cache
def _function() -> _Rename | None:
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    name = "renameatx_np" if sys.platform == "darwin" else "renameat2"
    arguments = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    if function := getattr(library, name, None):
        function.argtypes = arguments
        return cast("_Rename", function)
    number = SYSCALLS.get(os.uname().machine)
    if sys.platform != "linux" or number is None:
        return None
    library.syscall.restype, library.syscall.argtypes = ctypes.c_long, [ctypes.c_long, *arguments]
    function = library.syscall

    def renameat2(source: int, name: bytes, target: int, into: bytes, flags: int, /) -> int:
        return int(function(number, source, name, target, into, flags))

    return renameat2


def _rename(source: int, name: str, target: int, into: str, flags: int) -> bool:
    """Whether the system could be asked at all; OSError if it could and refused."""
    import ctypes

    function = _function()
    if function is None:
        return False
    if function(source, os.fsencode(name), target, os.fsencode(into), flags) == 0:
        return True
    number = ctypes.get_errno()
    if number in CANNOT:
        return False
    raise OSError(number, os.strerror(number), into)


def exchange(folder: int, name: str, other: str) -> bool:
    """Exchange two names in one step; False where the system or the file system has no such step."""
    return _rename(folder, name, folder, other, SWAP if sys.platform == "darwin" else EXCHANGE)


def move(source: int, name: str, target: int, into: str) -> None:
    """Rename to a name that is free; FileExistsError if it is taken."""
    if _rename(source, name, target, into, EXCLUSIVE if sys.platform == "darwin" else NOREPLACE):
        return
    try:
        os.link(name, into, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (*CANNOT, errno.EPERM, errno.EMLINK):
            raise
        _move_unless_seen(source, name, target, into)
    else:
        os.unlink(name, dir_fd=source)


def _move_unless_seen(source: int, name: str, target: int, into: str) -> None:
    """For file systems without links: look, then rename; between the two lies a moment."""
    try:
        os.stat(into, dir_fd=target, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(name, into, src_dir_fd=source, dst_dir_fd=target)
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), into)
