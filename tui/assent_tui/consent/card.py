"""The consent card: what is going to happen, why it is asked, and the answers, each with its exact scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from assent_core.consent.gate import Answer, Question, Scope
from assent_core.events import AnyEvent, Explained
from assent_tui.consent.asked import blocks_of
from assent_tui.consent.asking import Asking, AskingOver
from assent_tui.paint.blocks import BlockView
from assent_tui.paint.guard import QUIET, Guard
from assent_tui.paint.lines import BLANK, Line, Span, line, rows
from assent_tui.paint.rows import Rows

_WRITING = 1.0
"""Seconds without a key before a question takes the keys from somebody who is writing."""
_KEY_OF: dict[Scope, str] = {"once": "y", "task": "t", "session": "s", "project": "p"}


class ConsentCard(Vertical):
    """Docked above the prompt while a question is open; hidden without one. Keys count once it could be read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown,space", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("end", "to_end", show=False),
        Binding("home", "to_top", show=False),
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
        self._explained = ""
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
        self._explained = ""
        self._body.reset(blocks_of(message.question), follow=False)
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

    def learn(self, event: AnyEvent) -> None:
        """Take in what the scout says of the question that is open."""
        if isinstance(event, Explained) and self._asked is not None and event.id == self._asked.question.id:
            self._explained = event.sentence
            blocks = blocks_of(self._asked.question, self._explained)
            self._body.replace(len(blocks) - 1, blocks[-1])
            self._fit()

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
            height = self.screen.size.height
            most = max(min(height - 16, height // 2), 4)
            high, width = 0, max(self.size.width - 2, 20)
            for block in blocks_of(self._asked.question, self._explained):
                high += len(block.lines(width)) if high <= most else 0
            self._body.styles.height = min(high, most)
            self.call_after_refresh(self._say)

    def _say(self) -> None:
        if self._asked is not None:
            self._answers.put(*self._more(), BLANK, *self._offers(self._asked.question))

    def _more(self) -> list[Line]:
        above = round(self._body.scroll_y)
        below = self._body.virtual_size.height - above - self._body.size.height
        if below > 0:
            return [line((f"▼ {below:,} more rows below; PgDn or End shows them", "warn bold"))]
        return [line((f"▲ {above:,} rows above; PgUp or Home shows them", "dim"))] if above > 0 else []

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

    def action_move(self, rows: int) -> None:
        """Scroll the question by rows."""
        self._body.scroll_relative(y=rows, animate=False)
        self.call_after_refresh(self._say)

    def action_to_end(self) -> None:
        """Show the end of the question."""
        self._body.scroll_end(animate=False)
        self.call_after_refresh(self._say)

    def action_to_top(self) -> None:
        """Show the question from its beginning."""
        self._body.scroll_home(animate=False)
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
