"""The screen from its first picture to its end."""

from __future__ import annotations

import asyncio

from assent_tui.screen.app import AssentApp
from assent_tui.screen.pages import USUAL, Look
from assent_tui.screen.work import Open


def run_app(
    open: Open,
    prompt: str = "",
    *,
    review_first: bool = False,
    look: Look = USUAL,
    loop: asyncio.AbstractEventLoop | None = None,
) -> int:
    """Show the screen until the user leaves it; 0, or the code of the error if no session could be opened.

    The session is closed at the end, unless it belongs to a `loop` of the caller.
    """
    app = AssentApp(open, prompt, review_first=review_first, look=look)
    if loop is not None:
        return loop.run_until_complete(app.live(close=False))
    return asyncio.run(app.live(close=True))
