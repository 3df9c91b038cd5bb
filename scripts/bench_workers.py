"""Parts of a task at once, beside one part alone: a rehearsed model that takes its time, four workers, real stages.

scripts/bench workers [ROUNDS]      both in turns; exit 1 if four take over half as long again as one
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

from assent_core.assembly import open_session
from assent_core.events import Joined, Staged
from assent_core.rehearsal import Rehearsal
from assent_core.settings import Settings

NAMES = ("one", "two", "three", "four")
LATENCY = 0.5
"""Seconds until the first token of each reply, about those of the service."""
MOST = 1.5
SCRIPT = """
latency = {latency}
[[worker]]
when_input_matches = 'do it all'
call = {{ name = "delegate", arguments = {{ tasks = [{tasks}] }} }}
[[worker]]
when_input_matches = 'Your part .(?P<name>[a-z]+).:'
shell = "echo ${{name}} > ${{name}}.txt"
[[worker]]
when_history_matches = 'Your part .(?P<name>[a-z]+).:'
say = "${{name}} is made."
[[worker]]
say = "All of it is done."
"""


async def seconds(root: Path, state: Path, names: tuple[str, ...]) -> float:
    """How long one turn takes that has these parts done; stops the measure if any is missing in the end."""
    tasks = ", ".join(f'{{ name = "{name}", task = "make {name}", tools = "shell", simple = false }}' for name in names)
    async with Rehearsal.from_text(SCRIPT.format(latency=LATENCY, tasks=tasks)) as rehearsal:
        session = await open_session(root, Settings(base_url=rehearsal.url, state=str(state), scouting=False))
        try:
            async with aclosing(session.run(("true",))) as events:
                _ = [event async for event in events]
            began = time.monotonic()
            async with aclosing(session.turn("do it all")) as events:
                seen = [event async for event in events]
            taken = time.monotonic() - began
        finally:
            await session.close(keep=False)
    joined = [event for event in seen if isinstance(event, Joined)]
    staged = [event.paths for event in seen if isinstance(event, Staged)]
    if len(joined) != len(names) or set(staged[-1]) != {f"{name}.txt" for name in names}:
        raise SystemExit(f"not all parts were done: {joined}, {staged}")
    return taken


async def measure(folder: Path, rounds: int) -> float:
    """Print both medians; the ratio of four to one."""
    root = folder / "repository"
    root.mkdir()
    (root / "file").write_text("text\n")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    one: list[float] = []
    four: list[float] = []
    for _ in range(rounds):
        one.append(await seconds(root, folder / "state", NAMES[:1]))
        four.append(await seconds(root, folder / "state", NAMES))
    ours, reference = statistics.median(four), statistics.median(one)
    print(f"{'seconds':<24}{'four':>8}{'one':>8}{'ratio':>8}")
    print(f"{'parts of a task':<24}{ours:8.2f}{reference:8.2f}{ours / reference:8.2f}  <= {MOST}")
    return ours / reference


def main() -> int:
    """Measure in a temporary folder, without any settings of the user's."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
        os.environ.update(OPENAI_API_KEY="sk-rehearsed", ASSENT_CONFIG_DIR=folder)
        return int(asyncio.run(measure(Path(folder), rounds)) > MOST)


if __name__ == "__main__":
    sys.exit(main())
