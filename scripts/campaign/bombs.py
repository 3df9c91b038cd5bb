#!/usr/bin/env python3
"""Commands that use up everything they can, each within bounds of its own; nothing of them may be left.

    python scripts/campaign/bombs.py [--rounds 5] [--tier overlay]

Each must end as its line of the table says, soon, with all its processes dead and the next command unharmed. Bounds
are small, so that even a bomb that is not stopped does little to the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / "core"), str(ROOT / "sandbox")]

from msgspec import Struct

from assent_sandbox.policy import Command, Ended, Limits, Policy, Tier
from assent_sandbox.stage import Stage
from assent_sandbox.tiers import open_stage

PATIENCE = 90.0
"""Seconds within which a bomb must be over, on a machine that may be slow."""


class Bomb(Struct, frozen=True, kw_only=True):
    """A shell script, how much it may use up, and the causes that may end it; MARK marks its processes.

    An `unbounded` one is only tried where the kernel itself bounds it: behind namespaces, or as an ordinary user.
    """

    script: str
    limits: Limits
    ends: tuple[str, ...] = ("exit",)
    unbounded: bool = False


def python(script: str) -> str:
    """A script for Python, as words of the shell's."""
    return f"python3 -c '{script}'"


HOG = python('import time; kept = b"x" * 40_000_000; time.sleep(80)')
FORKS = """
import os, time
for _ in range(10):
    try: os.fork()
    except OSError: pass
    time.sleep(.05)
time.sleep(80)
"""
THREADS = """
import threading, time
for _ in range(200): threading.Thread(target=time.sleep, args=(9,)).start()
"""
SHARED = """
import mmap, os, time
m = mmap.mmap(-1, 100_000_000)
m.write(b"x" * 100_000_000)
for _ in range(3):
    if os.fork() == 0: break
m.seek(0)
while m.read(4096): pass
time.sleep(1)
"""
BOMBS = {
    "fork": Bomb(script=python(FORKS), limits=Limits(processes=60), ends=("processes",)),
    "fork without a pause": Bomb(
        script='exec bash -c "b() { b | b & }; b; sleep 3"',
        limits=Limits(processes=60, seconds=5),
        ends=("processes", "time", "exit"),
        unbounded=True,
    ),
    "threads": Bomb(script=python(THREADS), limits=Limits(processes=60), ends=("processes", "exit", "signal")),
    "memory of one": Bomb(
        script=python("kept = [bytearray(10_000_000) for _ in range(60)]"), limits=Limits(memory=200_000_000)
    ),
    "memory of many": Bomb(
        script=f"for i in 1 2 3 4 5 6; do {HOG} & done; wait", limits=Limits(memory=150_000_000), ends=("memory",)
    ),
    "memory that is shared counts once": Bomb(script=python(SHARED), limits=Limits(memory=250_000_000)),
    "memory as files": Bomb(
        script='for i in 1 2 3 4; do head -c 50000000 /dev/zero > "$TMPDIR/big$i"; done; sleep 80',
        limits=Limits(memory=150_000_000, disk=150_000_000),
        ends=("memory", "disk"),
    ),
    "disk in one file": Bomb(
        script="exec head -c 200000000 /dev/zero > big", limits=Limits(file=20_000_000), ends=("signal",)
    ),
    "disk in many files": Bomb(
        script="for i in $(seq 30); do head -c 4000000 /dev/zero > f$i; done; sleep 80",
        limits=Limits(disk=40_000_000),
        ends=("disk",),
    ),
    "empty files": Bomb(
        script=python("import time\nfor n in range(20_000): open(str(n), chr(119)).close()\ntime.sleep(80)"),
        limits=Limits(disk=20_000_000),
        ends=("disk",),
    ),
    "output": Bomb(script="head -c 100000000 /dev/zero", limits=Limits(output=100_000)),
    "output without end": Bomb(script="exec yes", limits=Limits(output=100_000, seconds=1), ends=("time",)),
    "ignoring signals": Bomb(
        script='trap "" TERM INT HUP QUIT; while :; do sleep MARK; done', limits=Limits(seconds=0.5), ends=("time",)
    ),
    "daemon": Bomb(
        script="setsid sh -c 'sleep MARK & sleep MARK' > /dev/null 2>&1 < /dev/null & exit 0", limits=Limits()
    ),
    "holding the pipe": Bomb(script="sleep MARK & setsid sleep MARK & exit 0", limits=Limits()),
    "forking again": Bomb(
        script="sh -c 'for i in $(seq 40); do (setsid sleep MARK &); sleep 0.02; done' & sleep 0.3; exit 0",
        limits=Limits(processes=100),
    ),
}


def alive(mark: str) -> list[int]:
    """The processes that carry a mark."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and mark.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


async def finished(stage: Stage, script: str, limits: Limits) -> Ended:
    """Run a script on a stage to its end."""
    async with aclosing(stage.run(Command(argv=("sh", "-c", script)), Policy(limits=limits))) as pieces:
        last = [piece async for piece in pieces][-1]
    assert isinstance(last, Ended)
    return last


async def explode(stage: Stage, name: str, number: int = 0) -> str:
    """Let one bomb off; what is wrong with how it ended, empty if nothing is."""
    bomb, mark = BOMBS[name], f"4711.{os.getpid()}{number}"
    begun = time.monotonic()
    ended = await finished(stage, bomb.script.replace("MARK", mark), bomb.limits)
    took = time.monotonic() - begun
    limited = [denial.target for denial in ended.denials if denial.kind == "limit"]
    if ended.cause not in bomb.ends:
        return f"ended by {ended.cause}, code {ended.code}: {ended.output[-300:]!r}"
    if ended.cause in ("time", "memory", "processes", "disk") and limited != [ended.cause]:
        return f"the limit on {ended.cause} is told as {limited}"
    if took > PATIENCE:
        return f"took {took:.1f} seconds"
    if left := alive(mark):
        return f"left {left}"
    if len(ended.head) + len(ended.tail) > bomb.limits.output:
        return "kept more output than it may"
    after = await finished(stage, 'rm -f f* big [0-9]* "$TMPDIR"/big*; echo well', Limits())
    return "" if after.output == b"well\n" else f"the next command: {after.output[-300:]!r}"


def is_bounded(name: str, tier: Tier) -> bool:
    """Say whether a bomb may be tried: the kernel bounds it there."""
    return not BOMBS[name].unbounded or tier == "overlay" or os.geteuid() != 0


async def campaign(tier: Tier, rounds: int) -> list[str]:
    """Let all of them off, so many times; gives what went wrong."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="assent-bombs-") as folder:
        root = Path(folder, "root")
        root.mkdir()
        stage = await open_stage(root, Path(folder, "stage"), tier)
        try:
            for number in range(rounds):
                for name in filter(lambda name: is_bounded(name, tier), BOMBS):
                    begun = time.monotonic()
                    trouble = await explode(stage, name, number)
                    print(f"{tier:<10}{name:<36}{time.monotonic() - begun:6.1f} s  {trouble or 'well'}", flush=True)
                    wrong += [f"{tier}, {name}: {trouble}"] if trouble else []
        finally:
            await stage.discard()
    return wrong


def main() -> int:
    """Run it; 1 if something went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tier", choices=("overlay", "copy"), action="append")
    options = parser.parse_args()
    tiers: tuple[Tier, ...] = options.tier or ("overlay", "copy")
    wrong = [trouble for tier in tiers for trouble in asyncio.run(campaign(tier, options.rounds))]
    print(f"{len(wrong)} went wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
