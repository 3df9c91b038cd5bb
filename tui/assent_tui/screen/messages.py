"""What the jobs of the screen tell it."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from msgspec import Struct
from textual.message import Message

from assent_core.errors import AssentError

if TYPE_CHECKING:
    from assent_core.diffs.review import Review
    from assent_core.events import AnyEvent
    from assent_core.landing.commit import Draft
    from assent_core.session import Session
    from assent_tui.prompt.slash import CommitWords


class Trouble(Struct, frozen=True):
    """An error as the user is told it; `detail` is for a report of a fault of ours."""

    message: str
    hint: str = ""
    detail: str = ""
    code: int = 1


def trouble(error: Exception) -> Trouble:
    """What to tell of an error; what is no error of the user's place or service is called a fault of assent."""
    from assent_core.machine import refusal
    from assent_sandbox.stage import StageError

    match error:
        case AssentError():
            return Trouble(error.message, error.hint, code=error.code)
        case StageError():
            return Trouble(str(error), error.hint, code=5)
        case OSError() if told := refusal(error):
            return Trouble(told.message, told.hint, code=told.code)
        case _:
            detail = "".join(traceback.format_exception(error))
            hint = "This is a fault of assent. What is staged is kept; the details help whoever mends it."
            return Trouble(f"{type(error).__name__}: {error}", hint, detail)


class Opened(Message):
    """The session is there."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session


class Happened(Message):
    """An event of the session."""

    def __init__(self, event: AnyEvent) -> None:
        super().__init__()
        self.event = event


class Reviewed(Message):
    """What is staged now; `show`: the user asked to see it."""

    def __init__(self, review: Review, show: bool) -> None:
        super().__init__()
        self.review = review
        self.show = show


class Drafted(Message):
    """What a commit would hold; `words` are the command that would make it."""

    def __init__(self, draft: Draft, words: CommitWords) -> None:
        super().__init__()
        self.draft = draft
        self.words = words


class WentBack(Message):
    """The session went back to before a prompt, of this text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Forked(Message):
    """A session was forked: its id, and the text of the prompt before which it begins, if there is one."""

    def __init__(self, session: str, text: str = "") -> None:
        super().__init__()
        self.session = session
        self.text = text


class Over(Message):
    """A job has ended: well, with an error, or because the user stopped it."""

    def __init__(self, error: Trouble | None = None, *, interrupted: bool = False) -> None:
        super().__init__()
        self.error = error
        self.interrupted = interrupted
