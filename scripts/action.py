#!/usr/bin/env python3
"""Turns what `assent fix --json` said into the outputs of the GitHub Action, a comment, and a summary of the step.

    python scripts/action.py EVENTS PATCH COMMENT CODE OUTPUTS SUMMARY

Standard library only: any Python of the runner will do. All text of models and commands goes into fenced blocks, and outputs
are words and numbers of our own, so that neither can say something to GitHub.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

LONGEST = 20_000
"""Characters of a patch that a comment shows."""


def summary(events: str) -> dict[str, object]:
    """The last line of the events, if it is the summary."""
    for line in reversed(events.splitlines()):
        try:
            told = json.loads(line)
        except ValueError:
            continue
        return told if isinstance(told, dict) and told.get("event") == "summary" else {}
    return {}


def fenced(text: str, language: str = "") -> str:
    """A text in a block that it cannot leave."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def comment(told: dict[str, object], patch: str, code: int) -> str:
    """What is said on the pull request."""
    outcome = word(told.get("outcome"))
    lines = [f"**assent**: {outcome} (exit code {code})\n"]
    lines += [fenced(f"{told.get('message') or ''}\n{told.get('hint') or ''}".strip() or "no message")]
    seen = told.get("verification")
    if isinstance(seen, dict):
        said = "Verified by" if seen.get("code") == 0 else "Not verified, the last run failed"
        lines.append(f"{said}:\n\n" + fenced(f"$ {seen.get('command')}\n{seen.get('summary') or ''}"))
    doubted = told.get("doubted")
    if isinstance(doubted, dict):
        lines.append("Passed, not verified:\n\n" + fenced(f"$ {doubted.get('command')}\n{doubted.get('doubt') or ''}"))
    if patch:
        cut = patch if len(patch) <= LONGEST else patch[:LONGEST] + "\n[... cut; the artifact has all of it ...]"
        lines.append("The change, to be applied by `git apply`:\n\n" + fenced(cut, "diff"))
    usd = told.get("usd")
    lines.append(f"Cost: ${usd:.4f}\n" if isinstance(usd, int | float) else "")
    return "\n".join(lines)


def word(value: object) -> str:
    """An outcome as one line of plain letters."""
    return re.sub(r"[^a-z ]", "", str(value or "")) or "no summary"


def main() -> int:
    """Read, write, and say where it is."""
    events, patch, said, code, outputs, step = sys.argv[1:]
    told = summary(Path(events).read_text(encoding="utf-8", errors="replace"))
    change = Path(patch).read_text(encoding="utf-8", errors="replace") if Path(patch).exists() else ""
    text = comment(told, change, int(code))
    Path(said).write_text(text, encoding="utf-8", errors="replace")
    with Path(outputs).open("a", encoding="utf-8") as out:
        out.write(f"code={int(code)}\noutcome={word(told.get('outcome'))}\n")
        out.write(f"patch={patch if change else ''}\ncomment={said}\n")
    with Path(step).open("a", encoding="utf-8", errors="replace") as out:
        out.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
