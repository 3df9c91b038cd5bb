"""What takes a landing back, or makes it again: the files as they were, with what was edited since merged in."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from assent_core.errors import LandingRefused
from assent_core.landing import recovery
from assent_core.landing.journal import Intent, Journal, Shelf
from assent_core.landing.plan import Write, checked, differing
from assent_core.landing.tree import Tree
from assent_sandbox.merge import merge


class Reversal(Struct, frozen=True):
    """The writes that turn a journal back. `merged` were edited since and keep those edits; what is `blocked` cannot.

    A blocked write goes from what was landed to what stood before. Of what the journal did nothing stands in the `absent`.
    """

    writes: tuple[Write, ...]
    merged: tuple[str, ...] = ()
    blocked: tuple[Write, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def conflicts(self) -> tuple[str, ...]:
        """The paths that were edited since in the same place."""
        return tuple(write.path for write in self.blocked)


def reversal(tree: Tree, journal: Journal) -> Reversal:
    """How to undo what a journal did, from what stands now; files that are already back are left out."""
    writes = tuple(
        Write(path=recovery.written(step), before=journal.entry(step.after), after=journal.entry(step.before))
        for step in journal.intent().steps
    )
    moved = set(differing(tree, writes))
    kept = [write for write in writes if write.path not in moved]
    merged: list[str] = []
    absent: list[str] = []
    blocked: list[Write] = []
    for write in writes:
        stands = tree.read(write.path) if write.path in moved else write.after
        if write.path not in moved:
            continue
        joined = merge(write.before, write.after, stands)
        if stands == write.after or (not joined.conflict and joined.entry == stands):
            absent.append(write.path)
        elif joined.conflict:
            blocked.append(write)
        else:
            merged.append(write.path)
            kept.append(Write(path=write.path, before=stands, after=joined.entry))
    wanted = [write for write in kept if write.before != write.after]
    held_up = tuple(sorted(blocked, key=lambda one: one.path))
    return Reversal(checked(wanted) if wanted else (), tuple(sorted(merged)), held_up, tuple(sorted(absent)))


def standing(intents: Sequence[Intent]) -> set[str]:
    """The ids of those, oldest first, that nothing later took back; taking back what took one back makes it stand again."""
    stands: set[str] = set()
    taken: set[str] = set()
    for intent in reversed(intents):
        if intent.id not in taken:
            stands.add(intent.id)
            taken.add(intent.undoes)
    return stands


def to_undo(shelf: Shelf, id: str) -> Journal:
    """The landing of this name, or the newest that stands; LandingRefused if there is none."""
    journals = _committed(shelf)
    stands = standing([intent for _, intent in journals])
    candidates = [(journal, intent) for journal, intent in journals if intent.id in stands and not intent.undoes]
    if not id and candidates:
        return candidates[-1][0]
    if not id:
        raise LandingRefused("There is no landing to take back.", "Only what assent landed here can be undone.")
    for journal, intent in candidates:
        if intent.id == id:
            return journal
    already = any(intent.id == id and not intent.undoes for _, intent in journals)
    known = ", ".join(intent.id for _, intent in reversed(candidates[-5:])) or "none"
    raise LandingRefused(
        f"The landing {id} was taken back already." if already else f"There is no landing {id}.",
        f"Landings that stand: {known}.",
    )


def to_redo(shelf: Shelf, id: str) -> tuple[Journal, Journal]:
    """What took a landing back (the last one, or the one of this name), and that landing; LandingRefused if there is none."""
    journals = _committed(shelf)
    stands = standing([intent for _, intent in journals])
    landed = {intent.id: journal for journal, intent in journals if not intent.undoes}
    taken = [
        (journal, intent.undoes) for journal, intent in journals if intent.id in stands and intent.undoes in landed
    ]
    for journal, undone in reversed(taken):
        if id in ("", undone):
            return journal, landed[undone]
    if not id:
        raise LandingRefused("There is nothing to land again.", "Only what `assent undo` took back can be.")
    known = ", ".join(undone for _, undone in reversed(taken[-5:])) or "none"
    message = f"The landing {id} stands." if id in landed else f"There is no landing {id}."
    raise LandingRefused(message, f"Landings that were taken back: {known}.")


def _committed(shelf: Shelf) -> list[tuple[Journal, Intent]]:
    return [(journal, journal.intent()) for journal in shelf.journals() if journal.begun and journal.committed]
