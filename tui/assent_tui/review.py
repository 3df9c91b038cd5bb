"""The review: files, diff and evidence, and the keys that decide."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.message import Message
from textual.widgets import Input

from assent_core.changes import unified
from assent_core.events import AnyEvent, Performed, Proposed
from assent_core.proposals import Shell
from assent_core.review import Review, Verdict, comment, decide, evidence_for, obstacle
from assent_tui.blocks import BlockView
from assent_tui.diff import Diff
from assent_tui.files import SIGNS, Files
from assent_tui.guard import Guard
from assent_tui.lines import Line, Span, clean, line
from assent_tui.rows import Rows

WIDE = 110
"""Columns from which the files stand beside the diff."""

Wanted = Literal["reason", "comment", "command"]
_ASKS: dict[Wanted, str] = {
    "reason": "why not? the model is told; Enter rejects, Esc goes back",
    "comment": "a comment for the model; empty takes it away",
    "command": "which command shows that it works? it runs on a fresh stage with what you accepted",
}


class ReviewPane(Vertical):
    """Owns the decisions until they are landed; each can be undone. Keys that decide are shut while the guard is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "decide('accepted')", "accept"),
        Binding("n", "decide('rejected')", "reject"),
        Binding("r", "write('reason')", "reject with a reason"),
        Binding("c", "write('comment')", "comment"),
        Binding("u", "undo", "undo the last decision"),
        Binding("a", "accept_file", "accept the file"),
        Binding("A", "accept_all", "accept all"),
        Binding("L", "land", "land what is accepted"),
        Binding("v", "verify", "verify"),
        Binding("right_square_bracket,j", "hunk(1)", "next hunk"),
        Binding("left_square_bracket,k", "hunk(-1)", "previous hunk"),
        Binding("down", "step(1)", "further"),
        Binding("up", "step(-1)", "back"),
        Binding("right_curly_bracket", "file(1)", "next file"),
        Binding("left_curly_bracket", "file(-1)", "previous file"),
        Binding("space", "page", "page down"),
    ]

    class Changed(Message):
        """The user decided something; `review` is the value that is now shown."""

        def __init__(self, review: Review) -> None:
            super().__init__()
            self.review = review

    class LandWanted(Message):
        """What is accepted is to be written into the real files."""

        def __init__(self, review: Review) -> None:
            super().__init__()
            self.review = review

    class VerifyWanted(Message):
        """A command is to be run on exactly what is accepted."""

        def __init__(self, review: Review, command: str) -> None:
            super().__init__()
            self.review = review
            self.command = command

    def __init__(self, guard: Guard, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._guard = guard
        self._earlier: list[tuple[Review, str]] = []
        self._wanted: Wanted | None = None
        self.review = Review()
        self._around: Review | None = None
        self._proposed = ("", "")
        self.command = ""
        """What `v` offers to run where there is no evidence yet."""

    def compose(self) -> ComposeResult:
        """A head, the files over or beside the diff, what has just been said, and the evidence."""
        yield Rows(id="review-head")
        with Container(id="review-body"):
            yield Files(id="review-files")
            yield Diff(id="review-diff")
        yield Rows(id="review-said")
        yield Rows(id="review-evidence")

    @property
    def diff(self) -> Diff:
        """The pane that holds the cursor."""
        return self.query_one(Diff)

    @property
    def text(self) -> str:
        """All staged changes as one unified diff."""
        return b"".join(unified(file) for file in self.review.files).decode("utf-8", "backslashreplace")

    def on_resize(self, event: events.Resize) -> None:
        """The files beside the diff where there is room."""
        self.set_class(event.size.width >= WIDE, "-wide")
        self._refresh_around()

    def put(self, review: Review) -> None:
        """Show newly computed changes; what could be undone before cannot any more."""
        if review.files != self.review.files:
            self._earlier.clear()
        self._show(review)

    def learn(self, event: AnyEvent) -> None:
        """Remember the newest command that succeeded on the stage: `v` offers it, to be sent by the user or not."""
        match event:
            case Proposed(id=id, proposal=Shell(command=command)):
                self._proposed = (id, command)
            case Performed(id=id, code=0) if id == self._proposed[0] and self._proposed[1].isprintable():
                self.command = self._proposed[1]
            case _:
                pass

    def say(self, text: str, style: str = "warn") -> None:
        """Say something about the last key; empty takes it away."""
        rows = self.query_one("#review-said", Rows)
        rows.put(*([line((clean(text), style))] if text else []))
        rows.display = bool(text)

    def _show(self, review: Review) -> None:
        self.review = review
        self.diff.put(review)
        self._refresh_around()
        self.say("")

    def _refresh_around(self) -> None:
        """Head, files and evidence; when only the cursor moved, what does not depend on it stays."""
        place = self.diff.place
        files = self.query_one(Files)
        files.display = len(self.review.files) > 1
        files.styles.height = "1fr" if self.has_class("-wide") else min(len(self.review.files), Files.HIGHEST)
        files.put(self.review, place.path if place else "")
        if self._around is not self.review:
            self._around = self.review
            self.query_one("#review-head", Rows).put(_summary(self.review))
            self.query_one("#review-evidence", Rows).put(_evidence(self.review))

    def _change(self, review: Review) -> None:
        place = self.diff.place
        self._earlier.append((self.review, place.hunk if place else ""))
        self._show(review)
        self.post_message(self.Changed(review))

    def _decide(self, hunks: tuple[str, ...], verdict: Verdict, reason: str = "") -> bool:
        try:
            self._change(decide(self.review, hunks, verdict, reason))
        except ValueError as error:
            self.say(str(error))
            return False
        return True

    def action_decide(self, verdict: Verdict) -> None:
        """Accept or reject the hunk under the cursor and go on to the next undecided one."""
        place = self.diff.place
        if place and self._open() and self._decide((place.hunk,), verdict):
            self.diff.move_on()
            self._refresh_around()

    def action_accept_file(self) -> None:
        """Accept all hunks of the file under the cursor."""
        place = self.diff.place
        if place and self._open():
            self._accept(tuple(file.path for file in self.review.files if file.path == place.path))

    def action_accept_all(self) -> None:
        """Accept every hunk that can be landed."""
        if self._open():
            self._accept(tuple(file.path for file in self.review.files))

    def _accept(self, paths: tuple[str, ...]) -> None:
        files = [file for file in self.review.files if file.path in paths]
        able = [file for file in files if not obstacle(file)]
        hunks = tuple(hunk.id for file in able for hunk in file.hunks)
        if hunks:
            self._decide(hunks, "accepted")
        if len(able) < len(files):
            self.say("; ".join(why for file in files if (why := obstacle(file))))

    def action_undo(self) -> None:
        """Take the last decision back."""
        if not self._earlier:
            self.say("nothing to undo")
            return
        review, hunk = self._earlier.pop()
        self._show(review)
        self.diff.show_hunk(hunk)
        self._refresh_around()
        self.post_message(self.Changed(review))

    def action_hunk(self, step: int) -> None:
        """To the next or previous hunk."""
        self.diff.move(step)
        self._refresh_around()

    def action_step(self, direction: int) -> None:
        """Through a long hunk, or to the next one."""
        self.diff.step(direction)
        self._refresh_around()

    def action_file(self, step: int) -> None:
        """To the next or previous file."""
        self.diff.move_file(step)
        self._refresh_around()

    def action_page(self) -> None:
        """Scroll the diff."""
        self.diff.scroll_page_down(animate=False)

    def action_land(self) -> None:
        """The same by a key."""
        if self._open():
            self.land()

    def land(self) -> None:
        """Ask for the landing, if anything is decided."""
        if any(mark.verdict != "undecided" for mark in self.review.marks.values()):
            self.post_message(self.LandWanted(self.review))
        else:
            self.say("nothing is decided yet: y accepts a hunk, A accepts all")

    def action_verify(self) -> None:
        """Run the evidence's command again on what is accepted, or ask for a command."""
        seen, _ = evidence_for(self.review)
        if seen is None:
            self.action_write("command")
        else:
            self.post_message(self.VerifyWanted(self.review, seen.command))

    def action_write(self, wanted: Wanted) -> None:
        """Open a field for a reason, a comment or a command."""
        place = self.diff.place
        if self.query(Input) or (place is None and wanted != "command") or not self._open():
            return
        self._wanted = wanted
        known = {
            "reason": "",
            "comment": self.review.mark(place.hunk).comment if place else "",
            "command": self.command,
        }
        self.say(_ASKS[wanted], "text")
        self.mount(Input(known[wanted], compact=True))
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Use what was written."""
        event.stop()
        text, place, wanted = event.value.strip(), self.diff.place, self._wanted
        self.leave_field()
        if wanted == "command" and text:
            self.post_message(self.VerifyWanted(self.review, text))
        elif wanted == "comment" and place:
            self._change(comment(self.review, place.hunk, text))
        elif wanted == "reason" and place and self._decide((place.hunk,), "rejected", text):
            self.diff.move_on()
            self._refresh_around()

    def leave_field(self) -> bool:
        """Take the field away without using it; says whether there was one."""
        fields = self.query(Input)
        if not fields:
            return False
        fields.remove()
        self._wanted = None
        self.say("")
        self.diff.focus(scroll_visible=False)
        return True

    def _open(self) -> bool:
        """Whether keys count: not those that were typed before the review came up by itself."""
        return self._guard.open

    def on_block_view_clicked(self, message: BlockView.Clicked) -> None:
        """Go to the file that was clicked in the list."""
        if isinstance(message.view, Files) and message.index < len(self.review.files):
            self.diff.show_file(self.review.files[message.index].path)
            self._refresh_around()
        message.stop()


def _summary(review: Review) -> Line:
    if not review.files:
        return line(("review", "head"), ("  nothing is staged", "dim"))
    verdicts = Counter(review.mark(hunk.id).verdict for file in review.files for hunk in file.hunks)
    spans: list[Span] = [("review", "head"), (f"  {len(review.files)} file{'s' * (len(review.files) != 1)} ", "dim")]
    for verdict in ("accepted", "rejected", "undecided"):
        if verdicts[verdict]:
            sign, style = SIGNS[verdict]
            spans += [("  ", ""), (f"{sign} {verdicts[verdict]} {verdict}", style)]
    return Line(tuple(spans))


def _evidence(review: Review) -> Line:
    """What is known of the selection; while nothing is selected, of all of it."""
    if not review.files:
        return line()
    nothing = all(mark.verdict != "accepted" for mark in review.marks.values())
    able = tuple(hunk.id for file in review.files if not obstacle(file) for hunk in file.hunks)
    of = decide(review, able, "accepted") if nothing and able else review
    where = "with all of it accepted" if nothing else "on exactly what is accepted"
    seen, fresh = evidence_for(of)
    if seen is None:
        return line(("◌ not verified", "warn"), ("  v runs a command on exactly what is accepted", "dim"))
    said = f"{clean(seen.command)}: {clean(seen.summary or ('passed' if seen.code == 0 else f'exit {seen.code}'))}"
    if not fresh:
        return line(("◌ stale", "warn"), (f"  {said}, on another selection; v runs it on this one", "dim"))
    sign = ("✓ verified", "ok") if seen.code == 0 else ("✗ fails", "bad")
    return line(sign, (f"  {said}, {where}", "text"))
