"""A session: turns that remember each other, their review, landing and undoing."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import shlex
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from assent_core.background import Background
from assent_core.context.compactor import Compactor
from assent_core.context.gauge import Gauge, Room
from assent_core.context.transcript import image_url
from assent_core.diffs import review
from assent_core.diffs.changes import FileChange, take_apart
from assent_core.diffs.review import Evidence, Review, told_of_edit
from assent_core.errors import AssentError, EnvironmentFault, LandingRefused, UsageError
from assent_core.events import (
    AnyEvent,
    Drifted,
    Ended,
    Landed,
    Noticed,
    Opened,
    Prompted,
    Staged,
    Undone,
    Verified,
)
from assent_core.instructions import opening
from assent_core.landing import landings
from assent_core.memory.notebook import Notebook
from assent_core.memory.past import Past
from assent_core.memory.record import Record
from assent_core.money.accounts import Kind
from assent_core.perform import Performer, Result
from assent_core.proposals import Shell
from assent_core.redaction.values import redacted
from assent_core.repair import repair, run_typed
from assent_core.router import route
from assent_core.settings import Settings
from assent_core.telling import Telling
from assent_core.turn import Bench, ended, turn
from assent_sandbox.stage import Change, Entry, File, Opaque, Stage, StageError
from assent_sandbox.tiers import open_stage

Happening = TypeVar("Happening", Landed, Undone)


class Session:
    """One conversation over one stage. Every event that happens is also in the record.

    Put together by assembly.open_session. Only one turn, repair or command runs at a time; closing its generator interrupts it
    and keeps what was staged.
    """

    def __init__(
        self,
        opened: Opened,
        settings: Settings,
        bench: Bench,
        record: Record,
        background: Background,
        *,
        past: Past | None = None,
    ) -> None:
        self.opened = opened
        self.settings = settings
        self._bench = bench
        self._record = record
        self._background = background
        self.past = past or Past()
        """What a resumed session takes over; empty in one that begins."""
        self._evidence: tuple[Evidence, ...] = self.past.evidence
        self._notes: list[str] = []
        self._turn = self.past.turn
        self._empty = not self.past.events
        self._closed = False
        self._busy = False
        record.append(opened)

    @property
    def record(self) -> Path:
        """Where the events of this session are kept."""
        return self._record.path

    @cached_property
    def notebook(self) -> Notebook:
        """What the user wrote in this repository: the history of prompts, and drafts."""
        performer = self._bench.performer
        return Notebook(self.settings.state_dir, performer.workspace.root, performer.redact)

    async def files(self) -> tuple[str, ...]:
        """Tracked and untracked, not ignored files of the real tree, relative to its root, sorted."""
        return await asyncio.to_thread(self._bench.performer.workspace.tracked)

    def turn(self, prompt: str, images: tuple[Path, ...] = ()) -> AsyncGenerator[AnyEvent]:
        """Give the worker a prompt; the last event is `Ended`. Service errors end it (`failed`) and are not raised."""
        return self._told("turn", self._prompted(prompt, images, self.settings.turns))

    def repair(self, command: tuple[str, ...], prompt: str = "", turns: int = 0) -> AsyncGenerator[AnyEvent]:
        """The `fix` loop: run, digest, repair, run again until it passes; the last event is `Ended`.

        `turns` is the most requests to the worker in all; 0 takes the setting.
        """
        shell = self._typed(command)

        def work(text: str, limit: int) -> AsyncGenerator[AnyEvent]:
            return self._prompted(text, (), limit)

        return self._told("fix", repair(self._bench, shell, prompt, turns or self.settings.turns, work))

    def run(self, command: tuple[str, ...], workdir: str = "") -> AsyncGenerator[AnyEvent]:
        """Run a command of the user's own on the stage: Proposed, Printed..., Performed, Staged?, Digested?, Ended."""
        return self._told("run", self._run(self._typed(command, workdir)))

    def verify(self, review: Review, command: tuple[str, ...]) -> AsyncGenerator[AnyEvent]:
        """Run a command on a fresh stage that holds the real tree plus the selection; ends with Verified and Ended."""
        return self._told("verify", self._verify(review, self._typed(command)))

    def compact(self) -> AsyncGenerator[AnyEvent]:
        """Make room in the context now: digests for old outputs, a summary for old items; ends with Noticed and Ended."""
        return self._told("compact", self._compact())

    def context(self) -> Room:
        """How full the context is, in tokens by its parts: what the next request would hold."""
        bench = self._bench
        request = msgspec.structs.replace(bench.request, items=bench.transcript.items)
        return (bench.compactor or Compactor(bench.model, bench.meter, Gauge(), self.settings)).room(request)

    async def review(self, earlier: Review | None = None) -> tuple[Review, Drifted | None]:
        """Rebase the stage and compute the review of what is on it, with the marks of an earlier one kept."""
        if drifted := await self._rebase():
            self._record.append(drifted)
            self._notes.append(_drift_in_words(drifted))
        files = await asyncio.to_thread(self._bench.performer.changes)
        renewed = review.renew(earlier or Review(), files)
        return msgspec.structs.replace(renewed, evidence=self._evidence), drifted

    async def land(self, decided: Review) -> Landed:
        """Write what is accepted into the real tree; raises LandingRefused if it moved: review again."""
        self._must_be_idle()
        outcomes, stage = self._outcomes_as_shown(decided), self._bench.performer.stage
        writes = tuple(
            landings.Write(path=outcome.path, before=outcome.before, after=outcome.landed)
            for outcome in outcomes
            if outcome.landed != outcome.before
        )
        if not writes:
            raise UsageError(
                "Nothing is accepted, so there is nothing to land.", "Accept a hunk with y, or all with A."
            )
        root, state = self._bench.performer.workspace.root, self.settings.state_dir
        made = await asyncio.to_thread(landings.land, root, state, writes, self.opened.session)
        for outcome in outcomes:
            stage.settle(outcome.path, outcome.landed, outcome.staged)
        self._bench.books.landed(made.id, decided)
        return self._happened(
            Landed(landing=made.id, paths=made.paths, hunks=len(decided.accepted), left=len(decided.undecided))
        )

    async def take_back(self, decided: Review) -> int:
        """Take what is rejected off the stage and touch no real file; gives how many hunks went."""
        self._must_be_idle()
        for outcome in self._outcomes_as_shown(decided):
            self._bench.performer.stage.settle(outcome.path, outcome.before, outcome.staged)
        return len(decided.rejected)

    def amend(self, shown: FileChange, entry: File) -> None:
        """Put what the user wrote in the review on the stage, in the place of exactly what was shown; the model is told.

        Raises LandingRefused if something else stands there meanwhile: review again.
        """
        self._must_be_idle()
        self._as_shown(shown)
        self._bench.performer.stage.write(shown.path, entry)
        edited = take_apart(Change(path=shown.path, before=shown.after, after=entry))
        self._notes.append(told_of_edit(edited))
        self._record.append(Noticed(text=f"{shown.path} was edited by the user in the review."))

    async def undo(self, id: str = "") -> Undone:
        """Take back a landing, the newest one if none is named; what this session landed is on the stage again.

        What was edited since is kept, in the files and on the stage; LandingRefused names files where it cannot be.
        """
        self._must_be_idle()
        performer, state = self._bench.performer, self.settings.state_dir
        root, stage = performer.workspace.root, performer.stage
        stage.rebase()
        known = {made.id: made for made in landings.landings(root, state) if made.session == self.opened.session}
        staged = {path: stage.read(path) for made in known.values() for path in made.paths}
        undone = await asyncio.to_thread(landings.undo, root, state, id)
        self._bench.books.undone(undone.id)
        stage.rebase()
        for path in undone.paths if undone.id in known else ():
            _put(stage, path, staged[path])
        return self._happened(Undone(landing=undone.id, paths=undone.paths))

    def note_for_model(self, text: str) -> None:
        """Put the user's reasons and comments before the next prompt."""
        if text:
            self._notes.append(text)

    async def close(self, *, keep: bool = True) -> None:
        """End helper processes and connections; the stage stays if it holds changes and is deleted if it does not.

        `keep` False: nobody will come back to the changes, so the stage is deleted with them. Doing it twice is no error.
        """
        if self._closed:
            return
        self._closed = True
        await self._background.close()
        await self._bench.model.close()
        stage = self._bench.performer.stage
        changed = keep and await asyncio.to_thread(self._bench.performer.changes)
        await (stage.close() if changed else stage.discard())
        self._record.close()
        await asyncio.to_thread(self._bench.books.flush)
        self.notebook.close()
        if self._empty:
            self._record.path.unlink(missing_ok=True)

    async def _prompted(self, prompt: str, images: tuple[Path, ...], limit: int) -> AsyncGenerator[AnyEvent]:
        yield Prompted(turn=self._turn, text=prompt)
        if drifted := await self._rebase():
            yield drifted
            self._notes.append(_drift_in_words(drifted))
        await asyncio.to_thread(self._bench.performer.changes)
        transcript = self._bench.transcript
        if not transcript.items:
            transcript.say(opening(self._bench.performer.workspace, self.opened.tier))
        transcript.say("\n\n".join([*self._notes, prompt]), _pictures(images))
        self._notes.clear()
        routed = route("image" if images else "edit", self.settings)
        try:
            async with aclosing(turn(self._bench, routed, limit)) as events:
                async for event in events:
                    yield event
        finally:
            self._bench.gate.end_task()
            self._bench.refused.clear()

    async def _compact(self) -> AsyncGenerator[AnyEvent]:
        bench = self._bench
        before = bench.transcript.items
        request = msgspec.structs.replace(bench.request, items=before)
        if bench.compactor:
            async with aclosing(bench.compactor.compact(bench.transcript, request, summarise=True)) as events:
                async for event in events:
                    yield event
        if bench.transcript.items == before:
            yield Noticed(text="There is nothing to compact yet: the context holds little beyond what is newest.")

    async def _run(self, shell: Shell) -> AsyncGenerator[AnyEvent]:
        await asyncio.to_thread(self._bench.performer.changes)
        async with aclosing(run_typed(self._bench, secrets.token_hex(4), shell)) as events:
            async for event in events:
                if not isinstance(event, Result):
                    yield event

    async def _verify(self, decided: Review, shell: Shell) -> AsyncGenerator[AnyEvent]:
        performer = self._bench.performer
        home = Path(performer.stage.view.home).with_name(f"{self.opened.session}-verify")
        stage = await open_stage(performer.workspace.root, home, self.opened.tier)
        try:
            for outcome in review.outcomes(decided):
                _put(stage, outcome.path, outcome.landed)
            fresh = Performer(stage, performer.workspace, performer.policy, performer.redact)
            await asyncio.to_thread(fresh.changes)
            bench = dataclasses.replace(self._bench, performer=fresh)
            async with aclosing(run_typed(bench, secrets.token_hex(4), shell)) as events:
                async for event in events:
                    if not isinstance(event, Result | Staged):
                        yield event
        finally:
            await stage.discard()

    async def _told(self, kind: Kind, main: AsyncGenerator[AnyEvent]) -> AsyncGenerator[AnyEvent]:
        self._must_be_idle()
        self._busy = True
        self._empty = False
        self._turn += 1
        self._bench.books.begin(kind)
        self._bench.meter.budgets.begin_task()
        telling = Telling(self._bench.performer.redact)
        ending = Ended(turn=self._turn, how="interrupted", message="Interrupted; what is staged is kept.", code=130)
        try:
            async with aclosing(self._background.joined(main)) as events:
                async for event in events:
                    self._saw(event)
                    for shown in telling(event):
                        yield shown
            ending = ended(self._turn)
        except AssentError as error:
            ending = ended(self._turn, error)
        except StageError as error:
            ending = ended(self._turn, EnvironmentFault(str(error), error.hint))
        finally:
            self._busy = False
            self._record.append(ending)
            self._bench.books.end(ending)
        for shown in telling(ending):
            yield shown

    def _saw(self, event: AnyEvent) -> None:
        self._bench.books.saw(event)
        if isinstance(event, Verified) and event.evidence not in self._evidence:
            self._evidence += (event.evidence,)

    async def _rebase(self) -> Drifted | None:
        moved = await asyncio.to_thread(self._bench.performer.stage.rebase)
        told = tuple(one for one in moved if one.how != "followed")
        return Drifted(moved=told) if told else None

    def _outcomes_as_shown(self, decided: Review) -> tuple[review.Outcome, ...]:
        for file in decided.files:
            self._as_shown(file)
        return review.outcomes(decided)

    def _as_shown(self, file: FileChange) -> None:
        if self._bench.performer.stage.read(file.path) != file.after:
            raise LandingRefused(f"{file.path} has changed on the stage since it was shown.", "Review it again.")

    def _happened(self, event: Happening) -> Happening:
        self._empty = False
        self._record.append(event)
        return redacted(event, self._bench.performer.redact)

    def _typed(self, command: tuple[str, ...], workdir: str = "") -> Shell:
        subdir = self._bench.performer.workspace.subdir
        return Shell(command=shlex.join(command), workdir=workdir or subdir, seconds=self.settings.limits.seconds)

    def _must_be_idle(self) -> None:
        if self._busy:
            raise UsageError("Something is still running in this session.", "Wait for it, or interrupt it with Esc.")


def _put(stage: Stage, path: str, entry: Entry | None) -> None:
    if entry is None:
        stage.delete(path)
    elif not isinstance(entry, Opaque):
        stage.write(path, entry)


def _pictures(paths: tuple[Path, ...]) -> tuple[str, ...]:
    pictures: list[str] = []
    for path in paths:
        try:
            url = image_url(path.name, path.read_bytes())
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}", "Name an image file.") from error
        if not url:
            raise UsageError(f"{path} is no PNG, JPEG, GIF or WebP under 5 MiB.", "Convert it or make it smaller.")
        pictures.append(url)
    return tuple(pictures)


def _drift_in_words(drifted: Drifted) -> str:
    said = ", ".join(f"{moved.path} ({moved.how})" for moved in drifted.moved)
    return f"Meanwhile the user's own files changed, and the stage was brought up to them: {said}."
