"""What a run of a command says about exactly one staged content; pure."""

from __future__ import annotations

from assent_core.diffs.changes import FileChange, digest
from assent_core.diffs.review import Evidence
from assent_core.performing.perform import Result


def contents_digest(files: tuple[FileChange, ...]) -> str:
    """The name of what is staged, as evidence is bound to it."""
    return digest(tuple((file.path, file.after) for file in files))


def evidence(result: Result, staged: tuple[FileChange, ...], said_first: dict[str, str]) -> Evidence:
    """What a command says about what was staged when it began, beside what the same command said at first.

    `said_first` remembers the first summary of each command.
    """
    after = result.digest.summary if result.digest else ""
    before = said_first.setdefault(result.command, after) if after else ""
    summary = f"{before} -> {after}" if before != after else after or f"exit code {result.performed.code}"
    code = result.performed.code or 0
    return Evidence(command=result.command, code=code, digest=contents_digest(staged), summary=summary)
