"""Starts assent without a terminal, and prints for how many milliseconds at most its loop stood still."""

from __future__ import annotations

import asyncio
import gc
import time
from pathlib import Path

from textual.app import App


def waited() -> float:
    """Seconds for which this thread was ready to run while other programs had the processors; 0 where nobody tells."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


async def standing(app: App[int], ready: asyncio.Event) -> float:
    """The longest pause of the loop from the first paint until it is ready, in milliseconds, without those of the machine."""
    worst = 0.0
    async with app.run_test(size=(120, 40)):
        end = time.perf_counter() + 8
        last = time.perf_counter() - waited()
        while time.perf_counter() < end and not ready.is_set():
            await asyncio.sleep(0.001)
            now = time.perf_counter() - waited()
            worst, last = max(worst, now - last), now
    return worst * 1000


async def main() -> None:
    """Open a session."""
    ready = asyncio.Event()
    gc.disable()  # as the command does until its first picture
    from assent_core.assembly import open_session
    from assent_core.settings import load
    from assent_tui.screen.app import AssentApp

    async def open(asker: object) -> object:
        session = await open_session(Path.cwd(), load(), asker)  # type: ignore[arg-type]
        asyncio.get_running_loop().call_later(1.5, ready.set)
        return session

    app = AssentApp(open)  # type: ignore[arg-type]
    print(await standing(app, ready))
    if app.jobs is not None:
        await app.jobs.session.close()


asyncio.run(main())
