#!/usr/bin/env python3
"""Kill assent while workers beside the first are at work, start it again, and look at what stands.

    python scripts/campaign/workers.py [--rounds 30] [--seed 1]

Half of the times a task is delegated in three parts, half of them a repair is raced by three attempts; `kill -9` ends the
program at a seeded moment after the first worker has begun, half of the time with all processes below it. Then nothing is
alive and nothing mounted; after the next start the tree is wholly as before or wholly repaired, no worker's stage is left, and
the accounts and all records can be read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / "core"), str(ROOT / "sandbox")]

from broken import CHECK, PATCHES, PATIENCE, Wrong, make, patched, standing

from assent_core.memory.record import read
from assent_core.rehearsal import Rehearsal

ASSENT = str(Path(sys.executable).with_name("assent"))
BUSY = "shell = 'setsid sleep 30 & for i in 1 2 3 4 5 6 7 8; do echo $i >noise; sleep 0.02; done; rm noise'"
SAID = "[[worker]]\nsay = 'Done.'\n"
KINDS: dict[str, tuple[str, ...]] = {"delegate": (), "race": ("--attempts", "3")}


def script(kind: str) -> str:
    """Workers that run a command, which leaves a process behind, and then edit."""
    if kind == "race":
        return f"[[worker]]\n{BUSY}\n[[worker]]\n{patched(*PATCHES)}{SAID}"
    tasks = ", ".join(f"{{ name = '{name}', task = 'do it', tools = 'shell', simple = false }}" for name in PATCHES)
    steps = [
        "[[worker]]\nwhen_input_matches = 'A command of mine fails'\n"
        f"call = {{ name = 'delegate', arguments = {{ tasks = [{tasks}] }} }}\n"
    ]
    for name in PATCHES:
        steps.append(f"[[worker]]\nwhen_input_matches = 'Your part .{name}.:'\n{BUSY}\n")
        steps.append(f"[[worker]]\nwhen_history_matches = 'Your part .{name}.:'\n{patched(name)}")
    return "".join(steps) + SAID


class Run:
    """One run of assent on a small repository, from its start to its end or its death."""

    def __init__(self, folder: Path, url: str, kind: str) -> None:
        self.root, self.state = folder / "repository", folder / "state"
        make(self.root)
        own = {"ASSENT_STATE_DIR": str(self.state), "ASSENT_CONFIG_DIR": str(self.state / "config")}
        self._environment = os.environ | own | {"OPENAI_BASE_URL": url}
        self.working = threading.Event()
        """Set when the first worker has begun, or there will be none."""
        command = [ASSENT, "fix", *KINDS[kind], "--apply", "--json", "--", "python3", "-c", CHECK]
        self.process = subprocess.Popen(
            command, cwd=self.root, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                if b'"relayed"' in line:
                    self.working.set()
        self.working.set()

    def kill(self, *, family: bool) -> None:
        """End it at once, with all processes below it or alone."""
        for number in (self.process.pid, *(below(self.process.pid) if family else ())):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.process.wait()

    def start_again(self) -> None:
        """The next start of assent, which recovers and sweeps."""
        command = [ASSENT, "run", "--", "sleep", "0.1"]
        done = subprocess.run(command, cwd=self.root, env=self._environment, capture_output=True, check=False)
        if done.returncode:
            raise Wrong(f"the next start fails: {done.stderr.decode()}")

    def traces(self) -> list[str]:
        """Processes that carry the name of the state directory, and mounts that come from it."""
        found: list[str] = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with suppress(OSError):
                if os.fsencode(self.state) in (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes():
                    found.append(f"alive: {entry.name}")
                if os.fsencode(self.state) in (entry / "mountinfo").read_bytes():
                    found.append(f"mounted in {entry.name}")
        return found

    def layered(self) -> list[str]:
        """Stages of workers beside the first."""
        names = "|".join(("attempt", *PATCHES))
        found = (home.name for home in self.state.glob("stages/*/*"))
        return [name for name in found if re.search(rf"-(?:{names})[-\d]*-[0-9a-f]{{6}}$", name)]

    def readable(self) -> None:
        """All that is kept can be read, but for the line in which a record was torn."""
        for path in self.state.rglob("*.jsonl"):
            for line in path.read_bytes().split(b"\n")[:-1]:
                try:
                    json.loads(line)
                except ValueError as error:
                    raise Wrong(f"{path.name}: {error}: {line[:200]!r}") from error
            if path.parent.name == "sessions" and path.stat().st_size:
                read(path)
        if (accounts := self.state / "accounts.db").exists():
            with closing(sqlite3.connect(accounts)) as database:
                if (said := database.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                    raise Wrong(f"the accounts: {said}")


def below(parent: int) -> list[int]:
    """All processes below one."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [parent]
    for each in found:
        found += [child for child, above in parents.items() if above == each]
    return found[1:]


