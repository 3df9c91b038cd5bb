"""The app around its prompt: the notebook behind it, files to name, pictures to send, an editor to go on in."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from assent_tui.prompt.box import Prompt
from assent_tui.screen.messages import Trouble, trouble
from assent_tui.screen.pages import Look, Pages, Place
from assent_tui.screen.work import Open

if TYPE_CHECKING:
    from assent_core.memory.notebook import Notebook
    from assent_core.session import Session
    from assent_tui.chat.pane import Chat
    from assent_tui.review.pane import ReviewPane

_STALE = 20.0
"""Seconds after which the names of files are asked for again when one is mentioned."""


class Writing(Pages):
    """Keeps what is written and sent, as far as there is a session to keep it with."""

    def __init__(self, open: Open, look: Look, place: Place | None = None) -> None:
        super().__init__(open, look, place)
        self._prompt = Prompt(later=self.after_typing, id="prompt")
        self._queue: list[str] = []
        self._notebook: Notebook | None = None
        self._unkept = False
        self._root = Path()
        self._listed = float("-inf")

    @property
    def chat(self) -> Chat:
        """The chat."""
        raise NotImplementedError

    @property
    def pane(self) -> ReviewPane:
        """The review."""
        raise NotImplementedError

    def tell(self, error: Trouble) -> None:
        """Say that something went wrong, and what helps."""
        raise NotImplementedError

    def begin_writing(self, session: Session) -> None:
        """The session is there: take up what was left, learn what was sent before, list the files."""
        self._root = Path(session.opened.root)
        self._notebook = session.notebook
        try:
            self._prompt.recall(self._notebook.history())
            left = self._notebook.left()
        except OSError as error:
            self.cannot_keep(error)
            left = ""
        if left and self._prompt.text:
            self._prompt.recall([left])
        elif left:
            self._prompt.take_up(left)
            self.chat.note("What was not sent the last time is in the prompt again.")
        self.on_prompt_files_wanted()

    def remember(self, kept: str) -> None:
        """Put what was sent into the history of this and later sessions."""
        if self._notebook is not None:
            try:
                self._notebook.remember(kept)
            except OSError as error:
                self.cannot_keep(error)
        self.on_prompt_drafted()

    def on_prompt_drafted(self) -> None:
        """Keep what is written and what is queued, so that neither is lost with the session."""
        if self._notebook is not None:
            kept = [*self._queue, self._prompt.kept] if self._prompt.text.strip() else self._queue
            try:
                self._notebook.keep("\n".join(kept))
            except OSError as error:
                self.cannot_keep(error)

    def on_unmount(self) -> None:
        """Keep the last words."""
        self.on_prompt_drafted()

    def on_prompt_files_wanted(self) -> None:
        """List the files, unless that was done a moment ago."""
        if self.jobs is not None and monotonic() - self._listed > _STALE:
            self._listed = monotonic()
            self.run_worker(
                partial(self._list_files, self.jobs.session), group="files", exclusive=True, exit_on_error=False
            )

    async def _list_files(self, session: Session) -> None:
        from assent_tui.paint.highlight import prepare
        from assent_tui.prompt.completion import Finder

        files = await session.files()
        self._prompt.know(await asyncio.to_thread(Finder, files))
        await asyncio.to_thread(prepare, files)

    async def on_prompt_editor_wanted(self) -> None:
        """Go on writing in the user's editor."""
        from assent_tui.screen.outside import edit_outside

        try:
            text = await edit_outside(self, "prompt.md", self._prompt.whole)
        except Exception as error:
            self.tell(trouble(error))
        else:
            self._prompt.load_text(text.rstrip("\n"))
            self._prompt.move_cursor(self._prompt.document.end)

    async def on_review_pane_outside_wanted(self, message: ReviewPane.OutsideWanted) -> None:
        """Edit the lines of a hunk there."""
        from assent_tui.screen.outside import edit_outside

        try:
            text = await edit_outside(self, message.path, message.text)
        except Exception as error:
            self.tell(trouble(error))
        else:
            self.pane.edited_outside(message.hunk, text)

    def pictures_in(self, text: str) -> tuple[Path, ...]:
        """The pictures that a text mentions; says which go along, and which are not there."""
        from assent_tui.prompt.pasted import pictures

        found, missing = pictures(text, self._root)
        if found:
            self.chat.note(f"with {', '.join(path.name for path in found)}")
        if missing:
            self.chat.note(f"not sent, there is no such picture: {', '.join(missing)}", "warn")
        return found

    def cannot_keep(self, error: OSError) -> None:
        """Say once that what is written is lost with the session."""
        if not self._unkept:
            self._unkept = True
            self.tell(Trouble(f"What you write cannot be kept: {error}", "The history lasts only for this session."))
