"""A session: the pieces put together, and turns that remember each other."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

from assent_core.consent import Asker
from assent_core.events import AnyEvent, Drifted, Landed, Opened, Undone
from assent_core.review import Review
from assent_core.settings import Settings


class Session:
    """One conversation over one stage. Every event that happens is also in the record.

    Made by `open_session`. Only one turn, repair or command runs at a time; closing its generator interrupts it
    and keeps what was staged.
    """

    opened: Opened

    def turn(self, prompt: str, images: tuple[Path, ...] = ()) -> AsyncGenerator[AnyEvent]:
        """Give the worker a prompt; the last event is `Ended`. Service errors end it (`failed`) and are not raised."""
        raise NotImplementedError

    def repair(self, command: tuple[str, ...], prompt: str = "", turns: int = 0) -> AsyncGenerator[AnyEvent]:
        """The `fix` loop: run, digest, repair, run again until it passes; the last event is `Ended`."""
        raise NotImplementedError

    def run(self, command: tuple[str, ...], workdir: str = ".") -> AsyncGenerator[AnyEvent]:
        """Run a command of the user's own on the stage: Proposed, Printed..., Performed, Staged?, Digested?, Ended."""
        raise NotImplementedError

    def verify(self, review: Review, command: tuple[str, ...]) -> AsyncGenerator[AnyEvent]:
        """Run a command on a fresh stage that holds the real tree plus the selection; ends with Verified and Ended."""
        raise NotImplementedError

    async def review(self, earlier: Review | None = None) -> tuple[Review, Drifted | None]:
        """Rebase the stage and compute the review of what is on it, with the marks of an earlier one kept."""
        raise NotImplementedError

    async def land(self, review: Review) -> Landed:
        """Write what is accepted into the real tree; raises LandingRefused if it moved: review again."""
        raise NotImplementedError

    async def undo(self, landing: str = "") -> Undone:
        """Take back a landing, the newest one if none is named."""
        raise NotImplementedError

    def note_for_model(self, text: str) -> None:
        """Put the user's reasons and comments before the next prompt."""
        raise NotImplementedError

    async def close(self) -> None:
        """End helper processes and connections; the stage stays if it holds changes and is deleted if it does not."""
        raise NotImplementedError


async def open_session(root: Path, settings: Settings, asker: Asker | None = None, *, model: bool = True) -> Session:
    """Recover interrupted landings, open a stage and a record, start what must be warm.

    `asker` None: nobody can be asked. `model` False: no key is looked for and no connection is made (`assent run`).
    """
    raise NotImplementedError
