"""What a plan needs to know of this machine: tools, sockets, secret files, and where git keeps its things."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from assent_sandbox import programs
from assent_sandbox.policy import CREDENTIALS, Policy, View
from assent_sandbox.repositories import Foreign, git_folder
from assent_sandbox.sight.masks import SecretFiles
from assent_sandbox.sight.plan import PACKAGES, SYSTEM, Surroundings, is_within
from assent_sandbox.sight.private import identity
from assent_sandbox.sight.toolchains import find_interpreters, find_toolchains, named_places, outermost

MEND_MOUNTS = "Commands work on a copy. Unmount it, or mount it elsewhere and link to it, for the overlay tier."
_OCTAL = re.compile(r"\\([0-7]{3})")
"""How the kernel writes blanks and the like in the names of mount points."""
_KEPT = frozenset((*SYSTEM, "/proc", "/dev", "/run", "/tmp", "/home", "/root"))
"""What there is at the root that is the system's, or has a place of its own in a plan."""
_TOOLS_STAY = 10.0
"""Seconds after which tools are looked for again."""


class Lookout:
    """Looks around for one view, and remembers what is slow to find."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._secrets = SecretFiles(view.root, owned=view.tier == "overlay")
        self._tools: tuple[str, ...] = ()
        self._packages: tuple[str, ...] = ()
        self._keys: tuple[str, ...] = ()
        self._identity = ""
        self._git = ""
        self._looked = float("-inf")

    def close(self) -> None:
        """Look no more."""
        self._secrets.close()

    async def look(self, policy: Policy) -> Surroundings:
        """Gather what a plan needs to know now."""
        variables = programs.users_variables()
        if time.monotonic() - self._looked > _TOOLS_STAY:
            self._tools = await asyncio.to_thread(look_for_tools, self._view, variables)
            self._packages = tuple(filter(os.path.isdir, PACKAGES))
            self._keys = keys_elsewhere(variables)
            self._identity = await asyncio.to_thread(identity, self._view.root)
            self._git = await asyncio.to_thread(main_git_folder, self._view.root)
            self._looked = time.monotonic()
        if not self._secrets.is_current(policy):
            await asyncio.to_thread(self._secrets.refresh, policy)
        secrets = self._secrets.told()
        beside, strewn = beside_the_system()
        return Surroundings(
            variables=variables,
            home=home_folder(variables),
            toolchains=self._tools,
            secrets=secrets,
            behind=(*self._secrets.outside, *self._keys),
            foreign=self._secrets.foreign,
            packages=self._packages,
            beside=beside,
            strewn=strewn,
            sockets=host_sockets(),
            git=self._git,
            identity=self._identity,
        )


def home_folder(variables: Mapping[str, str]) -> str:
    """The user's home directory, without links."""
    return os.path.realpath(variables.get("HOME") or os.path.expanduser("~"))


def look_for_tools(view: View, variables: Mapping[str, str]) -> tuple[str, ...]:
    """The folders that hold the tools on PATH and the pythons of the repository, where they would be hidden."""
    interpreters = find_interpreters(view.root, (variables.get("VIRTUAL_ENV", ""),))
    homes = tuple(dict.fromkeys((*_homes(home_folder(variables)), "/")))
    found = find_toolchains(variables.get("PATH", ""), interpreters, homes, view.root)
    whole = outermost((*found, *named_places(variables, homes, view.root)))
    return tuple(each for each in whole if not any(is_within(each, place) for place in SYSTEM))


def keys_elsewhere(variables: Mapping[str, str]) -> tuple[str, ...]:
    """Where keys lie whose well-known places are links, or a tool's folder that was named."""
    home = home_folder(variables)
    places = [os.path.join(home, name) for name in CREDENTIALS]
    real = (os.path.realpath(place) for place in places)
    cargo = variables.get("CARGO_HOME", "")
    own = (os.path.join(cargo, name) for name in ("credentials", "credentials.toml") if cargo.startswith("/"))
    return tuple(place for place in (*real, *own) if place not in places and os.path.lexists(place))


def _homes(home: str) -> tuple[str, ...]:
    with suppress(KeyError):
        return home, os.path.realpath(pwd.getpwuid(os.getuid()).pw_dir)
    return (home,)


def beside_the_system() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The folders at the root of this machine that are not the system's, and the files there."""
    folders: list[str] = []
    files: list[str] = []
    with os.scandir("/") as entries:
        for entry in entries:
            if entry.path in _KEPT or entry.is_symlink():
                continue
            (folders if entry.is_dir() else files).append(entry.path)
    return tuple(sorted(folders)), tuple(sorted(files))


def host_sockets() -> tuple[str, ...]:
    """The unix sockets of this machine that have a path."""
    try:
        lines = Path("/proc/net/unix").read_text(errors="surrogateescape").splitlines()[1:]
    except OSError:
        return ()
    paths = {parts[7] for line in lines if len(parts := line.split(maxsplit=7)) == 8}
    return tuple(sorted(path for path in paths if path.startswith("/")))


def mounts_within(root: str) -> tuple[str, ...]:
    """Where within a repository something else is mounted, relative to it, sorted: the kernel lays no overlay over that."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ()
    places = {_OCTAL.sub(lambda found: chr(int(found[1], 8)), line.split()[4]) for line in lines}
    return tuple(sorted(os.path.relpath(place, root) for place in places if place != root and is_within(place, root)))


def told_of_mounts(places: tuple[str, ...]) -> str:
    """Why mounts in a repository lower its tier."""
    named = ", ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")
    return f"Something else is mounted in this repository ({named}), over which the kernel lays no overlay."


def main_git_folder(root: str) -> str:
    """The main git folder of a linked worktree or submodule, if it lies outside of it and points back; empty otherwise."""
    with suppress(Foreign):
        found = git_folder(root)
        if found and not is_within(found.common, os.path.realpath(root)):
            return found.common
    return ""
