"""Start, prompt size and sandbox, each beside a reference measured in the same run; times in milliseconds.

scripts/bench [start|prompt|sandbox] [options]      all of them, in short, without a word
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from benches import sandbox

from assent_core.instructions import worker_instructions
from assent_core.tools import specs

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


def heading() -> None:
    """The line above a table."""
    print(f"{'':<28}{'ours':>9}  {'reference':>9}  {'ratio':>7}")


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
    heading()
    compare("assent --version", taken["version"], taken["pass"], "python -c pass")
    compare("assent fix --help", taken["help"], taken["pass"], "python -c pass")


def prompt() -> None:
    """The fixed prefix of each request, about four bytes a token."""
    tools = [[spec.name, spec.description, spec.parameters, spec.grammar] for spec in specs(custom=True)]
    tokens = (len(worker_instructions().encode()) + len(json.dumps(tools).encode())) / 4
    heading()
    print(
        f"{'instructions and tools':<28}{tokens:9.0f}  {PREFIX_TOKENS:9d}  {tokens / PREFIX_TOKENS:7.2f}  of the limit, in tokens"
    )


def main() -> None:
    """Measure what was asked for."""
    assent, *words = sys.argv[1:]
    match words:
        case []:
            start(assent)
            prompt()
            sandbox.main(["--rounds", str(ROUNDS), "--commands", "100", "--files", "0"])
        case ["start"]:
            start(assent)
        case ["prompt"]:
            prompt()
        case ["sandbox", *options]:
            sandbox.main(options)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
