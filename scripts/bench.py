"""Start, sandbox and prompt size, each beside a reference measured in the same run; medians, times in milliseconds."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

from assent_core.instructions import worker_instructions
from assent_core.tools import specs
from assent_sandbox.policy import Command, Policy
from assent_sandbox.tiers import open_stage

ROUNDS = 15
PREFIX_TOKENS = 2_500


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that a piece of work takes."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def compare(name: str, ours: list[float], reference: list[float], what: str) -> None:
    """One line of the table."""
    mine, other = statistics.median(ours), statistics.median(reference)
    print(f"{name:<28}{mine:9.1f}  {other:9.1f}  {mine / other:7.1f}  of {what}")


def start(assent: str) -> None:
    """The command itself, against a Python that does nothing; interleaved, so that both see the same machine."""
    commands = {
        "version": [assent, "--version"],
        "help": [assent, "fix", "--help"],
        "pass": [sys.executable, "-c", "pass"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, argv in commands.items():
            taken[name].append(timed(lambda argv=argv: subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)))
    compare("assent --version", taken["version"], taken["pass"], "python -c pass")
    compare("assent fix --help", taken["help"], taken["pass"], "python -c pass")


async def sandbox() -> None:
    """A command that does nothing: on a warm stage, against a bare process."""
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
        root = Path(folder, "repository")
        root.mkdir()
        (root / "file").write_text("text\n")
        stage = await open_stage(root, Path(folder, "stage"))
        try:
            ours: list[float] = []
            bare: list[float] = []
            for _ in range(ROUNDS + 1):
                begun = time.perf_counter()
                async with aclosing(stage.run(Command(argv=("true",)), Policy())) as outputs:
                    async for _output in outputs:
                        pass
                ours.append((time.perf_counter() - begun) * 1000)
                begun = time.perf_counter()
                await (await asyncio.create_subprocess_exec("true")).wait()
                bare.append((time.perf_counter() - begun) * 1000)
            compare(f"a command ({stage.tier})", ours[1:], bare[1:], "a bare process")
        finally:
            await stage.discard()


def prompt() -> None:
    """The fixed prefix of each request, about four bytes a token."""
    tools = [[spec.name, spec.description, spec.parameters, spec.grammar] for spec in specs(custom=True)]
    tokens = (len(worker_instructions().encode()) + len(json.dumps(tools).encode())) / 4
    print(
        f"{'instructions and tools':<28}{tokens:9.0f}  {PREFIX_TOKENS:9d}  {tokens / PREFIX_TOKENS:7.2f}  of the limit, in tokens"
    )


def main() -> None:
    """Measure all."""
    print(f"{'':<28}{'ours':>9}  {'reference':>9}  {'ratio':>7}")
    start(sys.argv[1])
    asyncio.run(sandbox())
    prompt()


if __name__ == "__main__":
    main()
