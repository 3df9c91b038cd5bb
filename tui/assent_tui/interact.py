"""Opens the terminal interface: for a conversation, or for the review of what a one-shot command has staged."""

from __future__ import annotations

import asyncio
from pathlib import Path

from assent_core.assembly import open_session
from assent_core.consent import Asker
from assent_core.errors import ConsentMissing
from assent_core.landing import landings
from assent_core.session import Session
from assent_core.settings import Settings
from assent_tui.ask import Relay


class Held:
    """A session that outlives the command that made it, so that its review can be shown."""

    def __init__(self, asker: Asker | None = None) -> None:
        self.session: Session | None = None
        self.keep = False
        self.relay = Relay(asker)

    def close(self, run: asyncio.Runner) -> None:
        """Close the session, if one was opened; the stage is kept only for what a review has left open."""
        if self.session is not None:
            run.run(self.session.close(keep=self.keep))
            self.session = None


def interact(prompt: str) -> int:
    """`assent [PROMPT]`: a conversation over a stage of the current folder."""
    from assent_tui.oneshot import here, settings_for

    folder = here()
    return converse(folder, settings_for(folder), prompt)


def converse(folder: Path, settings: Settings, prompt: str) -> int:
    """A conversation over a stage of any folder with any settings."""
    from assent_tui.app import run_app

    async def open(asker: Asker) -> Session:
        return await open_session(folder, settings, asker)

    return run_app(open, prompt, theme=settings.theme)


def review_held(run: asyncio.Runner, held: Held, settings: Settings, code: int) -> int:
    """Show the review of a held session; `code` stands, but a success of which nothing landed is a refused consent."""
    from assent_tui.app import run_app

    session = held.session
    assert session is not None
    held.keep = True

    async def open(asker: Asker) -> Session:
        held.relay.to = asker
        return session

    ended = run_app(open, "", review_first=True, theme=settings.theme, loop=run.get_loop())
    made = landings(Path(session.opened.root), settings.state_dir)
    landed = any(one.session == session.opened.session and not one.undone for one in made)
    return ended or code or (0 if landed else ConsentMissing.code)
