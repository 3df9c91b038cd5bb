"""Which walls this machine gives, found by trying, and what would give better ones."""

from __future__ import annotations

import sys
from pathlib import Path

from assent_core.errors import AssentError
from assent_core.lines import encode
from assent_core.settings import load
from assent_core.workspace import find
from assent_sandbox.output import inert_json, one_line
from assent_sandbox.policy import Tier
from assent_sandbox.walls import Findings, Wall, find_walls
from assent_tui.commands.printer import CODES, Style, coloured
from assent_tui.commands.where import without_screen

MEANING: dict[Tier, str] = {
    "overlay": "commands see the repository at its own path, alone in namespaces of their own",
    "copy": "commands work in a copy at another path, and can write nowhere else",
    "unconfined": "no walls stand here: every command of the model asks, each time",
}


def doctor(*, as_json: bool) -> int:
    """Try the walls and print what was found; 0 if commands can be confined, else 1."""
    state = without_screen(load()).state_dir
    findings = find_walls(state, _repository())
    if as_json:
        sys.stdout.write(inert_json(encode(findings)) + "\n")
    else:
        for style, line in lines(findings, state):
            _print(style, line)
    return 1 if findings.tier == "unconfined" else 0


def _repository() -> Path | None:
    """Where a session would work if it were started here; None where none could be."""
    try:
        return find(Path.cwd()).root
    except (AssentError, OSError):
        return None


def lines(findings: Findings, state: Path) -> list[tuple[Style, str]]:
    """The findings in words."""
    best: Style = "bad" if findings.tier == "unconfined" else "good"
    found: list[tuple[Style, str]] = [
        (best, f"{findings.tier}: {MEANING[findings.tier]}"),
        ("dim", f"stages are kept in {state}"),
    ]
    for wall in findings.walls:
        found += _wall(wall)
    if findings.gaps:
        found.append(("plain", "what this tier does not hold:"))
    for gap in findings.gaps:
        found.append(("plain", f"  -    {gap.what}"))
        found.append(("dim", f"       {gap.why}"))
    return found


def _wall(wall: Wall) -> list[tuple[Style, str]]:
    style: Style = "good" if wall.ok else "bad"
    note = f": {wall.note}" if wall.note else ""
    line: list[tuple[Style, str]] = [(style, f"  {'yes' if wall.ok else 'no '}  {wall.name}{note}")]
    return [*line, ("plain", f"       {wall.mend}")] if wall.mend and not wall.ok else line


def _print(style: Style, line: str) -> None:
    code = CODES[style] if coloured(sys.stdout) else ""
    text = one_line(line)
    sys.stdout.write(f"\x1b[{code}m{text}\x1b[0m\n" if code else f"{text}\n")
