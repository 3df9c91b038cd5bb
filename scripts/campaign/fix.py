#!/usr/bin/env python3
"""Kill `assent fix --apply` at random moments, start assent again, and look at what stands.

    python scripts/campaign/fix.py [--rounds 100] [--seed 1]

The model is the rehearsal server. After the next start the tree must be wholly as before or wholly repaired, with
nothing left beside it, and every process of the killed run must be gone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / "core"), str(ROOT / "sandbox")]

from broken import CHECK, PATCHES, PATIENCE, make, patched, standing

from assent_core.rehearsal import Rehearsal

ASSENT = str(Path(sys.executable).with_name("assent"))
SCRIPT = f"[[worker]]\n{patched(*PATCHES)}[[worker]]\nsay = 'Repaired.'\n"


def environment(state: Path, **more: str) -> dict[str, str]:
    """Where this run of assent keeps its state."""
    return os.environ | {"ASSENT_STATE_DIR": str(state), "ASSENT_CONFIG_DIR": str(state / "config")} | more


def start(root: Path, url: str, state: Path) -> subprocess.Popen[bytes]:
    """Begin the repair in a process of its own."""
    command = [ASSENT, "fix", "--apply", "--json", "--", "python3", "-c", CHECK]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=root, env=environment(state, OPENAI_BASE_URL=url), stdout=quiet, stderr=quiet)


def start_again(root: Path, state: Path) -> None:
    """The next start of assent, which recovers before anything else."""
    done = subprocess.run(
        [ASSENT, "run", "--", "true"], cwd=root, env=environment(state), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def survivors(state: Path) -> list[int]:
    """Processes whose command line or environment names this state directory."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if os.fsencode(state) in text:
                found.append(int(entry.name))
    return found


async def one(folder: Path, url: str, moment: float) -> str:
    """Kill one run after `moment` seconds; gives `before` or `repaired`, or raises Wrong or AssertionError."""
    root, state = folder / "repository", folder / "state"
    make(root)
    process = start(root, url, state)
    try:
        await asyncio.to_thread(process.wait, moment)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)
    deadline = time.monotonic() + PATIENCE
    while (left := survivors(state)) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    assert not left, f"still alive: {left}"
    await asyncio.to_thread(start_again, root, state)
    return standing(root)


async def campaign(rounds: int, seed: int) -> Counter[str]:
    """Kill so many runs at seeded moments over the length of a whole run, the end of it more often."""
    chance, counted = random.Random(seed), Counter[str]()
    async with Rehearsal.from_text(SCRIPT) as rehearsal:
        with tempfile.TemporaryDirectory(prefix="assent-campaign-") as folder:
            begun = time.monotonic()
            assert await one(Path(folder) / "whole", rehearsal.url, PATIENCE) == "repaired"
            length = time.monotonic() - begun
            for round in range(rounds):
                share = chance.betavariate(3, 2)
                counted[await one(Path(folder) / str(round), rehearsal.url, share * length)] += 1
    return counted


def main() -> None:
    """Run the campaign and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    print(f"{chosen.rounds} kills, seed {chosen.seed}:", dict(asyncio.run(campaign(chosen.rounds, chosen.seed))))


if __name__ == "__main__":
    main()
