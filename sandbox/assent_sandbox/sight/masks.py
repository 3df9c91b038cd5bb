"""Which files of a repository are secret by their name or of foreign owners, found once and kept up to date cheaply."""

from __future__ import annotations

import fnmatch
import os
import re
from functools import lru_cache
from typing import NamedTuple

from assent_sandbox.policy import Policy
from assent_sandbox.sight import foreign
from assent_sandbox.sight.watch import FolderWatch

_SKIPPED = frozenset(
    {".git", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".mypy_cache", "target", ".hg", ".svn"}
)
_MOST_FOLDERS = 20_000
_MOST_OWNERS = 50_000
"""How many files are asked for their owners, which takes as long again as finding their names."""


@lru_cache(maxsize=16)
def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns) or r"(?!)")


def is_secret(name: str, policy: Policy) -> bool:
    """Say whether a file of this name (no folders) is secret by the policy."""
    return bool(_pattern(policy.secrets).match(name)) and not _pattern(policy.public).match(name)


class _Folder(NamedTuple):
    """What was found in one folder; `changed` is when it had last changed by then."""

    changed: int
    secrets: list[str]
    below: list[str]
    foreign: list[str]


class SecretFiles:
    """The secret files of one repository; asking again costs nothing where nothing changed, else a stat for each folder."""

    def __init__(self, root: str, *, owned: bool = False) -> None:
        """`owned`: whether files are asked for their owners."""
        self._root = root
        self._folders: dict[str, _Folder] = {}
        self._policy: Policy | None = None
        self._watch = FolderWatch(root)
        self._found: tuple[str, ...] | None = None
        self._owners = _MOST_OWNERS if owned and foreign.can_be() else 0
        self.foreign: tuple[str, ...] = ()
        """Files and folders of foreign owners among those that were looked at, each folder before what is in it."""

    def close(self) -> None:
        """Watch no more."""
        self._watch.close()

    def find(self, policy: Policy) -> tuple[str, ...]:
        """Give their paths relative to the root, sorted; a secret link stands for the file that it leads to."""
        if self._policy is None or (self._policy.secrets, self._policy.public) != (policy.secrets, policy.public):
            self._folders, self._policy, self._found = {}, policy, None
            self._watch.restart()
        if self._watch.was_quiet() and self._found is not None:
            return self._found
        found: list[str] = []
        others: list[str] = []
        waiting = [""]
        seen = 0
        while waiting and seen < _MOST_FOLDERS:
            folder = waiting.pop()
            seen += 1
            here = self._look(folder, policy)
            found += here.secrets
            others += here.foreign
            waiting += here.below
        self._found, self.foreign = tuple(sorted(set(found))), tuple(sorted(others))
        return self._found

    def _look(self, folder: str, policy: Policy) -> _Folder:
        path = os.path.join(self._root, folder)
        try:
            status = os.stat(path)
            known = self._folders.get(folder)
            if known and known.changed == status.st_mtime_ns:
                return known
            self._watch.add(path)
            here = self._scan(folder, status, policy)
        except OSError:
            return _Folder(0, [], [], [])
        self._folders[folder] = here
        return here

    def _scan(self, folder: str, status: os.stat_result, policy: Policy) -> _Folder:
        here = _Folder(status.st_mtime_ns, [], [], [folder] if folder and foreign.is_foreign(status) else [])
        with os.scandir(os.path.join(self._root, folder)) as entries:
            for entry in entries:
                name = os.path.join(folder, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _SKIPPED:
                        here.below.append(name)
                    continue
                if is_secret(entry.name, policy):
                    here.secrets.extend(self._behind(name))
                if self._owners > 0:
                    self._owners -= 1
                    if foreign.is_foreign(entry.stat(follow_symlinks=False)):
                        here.foreign.append(name)
        return here

    def _behind(self, name: str) -> tuple[str, ...]:
        real = os.path.realpath(os.path.join(self._root, name))
        inside = os.path.relpath(real, os.path.realpath(self._root))
        return (name, inside) if not inside.startswith("..") else (name,)
