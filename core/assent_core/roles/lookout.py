"""What the other roles do beside a turn: digest failures, put questions into words, name, triage, read again."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from contextlib import suppress

from assent_core.background import Background
from assent_core.consent import plainly
from assent_core.consent.gate import Question
from assent_core.consent.plainly import Triage
from assent_core.consent.reach import in_words
from assent_core.context.transcript import Transcript
from assent_core.diffs.changes import FileChange
from assent_core.diffs.remarks import Remark, standing
from assent_core.errors import AssentError
from assent_core.events import Digested, Explained, Named, Noticed, Pointed, Remarked
from assent_core.instructions import pointer
from assent_core.performing.evidence import contents_digest
from assent_core.performing.perform import Result
from assent_core.proposals import Spend
from assent_core.redaction.redactor import Redactor
from assent_core.roles.reviewer import Reviewer
from assent_core.roles.scout import Scout
from assent_core.router import Facts, work_of
from assent_core.service.endings import endings
from assent_sandbox.stage import StageError

PATIENCE = 10.0
"""Seconds that a list of models may take."""
EXPLAINABLE = 20_000
"""Characters of a proposal that the scout is given to explain."""


class Lookout:
    """Sets the other roles to work in the background and tells what they found; it never blocks, and decides nothing."""

    scout: Scout
    reviewer: Reviewer
    """Both to be set before anything is to be looked at."""

    def __init__(self, background: Background, redact: Redactor) -> None:
        self.background = background
        self._redact = redact
        self._reading: asyncio.Task[None] | None = None
        self._digest = ""
        self._known: set[str] = set()
        self._looked_ahead = False
        self._pointing: asyncio.Task[None] | None = None
        self._pointed_for = 0
        self._picked: tuple[str, ...] = ()
        self.models: tuple[str, ...] = ()
        """The models in use; what is known of their end was told already."""
        self.server: Callable[[], Awaitable[dict[str, datetime.date]]] | None = None
        """Gives the days on which models are shut down; None: nobody is asked."""
        self.task = ""
        """What the user asked for last."""
        self.remarked = Remarked(model="", digest="")
        """What the reviewer said last."""

    def look(self, result: Result) -> None:
        """Digest what a failed command wrote."""
        self.background.begin(self._look(result))

    def explain(self, question: Question) -> None:
        """Say in one sentence what a question is about, and what the reviewer thinks of a risky one."""
        action = "" if isinstance(question.proposal, Spend) else in_words(question.proposal, EXPLAINABLE)
        told = "\n".join((action, *question.effects))
        self.background.begin(self._explain(question.id, told))
        if self.reviewer.judges(question):
            self.background.begin(self._judge(question.id, "\n".join((told, *question.marks))))

    def look_ahead(self) -> None:
        """Ask the server once whether a model in use will be shut down soon."""
        if not self._looked_ahead:
            self._looked_ahead = True
            self.background.begin(self._look_ahead())

    def name(self, prompt: str) -> None:
        """Find a title for a session that begins with this prompt."""
        self.background.begin(self._name(prompt))

    def doubt(self, prompt: str) -> Callable[[], str]:
        """Have the scout look at what seems a bounded question; what comes back says why it is none, once that is known."""
        said: list[Triage] = []
        self.background.begin(self._triage(prompt, said))
        return lambda: _doubt(said[0]) if said else ""

    def point(self, task: int, text: str, files: Callable[[], tuple[str, ...]]) -> None:
        """Have the scout pick files for the first prompt of a task, if that names none; what is left of an earlier one goes."""
        if task == self._pointed_for:
            return
        self._pointed_for, self._picked = task, ()
        if self._pointing is not None:
            self._pointing.cancel()
        if self.scout.on:
            self._pointing = self.background.begin(self._point(text, files))

    def pointed(self, transcript: Transcript) -> Pointed | None:
        """Add what was picked by now to what the worker has seen, once."""
        picked, self._picked = self._picked, ()
        if not picked or not self.scout.on:
            return None
        transcript.say(pointer(picked))
        return Pointed(paths=picked)

    def read(self, files: tuple[FileChange, ...]) -> None:
        """Let the reviewer read a staged change, if the settings want that and there is something in it that it has not read."""
        digest, hunks = contents_digest(files), _hunks(files)
        if digest in (self._digest, self.remarked.digest) or (hunks and hunks <= self._known):
            return
        if self._reading is not None:
            self._reading.cancel()
        self._digest = digest
        if self.reviewer.reads(files):
            self._reading = self.background.begin(self._read(files, digest))

    def remarks_on(self, files: tuple[FileChange, ...]) -> tuple[Remark, ...]:
        """What the reviewer said last, as far as it still holds."""
        return standing(self.remarked.remarks, files, self.remarked.digest == contents_digest(files))

    async def _look(self, result: Result) -> None:
        assert result.digest is not None
        code = result.performed.code or 0
        if found := await self.scout.digest(result.command, code, result.output, result.digest):
            self.background.tell(Digested(id=result.performed.id, digest=found))

    async def _look_ahead(self) -> None:
        if self.server is None:
            return
        with suppress(AssentError, TimeoutError, ValueError, OSError):
            days = await asyncio.wait_for(self.server(), PATIENCE)
            for text in endings(self.models, days, datetime.datetime.now(datetime.UTC).date()):
                self.background.tell(Noticed(text=text))

    async def _explain(self, id: str, action: str) -> None:
        if sentence := await self.scout.explain(action):
            self.background.tell(Explained(id=id, sentence=self._redact(sentence)))

    async def _judge(self, id: str, action: str) -> None:
        if said := await self.reviewer.judge(self.task, action):
            told = Explained(id=id, sentence=self._redact(said.sentence), by="reviewer", concern=said.concern)
            self.background.tell(told)

    async def _name(self, prompt: str) -> None:
        self.background.tell(Named(title=self._redact(await self.scout.title(prompt))))

    async def _triage(self, prompt: str, said: list[Triage]) -> None:
        said.append(await self.scout.triage(prompt))

    async def _point(self, text: str, files: Callable[[], tuple[str, ...]]) -> None:
        with suppress(AssentError, StageError, OSError):
            candidates = await asyncio.to_thread(lambda: plainly.candidates(text, files()))
            self._picked = await self.scout.rank(text, candidates)

    async def _read(self, files: tuple[FileChange, ...], digest: str) -> None:
        remarks = await self.reviewer.read(self.task, files)
        if remarks is not None:
            self._known |= _hunks(files)
            self.remarked = Remarked(model=self.reviewer.model, digest=digest, remarks=remarks)
            self.background.tell(self.remarked)


def _hunks(files: tuple[FileChange, ...]) -> set[str]:
    return {hunk.id for file in files for hunk in file.hunks}


def _doubt(triage: Triage) -> str:
    work = work_of(Facts(triage=triage))
    return "" if work == "question" else f"the scout does not take it for a bounded question ({work})"
