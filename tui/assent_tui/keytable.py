"""All keys of all places as data: their names, what they are by default, and what they do."""

from __future__ import annotations

from difflib import get_close_matches

from msgspec import Struct

from assent_core.errors import UsageError


class Key(Struct, frozen=True):
    """What `name` (`place.key`) does, and by which `keys` unless the settings say others; several have commas between.

    `first`: it is heard before whoever has the focus. `binds`: false where the place asks for it by itself, for it means
    something else in a text. `looks`: it moves or shows and decides nothing, so another key may follow it at once.
    """

    name: str
    keys: str
    action: str
    does: str
    first: bool = False
    binds: bool = True
    looks: bool = False

    @property
    def place(self) -> str:
        """Where it is heard."""
        return self.name.partition(".")[0]


TABLE: tuple[Key, ...] = (
    Key(
        "app.step_back",
        "escape",
        "step_back",
        "Leave the innermost thing: a field, a page, the review; stop the turn.",
        True,
    ),
    Key("app.toggle_review", "f2,ctrl+r", "toggle_review", "Show or leave the review of what is staged.", True),
    Key("app.unfold", "ctrl+o", "unfold", "Open or fold the newest tool call.", True),
    Key("app.help", "f1", "help", "Show all keys and commands.", True),
    Key("app.help_here", "question_mark", "help", "The same, outside of a text and in an empty prompt.", looks=True),
    Key("app.next_pane", "tab", "focus_next", "Go to the next pane."),
    Key("app.previous_pane", "shift+tab", "focus_previous", "Go to the previous pane."),
    Key(
        "app.leave", "ctrl+c", "leave", "Copy what is selected, else stop what runs, else quit if it is pressed twice."
    ),
    Key("app.quit", "ctrl+q", "quit", "Quit; what is staged and not landed is kept.", True),
    Key("app.suspend", "ctrl+z", "suspend_process", "Suspend assent; `fg` in the shell goes on.", True),
    Key("prompt.send", "enter", "send", "Send; while a turn runs: queue.", binds=False),
    Key("prompt.newline", "ctrl+j,shift+enter,alt+enter", "newline", "Begin another line.", True),
    Key("prompt.take", "tab", "take", "Take what the list above the prompt suggests.", binds=False),
    Key("prompt.outside", "ctrl+g", "outside", "Go on writing in $EDITOR."),
    Key("prompt.copy", "ctrl+c", "copy", "Copy what is selected, else empty the prompt, else stop or quit."),
    Key("prompt.leave", "ctrl+d", "leave_or_delete", "Delete the next character; in an empty prompt: quit."),
    Key("prompt.undo", "ctrl+underscore,alt+z", "undo", "Undo the last edit of the prompt."),
    Key("prompt.scroll_up", "pageup", "cursor_page_up", "Scroll the chat back."),
    Key("prompt.scroll_down", "pagedown", "cursor_page_down", "Scroll the chat on."),
    Key("prompt.chat_end", "ctrl+end", "chat_end", "Scroll the chat to its end, and follow it."),
    Key("chat.next", "j", "choose(1)", "Choose the next entry, or the next line while lines are chosen.", looks=True),
    Key("chat.previous", "k", "choose(-1)", "Choose the previous entry, or line.", looks=True),
    Key("chat.your_next", "right_square_bracket", "turn(1)", "Choose your next message.", looks=True),
    Key("chat.your_previous", "left_square_bracket", "turn(-1)", "Choose your previous message.", looks=True),
    Key("chat.open", "enter,space", "open", "Open or fold the chosen entry."),
    Key("chat.raw", "o", "raw", "Show the raw output on a page of its own."),
    Key("chat.copy", "y", "copy", "Copy what is selected, else the chosen entry whole."),
    Key("chat.copy_code", "c", "copy_code", "Copy the next block of code of the chosen entry."),
    Key("chat.lines", "V", "lines", "Choose single lines; again: all from here to where you go."),
    Key("chat.end", "end,ctrl+end,G", "go_to_end", "Go to the end, and follow it."),
    Key("panes.zoom", "z", "zoom", "Give the review the whole width, or take it back.", looks=True),
    Key("review.accept", "y", "decide('accepted')", "Accept the hunk at the cursor, or the marked lines."),
    Key("review.reject", "n", "decide('rejected')", "Reject the hunk at the cursor, or the marked lines."),
    Key("review.later", "l", "later", "Leave the hunk for later."),
    Key("review.reason", "r", "write('reason')", "Reject with a reason; the model is told."),
    Key("review.comment", "c", "write('comment')", "Comment on the hunk; the model is told."),
    Key("review.undo", "u", "undo", "Undo the last decision."),
    Key("review.accept_file", "a", "accept_file", "Accept all of this file."),
    Key("review.accept_all", "A", "accept_all", "Accept all of everything."),
    Key("review.land", "L", "land", "Say what would land; the key to confirm then lands it."),
    Key(
        "review.confirm",
        "enter",
        "confirm",
        "Confirm the landing; else send the reasons that the model has not been told.",
    ),
    Key("review.verify", "v", "verify", "Run a command on exactly what is accepted."),
    Key("review.edit", "e", "edit", "Edit the hunk's new lines; they go onto the stage and are accepted."),
    Key("review.edit_outside", "E", "edit_outside", "Edit them in $EDITOR."),
    Key("review.split", "s", "split", "Split the hunk above a line."),
    Key("review.split_lines", "S", "split_lines", "Split the hunk into single lines."),
    Key("review.mark", "space", "mark", "Mark single lines, to decide on them alone."),
    Key("review.mark_range", "V", "mark_range", "Mark all lines up to here."),
    Key("review.next", "right_square_bracket,j", "hunk(1)", "Go to the next hunk.", looks=True),
    Key("review.previous", "left_square_bracket,k", "hunk(-1)", "Go to the previous hunk.", looks=True),
    Key("review.down", "down", "step(1)", "Go on through a long hunk, then to the next.", looks=True),
    Key("review.up", "up", "step(-1)", "Go back through a long hunk, then to the previous.", looks=True),
    Key("review.next_file", "right_curly_bracket", "file(1)", "Go to the next file.", looks=True),
    Key("review.previous_file", "left_curly_bracket", "file(-1)", "Go to the previous file.", looks=True),
    Key("review.unfold", "o", "unfold", "Unfold what is around the hunk, or fold it.", looks=True),
    Key(
        "review.sides",
        "vertical_line",
        "look('sides')",
        "Show old and new side by side, or under each other.",
        looks=True,
    ),
    Key("review.blanks", "w", "look('blanks')", "Show white space as marks, or not.", looks=True),
    Key("review.search", "slash,ctrl+f", "write('search')", "Search in the diff.", looks=True),
    Key("review.next_hit", "ctrl+n,f3", "hit(1)", "Go to the next occurrence.", looks=True),
    Key("review.previous_hit", "ctrl+p,shift+f3", "hit(-1)", "Go to the previous occurrence.", looks=True),
    Key("diff.page_up", "pageup", "page_up", "Scroll the diff back by a page."),
    Key("diff.page_down", "pagedown", "page_down", "Scroll the diff on by a page."),
    Key("diff.top", "home", "scroll_home", "Scroll to the beginning of the diff."),
    Key("diff.end", "end", "scroll_end", "Scroll to the end of the diff."),
    Key("editor.undo", "ctrl+underscore,alt+z", "undo", "Undo the last edit."),
    Key("editor.write", "ctrl+s,f10", "write", "Put what is edited onto the stage, and accept it."),
    Key("consent.yes", "y", "answer('once')", "Yes, once."),
    Key("consent.task", "t", "mark('task')", "Mark a yes for this task, where that is offered."),
    Key("consent.session", "s", "mark('session')", "Mark a yes for this session, where that is offered."),
    Key("consent.project", "p", "mark('project')", "Mark a yes for this project, where that is offered."),
    Key("consent.confirm", "enter", "confirm", "Give the yes that is marked."),
    Key("consent.no", "n", "refuse", "No; the model is told and goes on."),
    Key("consent.reason", "r", "reason", "No, with a reason."),
    Key("consent.page_down", "pagedown,space", "page(1)", "Scroll what is asked on by a page.", looks=True),
    Key("consent.page_up", "pageup", "page(-1)", "Scroll what is asked back by a page.", looks=True),
    Key("consent.down", "down", "move(1)", "Scroll what is asked on.", looks=True),
    Key("consent.up", "up", "move(-1)", "Scroll what is asked back.", looks=True),
    Key("consent.end", "end", "to_end", "Show the end of what is asked.", looks=True),
    Key("consent.top", "home", "to_top", "Show the beginning of what is asked.", looks=True),
    Key("list.next", "down,j", "mark(1)", "Go to the next one."),
    Key("list.previous", "up,k", "mark(-1)", "Go to the previous one."),
    Key("list.page_down", "pagedown", "mark(10)", "Go on by ten."),
    Key("list.page_up", "pageup", "mark(-10)", "Go back by ten."),
    Key("list.first", "home", "mark(-1000000)", "Go to the first one."),
    Key("list.last", "end", "mark(1000000)", "Go to the last one."),
    Key("list.choose", "enter", "choose", "Take the marked one."),
    Key("sessions.leave", "escape,q", "leave", "Leave the field, the search, the page."),
    Key("sessions.search", "slash", "search", "Search in titles and in all that was said."),
    Key("sessions.rename", "r", "rename", "Give the session a name."),
    Key("sessions.delete", "d,delete", "delete", "Delete the session, if it is pressed twice."),
    Key("sessions.widen", "a", "widen", "Show those of all folders, or of this one."),
    Key("prompts.leave", "escape,q", "leave", "Stay where the session is."),
    Key("prompts.fork", "f", "fork", "Let a session of its own go on from before the prompt."),
    Key("settings.leave", "escape,q", "leave", "Leave the field, the page."),
    Key("settings.reset", "x,delete", "reset", "Take the setting out of the file: back to its default."),
    Key("welcome.leave", "escape", "leave", "Leave the field, else the program."),
    Key("help.close", "escape,question_mark,f1,q,enter", "dismiss", "Close the page of keys."),
    Key("page.close", "escape,q,o,enter", "dismiss", "Close the raw output."),
)
"""In the order in which they are listed."""

