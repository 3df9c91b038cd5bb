"""Takes secrets out of values field by field, so that what is written of them can always be read again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

import msgspec
from msgspec import Struct

Value = TypeVar("Value", bound=Struct)
Redact = Callable[[str], str]

OPAQUE = frozenset({"type", "role", "id", "call_id", "status", "encrypted_content", "image_url"})
"""Fields of an item on the wire that a service takes back as they were, or that are no text."""


def redacted(value: Value, redact: Redact) -> Value:
    """The same value without secrets in its texts; words of a closed set (tags, kinds) are left alone."""
    changed = {
        name: clean
        for name in _open_fields(type(value))
        if (clean := _walked(given := getattr(value, name), redact)) is not given
    }
    return msgspec.structs.replace(value, **changed) if changed else value


def redacted_item(item: Mapping[str, object], redact: Redact) -> dict[str, object]:
    """An item on the wire without secrets in its texts; arguments of a call stay the JSON that they are."""
    return {
        key: value if key in OPAQUE else _arguments(value, redact) if key == "arguments" else _json(value, redact)
        for key, value in item.items()
    }


@cache
def _open_fields(kind: type[Struct]) -> tuple[str, ...]:
    return tuple(field.encode_name for field in msgspec.structs.fields(kind) if not _closed(field.type))


def _closed(kind: Any) -> bool:
    """Whether all values of a type are numbers or words of a closed set."""
    if get_origin(kind) in (Union, _UNION):
        return all(map(_closed, get_args(kind)))
    return kind in (int, float, bool, type(None)) or get_origin(kind) is Literal


_UNION = type(int | str)


def _walked(value: Any, redact: Redact) -> Any:
    """The value itself where there is no secret in it."""
    match value:
        case str() if value:
            clean = redact(value)
            return value if clean == value else clean
        case Struct():
            return redacted(value, redact)
        case tuple():
            items = cast("tuple[object, ...]", value)
            walked: tuple[object, ...] = tuple(_walked(item, redact) for item in items)
            return items if all(new is old for new, old in zip(walked, items, strict=True)) else walked
        case dict():
            given = cast("dict[object, object]", value)
            changed = {key: clean for key, one in given.items() if (clean := _walked(one, redact)) is not one}
            return given | changed if changed else given
        case _:
            return value


def _json(value: object, redact: Redact) -> object:
    match value:
        case str():
            return redact(value)
        case list():
            return [_json(item, redact) for item in cast("list[object]", value)]
        case dict():
            return redacted_item(cast("dict[str, object]", value), redact)
        case _:
            return value


def _arguments(value: object, redact: Redact) -> object:
    if not isinstance(value, str):
        return _json(value, redact)
    clean = redact(value)
    if clean == value:
        return value
    try:
        return json.dumps(_json(json.loads(value), redact), ensure_ascii=False)
    except (ValueError, RecursionError):
        return clean
