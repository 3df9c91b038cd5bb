"""The user's decisions over the staged changes; pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from assent_core.changes import FileChange
from assent_sandbox.stage import Entry

Verdict = Literal["undecided", "accepted", "rejected"]


class Mark(Struct, frozen=True):
    """What the user said of one hunk; `reason` is of a rejection, `comment` of any."""

    verdict: Verdict = "undecided"
    reason: str = ""
    comment: str = ""


class Evidence(Struct, frozen=True, kw_only=True):
    """What a command said about exactly one staged content (`digest`, see changes.digest)."""

    command: str
    code: int
    digest: str
    summary: str = ""
    """For example 'pytest: 3 failed -> 0 failed'."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What a review makes of one path.

    `landed` is what the real file becomes (equal to `before` if nothing of it was accepted);
    `staged` is what the stage holds afterwards: accepted and undecided hunks, rejected ones taken back.
    """

    path: str
    before: Entry | None
    landed: Entry | None
    staged: Entry | None


class Review(Struct, frozen=True, kw_only=True):
    """The staged changes with a mark for each hunk that has one. Every change of it is a new value."""

    files: tuple[FileChange, ...] = ()
    marks: dict[str, Mark] = {}
    evidence: tuple[Evidence, ...] = ()

    def mark(self, hunk: str) -> Mark:
        """The mark of a hunk; undecided if it has none."""
        return self.marks.get(hunk, Mark())


def decide(review: Review, hunks: tuple[str, ...], verdict: Verdict, reason: str = "") -> Review:
    """Give the named hunks a verdict. Opaque and conflicted changes cannot be accepted: ValueError says why."""
    raise NotImplementedError


def comment(review: Review, hunk: str, text: str) -> Review:
    """Put a comment on a hunk; an empty text takes it away."""
    raise NotImplementedError


def renew(review: Review, files: tuple[FileChange, ...]) -> Review:
    """The same decisions over newly computed changes: a mark stays exactly where its hunk is unchanged."""
    raise NotImplementedError


def outcomes(review: Review) -> tuple[Outcome, ...]:
    """What the decisions make of each path, in order."""
    raise NotImplementedError


def evidence_for(review: Review) -> tuple[Evidence | None, bool]:
    """The newest evidence and whether it is fresh, that is, whether it saw exactly what the selection would land."""
    raise NotImplementedError


def message_to_model(review: Review) -> str:
    """Rejections with their reasons and comments, quoting the lines, as one message; empty if there are none."""
    raise NotImplementedError
