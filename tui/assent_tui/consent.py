"""The consent card: what is going to happen, why it is asked, and the answers, each with its exact scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from msgspec import Struct
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from assent_core.consent import Answer, Question, Scope
from assent_core.proposals import Patch, Shell, Spend
from assent_tui.asking import Asking, AskingOver
from assent_tui.blocks import BlockView
from assent_tui.entries import title_of
from assent_tui.guard import QUIET, Guard
from assent_tui.lines import BLANK, Line, Span, indent, line, rows, wrap_all
from assent_tui.rows import Rows

_WRITING = 1.0
"""Seconds without a key before a question takes the keys from somebody who is writing."""
_KEY_OF: dict[Scope, str] = {"once": "y", "task": "t", "session": "s", "project": "p"}
_WHERE = {
    "overlay": "on the stage, behind the walls",
    "copy": "on a copy of your files, behind the walls",
    "unconfined": "WITHOUT WALLS: it can reach everything that you can",
}


class Asked(Struct, frozen=True):
    """A question as a block of the card: all of it, nothing shortened."""

    question: Question

    def guess(self, width: int) -> int:
        """About how many rows it has."""
        return 8

    def lines(self, width: int) -> list[Line]:
        """The command whole, where it runs, what it reaches, why it is asked, and the model's reason."""
        asked = self.question
        lines = _exact(asked, width)
        bare = asked.tier == "unconfined"
        if not isinstance(asked.proposal, Spend):
            lines += _part("runs", _WHERE[asked.tier], width, "bad bold" if bare else "text")
        for at, effect in enumerate(asked.effects):
            lines += _part("" if at else "reaches", effect, width, "warn")
        lines += _part("asked", asked.why, width, "dim")
        if isinstance(asked.proposal, Shell) and asked.proposal.reason:
            lines += _part("it says", f"“{asked.proposal.reason}”", width, "dim italic")
        return lines


def _exact(asked: Question, width: int) -> list[Line]:
    match asked.proposal:
        case Shell(command=command, workdir=workdir):
            made = wrap_all((line((row, "bold")) for row in rows(command)), width - 3, 2, words=False)
            where = _part("in", workdir, width, "text") if workdir != "." else []
            return [*indent(made, ("$ ", "accent bold"), ("  ", "")), *where, BLANK]
        case Patch(text=text):
            made = wrap_all((line((row, "text")) for row in rows(text)), width - 3, 2, words=False)
            return [line(("patch", "accent bold")), *indent(made, ("  ", ""), ("  ", "")), BLANK]
        case Spend(text=text):
            return [*wrap_all((line((row, "bold")) for row in rows(text)), width), BLANK]
        case other:
            verb, what = title_of(other)
            made = wrap_all((line((row, "bold")) for row in rows(what)), width - len(verb) - 2, words=False)
            return [*indent(made, (f"{verb} ", "accent bold"), (" " * (len(verb) + 1), "")), BLANK]


def _part(name: str, text: str, width: int, style: str) -> list[Line]:
    made = wrap_all((line((row, style)) for row in rows(text)), width - 10)
    return indent(made, (f"{name:<9}", "faint"), (" " * 9, ""))


