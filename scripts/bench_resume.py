"""Resuming a session of 5,000 events and 200 MB of raw output, beside an empty one: how long until it can be gone on with.

scripts/bench resume [EVENTS [MEGABYTES]]      exit 1 if the long one takes more than twice as long
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from assent_core.assembly import open_session
from assent_core.events import Asked, Decided, Ended, Performed, Prompted, Proposed, Said
from assent_core.memory import sessions
from assent_core.memory.items import ItemFile
from assent_core.memory.outputs import Outputs
from assent_core.memory.record import Record
from assent_core.proposals import Shell
from assent_core.settings import Settings

ROUNDS = 9
LIMIT = 2.0
TOLD = 40_000
STEPS = 30
"""Commands in one turn."""


def write_session(state: Path, root: Path, id: str, events: int, megabytes: float) -> None:
    """A record as a session of that size leaves it, with its outputs and with what its model has seen."""
    record = Record(sessions.record_path(state, id), id, root, lambda text: text)
    outputs = Outputs(sessions.blobs_path(state, id))
    items = ItemFile(sessions.items_path(state, id))
    commands = max((events - 4) // 5, 1)
    size = int(megabytes * (1 << 20) / commands)
    chance = random.Random(1)
    count = 0
    for number in range(commands):
        if number % STEPS == 0:
            record.append(Prompted(turn=number // STEPS + 1, text=f"prompt {number}"))
            items.keep(0, [{"type": "message", "role": "user", "content": f"after compaction {number}"}])
            count = 1
        line = f"{chance.random()} passed with some words to a line\n"
        text = f"output {number}\n" + line * (size // len(line))
        name = outputs.keep(text)
        told = f"exit code 0 after 0.1 s\nthe whole output: `read` with path {name}\noutput:\n{text[:TOLD]}"
        call = {"type": "function_call", "name": "shell", "call_id": str(number), "arguments": '{"command": "make"}'}
        items.keep(count, [call])
        items.keep(count + 1, [{"type": "function_call_output", "call_id": str(number), "output": told}])
        count += 2
        record.append(Asked(role="worker", model="gpt-5.4-mini", step=number % STEPS + 1))
        record.append(Proposed(id=str(number), proposal=Shell(command="make")))
        record.append(Decided(id=str(number), allowed=True, by="walls", why="it stays on the stage"))
        record.append(Performed(id=str(number), ok=True, told=told, code=0, seconds=0.1))
        record.append(Said(text=f"step {number}"))
    record.append(Ended(turn=commands // STEPS + 1, how="done"))
    record.close()


async def resumed(state: Path, root: Path, id: str) -> float:
    """Milliseconds until a session is open and its review is there."""
    begun = time.perf_counter()
    session = await open_session(root, Settings(state=str(state), accounts=False), model=False, resume=id)
    await session.review()
    _ = session.past.shown
    taken = (time.perf_counter() - begun) * 1000
    await session.close()
    return taken


async def both(folder: Path, events: int, megabytes: float, rounds: int = ROUNDS) -> tuple[list[float], list[float]]:
    """Milliseconds of the long one and of an empty one, measured in turns; the first of each is left out."""
    root, state = folder / "repository", folder / "state"
    root.mkdir()
    (root / "file").write_text("text\n")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    write_session(state, root, "20260101-000000-long", events, megabytes)
    write_session(state, root, "20260101-000000-none", 5, 0.001)
    taken: dict[str, list[float]] = {"long": [], "none": []}
    for _ in range(rounds + 1):
        for name, times in taken.items():
            times.append(await resumed(state, root, f"20260101-000000-{name}"))
    return taken["long"][1:], taken["none"][1:]


def main() -> int:
    """Measure in a temporary folder."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    megabytes = float(sys.argv[2]) if len(sys.argv) > 2 else 200.0
    with tempfile.TemporaryDirectory(prefix="assent-bench-", ignore_cleanup_errors=True) as folder:
        os.environ.update(OPENAI_API_KEY="sk-rehearsed", ASSENT_CONFIG_DIR=folder)
        long, empty = map(statistics.median, asyncio.run(both(Path(folder), events, megabytes)))
    name = f"resume of {events:,} events, {megabytes:g} MB"
    print(f"{name:<36}{long:9.1f}  {empty:9.1f}  {long / empty:7.2f}  of an empty one, in ms")
    return int(long / empty > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
