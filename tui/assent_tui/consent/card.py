"""The consent card: what is going to happen, why it is asked, and the answers, each with its exact scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from assent_core.consent.gate import Answer, Question, Scope
from assent_core.events import AnyEvent, Explained
from assent_tui.chat.telling import opinion
from assent_tui.consent.asked import Opinions, blocks_of
from assent_tui.consent.asking import Asking, AskingOver
from assent_tui.figures import count
from assent_tui.keymap import bindings, keymap_of
from assent_tui.paint.blocks import BlockView
from assent_tui.paint.guard import QUIET, Guard
from assent_tui.paint.lines import BLANK, Line, Span, line, rows, wrap_all
from assent_tui.paint.punctual import Punctual
from assent_tui.paint.rows import Rows

_WRITING = 1.0
"""Seconds without a key before a question takes the keys from somebody who is writing."""
_WHY = "why not? the model is told; Enter sends, {app.step_back} goes back"
_LOW = 30
"""Rows of a screen below which a question takes the place of the prompt."""
_PROMPT = 3
_AROUND, _CHAT = 5, 2
"""Rows for the frame of the card, the status line, the keys and one of the chat; and for more of that, if there is room."""
_KEY_OF: dict[Scope, str] = {
    "once": "consent.yes",
    "task": "consent.task",
    "session": "consent.session",
    "project": "consent.project",
}


class ConsentCard(Punctual, Vertical):
    """Docked above the prompt while a question is open; hidden without one. Keys count once it could be read."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("consent")
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
        self._said = Opinions()
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
        self._said = Opinions()
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
            self.screen.remove_class("-asking")
            self.post_message(self.Gone())

    def learn(self, event: AnyEvent) -> None:
        """Take in what scout and reviewer say of the question that is open."""
        if isinstance(event, Explained) and self._asked is not None and event.id == self._asked.question.id:
            if event.by == "scout":
                self._said = replace(self._said, scout=event.sentence)
            else:
                self._said = replace(self._said, reviewer=opinion(event), serious=event.concern == "serious")
            blocks = blocks_of(self._asked.question, self._said)
            self._body.replace(len(blocks) - 1, blocks[-1])
            self._fit()

    def _try_to_arm(self) -> None:
        if self._asked is None or self._armed:
            return
        if not self._guard.open:
            self.set_timer(max(self._guard.left, 0.01), self._try_to_arm)
            return
        self._armed = True
        self.screen.set_class(self.screen.size.height < _LOW, "-asking")
        self._fit()
        self._say()
        self.focus(scroll_visible=False)

    def on_resize(self) -> None:
        """As high as the question, as far as there is room."""
        self._fit()

    def on_focus(self) -> None:
        """The question is read."""
        self._fit()

    def on_blur(self) -> None:
        """Something else is looked at, and gets the room where it is scarce."""
        self._fit()

    def _fit(self) -> None:
        """Make room for the whole question if there is any; where it is scarce, what is answered is what is shown."""
        if self._asked is None:
            return
        width, height = max(self.size.width - 2, 20), self.screen.size.height
        answers = len(wrap_all(self._offers(self._asked.question), width, 2)) + 2 + 2 * bool(self.query(Input))
        prompt = 0 if self._armed and height < _LOW else _PROMPT
        looks_away = self._armed and height < _LOW and not self.has_focus_within
        room = height - answers - prompt - _AROUND
        most = 1 if looks_away else max(room - _CHAT, min(room, 3), 1)
        high = 0
        for block in blocks_of(self._asked.question, self._said):
            high += len(block.lines(width)) if high <= most else 0
        self._body.styles.height = min(high, most)
        self.call_after_refresh(self._say)

    def _say(self) -> None:
        if self._asked is not None:
            self._answers.put(*self._more(), BLANK, *self._offers(self._asked.question))

    def _more(self) -> list[Line]:
        keys = keymap_of(self)
        above = round(self._body.scroll_y)
        below = self._body.virtual_size.height - above - self._body.size.height
        if below > 0:
            told = keys.words(f"▼ {count(below, 'more row')}: {{consent.page_down}}, {{consent.end}}")
            return [line((told, "warn bold"))]
        told = keys.words(f"▲ {count(above, 'row')} above: {{consent.page_up}}, {{consent.top}}")
        return [line((told, "dim"))] if above > 0 else []

    def _offers(self, question: Question) -> list[Line]:
        keys, here = keymap_of(self), self._armed and self.has_focus_within
        style = "accent bold" if here else "faint"

        def key(name: str) -> Span:
            return (f"{keys.shown(name)} ", style)

        lines = [line(key("consent.yes"), ("yes, once", "text"))]
        for scope, wording in question.scopes:
            if scope != "once":
                lines.append(line(key(_KEY_OF[scope]), (f"yes, {_flat(wording)}", "text")))
        no = (key("consent.no"), ("no   ", "text"), key("consent.reason"), ("no, with a reason   ", "text"))
        if not self._armed:
            return [*lines, line(*no, ("keys count in a moment", "faint"))]
        back = (f"{keys.shown('app.step_back')} ", "accent bold")
        return [*lines, line(*no, back, ("stop the turn", "dim") if here else ("back to this question", "text"))]

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

    @property
    def _hears(self) -> bool:
        """Whether a key is an answer: not before the question could be read, and not while a reason is written."""
        return self._armed and not self.query(Input)

    def action_answer(self, scope: Scope) -> None:
        """Yes, as far as that is offered."""
        question = self.question
        if question is not None and self._hears and scope in ("once", *(offered for offered, _ in question.scopes)):
            self._answer(Answer(yes=True, scope=scope))

    def action_refuse(self) -> None:
        """No."""
        if self._hears:
            self._answer(Answer(yes=False))

    def action_reason(self) -> None:
        """No, once its reason is written."""
        if self._hears:
            self.mount(Input(placeholder=keymap_of(self).words(_WHY), compact=True))
            self.query_one(Input).focus()
            self._fit()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """A no with its reason."""
        event.stop()
        self._answer(Answer(yes=False, reason=event.value.strip()))

    def take_keys(self) -> bool:
        """Have the keys again when the user looked at something else; says whether they did, with a question open."""
        away = self._armed and not self.has_focus_within
        if away:
            self.screen.set_focus(self, scroll_visible=False)
        return away

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
