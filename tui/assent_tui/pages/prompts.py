"""The prompts of this session: to go back to before one of them, or to let a session of its own go on from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct
from textual.binding import BindingType

from assent_core.events import Prompted
from assent_tui.figures import count
from assent_tui.keymap import bindings
from assent_tui.pages.listing import ListPage
from assent_tui.paint.choices import Choice
from assent_tui.paint.lines import Line, clean, line, shorten

WORDS = (
    "The stage and what the model has seen become what they were before it; its text is in the box again. "
    "What landed stays landed. A fork is a session of its own that begins there, and this one stays as it is."
)
LONGEST, WIDE = 3, 110
"""Rows of a prompt that are shown, and columns of each."""
_NUMBER = 5
"""Columns of its number."""


class Chosen(Struct, frozen=True):
    """A prompt, and whether a fork is to begin there."""

    prompt: Prompted
    fork: bool = False


class PromptsScreen(ListPage[Chosen | None]):
    """Gives what was chosen; None if nothing was. The newest prompt stands first."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("prompts")
    OFFERED = (("list.choose", "go back"), ("prompts.fork", "fork"), ("prompts.leave", "stay"))

    def __init__(self, prompts: Sequence[Prompted]) -> None:
        super().__init__()
        self._prompts = tuple(reversed(prompts))

    def on_mount(self) -> None:
        """Show them."""
        self.head.put(line(("Go back ", "head"), ("to before a prompt", "dim")))
        newest = len(self._prompts)
        offered = enumerate(self._prompts)
        self.list.offer([Choice(_rows(newest - at, one), gap=at > 0, hang=_NUMBER) for at, one in offered])
        self.say(WORDS)

    def on_choices_chosen(self) -> None:
        """Go back."""
        self._give(fork=False)

    def action_fork(self) -> None:
        """Fork there."""
        self._give(fork=True)

    def _give(self, *, fork: bool) -> None:
        if self.list.mark >= 0:
            self.dismiss(Chosen(self._prompts[self.list.mark], fork))


def _rows(number: int, prompt: Prompted) -> tuple[Line, ...]:
    """The first rows of a prompt after its number."""
    rows = [row for row in prompt.text.split("\n") if row.strip()] or [""]
    left = len(rows) - LONGEST
    shown = [shorten(clean(row), WIDE) for row in rows[:LONGEST]]
    first = line((f"{number:>{_NUMBER - 2}}  ", "accent"), (shown[0], "bold"))
    more = [line(" " * _NUMBER, (row, "text")) for row in shown[1:]]
    rest = [line(" " * _NUMBER, (count(left, "more line"), "dim"))] if left > 0 else []
    return (first, *more, *rest)
