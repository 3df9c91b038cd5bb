"""Which programs assent itself starts: found by whole folders of PATH, none of which belongs to what it works on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

_SYSTEM = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/opt/homebrew/bin")
"""Folders of programs that no repository brings, wherever assent is started."""
_users: dict[str, str] = {}
"""PATH as the user had it, by what it became."""


def find(name: str, *folders: str) -> str:
    """The absolute path of a program that is no part of these folders, of the current one, or of a repository around them.

    A relative or empty entry of PATH is passed over; so is a link that leads into them. Empty if there is none.
    """
    grounds = _grounds(folders)
    places = [name] if "/" in name else [os.path.join(folder, name) for folder in _trusted(_path(), grounds)]
    return next((place for place in places if _is_program(place) and not _leads_into(place, grounds)), "")


def keep_apart() -> None:
    """Leave PATH with whole folders that are no part of where assent was started, for itself and for every library.

    Commands on a stage get it as the user has it: `users_variables`.
    """
    given = _path()
    kept = ":".join(_trusted(given, _grounds(()))) or os.defpath
    if given not in _users:
        _users[kept] = given
    os.environ["PATH"] = kept


def users_variables() -> dict[str, str]:
    """The environment as the user has it."""
    path = os.environ.get("PATH", "")
    return {**os.environ, "PATH": _users.get(path, path)}


def _path() -> str:
    return os.environ.get("PATH") or os.defpath


def _trusted(path: str, grounds: tuple[str, ...]) -> tuple[str, ...]:
    entries = (entry for entry in path.split(":") if entry.startswith("/"))
    return tuple(entry for entry in entries if not _leads_into(entry, grounds))


def _is_program(place: str) -> bool:
    return place.startswith("/") and os.path.isfile(place) and os.access(place, os.X_OK)


def _leads_into(place: str, grounds: tuple[str, ...]) -> bool:
    """Whether a path lies in one of these folders, as it is written or where it really is."""
    ways = [way for way in (os.path.normpath(place), os.path.realpath(place)) if not _is_systems(way)]
    return any(way == ground or way.startswith(ground + "/") for way in ways for ground in grounds)


def _is_systems(place: str) -> bool:
    return place in _SYSTEM or os.path.dirname(place) in _SYSTEM


def _grounds(folders: tuple[str, ...]) -> tuple[str, ...]:
    """The repositories around these folders and the current one, as written and resolved; a folder itself where there is none."""
    found: dict[str, None] = {}
    for folder in dict.fromkeys((".", *folders)):
        with suppress(FileNotFoundError):  # the current folder may be gone
            for way in dict.fromkeys((os.path.abspath(folder), os.path.realpath(folder))):
                found |= dict.fromkeys(_repositories(way))
    return tuple(found)


def _repositories(folder: str) -> Iterator[str]:
    """The nearest repository, and the outermost that is not a home; without any, the folder, unless home lies in it."""
    home = os.path.realpath(os.path.expanduser("~"))
    around = [place for place in _upwards(folder) if os.path.lexists(os.path.join(place, ".git"))]
    others = [place for place in around[1:] if not f"{home}/".startswith(f"{place}/")]
    if around or not f"{home}/".startswith(f"{folder.rstrip('/')}/"):
        yield from (around[0] if around else folder, *others[-1:])


def _upwards(folder: str) -> Iterator[str]:
    while folder != "/":
        yield folder
        folder = os.path.dirname(folder)
