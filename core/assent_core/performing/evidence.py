"""What a run of a command says about exactly one staged content; pure."""

from __future__ import annotations

from collections.abc import Sequence

from assent_core.consent.commands import visible
from assent_core.diffs.changes import FileChange, digest
from assent_core.diffs.review import Evidence
from assent_core.logs.digest import Digest
from assent_core.performing.around import Around
from assent_core.performing.perform import Result


def contents_digest(files: tuple[FileChange, ...]) -> str:
    """The name of what is staged and lands if all of it is accepted, as evidence is bound to it."""
    return digest(tuple((file.path, file.after) for file in files if not file.is_byproduct))


def evidence(
    result: Result, staged: tuple[FileChange, ...], said_first: dict[str, str], around: Around | None = None
) -> Evidence:
    """What a command says about what was staged when it began, beside what the same command said at first.

    `said_first` remembers the first summary of each command.
    """
    around = around or Around()
    after = result.digest.summary if result.digest else ""
    before = said_first.setdefault(result.command, after) if after else said_first.get(result.command, "")
    summary = f"{before} -> {after}" if after and before != after else after or f"exit code {result.performed.code}"
    code = result.performed.code or 0
    return Evidence(
        command=result.command,
        code=code,
        digest=contents_digest(staged),
        summary=summary,
        doubt="" if code else doubt(result.digest, around) or _silent(result, before, after),
        aside=(*around.aside, *around.left),
        relies=around.relies,
    )


def _silent(result: Result, before: str, after: str) -> str:
    """What speaks against a command that counted its tests at first and now counts none; pytest -qq shows progress alone."""
    told = before and not after and "[100%]" not in result.output
    return f"it tells no result, as it did at first ({before})" if told else ""


def doubt(said: Digest | None, around: Around) -> str:
    """Why a command that ended with 0 verifies nothing; empty if it does."""
    if said and said.against:
        return f"its exit code is 0, but its output reports failures ({said.against})"
    if said and said.untried:
        return f"no test ran ({said.untried})"
    if around.leads:
        return f"it can have read your own files instead of the copy, by way of {named(around.leads)}"
    if around.aside:
        return f"it ran where what does not land had changed too: {named(around.aside)}"
    if around.left:
        return f"it ran beside what builds and checks had left, which git ignores: {named(around.left)}"
    return ""


def named(paths: Sequence[str], most: int = 4) -> str:
    """Some paths in words."""
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(map(visible, paths[:most])) + more
