"""Stages for the tests, of the kind that is wanted."""

from pathlib import Path

from assent_sandbox.view.copied import CopiedStage
from assent_sandbox.view.folder import Folder
from assent_sandbox.view.overlay import OverlayStage


def open_as(tier: str, root: Path, home: Path) -> OverlayStage | CopiedStage:
    folder = Folder.open(str(home))
    stage = OverlayStage(str(root), folder) if tier == "overlay" else CopiedStage(str(root), folder)
    stage.follow()
    return stage
