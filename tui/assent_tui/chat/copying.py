"""What can be copied out of the chat, whole and as it was written; pure."""

from __future__ import annotations

from collections.abc import Sequence

from assent_core.proposals import Shell
from assent_tui.chat.entries import Answer, Call, Note, Reasoning, Request, title_of

Copy = tuple[str, str]
"""A text, and what it is in words."""


def group(blocks: Sequence[object], index: int) -> tuple[int, int]:
    """The blocks that are one entry to a reader, as first and one past the last: a message streams in parts."""
    first, end = index, index + 1
    if not isinstance(blocks[index], Answer):
        return first, end
    while first > 0 and isinstance(earlier := blocks[first - 1], Answer) and not earlier.whole:
        first -= 1
    while end < len(blocks) and isinstance(blocks[end], Answer) and not _ends(blocks[end - 1]):
        end += 1
    return first, end


def whole_of(blocks: Sequence[object], first: int, end: int) -> Copy:
    """One entry as text."""
    match blocks[first]:
        case Answer():
            return _message(blocks, first, end), "the whole message"
        case Request(text=text):
            return text, "your message"
        case Reasoning(text=text):
            return text, "the thoughts"
        case Note() as note:
            return "\n".join(filter(None, (note.text, note.hint, note.detail))), "the note"
        case Call(proposal=proposal, tool=tool, output=output):
            title = (
                proposal.command if isinstance(proposal, Shell) else " ".join(title_of(proposal)) if proposal else tool
            )
            return "\n".join(filter(None, (title, output))), "the call and its output"
        case _:
            return "", ""


def newest_answer(blocks: Sequence[object]) -> Copy:
    """The newest message of the model."""
    at = next((at for at in range(len(blocks) - 1, -1, -1) if isinstance(blocks[at], Answer)), None)
    return whole_of(blocks, *group(blocks, at)) if at is not None else ("", "")


def codes_of(blocks: Sequence[object], first: int, end: int) -> tuple[str, ...]:
    """The blocks of code of a message, the first one first; of a call its output."""
    entry = blocks[first]
    if isinstance(entry, Answer):
        return codes(_message(blocks, first, end))
    return (entry.output,) if isinstance(entry, Call) and entry.output else ()


def newest_code(blocks: Sequence[object]) -> Copy:
    """The last block of code of the newest message that has one."""
    at = len(blocks) - 1
    while at >= 0:
        first, end = group(blocks, at)
        if isinstance(blocks[first], Answer) and (found := codes_of(blocks, first, end)):
            return found[-1], "the last block of code"
        at = first - 1
    return "", ""


def codes(text: str) -> tuple[str, ...]:
    """The fenced blocks of a markdown text, without their fences."""
    found: list[list[str]] = []
    fence = ""
    for row in text.split("\n"):
        bare = row.strip()
        if fence and bare.startswith(fence) and not bare.strip(fence[0]):
            fence = ""
        elif fence:
            found[-1].append(row)
        elif bare.startswith(("```", "~~~")):
            fence = bare[: len(bare) - len(bare.lstrip(bare[0]))]
            found.append([])
    return tuple("\n".join(rows) for rows in found if rows)


def _message(blocks: Sequence[object], first: int, end: int) -> str:
    parts = [part for part in blocks[first:end] if isinstance(part, Answer)]
    return parts[-1].whole or "\n".join(part.text for part in parts)


def _ends(block: object) -> bool:
    return isinstance(block, Answer) and bool(block.whole)
