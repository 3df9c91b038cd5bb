"""`assent replay`: what came of playing a recorded session again, for people or as JSON."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from assent_core.errors import UsageError
from assent_core.memory.sessions import find
from assent_core.replay.play import Replay
from assent_core.replay.play import replay as played
from assent_core.workspace import find as find_workspace
from assent_tui.commands.oneshot import run_until_signal
from assent_tui.commands.printer import plain
from assent_tui.commands.where import here, settings_for, without_screen

DRIFTED = 1


def replay(id: str, at: str, *, as_json: bool) -> int:
    """Play a session of any folder again; 0 if all was the same, else 1."""
    state = without_screen(settings_for(here())).state_dir
    one = find(state, id)
    if not Path(one.root).is_dir():
        raise UsageError(f"The folder of session {one.id} is gone: {one.root}", "Bring it back, then play it again.")

    async def work() -> int:
        made = await played(state, one.id, find_workspace(Path(one.root)), at)
        _tell(made, one.id, as_json=as_json)
        return DRIFTED if made.drifts else 0

    with asyncio.Runner() as run:
        return run_until_signal(run, work())


def _tell(made: Replay, id: str, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(made) + b"\n")
        return
    for note in made.notes:
        sys.stderr.write(plain(f"note: {note}") + "\n")
    for drift in made.drifts:
        sys.stdout.write(plain(f"drift: {drift}") + "\n")
    same = "it drifted" if made.drifts else f"all {made.events} events came again"
    sys.stdout.write(plain(f"{id} was played on {made.ground}: {same}.") + "\n")