class ConsentCard(Vertical):
    """Docked above the prompt while a question is open; hidden without one. Keys count once it could be read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown,down,space", "page(1)", show=False),
        Binding("pageup,up", "page(-1)", show=False),
    ]
    can_focus = True

    class Shown(Message):
        """A question is on the screen."""

    class Gone(Message):
        """It is not any more, whoever ended it."""

    def __init__(self, guard: Guard, writing: Callable[[], bool], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._guard = guard
        self._writing = writing
        self._asked: Asking | None = None
        self._armed = False
        self._body = BlockView(id="consent-body")
        self._body.can_focus = False
        self._answers = Rows(id="consent-answers")
        self.display = False

    def compose(self) -> ComposeResult:
        """The question, which scrolls, over the answers, which are always in sight."""
        yield self._body
        yield self._answers

    @property
    def question(self) -> Question | None:
        """What is being asked."""
        return self._asked.question if self._asked else None

    def on_asking(self, message: Asking) -> None:
        """Show a question; its keys count when the guard opens."""
        if message.future.done():
            return
        self._asked = message
        self._armed = False
        self._guard.shut(_WRITING if self._writing() else QUIET)
        unconfined = message.question.tier == "unconfined"
        self.set_class(unconfined, "-unconfined")
        self.border_title = "consent: without walls" if unconfined else "consent"
        self.display = True
        self._body.reset([Asked(message.question)], follow=False)
        self._body.scroll_home(animate=False)
        self._fit()
        self._say()
        self._try_to_arm()
        self.post_message(self.Shown())

    def on_asking_over(self, message: AskingOver) -> None:
        """The question is no longer open; another one stays."""
        if self._asked is not None and self._asked.question.id == message.question:
            self._asked = None
            self._armed = False
            self.query(Input).remove()
            self.display = False
            self.post_message(self.Gone())

    def _try_to_arm(self) -> None:
        if self._asked is None or self._armed:
            return
        if not self._guard.open:
            self.set_timer(max(self._guard.left, 0.01), self._try_to_arm)
            return
        self._armed = True
        self._say()
        self.focus(scroll_visible=False)

    def on_resize(self) -> None:
        """As high as the question, up to a share of the screen."""
        self._fit()

    def _fit(self) -> None:
        if self._asked is not None:
            high = len(Asked(self._asked.question).lines(max(self.size.width - 2, 20)))
            height = self.screen.size.height
            most = max(min(height - 16, height // 2), 4)
            self._body.styles.height = min(high, most)
            self.call_after_refresh(self._say)

    def _say(self) -> None:
        if self._asked is not None:
            self._answers.put(*self._more(), BLANK, *self._offers(self._asked.question))

    def _more(self) -> list[Line]:
        below = self._body.virtual_size.height - round(self._body.scroll_y) - self._body.size.height
        return [line((f"▼ {below} more rows below; PgDn shows them", "warn bold"))] if below > 0 else []

    def _offers(self, question: Question) -> list[Line]:
        style = "accent bold" if self._armed else "faint"
        lines = [line(("y ", style), ("yes, once", "text"))]
        for scope, wording in question.scopes:
            if scope != "once":
                lines.append(line((f"{_KEY_OF[scope]} ", style), (f"yes, {_flat(wording)}", "text")))
        no: list[Span] = [("n ", style), ("no   ", "text"), ("r ", style), ("no, with a reason", "text")]
        no += (
            [("   esc ", style), ("stop the turn", "dim")] if self._armed else [("   keys count in a moment", "faint")]
        )
        return [*lines, Line(tuple(no))]

    def action_page(self, pages: int) -> None:
        """Scroll the question."""
        self._body.scroll_relative(y=pages * max(self._body.size.height - 1, 1), animate=False)
        self.call_after_refresh(self._say)

    def on_key(self, event: events.Key) -> None:
        """Answer, if the key belongs to an offered answer and counts."""
        question = self.question
        if question is None or not self._armed or self.query(Input):
            return
        offered: tuple[Scope, ...] = ("once", *(scope for scope, _ in question.scopes))
        scopes: dict[str, Scope] = {}
        for scope in offered:
            scopes[_KEY_OF[scope]] = scope
        if event.key in scopes:
            event.stop()
            self._answer(Answer(yes=True, scope=scopes[event.key]))
        elif event.key == "n":
            event.stop()
            self._answer(Answer(yes=False))
        elif event.key == "r":
            event.stop()
            event.prevent_default()
            self.mount(Input(placeholder="why not? the model is told; Enter sends, Esc goes back", compact=True))
            self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """A no with its reason."""
        event.stop()
        self._answer(Answer(yes=False, reason=event.value.strip()))

    def leave_reason(self) -> bool:
        """Take the field for a reason away; says whether there was one."""
        fields = self.query(Input)
        if not fields:
            return False
        fields.remove()
        self.focus(scroll_visible=False)
        return True

    def _answer(self, answer: Answer) -> None:
        if self._asked is not None and not self._asked.future.done():
            self._asked.future.set_result(answer)


def _flat(text: str) -> str:
    return " ".join(rows(text))
