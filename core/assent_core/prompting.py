"""A prompt becomes a turn: who takes it, what the model must know first, and what a plan makes of it."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from assent_core.consent.plainly import triage
from assent_core.context.gauge import FIRST_RATIO, total
from assent_core.context.transcript import pictures
from assent_core.errors import AssentError, UsageError
from assent_core.events import AnyEvent, Asked, Planned, Routed, Said
from assent_core.instructions import go_prompt, opening, plan_prompt
from assent_core.memory.course import Course
from assent_core.model import Effort
from assent_core.roles.lookout import Lookout
from assent_core.router import LOOKING, Facts, Work, route, taken_over, work_of
from assent_core.settings import RoleSettings, Settings
from assent_core.settling import drift, drift_in_words
from assent_core.turns.lane import Relief
from assent_core.turns.turn import Bench, turn

PLANNING = "a plan is being made"


class Prompt(Struct, frozen=True, kw_only=True):
    """What the user asked for."""

    text: str
    told: str = ""
    """What the model reads, if that is more than the text."""
    clues: str = ""
    """What tells which files it is about, if that is more than the text."""
    images: tuple[Path, ...] = ()
    work: Work | None = None
    """The kind of work where that is known without triage."""
    names: bool = False
    """Whether a session that begins so is named by it."""


class Prompting:
    """Makes the turns of one session; `notes` are what the model is told before the next prompt, and then gone."""

    def __init__(self, bench: Bench, settings: Settings, lookout: Lookout, course: Course, notes: list[str]) -> None:
        self._bench = bench
        self._settings = settings
        self._lookout = lookout
        self._course = course
        self._notes = notes
        self.turn = 0
        """How many turns there were, the running one included."""
        self.named = False
        """Whether the session has its title."""
        self._name = ""

    async def work(self, prompt: Prompt, limit: int) -> AsyncGenerator[AnyEvent]:
        """Let the model that fits work on a prompt."""
        yield await asyncio.to_thread(self._course.point, self.turn, prompt.text)
        routed = self._routed(prompt)
        async with aclosing(self._begun(prompt)) as events:
            async for event in events:
                yield event
        relief = self._relief(routed, prompt.text) if routed.role == "scout" else None
        try:
            async with aclosing(turn(self._bench, routed, limit, relief)) as events:
                async for event in events:
                    yield event
        finally:
            self._end()

    async def plan(self, prompt: Prompt, limit: int) -> AsyncGenerator[AnyEvent]:
        """Let the planner look and answer with a plan; nothing can be changed meanwhile."""
        yield await asyncio.to_thread(self._course.point, self.turn, prompt.text)
        routed = self._routed(prompt)
        bench = self._bench
        looking = tuple(tool for tool in bench.request.tools if tool.name in LOOKING)
        bench = dataclasses.replace(
            bench, request=replace(bench.request, tools=looking), gate=bench.gate.read_only(PLANNING)
        )
        async with aclosing(self._begun(prompt)) as events:
            async for event in events:
                yield event
        said: list[str] = []
        try:
            async with aclosing(turn(bench, routed, limit)) as events:
                async for event in events:
                    said = [] if isinstance(event, Asked) else [*said, event.text] if isinstance(event, Said) else said
                    yield event
        finally:
            self._end()
        if not (text := "\n\n".join(said).strip()):
            raise AssentError("The planner gave no plan.", "Ask again, or say more of what is to be done.")
        yield Planned(text=text)

    def work_with(self, model: str, effort: Effort | None = None) -> RoleSettings:
        """Bind another model to the worker; UsageError for what is no name of one."""
        if not re.fullmatch(r"[\w.:/@+-]{1,120}", model):
            raise UsageError(f"{model!r} is no name of a model.", "For example: /model gpt-5.4 high.")
        settings = self._settings
        bound = RoleSettings(model, effort or settings.worker.effort)
        profile = "mini" if settings.profile == "nano" else settings.profile
        self._settings = replace(settings, worker=bound, profile=profile)
        return bound

    def name(self) -> None:
        """Have a title found for the session, after its first turn."""
        if self._name and not self.named:
            self.named = True
            self._lookout.name(self._name)

    def _routed(self, prompt: Prompt) -> Routed:
        settings = replace(self._settings, scouting=self._lookout.scout.on)
        if prompt.images:
            route("image", settings)
        context = round(FIRST_RATIO * total(self._bench.transcript.items))
        facts = Facts(triage=triage(prompt.text), images=bool(prompt.images), context=context)
        return route(prompt.work or work_of(facts), settings)

    def _relief(self, routed: Routed, text: str) -> Relief:
        return Relief(lambda why: taken_over(routed, self._settings, why), self._lookout.doubt(text))

    async def _begun(self, prompt: Prompt) -> AsyncGenerator[AnyEvent]:
        """Put the prompt into the transcript, behind what the model must know first."""
        self._lookout.task = prompt.text
        self._name = self._name or (prompt.text if prompt.names else "")
        shown = pictures(prompt.images)
        performer, transcript = self._bench.performer, self._bench.transcript
        if drifted := await drift(performer.stage):
            yield drifted
            self._notes.append(drift_in_words(drifted))
        await asyncio.to_thread(performer.changes)
        if not transcript.items:
            transcript.say(opening(performer.workspace, performer.stage.tier))
        transcript.say("\n\n".join([*self._notes, prompt.told or prompt.text]), shown)
        self._notes.clear()
        self._lookout.point(self.turn, prompt.clues or prompt.text, performer.workspace.tracked)

    def _end(self) -> None:
        self._bench.gate.end_task()
        self._bench.refused.clear()


def planning(text: str, images: tuple[Path, ...] = ()) -> Prompt:
    """The prompt of a plan."""
    return Prompt(text=text, told=plan_prompt(text), images=images, work="plan", names=True)


def carrying_out(plan: str) -> Prompt:
    """The prompt that has a plan carried out."""
    return Prompt(text=plan, told=go_prompt(plan), work="edit")
