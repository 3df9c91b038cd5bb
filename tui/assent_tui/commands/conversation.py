"""A conversation in the terminal over any folder, and the review of what a one-shot command has staged."""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from assent_core.errors import ConsentMissing, UsageError

if TYPE_CHECKING:
    from assent_core.consent.gate import Asker
    from assent_core.memory.sessions import Recorded
    from assent_core.session import Session
    from assent_core.settings import Settings
    from assent_tui.screen.app import AssentApp


class Held:
    """A session that outlives the command that made it, so that its review can be shown."""

    def __init__(self, asker: Asker | None = None) -> None:
        from assent_tui.commands.ask import Relay

        self.session: Session | None = None
        self.keep = False
        self.relay = Relay(asker)

    def close(self, run: asyncio.Runner) -> None:
        """Close the session, if one was opened; of one to `keep` the stage stays for what is not decided, and that is said."""
        if self.session is not None:
            run.run(self.session.close(keep=self.keep))
            tell_kept(self.session)
            self.session = None


def place_of(one: Recorded) -> Path:
    """The folder of a recorded session; UsageError where it is gone or somebody else has the session open."""
    if one.open:
        raise UsageError(f"The session {one.id} is open in another assent.", "End it there, or begin one here: assent.")
    if not (folder := Path(one.root)).is_dir():
        raise UsageError(f"The folder of session {one.id} is gone: {one.root}", "Bring it back, then go on with it.")
    return folder


def converse(folder: Path, settings: Settings, prompt: str, *, resume: str = "", own: bool = False) -> int | None:
    """A conversation over a stage of any folder; the user may go on to other sessions from it. None: to the demo instead.

    `own`: the settings are the user's, so they are read again where the first run or the settings screen changed them.
    """
    gc.disable()  # the start makes thousands of classes, none of them garbage; it goes on after the first picture
    while True:
        app = _app(folder, settings, prompt, resume, own)
        code = asyncio.run(app.live(close=True))
        if app.wants_demo:
            return None
        if not app.next_session:
            if app.jobs is not None:
                tell_kept(app.jobs.session)
            return code
        from assent_core.memory.sessions import find

        one = find(settings.state_dir, app.next_session)
        folder, resume, prompt = place_of(one), one.id, ""
        settings = settings_of(folder) if own else settings


def tell_kept(session: Session) -> None:
    """Say of a session that was closed with changes to decide how to come back to them; nobody may be there to read it."""
    if session.kept:
        with suppress(OSError):
            sys.stderr.write(f"What is staged and has not landed is kept: assent --resume {session.opened.session}\n")
            sys.stderr.flush()


def _app(folder: Path, settings: Settings, prompt: str, resume: str, own: bool) -> AssentApp:
    from assent_tui.screen.app import AssentApp
    from assent_tui.screen.pages import Look, Place

    async def open(asker: Asker) -> Session:
        await asyncio.to_thread(import_module, "assent_core.assembly")
        from assent_core.assembly import open_session

        held = await asyncio.to_thread(settings_of, folder) if own else settings
        return await open_session(folder, held, asker, resume=resume)

    place = Place(root=folder, state=settings.state_dir, keyless=(lambda: keyless(folder)) if own else None)
    return AssentApp(open, prompt, look=Look.of(settings), place=place)


def settings_of(folder: Path) -> Settings:
    """The settings as they are in the files now."""
    from assent_tui.commands.where import settings_for

    return settings_for(folder)


def keyless(folder: Path) -> bool:
    """Whether the server of the settings is OpenAI's by default, and no key for it is found."""
    from assent_core.errors import KeyMissing
    from assent_core.service.keys import find_key
    from assent_core.settings import OPENAI

    settings = settings_of(folder)
    if settings.server != OPENAI:
        return False
    try:
        find_key(settings)
    except KeyMissing:
        return True
    return False


def review_held(run: asyncio.Runner, held: Held, settings: Settings, code: int) -> int:
    """Show the review of a held session; `code` stands, but a success of which nothing landed is a refused consent."""
    from assent_core.landing.landings import landings
    from assent_tui.screen.live import run_app
    from assent_tui.screen.pages import Look

    session = held.session
    assert session is not None
    held.keep = True

    async def open(asker: Asker) -> Session:
        held.relay.to = asker
        return session

    ended = run_app(open, "", review_first=True, look=Look.of(settings), loop=run.get_loop())
    made = landings(Path(session.opened.root), settings.state_dir)
    landed = any(one.session == session.opened.session and not one.undone for one in made)
    return ended or code or (0 if landed else ConsentMissing.code)
