"""What a session does with what is staged: review it, land it, take it back, amend it, undo what was landed."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import msgspec

from assent_core.diffs import review
from assent_core.diffs.changes import FileChange, take_apart
from assent_core.diffs.review import Evidence, Review, told_of_edit
from assent_core.errors import LandingRefused, UsageError
from assent_core.events import Committed, Drifted, Landed, Noticed, Opened, Planned, Rewound, Undone
from assent_core.landing import landings
from assent_core.memory.course import Course
from assent_core.memory.cues import Act, Acted, Cues, Selection
from assent_core.memory.record import Record
from assent_core.performing.fresh import put
from assent_core.redaction.values import redacted
from assent_core.settings import Settings
from assent_core.turns.turn import Bench
from assent_sandbox.stage import Change, File, Stage

Happening = TypeVar("Happening", Landed, Undone, Rewound, Planned, Committed)


class Settling:
    """The half of a session that decides: nothing of it asks a model. All but `review` needs that nothing runs."""

    def __init__(
        self, opened: Opened, settings: Settings, bench: Bench, record: Record, *, course: Course, cues: Cues
    ) -> None:
        self.opened = opened
        self.settings = settings
        self._bench = bench
        self._record = record
        self._course = course
        self._cues = cues
        self._evidence: tuple[Evidence, ...] = ()
        self._notes: list[str] = []
        self._empty = True
        self._busy = False

    @property
    def overlooked(self) -> int:
        """How many paths the last review left out, since git ignores them: they stay on the stage and never land."""
        return self._bench.performer.overlooked

    @property
    def ignored(self) -> tuple[str, ...]:
        """What differs on the stage and never lands, since git ignores it; as the last review found it."""
        return self._bench.performer.ignored

    async def review(self, earlier: Review | None = None) -> tuple[Review, Drifted | None]:
        """Rebase the stage and compute the review of what is on it, with the marks of an earlier one kept."""
        if drifted := await drift(self._bench.performer.stage):
            self._record.append(drifted)
            self._notes.append(drift_in_words(drifted))
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
        self._cue("land", selection=Selection.of(decided))
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
        self._cue("take back", selection=Selection.of(decided))
        for outcome in self._outcomes_as_shown(decided):
            self._bench.performer.stage.settle(outcome.path, outcome.before, outcome.staged)
        return len(decided.rejected)

    def amend(self, shown: FileChange, entry: File) -> None:
        """Put what the user wrote in the review on the stage, in the place of exactly what was shown; the model is told.

        Raises LandingRefused if something else stands there meanwhile: review again.
        """
        self._must_be_idle()
        self._as_shown(shown)
        self._cues.amend(shown.path, entry.data, entry.mode)
        self._bench.performer.stage.write(shown.path, entry)
        edited = take_apart(Change(path=shown.path, before=shown.after, after=entry))
        self._notes.append(told_of_edit(edited))
        self._record.append(Noticed(text=f"{shown.path} was edited by the user in the review."))

    async def undo(self, id: str = "") -> Undone:
        """Take back a landing, the newest one if none is named; what this session landed is on the stage again.

        What was edited since is kept, in the files and on the stage; LandingRefused names files where it cannot be.
        """
        self._must_be_idle()
        self._cue("undo", id)
        performer, state = self._bench.performer, self.settings.state_dir
        root, stage = performer.workspace.root, performer.stage
        stage.rebase()
        known = {made.id: made for made in landings.landings(root, state) if made.session == self.opened.session}
        staged = {path: stage.read(path) for made in known.values() for path in made.paths}
        undone = await asyncio.to_thread(landings.undo, root, state, id)
        self._bench.books.undone(undone.id)
        stage.rebase()
        for path in undone.paths if undone.id in known else ():
            put(stage, path, staged[path])
        return self._happened(Undone(landing=undone.id, paths=undone.paths, left=undone.left))

    def note_for_model(self, text: str) -> None:
        """Put the user's reasons and comments before the next prompt."""
        if text:
            self._cue("note", text)
            self._notes.append(text)

    def _outcomes_as_shown(self, decided: Review) -> tuple[review.Outcome, ...]:
        for file in decided.files:
            self._as_shown(file)
        return review.outcomes(decided)

    def _as_shown(self, file: FileChange) -> None:
        if self._bench.performer.stage.read(file.path) != file.after:
            raise LandingRefused(f"{file.path} has changed on the stage since it was shown.", "Review it again.")

    def _happened(self, event: Happening) -> Happening:
        self._empty = False
        self._course.saw(event)
        self._record.append(event)
        return redacted(event, self._bench.performer.redact)

    def _cue(
        self,
        act: Act,
        text: str = "",
        command: tuple[str, ...] = (),
        *,
        number: int = 0,
        images: int = 0,
        attempts: int = 1,
        selection: Selection | None = None,
    ) -> None:
        self._cues.act(
            Acted(
                act=act,
                text=text,
                command=command,
                number=number,
                images=images,
                attempts=attempts,
                selection=selection,
            )
        )

    def _must_be_idle(self) -> None:
        if self._busy:
            raise UsageError("Something is still running in this session.", "Wait for it, or interrupt it with Esc.")


async def drift(stage: Stage) -> Drifted | None:
    """Bring a stage up to the real files; what that did beyond following them."""
    moved = await asyncio.to_thread(stage.rebase)
    told = tuple(one for one in moved if one.how != "followed")
    return Drifted(moved=told) if told else None


def drift_in_words(drifted: Drifted) -> str:
    """What the model hears of files that changed under it."""
    said = ", ".join(f"{moved.path} ({moved.how})" for moved in drifted.moved)
    return f"Meanwhile the user's own files changed, and the stage was brought up to them: {said}."


def landed_in_words(rewound: Rewound) -> str:
    """What the model hears of files that landed after the prompt to which the session goes back."""
    return f"Meanwhile the user's own files changed: {', '.join(rewound.landed)}."
