"""The course of a session: the prompts to which it can go back, what landed since, and going back or parting there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from assent_core.context.transcript import Transcript
from assent_core.errors import UsageError
from assent_core.events import AnyEvent, Billed, Landed, Planned, Prompted, Rewound, Undone
from assent_core.memory.items import ItemFile, read_items
from assent_sandbox import album
from assent_sandbox.stage import Stage


class Course:
    """Knows the way back of one session. `events` are those of its past."""

    def __init__(
        self, stage: Stage, folder: Path, file: ItemFile, transcript: Transcript, events: Iterable[AnyEvent] = ()
    ) -> None:
        self._stage = stage
        self._album = folder
        self._file = file
        self._transcript = transcript
        self._events = list(standing(events))

    def saw(self, event: AnyEvent) -> None:
        """Take notice of what happened."""
        if isinstance(event, Rewound):
            self._events = list(standing([*self._events, event]))
        elif isinstance(event, Prompted | Planned | Landed | Undone):
            self._events.append(event)

    @property
    def plan(self) -> str:
        """The plan that was made and neither carried out nor dropped; empty if there is none."""
        last = next((event for event in reversed(self._events) if isinstance(event, Planned)), None)
        return last.text if last and last.how == "made" else ""

    def point(self, turn: int, text: str) -> Prompted:
        """A prompt, with the stage kept as it is before it; takes a moment where much has changed."""
        return Prompted(turn=turn, text=text, snapshot=self._stage.snapshot(self._album), seen=self._file.size())

    def prompts(self) -> tuple[Prompted, ...]:
        """The prompts to which the session can go back, oldest first."""
        kept = frozenset(album.names(self._album))
        return tuple(event for event in self._events if isinstance(event, Prompted) and event.snapshot in kept)

    def prompt(self, snapshot: str) -> Prompted:
        """The prompt before which a snapshot was taken; UsageError if the session cannot go back to it."""
        found = [prompt for prompt in self.prompts() if prompt.snapshot == snapshot]
        if not found:
            raise UsageError(
                "The session cannot go back to there: that state is not kept.", "/rewind lists the others."
            )
        return found[0]

    def go_back(self, prompt: Prompted) -> Rewound:
        """Put the stage and what the model has seen back to before a prompt; interrupted, it is done again at the next start.

        `arrive` is to be called when it is in the record.
        """
        album.mark(self._album, prompt.snapshot)
        moved = self._stage.restore(self._album, prompt.snapshot)
        self._transcript.rewrite(read_items(self._file.path, prompt.seen).items)
        landed = _landed(self._events[self._events.index(prompt) :])
        return Rewound(
            snapshot=prompt.snapshot,
            text=prompt.text,
            landed=landed,
            moved=tuple(one for one in moved if one.how != "followed"),
        )

    def arrive(self) -> None:
        """Going back is in the record."""
        album.mark(self._album, "")

    def interrupted(self) -> Prompted | None:
        """The prompt on the way to which an earlier process ended; a stage that is a fork's is put where it begins."""
        going = album.going(self._album)
        if not going:
            return None
        if not (found := [prompt for prompt in self.prompts() if prompt.snapshot == going]):
            self._stage.restore(self._album, going)
            self.arrive()
        return found[0] if found else None

    def part(self, album_of_fork: Path, items_of_fork: Path, prompt: Prompted | None) -> None:
        """Let a fork have the stage and what the model has seen as they were before a prompt, or as they are."""
        snapshot = prompt.snapshot if prompt else self._stage.snapshot(self._album)
        seen = prompt.seen if prompt else self._file.size()
        album.fork(self._album, album_of_fork, snapshot)
        album.mark(album_of_fork, snapshot)
        with self._file.path.open("rb") as file:
            data = file.read(seen)
        descriptor = os.open(items_of_fork, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as fork:
            fork.write(data)


def standing(events: Iterable[AnyEvent]) -> tuple[AnyEvent, ...]:
    """Events without those from which the session went back; what landed and was paid meanwhile stands."""
    all_of_them = tuple(events)
    if Rewound not in set(map(type, all_of_them)):
        return all_of_them
    kept: list[AnyEvent] = []
    for event in all_of_them:
        if isinstance(event, Rewound):
            places = (
                place for place, one in enumerate(kept) if isinstance(one, Prompted) and one.snapshot == event.snapshot
            )
            if (place := next(places, None)) is not None:
                kept[place:] = [one for one in kept[place:] if isinstance(one, Landed | Undone | Billed)]
        kept.append(event)
    return tuple(kept)


def _landed(events: Iterable[AnyEvent]) -> tuple[str, ...]:
    """The files of landings that stand."""
    landed: dict[str, tuple[str, ...]] = {}
    for event in events:
        match event:
            case Landed(landing=landing, paths=paths):
                landed[landing] = paths
            case Undone(landing=landing):
                landed.pop(landing, None)
            case _:
                pass
    return tuple(sorted({path for paths in landed.values() for path in paths}))
