"""The layers of an overlay, seen as one folder without mounting it: whiteouts and opaque folders are obeyed."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal, NamedTuple, Self

from assent_sandbox.stage import OutsideError
from assent_sandbox.view.tree import names_of, open_root, status_of, step

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


class Shown(NamedTuple):
    """What a folder of the view shows at a name: by which layer, its status, and the open folder that it stands in there.

    `ours` says that the layer is a stage's own and not the real tree.
    """

    layer: Layer
    status: os.stat_result
    folder: int
    ours: bool


class Lower(NamedTuple):
    """An open folder of a lower layer; `ours` as above."""

    folder: int
    ours: bool


class Layers:
    """One folder of the view: its open folder in the layers that have something to show.

    `lowers` are in order, the nearest first: those of the stages beneath, then the real tree.
    """

    def __init__(self, upper: int | None, lowers: tuple[Lower, ...] = ()) -> None:
        self.upper = upper
        self.lowers = lowers

    @classmethod
    @contextmanager
    def at(cls, upper: str, lowers: tuple[str, ...], names: tuple[str, ...]) -> Generator[Self]:
        """The folder at a path of the view, for as long as the block runs; without layers if it is none.

        Without an `upper` it is what the lower ones show. Raises OutsideError where the way leads through a link of the view.
        """
        last = len(lowers) - 1
        here = cls(
            open_root(upper) if upper else None,
            tuple(Lower(open_root(each), at < last) for at, each in enumerate(lowers)),
        )
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
        return self.upper is not None or bool(self.lowers)

    def below(self, name: str) -> Self:
        """A folder in this one."""
        if self.upper is not None and (found := status_of(self.upper, name)) is not None:
            if is_whiteout(self.upper, name, found):
                return type(self)(None)
            upper = step(self.upper, name, ours=True)
            hides = upper is None or is_opaque(upper)
            return type(self)(upper, () if hides else self._lowers_below(name, hidden=True))
        return type(self)(None, self._lowers_below(name))

    def status(self, name: str) -> Shown | None:
        """What is shown at a name; None for nothing."""
        if self.upper is not None and (found := status_of(self.upper, name)) is not None:
            return None if is_whiteout(self.upper, name, found) else Shown("upper", found, self.upper, ours=True)
        return self.beneath(name)

    def beneath(self, name: str) -> Shown | None:
        """What the lower layers show at a name, or would if the upper one held nothing there."""
        for folder, ours in self.lowers:
            if (found := status_of(folder, name)) is not None:
                gone = ours and is_whiteout(folder, name, found)
                return None if gone else Shown("lower", found, folder, ours)
        return None

    def names(self) -> dict[str, bool]:
        """The names in this folder of the view, and whether each is a folder."""
        seen: dict[str, bool] = {}
        for folder, ours in reversed(self.lowers):
            _lay(folder, seen, whiteouts=ours)
        if self.upper is not None:
            _lay(self.upper, seen, whiteouts=True)
        return seen

    def close(self) -> None:
        """Close all of them."""
        for folder in (self.upper, *(lower.folder for lower in self.lowers)):
            if folder is not None:
                os.close(folder)
        self.upper, self.lowers = None, ()

    def _lowers_below(self, name: str, *, hidden: bool = False) -> tuple[Lower, ...]:
        """The lower folders at a name, down to the first layer that hides the rest; a link is told unless it is `hidden`."""
        below: list[Lower] = []
        try:
            for folder, ours in self.lowers:
                found = status_of(folder, name)
                if found is None:
                    continue
                if ours and is_whiteout(folder, name, found):
                    break
                inner = step(folder, name, ours=ours)
                if inner is None:
                    break
                below.append(Lower(inner, ours))
                if ours and is_opaque(inner):
                    break
        except OutsideError:
            if not hidden and not below:
                raise
        return tuple(below)


def _lay(folder: int, seen: dict[str, bool], *, whiteouts: bool) -> None:
    """Lay the names of one layer over those of the layers beneath it."""
    for name, is_folder in names_of(folder):
        found = status_of(folder, name) if whiteouts else None
        if found is not None and is_whiteout(folder, name, found):
            seen.pop(name, None)
        else:
            seen[name] = is_folder
