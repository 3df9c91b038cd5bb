"""A hunk's new lines in a text box, and how they become bytes again."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.widgets import TextArea

from assent_core.diffs.changes import Hunk
from assent_tui.keymap import bindings


class HunkEditor(TextArea):
    """Edits a text of several lines; says `Written` when it is to be used. The parent takes it away."""

    DEFAULT_CSS = """
    HunkEditor { height: auto; min-height: 4; max-height: 14; border: none; border-top: solid $primary; padding: 0 1;
        background: $panel; }
    HunkEditor:focus { border: none; border-top: solid $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("editor")

    class Written(Message):
        """The user is content with the text."""

        def __init__(self, hunk: Hunk, text: str) -> None:
            super().__init__()
            self.hunk = hunk
            self.text = text

    def __init__(self, hunk: Hunk, text: str) -> None:
        super().__init__(text, soft_wrap=True, tab_behavior="indent", show_line_numbers=True, compact=True)
        self.hunk = hunk
        self.original = text_of(hunk)
        self.line_number_start = hunk.new_start + 1
        self.indent_type = "tabs" if any(row.startswith("\t") for row in text.split("\n")) else "spaces"

    def action_write(self) -> None:
        """Say that the text is to be used."""
        self.post_message(self.Written(self.hunk, self.text))


def text_of(hunk: Hunk) -> str:
    """The new lines as a text without carriage returns, if all have one; bytes that are no UTF-8 survive in it."""
    return b"".join(_bare(hunk)).decode("utf-8", "surrogateescape")


def bytes_of(hunk: Hunk, text: str) -> bytes:
    """What a text becomes in the place of the new lines."""
    data = text.encode("utf-8", "surrogateescape")
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") if _returns(hunk) else data


LARGEST = 100_000
"""Characters beyond which a text is no matter for a text box."""


def displayable(text: str) -> bool:
    """Whether a text box shows all of a text as it is: no control or invisible characters, no odd line ends."""
    return len(text) <= LARGEST and all(row.replace("\t", " ").isprintable() for row in text.split("\n"))


def _bare(hunk: Hunk) -> list[bytes]:
    return [row[:-2] + b"\n" for row in hunk.new] if _returns(hunk) else list(hunk.new)


def _returns(hunk: Hunk) -> bool:
    rows = hunk.new or hunk.old
    return bool(rows) and all(row.endswith(b"\r\n") for row in rows)
