"""A session: turns that remember each other, their review, landing and undoing."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from functools import cached_property
from pathlib import Path

import msgspec

from assent_core import machine
from assent_core.commits import Commits
from assent_core.context.compactor import Compactor
from assent_core.context.gauge import Gauge, Room
from assent_core.diffs.review import Review
from assent_core.errors import AssentError, UsageError
from assent_core.events import (
    AnyEvent,
    Drifted,
    Ended,
    Noticed,
    Opened,
    Planned,
    Prompted,
    Rewound,
    Verified,
)
from assent_core.instructions import question_prompt, without_template
from assent_core.memory import sessions
from assent_core.memory.course import Course
from assent_core.memory.cues import Cues, Selection
from assent_core.memory.forks import fork
from assent_core.memory.marked import MarkFile
from assent_core.memory.notebook import Notebook
from assent_core.memory.past import Past
from assent_core.memory.record import Record
from assent_core.memory.sessions import new_id
from assent_core.model import Effort
from assent_core.money.accounts import Kind
from assent_core.performing.passage import Passage
from assent_core.prompting import Prompt, Prompting, carrying_out, planning
from assent_core.proposals import Shell
from assent_core.redaction.values import redacted
from assent_core.roles.lookout import Lookout
from assent_core.roles.scout import Scout
from assent_core.settings import RoleSettings, Settings
from assent_core.settling import Settling, drift, drift_in_words, landed_in_words
from assent_core.telling import Telling
from assent_core.trials import on_selection, on_stage
from assent_core.turns.repair import Course as Repair
from assent_core.turns.repair import repair
from assent_core.turns.turn import Bench, ended
from assent_sandbox import album
from assent_sandbox.stage import StageError


class Session(Settling):
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
        lookout: Lookout,
        *,
        course: Course,
        cues: Cues,
        past: Past | None = None,
    ) -> None:
        super().__init__(opened, settings, bench, record, course=course, cues=cues)
        self._lookout = lookout
        self._background = lookout.background
        self.past = past or Past()
        """What a resumed session takes over; empty in one that begins."""
        self._evidence = self.past.evidence
        self._prompting = Prompting(bench, settings, lookout, course, self._notes)
        self._prompting.turn, self._prompting.named = self.past.turn, self.past.named
        lookout.remarked, lookout.task = self.past.remarked or lookout.remarked, self.past.task
        self._empty = not self.past.events
        self._closed = False
        self.kept = False
        """Whether it was closed with changes to decide, for which its stage stays."""
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

    @cached_property
    def marks(self) -> MarkFile:
        """What the user decided in the review, as far as it has not landed."""
        state, id = self.settings.state_dir, self.opened.session
        return MarkFile(sessions.marks_path(state, id), self._bench.performer.redact)

    @cached_property
    def commits(self) -> Commits:
        """What landed here as commits of the repository."""
        performer, past = self._bench.performer, self.past.events
        happened = self._happened
        return Commits(
            self.opened.session, performer.workspace, self.settings, self.scout, past=past, happened=happened
        )

    @property
    def scout(self) -> Scout:
        """Who answers small questions beside the turns: what it was sent, and its switch."""
        return self._lookout.scout

    @property
    def plan(self) -> str:
        """The plan that waits to be carried out or dropped; empty without one."""
        return self._course.plan

    def work_with(self, model: str, effort: Effort | None = None) -> RoleSettings:
        """Have another model work from the next prompt on, in this session; what was seen and staged stays."""
        bound = self._prompting.work_with(model, effort)
        self._record.append(Noticed(text=f"From now on {bound.model} works (effort {bound.effort})."))
        return bound

    def listen(self, listener: Callable[[AnyEvent], object]) -> None:
        """Tell somebody of what happens beside while no turn runs, at once; it must not block."""
        redact = self._bench.performer.redact
        self._background.listener = lambda event: listener(redacted(event, redact))

    async def files(self) -> tuple[str, ...]:
        """Tracked and untracked, not ignored files of the real tree, relative to its root, sorted."""
        return await asyncio.to_thread(self._bench.performer.workspace.tracked)

    def turn(self, prompt: str, images: tuple[Path, ...] = ()) -> AsyncGenerator[AnyEvent]:
        """Give the worker a prompt; the last event is `Ended`. Service errors end it (`failed`) and are not raised."""
        self._cue("turn", prompt, images=len(images))
        return self._told(
            "turn", self._prompting.work(Prompt(text=prompt, images=images, names=True), self.settings.turns)
        )

    def ask(self, question: str) -> AsyncGenerator[AnyEvent]:
        """A turn that is to answer a question and nothing else; that nothing is changed is the matter of the mode."""
        self._cue("ask", question)
        prompt = Prompt(text=question, told=question_prompt(question))
        return self._told("turn", self._prompting.work(prompt, self.settings.turns))

    def make_plan(self, wish: str, images: tuple[Path, ...] = ()) -> AsyncGenerator[AnyEvent]:
        """Have the planner look and answer with a plan; nothing can be changed by it. Planned and Ended are the last events."""
        self._cue("plan", wish, images=len(images))
        return self._told("plan", self._prompting.plan(planning(wish, images), self.settings.turns))

    def carry_out(self, plan: str) -> AsyncGenerator[AnyEvent]:
        """Have the worker carry a plan out, as its text stands: the one that waits, or what the user made of it."""
        self._cue("carry out", plan)
        return self._told("turn", self._carried_out(plan))

    def drop_plan(self) -> Planned:
        """Drop the plan that waits; UsageError if there is none."""
        self._must_be_idle()
        if not self.plan:
            raise UsageError("There is no plan to drop.", "/plan WISH makes one.")
        self._cue("drop plan")
        return self._happened(Planned(text=self.plan, how="dropped"))

    async def review(self, earlier: Review | None = None) -> tuple[Review, Drifted | None]:
        """What is staged, as `Settling` finds it, with what the reviewer said of it."""
        found, drifted = await super().review(earlier)
        return msgspec.structs.replace(found, remarks=self._lookout.remarks_on(found.files)), drifted

    def second_look(self) -> None:
        """Let the reviewer read what is staged, if the settings want that; returns at once, Remarked tells what it found."""
        self._lookout.read(self._bench.performer.staged)

    def repair(
        self, command: tuple[str, ...], prompt: str = "", turns: int = 0, attempts: int = 1
    ) -> AsyncGenerator[AnyEvent]:
        """The `fix` loop: run, digest, repair, run again until it passes; the last event is `Ended`.

        `turns` is the most requests to a worker in all; 0 takes the setting. Several `attempts` race, each on a stage of
        its own; what the first made that passes is on the stage in the end.
        """
        self._cue("fix", prompt, command, number=turns, attempts=attempts)
        shell = self._typed(command)
        if attempts > 1 and self._bench.crew:
            return self._told("fix", self._race(shell, prompt, turns or self.settings.turns, attempts))
        task = f"Make this command succeed: {shell.command}\n{prompt}".strip()

        def work(text: str, limit: int) -> AsyncGenerator[AnyEvent]:
            problem = Prompt(text=task, told=text, clues=without_template(text), work="debug")
            return self._prompting.work(problem, limit)

        return self._told("fix", repair(self._bench, Repair(shell), prompt, turns or self.settings.turns, work))

    def run(
        self, command: tuple[str, ...], workdir: str = "", passage: Passage | None = None
    ) -> AsyncGenerator[AnyEvent]:
        """Run a command of the user's own on the stage: Proposed, Printed..., Performed, Staged?, Digested?, Ended.

        With a `passage` all of its output is told: the streams in it as their very bytes, the other ones by Printed.
        """
        self._cue("run", workdir, command)
        self._bench.performer.passage = passage
        return self._told("run", on_stage(self._bench, self._typed(command, workdir)))

    def verify(self, review: Review, command: tuple[str, ...]) -> AsyncGenerator[AnyEvent]:
        """Run a command on a fresh stage that holds the real tree plus the selection; ends with Verified and Ended."""
        self._cue("verify", command=command, selection=Selection.of(review))
        return self._told("verify", on_selection(self._bench, review, self._typed(command)))

    def compact(self) -> AsyncGenerator[AnyEvent]:
        """Make room in the context now: digests for old outputs, a summary for old items; ends with Noticed and Ended."""
        self._cue("compact")
        return self._told("compact", self._compact())

    def context(self) -> Room:
        """How full the context is, in tokens by its parts: what the next request would hold."""
        bench = self._bench
        request = msgspec.structs.replace(bench.request, items=bench.transcript.items)
        return (bench.compactor or Compactor(bench.model, bench.meter, Gauge(), self.settings)).room(request)

    def prompts(self) -> tuple[Prompted, ...]:
        """The prompts to which this session can go back, oldest first."""
        return self._course.prompts()

    async def rewind(self, snapshot: str) -> Rewound:
        """Go back to before a prompt: the stage and what the model has seen are as they were then.

        What landed meanwhile stays landed, evidence stays (it says what it is of), what the model was to be told is dropped.
        """
        self._must_be_idle()
        self._cue("rewind", snapshot)
        rewound = await asyncio.to_thread(self._course.go_back, self._course.prompt(snapshot))
        self._notes[:] = [landed_in_words(rewound)] if rewound.landed else []
        self._notes += [drift_in_words(Drifted(moved=rewound.moved))] if rewound.moved else []
        self._happened(rewound)
        self._course.arrive()
        return rewound

    async def finish_rewinding(self) -> Rewound | None:
        """Go back to where an earlier process was on its way when it ended."""
        prompt = await asyncio.to_thread(self._course.interrupted)
        return await self.rewind(prompt.snapshot) if prompt else None

    async def fork(self, snapshot: str = "") -> str:
        """Let a session of its own go on from before a prompt, or from here; its id. This one stays as it is."""
        self._must_be_idle()
        prompt, here = self._course.prompt(snapshot) if snapshot else None, self.opened.session
        id, redact = new_id(), self._bench.performer.redact
        await asyncio.to_thread(fork, self.settings.state_dir, here, id, self._course, prompt=prompt, redact=redact)
        self._empty = False
        return id

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
        self.kept = keep and await asyncio.to_thread(self._bench.performer.holds_changes)
        await (stage.close() if self.kept else stage.discard())
        self._record.close()
        await asyncio.to_thread(self._bench.books.flush)
        self.notebook.close()
        if self._empty:
            sessions.erase(self.settings.state_dir, self.opened.session)
        elif not keep:
            album.erase(sessions.album_path(self.settings.state_dir, self.opened.session))

    async def _carried_out(self, plan: str) -> AsyncGenerator[AnyEvent]:
        yield Planned(text=plan, how="begun")
        async with aclosing(self._prompting.work(carrying_out(plan), self.settings.turns)) as events:
            async for event in events:
                yield event

    async def _race(self, shell: Shell, wish: str, limit: int, attempts: int) -> AsyncGenerator[AnyEvent]:
        assert self._bench.crew
        if drifted := await drift(self._bench.performer.stage):
            yield drifted
        await asyncio.to_thread(self._bench.performer.changes)
        try:
            async with aclosing(self._bench.crew.race(self._bench, shell, wish, limit, attempts)) as events:
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

    async def _told(self, kind: Kind, main: AsyncGenerator[AnyEvent]) -> AsyncGenerator[AnyEvent]:
        self._must_be_idle()
        self._busy = True
        self._empty = False
        self._prompting.turn += 1
        self._bench.books.begin(kind)
        self._bench.meter.budgets.begin_task()
        telling = Telling(self._bench.performer.redact)
        ending = Ended(
            turn=self._prompting.turn, how="interrupted", message="Interrupted; what is staged is kept.", code=130
        )
        try:
            async with aclosing(self._background.joined(main)) as events:
                async for event in events:
                    self._saw(event)
                    for shown in telling(event):
                        yield shown
            ending = ended(self._prompting.turn)
        except (AssentError, StageError, OSError) as error:
            if (fault := machine.told(error)) is None:
                raise
            ending = ended(self._prompting.turn, fault)
        finally:
            self._busy = False
            with suppress(OSError):
                self._record.append(ending)
            self._bench.books.end(ending)
        if ending.how == "done":
            self._prompting.name()
            self._lookout.look_ahead()
        for shown in telling(ending):
            yield shown

    def _saw(self, event: AnyEvent) -> None:
        self._bench.books.saw(event)
        self._course.saw(event)
        if isinstance(event, Verified) and event.evidence not in self._evidence:
            self._evidence += (event.evidence,)

    def _typed(self, command: tuple[str, ...], workdir: str = "") -> Shell:
        subdir = self._bench.performer.workspace.subdir
        return Shell(command=shlex.join(command), workdir=workdir or subdir, seconds=self.settings.limits.seconds)
