"""How the tests wait for a screen: never for a time, always until something is so or nothing is left to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from textual._context import active_app
from textual.app import App
from textual.css.query import NoMatches
from textual.pilot import Pilot

from patient import PATIENCE

_SOON = 60.0
"""Seconds within which whatever is due belongs to what is going on; what never comes in a test is set to an hour."""
_APART = 0.002
"""Seconds between two keys that a hand presses; those that are closer are a paste."""


async def idle(*_: float) -> None:
    """Let the app go on until all in it wait for a time, a thread or a key, and what they changed is painted.

    It takes the place of the `wait_for_idle` of Textual's pilot, which takes any process for idle that gets little
    of the processor: on a machine with other things to do that is a process in the midst of its work.
    """
    loop, app = asyncio.get_running_loop(), active_app.get()
    deadline = loop.time() + PATIENCE
    await asyncio.sleep(_APART)
    await asyncio.sleep(0)
    while loop._ready or app._resize_timer or _paint(app):
        await asyncio.sleep(0 if loop._ready else _APART)
        assert loop.time() < deadline, "it never comes to rest"


def _paint(app: App[Any]) -> bool:
    """Paint what is to be painted with the next frame; says whether there was anything."""
    unpainted = bool(app.screen_stack) and app.screen._update_timer._active.is_set()
    if unpainted:
        app.screen._on_timer_update()
    return unpainted


async def settled(pilot: Pilot[int]) -> None:
    """Let the app go on until nothing is due: no timer, no thread, no worker but the job, which waits for somebody."""
    await until(pilot, lambda: not _due() and not _at_work(pilot))


async def until(pilot: Pilot[int], condition: Callable[[], object]) -> None:
    """Let the app go on until something is so, on a screen that may still be in the making; fails after a while."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while loop.time() < deadline:
        await pilot.pause()
        with suppress(NoMatches):
            if condition():
                return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


def _due() -> bool:
    loop = asyncio.get_running_loop()
    return any(not timer.cancelled() and timer.when() < loop.time() + _SOON for timer in loop._scheduled)


def _at_work(pilot: Pilot[int]) -> bool:
    return any(not worker.is_finished and worker.group != "job" for worker in pilot.app.workers)
