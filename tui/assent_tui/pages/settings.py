"""The settings: each with its value, where that comes from and what it is for; a change is checked and written to the file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, cast

import msgspec
from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from assent_core.errors import AssentError
from assent_core.settings import Settings, load
from assent_core.settings_file import change, read, settings_file, stated
from assent_tui import keymap
from assent_tui.keymap import named
from assent_tui.pages.settings_words import ABOUT, CHOICES, GROUPS
from assent_tui.paint.choices import Choice, Choices
from assent_tui.paint.lines import BLANK, Line, clean, line
from assent_tui.paint.rows import Rows, keys_line

KEYS = (("Enter", "change"), ("x", "back to the default"), ("Esc", "back"))
LOOKS = ("theme", "plain", "keys")


class Setting(Struct, frozen=True, kw_only=True):
    """One setting as it holds now; `name` is written with a dot where it stands in a table."""

    name: str
    value: object
    source: str
    about: str
    choices: tuple[str, ...] = ()
    """What it can be, if that is few."""
    group: str = ""
    """The heading above it."""

    @property
    def shown(self) -> str:
        """Its value as the file would say it."""
        return _in_words(self.value)


def _in_words(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case tuple():
            return ", ".join(map(str, cast("tuple[object, ...]", value))) or "none"
        case "" | None:
            return "–"
        case _:
            return str(value)


class SettingsScreen(Screen[None]):
    """Lists all settings. `changed` is told what holds after each change; `root` is a project that may narrow them."""

    BINDINGS: ClassVar[list[BindingType]] = named(
        "settings", [Binding("escape,q", "leave", "back"), Binding("x,delete", "reset", "back to the default")]
    )

    def __init__(self, changed: Callable[[Settings], None], root: Path | None = None) -> None:
        super().__init__()
        self._changed = changed
        self._root = root
        self._all: tuple[Setting, ...] = ()
        self._editing: Setting | None = None
        self._head = Rows(id="page-head")
        self._list = Choices(id="page-list")
        self._field = Input(id="page-field")
        self._said = Rows(id="page-said")
        self._keys = Rows(id="page-keys")

    def compose(self) -> ComposeResult:
        """The file, the settings, a field, what came of a change, and the keys."""
        yield self._head
        yield self._list
        yield self._field
        yield self._said
        yield self._keys

    def on_mount(self) -> None:
        """Show what holds."""
        self._head.put(line(("Settings ", "head"), (clean(str(settings_file())), "dim")))
        self._field.display = False
        self._list.focus()
        self._show()

    def on_resize(self) -> None:
        """Say as much as fits."""
        self._keys.put(Line(((" ", ""), *keys_line(KEYS, self.size.width - 2).spans)))

    def _show(self) -> None:
        try:
            self._all = settings_now(self._root)
        except AssentError as error:
            self._say(error.message, "bad", error.hint)
            return
        self._list.offer([_choice(one, first=at == 0) for at, one in enumerate(self._all)], max(self._list.mark, 0))

    def _say(self, text: str, style: str = "dim", hint: str = "") -> None:
        hints = (line(" ", ("→ ", "accent"), clean(hint)),) if hint else ()
        self._said.put(*((line(" ", (clean(text), style)), *hints) if text else (BLANK,)))

    def on_choices_marked(self) -> None:
        """What was said belongs to another one."""
        self._say("")

    def on_choices_chosen(self, message: Choices.Chosen) -> None:
        """Take the next of few values; ask for one of many."""
        one = self._all[message.index]
        if one.choices:
            at = one.choices.index(one.shown) if one.shown in one.choices else -1
            following = one.choices[(at + 1) % len(one.choices)]
            self._write(one, following == "true" if isinstance(one.value, bool) else following)
            return
        self._editing = one
        self._field.placeholder = clean(one.about)
        self._field.value = "" if one.shown in ("–", "none") else one.shown
        self._field.display = True
        self._field.focus()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Check and write what was typed; what is wrong with it is said, and it can be mended."""
        one = self._editing
        if one is None:
            return
        try:
            value = message.value.strip() if one.name.startswith("keys.") else read(one.name, message.value)
        except AssentError as error:
            self._say(error.message, "bad", error.hint)
            return
        if self._write(one, value):
            self._close_field()

    def action_reset(self) -> None:
        """Take it out of the file."""
        if 0 <= (at := self._list.mark) < len(self._all):
            self._write(self._all[at], None)

    def action_leave(self) -> None:
        """Leave the field, then the screen."""
        if self._field.display:
            self._close_field()
        else:
            self.dismiss(None)

    def _close_field(self) -> None:
        self._editing = None
        self._field.display = False
        self._list.focus()

    def _write(self, one: Setting, value: object) -> bool:
        table, _, name = one.name.partition(".")
        try:
            if table == "keys":
                value = _rebound(name, value)
            made = change(table if table == "keys" else one.name, value)
        except AssentError as error:
            self._say(error.message, "bad", error.hint)
            return False
        self._show()
        if table in LOOKS:
            self._changed(made)
            self._say(f"{one.name} is written and holds from now on", "ok")
        else:
            self._say(f"{one.name} is written; it holds from the next session on", "ok")
        return True


