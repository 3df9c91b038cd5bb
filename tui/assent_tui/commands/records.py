"""The recorded sessions as lines: for people, or as JSON."""

from __future__ import annotations

import sys
import time

from assent_core.lines import encode
from assent_core.memory import sessions
from assent_core.workspace import find
from assent_sandbox.output import inert_json, one_line
from assent_tui.commands.where import here, settings_for, without_screen
from assent_tui.figures import ago, landed


def list_sessions(*, everywhere: bool, words: str, as_json: bool) -> int:
    """Print the sessions of this folder, or of all, newest first; with words, those in which all of them were said."""
    folder = here()
    state = without_screen(settings_for(folder)).state_dir
    found = sessions.sessions(state, None if everywhere else find(folder).root)
    if words.strip():
        found = sessions.matching(state, found, words)
    for one in found:
        if as_json:
            sys.stdout.write(inert_json(encode(one)) + "\n")
            continue
        facts = [ago(time.time() - one.last), f"${one.usd:.4f}", landed(one.landed, len(one.paths))]
        facts += ["open"] if one.open else ["changes not landed"] if one.staged else []
        facts += [one.root] if everywhere else []
        sys.stdout.write(f"{one.id}  {one_line(one.title)}\n    {one_line(' · '.join(facts))}\n")
    if not found and not as_json:
        sys.stdout.write("There is no session here yet.\n" if not words else "No session matches.\n")
    return 0
