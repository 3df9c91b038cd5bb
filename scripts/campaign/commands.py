#!/usr/bin/env python3
"""Very many commands, one after the other and at once, and assent killed in the middle of one: nothing may be left.

    python scripts/campaign/commands.py [--sequence 10000] [--parallel 200] [--stages 40] [--kills 50] [--seed 1]

Processes, mounts, descriptors and temporary files are counted before and after. After a `kill -9` of assent, within a
second nothing of its command is alive and nothing is mounted, and the stage can be opened again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / "core"), str(ROOT / "sandbox")]

from msgspec import Struct
from msgspec.structs import astuple

from assent_sandbox.policy import Command, Ended, Policy, Tier
from assent_sandbox.stage import Stage
from assent_sandbox.tiers import open_stage

ROOM = str(Path(__file__).resolve().parents[2] / "sandbox")
WITHIN = 1.0
"""Seconds after a kill in which all must be gone, on a machine that does nothing else."""
PATIENCE = 30.0
"""Seconds in which it must come to rest after its commands."""
SCRIPT = "echo text > file; cat file; rm file $(mktemp)"
VICTIM = """
import asyncio, sys
from pathlib import Path
from assent_sandbox.policy import Command, Policy
from assent_sandbox.tiers import open_stage

async def main():
    root, home, tier, mark = sys.argv[1:]
    stage = await open_stage(Path(root), Path(home), tier)
    print("open", flush=True)
    script = "setsid sleep $0 & (setsid sleep $0 &) ; trap '' TERM; while :; do echo x >> grows; sleep 0.005; done"
    while True:
        async for _ in stage.run(Command(argv=("sh", "-c", script, mark)), Policy()):
            pass

asyncio.run(main())
"""


class Counted(Struct, frozen=True):
    """What there is of us on this machine."""

    processes: int
    mounts: int
    descriptors: int
    files: int

    def exceeds(self, other: Counted) -> bool:
        """Whether there is more of anything."""
        return any(one > two for one, two in zip(astuple(self), astuple(other), strict=True))


def descendants(process: int) -> list[int]:
    """All processes below one."""
    try:
        found = [
            int(child)
            for task in Path(f"/proc/{process}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return found + [below for child in found for below in descendants(child)]


def size_of(folder: str) -> int:
    """How many entries a folder has; 0 where we may not look."""
    try:
        return sum(1 for _ in Path(folder).iterdir())
    except OSError:
        return 0


def lines_of(path: str) -> int:
    """How many lines a file has; 0 where we may not look."""
    try:
        return Path(path).read_text(errors="replace").count("\n")
    except OSError:
        return 0


def count(homes: list[Path]) -> Counted:
    """Count ourselves and what we started; `homes` are the folders of stages."""
    ours = [os.getpid(), *descendants(os.getpid())]
    files = sum(len(names) + len(folders) for home in homes for _, folders, names in os.walk(home))
    return Counted(
        len(ours),
        sum(lines_of(f"/proc/{each}/mountinfo") for each in ours),
        sum(size_of(f"/proc/{each}/fd") for each in ours),
        files,
    )


async def settled(homes: list[Path], wanted: Counted | None = None) -> Counted:
    """Count when all is quiet: as soon as it is no more than is wanted or has stayed the same for a moment."""
    deadline, last, calm = time.monotonic() + PATIENCE, count(homes), 0
    while (last.exceeds(wanted) if wanted else calm < 3) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
        last, calm = (found, calm + 1) if (found := count(homes)) == last else (found, 0)
    return last


async def left_by(work: Callable[[], Awaitable[object]], homes: list[Path]) -> str:
    """What there is more of each time that some work is done; empty if it comes to rest at what there was before."""
    before = first = await settled(homes)
    for _ in range(3):
        await work()
        after = await settled(homes, before)
        if not after.exceeds(before):
            return ""
        before = after
    return f"{first} became {before}"


async def finished(stage: Stage) -> None:
    """Run a small command on a stage to its end."""
    async with aclosing(stage.run(Command(argv=("sh", "-c", SCRIPT)), Policy())) as pieces:
        last = [piece async for piece in pieces][-1]
    assert isinstance(last, Ended)
    assert (last.code, last.output) == (0, b"text\n"), last


async def in_sequence(tier: Tier, commands: int) -> str:
    """So many commands on one stage; what is left of them, empty if nothing is."""
    with tempfile.TemporaryDirectory(prefix="assent-commands-") as folder:
        root, home = Path(folder, "root"), Path(folder, "stage")
        root.mkdir()
        stage = await open_stage(root, home, tier)
        try:
            for _ in range(3):
                await finished(stage)

            async def work() -> None:
                for _ in range(commands):
                    await finished(stage)

            left = await left_by(work, [home])
        finally:
            await stage.discard()
    return left and f"{commands} in sequence, {tier}: {left}"


async def at_once(tier: Tier, commands: int, stages: int) -> str:
    """So many commands at once over so many stages; what is left of them, empty if nothing is."""
    with tempfile.TemporaryDirectory(prefix="assent-commands-") as folder:
        root = Path(folder, "root")
        root.mkdir()
        before_all = await settled([])
        async with AsyncExitStack() as stack:
            opened: list[Stage] = []
            for number in range(stages):
                opened.append(await open_stage(root, Path(folder, f"stage{number}"), tier))
                stack.push_async_callback(opened[-1].discard)
                await finished(opened[-1])
            homes = [Path(folder, f"stage{number}") for number in range(stages)]
            left = await left_by(
                lambda: asyncio.gather(*(finished(opened[number % stages]) for number in range(commands))), homes
            )
        after_all = await settled([], before_all)
    if left:
        return f"{commands} at once, {tier}: {left}"
    return f"{stages} stages, {tier}: {before_all} became {after_all}" if after_all.exceeds(before_all) else ""


def traces(folder: str, mark: str) -> list[str]:
    """Processes that carry a mark or the folder's name, and mounts that come from it, of anybody that we may look at."""
    found: list[str] = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or process.name == str(os.getpid()):
            continue
        for name, kind in (("cmdline", "alive"), ("mountinfo", "mounted")):
            try:
                text = (process / name).read_bytes()
            except OSError:
                continue
            if mark.encode() in text.split(b"\0") or folder.encode() in text:
                found.append(f"{kind}: {process.name}")
    return found


