"""The settings: each with its value, where that comes from and what it is for; a change is checked and written to the file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, cast

import msgspec
from msgspec import Struct
from textual.binding import BindingType
from textual.widgets import Input

from assent_core.errors import AssentError
from assent_core.settings import Settings, load
from assent_core.settings_file import change, read, settings_file, stated
from assent_tui import keymap
from assent_tui.keymap import bindings
from assent_tui.keytable import PLACES, TABLE
from assent_tui.pages.listing import ListPage
from assent_tui.pages.settings_words import ABOUT, CHOICES, GROUPS
from assent_tui.paint.choices import Choice, Choices
from assent_tui.paint.lines import Span, clean, line

LOOKS = ("theme", "plain", "pace", "confirm_landing", "keys")
_KEYS = "keys."
_BROAD = max(len(name) for _, names in GROUPS for name in names)
_BROAD_KEYS = max(len(key.name.partition(".")[2]) for key in TABLE)


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
    def label(self) -> str:
        """Its name as it is listed under its heading."""
        return self.name.rpartition(".")[2] if self.name.startswith(_KEYS) else self.name

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
        case float():
            return str(value).removesuffix(".0")
        case _:
            return str(value)


class SettingsScreen(ListPage[None]):
    """Lists all settings. `changed` is told what holds after each change; `root` is a project that may narrow them."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("settings")
    OFFERED = (("list.choose", "change"), ("settings.leave", "back"), ("settings.reset", "default"))

    def __init__(self, changed: Callable[[Settings], None], root: Path | None = None) -> None:
        super().__init__()
        self._changed = changed
        self._root = root
        self._all: tuple[Setting, ...] = ()
        self._editing: Setting | None = None

    def on_mount(self) -> None:
        """Show what holds."""
        self._show()

    def on_resize(self) -> None:
        """Where they are written."""
        self.put_title("Settings", str(settings_file()))

    def _show(self) -> None:
        try:
            self._all = settings_now(self._root)
        except AssentError as error:
            self.say(error.message, "bad", error.hint)
            return
        self.list.offer(_choices(self._all), max(self.list.mark, 0))
        self.on_choices_marked()

    def on_choices_marked(self) -> None:
        """Say what it is for, and what it can be."""
        one = self._all[self.list.mark]
        can = f" One of: {', '.join(one.choices)}." if len(one.choices) > 2 else ""
        self.say(f"{one.about}{can}")

    def on_choices_chosen(self, message: Choices.Chosen) -> None:
        """Take the next of few values; ask for one of many."""
        one = self._all[message.index]
        if one.choices:
            at = one.choices.index(one.shown) if one.shown in one.choices else -1
            following = one.choices[(at + 1) % len(one.choices)]
            self._write(one, following == "true" if isinstance(one.value, bool) else following)
            return
        self._editing = one
        self.ask(clean(one.about), "" if one.shown in ("–", "none") else one.shown)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Check and write what was typed; what is wrong with it is said, and it can be mended."""
        one = self._editing
        if one is None:
            return
        try:
            value = message.value.strip() if one.name.startswith(_KEYS) else read(one.name, message.value)
        except AssentError as error:
            self.say(error.message, "bad", error.hint)
            return
        if self._write(one, value):
            self.end_asking()

    def action_reset(self) -> None:
        """Take it out of the file."""
        if 0 <= (at := self.list.mark) < len(self._all):
            self._write(self._all[at], None)

    def end_asking(self) -> None:
        """Nothing is being changed any more."""
        self._editing = None
        super().end_asking()

    def _write(self, one: Setting, value: object) -> bool:
        table, _, name = one.name.partition(".")
        done = "is back at its default" if value is None else "is written"
        try:
            if table == "keys":
                value = _rebound(name, value)
            made = change(table if table == "keys" else one.name, value)
        except AssentError as error:
            self.say(error.message, "bad", error.hint)
            return False
        self._show()
        if table in LOOKS:
            self._changed(made)
            self.show_keys()
            self.say(f"{one.name} {done} and holds from now on", "ok")
        else:
            self.say(f"{one.name} {done}; it holds from the next session on", "ok")
        return True


def settings_now(root: Path | None) -> tuple[Setting, ...]:
    """All settings as they hold in a project, in the order of the groups; UsageError if a file cannot be read."""
    own, here, said = load(), load(root), stated()
    found: list[Setting] = []
    for group, names in GROUPS:
        for number, name in enumerate(names):
            found.append(_setting(name, own, here, said, group if number == 0 else ""))
    return (*found, *_keys(cast("dict[str, str]", said.get("keys", {}))))


def _keys(own: dict[str, str]) -> list[Setting]:
    """The keys, those of a place under a heading of their own."""
    found: list[Setting] = []
    for place, title in PLACES.items():
        for key in TABLE:
            if key.place != place:
                continue
            found.append(
                Setting(
                    name=f"keys.{key.name}",
                    value=", ".join(map(keymap.shown, own.get(key.name, key.keys).split(","))),
                    source="settings.toml" if key.name in own else "",
                    about=key.does,
                    group=f"Keys: {title}" if not found or found[-1].name.split(".")[1] != place else "",
                )
            )
    return found


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
    if name == "theme" and not value:
        value = CHOICES[name][0]
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


def _choices(settings: tuple[Setting, ...]) -> list[Choice]:
    """A row for each: its name, its value, and where that is from if somebody chose it; all values below each other."""
    made: list[Choice] = []
    for one in settings:
        broad = _BROAD if not one.name.startswith(_KEYS) else _BROAD_KEYS
        source: tuple[Span, ...] = ((f"  {one.source}", "info"),) if one.source else ()
        row = line((f"{one.label:<{broad}}  ", "text"), (clean(one.shown), "bold" if one.source else "dim"), *source)
        made.append(Choice((row,), above=one.group))
    return made
