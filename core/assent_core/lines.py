"""The lines of records and of `--json`: the version of their format, and values as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import msgspec

FORMAT = 1
"""The version of the lines of records and of `--json`; it stands in the first one of each."""


def encode(value: object) -> bytes:
    """Events, or what holds them, as JSON; the odd bytes of names that are not UTF-8 are written out as `\\udcff`."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_written_out(msgspec.to_builtins(value)))


def _written_out(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list | tuple):
        return [_written_out(item) for item in cast("Iterable[object]", value)]
    if isinstance(value, dict):
        return {_written_out(key): _written_out(item) for key, item in cast("dict[str, object]", value).items()}
    return value
