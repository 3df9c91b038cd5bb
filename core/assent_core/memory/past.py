"""What a resumed session takes over from its record: events, what the model has seen, evidence, cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from assent_core.consent.checks import is_check
from assent_core.context.transcript import Transcript
from assent_core.diffs.review import Evidence
from assent_core.errors import UsageError
from assent_core.events import (
    AnyEvent,
    Billed,
    Ended,
    Forked,
    Named,
    Opened,
    Performed,
    Prompted,
    Proposed,
    Relayed,
    Remarked,
    Verified,
)
from assent_core.memory.course import standing
from assent_core.memory.items import ItemFile, Seen, read_items
from assent_core.memory.record import read
from assent_core.memory.sessions import items_path, record_path
from assent_core.proposals import Shell

CHECKED = "/check-"
"""What the names of the runs of a repair's own command begin with."""
CUT = "The session was ended before this was done."


class Past(Struct, frozen=True):
    """The past of a session; empty for one that begins."""

    events: tuple[AnyEvent, ...] = ()
    seen: Seen = Seen()
    lost: tuple[int, ...] = ()
    """The numbers of lines of the record that could not be read."""
    torn: bool = False

    @property
    def turn(self) -> int:
        """How many turns there were."""
        return max((event.turn for event in self.events if isinstance(event, Prompted | Ended)), default=0)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What was run on known content; the digests in it say whether it still holds."""
        return tuple(dict.fromkeys(event.evidence for event in self.events if isinstance(event, Verified)))

    @property
    def byproducts(self) -> set[str]:
        """The paths that nothing but checks wrote."""
        commands: dict[str, bool] = {}
        made, seen = set[str](), set[str]()
        for event in standing(self.events):
            what = event.of if isinstance(event, Relayed) else event
            if isinstance(what, Proposed):
                shell = what.proposal
                checked = isinstance(shell, Shell) and (CHECKED in f"/{what.id}" or is_check(shell.command))
                commands[what.id] = checked
            elif isinstance(what, Performed) and what.paths:
                made = made | (set(what.paths) - seen) if commands.get(what.id) else made - set(what.paths)
                seen.update(what.paths)
        return made

    @property
    def billed(self) -> Billed | None:
        """The last bill, with the sums of the session; what was spent before it was forked is not its own."""
        last = next((event for event in reversed(self.events) if isinstance(event, Billed | Forked)), None)
        return last if isinstance(last, Billed) else None

    @property
    def named(self) -> bool:
        """Whether it has a title."""
        return any(isinstance(event, Named) for event in self.events)

    @property
    def task(self) -> str:
        """What the user asked for last."""
        return next((event.text for event in reversed(self.events) if isinstance(event, Prompted)), "")

    @property
    def remarked(self) -> Remarked | None:
        """What the reviewer said last."""
        return next((event for event in reversed(self.events) if isinstance(event, Remarked)), None)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know of it."""
        if not self.events:
            return ()
        told = [_left_out(self.lost)] if self.lost else []
        told += ["The last line of the record was cut off, as by a crash, and is dropped."] if self.torn else []
        told += ["A part of what the model had seen could not be read and is left out."] if self.seen.lost else []
        asked = any(isinstance(event, Prompted) for event in standing(self.events))
        unseen = asked and not self.seen.items
        told += ["What the model had seen is not there any more: it begins anew."] if unseen else []
        return tuple(told)

    @property
    def shown(self) -> tuple[AnyEvent, ...]:
        """What a screen shows again; the place where the session was opened is told anew."""
        return tuple(event for event in standing(self.events) if not isinstance(event, Opened))

    def transcript(self, file: ItemFile, redact: Callable[[str], str]) -> Transcript:
        """What the model has seen, kept in a file from now on; a call that was cut off is answered."""
        made = Transcript(file.keep, self.seen.items, redact)
        made.mend(CUT)
        return made


def past_of(state: Path, id: str) -> Past:
    """Read the past of a session; UsageError if its record is gone or none."""
    path = record_path(state, id)
    try:
        passage = read(path)
        items = read_items(items_path(state, id))
    except (OSError, ValueError) as error:
        raise UsageError(f"The session {id} cannot be read: {error}", "`assent sessions` lists the others.") from error
    return Past(passage.events, items, passage.lost, passage.torn)


def _left_out(lost: tuple[int, ...]) -> str:
    named = ", ".join(str(number) for number in lost[:5])
    more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
    if len(lost) == 1:
        return f"Line {named} of the record could not be read and is left out."
    return f"Lines {named}{more} of the record could not be read and are left out."
