"""A second look with fresh eyes: remarks on a staged change, an opinion of a risky action; it decides nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

from msgspec import Meta, Struct

from assent_core.consent.questions import Question
from assent_core.diffs.changes import FileChange
from assent_core.diffs.remarks import Remark, Severity, hunk_at, numbered
from assent_core.logs.digest import plain
from assent_core.roles.inquiry import Bounds, Inquiry, clean
from assent_core.router import route
from assent_core.settings import Settings
from assent_sandbox.output import cut
from assent_sandbox.policy import WideningKind

WIDE: frozenset[WideningKind] = frozenset({"unconfined", "secret", "network", "write", "socket"})
"""What reaches so far that a second look is worth its price."""
MOST_OF_TASK, MOST_OF_FILE, MOST = 8_000, 24_000, 80_000
"""Characters of the task, of one file's change and of all that are sent: about 20,000 tokens in all."""
MOST_REMARKS = 20
LONGEST = 400
READING, JUDGING = Bounds(180.0, 16_000), Bounds(60.0, 4_000)
"""How long an answer is worth waiting for (nobody waits), and how much thinking it may take."""

Concern = Literal["none", "some", "serious"]


class Finding(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing as the reviewer answers it."""

    path: Annotated[str, Meta(max_length=4_000)]
    line: int
    severity: Severity
    text: Annotated[str, Meta(min_length=1, max_length=4_000)]


class Findings(Struct, frozen=True, forbid_unknown_fields=True):
    """What the reviewer answers about a change."""

    findings: Annotated[list[Finding], Meta(max_length=100)]


class Opinion(Struct, frozen=True, forbid_unknown_fields=True):
    """What the reviewer answers about an action."""

    concern: Concern
    sentence: Annotated[str, Meta(min_length=1, max_length=2_000)]


class Reviewer:
    """Asks with a fresh context: it knows the task and what is to be looked at, and nothing that the worker said of it."""

    def __init__(self, inquiry: Inquiry, settings: Settings) -> None:
        self._inquiry = inquiry
        self._settings = settings

    @property
    def model(self) -> str:
        """Who reads changes."""
        return route("review", self._settings).model

    def reads(self, files: Collection[FileChange]) -> bool:
        """Whether a change is to be read, as the settings say."""
        match self._settings.reviewing:
            case "off":
                return False
            case "risky":
                return any("outside" in file.marks for file in files)
            case "always":
                return bool(files)

    def judges(self, question: Question) -> bool:
        """Whether a question of consent is worth a second look."""
        return self._settings.reviewing != "off" and any(widening.kind in WIDE for widening in question.reach)

    async def read(self, task: str, files: Collection[FileChange]) -> tuple[Remark, ...] | None:
        """Remarks on a change, the serious ones first; None if there was no answer that holds."""
        data = f"The task:\n{cut(plain(task), MOST_OF_TASK)}\n\nThe change:\n{_shown(files)}"
        found = await self._inquiry.ask(route("review", self._settings), "review", Findings, data, READING)
        if found is None:
            return None
        remarks = (_remark(finding, files) for finding in found.findings)
        told = sorted(dict.fromkeys(remarks), key=lambda remark: remark.severity != "serious")
        return tuple(remark for remark in told if remark.text)[:MOST_REMARKS]

    async def judge(self, task: str, action: str) -> Opinion | None:
        """An opinion of an action that the user is asked about; None if there was no answer that holds."""
        data = f"The task:\n{cut(plain(task), MOST_OF_TASK)}\n\nThe action:\n{cut(plain(action), MOST_OF_FILE)}"
        found = await self._inquiry.ask(route("judge", self._settings), "judge", Opinion, data, JUDGING)
        return Opinion(found.concern, said) if found and (said := clean(found.sentence, LONGEST)) else None


def _shown(files: Collection[FileChange]) -> str:
    """The change with its line numbers; what has no room is named, so that nobody takes it for read."""
    parts: list[str] = []
    left_out: list[str] = []
    room = MOST
    for file in files:
        diff = cut(plain(numbered(file)), MOST_OF_FILE)
        if len(diff) > room:
            left_out.append(file.path)
            continue
        room -= len(diff)
        parts.append(diff)
    missing = [f"[not shown, too large: {clean(', '.join(left_out), 2_000)}]"] if left_out else []
    return "\n".join([*parts, *missing])


def _remark(finding: Finding, files: Collection[FileChange]) -> Remark:
    hunk = hunk_at(files, finding.path, finding.line)
    path = next((file.path for file in files if hunk in {one.id for one in file.hunks}), clean(finding.path))
    line = min(max(finding.line, 0), 10_000_000)
    return Remark(path=path, line=line, severity=finding.severity, text=clean(finding.text, LONGEST), hunk=hunk)
