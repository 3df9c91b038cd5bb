"""What stood where a consent leads, and which scripts it was given for: for anything else it is no consent."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from assent_core.consent.commands import visible
from assent_core.proposals import Proposal
from assent_sandbox.policy import Widening


class Standing(Struct, frozen=True):
    """Where a target really lies, and the inode there; 0 where nothing stands."""

    real: str = ""
    inode: int = 0


class Script(Struct, frozen=True, order=True):
    """A file of the stage that a command runs, by its path from the root, and the SHA-256 of its bytes."""

    path: str
    digest: str


Stands = tuple[tuple[Widening, Standing], ...]


class Wanted(Struct, frozen=True):
    """A proposal, what it reaches, what stood there when it was made, and the scripts of the stage that it runs."""

    proposal: Proposal
    reach: tuple[Widening, ...]
    stands: Stands = ()
    scripts: tuple[Script, ...] = ()


def standing(widening: Widening, root: Path) -> Standing:
    """What stands at a target that is a path; nothing of any other."""
    if widening.kind not in ("read", "write", "secret", "socket"):
        return Standing()
    real = os.path.realpath(root / widening.target)
    try:
        return Standing(real, os.stat(real, follow_symlinks=False).st_ino)  # noqa: PTH116 # a path of any text
    except (OSError, ValueError):
        return Standing(real)


def is_same(then: Standing, now: Standing) -> bool:
    """Whether what stands there is what was consented to; where nothing stood, what was made there since."""
    return then.real == now.real and then.inode in (0, now.inode)


def standings(widenings: Iterable[Widening], root: Path) -> Stands:
    """What stands at each target that is a path."""
    return tuple((one, found) for one in widenings if (found := standing(one, root)).real)


def swapped(stands: Stands, root: Path) -> str:
    """The first target at which something else stands by now; empty if there is none."""
    return next((one.target for one, then in stands if not is_same(then, standing(one, root))), "")


def script_of(path: str, data: bytes) -> Script:
    """A script by its bytes."""
    return Script(path, hashlib.sha256(data).hexdigest())


def while_same(scripts: tuple[Script, ...]) -> str:
    """In words, on what a consent for these scripts depends; nothing without any."""
    names = [visible(script.path) for script in scripts]
    if not names:
        return ""
    *others, last = names
    return f", while {', '.join(others)} and {last} stay as they are" if others else f", while {last} stays as it is"