async def killed(tier: Tier, number: int, moment: float, within: float = WITHIN) -> str:
    """Kill assent at a moment after it began to run a command; what is left some seconds later, empty if nothing is."""
    mark = f"4712.{os.getpid()}{number}"
    with tempfile.TemporaryDirectory(prefix="assent-killed-") as folder:
        root, home = Path(folder, "root"), Path(folder, "stage")
        root.mkdir()
        path = ":".join([ROOM, *filter(None, sys.path)])
        victim = subprocess.Popen(
            [sys.executable, "-c", VICTIM, str(root), str(home), tier, mark],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": path},
        )
        assert victim.stdout
        if moment >= 0:
            await asyncio.to_thread(victim.stdout.readline)
        await asyncio.sleep(abs(moment))
        victim.kill()
        dead = time.monotonic()
        victim.wait()
        victim.stdout.close()
        while (left := traces(folder, mark)) and time.monotonic() - dead < within:
            await asyncio.sleep(0.02)
        if left:
            return f"killed {moment:.3f} s on, {tier}: {left}"
        stage = await open_stage(root, home, tier)
        try:
            await finished(stage)
        finally:
            await stage.discard()
    return ""


async def campaign(tier: Tier, *, sequence: int, parallel: int, stages: int, kills: int, seed: int) -> list[str]:
    """All of it in one tier; gives what went wrong."""
    chance = random.Random(seed)
    wrong = [await in_sequence(tier, sequence), await at_once(tier, parallel, stages)]
    for number in range(kills):
        moment = chance.uniform(-0.2, 0.0) if number % 5 == 4 else chance.uniform(0, 0.3)
        wrong.append(await killed(tier, number, moment))
    return [trouble for trouble in wrong if trouble]


def main() -> int:
    """Run it in both tiers; 1 if something went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, value in (("sequence", 10_000), ("parallel", 200), ("stages", 40), ("kills", 50), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--tier", choices=("overlay", "copy"), action="append")
    options = vars(parser.parse_args())
    tiers: tuple[Tier, ...] = options.pop("tier") or ("overlay", "copy")
    wrong: list[str] = []
    for tier in tiers:
        begun = time.monotonic()
        found = asyncio.run(campaign(tier, **options))
        print(f"{tier}: {len(found)} went wrong, {time.monotonic() - begun:.0f} s", *found, sep="\n  ", flush=True)
        wrong += found
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
