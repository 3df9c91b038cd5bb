"""The files of a stage that a command runs as programs."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from contextlib import suppress

from assent_core.consent import commands
from assent_core.consent.standing import Script, script_of
from assent_core.proposals import Proposal, Shell
from assent_sandbox.stage import File, Link, Stage, StageError


def scripts_of(proposal: Proposal, stage: Stage, locate: Callable[[str], str]) -> tuple[Script, ...]:
    """Those that a proposal runs, by their bytes; `locate` says where a path leads. None of anything but a command."""
    if not isinstance(proposal, Shell):
        return ()
    places = (locate(posixpath.join(proposal.workdir, word)) for word in commands.scripts(proposal.command))
    found = {place: _bytes(stage, place) for place in places if not place.startswith("/")}
    return tuple(script_of(place, data) for place, data in sorted(found.items()) if data is not None)


def _bytes(stage: Stage, place: str) -> bytes | None:
    with suppress(StageError, OSError):
        match stage.read(place):
            case File(data=data):
                return data
            case Link(target=target):
                return f"a link to {target}".encode("utf-8", "surrogateescape")
            case _:
                return None
    return None
