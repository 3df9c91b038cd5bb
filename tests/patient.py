"""Waits for what is to come, on a machine that may be slow: for a condition, never for a time."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

Seen = TypeVar("Seen")
PATIENCE = 90.0
"""Seconds after which something that was waited for counts as never coming."""


async def until(look: Callable[[], Seen]) -> Seen:
    """Look until what is seen is true, while all else goes on; gives what was seen."""
    for _ in _while_patient():
        if seen := look():
            return seen
        await asyncio.sleep(0.01)
    raise AssertionError(f"it never came: {seen!r}")


def at_last(look: Callable[[], Seen]) -> Seen:
    """Look until what is seen is true; gives what was seen."""
    for _ in _while_patient():
        if seen := look():
            return seen
        time.sleep(0.01)
    raise AssertionError(f"it never came: {seen!r}")


def _while_patient() -> Iterator[None]:
    deadline = time.monotonic() + PATIENCE
    yield
    while time.monotonic() < deadline:
        yield
