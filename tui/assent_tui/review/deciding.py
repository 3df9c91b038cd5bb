"""The keys of a review that decide: verdicts, single lines, splits, edits, and the way back."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace
from textual.containers import Vertical
from textual.message import Message

from assent_core.diffs.changes import FileChange, Hunk, edited
from assent_core.diffs.reshape import amend, split, take
from assent_core.diffs.review import Review, Verdict, decide, obstacle
from assent_core.diffs.splits import cut_before, cuts_into_lines
from assent_sandbox.stage import File
from assent_tui.keymap import keymap_of
from assent_tui.paint.guard import Guard
from assent_tui.paint.lines import clean, line
from assent_tui.paint.rows import Rows
from assent_tui.review import wishes
from assent_tui.review.decisions import Decisions, Edit, Step
from assent_tui.review.diff import Diff
from assent_tui.review.editor import bytes_of, displayable, text_of
from assent_tui.review.field import ASKS, Field
from assent_tui.review.layout import Place

_LINES = (
    "lines: {review.up} {review.down} · {review.mark} marks · {review.mark_range} up to here · {review.accept} {review.reject}"
    " {review.reason} decide the marked ones · {review.split} splits above · {app.step_back} leaves"
)


class Earlier(Struct, frozen=True):
    """What was decided before the keys that may turn out to be letters, and the hunk at the cursor."""

    steps: tuple[Step, ...]
    review: Review
    hunk: str


class Deciding(Vertical):
    """Owns the decisions until they are landed; each can be undone. Keys that decide are shut while the guard is.

    Of what a key decides while the pane is held, nothing but the decisions themselves is seen outside before it is settled.
    """

    heard = ("diff", "review", "panes", "app")
    patience = 1.0

    Changed = wishes.Changed
    LandWanted = wishes.LandWanted
    VerifyWanted = wishes.VerifyWanted
    TellWanted = wishes.TellWanted
    AmendWanted = wishes.AmendWanted
    OutsideWanted = wishes.OutsideWanted

    def __init__(self, guard: Guard, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._guard = guard
        self._decisions = Decisions()
        self._earlier: Earlier | None = None
        self._outbox: list[Message] = []

    def hold(self) -> None:
        """What is decided from here on may be taken back."""
        place = self.diff.place
        self._earlier = Earlier(self._decisions.steps, self.review, place.hunk if place else "")

    def settle(self) -> None:
        """What was decided since was meant."""
        self._earlier, outbox, self._outbox = None, self._outbox, []
        for message in outbox:
            self.post_message(message)

    def take_back(self) -> None:
        """What was decided since never happened."""
        earlier, self._earlier = self._earlier, None
        self._outbox.clear()
        self.field.leave()
        self.diff.pinned = False
        self.diff.leave_lines()
        self.show()
        if earlier is None or earlier.review.files != self.review.files:
            return
        changed = earlier.review.marks != self.review.marks or earlier.review.cuts != self.review.cuts
        self._decisions.restore(earlier.review, earlier.steps)
        self.show()
        self.diff.show_hunk(earlier.hunk)
        self.refresh_around()
        if changed:
            self.post_message(self.Changed(self.review))

    def _send(self, message: Message) -> None:
        """Let others know of something that goes beyond this pane, once it is settled that it was meant."""
        if self._earlier is not None:
            self._outbox.append(message)
        else:
            self.post_message(message)

    def _aimed(self) -> Place | None:
        """The hunk that keys decide, if they count and it is seen; else it is brought into sight, and nothing more."""
        if self.diff.place is None or not self.open:
            return None
        if not self.diff.in_sight:
            self.diff.bring_into_sight()
            self.say("this is the hunk that the keys decide: press the key again", "text")
            return None
        return self.diff.place

    @property
    def review(self) -> Review:
        """What is staged, and how it is decided so far."""
        return self._decisions.review

    @property
    def diff(self) -> Diff:
        """The pane that holds the cursor."""
        return self.query_one(Diff)

    @property
    def field(self) -> Field:
        """Where the user writes."""
        return self.query_one(Field)

    @property
    def open(self) -> bool:
        """Whether keys count: not those that were typed before the review came up by itself."""
        return self._guard.open

    def say(self, text: str, style: str = "warn") -> None:
        """Say something about the last key; empty takes it away."""
        rows = self.query_one("#review-said", Rows)
        rows.put(*([line((clean(text), style))] if text else []))
        rows.display = bool(text)

    def hint(self, text: str) -> None:
        """Say what can be done, with the keys that hold now in the place of their names."""
        self.say(keymap_of(self).words(text), "text")

    def show(self) -> None:
        """Bring everything up to the review as it is decided now."""
        raise NotImplementedError

    def refresh_around(self) -> None:
        """Bring what stands around the diff up to its cursor."""
        raise NotImplementedError

    def _change(self, make: Callable[[], Review]) -> bool:
        """Decide something; says whether that was possible."""
        place = self.diff.place
        try:
            review = make()
        except ValueError as error:
            self.say(str(error))
            return False
        self._decisions.change(review, place.hunk if place else "")
        self.show()
        self.post_message(self.Changed(review))
        return True

    def _decide_on(self, hunk: str, verdict: Verdict, reason: str = "") -> None:
        """Give a hunk a verdict, or the lines that are chosen in it; go on to the next undecided one."""
        picking = self.diff.picking
        hunks = (hunk,)

        def decided() -> Review:
            nonlocal hunks
            review = self.review
            if picking:
                review, hunks = take(review, hunk, picking.chosen)
            return decide(review, hunks, verdict, reason)

        if self._change(decided):
            self.diff.leave_lines()
            self.diff.show_hunk(hunks[0])
            self.diff.move_on()
            self.refresh_around()

    def action_decide(self, verdict: Verdict) -> None:
        """Accept or reject the hunk under the cursor and go on to the next undecided one."""
        if place := self._aimed():
            self._decide_on(place.hunk, verdict)

    def action_later(self) -> None:
        """Leave the hunk undecided, and go on."""
        if place := self._aimed():
            if self.review.mark(place.hunk).verdict != "undecided":
                self._change(lambda: decide(self.review, (place.hunk,), "undecided"))
            self.diff.move(1)
            self.refresh_around()

    def action_accept_file(self) -> None:
        """Accept all hunks of the file under the cursor."""
        if place := self._aimed():
            self._accept(tuple(file for file in self.review.files if file.path == place.path))

    def action_accept_all(self) -> None:
        """Accept every hunk that can be landed, but by-products of checks only one by one."""
        if self.open:
            self._accept(tuple(file for file in self.review.files if not file.is_byproduct))

    def _accept(self, files: tuple[FileChange, ...]) -> None:
        able = [file for file in files if not obstacle(file)]
        hunks = tuple(hunk.id for file in able for hunk in file.hunks)
        if hunks:
            self._change(lambda: decide(self.review, hunks, "accepted"))
        if len(able) < len(files):
            self.say("; ".join(why for file in files if (why := obstacle(file))))

    def action_undo(self) -> None:
        """Take the last decision back; what was written by it is asked to be taken off the stage first."""
        step = self._decisions.last
        if not self.open:
            return
        if step is None:
            self.say("nothing to undo")
        elif step.edit and isinstance(step.edit.earlier.after, File):
            edit, earlier = step.edit, replace(step.review, evidence=self.review.evidence)
            self._send(self.AmendWanted(edit.now, step.edit.earlier.after, earlier, hunk=step.hunk, back=True))
        else:
            self._back()

    def _back(self) -> None:
        step = self._decisions.back()
        if step:
            self.show()
            self.diff.show_hunk(step.hunk)
            self.refresh_around()
            self.post_message(self.Changed(self.review))

    def take_over(self, wanted: AmendWanted) -> None:
        """Show what is being written on the stage."""
        if wanted.back:
            self._back()
            return
        self._decisions.change(
            wanted.review, wanted.hunk, Edit(wanted.shown, replace(wanted.shown, after=wanted.entry))
        )
        self.leave_field()
        self.show()
        self.post_message(self.Changed(self.review))

    def _write_on_stage(self, hunk: str, text: str) -> None:
        """Ask for the stage to hold a text in the place of a hunk's new lines."""
        file, whole = self._owned(hunk)
        if file is None or whole is None:
            self.say("this hunk is no longer there: look at the changes again")
            return
        data = bytes_of(whole, text)
        try:
            review, entry = amend(self.review, hunk, data), edited(file, whole, data)
        except ValueError as error:
            self.say(str(error))
            return
        self.post_message(self.AmendWanted(file, entry, review, hunk=hunk))

    def _owned(self, hunk: str) -> tuple[FileChange, Hunk] | tuple[None, None]:
        return next(((file, one) for file in self.review.files for one in file.hunks if one.id == hunk), (None, None))

    def _editable(self) -> tuple[FileChange, Hunk] | None:
        """The hunk at the cursor if it can be edited; else says why not."""
        place = None if self.field.taken else self._aimed()
        file, hunk = self._owned(place.hunk) if place else (None, None)
        if file is None or hunk is None:
            return None
        try:
            edited(file, hunk, b"")
        except ValueError as error:
            self.say(str(error))
            return None
        return file, hunk

    def action_edit(self) -> None:
        """Edit the new lines of the hunk at the cursor."""
        found = self._editable()
        if found and displayable(text_of(found[1])):
            self.diff.pinned = True
            self.field.edit(found[1])
            self.hint(ASKS["edit"])
        elif found:
            self.hint("these lines hold characters that a text box would not show: {review.edit_outside} opens $EDITOR")

    def action_edit_outside(self) -> None:
        """Edit them in the user's own editor."""
        if found := self._editable():
            file, hunk = found
            self._send(self.OutsideWanted(file.path, text_of(hunk), hunk.id))

    def edited_outside(self, hunk: str, text: str) -> None:
        """Use what came back from the user's editor."""
        _, known = self._owned(hunk)
        if known is None or text != text_of(known):
            self._write_on_stage(hunk, text)

    def action_split(self) -> None:
        """Split the hunk above the line at the cursor; without one, begin to choose lines."""
        place, picking = self._aimed(), self.diff.picking
        if place is None:
            return
        if picking is None:
            self._pick("choose the line above which the hunk is split, and press {review.split} again")
            return
        _, hunk = self._owned(place.hunk)
        if hunk and self._change(lambda: split(self.review, hunk.id, cut_before(hunk, picking.at))):
            self.diff.leave_lines()

    def action_split_lines(self) -> None:
        """Split the hunk into its smallest pieces."""
        place = self._aimed()
        _, hunk = self._owned(place.hunk) if place else (None, None)
        if hunk:
            self._change(lambda: split(self.review, hunk.id, cuts_into_lines(hunk)))

    def action_mark(self) -> None:
        """Mark the line at the cursor, or begin to choose lines."""
        if self.diff.picking:
            self.diff.repick(self.diff.picking.toggle())
        elif self._aimed():
            self._pick(_LINES)

    def action_mark_range(self) -> None:
        """Mark all lines from the one that was marked last up to the cursor."""
        if self.diff.picking:
            self.diff.repick(self.diff.picking.extend())
        elif self._aimed():
            self._pick(_LINES)

    def _pick(self, told: str) -> None:
        self.hint(told if self.diff.pick() else "this hunk has no lines to choose from")

    def leave_field(self) -> bool:
        """Take away the field, the choice of lines or the search, without using them; says whether there was one."""
        if not self.has_focus_within:
            return False
        if self.field.leave():
            self.focus_diff()
            return True
        if self.diff.leave_lines():
            self.say("")
            return True
        if self.diff.look.query:
            self.diff.find("")
            self.say("")
            return True
        return False

    def focus_diff(self) -> None:
        """Back to the diff; what was said of the field goes."""
        self.diff.pinned = False
        self.say("")
        self.screen.set_focus(self.diff, scroll_visible=False)
