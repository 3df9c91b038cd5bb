"""Where a command was started, and which settings hold there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assent_core.errors import UsageError

if TYPE_CHECKING:
    from assent_core.settings import Settings


def here() -> Path:
    """The folder in which the command was started; raises UsageError where it is gone."""
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(f"The current folder cannot be found: {error}", "Change into a folder that exists.") from error


def settings_for(folder: Path) -> Settings:
    """The user's settings as the project around a folder narrows them."""
    from assent_core.settings import load
    from assent_core.workspace import root_of

    return load(root_of(folder))
