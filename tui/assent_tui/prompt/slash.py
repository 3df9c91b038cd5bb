"""What may be typed into the prompt beside a request: slash commands, and commands of the user's own."""

from __future__ import annotations

import re
import shlex
from difflib import get_close_matches

from msgspec import Struct
from msgspec.structs import replace

COMMANDS: dict[str, str] = {
    "/help": "all keys and commands",
    "/plan": "have a plan made that changes nothing; alone: write on at the one that waits",
    "/go": "carry out the plan that waits, or the one that stands behind /go",
    "/drop": "drop the plan that waits",
    "/review": "decide on what is staged, hunk by hunk",
    "/diff": "the staged changes as text in the chat",
    "/land": "write what is accepted into your files",
    "/undo": "take the newest landing back",
    "/commit": "commit exactly what landed; --hooks tries the repository's hooks on a stage first",
    "/rewind": "back to before an earlier prompt, with the stage as it was then; or fork there",
    "/fork": "go on in a session of its own; this one stays as it is",
    "/copy": "the newest answer to the clipboard; /copy code: its last block of code",
    "/context": "how full the context is, and with what",
    "/compact": "make room in the context: digests and a summary for what is old",
    "/cost": "what each role has cost in this session",
    "/model": "another model works from the next prompt on: /model NAME [EFFORT]",
    "/scout": "what scout and reviewer were sent; /scout off: send the scout nothing more",
    "/doctor": "how high the walls are here",
    "/sessions": "earlier sessions: go on with one, search, name, delete",
    "/settings": "all settings, with what they are for",
    "/quit": "leave; what is staged is kept",
}


REQUESTS = ("/plan", "/go")
"""Commands that are requests to a model: they wait for their turn."""
LONG = (*REQUESTS, "/commit")
"""Commands that may have several lines."""


def split(text: str) -> tuple[str, str]:
    """A command's name, and what stands behind it."""
    name, *rest = text.strip().split(maxsplit=1)
    return name, "".join(rest)


def is_command(text: str) -> bool:
    """Whether a text is a command of ours: of one line, or of several where it may be."""
    return text.startswith("/") and ("\n" not in text.strip() or split(text)[0] in LONG)


def is_request(text: str) -> bool:
    """Whether a text is a command that asks a model."""
    return text.startswith("/") and split(text)[0] in REQUESTS


def nearest(name: str) -> str:
    """A hint for a command that does not exist."""
    close = get_close_matches(name, COMMANDS, n=1)
    return f"Did you mean {close[0]}?" if close else f"There are {', '.join(COMMANDS)}."


def beginning(text: str) -> tuple[tuple[str, str], ...]:
    """The commands that begin so, with what they do."""
    return tuple((name, about) for name, about in COMMANDS.items() if name.startswith(text.lower()))


class CommitWords(Struct, frozen=True):
    """What stands behind /commit: its options, and the message; an empty one asks for a draft."""

    message: str = ""
    hooks: bool = False
    unsigned: bool = False

    @property
    def line(self) -> str:
        """The command as it would be typed."""
        options = (" --hooks" if self.hooks else "") + (" --unsigned" if self.unsigned else "")
        return f"/commit{options} {self.message}"


def commit_words(text: str) -> CommitWords:
    """Read what stands behind /commit; options come before the message."""
    words = CommitWords(text.strip())
    while found := re.match(r"--(hooks|unsigned)(?:\s+|\Z)", words.message):
        words = replace(words, message=words.message[found.end() :], **{found[1]: True})
    return words


def argv_of(command: str) -> tuple[str, ...]:
    """A command line as words where it is nothing but words, else as a text for the shell."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    return tuple(words) if words and shlex.join(words) == command else ("sh", "-c", command)
