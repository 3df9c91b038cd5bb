"""What the pages over the work have in common: a head, a list to choose from, a field, what came of it, and their keys."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, TypeVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Input

from assent_tui.keymap import keymap_of
from assent_tui.paint.choices import Choices
from assent_tui.paint.lines import BLANK, Line, clean, line
from assent_tui.paint.rows import Rows, keys_line

Result = TypeVar("Result")


class ListPage(Screen[Result]):
    """A page that gives a result when it is left. Whoever derives from it fills `head` and `list`."""

    OFFERED: ClassVar[tuple[tuple[str, str], ...]] = ()
    """The keys that it shows at its foot, by name, with what they do."""
    NOTHING: ClassVar[object] = None
    """What it gives where nothing was chosen."""

    def __init__(self, *, secret: bool = False) -> None:
        super().__init__()
        self.head = Rows(id="page-head")
        self.list = Choices(id="page-list")
        self.field = Input(id="page-field", password=secret)
        self._said = Rows(hang=0, id="page-said")
        self._foot = Rows(id="page-keys")

    def compose(self) -> ComposeResult:
        """One under the other; the list takes what is left."""
        yield self.head
        yield self.list
        yield self.field
        yield self._said
        yield self._foot

    def on_mount(self) -> None:
        """The keys go to the list."""
        self.field.display = False
        self.list.focus()

    def on_resize(self) -> None:
        """Show as many keys as fit."""
        self.show_keys()

    def show_keys(self) -> None:
        """Show the keys that hold now."""
        keys = keymap_of(self).labels(self.OFFERED)
        self._foot.put(Line(((" ", ""), *keys_line(keys, self.size.width - 2).spans)))

    def put_title(self, name: str, path: str) -> None:
        """What the page shows, and a path of which the end matters most."""
        home, shown = str(Path.home()), clean(path)
        shown = f"~{shown.removeprefix(home)}" if shown.startswith(f"{home}/") else shown
        while cell_len(shown) > max(self.size.width - len(name) - 4, 8):
            shown = f"…{shown[2:]}"
        self.head.put(line((f"{name} ", "head"), (shown, "dim")))

    def say(self, text: str, style: str = "dim", hint: str = "") -> None:
        """Say what came of something, with what can be done about it under it; empty takes it away."""
        rows = [line((clean(row), style)) for row in text.split("\n") if row]
        hints = [line(("→ ", "accent"), clean(hint))] if hint else []
        self._said.put(*([*rows, *hints] or [BLANK]))

    def ask(self, placeholder: str, text: str = "") -> None:
        """Let the user write a line; Enter brings an `Input.Submitted`."""
        self.field.placeholder = placeholder
        self.field.value = text
        self.field.display = True
        self.field.focus()

    @property
    def asking(self) -> bool:
        """Whether the field is open."""
        return self.field.display

    def end_asking(self) -> None:
        """Take the field away."""
        self.field.display = False
        self.field.value = ""
        self.list.focus()

    def step_back(self) -> bool:
        """Leave what is open within the page beside its field; says whether there was something."""
        return False

    def action_leave(self) -> None:
        """Leave the field, what else is open, then the page."""
        if self.asking:
            self.end_asking()
        elif not self.step_back():
            self.dismiss(self.NOTHING)  # pyright: ignore[reportArgumentType]  each page names its own
