"""Copies a file's content as cheaply as the file system can: shared blocks first, then in the kernel, then by hand."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from contextlib import suppress

_FICLONE = 0x40049409
"""From linux/fs.h; the same on every architecture that we know of but alpha, mips, powerpc and sparc."""
_CANNOT = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF, errno.ENOTTY)


def clone(source: int, target: int) -> None:
    """Copy everything from one open file to another, empty one."""
    if sys.platform == "linux" and (_share(source, target) or _copy_in_kernel(source, target)):
        return
    with open(source, "rb", closefd=False) as inside, open(target, "wb", closefd=False) as outside:
        inside.seek(0)
        outside.seek(0)
        shutil.copyfileobj(inside, outside, 1 << 20)


def _share(source: int, target: int) -> bool:
    import fcntl

    with suppress(OSError):
        fcntl.ioctl(target, _FICLONE, source)
        return True
    return False


def _copy_in_kernel(source: int, target: int) -> bool:
    try:
        while os.copy_file_range(source, target, 1 << 30):
            pass
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    return os.fstat(target).st_size == os.fstat(source).st_size
