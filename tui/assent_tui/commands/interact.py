"""`assent [PROMPT]`: opens the terminal interface on the current folder."""

from __future__ import annotations

import asyncio
import gc
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assent_core.settings import Settings


def interact(prompt: str, *, resume: str | None = None, fork: bool = False) -> int:
    """`assent [PROMPT]`: a conversation over a stage of the current folder.

    `resume` goes on with a recorded session: one whose id begins so, wherever it was, or the newest of this folder if empty.
    `fork`: with a session of its own instead, that has all of it; the other one stays as it is.
    """
    from assent_tui.commands.conversation import converse, place_of
    from assent_tui.commands.where import here

    folder = here()
    settings = _settings(folder)
    id = ""
    if resume is not None:
        from assent_core.memory.sessions import find
        from assent_core.workspace import find as find_workspace

        one = find(settings.state_dir, resume, find_workspace(folder).root)
        folder, id = place_of(one), one.id
        if fork:
            id = asyncio.run(_forked(folder, settings, id))
    code = converse(folder, settings, prompt, resume=id, own=True)
    if code is not None:
        return code
    from assent_tui.commands.demo import demo

    return demo(headless=False)


async def _forked(folder: Path, settings: Settings, id: str) -> str:
    """The id of a fork of a session at its end."""
    from assent_core.assembly import open_session

    session = await open_session(folder, settings, model=False, resume=id)
    try:
        return await session.fork()
    finally:
        await session.close()


def _settings(folder: Path) -> Settings:
    """The settings that hold in a folder. Git is asked where its repository begins while the screen is imported.

    The thread imports nothing: of two threads that import the same package at once, Python can refuse one.
    """
    from concurrent.futures import ThreadPoolExecutor

    from assent_core.settings import load
    from assent_core.workspace import root_of

    gc.disable()  # until the first picture, as in a conversation
    with ThreadPoolExecutor(1) as aside:
        root = aside.submit(root_of, folder)
        import_module("assent_tui.screen.app")
        return load(root.result())


def choose_session() -> int:
    """`assent --resume`: choose one of this folder's sessions, then go on with it."""
    from assent_core.workspace import find
    from assent_tui.commands.where import here, settings_for
    from assent_tui.screen.pages import Look
    from assent_tui.screen.picker import Picker

    folder = here()
    settings = settings_for(folder)
    picker = Picker(settings.state_dir, find(folder).root, Look.of(settings))
    id = asyncio.run(picker.run_async())
    return interact("", resume=id) if id else 0
