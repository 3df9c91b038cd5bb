"""Events that are told in a sentence or two, as entries of the chat; pure."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, assert_never

from assent_core.consent.commands import visible
from assent_core.events import (
    Committed,
    Drifted,
    Ended,
    Explained,
    Forked,
    Landed,
    Named,
    Noticed,
    Opened,
    Planned,
    Pointed,
    Remarked,
    Rewound,
    Routed,
    Undone,
    Verified,
)
from assent_tui.chat.entries import Entry, Level, Note, Welcome
from assent_tui.figures import count, landed

if TYPE_CHECKING:
    from assent_core.landing.commit import Draft
    from assent_tui.prompt.slash import CommitWords

Telling = (
    Opened
    | Routed
    | Drifted
    | Verified
    | Planned
    | Named
    | Pointed
    | Remarked
    | Landed
    | Undone
    | Rewound
    | Forked
    | Committed
    | Noticed
)
_PLANS = {
    "made": "A plan is made. /go carries it out, /plan puts it into the prompt to be edited, /drop drops it.",
    "begun": "The plan is carried out.",
    "dropped": "The plan is dropped.",
}
OPINIONS = {"none": "sees no objection: ", "some": "has doubts: ", "serious": "WARNS: "}
"""How much a reviewer is concerned, in words."""


def told(event: Telling) -> tuple[Entry, ...]:
    """What the chat says of an event; may be nothing."""
    match event:
        case Opened():
            return (Welcome(opened=event), *(Note(text=text, level="warn", gap=False) for text in event.notices))
        case Drifted(moved=moved):
            said = ", ".join(f"{each.path} ({each.how})" for each in moved)
            conflict = any(each.how == "conflict" for each in moved)
            hint = "The review shows the conflicts." if conflict else ""
            return (
                Note(text=f"Your files changed meanwhile: {said}", level="warn" if conflict else "info", hint=hint),
            )
        case Verified(evidence=seen):
            if seen.code:
                return ()
            said = f"{seen.command}: {seen.summary or 'passed'}"
            if seen.passed:
                return (Note(text=said, level="ok", gap=False),)
            return (Note(text=f"{said}, not verified: {seen.doubt}", level="warn", gap=False),)
        case Landed():
            left = f"; {event.left} left undecided" if event.left else ""
            said = f"{landed(event.hunks, len(event.paths))}{left}; /undo takes it back"
            return (Note(text=said, level="ok"),)
        case Undone(paths=paths, left=left):
            rest = f"; nothing of it stood in {', '.join(left)}: left as it is" if left else ""
            return (Note(text=f"taken back: {', '.join(paths)}{rest}", level="warn" if left else "ok"),)
        case Rewound():
            return _gone_back(event)
        case Forked(session=session):
            return (Note(text=f"a session of its own from here on; the other one, {session}, stays as it was"),)
        case Committed(commit=commit, branch=branch, subject=subject, paths=paths):
            files = count(len(paths), "file")
            return (Note(text=f"committed {files} to {branch} as {commit[:10]}: {subject}", level="ok"),)
        case Noticed(text=text):
            return (Note(text=text),)
        case Routed(model=model, why=why, instead_of=earlier) if earlier:
            return (Note(text=f"{model} takes over from {earlier}: {why}", gap=False),)
        case Routed(role=role, model=model, why=why) if role != "worker":
            return (Note(text=f"{role} {model}: {why}", gap=False),)
        case Planned(how=how):
            return (Note(text=_PLANS[how]),)
        case Pointed(paths=paths):
            return (Note(text=f"the scout points to {', '.join(map(visible, paths))}", gap=False),)
        case Remarked(model=model, remarks=remarks):
            said = f"{count(len(remarks), 'remark')}, in the review" if remarks else "nothing to say of the change"
            return (Note(text=f"reviewer {model}: {said}"),)
        case Routed() | Named():
            return ()
        case _:
            assert_never(event)


def _gone_back(event: Rewound) -> tuple[Entry, ...]:
    made = [Note(text="went back: the stage and what the model has seen are as they were before this prompt")]
    if event.landed:
        made.append(Note(text=f"landed since then, and stays: {', '.join(event.landed)}", level="warn", gap=False))
    if event.moved:
        moved = ", ".join(f"{each.path} ({each.how})" for each in event.moved)
        made.append(Note(text=f"brought up to your files as they are now: {moved}", gap=False))
    return tuple(made)


def opinion(event: Explained) -> str:
    """What the reviewer thinks of an action."""
    return f"{OPINIONS.get(event.concern, '')}{event.sentence}"


def drafted_in_words(draft: Draft, words: CommitWords) -> tuple[tuple[str, Level], ...]:
    """What a commit would hold, what to know of it, and how it is made."""
    paths = ", ".join(change.path for change in draft.changes)
    said: list[tuple[str, Level]] = []
    said.append((f"to be committed to {draft.branch}: {paths}", "info"))
    said.extend((notice, "warn") for notice in draft.notices)
    names = ", ".join(PurePath(hook).name for hook in draft.hooks)
    if names and words.hooks:
        said.append((f"hooks: {names}; pre-commit and commit-msg are tried on a stage, and may refuse", "info"))
    elif names:
        said.append((f"hooks of the repository are not run: {names}; /commit --hooks tries them on a stage", "warn"))
    said.append(("The message is in the prompt: edit it, Enter commits.", "info"))
    return tuple(said)


def failure(event: Ended) -> tuple[Entry, ...]:
    """Why a turn ended, if it did not end well."""
    if event.how == "done":
        return ()
    failed = event.how in ("failed", "environment")
    return (Note(text=event.message or event.how, level="error" if failed else "warn", hint=event.hint),)
