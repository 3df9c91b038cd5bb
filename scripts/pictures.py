"""Plays the demo on a screen without a terminal and has the program export what it shows."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from assent_core.assembly import open_session
from assent_core.consent.gate import Asker
from assent_core.rehearsal import Rehearsal
from assent_core.session import Session
from assent_core.settings import Settings
from assent_tui.commands.demo import PROMPT, plant
from assent_tui.screen.app import AssentApp
from assent_tui.screen.pages import Look, Place

SIZE = (120, 36)
CELL = 12.2
"""How wide a cell is in the exported pictures."""

BLANKS = re.compile(r' x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"([^>]*)>((?:&#160;)+)(?!<)')


def moved(found: re.Match[str]) -> str:
    """A text without the blanks before it, as far to the right: not every renderer shows them."""
    x, y, length, more, blanks = found.groups()
    cells = blanks.count(";")
    return f' x="{float(x) + cells * CELL:g}" y="{y}" textLength="{float(length) - cells * CELL:g}"{more}>'


async def until(pilot: Pilot[int], ready: Callable[[], object]) -> None:
    """Let it go on until something is so."""
    for _ in range(1200):
        await pilot.pause(0.05)
        if ready():
            await pilot.pause(0.3)
            return
    raise SystemExit("the demo did not come so far")


async def played(root: Path, settings: Settings, folder: Path, theme: str) -> None:
    """The demo from its prompt to its landing, with a picture of what matters."""

    async def open(asker: Asker) -> Session:
        return await open_session(root, settings, asker)

    def save(name: str) -> None:
        shown = BLANKS.sub(moved, app.export_screenshot(title="assent"))
        (folder / f"{name}.svg").write_text("\n".join(row.rstrip() for row in shown.splitlines()) + "\n")

    place = Place(root=root, state=settings.state_dir)
    app = AssentApp(open, PROMPT, look=Look(theme=theme), place=place)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.query("ConsentCard:focus"))
        save(f"consent-{theme}")
        await until(pilot, lambda: app._card_guard.open)
        await pilot.press("n")
        await until(pilot, lambda: app.job is None and app.pane.review.files and app._panes.guard.open)
        await pilot.press("f2", "y")
        await pilot.pause(0.5)
        save(f"review-{theme}")
        await pilot.press("A")
        await until(pilot, lambda: app.job is None)
        await pilot.press("L", "enter")
        await until(pilot, lambda: app.job is None and not app.pane.review.files)
    assert app.jobs is not None
    await app.jobs.session.close()


async def main() -> None:
    """Make all pictures."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "NO_COLOR"):
        os.environ.pop(name, None)
    for theme in ("dark", "light"):
        home = Path(tempfile.gettempdir(), "demo")
        try:
            home.mkdir()
        except FileExistsError:
            raise SystemExit(f"{home} is in the way: the pictures show this path. Move it and start again.") from None
        os.environ["ASSENT_STATE_DIR"] = os.environ["ASSENT_CONFIG_DIR"] = str(home / "state")
        try:
            async with Rehearsal.from_file("demo") as rehearsal:
                await played(plant(home / "orchard"), Settings(base_url=rehearsal.url), folder, theme)
        finally:
            shutil.rmtree(home, ignore_errors=True)
    for path in sorted(folder.glob("*.svg")):
        print(path)


asyncio.run(main())