def settings_now(root: Path | None) -> tuple[Setting, ...]:
    """All settings as they hold in a project, in the order of the groups; UsageError if a file cannot be read."""
    own, here, said = load(), load(root), stated()
    found: list[Setting] = []
    for group, names in GROUPS:
        for number, name in enumerate(names):
            found.append(_setting(name, own, here, said, group if number == 0 else ""))
    keys = cast("dict[str, str]", said.get("keys", {}))
    for number, (name, default) in enumerate(sorted(keymap.ACTIONS.items())):
        found.append(
            Setting(
                name=f"keys.{name}",
                value=keys.get(name, default),
                source="settings.toml" if name in keys else "",
                about="Keys for this action, several with commas: ctrl+k, f5, y.",
                group="Keys" if number == 0 else "",
            )
        )
    return tuple(found)


def _setting(name: str, own: Settings, here: Settings, said: dict[str, object], group: str) -> Setting:
    mine, value = _value(own, name), _value(here, name)
    table, _, below = name.partition(".")
    inside = said.get(table, {})
    written = table in said and (not below or (isinstance(inside, dict) and below in inside))
    source = ".assent.toml" if mine != value else "settings.toml" if written else ""
    if name == "base_url" and not value and (url := os.environ.get("OPENAI_BASE_URL", "").strip()):
        value, source = url, "OPENAI_BASE_URL"
    if name == "state" and (folder := os.environ.get("ASSENT_STATE_DIR")):
        value, source = folder, "ASSENT_STATE_DIR"
    choices = ("false", "true") if isinstance(value, bool) else CHOICES.get(below or name, ())
    return Setting(name=name, value=value, source=source, about=ABOUT[name], choices=choices, group=group)


def _value(settings: Settings, name: str) -> object:
    value: object = settings
    for part in name.split("."):
        value = cast("object", getattr(value, part))
    return value


def _rebound(name: str, value: object) -> dict[str, str] | None:
    """The whole table of keys with one of them changed; UsageError if they are none."""
    keys = cast("dict[str, str]", msgspec.to_builtins(stated().get("keys", {})))
    keys.pop(name, None)
    if value:
        keys[name] = str(value)
    keymap.checked(keys)
    return keys or None


def _choice(one: Setting, *, first: bool) -> Choice:
    source = one.source or "default"
    heading = (BLANK, line((one.group, "head"))) if one.group and not first else (line((one.group, "head")),)
    told = (
        line((f"{one.name} ", "text"), (f"{clean(one.shown)}  ", "bold"), (source, "info" if one.source else "faint")),
        line(("  ", ""), (one.about, "dim")),
    )
    return Choice((*(heading if one.group else ()), *told))
