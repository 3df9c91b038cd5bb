"""Plays a recorded session again: same acts, same answers, same replies, on a fresh stage; no key, no network, no real file."""

from __future__ import annotations

import base64
import os
import shlex
import tempfile
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import assert_never

import msgspec
from msgspec import Struct

from assent_core.assembly import open_session
from assent_core.diffs.review import Mark, Review
from assent_core.errors import AssentError, UsageError
from assent_core.events import AnyEvent, Ended
from assent_core.memory import sessions
from assent_core.memory.cues import Acted, Began, Cue, Selection, read_cues
from assent_core.memory.record import Passage, read, whole
from assent_core.replay.comparing import Course, drifts
from assent_core.replay.ground import lay_out
from assent_core.replay.recital import Recital
from assent_core.replay.standing_in import RecordedUser, Recording, standing_in
from assent_core.session import Session
from assent_core.settings import Settings
from assent_core.workspace import Workspace
from assent_sandbox.stage import File, StageError


class Replay(Struct, frozen=True, kw_only=True):
    """What came of playing a session again."""

    ground: str
    """On which files it was played."""
    events: int
    """How many events were recorded."""
    drifts: tuple[str, ...] = ()
    """Where it was not the same, the first thing first; empty: it was."""
    notes: tuple[str, ...] = ()
    """What could not be played, and is no drift by itself."""


async def replay(state: Path, id: str, workspace: Workspace, at: str = "") -> Replay:
    """Play a session again on its files of then, or `at` another commit; UsageError where it cannot be played."""
    path, cues = sessions.record_path(state, id), read_cues(sessions.cues_path(state, id))
    recorded = _recorded(path)
    if recorded.heading.forked:
        raise UsageError(
            f"The session {id} is a fork: its beginning was played in {recorded.heading.forked}.", "Replay that one."
        )
    first = next((cue for cue in cues if isinstance(cue, Began)), None)
    if first is None:
        raise UsageError(f"What came into the session {id} was not kept, so it cannot be played.", "Newer ones can be.")
    recording = Recording(recorded.events)
    with _apart(workspace.root.name) as (root, elsewhere):
        ground = lay_out(workspace, first, at, root)
        async with Recital(cues) as recital:
            stage = _Playing(elsewhere, root, recital.url, recorded=recorded, cues=cues, recording=recording)
            notes = await stage.play(cues)
        played = read(stage.record)
        now = read_cues(stage.record.with_suffix(".cues"))
        found = drifts(
            Course(recorded.events, cues, recorded.heading.root, lambda event: whole(path, event)),
            Course(played.events, now, str(root), lambda event: whole(stage.record, event)),
        )
    stood = (f"The recorded result stood in for what had reached beyond the stage: {one}" for one in recording.stood_in)
    return Replay(ground=ground, events=len(recorded.events), drifts=found, notes=(*notes, *stood))


def _recorded(path: Path) -> Passage:
    try:
        return read(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"The session cannot be read: {error}", "`assent sessions` lists them.") from error


@contextmanager
def _apart(name: str) -> Generator[tuple[Path, Path]]:
    """Folders for the files and for the state; meanwhile nothing of the environment leads to the user's own, or to a key."""
    names = ("ASSENT_STATE_DIR", "OPENAI_API_KEY", "OPENAI_BASE_URL")
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        with tempfile.TemporaryDirectory(prefix="assent-replay-", ignore_cleanup_errors=True) as folder:
            root = Path(folder).resolve() / "files" / (name or "root")
            root.mkdir(parents=True)
            yield root, Path(folder).resolve() / "state"
    finally:
        os.environ.update(kept)


