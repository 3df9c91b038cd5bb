"""What a command's output says, extracted without any model."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from assent_sandbox.policy import Denial

FailureClass = Literal[
    "none", "test", "type", "lint", "build", "dependency", "environment", "permission", "network",
    "timeout", "flaky", "resource", "sandbox denial", "tool missing", "own edit", "unknown",
]  # fmt: skip


class Digest(Struct, frozen=True, kw_only=True):
    """What a log says in a few lines, with its failure class and the line of the log that shows it."""

    failure: FailureClass
    lines: tuple[str, ...]
    shown_by: str = ""
    failing: tuple[str, ...] = ()
    """Failing tests by their ids, where the output names them."""
    summary: str = ""
    """One phrase, for example 'pytest: 3 failed, 12 passed'."""
    source: Literal["rules", "scout"] = "rules"


def extract(command: str, code: int, output: str, denials: tuple[Denial, ...] = ()) -> Digest:
    """Read a log by rules alone; never fails, and degrades to first and last error lines."""
    raise NotImplementedError
