"""Gives the terminal to the user's own editor for a while."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from textual.app import App, SuspendNotSupported

from assent_core.errors import UsageError
from assent_sandbox import host


async def edit_outside(app: App[Any], name: str, text: str) -> str:
    """What the user saved of a text in their editor; `name` tells it the language. Raises StageError or UsageError.

    Nothing is painted meanwhile, and Ctrl+C belongs to the editor. Work goes on; what it has to say waits.
    """
    host.editor()
    try:
        with _left_alone(), app.batch_update(), app.suspend():
            return await host.edit(name, text)
    except SuspendNotSupported as error:
        raise UsageError("This terminal cannot be given to an editor.", "Write here instead.") from error


def _pass_over(number: int, frame: FrameType | None) -> None:
    pass


@contextmanager
def _left_alone() -> Generator[None]:
    """Ctrl+C reaches us too while another program has the terminal; it is not for us."""
    earlier = signal.signal(signal.SIGINT, _pass_over)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)
