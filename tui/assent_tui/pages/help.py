"""All keys and commands on one page."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen

from assent_tui.keymap import Keymap, bindings
from assent_tui.keytable import ACTIONS
from assent_tui.paint.blocks import BlockView
from assent_tui.paint.lines import BLANK, Line, indent, line, wrap

_COLUMN, _NARROW = 21, 60
PAGE: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Anywhere",
        (
            ("{app.step_back}", "leave a field, a page, the review; stop the turn and keep what was done"),
            ("{app.toggle_review}", "show or leave the review of what is staged"),
            ("{app.unfold}", "open or fold the newest tool call"),
            ("{app.next_pane}  {app.previous_pane}", "to the next, the previous pane"),
            ("{app.help}  {app.help_here}", "this page ({app.help_here} in an empty prompt or outside of it)"),
            ("{app.leave}", "copy what is selected with the mouse, or stop, or quit"),
            ("{app.quit}  {app.suspend}", "quit; what is staged and not landed is kept; suspend, `fg` goes on"),
        ),
    ),
    (
        "Prompt",
        (
            ("{prompt.send}", "send; while a turn runs: queue"),
            ("{prompt.newline}", "another line (or a backslash before {prompt.send})"),
            ("Up  Down", "the history, from the first and the last row"),
            ("{prompt.take}", "take what the list above suggests: / a command, @ a file"),
            ("{prompt.undo}  {prompt.leave}", "undo; delete the next character, in an empty prompt quit"),
            ("{prompt.outside}", "go on writing in $EDITOR"),
            ("@shot.png", "send a picture along (or paste or drop its path)"),
            ("{prompt.scroll_up}  {prompt.scroll_down}  {prompt.chat_end}", "scroll the chat, to its end"),
            ("{prompt.copy}", "copy what is selected, or empty the prompt, or stop, or quit"),
            ("!command", "run a command of your own on the stage"),
        ),
    ),
    (
        "Review: each decision can be undone until it is landed",
        (
            (
                "{review.accept}  {review.reject}  {review.later}",
                "accept, reject the hunk at the cursor, leave it for later",
            ),
            ("{review.reason}  {review.comment}", "reject with a reason, comment: the model is told"),
            (
                "{review.edit}  {review.edit_outside}",
                "edit its new lines here, in $EDITOR; they go onto the stage and are accepted ({editor.write} when done)",
            ),
            ("{editor.undo}", "undo an edit there"),
            ("{review.split}  {review.split_lines}", "split it above a line, into single lines"),
            (
                "{review.mark}  {review.mark_range}",
                "mark single lines, all up to here; {review.accept} {review.reject} {review.reason} then decide those",
            ),
            ("{review.accept_file}  {review.accept_all}", "accept all of this file, all of everything"),
            ("{review.undo}", "undo the last decision"),
            ("{review.down}  {review.up}", "through a long hunk, then to the next, the previous one"),
            ("{review.next}  {review.previous}", "next, previous hunk"),
            ("{review.next_file}  {review.previous_file}", "next, previous file"),
            (
                "{review.sides}  {review.blanks}  {review.unfold}",
                "side by side; white space as marks; unfold what is around",
            ),
            ("{diff.page_up}  {diff.page_down}  {diff.top}  {diff.end}", "scroll the diff, to its ends"),
            (
                "{review.search}  {review.next_hit}  {review.previous_hit}",
                "search; next, previous occurrence",
            ),
            ("{review.verify}", "run the evidence's command again on exactly what is accepted"),
            ("{review.land}  {review.confirm}", "say what would land, then land it; /undo takes it back"),
            ("{review.confirm}", "where nothing is to land: send the reasons that the model has not been told"),
            ("{panes.zoom}", "review over the whole width, and back"),
        ),
    ),
    (
        "Consent",
        (
            (
                "{consent.yes}  {consent.task}  {consent.session}  {consent.project}",
                "yes: once, for this task, this session, this project (as far as offered)",
            ),
            ("{consent.confirm}", "give the yes for a task, a session or a project that is marked"),
            ("{consent.no}  {consent.reason}", "no, no with a reason; the model is told and goes on"),
            ("{consent.page_down}  {consent.page_up}", "scroll what is asked by pages"),
            ("{consent.down}  {consent.up}  {consent.end}  {consent.top}", "by rows, to its ends"),
        ),
    ),
    (
        "Chat",
        (
            ("{chat.next}  {chat.previous}", "choose an entry"),
            ("{chat.your_previous}  {chat.your_next}", "your previous, next message"),
            ("{chat.open}", "open or fold it: command, exit code, time, digest, output"),
            ("{chat.raw}", "the raw output on a page of its own ({page.close} closes it)"),
            ("{chat.copy}  {chat.copy_code}", "copy the entry whole, its next block of code (also /copy)"),
            ("{chat.lines}", "choose single lines; again: all from here to where you go; {chat.copy} copies them"),
            ("the mouse", "select by dragging, a word by two clicks, a line by three; {app.leave} copies"),
            ("{chat.end}", "to the end, and follow it"),
        ),
    ),
    (
        "Lists: sessions, settings, the first run",
        (
            ("{list.next}  {list.previous}", "next, previous"),
            ("{list.page_down}  {list.page_up}", "by ten"),
            ("{list.first}  {list.last}", "to the ends"),
            ("{list.choose}", "go on with the session, change the setting, take the offer"),
            (
                "{sessions.search}  {sessions.rename}  {sessions.delete}  {sessions.widen}",
                "sessions: search, rename, delete, those of all folders",
            ),
            ("{settings.reset}", "settings: back to the default"),
            ("{prompts.fork}", "earlier prompts: fork there"),
            (
                "{sessions.leave}  {prompts.leave}  {settings.leave}  {welcome.leave}",
                "back, of the sessions, the settings, the first run; {help.close} closes this page",
            ),
        ),
    ),
)
"""Rows with the names of keys in braces, of which each shows what is bound."""


class Page(Struct, frozen=True):
    """The page as a block: the keys, and below them the commands."""

    keys: Keymap
    commands: tuple[tuple[str, str], ...]

    def guess(self, width: int) -> int:
        """About how many rows it has."""
        return 40

    def _keys(self, named: str) -> str:
        """Of a single name all keys; of several the first of each."""
        name = named.strip("{}")
        return self.keys.all_shown(name) if name in ACTIONS else self.keys.words(named)

    def lines(self, width: int) -> list[Line]:
        """Groups of keys with what they do."""
        made: list[Line] = []
        for title, keys in (*PAGE, ("Commands", self.commands)):
            made += [*([BLANK] if made else []), *wrap(line((title, "head")), width, 2)]
            for key, does in keys:
                made += _row(self._keys(key), self.keys.words(does), width)
        return made


def _row(keys: str, does: str, width: int) -> list[Line]:
    """What keys do beside them; under them where there is no room."""
    if width < _NARROW or cell_len(keys) >= _COLUMN:
        under = indent(wrap(line(does), width - 6), ("      ", ""), ("      ", ""))
        return [*wrap(line("  ", (keys, "accent")), width, 4), *under]
    return indent(wrap(line(does), width - _COLUMN - 2), (f"  {keys:<{_COLUMN}}", "accent"), (" " * (_COLUMN + 2), ""))


class HelpScreen(ModalScreen[None]):
    """Shows the page over everything; any of its keys takes it away."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("help")

    def __init__(self, keys: Keymap, commands: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self._page = Page(keys, commands)

    def compose(self) -> ComposeResult:
        """One view that scrolls."""
        view = BlockView(id="help")
        view.can_focus = True
        view.border_title = "keys"
        view.border_subtitle = f"{self._page.keys.shown('help.close')} closes"
        yield view

    def on_mount(self) -> None:
        """Show the page from its top."""
        self.query_one(BlockView).reset([self._page], follow=False)
        self.query_one(BlockView).focus()
