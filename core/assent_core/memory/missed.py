"""What happened to a session's landings and is not in its record: a crash came between, or it was done outside the session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from assent_core.events import AnyEvent, Landed, Undone
from assent_core.landing.landings import Landing


def missed(events: Iterable[AnyEvent], made: Iterable[Landing], hunks: Callable[[str], int]) -> Iterator[AnyEvent]:
    """The events that a record lacks, given all landings of its session, oldest first; `hunks` counts those of a landing."""
    known = tuple(events)
    landed = {event.landing for event in known if isinstance(event, Landed)}
    undone = {event.landing for event in known if isinstance(event, Undone)}
    for one in made:
        if one.id not in landed:
            yield Landed(landing=one.id, paths=one.paths, hunks=hunks(one.id))
        if one.undone and one.id not in undone:
            yield Undone(landing=one.id, paths=one.paths)
