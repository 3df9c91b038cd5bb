"""The commits of a session: what landed and is not committed yet, described by the scout, made when the user says so."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from contextlib import suppress

from assent_core.consent import plainly
from assent_core.diffs.changes import take_apart
from assent_core.errors import UsageError
from assent_core.events import AnyEvent, Committed
from assent_core.landing import commit
from assent_core.landing.commit import Draft
from assent_core.roles.scout import Scout
from assent_core.settings import Settings
from assent_core.workspace import Workspace

PATIENCE = 2.0
"""Seconds that a message of the scout is waited for; after that the one made of the names of the files stands."""


class Commits:
    """Drafts and makes commits of what one session landed. No hook of the repository is run by it, and nothing is signed."""

    def __init__(
        self,
        session: str,
        workspace: Workspace,
        settings: Settings,
        scout: Scout,
        *,
        past: Iterable[AnyEvent],
        happened: Callable[[Committed], Committed],
    ) -> None:
        self._session = session
        self._workspace = workspace
        self._settings = settings
        self._scout = scout
        self._happened = happened
        self._done = {id for event in past if isinstance(event, Committed) for id in event.landings}

    async def draft(self, *, unsigned: bool = False) -> Draft:
        """What a commit would hold now; UsageError says why there can be none. `unsigned`: also where signatures are wanted."""
        if not self._workspace.git:
            raise UsageError(
                "This folder is no git repository, so there is nothing to commit to.", "Begin one: git init."
            )
        state, done = self._settings.state_dir, tuple(self._done)
        return await asyncio.to_thread(
            commit.draft, self._workspace.root, state, self._session, done, unsigned=unsigned
        )

    async def describe(self, drafted: Draft) -> str:
        """A message for a draft; the scout has a moment to write it."""
        files = [take_apart(change) for change in drafted.changes]
        with suppress(TimeoutError):
            return await asyncio.wait_for(self._scout.commit_message(files), PATIENCE)
        return plainly.commit_message(files)

    async def make(self, drafted: Draft, message: str) -> Committed:
        """Make the commit that was drafted; LandingRefused if the branch moved meanwhile."""
        root, trailer = self._workspace.root, self._settings.trailer
        name = await asyncio.to_thread(commit.make, root, drafted, message, trailer)
        self._done |= set(drafted.landings)
        return self._happened(
            Committed(
                commit=name,
                branch=os.fsencode(drafted.branch).decode(errors="replace"),
                subject=message.strip().splitlines()[0],
                paths=tuple(change.path for change in drafted.changes),
                landings=drafted.landings,
            )
        )