async def gone(look: Callable[[], list[str]], what: str) -> None:
    """Wait until nothing is found any more; raises Wrong."""
    until = time.monotonic() + PATIENCE
    while (left := look()) and time.monotonic() < until:
        await asyncio.sleep(0.05)
    if left:
        raise Wrong(f"{what}: {left}")


async def one(run: Run, moment: float, *, family: bool) -> str:
    """Kill a run so many seconds after its workers began, unless it is over by then; what stands, or raises Wrong."""
    await asyncio.to_thread(run.working.wait, PATIENCE)
    try:
        await asyncio.to_thread(run.process.wait, moment)
        met = "at its end"
    except subprocess.TimeoutExpired:
        met = "with workers" if run.layered() else "landing or between"
        run.kill(family=family)
    await gone(run.traces, "after the kill")
    await asyncio.to_thread(run.start_again)
    await gone(run.layered, "stages of workers after the next start")
    await gone(run.traces, "after the next start")
    run.readable()
    return f"{standing(run.root)}, {met}"


async def campaign(rounds: int, seed: int, length: float = 0.0) -> tuple[Counter[str], list[str]]:
    """So many kills, half of them of each kind; what stood afterwards, and what went wrong.

    `length`: within so many seconds after the first worker has begun; 0: within the length of a run that nobody kills.
    """
    chance, counted, wrong = random.Random(seed), Counter[str](), list[str]()
    with tempfile.TemporaryDirectory(prefix="assent-campaign-") as folder:
        for kind in KINDS:
            async with Rehearsal.from_text(script(kind)) as rehearsal:
                within = length or await whole(Run(Path(folder) / kind, rehearsal.url, kind))
                for round in range((rounds + (kind == "delegate")) // 2):
                    run = Run(Path(folder) / f"{kind}-{round}", rehearsal.url, kind)
                    try:
                        stood = await one(run, chance.random() * within, family=chance.random() < 0.5)
                        counted[f"{kind}: {stood}"] += 1
                    except Wrong as error:
                        wrong.append(f"{kind} {round}: {error}")
                wrong += [f"{kind}: {said}" for said in rehearsal.complaints]
    return counted, wrong


async def whole(run: Run) -> float:
    """Let a run come to its end, which must be a repair; seconds from its first worker on."""
    await asyncio.to_thread(run.working.wait, PATIENCE)
    began = time.monotonic()
    await asyncio.to_thread(run.process.wait, PATIENCE)
    if standing(run.root) != "repaired":
        raise Wrong("it is not repaired even where nobody kills it")
    return time.monotonic() - began


def main() -> int:
    """Run the campaign and print what was found; 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    counted, wrong = asyncio.run(campaign(chosen.rounds, chosen.seed))
    for said in wrong:
        print(said)
    print(f"{chosen.rounds} kills, seed {chosen.seed}: {dict(sorted(counted.items()))}; wrong: {len(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
