"""Which files of a repository are secret by their name, found once and kept up to date cheaply."""

from __future__ import annotations

import fnmatch
import os
import re
from functools import lru_cache

from assent_sandbox.policy import Policy
from assent_sandbox.sight.watch import FolderWatch

_SKIPPED = frozenset(
    {".git", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".mypy_cache", "target", ".hg", ".svn"}
)
_MOST_FOLDERS = 20_000


@lru_cache(maxsize=16)
def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns) or r"(?!)")


def is_secret(name: str, policy: Policy) -> bool:
    """Say whether a file of this name (no folders) is secret by the policy."""
    return bool(_pattern(policy.secrets).match(name)) and not _pattern(policy.public).match(name)


class SecretFiles:
    """The secret files of one repository; asking again costs nothing where nothing changed, else a stat for each folder."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._folders: dict[str, tuple[int, tuple[str, ...], tuple[str, ...]]] = {}
        self._policy: Policy | None = None
        self._watch = FolderWatch(root)
        self._found: tuple[str, ...] | None = None

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
        waiting = [""]
        seen = 0
        while waiting and seen < _MOST_FOLDERS:
            folder = waiting.pop()
            seen += 1
            secrets, below = self._look(folder, policy)
            found += secrets
            waiting += below
        self._found = tuple(sorted(set(found)))
        return self._found

    def _look(self, folder: str, policy: Policy) -> tuple[tuple[str, ...], tuple[str, ...]]:
        path = os.path.join(self._root, folder)
        try:
            changed = os.stat(path).st_mtime_ns
            known = self._folders.get(folder)
            if known and known[0] == changed:
                return known[1], known[2]
            self._watch.add(path)
            secrets, below = self._scan(folder, path, policy)
        except OSError:
            return (), ()
        self._folders[folder] = (changed, secrets, below)
        return secrets, below

    def _scan(self, folder: str, path: str, policy: Policy) -> tuple[tuple[str, ...], tuple[str, ...]]:
        secrets: list[str] = []
        below: list[str] = []
        with os.scandir(path) as entries:
            for entry in entries:
                name = os.path.join(folder, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _SKIPPED:
                        below.append(name)
                elif is_secret(entry.name, policy):
                    secrets += self._behind(name)
        return tuple(secrets), tuple(below)

    def _behind(self, name: str) -> tuple[str, ...]:
        real = os.path.realpath(os.path.join(self._root, name))
        inside = os.path.relpath(real, os.path.realpath(self._root))
        return (name, inside) if not inside.startswith("..") else (name,)
