"""The screen: each event to its pane, each key to the session; turns run in a worker that Esc interrupts."""

from __future__ import annotations

import asyncio
import gc
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message_pump import MessagePump
from textual.widget import Widget
from textual.widgets import Input, TextArea

from assent_tui.keymap import bindings
from assent_tui.paint.guard import Guard
from assent_tui.prompt.box import Prompt
from assent_tui.prompt.slash import argv_of, is_command, is_request
from assent_tui.screen.intent import Harmless, Intent
from assent_tui.screen.intent import Place as Acting
from assent_tui.screen.keyline import Keys
from assent_tui.screen.messages import Happened, Opened, Over, Reviewed, Trouble
from assent_tui.screen.offering import Offering
from assent_tui.screen.pages import USUAL, Look, Place
from assent_tui.screen.panes import Panes
from assent_tui.screen.status import Status
from assent_tui.screen.typed import Typed
from assent_tui.screen.work import Open

if TYPE_CHECKING:
    from assent_core.diffs.review import Review
    from assent_tui.chat.pane import Chat
    from assent_tui.consent.card import ConsentCard
    from assent_tui.review.pane import ReviewPane
    from assent_tui.screen.jobs import Jobs

_PICTURE = 0.03
"""Seconds that the first picture has for its way to the terminal, before what comes after it takes the processor."""
_CHAT = Harmless(("chat", "panes", "app"))
_AGAIN = 2.0
"""Seconds in which a second Ctrl+C quits."""


