"""A question of consent as blocks of its card: all of it, nothing shortened, nothing that acts on a terminal; pure."""

from __future__ import annotations

from msgspec import Struct

from assent_core.consent.commands import visible
from assent_core.consent.gate import Question
from assent_core.proposals import Patch, Shell, Spend
from assent_tui.chat.entries import title_of
from assent_tui.paint.blocks import Block
from assent_tui.paint.lines import BLANK, Line, indent, line, rows, wrap_all
from assent_tui.paint.page import pieces

_OPINION = "(an opinion; it decides nothing)"
_WHERE = {
    "overlay": "on the stage, behind the walls",
    "copy": "on a copy of your files, behind the walls",
    "unconfined": "WITHOUT WALLS: it can reach everything that you can",
}


class Opinions(Struct, frozen=True, kw_only=True):
    """What others say of a question: opinions, by which nothing is decided."""

    scout: str = ""
    reviewer: str = ""
    serious: bool = False
    """Whether the reviewer warns."""


def blocks_of(asked: Question, said: Opinions, *, effects: bool) -> list[Block]:
    """What exactly, then what is to be known of it; `effects`: with what it reaches, for that is not pinned whole."""
    return [*exact(asked), About(question=asked, said=said, effects=effects)]


def is_bare(asked: Question) -> bool:
    """Whether a yes lets something run without walls."""
    return asked.tier == "unconfined" or any(widening.kind == "unconfined" for widening in asked.reach)


def pinned(asked: Question, width: int, most: int) -> tuple[list[Line], bool]:
    """What it reaches and where it runs, in at most so many rows that never scroll; and whether that is all of it."""
    lines: list[Line] = []
    bare = is_bare(asked)
    runs = _part("runs", _WHERE["unconfined" if bare else asked.tier], width, "bad bold" if bare else "text")
    for at, effect in enumerate(asked.effects):
        lines += _part("" if at else "reaches" if asked.reach else "a yes", effect, width, "warn")
    if not isinstance(asked.proposal, Spend):
        lines = [*runs, *lines] if bare else [*lines, *runs]
    if len(lines) <= most:
        return lines, True
    more = _part("", "and more, listed above", width, "warn bold")
    return [*lines[: max(most - 1, 1)], *(more if most > 1 else [])], False


class About(Struct, frozen=True, kw_only=True):
    """How it reads, why it is asked, and what model, scout and reviewer say of it; `effects`: what it reaches, too."""

    question: Question
    said: Opinions = Opinions()
    effects: bool = False

    def guess(self, width: int) -> int:
        """About how many rows it has."""
        return 8

    def lines(self, width: int) -> list[Line]:
        """A name before each part."""
        asked = self.question
        lines = [BLANK]
        lines += _part("for", f"the worker {asked.by}, one of several", width, "text") if asked.by else []
        command = asked.proposal if isinstance(asked.proposal, Shell) else None
        if command and command.workdir != ".":
            lines += _part("in", command.workdir, width, "text")
        if self.effects:
            lines += pinned(asked, width, 1 << 20)[0]
        for at, mark in enumerate(asked.marks):
            lines += _part("" if at else "command", mark, width, "text")
        lines += _part("asked", asked.why, width, "dim")
        if command and command.reason:
            lines += _part("it says", f"“{command.reason}”", width, "dim italic")
        if self.said.scout:
            lines += _part("scout", f"{self.said.scout} {_OPINION}", width, "info")
        if self.said.reviewer:
            style = "bad bold" if self.said.serious else "info"
            lines += _part("reviewer", f"{self.said.reviewer} {_OPINION}", width, style)
        return lines


def exact(asked: Question) -> list[Block]:
    """What a yes lets happen, to the letter."""
    match asked.proposal:
        case Shell(command=command):
            whole = visible(command, keep="\n\t")
            return [*pieces(whole, first=("$ ", "accent bold"), rest=("  ", ""), style="bold")]
        case Patch(text=text):
            whole = visible(text, keep="\n\t")
            return [*pieces(whole, first=("patch ", "accent bold"), rest=("      ", ""))]
        case Spend(text=text):
            return [*pieces(visible(text), style="bold")]
        case other:
            verb, _ = title_of(other)
            what = visible(_target(other))
            return [*pieces(what, first=(f"{verb} ", "accent bold"), rest=(" " * (len(verb) + 1), ""), style="bold")]


def _target(other: object) -> str:
    from assent_core.proposals import Read, Search

    match other:
        case Read(path=path, start=start, lines=count):
            return f"{path}  lines {start} to {start + count - 1}"
        case Search(pattern=pattern, path=path, glob=glob):
            return f"{pattern}  in {path}{f' ({glob})' if glob else ''}"
        case _:
            return ""


def _part(name: str, text: str, width: int, style: str) -> list[Line]:
    made = wrap_all((line((row, style)) for row in rows(visible(text, keep="\n\t"))), width - 10)
    return indent(made, (f"{name:<9}", "faint"), (" " * 9, ""))
