"""Each event as lines for people, and all of them summed up: what the one-shot commands print."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Literal, TextIO, assert_never

from assent_core.diffs import v4a
from assent_core.diffs.review import Evidence
from assent_core.events import (
    AnyEvent,
    Asked,
    Attempted,
    Billed,
    Chosen,
    Committed,
    Decided,
    Digested,
    Drifted,
    Ended,
    Explained,
    Forked,
    Joined,
    Landed,
    Mistaken,
    Named,
    Noticed,
    Opened,
    Performed,
    Planned,
    Pointed,
    Printed,
    Prompted,
    Proposed,
    Relayed,
    Remarked,
    Retried,
    Rewound,
    Routed,
    Said,
    Staged,
    Texted,
    Thought,
    Undone,
    Verified,
)
from assent_core.logs.digest import Digest
from assent_core.proposals import Delegate, Patch, Proposal, Read, Search, Shell, Spend
from assent_sandbox.output import inert, one_line
from assent_sandbox.policy import Denial
from assent_tui.figures import count
from assent_tui.verdicts import verdict

Style = Literal["plain", "dim", "good", "bad", "warn"]
CODES: dict[Style, str] = {"plain": "", "dim": "2", "good": "32", "bad": "31", "warn": "33"}


def plain(text: str) -> str:
    """Hostile text made harmless to a terminal; its lines stay."""
    return inert(text)


def named(paths: Iterable[str]) -> str:
    """Paths as one list in one line."""
    return ", ".join(map(one_line, paths))


def coloured(stream: TextIO) -> bool:
    """Whether colours are wanted and seen there."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


