"""The review: files, diff and evidence, and the keys that decide."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec.structs import replace
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from assent_core.diffs.changes import unified
from assent_core.diffs.remarks import standing
from assent_core.diffs.review import Review, comment, evidence_for
from assent_core.events import AnyEvent, Performed, Proposed, Remarked
from assent_core.performing.evidence import contents_digest
from assent_core.proposals import Shell
from assent_tui.keymap import bindings, keymap_of
from assent_tui.paint.blocks import BlockView
from assent_tui.paint.guard import Guard
from assent_tui.paint.rows import Rows
from assent_tui.review import head, landing
from assent_tui.review.deciding import Deciding
from assent_tui.review.diff import Diff
from assent_tui.review.field import ASKS, Field, Wanted
from assent_tui.review.files import Files
from assent_tui.review.hunks import SIDES_WIDTH

WIDE = 110
"""Columns from which the files stand beside the diff."""
_LOW = 15
"""Rows from which on the files are listed above the diff."""
_UNSENT = "it goes with your next prompt; {review.confirm} sends it now"


class ReviewPane(Deciding):
    """What is staged, how it is looked at and how it is decided."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("review")

    def __init__(self, guard: Guard, *, id: str | None = None) -> None:
        super().__init__(guard, id=id)
        self.command = ""
        """What `v` offers to run where there is no evidence yet."""
        self.confirms: Literal["always", "unverified"] = "always"
        """When a landing is said first, and takes a second key."""
        self.unsent = False
        """Whether there are reasons or comments that the model has not been told."""
        self._landing: Review | None = None
        """What would land, while that is said and waits for the second key."""
        self._around: Review | None = None
        self._proposed = ("", "")
        self._inviting = False

    def compose(self) -> ComposeResult:
        """A head, the files over or beside the diff, what has just been said, and the evidence."""
        yield Rows(id="review-head")
        with Container(id="review-body"):
            yield Files(id="review-files")
            yield Diff(id="review-diff")
        yield Rows(id="review-said")
        yield Field(id="review-field")
        yield Rows(id="review-evidence")

    @property
    def text(self) -> str:
        """All staged changes as one unified diff."""
        return b"".join(unified(file) for file in self.review.files).decode("utf-8", "backslashreplace")

    def on_resize(self, event: events.Resize) -> None:
        """The files beside the diff where there is room."""
        self.set_class(event.size.width >= WIDE, "-wide")
        self.refresh_around()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is written, its keys do nothing here: they would go to another hunk, or decide."""
        return not self.field.taken

    def put(self, review: Review) -> None:
        """Show newly computed changes; what could be undone before cannot any more."""
        self._decisions.put(review)
        self.show()

    def renew(self, found: Review) -> None:
        """Show what a look at the stage found; decisions that were taken meanwhile stay."""
        self.put(self._decisions.found(found))

    def learn(self, event: AnyEvent) -> None:
        """Show what the reviewer says; remember the newest command that succeeded on the stage: `v` offers it to be sent."""
        match event:
            case Proposed(id=id, proposal=Shell(command=command)):
                self._proposed = (id, command)
            case Performed(id=id, code=0) if id == self._proposed[0] and self._proposed[1].isprintable():
                self.command = self._proposed[1]
            case Remarked(remarks=remarks, digest=digest):
                files = self.review.files
                self._decisions.learn(standing(remarks, files, digest == contents_digest(files)))
                self.show()
            case _:
                pass

    def show(self) -> None:
        """Diff, files, head and evidence; what was said of an earlier key goes, but for what a field asks."""
        self._landing = None
        self.diff.put(self.review)
        self.refresh_around()
        if not self.field.taken:
            self.say("")

    def tell_unsent(self, *, unsent: bool) -> None:
        """Say whether there are reasons that the model has not been told."""
        if unsent != self.unsent:
            self.unsent, self._around = unsent, None
            self.refresh_around()

    def refresh_around(self) -> None:
        """Head, files and evidence; when only the cursor moved, what does not depend on it stays."""
        place = self.diff.place
        files = self.query_one(Files)
        low = 0 < self.size.height < _LOW and not self.has_class("-wide")
        files.display = len(self.review.files) > 1 and not low
        files.styles.height = "1fr" if self.has_class("-wide") else min(len(self.review.files), Files.HIGHEST)
        files.put(self.review, place.path if place else "")
        if self._around is not self.review:
            self._around = self.review
            self.query_one("#review-head", Rows).put(head.summary(self.review, unsent=self.unsent))
            self.query_one("#review-evidence", Rows).put(
                head.evidence(self.review, keymap_of(self).shown("review.verify"))
            )

    def action_hunk(self, step: int) -> None:
        """To the next or previous hunk; while lines are chosen, to the next or previous line."""
        if self.diff.picking:
            self.diff.repick(self.diff.picking.step(step))
            return
        self.diff.move(step)
        self.refresh_around()

    def action_step(self, direction: int) -> None:
        """Through a long hunk, or to the next one; while lines are chosen, to the next line."""
        if self.diff.picking:
            self.diff.repick(self.diff.picking.step(direction))
            return
        self.diff.step(direction)
        self.refresh_around()

    def action_file(self, step: int) -> None:
        """To the next or previous file."""
        self.diff.move_file(step)
        self.refresh_around()

    def action_unfold(self) -> None:
        """Show the unchanged lines around the hunk, or leave them out again."""
        if not self.diff.unfold():
            self.say("nothing is left out around this hunk" if self.diff.place else "nothing is staged")

    def action_look(self, way: Literal["sides", "blanks"]) -> None:
        """Old and new side by side or under each other; white space as marks or not."""
        look = self.diff.look
        self.diff.see(replace(look, sides=not look.sides) if way == "sides" else replace(look, blanks=not look.blanks))
        narrow = self.diff.look.sides and self.diff.size.width < SIDES_WIDTH
        self.hint("too narrow for two sides: {panes.zoom} gives the review the whole width" if narrow else "")

    def action_hit(self, step: int) -> None:
        """To the next or previous occurrence of what is searched for."""
        self.say(self.diff.next_hit(step), "text")
        self.refresh_around()

    def action_land(self) -> None:
        """The same by a key."""
        if self.open:
            self.land()

    def land(self) -> None:
        """Say what would land, if anything is decided; a second key lands it."""
        if not self.review.files:
            self.hint("nothing is staged, so there is nothing to land")
        elif not self.review.accepted and not self.review.rejected:
            self.hint("nothing is decided yet: {review.accept} accepts a hunk, {review.accept_all} accepts all")
        elif self.confirms == "unverified" and landing.is_verified(self.review):
            self._send(self.LandWanted(self.review))
        else:
            self._landing = self.review
            said = f"{landing.in_words(self.review)}: "
            self.say(said + keymap_of(self).words("{review.confirm} does it, any other key does not"))

    def action_confirm(self) -> None:
        """Land what was said, or send what the model has not been told."""
        if not self.open:
            return
        if self._landing is self.review:
            self._landing = None
            self.say("")
            self._send(self.LandWanted(self.review))
        elif self.unsent:
            self._send(self.TellWanted(self.review))

    def on_key(self, event: events.Key) -> None:
        """Any other key than the second one leaves a landing."""
        if event.key not in keymap_of(self).of("review.confirm"):
            self.unmark()

    def unmark(self) -> None:
        """Something else came than the second key: nothing lands."""
        if self._landing is not None:
            self._landing = None
            self.say("")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Somebody came: how to come here goes; where something is being written, they go on with that."""
        if self.field.taken and event.widget is self.diff:
            self.field.take_keys()
        elif self._inviting:
            self._inviting = False
            self.say("")

    def invite(self) -> None:
        """Say how to come here."""
        if self.review.files and not self.has_focus_within and not self.field.taken:
            self.hint("{app.toggle_review} moves here; then {review.accept} accepts a hunk, {review.reject} rejects it")
            self._inviting = True

    def say(self, text: str, style: str = "warn") -> None:
        """Say something about the last key; empty takes it away."""
        self._inviting = False
        super().say(text, style)

    def action_verify(self) -> None:
        """Run the evidence's command again on what is accepted, or ask for a command."""
        seen, _ = evidence_for(self.review)
        if seen is None:
            self.action_write("command")
        elif self.open:
            self._send(self.VerifyWanted(self.review, seen.command))

    def action_write(self, wanted: Wanted) -> None:
        """Open a field for a reason, a comment, a command or a search."""
        if self.field.taken or not self.open:
            return
        place = self._aimed() if wanted in ("reason", "comment") else self.diff.place
        if place is None and wanted != "command":
            return
        known = {
            "comment": self.review.mark(place.hunk).comment if place else "",
            "command": self.command,
            "search": self.diff.look.query,
        }
        self.hint(ASKS[wanted])
        self.diff.pinned = True
        self.field.ask(wanted, known.get(wanted, ""), place.hunk if place else "")

    def on_field_wrote(self, message: Field.Wrote) -> None:
        """Use what was written."""
        message.stop()
        text, hunk = message.text, message.hunk
        if message.wanted == "edit":
            self._write_on_stage(hunk, text)
            return
        self.focus_diff()
        match message.wanted:
            case "command" if text:
                self.post_message(self.VerifyWanted(self.review, text))
            case "comment":
                if self._change(lambda: comment(self.review, hunk, text)) and text:
                    self.hint(_UNSENT)
            case "reason":
                self._decide_on(hunk, "rejected", text)
                if text:
                    self.hint(_UNSENT)
            case "search":
                self.say(self.diff.find(text), "text")
                self.refresh_around()
            case _:
                pass

    def on_diff_moved(self) -> None:
        """The mouse put the cursor somewhere."""
        self.refresh_around()

    def on_block_view_clicked(self, message: BlockView.Clicked) -> None:
        """Go to the file that was clicked in the list."""
        if isinstance(message.view, Files) and message.index < len(self.review.files):
            self.diff.show_file(self.review.files[message.index].path)
            self.refresh_around()
        message.stop()
