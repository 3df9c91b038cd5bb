"""What a resumed session takes over from its record: events, what the model has seen, evidence, cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from assent_core.context.transcript import Transcript
from assent_core.diffs.review import Evidence
from assent_core.errors import UsageError
from assent_core.events import AnyEvent, Billed, Ended, Opened, Prompted, Verified
from assent_core.memory.items import ItemFile, read_items
from assent_core.memory.sessions import items_path, read_passage, record_path
from assent_core.model import WireItem

CUT = "The session was ended before this was done."


class Past(Struct, frozen=True):
    """The past of a session; empty for one that begins."""

    events: tuple[AnyEvent, ...] = ()
    items: tuple[WireItem, ...] = ()
    lost: int = 0

    @property
    def turn(self) -> int:
        """How many turns there were."""
        return max((event.turn for event in self.events if isinstance(event, Prompted | Ended)), default=0)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What was run on known content; the digests in it say whether it still holds."""
        return tuple(dict.fromkeys(event.evidence for event in self.events if isinstance(event, Verified)))

    @property
    def billed(self) -> Billed | None:
        """The last bill, with the sums of the session."""
        return next((event for event in reversed(self.events) if isinstance(event, Billed)), None)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know of it."""
        if not self.events:
            return ()
        told = [f"{self.lost} lines of the record could not be read and are left out."] if self.lost else []
        asked = any(isinstance(event, Prompted) for event in self.events)
        unseen = asked and not self.items
        told += ["What the model had seen is not there any more: it begins anew."] if unseen else []
        return tuple(told)

    @property
    def shown(self) -> tuple[AnyEvent, ...]:
        """What a screen shows again; the place where the session was opened is told anew."""
        return tuple(event for event in self.events if not isinstance(event, Opened))

    def transcript(self, file: ItemFile, redact: Callable[[str], str]) -> Transcript:
        """What the model has seen, kept in a file from now on; a call that was cut off is answered."""
        made = Transcript(file.keep, self.items, redact)
        made.mend(CUT)
        return made


def past_of(state: Path, id: str) -> Past:
    """Read the past of a session; UsageError if its record is gone or none."""
    path = record_path(state, id)
    try:
        passage = read_passage(path)
        items = read_items(items_path(state, id))
    except (OSError, ValueError) as error:
        raise UsageError(f"The session {id} cannot be read: {error}", "`assent sessions` lists the others.") from error
    return Past(passage.events, tuple(items), passage.lost)
