"""Stages for the tests, of the kind that is wanted, and commands on them."""

from pathlib import Path

from assent_sandbox.policy import Command, Ended, Policy
from assent_sandbox.stage import Stage
from assent_sandbox.view.copied import CopiedStage
from assent_sandbox.view.folder import Folder
from assent_sandbox.view.overlay import OverlayStage


def open_as(tier: str, root: Path, home: Path) -> OverlayStage | CopiedStage:
    folder = Folder.open(str(home))
    stage = OverlayStage(str(root), folder) if tier == "overlay" else CopiedStage(str(root), folder)
    stage.follow()
    return stage


async def sh(stage: Stage, script: str, policy: Policy | None = None, code: int = 0) -> Ended:
    """Run a script to its end, which must have this code."""
    last = [piece async for piece in stage.run(Command(argv=("sh", "-ec", script)), policy or Policy())][-1]
    assert isinstance(last, Ended)
    assert last.code == code, last.output
    return last


def children(process: int) -> list[int]:
    """The processes that the first thread of one has started and that are still there."""
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
