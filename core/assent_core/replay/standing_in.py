"""Carries out what a replay may do again; for what once reached beyond the stage, the recorded result stands in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable

import msgspec

from assent_core.consent.gate import Answer, Approved, Question
from assent_core.events import AnyEvent, Performed, Printed, Proposed, Relayed
from assent_core.logs.digest import extract
from assent_core.memory.cues import Answered, Cue
from assent_core.performing.perform import Performer, Result
from assent_core.proposals import Proposal, Shell
from assent_sandbox.policy import WideningKind

_AGAIN: frozenset[WideningKind] = frozenset({"read", "secret"})
"""Reaches that change and tell nothing outside, so that they are had again."""


class Recording:
    """The recorded results, each for one performance; and what they stood in for."""

    def __init__(self, events: Iterable[AnyEvent]) -> None:
        each = (event.of if isinstance(event, Relayed) else event for event in events)
        self._left = [event for event in each if isinstance(event, Proposed | Performed)]
        self.stood_in: list[str] = []

    def take(self, id: str, proposal: Proposal) -> Performed:
        """The recorded result of a proposal, by its id or, where ids are made anew, by what it is."""
        ids = {event.id for event in self._left if isinstance(event, Proposed) and _same(event.proposal, proposal)}
        for wanted in ({id}, ids):
            for place, event in enumerate(self._left):
                if isinstance(event, Performed) and event.id in wanted:
                    del self._left[place]
                    return msgspec.structs.replace(event, id=id, paths=())
        return Performed(id=id, ok=False, told="Nothing was recorded of this, and a replay reaches nothing.")


def standing_in(recording: Recording) -> type[Performer]:
    """A performer over a recording."""

    class StandingIn(Performer):
        def perform(self, id: str, approved: Approved) -> AsyncGenerator[Printed | Result]:
            recorded = recording.take(id, approved.proposal)
            reached = [each for each in approved.widenings if each.kind not in _AGAIN]
            if not reached:
                return super().perform(id, approved)
            what = (
                approved.proposal.command if isinstance(approved.proposal, Shell) else type(approved.proposal).__name__
            )
            recording.stood_in.append(f"{what.splitlines()[0][:100]} ({reached[0].kind} {reached[0].target})")
            return _told(approved.proposal, recorded)

    return StandingIn


async def _told(proposal: Proposal, recorded: Performed) -> AsyncGenerator[Printed | Result]:
    if not isinstance(proposal, Shell):
        yield Result(performed=recorded)
        return
    output = recorded.told.partition("\noutput:\n")[2]
    digest = extract(proposal.command, recorded.code or 0, output, recorded.denials)
    yield Result(performed=recorded, digest=digest, command=proposal.command, output=output)


def _same(one: Proposal, other: Proposal) -> bool:
    if isinstance(one, Shell) and isinstance(other, Shell):
        return (one.command, one.workdir) == (other.command, other.workdir)
    return one == other


class RecordedUser:
    """A user who gives the recorded answers, in their order."""

    def __init__(self, cues: Iterable[Cue]) -> None:
        self._answers = [cue.answer for cue in cues if isinstance(cue, Answered)]

    async def ask(self, question: Question) -> Answer:
        """The next answer; a no where none was recorded."""
        return (
            self._answers.pop(0)
            if self._answers
            else Answer(False, reason="nobody was asked this when it was recorded")
        )
