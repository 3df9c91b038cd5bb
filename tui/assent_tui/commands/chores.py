"""The small commands: landings, taking them back and landing them again, grants and revoking them, the key."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from msgspec import Struct

from assent_core.consent.ledger import Grant, Ledger
from assent_core.consent.reach import effect
from assent_core.diffs.changes import take_apart, unified
from assent_core.errors import LandingRefused, UsageError
from assent_core.landing import landings
from assent_core.lines import encode
from assent_core.settings import Settings
from assent_core.workspace import find
from assent_sandbox.output import inert_json, one_line
from assent_sandbox.stage import Change
from assent_tui.commands.printer import named, plain
from assent_tui.commands.where import here, settings_for, without_screen
from assent_tui.figures import count


class Preview(Struct, frozen=True, kw_only=True):
    """What taking back a landing would do: `paths` would change, `merged` among them keep what was edited since.

    `conflicts` were edited in the same place; where there are any, nothing would be taken back.
    """

    landing: landings.Landing
    paths: tuple[str, ...]
    merged: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    """Nothing of the landing stands in these; where that is all of them, there is nothing to take back."""


def undo(id: str, *, as_json: bool) -> int:
    """Take back a landing, the newest one if none is named."""
    root, settings = _place()
    _recover(root, settings)
    _say_done("Taken back", landings.undo(root, settings.state_dir, id), as_json=as_json)
    return 0


def redo(id: str, *, as_json: bool) -> int:
    """Land again what was taken back, the last one if none is named."""
    root, settings = _place()
    _recover(root, settings)
    _say_done("Landed again", landings.redo(root, settings.state_dir, id), as_json=as_json)
    return 0


def preview(id: str, *, as_json: bool) -> int:
    """Show what taking back a landing would do to the files as they are, as a diff on stdout; 1 if it would be refused."""
    root, settings = _place()
    made, back = landings.preview(root, settings.state_dir, id)
    if as_json:
        paths = tuple(write.path for write in back.writes)
        _print(Preview(landing=made, paths=paths, merged=back.merged, conflicts=back.conflicts, absent=back.absent))
        return 0 if back.writes and not back.conflicts else LandingRefused.code
    refused = bool(back.conflicts) or not back.writes
    what = "be refused, and nothing would change" if refused else f"change {count(len(back.writes), 'file')}"
    _tell(f"Taking back {made.id} ({_day(made.time)}) would {what}:")
    _say_diffs(back.writes)
    for path in map(one_line, back.absent):
        _tell(f"Nothing of it stands in {path}, which would be left as it is.")
    for path in map(one_line, back.merged):
        _tell(f"{path} was edited since; the edits would be kept.")
    for path in map(one_line, back.conflicts):
        _tell(f"{path} was edited since, in the same place. This is what there is to take back by hand:")
    _say_diffs(back.blocked)
    return LandingRefused.code if refused else 0


def _say_diffs(writes: tuple[landings.Write, ...]) -> None:
    for write in writes:
        file = take_apart(Change(path=write.path, before=write.before, after=write.after))
        _say(unified(file).decode("utf-8", "replace").removesuffix("\n"))


def list_landings(*, as_json: bool) -> int:
    """List the landings of all sessions in this repository, newest first."""
    root, settings = _place()
    made = landings.landings(root, settings.state_dir)
    for one in made:
        if as_json:
            _print(one)
            continue
        session = f"  session {one.session}" if one.session else ""
        _say(f"{one.id}  {_day(one.time)}{session}  {'taken back  ' if one.undone else ''}{named(one.paths)}")
    if not made and not as_json:
        _say("Nothing was landed in this repository yet.")
    return 0


def list_grants(*, as_json: bool) -> int:
    """List what is allowed beyond the walls in this repository."""
    root, settings = _place()
    grants = _ledger(settings).grants(str(root))
    for grant in grants:
        if as_json:
            _print(grant)
        else:
            _say(_grant(grant))
    if not grants and not as_json:
        _say("Nothing is allowed beyond the walls here. What you allow with a scope is listed, and ends by itself.")
    return 0


def revoke(id: str) -> int:
    """Take a grant back; UsageError if there is none of this name."""
    _, settings = _place()
    if not _ledger(settings).revoke(id):
        raise UsageError(f"There is no consent {id!r} in force.", "`assent consent` lists those that are.")
    _say(f"{id} is revoked.")
    return 0


def keep_key() -> int:
    """Ask for the key without showing it, and keep it; without a terminal it is read from stdin."""
    from getpass import getpass

    from assent_core.service.keys import store_key
    from assent_core.settings import load

    base_url = load().base_url
    key = getpass("API key (not shown): ") if sys.stdin.isatty() else sys.stdin.readline()
    _say(store_key(key, base_url))
    return 0


def _place() -> tuple[Path, Settings]:
    folder = here()
    return find(folder).root, without_screen(settings_for(folder))


def _recover(root: Path, settings: Settings) -> None:
    for one in landings.recover(root, settings.state_dir):
        _tell(f"An interrupted landing was {one.how}: {named(one.paths)}")


def _say_done(what: str, made: landings.Landing, *, as_json: bool) -> None:
    if as_json:
        _print(made)
        return
    _say(f"{what}: {named(made.paths)}")
    for notice in made.notices:
        _tell(notice)


def _ledger(settings: Settings) -> Ledger:
    return Ledger(settings.state_dir / "consent.jsonl")


def _grant(grant: Grant) -> str:
    until = _day(grant.until) if grant.until else "its task ends"
    return f"{grant.id}  {one_line(effect(grant.widening))}  ({grant.scope}; since {_day(grant.time)}, until {until})"


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _print(value: Struct) -> None:
    sys.stdout.write(inert_json(encode(value)) + "\n")


def _tell(text: str) -> None:
    sys.stderr.write(plain(text) + "\n")


def _say(text: str) -> None:
    sys.stdout.write(plain(text) + "\n")
