"""What the walls cost per command, beside a bare process and bubblewrap in the same run.

    scripts/bench sandbox [--rounds 40] [--commands 1000] [--files 100000]

All are measured in turns on the same machine, each after a moment of rest, so that no one pays for another's clean-up;
then so many commands one after the other without rest; then in a repository with so many files. Times in milliseconds.
The ratio is to the bare process of the same table.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

from assent_sandbox.policy import Command, Ended, Policy, Tier
from assent_sandbox.stage import Stage, WallsError
from assent_sandbox.tiers import open_stage

REST = 0.03
"""Seconds before each measurement."""
FILES_OF_A_FOLDER = 20
TIERS: tuple[Tier, ...] = ("overlay", "copy", "unconfined")
PROGRAM = "true"

Work = Callable[[], Awaitable[None]]
Taken = dict[str, list[float]]


async def bare() -> None:
    """A process without walls, its output read, started as everybody starts one with asyncio."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(PROGRAM, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    await process.communicate()


async def spawned() -> None:
    """The least that a process costs: posix_spawn and wait, nothing read."""
    os.waitpid(os.posix_spawnp(PROGRAM, [PROGRAM], os.environ), 0)


def wrapped(root: Path) -> list[str]:
    """A comparable policy for bubblewrap: same namespaces, read-only rest, hidden homes, private /tmp, /dev and /proc."""
    hidden = [word for path in ("/tmp", "/var/tmp", "/run", "/home", "/root", "/dev/shm") for word in ("--tmpfs", path)]
    return [
        *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--ro-bind", "/", "/"),
        *("--dev", "/dev", "--proc", "/proc", *hidden, "--bind", str(root), str(root), "--chdir", str(root)),
    ]


def bubblewrap(root: Path) -> Work | None:
    """The same process behind bubblewrap, if that is installed and works here."""
    argv = [*wrapped(root), PROGRAM]
    if not shutil.which("bwrap") or subprocess.run(argv, capture_output=True, check=False).returncode:
        return None

    async def run() -> None:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
        await process.communicate()

    return run


def staged(stage: Stage) -> Work:
    """The same process on a warm stage, with all that belongs to it: what it touched is recorded."""

    async def run() -> None:
        async with aclosing(stage.run(Command(argv=(PROGRAM,)), Policy())) as pieces:
            last = [piece async for piece in pieces][-1]
        assert isinstance(last, Ended)
        assert last.code == 0

    return run


async def timed(work: Work) -> float:
    """Milliseconds that a piece of work takes."""
    begun = time.perf_counter()
    await work()
    return (time.perf_counter() - begun) * 1000


async def in_turns(works: dict[str, Work], rounds: int) -> Taken:
    """Measure each once a round, the order turning; the first round is not counted."""
    taken: Taken = {name: [] for name in works}
    names = list(works)
    for number in range(rounds + 1):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            await asyncio.sleep(REST)
            once = await timed(works[name])
            if number:
                taken[name].append(once)
    return taken


def table(title: str, taken: Taken) -> None:
    """Print medians, the ninth tenth, the spread between the quarters, what is over a bare process, and the ratio."""
    print(f"\n{title}\n{'':<34}{'median':>8}{'min':>8}{'p90':>8}{'spread':>8}{'over':>8}{'ratio':>8}")
    reference = statistics.median(taken["bare process"])
    for name, times in taken.items():
        low, middle, high = statistics.quantiles(times, n=4)
        ninth = statistics.quantiles(times, n=10)[-1]
        figures = (middle, min(times), ninth, high - low, middle - reference, middle / reference)
        print(f"{name:<34}" + "".join(f"{figure:8.2f}" for figure in figures))


def plant(root: Path, files: int) -> None:
    """A repository of so many small files."""
    for number in range(-(-files // FILES_OF_A_FOLDER)):
        folder = root / f"area{number % 100}" / f"part{number}"
        folder.mkdir(parents=True)
        for each in range(min(FILES_OF_A_FOLDER, files - number * FILES_OF_A_FOLDER)):
            (folder / f"file{each}.txt").write_text("text\n")


async def opened(stack: AsyncExitStack, root: Path, home: Path, tier: Tier) -> Stage | None:
    """A warm stage of a tier, thrown away at the end; None where this machine cannot hold it."""
    try:
        stage = await open_stage(root, home, tier)
    except WallsError:
        return None
    stack.push_async_callback(stage.discard)
    await staged(stage)()
    return stage


async def compare(place: Path, rounds: int, commands: int) -> None:
    """All of them in turns; then the overlay tier without rest, and in turns again."""
    root = place / "small"
    plant(root, 10)
    async with AsyncExitStack() as stack:
        works: dict[str, Work] = {"bare process": bare, "posix_spawn": spawned}
        if around := bubblewrap(root):
            works["bubblewrap"] = around
        stages = {tier: await opened(stack, root, place / tier, tier) for tier in TIERS}
        works |= {f"assent, {tier}": staged(stage) for tier, stage in stages.items() if stage}
        table(f"in turns, {rounds} rounds", await in_turns(works, rounds))
        if stages["overlay"]:
            await after_many(staged(stages["overlay"]), rounds, commands)


async def after_many(work: Work, rounds: int, commands: int) -> None:
    """Whether the cost grows: without rest, and in turns when they are done."""
    begun = time.perf_counter()
    times = [await timed(work) for _ in range(commands)]
    each = (time.perf_counter() - begun) * 1000 / commands
    tenth = max(commands // 10, 1)
    first, last = statistics.median(times[:tenth]), statistics.median(times[-tenth:])
    print(f"\n{commands} commands without rest: {each:.2f} each; first tenth {first:.2f}, last tenth {last:.2f}")
    table(f"after {commands} commands", await in_turns({"bare process": bare, "assent, overlay": work}, rounds))


async def in_large(place: Path, rounds: int, files: int) -> None:
    """The overlay tier in a small and in a large repository, in turns."""
    plant(place / "large", files)
    plant(place / "little", 10)
    async with AsyncExitStack() as stack:
        works: dict[str, Work] = {"bare process": bare}
        for name, count in (("little", 10), ("large", files)):
            stage = await opened(stack, place / name, place / f"stage-{name}", "overlay")
            if stage:
                works[f"assent, overlay, {count} files"] = staged(stage)
        table(f"a repository of {files} files", await in_turns(works, rounds))


def main(words: list[str]) -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(prog="scripts/bench sandbox", description="What the walls cost per command.")
    parser.add_argument("--rounds", type=int, default=40, help="measurements of each")
    parser.add_argument("--commands", type=int, default=1000, help="commands without rest")
    parser.add_argument("--files", type=int, default=100_000, help="files of the large repository; 0 leaves it out")
    options = parser.parse_args(words)
    print(f"{platform.platform()}, {os.cpu_count()} processors, user {os.geteuid()}; times in ms, `{PROGRAM}`")
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
        asyncio.run(compare(Path(folder), options.rounds, options.commands))
        if options.files:
            asyncio.run(in_large(Path(folder), options.rounds, options.files))
