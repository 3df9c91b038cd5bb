"""What a review wants of whoever shows it, as messages; handlers are named `on_review_pane_...`."""

from __future__ import annotations

from textual.message import Message

from assent_core.diffs.changes import FileChange
from assent_core.diffs.review import Review
from assent_sandbox.stage import File


class Changed(Message, namespace="review_pane"):
    """The user decided something; `review` is the value that is now shown."""

    def __init__(self, review: Review) -> None:
        super().__init__()
        self.review = review


class LandWanted(Message, namespace="review_pane"):
    """What is accepted is to be written into the real files."""

    def __init__(self, review: Review) -> None:
        super().__init__()
        self.review = review


class VerifyWanted(Message, namespace="review_pane"):
    """A command is to be run on exactly what is accepted."""

    def __init__(self, review: Review, command: str) -> None:
        super().__init__()
        self.review = review
        self.command = command


class TellWanted(Message, namespace="review_pane"):
    """The reasons and comments are to be told to the model now."""

    def __init__(self, review: Review) -> None:
        super().__init__()
        self.review = review


class AmendWanted(Message, namespace="review_pane"):
    """`entry` is to stand on the stage where `shown` says what stands there; `review` is what then is shown.

    Whoever does it tells the pane by `take_over` first: only then is it shown.
    """

    def __init__(self, shown: FileChange, entry: File, review: Review, *, hunk: str, back: bool = False) -> None:
        super().__init__()
        self.shown = shown
        self.entry = entry
        self.review = review
        self.hunk = hunk
        self.back = back


class OutsideWanted(Message, namespace="review_pane"):
    """The user wants to edit the new lines of a hunk in their own editor; `path` says what they are lines of.

    Whoever lets them tells the pane by `edited_outside`.
    """

    def __init__(self, path: str, text: str, hunk: str) -> None:
        super().__init__()
        self.path = path
        self.text = text
        self.hunk = hunk
