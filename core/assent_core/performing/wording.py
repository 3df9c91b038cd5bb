"""What the model gets to read of a command: how it ended, what was denied, what was extracted, its output; pure."""

from __future__ import annotations

import msgspec

from assent_core.logs.digest import Digest
from assent_core.logs.folding import folded
from assent_sandbox.output import cut
from assent_sandbox.policy import Denial, Ended, Traffic

TOLD = 40_000
"""Most characters of one output that the model gets, about 10k tokens; the middle is cut."""

WORTH_A_NAME = 2_000
"""Characters of an output from which on the model is told the name under which it can read it again."""


def denied_in_words(denial: Denial) -> str:
    """One denial as a line for the model and the user."""
    sure = "" if denial.certainty == "sure" else "likely "
    return f"{sure}denied: {denial.kind} {denial.target}".rstrip() + f" ({denial.why})"


def likely_needs(denials: tuple[Denial, ...]) -> list[str]:
    """How to ask for what was likely denied: nobody is asked for that unless the worker wants it."""
    wanted = [denial.widening for denial in denials if denial.certainty == "likely" and denial.widening]
    if not wanted:
        return []
    needs = msgspec.json.encode([{"kind": each.kind, "target": each.target or None} for each in wanted[:3]]).decode()
    return [
        f"What is only likely was not asked for. If it is the cause and the task needs it, run this again with needs {needs}"
    ]


def passed_in_words(traffic: Traffic) -> str:
    """What passed through one granted way out, as a line for the model and the user."""
    way = f"{traffic.widening.kind} {traffic.widening.target}"
    return f"passed: {way} ({traffic.connections} connections, {traffic.sent} bytes sent, {traffic.received} received)"


class Whole(msgspec.Struct, frozen=True):
    """Where all of an output can be read: its name, the line of the first error if that is known, whether `text` is less."""

    name: str = ""
    line: int = 0
    longer: bool = False


def told_of(ended: Ended, digest: Digest, text: str, whole: Whole, hint: str = "") -> str:
    """What the model gets of a command: all that was extracted, then head and tail of the output within the budget."""
    first = f"exit code {ended.code} after {ended.seconds:.1f} s"
    if ended.cause not in ("exit", "start"):
        first += f", ended by: {ended.cause}"
    lines = [first, *(denied_in_words(denial) for denial in ended.denials)]
    if ended.denials:
        lines.append("The walls of the stage denied this; it is no fault of the code. Do not work around it.")
    lines += [*likely_needs(ended.denials), *map(passed_in_words, ended.traffic)]
    if ended.code:
        lines += [*digest.told, *([f"the first error is at line {whole.line}"] if whole.line else [])]
        lines += [hint] if hint else []
    room, note = max(TOLD - sum(map(len, lines)), TOLD // 4), "[... most of it cut here ...]" if whole.longer else ""
    shown = cut(folded(text), room, note) if text else "(none)"
    if whole.name and len(text) > WORTH_A_NAME:
        shortened = "shortened here; " if shown != text else ""
        lines.insert(1, f"{shortened}the whole output: `read` with path {whole.name}")
    return "\n".join([*lines, "output:", shown])
