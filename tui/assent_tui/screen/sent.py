"""What scout and reviewer were sent beside the turns, as a text to read; pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assent_core.roles.inquiry import Sent

NOTHING = "Nothing was sent beside the turns yet."


def in_words(sent: Iterable[Sent], *, on: bool) -> str:
    """Each request with all the text that left, the newest last, and what came of it."""
    parts = [_one(number, each) for number, each in enumerate(sent, 1)]
    switch = "The scout is on; /scout off turns it off." if on else "The scout is off; /scout on turns it on."
    return "\n\n".join([*(parts or [NOTHING]), f"{switch} The reviewer has a setting of its own (reviewing)."])


def _one(number: int, sent: Sent) -> str:
    took = f" after {sent.seconds:.1f} s" if sent.seconds else ""
    answer = f"\n--- the answer\n{sent.answer}" if sent.answer else ""
    head = f"=== {number}. {sent.name} to {sent.model}: {sent.outcome}{took}"
    return f"{head}\n--- the instructions\n{sent.instructions}\n--- the data\n{sent.text}{answer}"