ACTIONS: dict[str, Key] = {key.name: key for key in TABLE}
"""All that can be bound, by name."""

PLACES: dict[str, str] = {
    "app": "Anywhere",
    "prompt": "Prompt",
    "review": "Review",
    "diff": "Diff",
    "panes": "Chat and review",
    "chat": "Chat",
    "consent": "Consent",
    "editor": "Editing a hunk",
    "list": "Lists",
    "sessions": "Sessions",
    "prompts": "Earlier prompts",
    "settings": "Settings",
    "welcome": "First run",
    "help": "Page of keys",
    "page": "Raw output",
}
"""Where keys are heard, with a title."""

HEARD: tuple[tuple[str, ...], ...] = (
    ("prompt", "app"),
    ("chat", "panes", "app"),
    ("diff", "review", "panes", "app"),
    ("editor", "app"),
    ("consent", "app"),
    ("sessions", "list", "app"),
    ("prompts", "list", "app"),
    ("settings", "list", "app"),
    ("welcome", "list", "app"),
    ("help", "app"),
    ("page", "app"),
)
"""The places that hear keys at the same time: within one of these, a key may mean one thing."""


def key_of(name: str) -> Key:
    """The key of this name; UsageError, with the name that may be meant, if there is none."""
    if name in ACTIONS:
        return ACTIONS[name]
    near = get_close_matches(name, ACTIONS, n=1)
    hint = f"Did you mean {near[0]}?" if near else "docs/KEYS.md and the settings screen list all names (/settings)."
    raise UsageError(f"[keys]: there is no action {name!r}.", hint)
