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
from assent_tui.consent.answers import State, above_and_below, answers
from assent_tui.consent.asked import About, Opinions, blocks_of, is_bare, pinned
from assent_tui.consent.asking import Asking, AskingOver
from assent_tui.consent.reading import Reading
from assent_tui.keymap import bindings, keymap_of
from assent_tui.paint.blocks import BlockView
from assent_tui.paint.guard import QUIET, Guard
from assent_tui.paint.lines import wrap_all
from assent_tui.paint.punctual import Punctual
from assent_tui.paint.rows import Rows

_WRITING = 1.0
"""Seconds without a key before a question takes the keys from somebody who is writing."""
_WHY = "why not? the model is told; Enter sends, {app.step_back} goes back"
_LOW = 30
"""Rows of a screen below which a question takes the place of the prompt."""
_TIGHT = 20
"""Rows of a screen below which none is spent on blanks."""
_PROMPT = 3
_AROUND, _CHAT = 5, 2
"""Rows for the frame of the card, the status line, the keys and one of the chat; and for more of that, if there is room."""
_PINNED = 4
"""One of how many rows of the screen what is reached may take, before the rest of it scrolls."""


class ConsentCard(Punctual, Vertical):
    """Docked above the prompt while a question is open; hidden without one. Keys count once it could be read.

    A no and a yes for once are one key, and count when it is sure that they are no letters; a broader yes is marked by its
    key and given by another one. No yes counts before the whole command was on the screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("consent")
    can_focus = True
    heard = ("consent", "app")
    patience = 1.5

    class Shown(Message):
        """A question is on the screen."""

    class Gone(Message):
        """It is not any more, whoever ended it; `here`: it had the keys."""

        def __init__(self, *, here: bool) -> None:
            super().__init__()
            self.here = here

    def __init__(
        self, guard: Guard, writing: Callable[[], bool], away: Callable[[], bool], *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._guard = guard
        self._writing = writing
        self._away = away
        self._asked: Asking | None = None
        self._state = State()
        self._held = False
        self._said = Opinions()
        self._reading = Reading()
        self._whole = True
        """Whether all that is reached is pinned, so that it need not stand among what scrolls."""
        self._body = BlockView(id="consent-body")
        self._body.can_focus = False
        self._pinned = Rows(id="consent-reach")
        self._answers = Rows(id="consent-answers")
        self.display = False

    def compose(self) -> ComposeResult:
        """The question, which scrolls, over what it reaches and the answers, which are always in sight."""
        yield self._body
        yield self._pinned
        yield self._answers

    def on_mount(self) -> None:
        """What is scrolled into sight is read, however it is scrolled."""
        self.watch(self._body, "scroll_y", self._scrolled, init=False)

    @property
    def question(self) -> Question | None:
        """What is being asked."""
        return self._asked.question if self._asked else None

    def on_asking(self, message: Asking) -> None:
        """Show a question; its keys count when the guard opens."""
        if message.future.done():
            return
        self._asked = message
        self._state, self._held, self._said, self._reading = State(), False, Opinions(), Reading()
        bare = is_bare(message.question)
        self.set_class(bare, "-unconfined")
        self.border_title = "consent: without walls" if bare else "consent"
        self.display = True
        self._whole = True
        self._body.reset(blocks_of(message.question, self._said, effects=False), follow=False)
        self._body.scroll_home(animate=False)
        self._wait()
        self.post_message(self.Shown())

    def on_asking_over(self, message: AskingOver) -> None:
        """The question is no longer open; another one stays."""
        if self._asked is not None and self._asked.question.id == message.question:
            here = self.has_focus_within
            self._asked = None
            self._state, self._held = State(), False
            self.query(Input).remove()
            self.display = False
            self.screen.remove_class("-asking")
            self.post_message(self.Gone(here=here))

    def learn(self, event: AnyEvent) -> None:
        """Take in what scout and reviewer say of the question that is open."""
        if isinstance(event, Explained) and self._asked is not None and event.id == self._asked.question.id:
            if event.by == "scout":
                self._said = replace(self._said, scout=event.sentence)
            else:
                self._said = replace(self._said, reviewer=opinion(event), serious=event.concern == "serious")
            self._tell_about(self._asked.question)
            self._fit()

    def ask_again(self) -> None:
        """Take the keys again once nobody types, after the user wrote something else."""
        if self._asked is not None and not self.has_focus_within:
            self._wait()

    def _wait(self) -> None:
        self._state = replace(self._state, armed=False)
        self._guard.shut(_WRITING if self._writing() else QUIET)
        self._fit()
        self._say()
        self._try_to_arm()

    def _try_to_arm(self) -> None:
        if self._asked is None or self._state.armed:
            return
        if not self._guard.open:
            self.set_timer(max(self._guard.left, 0.01), self._try_to_arm)
            return
        self._state = replace(self._state, armed=True)
        if self._away():
            self._fit()
            self._say()
        else:
            self.focus(scroll_visible=False)

    def hold(self) -> None:
        """An answer that is given from here on may be no answer."""
        self._held = True

    def settle(self) -> None:
        """It was one."""
        self._held = False
        if self._state.given is not None:
            self._answer(self._state.given)

    def withdraw(self) -> bool:
        """Take an answer back that does not count yet; says whether there was one."""
        given = self._state.given is not None
        self._state = replace(self._state, given=None)
        self._say()
        return given

    def take_back(self) -> None:
        """It was the beginning of a sentence."""
        self._held = False
        self._state = replace(self._state, given=None, marked=None)
        self.leave_reason()
        self._say()

    def on_resize(self) -> None:
        """As high as the question, as far as there is room."""
        self._fit()

    def on_focus(self) -> None:
        """The question is read; where there is little room, in the place of the prompt."""
        self.screen.set_class(self.screen.size.height < _LOW, "-asking")
        self._fit()

    def on_descendant_focus(self) -> None:
        """A reason is written, in the same place."""
        self.screen.set_class(self.screen.size.height < _LOW, "-asking")

    def on_blur(self) -> None:
        """Something else is looked at, and gets the room where it is scarce."""
        self.screen.remove_class("-asking")
        self._fit()

    on_descendant_blur = on_blur

    def _tell_about(self, question: Question) -> None:
        """Show anew what is to be known beside the command itself, which is the last block."""
        self._body.replace(len(self._body) - 1, About(question=question, said=self._said, effects=not self._whole))

    @property
    def _columns(self) -> int:
        return max(self.size.width - 2, 20) if self.size.width else max(self.screen.size.width - 6, 20)

    def _fit(self) -> None:
        """Make room for the whole question if there is any; where it is scarce, what is answered is what is shown."""
        if self._asked is None:
            return
        question, width, height = self._asked.question, self._columns, self.screen.size.height
        state, keys = self._now(), keymap_of(self)
        told = (*above_and_below(1, 1, state, keys), *answers(question, state, keys))
        below = len(wrap_all(told, width, 2)) + 2 * bool(self.query(Input))
        room = height - below - (0 if self.screen.has_class("-asking") else _PROMPT) - _AROUND
        room -= self._fit_pinned(question, min(room - 3, height // _PINNED))
        most = 1 if state.brief else max(room - _CHAT, min(room, 3), 1)
        high = 0
        for block in self._body.blocks:
            high += len(block.lines(width)) if high <= most else 0
        self._body.styles.height = min(high, most)
        self._pinned.display = not state.brief
        self.call_after_refresh(self._say)

    def _fit_pinned(self, question: Question, most: int) -> int:
        """Show what is reached, in so many rows at most, but one; says how many it takes."""
        rows, whole = pinned(question, self._columns, max(most, 1))
        self._pinned.put(*rows)
        if whole != self._whole:
            self._whole = whole
            self._tell_about(question)
        return len(rows)

    def _scrolled(self) -> None:
        self.call_after_refresh(self._say)

    def _now(self) -> State:
        here, height = self.has_focus_within, self.screen.size.height
        brief = self._state.armed and not here and height < _LOW
        return replace(self._state, here=here, read=self._reading.whole, brief=brief, tight=height < _TIGHT)

    def _say(self) -> None:
        """Show the answers as far as they are, and take in what is on the screen of the command."""
        if self._asked is None:
            return
        top, height, width = round(self._body.scroll_y), self._body.size.height, self._body.layout_width
        rows = self._body.row_of(len(self._body) - 1)
        if self.has_focus_within and self.screen.is_current:
            self._reading.see(top, height, rows=rows, width=width)
        keys, state = keymap_of(self), self._now()
        more = above_and_below(top, self._body.virtual_size.height - top - height, state, keys)
        self._answers.put(*more, *answers(self._asked.question, state, keys))

    def action_page(self, pages: int) -> None:
        """Scroll the question."""
        self._body.scroll_relative(y=pages * max(self._body.size.height - 1, 1), animate=False)

    def action_move(self, rows: int) -> None:
        """Scroll the question by rows."""
        self._body.scroll_relative(y=rows, animate=False)

    def action_to_end(self) -> None:
        """Show the end of the question."""
        self._body.scroll_end(animate=False)

    def action_to_top(self) -> None:
        """Show the question from its beginning."""
        self._body.scroll_home(animate=False)

    def unmark(self) -> None:
        """Something else came than the key that gives a broad yes: its mark goes."""
        if self._state.marked:
            self._state = replace(self._state, marked=None)
            self._say()

    @property
    def _hears(self) -> bool:
        """Whether a key is an answer: not before the question could be read, and not while a reason is written."""
        return self._state.armed and self._state.given is None and not self.query(Input)

    def _offered(self, scope: Scope) -> bool:
        """Whether a yes of this scope counts; where not all of the command was seen yet, more of it is shown instead."""
        if self.question is None or not self._hears:
            return False
        if not self._reading.whole:
            self.action_page(1)
            return False
        return scope in ("once", *(offered for offered, _ in self.question.scopes))

    def action_answer(self, scope: Scope) -> None:
        """Yes, as far as that is offered."""
        if self._offered(scope):
            self._give(Answer(yes=True, scope=scope))

    def action_mark(self, scope: Scope) -> None:
        """Mark a broad yes; another key gives it."""
        if self._offered(scope):
            self._state = replace(self._state, marked=scope)
            self._say()

    def action_confirm(self) -> None:
        """Give the broad yes that is marked."""
        if self._state.marked and self._offered(self._state.marked):
            self._give(Answer(yes=True, scope=self._state.marked))

    def action_refuse(self) -> None:
        """No."""
        if self._hears:
            self._give(Answer(yes=False))

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
        away = self._asked is not None and not self.has_focus_within
        if away:
            self._state = replace(self._state, armed=True)
            fields = self.query(Input)
            self.screen.set_focus(fields.first() if fields else self, scroll_visible=False)
        return away

    def leave_reason(self) -> bool:
        """Take the field for a reason away; says whether there was one."""
        fields = self.query(Input)
        if not fields:
            return False
        fields.remove()
        self.focus(scroll_visible=False)
        return True

    def _give(self, answer: Answer) -> None:
        """Answer once it is sure that the key is no letter."""
        if self._held:
            self._state = replace(self._state, given=answer)
            self._say()
        else:
            self._answer(answer)

    def _answer(self, answer: Answer) -> None:
        if self._asked is not None and not self._asked.future.done():
            self._asked.future.set_result(answer)
