"""The list above the prompt: what the word at the cursor may become."""

from __future__ import annotations

from msgspec import Struct
from rich.cells import cell_len

from assent_tui.paint.lines import Line, line, shorten
from assent_tui.paint.rows import Rows

MOST = 8


class Suggestion(Struct, frozen=True):
    """What would be written, and what it is."""

    text: str
    about: str = ""


class Suggestions(Rows):
    """Some suggestions, of which one is chosen; not there when there are none. The prompt steers it."""

    DEFAULT_CSS = "Suggestions { display: none; height: auto; margin: 0 2; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._offered: tuple[Suggestion, ...] = ()
        self._at = 0

    @property
    def chosen(self) -> Suggestion | None:
        """The one that would be taken."""
        return self._offered[self._at] if self._offered else None

    def offer(self, offered: tuple[Suggestion, ...]) -> None:
        """Show these, the first one chosen; none: go away."""
        self._offered, self._at = offered[:MOST], 0
        self.display = bool(offered)
        self._paint()

    def narrow(self, word: str) -> None:
        """Leave out those that lack the letters of a word in their order: what is chosen is never what was not typed."""
        fitting = tuple(each for each in self._offered if _has(each.text.lower(), word.lower()))
        if fitting != self._offered:
            self.offer(fitting)

    def choose(self, step: int) -> None:
        """The next or the previous one, around the ends."""
        self._at = (self._at + step) % max(len(self._offered), 1)
        self._paint()

    def on_resize(self) -> None:
        """Say as much as fits."""
        self._paint()

    def _paint(self) -> None:
        broad = max((cell_len(each.text) for each in self._offered if each.about), default=0)
        self.put(*(self._row(each, at == self._at, broad) for at, each in enumerate(self._offered)))

    def _row(self, each: Suggestion, chosen: bool, broad: int) -> Line:
        width = max(self.size.width - 3, 8)
        mark, fill = ("› ", "mark.fill") if chosen else ("  ", "")
        if not each.about:
            return line((mark, "accent bold"), (_end_of(each.text, width), "bold" if chosen else "text"), fill=fill)
        name = f"{shorten(each.text, width):<{broad}}  "
        about = shorten(each.about, max(width - cell_len(name), 0))
        return line((mark, "accent bold"), (name, "bold" if chosen else "text"), (about, "dim"), fill=fill)


def _has(text: str, word: str) -> bool:
    left = iter(text)
    return all(letter in left for letter in word)


def _end_of(path: str, width: int) -> str:
    """A path, of which the end matters most."""
    shown = shorten(path, len(path) * 2)
    while cell_len(shown) > width:
        shown = "…" + shown[max(2, (len(shown) - width)) :]
    return shown
