"""What the screen lets a session do, as coroutines for its worker: they post what happens and touch no widget."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.message import Message

from assent_core.diffs.review import Review, message_to_model
from assent_core.errors import ConsentMissing
from assent_core.events import AnyEvent, Noticed, Performed, Prompted
from assent_core.landing.commit import hook_command
from assent_tui.screen.messages import Drafted, Forked, Happened, Reviewed, WentBack

if TYPE_CHECKING:
    from assent_core.diffs.changes import FileChange
    from assent_core.session import Session
    from assent_sandbox.stage import File
    from assent_tui.prompt.slash import CommitWords

_DECIDED = "Go on from what I decided in the review of your changes."
"""The prompt of a user who only sends what they decided."""


class Jobs:
    """One session's work. Only one of them runs at a time; cancelling one keeps what is staged."""

    def __init__(self, session: Session, post: Callable[[Message], object]) -> None:
        self.session = session
        self._post = post
        left = session.marks.left()
        self.decided = left.review
        """What was decided when the session was left the last time."""
        self._told = left.told

    async def turn(self, text: str, review: Review, images: tuple[Path, ...] = ()) -> None:
        """Give the worker a prompt, with the reasons and comments that it has not been told yet."""
        await self._tell(review)
        await self._follow(self.session.turn(text, images), review)

    async def tell(self, review: Review) -> None:
        """Give the worker a prompt that only says what was decided, with the reasons and comments."""
        await self._tell(review)
        await self._follow(self.session.turn(_DECIDED), review)

    async def plan(self, text: str, review: Review, images: tuple[Path, ...] = ()) -> None:
        """Have a plan made, which changes nothing."""
        self._note(review)
        await self._follow(self.session.make_plan(text, images), review)

    async def carry_out(self, plan: str, review: Review) -> None:
        """Have a plan carried out as it stands, with the reasons and comments that the worker has not been told yet."""
        await self._tell(review)
        await self._follow(self.session.carry_out(plan), review)

    async def drop_plan(self) -> None:
        """Drop the plan that waits."""
        self._post(Happened(self.session.drop_plan()))

    async def run(self, argv: tuple[str, ...], review: Review) -> None:
        """Run a command of the user's own on the stage."""
        await self._follow(self.session.run(argv), review)

    async def verify(self, argv: tuple[str, ...], review: Review) -> None:
        """Run a command on exactly what is accepted."""
        await self._follow(self.session.verify(review, argv), review)

    async def compact(self, review: Review) -> None:
        """Make room in the context."""
        await self._follow(self.session.compact(), review)

    async def look(self, review: Review, *, show: bool = False) -> None:
        """Find out what is staged, with the marks of an earlier review."""
        renewed, drifted = await self.session.review(review)
        if drifted:
            self._post(Happened(drifted))
        self._post(Reviewed(renewed, show))
        self.session.second_look()

    async def land(self, review: Review) -> None:
        """Write what is accepted into the real files, take what is rejected off the stage; look again, whatever came of it."""
        try:
            if review.rejected and not review.accepted:
                taken = await self.session.take_back(review)
                self._post(
                    Happened(Noticed(text=f"{taken} rejected, taken off the stage; nothing was accepted to land"))
                )
            else:
                self._post(Happened(await self.session.land(review)))
            self._note(review)
        finally:
            await self.look(review)

    async def amend(self, shown: FileChange, entry: File, review: Review) -> None:
        """Put what the user wrote on the stage; look again, whatever came of it."""
        try:
            self.session.amend(shown, entry)
        finally:
            await self.look(review)

    async def undo(self, review: Review) -> None:
        """Take the newest landing back."""
        self._post(Happened(await self.session.undo()))
        await self.look(review, show=True)

    async def draft(self, words: CommitWords) -> None:
        """Work out what a commit would hold, and a message for it."""
        commits = self.session.commits
        drafted = await commits.draft(unsigned=words.unsigned)
        self._post(Drafted(drafted, replace(words, message=await commits.describe(drafted))))

    async def commit(self, words: CommitWords) -> None:
        """Commit what landed; where that is asked for, only if the repository's hooks let it pass on a stage."""
        commits = self.session.commits
        drafted = await commits.draft(unsigned=words.unsigned)
        if words.hooks and drafted.hooks:
            await self._try_hooks(hook_command(drafted, words.message))
        self._post(Happened(await commits.make(drafted, words.message)))

    async def _try_hooks(self, command: str) -> None:
        code = 0
        async with aclosing(self.session.verify(Review(), ("sh", "-c", command))) as stream:
            async for event in stream:
                self._post(Happened(event))
                code = event.code or 0 if isinstance(event, Performed) else code
                await asyncio.sleep(0)
        if code:
            raise ConsentMissing(
                f"A hook of the repository refuses (exit code {code}), so nothing was committed.",
                "Mend what it says, or /commit without --hooks.",
            )

    async def rewind(self, prompt: Prompted, review: Review) -> None:
        """Go back to before a prompt; look again, whatever came of it."""
        try:
            self._post(Happened(await self.session.rewind(prompt.snapshot)))
            self._post(WentBack(prompt.text))
            self._told = ""
        finally:
            await self.look(review)

    async def fork(self, prompt: Prompted | None = None) -> None:
        """Let a session of its own go on from before a prompt, or from here."""
        if prompt is None:
            self._post(Forked(await self.session.fork()))
        else:
            self._post(Forked(await self.session.fork(prompt.snapshot), prompt.text))

    async def _follow(self, happening: AsyncGenerator[AnyEvent], review: Review) -> None:
        async with aclosing(happening) as stream:
            async for event in stream:
                self._post(Happened(event))
                await asyncio.sleep(0)
        await self.look(review)

    async def _tell(self, review: Review) -> None:
        """Take what is rejected off the stage, and tell the worker why, before it goes on."""
        if review.rejected:
            await self.session.take_back(review)
        self._note(review)

    def unsent(self, review: Review) -> bool:
        """Whether there are reasons and comments that the worker has not been told."""
        said = any(mark.reason or mark.comment for mark in review.marks.values())
        return said and _digest(message_to_model(review)) != self._told

    def keep(self, review: Review) -> None:
        """Keep what is decided, also beyond a crash; raises OSError where that cannot be written."""
        self.session.marks.keep(review, self._told)

    def _note(self, review: Review) -> None:
        words = message_to_model(review)
        if _digest(words) != self._told:
            self._told = _digest(words)
            self.session.note_for_model(words)


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest() if words else ""
