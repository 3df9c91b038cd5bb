"""What nobody foresaw: one line for the user, the rest in a report that only they can read."""

from __future__ import annotations

import os
import platform
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from assent_core.machine import refusal
from assent_sandbox.stage import StageError
from assent_tui import __version__
from assent_tui.notice import tell

SHOWN = (
    "LANG",
    "LC_ALL",
    "TERM",
    "COLORTERM",
    "SHELL",
    "PATH",
    "XDG_STATE_HOME",
    "XDG_CONFIG_HOME",
    "TMPDIR",
    "VIRTUAL_ENV",
)
"""The variables whose values stand in a report; of all others only the names do."""


def report(error: Exception, argv: Sequence[str]) -> int:
    """Tell what a stage or the machine could not do; for anything else write a report and say where it is."""
    if isinstance(error, StageError):
        return tell(str(error), error.hint, 5)
    if isinstance(error, OSError) and (fault := refusal(error)):
        return tell(fault.message, fault.hint, fault.code)
    text = redacted(describe(error, argv, os.environ), os.environ)
    where = _write(text)
    last = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    place = f"What happened is in {where}; it names no secrets, but read it before you pass it on." if where else ""
    return tell(f"a fault of assent itself: {redacted(last, os.environ)}", place, 1)


def describe(error: Exception, argv: Sequence[str], environment: Mapping[str, str]) -> str:
    """The traceback, the command line, and the environment without its values."""
    variables = (f"{name}={environment[name] if name in SHOWN else '...'}" for name in sorted(environment))
    return "\n".join(
        [
            f"assent {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"arguments: {list(argv)}",
            f"folder: {_folder()}",
            "",
            "".join(traceback.format_exception(error)),
            "environment:",
            *(f"  {variable}" for variable in variables),
            "",
        ]
    )


def redacted(text: str, environment: Mapping[str, str]) -> str:
    """The text without the secrets of the environment, without those a session knew, and without what looks like a key."""
    from assent_core.redaction.known import secrets_of_environment
    from assent_core.redaction.redactor import everything_known

    return everything_known(secrets_of_environment(environment))(text)


def _write(text: str) -> Path | None:
    name = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    for folder in (_state_folder, lambda: Path(tempfile.mkdtemp(prefix="assent-"))):
        try:
            place = folder() / name
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", errors="replace") as file:
                file.write(text)
            return place
        except Exception as error:  # the report must not fail because of what it reports
            tell(f"the report cannot be kept: {error}", "", 1)
    return None


def _state_folder() -> Path:
    from assent_core.settings import Settings

    return Settings().state_dir / "crashes"


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError as error:
        return str(error)
