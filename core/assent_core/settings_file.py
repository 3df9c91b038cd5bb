"""Changes single settings in the user's TOML file; comments, order and all else in it stay as they are."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import cast

import msgspec

from assent_core.errors import UsageError
from assent_core.settings import Settings, check, config_dir

NONE_YET = "# Settings of assent; `assent --help` and the settings screen (/settings) say what there is.\n"


def settings_file() -> Path:
    """The user's own file."""
    return config_dir() / "settings.toml"


def stated() -> dict[str, object]:
    """What the file says, as it is; empty without a file. UsageError if it cannot be read."""
    return _parsed(_text(settings_file()), settings_file())


def line_of(key: str) -> int:
    """The line, from 1, in which the file sets a key (`keys.NAME`: one inside a table); 0 where that cannot be seen."""
    lines = _text(settings_file()).splitlines(keepends=True)
    table, _, name = key.partition(".")
    for place, wanted in ((table, name), ("", table)):
        section = _section(lines, place) if wanted else None
        if section and (found := _statement(lines, *section, wanted)):
            return found[0] + 1
    return 0


def change(key: str, value: object) -> Settings:
    """Write one setting (`limits.seconds` is one inside a table; None: back to its default) and return what holds now.

    UsageError if the value is none that the setting takes, or the file cannot be changed without rewriting it.
    """
    file = settings_file()
    text = _text(file)
    wanted = _with(_parsed(text, file), key.split("."), value)
    settings = check(wanted, file)
    changed = edited(text or NONE_YET, key, value)
    if changed is None or _filled(_parsed(changed, file)) != _filled(wanted):
        raise UsageError(
            f"{file} is written in a way that cannot be changed from here.", f"Change {key} in it by hand."
        )
    _write(file, changed)
    return settings


def read(key: str, typed: str) -> object:
    """What was typed for a setting as a value: a TOML value, or a bare text where the setting takes texts."""
    current = _default(key)
    if isinstance(current, str):
        return typed.strip().strip("\"'")
    try:
        return cast("object", tomllib.loads(f"value = {typed.strip() or chr(34) * 2}")["value"])
    except tomllib.TOMLDecodeError as error:
        if isinstance(current, (tuple, list)):
            return [part.strip() for part in typed.split(",") if part.strip()]
        raise UsageError(f"{typed!r} is no value: {error}.", 'Numbers, true or false, lists as ["a", "b"].') from error


def edited(text: str, key: str, value: object) -> str | None:
    """The text of a TOML file with one key set or taken away; None where that cannot be done line by line."""
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    table, _, name = key.rpartition(".")
    section = _section(lines, table)
    if section is None:
        return _in_table(text, lines, table, name, value)
    start, end = section
    found = _statement(lines, start, end, name if table else key)
    fresh = [] if value is None else [f"{name} = {_toml(value)}"]
    if found is not None:
        first, last = found
        comment = _comment(lines[first]) if last == first + 1 else ""
        lines[first:last] = [f"{row}{comment}\n" for row in fresh]
    else:
        while end > start and not lines[end - 1].strip():
            end -= 1
        lines[end:end] = [f"{row}\n" for row in fresh]
    return "".join(lines)


def _in_table(text: str, lines: list[str], table: str, name: str, value: object) -> str | None:
    """Set a key in a table that has no section of its own: it stands in braces, or is not there yet."""
    try:
        below = tomllib.loads(text).get(table, {})
    except tomllib.TOMLDecodeError:
        return None
    whole = {key: each for key, each in below.items() if key != name}
    if value is not None:
        whole[name] = value
    return edited("".join(lines), table, whole or None)


_HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")


def _section(lines: list[str], table: str) -> tuple[int, int] | None:
    """The lines of a table's section, without its header; the top of the file for no table. None if it has none."""
    headers = [(at, found.group(1).strip("\"'")) for at, row in enumerate(lines) if (found := _HEADER.match(row))]
    headers = [(at, name) for at, name in headers if _stands_alone(lines, at)]
    ends = [at for at, _ in headers] + [len(lines)]
    if not table:
        return 0, ends[0]
    for number, (at, name) in enumerate(headers):
        if name == table:
            return at + 1, ends[number + 1]
    return None


def _stands_alone(lines: list[str], at: int) -> bool:
    """Whether what is above a line is whole, so that the line is no part of a text or a list."""
    try:
        tomllib.loads("".join(lines[:at]))
    except tomllib.TOMLDecodeError:
        return False
    return True


def _statement(lines: list[str], start: int, end: int, name: str) -> tuple[int, int] | None:
    """The lines in which a key is set."""
    sets = re.compile(rf"\s*[\"']?{re.escape(name)}[\"']?\s*=")
    for first in range(start, end):
        if sets.match(lines[first]) and _stands_alone(lines, first):
            for last in range(first + 1, end + 1):
                try:
                    tomllib.loads("".join(lines[first:last]))
                except tomllib.TOMLDecodeError:
                    continue
                return first, last
    return None


def _comment(row: str) -> str:
    """The comment at the end of a line, with the blanks before it."""
    body = row.rstrip("\n")
    for at, letter in enumerate(body):
        if letter == "#":
            try:
                tomllib.loads(body[:at])
            except tomllib.TOMLDecodeError:
                continue
            return body[len(body[:at].rstrip()) :]
    return ""


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case dict():
            given = cast("dict[str, object]", value)
            return "{ " + ", ".join(f"{_name(key)} = {_toml(each)}" for key, each in given.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(_toml(each) for each in cast("list[object]", value)) + "]"
        case _:
            raise UsageError(f"{value!r} cannot be written into a settings file.", "Give a text, a number, or a list.")


def _name(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _with(data: dict[str, object], path: list[str], value: object) -> dict[str, object]:
    key, *below = path
    if below:
        inner = cast("dict[str, object]", data.get(key, {}))
        value = _with(inner, [".".join(below)], value) or None
    rest = {name: each for name, each in data.items() if name != key}
    return rest if value is None else data | {key: value}


def _filled(data: dict[str, object]) -> dict[str, object]:
    """Without empty tables, which say nothing."""
    return {key: value for key, value in data.items() if value != {}}


def _default(key: str) -> object:
    value: object = Settings()
    for part in key.split("."):
        value = getattr(value, part, "")
    return cast("object", msgspec.to_builtins(value)) if isinstance(value, msgspec.Struct) else value


def _parsed(text: str, file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: {error}.", "It has to be a TOML file in UTF-8.") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}.", "Check its permissions.") from error


def _write(file: Path, text: str) -> None:
    target = Path(os.path.realpath(file))
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        fresh.touch(mode)
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(mode)
        fresh.replace(target)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.", "Check its permissions.") from error
