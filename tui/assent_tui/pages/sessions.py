"""The recorded sessions: to search, go on with, name and delete; what each cost and landed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.widgets import Input

from assent_core.errors import AssentError
from assent_core.memory import sessions
from assent_core.memory.sessions import Recorded
from assent_tui.figures import ago, count, landed
from assent_tui.keymap import bindings, keymap_of
from assent_tui.pages.listing import ListPage
from assent_tui.paint.choices import Choice
from assent_tui.paint.lines import Line, Span, clean, line


class SessionsScreen(ListPage[str]):
    """Gives the id of the session to go on with; empty if none was chosen. `current` is the one that is open here."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("sessions")
    OFFERED = (
        ("list.choose", "go on"),
        ("sessions.search", "search"),
        ("sessions.leave", "back"),
        ("sessions.rename", "rename"),
        ("sessions.delete", "delete"),
        ("sessions.widen", "all folders"),
    )
    NOTHING = ""

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

    def on_mount(self) -> None:
        """Read them in the background."""
        self._title("reading")
        self._read()

    @work(thread=True, exclusive=True, group="sessions")
    def _read(self, *, anew: bool = True) -> None:
        """Find what is asked for now; not `anew`: among those that are known, if there are any."""
        asked = words, here = self._words, self._only_here
        known = () if anew else self._all
        found = known or sessions.sessions(self._state, self._root if here else None)
        wanted = sessions.matching(self._state, found, words) if words else found
        self.app.call_from_thread(self._show, found, wanted, asked)  # pyright: ignore[reportUnknownMemberType]  App is generic

    def _show(self, found: tuple[Recorded, ...], wanted: tuple[Recorded, ...], asked: tuple[str, bool]) -> None:
        """Show what was found, unless something else is asked for by now."""
        if asked != (self._words, self._only_here):
            return
        marked = self._marked.id if self._marked else ""
        self._all, self._shown = found, wanted
        ids = [one.id for one in wanted]
        now = time.time()
        self.list.offer(
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
        none = "Nothing matches." if self._words else "None yet: what you ask is recorded from the first prompt on."
        empty = "" if self._shown or doing else none
        self.head.put(line(("Sessions ", "head"), (f"{doing or count}  {where}{found}  ", "dim"), (empty, "text")))

    @property
    def _marked(self) -> Recorded | None:
        at = self.list.mark
        return self._shown[at] if 0 <= at < len(self._shown) else None

    def on_choices_chosen(self) -> None:
        """Go on with what is marked, if nobody else has it open."""
        one = self._marked
        if one is None or one.id == self._current:
            self.dismiss("")
        elif one.open:
            self.say("This session is open in another assent. End it there, and it can be gone on with here.", "warn")
        elif not Path(one.root).is_dir():
            self.say(f"Its folder is not there any more: {one.root}", "warn")
        else:
            self.dismiss(one.id)

    def on_choices_marked(self) -> None:
        """What was said belongs to another one."""
        self._call_off()

    def _call_off(self) -> None:
        self._deleting = ""
        self.say("")

    def step_back(self) -> bool:
        """Call a deletion off, else leave the search."""
        if self._deleting:
            self._call_off()
            return True
        searched, self._words = bool(self._words), ""
        if searched:
            self._read()
        return searched

    def action_search(self) -> None:
        """Search in titles and in all that was said."""
        self._call_off()
        self._renaming = ""
        self.ask("words of the title, the folder or anything that was said", self._words)

    def action_rename(self) -> None:
        """Give it a name."""
        if one := self._marked:
            self._call_off()
            self._renaming = one.id
            self.ask("a name; empty: its first words", one.title if one.named else "")

    def action_delete(self) -> None:
        """Delete it, if it is asked for twice."""
        one = self._marked
        if one is None:
            return
        if one.id != self._deleting:
            self._deleting = one.id
            key = keymap_of(self).shown("sessions.delete")
            lost = " Its stage goes with it: changes there that have not landed are lost." if one.staged else ""
            self.say(f"{key} again deletes the record of {one.title or one.id}.{lost} What landed stays.", "bad")
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
        if self.asking and not self._renaming:
            self._words = message.value.strip()
            self._read(anew=False)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """The name is given, or the search is done."""
        id = self._renaming
        self.end_asking()
        if id:
            self._do(lambda: sessions.rename(self._state, id, message.value), "renamed")

    def _do(self, job: Callable[[], None], done: str) -> None:
        try:
            job()
            self.say(done, "ok")
        except AssentError as error:
            self.say(error.message, "bad", error.hint)
        self._read()

    def end_asking(self) -> None:
        """Nothing is being renamed any more."""
        self._renaming = ""
        super().end_asking()


def lines_of(one: Recorded, now: float, current: str = "", *, whole: bool = False) -> tuple[Line, ...]:
    """A session in two rows: its title and when; what it cost, landed and holds. `whole`: with its folder."""
    title = clean(one.title) or "(nothing was asked)"
    facts = [
        *(["fork"] if one.forked else []),
        ago(now - one.last),
        count(one.prompts, "prompt"),
        f"${one.usd:.4f}",
        landed(one.landed, len(one.paths)),
    ]
    if one.id == current:
        holds, style = "open here", "ok"
    elif one.open:
        holds, style = "open in another assent", "warn"
    else:
        holds, style = ("holds what has not landed" if one.staged else ""), "info"
    spans: tuple[Span, ...] = ((" · ".join(facts) + (" · " if holds else ""), "dim"), (holds, style))
    told = (line((title, "bold")), Line(spans))
    return (*told, line((f"{clean(one.root)}  {one.id}", "faint"))) if whole else told