class _Playing:
    """One session that is being played."""

    def __init__(
        self, state: Path, root: Path, url: str, *, recorded: Passage, cues: Iterable[Cue], recording: Recording
    ) -> None:
        self._state = state
        self._root = root
        self._url = url
        self._user = RecordedUser(cues)
        self._performs = standing_in(recording)
        self._lengths = _lengths_of_interrupted(recorded.events)
        self._session: Session | None = None
        self._notes: list[str] = []
        self.record = Path()

    async def play(self, cues: Iterable[Cue]) -> tuple[str, ...]:
        """All of it; gives what could not be played."""
        try:
            for cue in cues:
                if isinstance(cue, Began):
                    await self._open(cue)
                elif isinstance(cue, Acted) and self._session is not None:
                    try:
                        await self._act(self._session, cue)
                    except (AssentError, StageError) as error:
                        self._notes.append(f"It could not be done again ({cue.act}): {error}")
                    except Exception as error:  # a fault of assent is what a replay is to find
                        self._notes.append(f"A fault of assent ended it ({cue.act}): {type(error).__name__}: {error}")
        finally:
            if self._session is not None:
                await self._session.close(keep=False)
        return tuple(self._notes)

    async def _open(self, began: Began) -> None:
        known = {name: value for name, value in began.settings.items() if name in Settings.__struct_fields__}
        settings = msgspec.structs.replace(
            msgspec.convert(known, Settings), base_url=self._url, state=str(self._state), accounts=False
        )
        resume = self._session.opened.session if self._session else ""
        if self._session is not None:
            await self._session.close()
        user = self._user if began.asked else None
        self._session = await open_session(self._root, settings, user, resume=resume, performs=self._performs)
        self.record = self._session.record

    async def _act(self, session: Session, act: Acted) -> None:
        match act.act:
            case "turn":
                await self._follow(session.turn(act.text), act)
            case "ask":
                await self._follow(session.ask(act.text), act)
            case "plan":
                await self._follow(session.make_plan(act.text), act)
            case "carry out":
                await self._follow(session.carry_out(act.text), act)
            case "drop plan":
                session.drop_plan()
            case "fix":
                await self._follow(session.repair(act.command, act.text, act.number, act.attempts), act)
            case "run":
                await self._follow(session.run(act.command, act.text), act)
            case "verify":
                await self._follow(session.verify(await _chosen(session, act.selection), act.command), act)
            case "compact":
                await self._follow(session.compact(), act)
            case "land":
                await session.land(await _chosen(session, act.selection))
            case "take back":
                await session.take_back(await _chosen(session, act.selection))
            case "amend":
                await _amend(session, act)
            case "undo":
                await session.undo()
            case "rewind":
                await session.rewind(act.text)
            case "note":
                session.note_for_model(act.text)
            case _:
                assert_never(act.act)

    async def _follow(self, events: AsyncGenerator[AnyEvent], act: Acted) -> None:
        """To the end, or as far as it went when the user interrupted it."""
        if act.images:
            self._notes.append("Pictures that went along with a prompt are not kept; it was played without them.")
        length = self._lengths.pop(0) if self._lengths else None
        count = 0
        async with aclosing(events) as stream:
            async for _ in stream:
                count += 1
                if length is not None and count >= length:
                    return


def _lengths_of_interrupted(events: Iterable[AnyEvent]) -> list[int | None]:
    """For each piece of work how many of its events were recorded before it was interrupted; None: it was not."""
    lengths: list[int | None] = []
    count = 0
    for event in events:
        count += 1
        if isinstance(event, Ended):
            lengths.append(count - 1 if event.how == "interrupted" else None)
            count = 0
    return lengths


async def _chosen(session: Session, selection: Selection | None) -> Review:
    """What is staged, with the recorded decisions on hunks that are the same."""
    chosen = selection or Selection()
    marks = {hunk: Mark("accepted") for hunk in chosen.accepted} | {hunk: Mark("rejected") for hunk in chosen.rejected}
    review, _ = await session.review(Review(marks=marks, cuts=chosen.cuts))
    return review


async def _amend(session: Session, act: Acted) -> None:
    review, _ = await session.review()
    shown = next((file for file in review.files if file.path == act.text), None)
    if shown is None:
        raise UsageError(f"{shlex.quote(act.text)} is not staged, so it cannot be edited.", "")
    session.amend(shown, File(base64.b64decode(act.content), act.mode))
