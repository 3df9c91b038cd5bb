"""Programs that are on the user's PATH and that the stage hides, and the folder that has to be shown for them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from assent_core.performing.steering import missing

BINS = ("bin", "sbin", "Scripts", "shims")


def hidden_program(shown_by: str) -> tuple[str, str]:
    """What to say of a program that a line calls missing although it is on the user's PATH, and how it is shown; or nothing.

    The words and the hint name the folder of its installation, without which it is of no use.
    """
    name = missing(shown_by)
    program = shutil.which(name, path=os.environ.get("PATH")) if name and "/" not in name else None
    if program is None or not Path(program).is_absolute():
        return "", ""
    folder = _installation(Path(program))
    return (
        f"A program is on your PATH, but hidden from commands: {program}",
        f'Show it: add "{folder}" to `readable` in your settings, and run this again.',
    )


def _installation(program: Path) -> Path:
    whole = program.parent.parent
    kept = (
        program.parent.name in BINS and whole != Path(whole.anchor) and whole not in (Path.home(), *Path.home().parents)
    )
    shared = whole in (Path("/tmp"), Path("/var/tmp"), Path("/run"), Path("/opt"), Path("/usr"))  # noqa: S108 # named, not used
    return whole if kept and not shared and (whole / "lib").is_dir() else program
