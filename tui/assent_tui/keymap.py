"""Keys as the user wants them: each action of each place has a name, to which `[keys]` in the settings binds other keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from textual.binding import Binding, BindingType

from assent_core.errors import UsageError

ACTIONS: dict[str, str] = {}
"""The keys that each name has by itself, separated by commas."""


def named(place: str, bindings: Iterable[Binding]) -> list[BindingType]:
    """Bindings with the names by which the settings know them: `place.action`; an argument follows with another dot."""
    made: list[BindingType] = []
    for binding in bindings:
        action = binding.action.replace("'", "").replace('"', "").rstrip(")").replace("(", ".").replace("-", "back_")
        id = f"{place}.{action}"
        ACTIONS[id] = binding.key
        made.append(replace(binding, id=id))
    return made


def checked(keys: Mapping[str, str]) -> dict[str, str]:
    """A keymap as Textual takes it; UsageError for a name that there is not, or keys that cannot be."""
    for name, wanted in keys.items():
        if name not in ACTIONS:
            from difflib import get_close_matches

            near = get_close_matches(name, ACTIONS, n=1)
            hint = f"Did you mean {near[0]}?" if near else "The settings screen lists all names (/settings)."
            raise UsageError(f"[keys]: there is no action {name!r}.", hint)
        if not all(key.strip().replace("_", "").replace("+", "").isalnum() for key in wanted.split(",")):
            raise UsageError(
                f"[keys]: {name} = {wanted!r} names no keys.",
                'Keys are written as "ctrl+k", "f5", "y", several with commas.',
            )
    return {name: wanted.replace(" ", "") for name, wanted in keys.items()}


def shown(key: str) -> str:
    """A key as it is written on the screen: `ctrl+k` as Ctrl+K."""
    first = key.split(",", maxsplit=1)[0]
    names = {
        "question_mark": "?",
        "slash": "/",
        "right_square_bracket": "]",
        "left_square_bracket": "[",
        "escape": "Esc",
    }
    parts = [names.get(part, part) for part in first.split("+")]
    return "+".join(part.capitalize() if len(part) > 1 else part for part in parts)
