"""Keys as the user wants them: what `[keys]` of the settings makes of the table, and whether that can be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import cast

from msgspec import Struct
from textual.binding import Binding, BindingType
from textual.keys import Keys, key_to_character
from textual.widget import Widget

from assent_core.errors import UsageError
from assent_tui.keytable import ACTIONS, HEARD, TABLE, key_of

_MODIFIERS = {"ctrl", "shift", "alt", "super", "hyper", "meta"}
_NAMED = {str(key.value).rpartition("+")[2] for key in Keys if not str(key.value).startswith("<")}
_SIGNS = {"slash": "/", "backslash": "\\", "at": "@", "minus": "-", "plus": "+", "underscore": "_", "comma": ","}
"""Signs that Textual names in its own way; the others have the names of Unicode."""
_SHORT = {"escape": "Esc", "pagedown": "PgDn", "pageup": "PgUp", "delete": "Del"}
_SAME = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+left_square_bracket": "escape"}
"""Keys for which most terminals send what another key sends."""
_IN_TEXTS = frozenset({"prompt", "editor"})
_EDITING = frozenset({"backspace", "delete", "left", "right", "up", "down", "home", "end", "space"})
"""Keys that a text cannot do without, beside all letters."""
_YES = frozenset({"consent.yes", "consent.task", "consent.session", "consent.project"})
_NAME = re.compile(r"\{([a-z]+\.[a-z_]+)\}")


class Keymap(Struct, frozen=True):
    """The keys that hold now; `own` are those that the settings bind."""

    own: dict[str, str] = {}

    def of(self, name: str) -> tuple[str, ...]:
        """The keys of a name, as Textual names them."""
        return tuple(self.own.get(name, ACTIONS[name].keys).split(","))

    def shown(self, name: str) -> str:
        """The first of them, as it is written on the screen."""
        return shown(self.of(name)[0])

    def all_shown(self, name: str) -> str:
        """All of them."""
        return ", ".join(map(shown, self.of(name)))

    def words(self, text: str) -> str:
        """A text with the key in the place of each `{place.key}`."""
        return _NAME.sub(lambda found: self.shown(found[1]), text)

    def meanings(self, places: Iterable[str]) -> dict[str, bool]:
        """The keys that are heard in these places, each with whether it only looks."""
        wanted = set(places)
        heard = [key for key in TABLE if key.place in wanted and key.binds]
        return {key: named.looks for named in heard for key in self.of(named.name)}

    def labels(self, named: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Keys with a word each, for a line of keys; several names have blanks between, and what is no name stays."""
        return tuple(
            (" ".join(self.shown(name) if name in ACTIONS else name for name in names.split()), word)
            for names, word in named
        )


USUAL = Keymap()


def keymap_of(widget: Widget) -> Keymap:
    """The keys that hold in the app in which a widget is."""
    return cast("Keymap", getattr(widget.app, "keymap", USUAL))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  App is generic


def bindings(place: str) -> list[BindingType]:
    """What a widget or a page of this place binds."""
    return [
        Binding(key.keys, key.action, key.does, show=False, priority=key.first, id=key.name)
        for key in TABLE
        if key.place == place and key.binds
    ]


def checked(wanted: Mapping[str, str]) -> Keymap:
    """The keymap that a table of the settings makes; UsageError, with a hint, if it cannot be."""
    made: dict[str, str] = {}
    for name, keys in wanted.items():
        key_of(name)
        made[name] = ",".join(_checked(name, key.strip()) for key in keys.split(","))
    found = Keymap(made)
    if made:
        _refuse_clashes(found)
    return found


def _checked(name: str, wanted: str) -> str:
    """One key by its full name; UsageError if it is none, or cannot do this."""
    key = full_name(wanted)
    *modifiers, base = key.split("+")
    if not _MODIFIERS.issuperset(modifiers) or not (base in _NAMED or _sign(base)):
        hint = 'Keys are written as "ctrl+k", "f5", "y" or "?", several with commas.'
        raise UsageError(f"[keys]: {name} = {wanted!r} names no key.", hint)
    if key in _SAME:
        why = f"most terminals send {shown(_SAME[key])} for it"
        raise UsageError(f"[keys]: {name} = {wanted!r}: {why}.", "Take another key.")
    typed = (not set(modifiers) - {"shift"} and _sign(base)) or key in _EDITING
    if typed and (ACTIONS[name].first or ACTIONS[name].place in _IN_TEXTS):
        hint = "Where there is text to write, take one with Ctrl or Alt, or a function key."
        raise UsageError(f"[keys]: {name} = {wanted!r}: this key would be missing when you write.", hint)
    if name in _YES and key in ("enter", "space"):
        hint = "Take a key that you press for nothing else."
        raise UsageError(f"[keys]: {name} = {wanted!r}: a yes is not given in passing.", hint)
    return key


def full_name(wanted: str) -> str:
    """A key as Textual names it, of one that may be written as the screen shows it: `Ctrl+K`, `]`, `PgDn`."""
    *modifiers, base = wanted.split("+") if wanted[-1:] != "+" else [*wanted[:-1].split("+")[:-1], "+"]
    if len(base) == 1 and not base.isalnum():
        named = {sign: name for name, sign in _SIGNS.items()}
        base = named.get(base) or unicodedata.name(base, base).lower().replace("-", "_").replace(" ", "_")
    elif modifiers == ["shift"] and len(base) == 1:
        return base.upper()
    elif len(base) > 1 or modifiers:
        base = base.lower()
        base = next((name for name, short in _SHORT.items() if short.lower() == base), base)
    return "+".join((*(part.lower() for part in modifiers), base))


def _sign(base: str) -> str:
    """What a key types; empty if it is none that types."""
    if len(base) == 1 or base in _SIGNS:
        return _SIGNS.get(base, base)
    sign = key_to_character(base) or ""
    return sign if sign.isprintable() else ""


def _refuse_clashes(found: Keymap) -> None:
    """UsageError for a key that would mean two things at a time, other than by default."""
    usual = _shared(USUAL)
    for pair, key in _shared(found).items():
        if pair not in usual:
            one, other = pair
            hint = "Bind one of the two to another key; docs/KEYS.md lists what is taken."
            raise UsageError(f"[keys]: {shown(key)} would be both {one} and {other}.", hint)


def _shared(found: Keymap) -> dict[tuple[str, str], str]:
    """Which names have a key in common in a place where both are heard, and which key."""
    shared: dict[tuple[str, str], str] = {}
    for places in HEARD:
        names = [key.name for key in TABLE if key.place in places]
        for one, other in combinations(names, 2):
            for key in set(found.of(one)).intersection(found.of(other)):
                shared[one, other] = key
    return shared


def shown(key: str) -> str:
    """A key as it is written on the screen: `ctrl+k` as Ctrl+K, `right_square_bracket` as ]."""
    *modifiers, base = key.split("+")
    sign = "" if base == "space" else _sign(base)
    name = (sign.upper() if modifiers else sign) or _SHORT.get(base, base.capitalize())
    return "+".join((*(part.capitalize() for part in modifiers), name))