class Printer:
    """Prints events to one stream, line by line; nothing of it can steer the terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._coloured = coloured(stream)

    def show(self, event: AnyEvent) -> None:
        """Print what a person wants to know of an event, which may be nothing."""
        for style, line in lines(event):
            self.say(line, style)

    def say(self, text: str, style: Style = "plain") -> None:
        """Print some text of ours or of others; what it has of further lines is indented, and cannot pass for ours."""
        text = plain(text.rstrip("\n")).replace("\n", "\n    ")
        code = CODES[style] if self._coloured else ""
        self._stream.write(f"\x1b[{code}m{text}\x1b[0m\n" if code else f"{text}\n")
        self._stream.flush()


def lines(event: AnyEvent) -> Iterator[tuple[Style, str]]:
    """An event in words."""
    match event:
        case Opened():
            yield from _opened(event)
        case Routed(role=role, model=model, effort=effort, why=why, instead_of=earlier):
            yield "dim", f"{role}: {model}, effort {effort}" + (f" takes over from {earlier}: {why}" if earlier else "")
        case Said(text=text):
            for line in text.strip().splitlines():
                yield "plain", f"  {line}"
        case Retried(why=why, attempt=attempt, seconds=seconds):
            yield "warn", f"{why}; retry {attempt} in {seconds:.1f} s"
        case Proposed(proposal=proposal):
            yield "plain", proposed(proposal)
        case Mistaken(tool=tool, message=message):
            yield (
                "dim",
                f"  {tool} was called wrongly; the model was told: {message.splitlines()[0] if message else ''}",
            )
        case Decided(allowed=False, by=by, why=why):
            yield "bad", f"  refused: {why}" if by == "nobody" else f"  refused {verdict(by, why)}"
        case Performed():
            yield from _performed(event)
        case Digested(digest=digest):
            yield from _digested(digest)
        case Billed(role=role, usd=usd, by=""):
            yield "dim", f"  {role}: {price(usd)}"
        case Staged(paths=paths, added=added, removed=removed):
            yield "plain", f"staged: {named(paths) or 'nothing'} (+{added} -{removed})"
        case Drifted(moved=moved):
            for one in moved:
                yield "warn", f"moved meanwhile: {one_line(one.path)} ({one.how})"
        case Verified(evidence=evidence):
            yield from _verified(evidence)
        case Landed(landing=landing, paths=paths, hunks=hunks):
            yield "good", f"landed: {named(paths)} ({count(hunks, 'hunk')}); `assent undo {landing}` takes it back"
        case Undone(paths=paths, left=left):
            rest = f"; left as it is, since nothing of it stood there: {named(left)}" if left else ""
            yield "good", f"taken back: {named(paths)}{rest}"
        case Rewound(landed=landed):
            yield (
                "warn",
                f"went back to an earlier prompt{'; landed since then, and stays: ' + ', '.join(landed) if landed else ''}",
            )
        case Forked(session=session):
            yield "plain", f"goes on from the session {session}"
        case Committed(commit=commit, branch=branch, subject=subject):
            yield "good", f"committed to {branch} as {commit[:10]}: {subject}"
        case Noticed(text=text):
            yield "warn", text
        case Explained(sentence=sentence, by=by, concern=concern):
            yield "warn" if concern == "serious" else "dim", f"  the {by} says: {sentence}"
        case Remarked(remarks=remarks):
            for remark in remarks:
                yield "warn", f"reviewer, {remark.path}:{remark.line} ({remark.severity}): {remark.text}"
        case Relayed() | Joined() | Attempted() | Chosen() | Pointed():
            yield from _beside(event)
        case (
            Named()
            | Planned()
            | Prompted()
            | Asked()
            | Texted()
            | Thought()
            | Printed()
            | Decided()
            | Billed()
            | Ended()
        ):
            return
        case _:
            assert_never(event)


def proposed(proposal: Proposal | Spend) -> str:
    """A proposal on one line."""
    match proposal:
        case Spend(text=text):
            return text
        case Shell(command=command, workdir=workdir):
            return f"$ {command}" + ("" if workdir == "." else f"    (in {workdir})")
        case Patch(text=text):
            return f"patch {named(v4a.named(text))}"
        case Read(path=path):
            return f"read {one_line(path)}"
        case Search(pattern=pattern, path=path, glob=glob):
            return f"search {pattern!r} in {path} {glob}".rstrip()
        case Delegate(tasks=tasks):
            return f"delegate {', '.join(task.name for task in tasks)}"


def denied(denial: Denial) -> str:
    """A denial on one line."""
    surely = "" if denial.certainty == "sure" else "likely "
    return one_line(f"{surely}denied: {f'{denial.kind} {denial.target}'.rstrip()} ({denial.why})")


def price(usd: float | None) -> str:
    """An amount of money, which may be unknown."""
    return "at an unknown price" if usd is None else f"${usd:.4f}"


def _opened(event: Opened) -> Iterator[tuple[Style, str]]:
    branch = f", branch {event.branch}" if event.branch else ""
    yield "plain", f"assent: {event.tier} stage of {event.root}{branch}"
    for notice in event.notices:
        yield "warn", notice


def _performed(event: Performed) -> Iterator[tuple[Style, str]]:
    if event.code is not None:
        yield "dim" if event.ok else "bad", f"  exit {event.code} after {event.seconds:.1f} s"
    elif not event.ok:
        yield "bad", f"  {event.told.strip().splitlines()[0] if event.told.strip() else 'it could not be done'}"
    for denial in event.denials:
        yield "bad", f"  {denied(denial)}"


def _verified(seen: Evidence) -> Iterator[tuple[Style, str]]:
    said = f"{seen.command}: exit {seen.code}{_in_brackets(seen.summary)}"
    if seen.passed:
        yield "good", f"verified: {said}"
        if seen.relies:
            yield "dim", f"  with what git ignores, as it is in your tree: {named(seen.relies[:5])}"
    elif seen.code == 0:
        yield "warn", f"passed, not verified: {said}; {seen.doubt}"
    else:
        yield "bad", f"failed: {said}"


def _beside(event: Relayed | Joined | Attempted | Chosen | Pointed) -> Iterator[tuple[Style, str]]:
    match event:
        case Relayed():
            yield from _relayed(event)
        case Joined():
            yield from _joined(event)
        case Attempted():
            yield _attempted(event)
        case Chosen(attempt=attempt, passed=True):
            yield "good", f"attempt {attempt} goes on; all {event.of} attempts cost {price(event.usd)}"
        case Pointed(paths=paths):
            yield "dim", f"  the scout points to {named(paths)}"
        case Chosen(attempt=attempt):
            yield "bad", f"no attempt passed; attempt {attempt} came nearest; all {event.of} cost {price(event.usd)}"


def _relayed(event: Relayed) -> Iterator[tuple[Style, str]]:
    """What another worker did, with its name; of attempts only what was refused or denied, for they do all the same."""
    silent = event.attempt and not isinstance(event.of, Decided | Performed)
    for style, line in () if silent else lines(event.of):
        if not event.attempt or not isinstance(event.of, Performed) or "denied: " in line:
            yield style, f"[{event.by}] {line.strip()}"


def _joined(event: Joined) -> Iterator[tuple[Style, str]]:
    how = "done" if event.how == "done" else f"ended before it was done: {event.answer}"
    changed = f"; changed: {', '.join(event.paths)}" if event.paths else ""
    yield (
        "good" if event.how == "done" else "bad",
        f"[{event.by}] {how}{changed} ({event.seconds:.0f} s, {price(event.usd)})",
    )
    for each in event.moved:
        yield (
            "bad",
            f"[{event.by}] {'conflict in' if each.how == 'conflict' else 'not brought over:'} {each.path}: {each.why}",
        )
    if event.kept:
        yield "warn", f"[{event.by}] its versions of these are in {event.kept} until the session ends"


def _attempted(event: Attempted) -> tuple[Style, str]:
    style: Style = "good" if event.how == "passed" else "dim" if event.how == "beaten" else "bad"
    how = (
        "ended, another one was first" if event.how == "beaten" else "passed" if event.how == "passed" else "not fixed"
    )
    said = f": {event.summary}" if event.summary and event.how != "beaten" else ""
    lines_changed = f"+{event.added} -{event.removed}"
    return style, f"attempt {event.attempt} {how}{said} ({lines_changed}, {event.seconds:.0f} s, {price(event.usd)})"


def _digested(digest: Digest) -> Iterator[tuple[Style, str]]:
    if digest.failure == "sandbox denial" and digest.source == "rules":
        return
    yield "warn", f"  {digest.summary or digest.failure}" + (" (scout)" if digest.source == "scout" else "")
    for line in digest.lines[:5]:
        yield "dim", f"    {line}"


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""
