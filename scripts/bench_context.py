"""A long rehearsed task over real HTTP: how much of the input is cached, and what making room costs."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

from assent_core.assembly import open_session
from assent_core.context.compaction import with_digests
from assent_core.context.gauge import total
from assent_core.events import Billed, Noticed
from assent_core.model import Usage
from assent_core.rehearsal import Rehearsal
from assent_core.settings import Settings

STEPS = 60
OUTPUT = 3_000
"""Characters that each command of the task writes."""
CONTEXT = 30_000


async def task(settings: Settings, root: Path) -> tuple[list[Billed], list[str], list[dict[str, object]], tuple]:
    """One task of so many requests: what was billed, told and sent, and the transcript at its end."""
    step = '[[worker]]\nthink = "on"\nshell = "printf \'%{size}s\' {number}"\n'
    script = "".join(step.format(size=OUTPUT, number=number) for number in range(STEPS - 1))
    async with Rehearsal.from_text(script + '[[worker]]\nsay = "Done."\n') as rehearsal:
        settings = Settings(base_url=rehearsal.url, state=settings.state, context=settings.context, scouting=False)
        session = await open_session(root, settings)
        try:
            async with aclosing(session.turn("go on for long")) as events:
                seen = [event async for event in events]
            items = session._bench.transcript.items
        finally:
            await session.close(keep=False)
        notices = [event.text for event in seen if isinstance(event, Noticed)]
        billed = [event for event in seen if isinstance(event, Billed)]
        return billed, notices, list(rehearsal.requests), items


def summed(billed: list[Billed]) -> Usage:
    """All usages as one."""
    used = [event.usage or Usage() for event in billed if event.role == "worker"]
    return Usage(sum(one.input for one in used), sum(one.cached for one in used), sum(one.output for one in used))


def line(name: str, ours: float, reference: float, what: str) -> None:
    print(f"{name:<34}{ours:12,.3f}  {reference:12,.3f}  {ours / reference:7.3f}  of {what}")


async def measure(folder: Path) -> None:
    """The task without and with a small context."""
    root = folder / "repository"
    root.mkdir()
    (root / "file").write_text("text\n")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    print(f"{STEPS} requests{'':<24}{'ours':>12}  {'reference':>12}  {'ratio':>7}")
    for context in (0, CONTEXT):
        billed, notices, sent, items = await task(Settings(state=str(folder / "state"), context=context), root)
        used, usd = summed(billed), billed[-1].total
        name = f"context {context:,}" if context else "whole context"
        line(f"{name}: cached input", used.cached, used.input, "all input, in tokens")
        line(f"{name}: cost", usd, usd + used.cached * (0.75 - 0.075) / 1e6, "the cost without a cache, in USD")
        print(f"{name}: compacted {sum('compacted from' in text for text in notices)} times")
        if not context:
            fixed = (len(str(sent[0]["instructions"]).encode()) + len(json.dumps(sent[0]["tools"]).encode())) / 4
            line("fixed prefix", fixed, 2_500, "the limit, in tokens")
            begun = time.perf_counter()
            total(items)
            middle = time.perf_counter()
            with_digests(items, 0)
            ended = time.perf_counter()
            begun_json = time.perf_counter()
            json.dumps(items)
            dumped = time.perf_counter() - begun_json
            line("estimating", (middle - begun) * 1000, dumped * 1000, "json.dumps of the same, in ms")
            line("digests for all outputs", (ended - middle) * 1000, dumped * 1000, "json.dumps of the same, in ms")


def main() -> int:
    """Measure in a temporary folder, without any settings of the user's."""
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
        os.environ.update(OPENAI_API_KEY="sk-rehearsed", ASSENT_CONFIG_DIR=folder)
        asyncio.run(measure(Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
