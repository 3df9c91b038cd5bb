"""The recorded sessions: to search, go on with, name and delete; what each cost and landed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from assent_core.errors import AssentError
from assent_core.memory import sessions
from assent_core.memory.sessions import Recorded
from assent_tui.keymap import named
from assent_tui.paint.choices import Choice, Choices
from assent_tui.paint.lines import Line, Span, clean, line
from assent_tui.paint.rows import Rows, keys_line

KEYS = (("Enter", "go on"), ("/", "search"), ("r", "rename"), ("d", "delete"), ("a", "all folders"), ("Esc", "back"))


class SessionsScreen(Screen[str]):
    """Gives the id of the session to go on with; empty if none was chosen. `current` is the one that is open here."""

    BINDINGS: ClassVar[list[BindingType]] = named(
        "sessions",
        [
            Binding("escape,q", "leave", "back"),
            Binding("slash", "search", "search"),
            Binding("r", "rename", "rename"),
            Binding("d,delete", "delete", "delete"),
            Binding("a", "widen", "all folders, or this one"),
        ],
    )

    def __init__(self, state: Path, root: Path | None, current: str = "") -> None:
        super().__init__()
        self._state = state
        self._root = root
        self._only_here = root is not None
        self._current = current
        self._all: tuple[Recorded, ...] = ()
        self._shown: tuple[Recorded, ...] = ()
        self._words = ""
        self._renaming = ""
        self._deleting = ""
        self._head = Rows(id="page-head")
        self._list = Choices(id="page-list")
        self._field = Input(id="page-field")
        self._said = Rows(id="page-said")
        self._keys = Rows(id="page-keys")

    def compose(self) -> ComposeResult:
        """A head, the list, a field, and the keys."""
        yield self._head
        yield self._list
        yield self._field
        yield self._said
        yield self._keys

    def on_mount(self) -> None:
        """Read them in the background."""
        self._field.display = False
        self._list.focus()
        self._title("reading")
        self._read()

    def on_resize(self) -> None:
        """Say as much as fits."""
        self._keys.put(Line(((" ", ""), *keys_line(KEYS, self.size.width - 2).spans)))

    @work(thread=True, exclusive=True, group="sessions")
    def _read(self) -> None:
        found = sessions.sessions(self._state, self._root if self._only_here else None)
        wanted = sessions.matching(self._state, found, self._words) if self._words else found
        self.app.call_from_thread(self._show, found, wanted)  # pyright: ignore[reportUnknownMemberType]  App is generic

    def _show(self, found: tuple[Recorded, ...], wanted: tuple[Recorded, ...]) -> None:
        marked = self._marked.id if self._marked else ""
        self._all, self._shown = found, wanted
        ids = [one.id for one in wanted]
        now = time.time()
        self._list.offer(
            [
                Choice(lines_of(one, now, self._current, whole=not self._only_here), gap=at > 0)
                for at, one in enumerate(wanted)
            ],
            ids.index(marked) if marked in ids else 0,
        )
        self._title()

    def _title(self, doing: str = "") -> None:
        count = f"{len(self._shown)} of {len(self._all)}" if self._words else f"{len(self._all)}"
        where = clean(str(self._root)) if self._only_here else "all folders"
        found = f"  matching {clean(self._words)!r}" if self._words else ""
        empty = "" if self._shown or doing else "None yet: what you ask is recorded from the first prompt on."
        self._head.put(line(("Sessions ", "head"), (f"{doing or count}  {where}{found}  ", "dim"), (empty, "text")))

    @property
    def _marked(self) -> Recorded | None:
        at = self._list.mark
        return self._shown[at] if 0 <= at < len(self._shown) else None

    def _say(self, text: str, style: str = "warn") -> None:
        self._said.put(*(line(" ", (clean(row), style)) for row in text.split("\n") if row))

    def on_choices_chosen(self) -> None:
        """Go on with what is marked, if nobody else has it open."""
        one = self._marked
        if one is None or one.id == self._current:
            self.dismiss("")
        elif one.open:
            self._say("This session is open in another assent. End it there, and it can be gone on with here.")
        elif not Path(one.root).is_dir():
            self._say(f"Its folder is not there any more: {one.root}")
        else:
            self.dismiss(one.id)

    def on_choices_marked(self) -> None:
        """What was said belongs to another one."""
        self._deleting = ""
        self._say("")

    def action_leave(self) -> None:
        """Leave the field, the search, then the screen."""
        if self._field.display:
            self._close_field()
        elif self._words:
            self._words = ""
            self._read()
        else:
            self.dismiss("")

    def action_search(self) -> None:
        """Search in titles and in all that was said."""
        self._renaming = ""
        self._open_field(self._words, "words of the title, the folder or anything that was said")

    def action_rename(self) -> None:
        """Give it a name."""
        if one := self._marked:
            self._renaming = one.id
            self._open_field(one.title if one.named else "", "a name; empty: its first words")

    def action_delete(self) -> None:
        """Delete it, if it is asked for twice."""
        one = self._marked
        if one is None:
            return
        if one.id != self._deleting:
            self._deleting = one.id
            lost = " Its stage goes with it: changes there that have not landed are lost." if one.staged else ""
            self._say(f"Press d again to delete the record of {one.title or one.id}.{lost} What landed stays.", "bad")
            return
        self._deleting = ""
        self._do(lambda: sessions.delete(self._state, one), "deleted")

    def action_widen(self) -> None:
        """Those of all folders, or of this one."""
        if self._root is not None:
            self._only_here = not self._only_here
            self._read()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Search while it is written."""
        if self._field.display and not self._renaming:
            self._words = message.value.strip()
            self._read()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """The name is given, or the search is done."""
        id = self._renaming
        self._close_field()
        if id:
            self._do(lambda: sessions.rename(self._state, id, message.value), "renamed")

    def _do(self, job: Callable[[], None], done: str) -> None:
        try:
            job()
            self._say(done, "ok")
        except AssentError as error:
            self._say(f"{error.message}\n{error.hint}", "bad")
        self._read()

    def _open_field(self, text: str, placeholder: str) -> None:
        self._field.placeholder = placeholder
        self._field.value = text
        self._field.display = True
        self._field.focus()

    def _close_field(self) -> None:
        self._renaming = ""
        self._field.display = False
        self._list.focus()


def lines_of(one: Recorded, now: float, current: str = "", *, whole: bool = False) -> tuple[Line, ...]:
    """A session in two rows: its title and when; what it cost, landed and holds. `whole`: with its folder."""
    title = clean(one.title) or "(nothing was asked)"
    facts = [ago(now - one.last), f"{one.prompts} prompt{'s' * (one.prompts != 1)}", f"${one.usd:.4f}", landed(one)]
    if one.id == current:
        holds, style = "open here", "ok"
    elif one.open:
        holds, style = "open in another assent", "warn"
    else:
        holds, style = ("holds changes that have not landed" if one.staged else ""), "info"
    spans: tuple[Span, ...] = ((" · ".join(facts) + (" · " if holds else ""), "dim"), (holds, style))
    told = (line((title, "bold")), Line(spans))
    return (*told, line((f"{clean(one.root)}  {one.id}", "faint"))) if whole else told


def landed(one: Recorded) -> str:
    """What it landed, in words."""
    if not one.landed:
        return "nothing landed"
    files = f"{len(one.paths)} file{'s' * (len(one.paths) != 1)}"
    return f"landed {one.landed} hunk{'s' * (one.landed != 1)} in {files}"


def ago(seconds: float) -> str:
    """A time that has passed, roughly."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' * (count != 1)} ago"
    return "just now"
