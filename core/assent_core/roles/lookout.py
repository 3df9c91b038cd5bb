"""What the scout does beside a turn: failures are digested, questions are put into plain words."""

from __future__ import annotations

from assent_core.background import Background
from assent_core.consent.gate import Question
from assent_core.consent.reach import in_words
from assent_core.events import Digested, Explained
from assent_core.perform import Result
from assent_core.proposals import Spend
from assent_core.redaction.redactor import Redactor
from assent_core.roles.scout import Scout

EXPLAINABLE = 20_000
"""Characters of a proposal that the scout is given to explain."""


class Lookout:
    """Sets the scout to work in the background and tells what it found; it never blocks, and decides nothing."""

    scout: Scout
    """To be set before anything is to be looked at."""

    def __init__(self, background: Background, redact: Redactor) -> None:
        self._background = background
        self._redact = redact

    def look(self, result: Result) -> None:
        """Digest what a failed command wrote."""
        self._background.begin(self._look(result))

    def explain(self, question: Question) -> None:
        """Say in one sentence what a question is about."""
        self._background.begin(self._explain(question))

    async def _look(self, result: Result) -> None:
        assert result.digest is not None
        code = result.performed.code or 0
        if found := await self.scout.digest(result.command, code, result.output, result.digest):
            self._background.tell(Digested(id=result.performed.id, digest=found))

    async def _explain(self, question: Question) -> None:
        action = "" if isinstance(question.proposal, Spend) else in_words(question.proposal, EXPLAINABLE)
        if sentence := await self.scout.explain("\n".join((action, *question.effects))):
            self._background.tell(Explained(id=question.id, sentence=self._redact(sentence)))
