"""The commands of the prompt and the wishes of the review, each turned into a call of the session or a word in the chat."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast, get_args

from assent_core.errors import UsageError
from assent_tui.paint.textscreen import TextScreen
from assent_tui.prompt.slash import CommitWords, argv_of, commit_words, nearest, split
from assent_tui.screen.clipboard import copied
from assent_tui.screen.messages import Drafted, Forked, Trouble, WentBack
from assent_tui.screen.writing import Writing

if TYPE_CHECKING:
    from assent_core.diffs.review import Review
    from assent_core.events import AnyEvent
    from assent_core.session import Session
    from assent_tui.pages.prompts import Chosen
    from assent_tui.review.pane import ReviewPane
    from assent_tui.screen.jobs import Jobs
    from assent_tui.screen.keyline import Keys
    from assent_tui.screen.panes import Panes
    from assent_tui.screen.status import Status


class Commanding(Writing):
    """Does what `/command` says."""

    _status: Status
    _keys: Keys
    _panes: Panes

    def bring_review(self, *, take_focus: bool) -> None:
        """Show the review."""
        raise NotImplementedError

    def command(self, text: str) -> None:
        """Obey a command with what stands behind it."""
        name, rest = split(text)
        match name:
            case "/help":
                self.action_help()
            case "/quit":
                self.exit(0)
            case "/sessions":
                self.action_sessions()
            case "/settings":
                self.action_settings()
            case "/cost":
                self.chat.note(self._status.costs or "Nothing has been asked of a model yet.")
            case "/doctor":
                hint = "`assent doctor` in a shell says what was tried and what would help."
                self.chat.note(self._status.place or "No session is open.", hint=hint)
            case "/diff":
                self.chat.quote("the staged changes", self.pane.text or "nothing is staged")
            case "/copy":
                self.chat.copy_newest(code=rest.strip() == "code")
            case "/context":
                self.chat.note(_room(self.jobs.session) if self.jobs is not None else "No session is open.")
            case "/commit":
                self._commit(commit_words(rest))
            case "/model":
                self._about_model(*rest.split())
            case "/scout":
                self._about_scout(rest)
            case "/plan" | "/go" | "/drop":
                self._about_plan(name, rest)
            case "/compact" | "/review" | "/land" | "/undo" | "/rewind" | "/fork":
                self._about_session(name)
            case _:
                self.chat.note(f"There is no command {name}.", "error", nearest(name))

    def offer_plan(self, event: AnyEvent) -> None:
        """Put a plan that was made into an empty prompt, where it can be edited and Enter carries it out."""
        from assent_core.events import Planned

        if isinstance(event, Planned) and event.how == "made" and not self._prompt.text:
            self._prompt.take_up(f"/go\n{event.text}")

    def _about_plan(self, name: str, rest: str) -> None:
        jobs = self.free()
        if jobs is None:
            return
        plan = jobs.session.plan
        match name:
            case "/plan" if rest:
                self._panes.hide_review()
                self.start("planning", jobs.plan(rest, self.pane.review, self.pictures_in(rest)))
            case "/plan" if plan:
                self._prompt.take_up(f"/go\n{plan}")
            case "/go" if rest or plan:
                self._panes.hide_review()
                self.start("working", jobs.carry_out(rest or plan, self.pane.review))
            case "/drop" if plan:
                self.start("dropping the plan", jobs.drop_plan())
            case _:
                self.chat.note("There is no plan.", "error", "/plan WISH makes one.")

    def _about_model(self, name: str = "", effort: str = "", *more: str) -> None:
        """Let another model work."""
        from assent_core.model import Effort

        if (jobs := self.free()) is None:
            return
        known: tuple[str, ...] = get_args(Effort)
        if not name or more or effort not in ("", *known):
            hint = f"/model NAME [EFFORT], with an effort of {', '.join(known)}. It holds for this session."
            self.chat.note("Which model is to work from the next prompt on?", "error" if name else "info", hint)
            return
        try:
            bound = jobs.session.work_with(name, cast("Effort", effort) if effort else None)
        except UsageError as error:
            self.tell(Trouble(error.message, error.hint, code=error.code))
            return
        self.chat.note(f"From the next prompt on {bound.model} works (effort {bound.effort}).", "ok")

    def _about_scout(self, wish: str) -> None:
        from assent_tui.paint.page import PageScreen
        from assent_tui.screen.sent import in_words

        if self.jobs is None:
            self.chat.note("No session is open.")
            return
        scout = self.jobs.session.scout
        if wish in ("on", "off"):
            scout.on = wish == "on"
            said = "is on again" if scout.on else "is off: nothing more is sent to it in this session"
            self.chat.note(f"The scout {said}.")
        elif len(self.screen_stack) == 1:
            self.push_screen(PageScreen("sent beside the turns", in_words(scout.sent, on=scout.on), words=True))

    def on_text_screen_copied(self, message: TextScreen.Copied) -> None:
        """Say what went to the clipboard."""
        self._keys.flash(copied(message.what, message.size, os.environ))

    def free(self) -> Jobs | None:
        """The session if nothing runs in it; else says so."""
        if self.jobs is not None and self.job is None:
            return self.jobs
        self.tell(
            Trouble("Something is still running.", self.keymap.words("Wait for it, or stop it with {app.step_back}."))
        )
        return None

    def on_review_pane_land_wanted(self, message: ReviewPane.LandWanted) -> None:
        """Write what is accepted."""
        if (jobs := self.free()) is not None:
            self.start("landing", jobs.land(message.review))

    def on_review_pane_tell_wanted(self, message: ReviewPane.TellWanted) -> None:
        """Tell the model what was decided, without waiting for the next prompt."""
        if (jobs := self.free()) is not None:
            self._panes.hide_review()
            self.start("working", jobs.tell(message.review))

    def on_review_pane_changed(self, message: ReviewPane.Changed) -> None:
        """Keep what is decided."""
        if self.jobs is not None:
            self.keep_decisions(self.jobs, message.review)

    def keep_decisions(self, jobs: Jobs, review: Review) -> None:
        """Keep it beyond the process, and say in the review whether the model knows it."""
        self.pane.tell_unsent(unsent=jobs.unsent(review))
        try:
            jobs.keep(review)
        except OSError as error:
            self.cannot_keep(error)

    def on_review_pane_amend_wanted(self, message: ReviewPane.AmendWanted) -> None:
        """Put what the user wrote on the stage."""
        if (jobs := self.free()) is not None:
            self.pane.take_over(message)
            self.start("writing on the stage", jobs.amend(message.shown, message.entry, message.review))

    def on_review_pane_verify_wanted(self, message: ReviewPane.VerifyWanted) -> None:
        """Run a command on exactly what is accepted."""
        if (jobs := self.free()) is not None:
            self.pane.command = message.command
            self.start("verifying", jobs.verify(argv_of(message.command), message.review))

    def _about_session(self, name: str) -> None:
        jobs = self.free()
        if jobs is None:
            return
        match name:
            case "/review":
                self.start("looking at what is staged", jobs.look(self.pane.review, show=True))
            case "/undo":
                self.start("taking back", jobs.undo(self.pane.review))
            case "/rewind":
                self._offer_prompts(jobs)
            case "/fork":
                self.start("forking", jobs.fork())
            case "/compact":
                self.start("making room", jobs.compact(self.pane.review))
            case _:
                self.bring_review(take_focus=True)
                self._panes.guard.shut()
                self.pane.land()

    def _commit(self, words: CommitWords) -> None:
        """Draft a commit, or make it."""
        if (jobs := self.free()) is not None:
            doing, job = ("committing", jobs.commit) if words.message else ("looking at what landed", jobs.draft)
            self.start(doing, job(words))

    def on_drafted(self, message: Drafted) -> None:
        """Say what a commit would hold, and have its message in the prompt, to be edited and sent."""
        from assent_tui.chat.telling import drafted_in_words

        for text, level in drafted_in_words(message.draft, message.words):
            self.chat.note(text, level)
        if not self._prompt.text:
            self._prompt.load_text(message.words.line)
            self._prompt.move_cursor(self._prompt.document.end)
            self._prompt.focus()

    def _offer_prompts(self, jobs: Jobs) -> None:
        from assent_tui.pages.prompts import PromptsScreen

        prompts = jobs.session.prompts()
        if prompts:
            self.push_screen(PromptsScreen(prompts), self._go_back)
        else:
            self.chat.note("There is no prompt to go back to: none was sent, or what the stage was then is not kept.")

    def _go_back(self, chosen: Chosen | None) -> None:
        if chosen is None or (jobs := self.free()) is None:
            return
        if chosen.fork:
            self.start("forking", jobs.fork(chosen.prompt))
        else:
            self.start("going back", jobs.rewind(chosen.prompt, self.pane.review))

    def on_went_back(self, message: WentBack) -> None:
        """The prompt is in the box again, to be written anew."""
        self._prompt.bring_back([message.text])

    def on_forked(self, message: Forked) -> None:
        """Go on in the session that was forked; a prompt to be written anew waits there."""
        if message.text:
            self._prompt.bring_back([message.text])
        self.next_session = message.session
        self.exit(0)


def _room(session: Session) -> str:
    """How full the context is, and with what."""
    room = session.context()
    of = f" of {room.limit:,} tokens ({room.share:.0%})" if room.limit else " tokens; its limit is unknown"
    about = "" if room.counted else "about "
    parts = [f"  {name}: {tokens:,}" for name, tokens in room.parts if tokens]
    return "\n".join([f"The context of {room.model} holds {about}{room.used:,}{of}.", *parts])
