"""The two layers of an overlay, seen as one folder without mounting it: whiteouts and opaque folders are obeyed."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal, Self

from assent_sandbox.stage import OutsideError
from assent_sandbox.view.tree import names_of, status_of, step

_OPAQUE = "user.overlay.opaque"
_WHITEOUT = "user.overlay.whiteout"

Layer = Literal["upper", "lower"]


def get_attribute(folder: int, name: str, attribute: str) -> bytes:
    """An extended attribute of a name in an open folder, of a link itself; empty if there is none."""
    try:
        return os.getxattr(f"/proc/self/fd/{folder}/{name}", attribute, follow_symlinks=False)
    except OSError:
        return b""


def is_whiteout(folder: int, name: str, status: os.stat_result) -> bool:
    """Whether a name of the upper layer says that nothing stands there: a device 0:0, or an empty marked file."""
    if stat.S_ISCHR(status.st_mode):
        return status.st_rdev == 0
    return stat.S_ISREG(status.st_mode) and not status.st_size and get_attribute(folder, name, _WHITEOUT) != b""


def is_opaque(folder: int) -> bool:
    """Whether an open folder of the upper layer hides the lower one of the same path."""
    return get_attribute(folder, ".", _OPAQUE) == b"y"


def set_opaque(folder: int) -> None:
    """Let an open folder of the upper layer hide the lower one of the same path."""
    os.setxattr(f"/proc/self/fd/{folder}", _OPAQUE, b"y")


def clear_opaque(folder: int) -> None:
    """Let the lower folder of the same path show through again."""
    os.removexattr(f"/proc/self/fd/{folder}", _OPAQUE)


class Layers:
    """One folder of the view: its open folder in either layer, None where a layer has nothing to show."""

    def __init__(self, upper: int | None, lower: int | None) -> None:
        self.upper = upper
        self.lower = lower

    @classmethod
    @contextmanager
    def at(cls, upper: str, lower: str, names: tuple[str, ...]) -> Generator[Self]:
        """The folder at a path of the view, for as long as the block runs; without layers if it is none.

        Raises OutsideError where the way leads through a link of the view.
        """
        here = cls(_open(upper), _open(lower))
        try:
            for name in names:
                below = here.below(name)
                here.close()
                here = below
            yield here
        finally:
            here.close()

    def exists(self) -> bool:
        """Whether there is such a folder in the view."""
        return self.upper is not None or self.lower is not None

    def below(self, name: str) -> Self:
        """A folder in this one."""
        if self.upper is not None and (found := status_of(self.upper, name)) is not None:
            if is_whiteout(self.upper, name, found):
                return type(self)(None, None)
            upper = step(self.upper, name, ours=True)
            hides = upper is None or is_opaque(upper)
            return type(self)(upper, None if hides else self._folder_below(name))
        return type(self)(None, None if self.lower is None else step(self.lower, name))

    def status(self, name: str) -> tuple[Layer, os.stat_result] | None:
        """Which layer shows a name, and its status there; None for nothing."""
        if self.upper is not None and (found := status_of(self.upper, name)) is not None:
            return None if is_whiteout(self.upper, name, found) else ("upper", found)
        if self.lower is not None and (found := status_of(self.lower, name)) is not None:
            return "lower", found
        return None

    def descriptor(self, layer: Layer) -> int:
        """The open folder of a layer that shows something."""
        found = self.upper if layer == "upper" else self.lower
        assert found is not None
        return found

    def names(self) -> dict[str, bool]:
        """The names in this folder of the view, and whether each is a folder."""
        seen = dict(names_of(self.lower)) if self.lower is not None else {}
        for name, is_folder in names_of(self.upper) if self.upper is not None else ():
            assert self.upper is not None
            found = status_of(self.upper, name)
            if found is not None and is_whiteout(self.upper, name, found):
                seen.pop(name, None)
            else:
                seen[name] = is_folder
        return seen

    def close(self) -> None:
        """Close both."""
        for fd in (self.upper, self.lower):
            if fd is not None:
                os.close(fd)
        self.upper = self.lower = None

    def _folder_below(self, name: str) -> int | None:
        """The lower folder under an upper one; a link or a file there is hidden by it."""
        try:
            return None if self.lower is None else step(self.lower, name)
        except OutsideError:
            return None


def _open(root: str) -> int:
    return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
