"""The review as it is decided so far, and the way back."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from assent_core.diffs.changes import FileChange
from assent_core.diffs.remarks import Remark
from assent_core.diffs.reshape import refreshed
from assent_core.diffs.review import Review


class Edit(Struct, frozen=True):
    """A file as it was shown before and after the user wrote something into it."""

    earlier: FileChange
    now: FileChange


class Step(Struct, frozen=True):
    """The review before a decision, the hunk that it was about, and what it wrote on the stage."""

    review: Review
    hunk: str
    edit: Edit | None = None


class Decisions:
    """Holds the review; each change of it can be taken back as long as the same is staged."""

    def __init__(self) -> None:
        self.review = Review()
        self._steps: list[Step] = []

    @property
    def last(self) -> Step | None:
        """What would be taken back."""
        return self._steps[-1] if self._steps else None

    @property
    def steps(self) -> tuple[Step, ...]:
        """All that could be taken back, the newest last."""
        return tuple(self._steps)

    def restore(self, review: Review, steps: tuple[Step, ...]) -> None:
        """Be as decided as before, but keep what was learnt since."""
        self._steps = list(steps)
        self.review = replace(review, evidence=self.review.evidence, remarks=self.review.remarks)

    def put(self, review: Review) -> None:
        """Begin with this review, or go on with it if the same is staged."""
        if review.files != self.review.files:
            self._steps.clear()
        self.review = review

    def found(self, review: Review) -> Review:
        """What a look at the stage found, with the decisions of now; they may be newer than the ones in it."""
        return refreshed(self.review, review) if self.review.files else review

    def change(self, review: Review, hunk: str, edit: Edit | None = None) -> None:
        """Decide something."""
        self._steps.append(Step(self.review, hunk, edit))
        self.review = review

    def back(self) -> Step | None:
        """Take the last decision back, but not what was learnt since."""
        if not self._steps:
            return None
        *steps, step = self._steps
        self.restore(step.review, tuple(steps))
        return step

    def learn(self, remarks: tuple[Remark, ...]) -> None:
        """Take in what a reviewer says of what is shown; it is no decision, so there is nothing to take back."""
        self.review = replace(self.review, remarks=remarks)