class AssentApp(Offering):
    """Opens the session, shows its events and turns keys into calls of it."""

    CSS_PATH = "app.tcss"
    TITLE = "assent"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")

    def __init__(
        self,
        open: Open,
        prompt: str = "",
        *,
        review_first: bool = False,
        theme: str = "",
        look: Look = USUAL,
        place: Place | None = None,
    ) -> None:
        super().__init__(open, replace(look, theme=theme or look.theme), place)
        self._looks = "show" if review_first else ""
        """Whether what is staged is to be looked at before anything else, and how: `show`, `quietly`."""
        self._queue = [prompt] if prompt else []
        self._unseen = False
        """Whether something is staged that was not shown yet, because more was to be done first."""
        self._leaving = False
        self._card_guard = Guard()
        self._intent = Intent(self._write_on, self.after_typing)
        self._intent.pace = self.look.pace
        self._panes = Panes(Guard(), id="panes")
        self._status = Status(id="status")
        self._keys = Keys(id="keys")

    @property
    def chat(self) -> Chat:
        """The chat."""
        return self._panes.chat

    @property
    def pane(self) -> ReviewPane:
        """The review."""
        return self._panes.review

    def compose(self) -> ComposeResult:
        """The chat; under it the prompt, the status line and the keys."""
        yield self._panes
        yield self._prompt.suggestions
        yield self._prompt
        yield self._status
        yield self._keys

    def on_mount(self) -> None:
        """Take keys at once; open the session meanwhile."""
        self._prompt.focus()
        self.follow_keys()
        self.set_timer(_PICTURE, partial(self.run_worker, self._furnish))

    async def _furnish(self) -> None:
        """After the first picture: the review and the consent card, and the session; keys are taken meanwhile."""
        for name in ("assent_tui.screen.jobs", "assent_tui.consent.card"):
            await asyncio.to_thread(import_module, name)
        from assent_tui.consent.card import ConsentCard

        sheet = Path(__file__).with_name("furnished.tcss")
        self.stylesheet.add_source(sheet.read_text(), (str(sheet), ""))
        await self._panes.furnish()
        self.pane.confirms = self.look.confirm_landing
        self._card = ConsentCard(
            self._card_guard,
            writing=lambda: bool(self._prompt.text),
            away=lambda: self._panes.has_focus_within,
            id="consent",
        )
        await self.mount(self._card, before=self._prompt.suggestions)
        self._furnished = True
        gc.freeze()
        gc.enable()
        for fault in self.faults:
            self.chat.note(fault, "warn")
        self.begin()

    def show_work(self, doing: str) -> None:
        """Say what is being done; empty: nothing is."""
        self._status.working(doing)
        self.offer_keys()

    @property
    def asker(self) -> MessagePump:
        """Where questions are posted to: the consent card."""
        return self._card

    def on_opened(self, message: Opened) -> None:
        """The session is there: show where we are."""
        from assent_tui.screen.jobs import Jobs

        session = message.session
        self.jobs = Jobs(session, self.post_message)
        session.listen(lambda event: self.post_message(Happened(event)))
        with self.chat.gathered():
            for event in session.past.shown:
                self.chat.show(event)
                self._status.show(event)
            self.chat.show(session.opened)
        self._status.show(session.opened)
        self._looks = self._looks or ("quietly" if session.past.events else "")
        self.begin_writing(session)

    def on_happened(self, message: Happened) -> None:
        """Each event to its pane."""
        self._card.learn(message.event)
        self.chat.show(message.event)
        self._status.show(message.event)
        self.pane.learn(message.event)
        self.offer_plan(message.event)

    def on_reviewed(self, message: Reviewed) -> None:
        """Show what is staged; the review comes up by itself when there is something else to decide."""
        review, earlier = message.review, self.pane.review
        self.pane.renew(review)
        if self.jobs is not None:
            self.keep_decisions(self.jobs, self.pane.review)
        self._status.staged(review)
        self._unseen = bool(review.files) and (self._unseen or review.files != earlier.files)
        if review.files != earlier.files:
            self._panes.guard.shut()
        if message.show or (self._unseen and not self._queue):
            self.bring_review(take_focus=False)
        elif not review.files and self._panes.reviewing:
            self._leave_review()

    def on_over(self, message: Over) -> None:
        """A job ended: say how, and go on with what waits, or give it back."""
        self.job = None
        if self.jobs is not None and not self._queue and not message.interrupted:
            self.call_user("the turn is over")
        self._status.working("")
        if message.error is not None:
            self.tell(message.error)
        if message.interrupted:
            self.chat.note("Stopped; what is staged is kept.", "warn")
        if self.jobs is not None and self._queue and (message.interrupted or message.error):
            self._prompt.bring_back(self._queue)
            self._queue = []
        if self.jobs is not None:
            self._next(self.jobs, stopped=message.interrupted)
        self.offer_keys()

    def tell(self, error: Trouble) -> None:
        """Say that something went wrong, where the user looks."""
        self.code = error.code
        self.chat.note(error.message, "error", error.hint, error.detail)
        if self._panes.covered or self._panes.reviewing:
            self.pane.say(f"{error.message} {error.hint}")

    def _next(self, jobs: Jobs, *, stopped: bool) -> None:
        if stopped or self._looks:
            show, self._looks = self._looks == "show", ""
            self.start("looking at what is staged", jobs.look(self._decided(jobs), show=show))
        elif self._queue:
            self._take(jobs, self._queue.pop(0))
            self.on_prompt_drafted()
        self._prompt.queued(len(self._queue))

    def _decided(self, jobs: Jobs) -> Review:
        """What is decided: where nothing was shown yet, what was left the last time."""
        return self.pane.review if self.pane.review.files else jobs.decided

    def on_prompt_sent(self, message: Prompt.Sent) -> None:
        """A request, a command of ours, or a command of the user's own."""
        command = is_command(message.text) and not is_request(message.text)
        if self._furnished:
            self._card.ask_again()
        if self._furnished:
            self.chat.go_to_end()
        if self._furnished and self.jobs is not None and (command or self.job is None):
            self._take(self.jobs, message.text)
            self.remember(message.kept)
            return
        self._queue.append(message.text)
        self.remember(message.kept)
        self._prompt.queued(len(self._queue))
        if self._furnished and self.job is None:
            self.begin()

    def _take(self, jobs: Jobs, text: str) -> None:
        if is_command(text):
            self.command(text)
        else:
            self._ask(jobs, text)

    def _ask(self, jobs: Jobs, text: str) -> None:
        self._panes.hide_review()
        if text.startswith("!") and (command := text[1:].strip()):
            self.pane.command = command
            self.start("running", jobs.run(argv_of(command), self.pane.review))
        else:
            self.start("working", jobs.turn(text, self.pane.review, self.pictures_in(text)))

    def on_prompt_paged(self, message: Prompt.Paged) -> None:
        """Scroll the chat while writing."""
        if self._furnished and message.pages:
            self.chat.page(message.pages)
        elif self._furnished:
            self.chat.go_to_end()

    def on_prompt_left(self) -> None:
        """Ctrl+C in an empty prompt."""
        self.action_leave()

    async def on_prompt_quit_wanted(self) -> None:
        """Ctrl+D in an empty prompt."""
        await self.action_quit()

    def on_prompt_help_wanted(self) -> None:
        """A question mark in an empty prompt."""
        self.action_help()

    def on_consent_card_shown(self) -> None:
        """Somebody waits for an answer."""
        self.call_user("your answer is needed")
        self._status.working("waiting for your answer")

    def on_consent_card_gone(self, message: ConsentCard.Gone) -> None:
        """Nobody waits any more: the keys that went to the question go to the prompt."""
        self._status.working("working" if self.job else "")
        if message.here:
            self._give_keys(self._prompt)

    def wear(self, look: Look) -> None:
        """Look, and take keys, as the settings say, from now on."""
        super().wear(look)
        if self._furnished:
            self._intent.pace, self.pane.confirms = look.pace, look.confirm_landing

    async def hear(self, event: Typed) -> None:
        """Tell the guards of each key before it is used."""
        if isinstance(event, events.Key):
            self.key_pressed()
            self._card_guard.pressed()
            self._panes.guard.pressed()
        key = event.key if isinstance(event, events.Key) else ""
        if key not in (*self.keymap.of("consent.confirm"), *self.keymap.of("review.confirm")):
            self._unmark()
        if key in (*self.keymap.of("app.step_back"), *self.keymap.of("app.leave")) and self._withdraws():
            return
        if not self._intent.takes(event, self._acting(), self.keymap):
            await super().hear(event)

    async def on_event(self, event: events.Event) -> None:
        """What is marked for a second key is not any more when anything else happens."""
        if isinstance(event, events.MouseDown | events.MouseScrollDown | events.MouseScrollUp | events.Resize):
            self._unmark()
        await super().on_event(event)

    def _withdraws(self) -> bool:
        """Take an answer back that does not count yet, if there is one."""
        return self._furnished and self._card.withdraw()

    def _unmark(self) -> None:
        if self._furnished:
            self._card.unmark()
            self.pane.unmark()

    def _acting(self) -> Acting | None:
        """The place with the keys that acts on letters; none where they are written or a page has them."""
        if not self._furnished or len(self.screen_stack) > 1 or isinstance(self.focused, Input | TextArea):
            return None
        return self._card if self._card.has_focus_within else self.pane if self._panes.reviewing else _CHAT

    def _write_on(self, text: str) -> None:
        """What was typed elsewhere stands in the prompt, and what is typed next goes there, too."""
        if len(self.screen_stack) > 1:
            self.leave_page()
        self._give_keys(self._prompt)
        self._prompt.insert(text)
        self._keys.flash("What you type goes into the prompt.")

    def bring_review(self, *, take_focus: bool) -> None:
        """Show the review."""
        self._unseen = False
        self._panes.show_review()
        if take_focus:
            self._give_keys(self.pane.diff)
        self.pane.invite()
        self.offer_keys()

    def _give_keys(self, pane: Widget) -> None:
        """Focus it at once, also under a page."""
        pane.screen.set_focus(pane, scroll_visible=False)

    def _leave_review(self) -> None:
        self._panes.hide_review()
        if not self._card.take_keys():
            self._give_keys(self._prompt)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Before all is there, only the prompt takes keys."""
        return self._furnished or action in ("quit", "leave")

    def action_step_back(self) -> None:
        """Leave the innermost thing: a page, what is selected, a field, the review, a turn."""
        if len(self.screen_stack) > 1:
            self.leave_page()
        elif self._furnished and (self.chat.leave_lines() or self.screen.selections):
            self.screen.clear_selection()
        elif self._card.leave_reason() or self.pane.leave_field() or self._prompt.close_suggestions():
            pass
        elif self._panes.reviewing:
            self._leave_review()
        elif self._card.take_keys():
            pass
        elif self.focused is self.chat:
            self._give_keys(self._prompt)
        elif self.job is not None and self.jobs is not None:
            self.stop()
        else:
            self._panes.hide_review(wholly=True)
            self._prompt.focus()

    def action_toggle_review(self) -> None:
        """Show the review, or leave it."""
        if self._panes.reviewing:
            self._leave_review()
        else:
            self.bring_review(take_focus=True)

    def action_focus_next(self) -> None:
        """Go to the next pane: from the prompt to the review where it is shown, else to the chat."""
        if self._furnished and self.focused is self._prompt and self._panes.shown and len(self.screen_stack) == 1:
            self._give_keys(self.pane.diff)
        else:
            self.screen.focus_next()

    def action_unfold(self) -> None:
        """Open or fold the newest tool call."""
        self.chat.action_unfold()

    def action_leave(self) -> None:
        """Copy what is selected, else stop what runs; twice in a row with nothing running: quit."""
        if self.screen.get_selected_text() is not None:
            self.call_next(self.run_action, "screen.copy_text")
        elif self.job is not None and self.jobs is not None:
            self.stop()
        elif self._leaving:
            self.exit(0)
        else:
            self._leaving = True
            self._keys.offer(*self.keymap.labels((("app.leave", "again to quit"),)))
            self.set_timer(_AGAIN, self._stay)

    def _stay(self) -> None:
        self._leaving = False
        self.offer_keys()
