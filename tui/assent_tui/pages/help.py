"""All keys and commands on one page."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from assent_tui.paint.blocks import BlockView
from assent_tui.paint.lines import BLANK, Line, indent, line, wrap

PAGE: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Anywhere",
        (
            ("Esc", "stop the turn and keep what was done; leave a field or the review"),
            ("F2, Ctrl+R", "show or leave the review of what is staged"),
            ("Ctrl+O", "open or fold the newest tool call"),
            ("Tab", "to the next pane"),
            ("F1, ?", "this page (? in an empty prompt or outside of it)"),
            ("Ctrl+Q", "quit; what is staged and not landed is kept"),
        ),
    ),
    (
        "Prompt",
        (
            ("Enter", "send; while a turn runs: queue"),
            ("Ctrl+J, Shift+Enter", "another line (or a backslash before Enter)"),
            ("Up, Down", "the history, from the first and the last row"),
            ("Tab", "take what the list above suggests: / a command, @ a file"),
            ("Ctrl+G", "go on writing in $EDITOR"),
            ("@shot.png", "send a picture along (or paste or drop its path)"),
            ("PgUp PgDn Ctrl+End", "scroll the chat, to its end"),
            ("Ctrl+C", "copy what is selected, or empty the prompt, or stop, or quit"),
            ("!command", "run a command of your own on the stage"),
        ),
    ),
    (
        "Review: each decision can be undone until it is landed",
        (
            ("y  n  l", "accept, reject the hunk at the cursor, leave it for later"),
            ("r  c", "reject with a reason, comment: the model is told"),
            ("e  E", "edit its new lines here, in $EDITOR; they go onto the stage and are accepted"),
            ("s  S", "split it above a line, into single lines"),
            ("Space  V", "mark single lines, all up to here; y n r then decide the marked ones"),
            ("a  A", "accept all of this file, all of everything"),
            ("u", "undo the last decision"),
            ("Down, Up", "through a long hunk, then to the next, the previous one"),
            ("]  [  }  {", "next, previous hunk (also j, k); next, previous file"),
            ("|  w  o", "side by side; white space as marks; unfold what is around"),
            ("/  Ctrl+N  Ctrl+P", "search; next, previous occurrence (also F3)"),
            ("v", "run the evidence's command again on exactly what is accepted"),
            ("L", "land what is accepted into your files; /undo takes it back"),
            ("z", "review over the whole width, and back"),
        ),
    ),
    (
        "Consent",
        (
            ("y t s p", "yes: once, for this task, this session, this project (as far as offered)"),
            ("n  r", "no, no with a reason; the model is told and goes on"),
            ("PgDn PgUp End Home", "scroll what is asked"),
        ),
    ),
    (
        "Chat",
        (
            ("j  k  [  ]", "choose an entry; your previous, next message"),
            ("Enter", "open or fold it: command, exit code, time, digest, output"),
            ("o", "the raw output on a page of its own"),
            ("y  c", "copy the entry whole, its next block of code (also /copy)"),
            ("End", "to the end, and follow it"),
        ),
    ),
)


class Page(Struct, frozen=True):
    """The page as a block: the keys, and below them the commands."""

    commands: tuple[tuple[str, str], ...]

    def guess(self, width: int) -> int:
        """About how many rows it has."""
        return 40

    def lines(self, width: int) -> list[Line]:
        """Groups of keys with what they do."""
        made: list[Line] = []
        for title, keys in (*PAGE, ("Commands", self.commands)):
            made += [*([BLANK] if made else []), line((title, "head"))]
            for key, does in keys:
                made += indent(wrap(line(does), width - 23), (f"  {key:<21}", "accent"), (" " * 23, ""))
        return made


class HelpScreen(ModalScreen[None]):
    """Shows the page over everything; any of its keys takes it away."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,f1,q,enter", "dismiss", "close")]

    def __init__(self, commands: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self._page = Page(commands)

    def compose(self) -> ComposeResult:
        """One view that scrolls."""
        view = BlockView(id="help")
        view.can_focus = True
        view.border_title = "keys"
        view.border_subtitle = "Esc closes"
        yield view

    def on_mount(self) -> None:
        """Show the page from its top."""
        self.query_one(BlockView).reset([self._page], follow=False)
        self.query_one(BlockView).focus()
