"""The JSON schemas of what programs may read: the lines of a record, and those of `--json`; made from the types."""

from __future__ import annotations

import json
import sys
from typing import Literal, get_args

import msgspec

from assent_core.consent.ledger import Grant
from assent_core.events import AnyEvent
from assent_core.landing.landings import Landing
from assent_core.lines import FORMAT
from assent_core.memory.record import Heading, Line
from assent_core.memory.sessions import Recorded
from assent_core.money.statistics import Statistics
from assent_core.replay.play import Replay
from assent_sandbox.walls import Findings
from assent_tui.commands.chores import Preview
from assent_tui.commands.tally import Summary

Which = Literal["record", "json"]
FILES: dict[Which, str] = {"record": f"record.v{FORMAT}.json", "json": f"lines.v{FORMAT}.json"}
"""Where they are published, in docs/schema."""

_TOLD: dict[Which, tuple[str, str, tuple[object, ...]]] = {
    "record": (
        "a line of a session's record",
        "A record is a file of such lines, one JSON value each: first a Heading, whose `format` is the version, then Lines. "
        "A field that is not known is to be passed over; what is required stays so within a version.",
        (Heading, Line),
    ),
    "json": (
        "a line of --json",
        "`assent fix`, `run` and `ask` print events, the first of them `opened`, whose `format` is the version, and last a "
        "`summary`. `assent sessions` prints one Recorded a line, `undo --list` one Landing, `consent` one Grant; `undo` and "
        "`redo` a Landing, `undo --preview` a Preview, `stats` Statistics, `doctor` Findings, `replay` a Replay. A field that "
        "is not known is to be passed over.",
        (*get_args(AnyEvent), Summary, Recorded, Landing, Grant, Preview, Statistics, Findings, Replay),
    ),
}


def print_schema(which: Which) -> int:
    """Print one of the schemas."""
    sys.stdout.write(text(which))
    return 0


def text(which: Which) -> str:
    """One of the schemas, as it is published."""
    about, description, types = _TOLD[which]
    lines, named = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"assent: {about}, version {FORMAT}",
        "description": description,
        "anyOf": list(lines),
        "$defs": dict(sorted(named.items())),
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
