"""What was there when a command ran, besides the content that it is evidence of."""

from __future__ import annotations

import os

from msgspec import Struct

from assent_core.performing.leftovers import is_cache, parted
from assent_core.performing.perform import Performer
from assent_sandbox.leading import leads_back, names_root


class Around(Struct, frozen=True, kw_only=True):
    """What may have had a part in what a command said, and does not land."""

    aside: tuple[str, ...] = ()
    """What had changed on the stage and does not land."""
    left: tuple[str, ...] = ()
    """What builds and checks had left in the user's tree, and was there."""
    relies: tuple[str, ...] = ()
    """What else git ignores in the user's tree, and was there."""
    leads: tuple[str, ...] = ()
    """By what the command can have seen the user's own files instead of the stage's."""


def around(performer: Performer, command: str, aside: tuple[str, ...], *, typed: bool) -> Around:
    """Look at what was there; `aside` is what had changed when the command began.

    `typed`: the command is what the user wants to see pass, so that a cache counts, too.
    """
    left, needed = parted(performer.workspace.ignored_there(), command)
    shown = left if performer.hidden is None else tuple(path for path in left if path not in performer.hidden)
    return Around(
        aside=() if performer.hidden is not None else aside,
        left=tuple(path for path in shown if typed or not is_cache(path)),
        relies=needed,
        leads=_leads(performer, command),
    )


def _leads(performer: Performer, command: str) -> tuple[str, ...]:
    view = performer.stage.view
    words = ("its own words",) if names_root(command, view) else ()
    return (*words, *leads_back(view, os.environ))
