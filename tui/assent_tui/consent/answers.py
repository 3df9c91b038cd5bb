"""The answers of a consent card as lines: what each key gives, with its exact scope; pure."""

from __future__ import annotations

from msgspec import Struct

from assent_core.consent.gate import Answer, Question, Scope
from assent_tui.figures import count
from assent_tui.keymap import Keymap
from assent_tui.paint.lines import BLANK, Line, Span, line, rows

KEY_OF: dict[Scope, str] = {
    "once": "consent.yes",
    "task": "consent.task",
    "session": "consent.session",
    "project": "consent.project",
}


class State(Struct, frozen=True, kw_only=True):
    """How far an answer is."""

    armed: bool = False
    """Whether keys count."""
    here: bool = False
    """Whether the keys come to the card."""
    read: bool = False
    """Whether all of the command was on the screen."""
    marked: Scope | None = None
    """The broad yes that a second key would give."""
    given: Answer | None = None
    """The answer that counts in a moment."""
    brief: bool = False
    """Whether something else is looked at, and gets the room."""
    tight: bool = False
    """Whether the screen has no row to spare."""


def answers(question: Question, state: State, keys: Keymap) -> list[Line]:
    """One line for each yes, one for the rest; where something else is looked at, only that."""
    if state.brief:
        return [_rest(state, keys, "faint")]
    style = "accent bold" if state.armed and state.here else "faint"
    yes = style if state.read else "faint"
    words = "text" if state.read else "faint"
    given = state.given if state.given and state.given.yes else None

    def offer(scope: Scope, wording: str) -> Line:
        chosen = scope in (state.marked, given.scope if given else None)
        sign: Span = ("▸ ", "warn bold") if chosen else ("  ", "")
        return line(sign, (f"{keys.shown(KEY_OF[scope])} ", yes), (f"yes, {wording}", "bold" if chosen else words))

    broad = [offer(scope, " ".join(rows(wording))) for scope, wording in question.scopes if scope != "once"]
    return [offer("once", "once"), *broad, _rest(state, keys, style)]


def _rest(state: State, keys: Keymap, style: str) -> Line:
    if state.marked:
        return line((keys.words("  {consent.confirm} gives it, any other key does not"), "warn bold"))
    if state.given:
        return line(
            (
                f"  {'yes' if state.given.yes else 'no'}: in a moment, unless you type on or press {keys.shown('app.step_back')}",
                "warn",
            )
        )
    no = [("  ", ""), (f"{keys.shown('consent.no')} ", style), ("no   ", "text")]
    no += [(f"{keys.shown('consent.reason')} ", style), ("no, with a reason   ", "text")]
    if not state.armed:
        return line(*no, ("keys count in a moment", "faint"))
    back = (f"{keys.shown('app.step_back')} ", "accent bold")
    return line(*no, back, ("stop the turn", "dim") if state.here else ("answer this question", "text"))


def above_and_below(above: int, below: int, state: State, keys: Keymap) -> list[Line]:
    """How much of the question is out of sight, and how to see it."""
    unread = "; then a yes counts" if state.armed and not state.read and not state.tight else ""
    blank = [] if state.brief or state.tight else [BLANK]
    if below > 0:
        told = keys.words(f"▼ {count(below, 'more row')}: {{consent.page_down}}, {{consent.end}}{unread}")
        return [line((told, "warn bold")), *blank]
    if above > 0 or unread:
        told = keys.words(f"▲ {count(above, 'row')} above: {{consent.page_up}}, {{consent.top}}{unread}")
        return [line((told, "warn bold" if unread else "dim")), *blank]
    return blank
