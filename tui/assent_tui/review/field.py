"""One field at a time under the diff: a reason, a comment, a command, a search, or the lines of a hunk."""

from __future__ import annotations

from typing import Literal

from textual.containers import Container
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from assent_core.diffs.changes import Hunk
from assent_tui.review.editor import HunkEditor, text_of

Wanted = Literal["reason", "comment", "command", "search", "edit"]
ASKS: dict[Wanted, str] = {
    "reason": "why not? the model is told; Enter rejects, {app.step_back} goes back",
    "comment": "a comment for the model; empty takes it away",
    "command": "which command shows that it works? it runs on a fresh stage with what you accepted",
    "search": "search: Enter goes to the next; later {review.next_hit}, {review.previous_hit}; {app.step_back} ends it",
    "edit": "edit the new lines: {editor.write} puts them on the stage and accepts them, {app.step_back} keeps the draft",
}
"""What each field is for; a name in braces stands for its key."""


class Field(Container):
    """Empty most of the time; says `Wrote` when what is written is to be used."""

    DEFAULT_CSS = "Field { height: auto; }"

    class Wrote(Message):
        """The user is done; `hunk` is what it is about, if it is about one."""

        def __init__(self, wanted: Wanted, text: str, hunk: str = "") -> None:
            super().__init__()
            self.wanted: Wanted = wanted
            self.text = text
            self.hunk = hunk

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._wanted: Wanted = "reason"
        self._hunk = ""
        self._drafts: dict[str, str] = {}
        self._lines: dict[tuple[Wanted, str], str] = {}
        """What was written of a reason or a comment, and not used yet."""
        self._taken = False

    @property
    def taken(self) -> bool:
        """Whether something is being written."""
        return self._taken

    def ask(self, wanted: Wanted, known: str, hunk: str = "") -> None:
        """Let the user write a line about a hunk, or about all."""
        self._wanted, self._hunk = wanted, hunk
        self._open(Input(known or self._lines.get((wanted, hunk), ""), compact=True))

    def edit(self, hunk: Hunk) -> None:
        """Let the user edit the new lines of a hunk, from where they left them."""
        self._open(HunkEditor(hunk, self._drafts.get(hunk.id, text_of(hunk))))

    def _open(self, field: Widget) -> None:
        """Show it; it has the keys at once, for the next ones may be typed already."""
        self._taken = True
        self.mount(field)
        self.screen.set_focus(field, scroll_visible=False)

    def leave(self) -> bool:
        """Take the field away; a draft of an edit, a reason, a comment is kept. Says whether there was one."""
        if not self.taken:
            return False
        for editor in self.query(HunkEditor):
            if editor.text != editor.original:
                self._drafts[editor.hunk.id] = editor.text
        for line in self.query(Input):
            if self._wanted in ("reason", "comment"):
                self._lines[self._wanted, self._hunk] = line.value
        self._taken = False
        self.remove_children()
        return True

    def take_keys(self) -> None:
        """Go on with what is being written."""
        for field in self.query("Input, HunkEditor"):
            self.screen.set_focus(field, scroll_visible=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Use what was written."""
        event.stop()
        text = event.value.strip()
        self.leave()
        self._lines.pop((self._wanted, self._hunk), None)
        self.post_message(self.Wrote(self._wanted, text, self._hunk))

    def on_hunk_editor_written(self, message: HunkEditor.Written) -> None:
        """Use what was edited; the field stays until it is taken over."""
        message.stop()
        self.post_message(self.Wrote("edit", message.text, message.hunk.id))
