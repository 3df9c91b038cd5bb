"""Which files of a repository are secret by their name or of foreign owners, found once and kept up to date cheaply."""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
import threading
import time
from functools import lru_cache
from typing import NamedTuple

from assent_sandbox.policy import Policy
from assent_sandbox.sight import foreign
from assent_sandbox.sight.watch import FolderWatch
from assent_sandbox.stage import WallsError

_FETCHED = frozenset(
    ("node_modules", "site-packages", ".venv", "venv", ".tox", ".nox", "target", "__pycache__", ".mypy_cache")
)
"""Folders of what others made, where many a file is called like a key and holds certificates that everybody may see."""
_CERTIFICATES = (".pem", ".key")
_PRIVATE = b"PRIVATE KEY"
_LARGEST_KEY = 1 << 20
_UNLISTED = ".git/objects"
"""The one folder that is not looked into: it holds nothing by name."""
_MOST_FOLDERS = 250_000
_MOST_OWNERS = 50_000
"""How many files are asked for their owners, which takes as long again as finding their names."""
_LONGEST = 3_500
"""Bytes of a path from which on what lies below is hidden as a whole: the kernel takes no path beyond 4,096."""
_TICK = 50_000_000
"""Nanoseconds within which a folder may change again without another time."""
_GONE = (errno.ENOENT, errno.ENOTDIR)
_SHARED = ("/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/nix/", "/snap/")


@lru_cache(maxsize=16)
def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(pattern.casefold()) for pattern in patterns) or r"(?!)")


def is_secret(name: str, policy: Policy) -> bool:
    """Say whether a file of this name (no folders) is secret by the policy; case does not matter."""
    name = name.casefold()
    return bool(_pattern(policy.secrets).match(name)) and not _pattern(policy.public).match(name)


def is_secret_file(root: str, path: str, policy: Policy) -> bool:
    """Say whether the file at a path relative to `root` is secret: by its name, but for fetched certificates without a key."""
    folder, name = os.path.split(path)
    if not is_secret(name, policy):
        return False
    fetched = name.casefold().endswith(_CERTIFICATES) and not _FETCHED.isdisjoint(folder.split("/"))
    return not fetched or _may_hold_key(os.path.join(root, path))


def _may_hold_key(path: str) -> bool:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        found = os.fstat(file)
        small = stat.S_ISREG(found.st_mode) and found.st_size <= _LARGEST_KEY
        return not small or _PRIVATE in os.read(file, _LARGEST_KEY)
    finally:
        os.close(file)


class _Folder(NamedTuple):
    """What was found in one folder; `changed` is when it had last changed by then, nothing if it may yet change unseen."""

    changed: tuple[int, ...]
    secrets: list[str]
    links: list[str]
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
        self._found: tuple[list[str], list[str]] | None = None
        self._looking = threading.Lock()
        self._owners = _MOST_OWNERS if owned and foreign.can_be() else 0
        self.foreign: tuple[str, ...] = ()
        """Files and folders of foreign owners among those that were looked at, each folder before what is in it."""
        self.outside: tuple[str, ...] = ()
        """Where outside of the repository its secret links lead."""

    def close(self) -> None:
        """Watch no more."""
        self._watch.close()

    def find(self, policy: Policy) -> tuple[str, ...]:
        """Give their paths relative to the root, sorted; a secret link stands for the file that it leads to.

        A folder of the user's own that cannot be looked into is secret as a whole. Raises WallsError where there are too
        many folders to look at.
        """
        if not self.is_current(policy):
            self.refresh(policy)
        return self.told()

    def is_current(self, policy: Policy) -> bool:
        """Say whether what was found last is surely all that there is, without looking."""
        same = self._policy and (self._policy.secrets, self._policy.public) == (policy.secrets, policy.public)
        if not same:
            self._folders, self._policy, self._found = {}, policy, None
            self._watch.restart()
        return self._watch.was_quiet() and self._found is not None

    def refresh(self, policy: Policy) -> None:
        """Look again, which may take seconds the first time; raises WallsError as `find` does.

        One look at a time: whoever asked for one may have gone, and the next one would be overtaken by it.
        """
        with self._looking:
            self._found = None
            self._found = self._look_through(policy)

    def told(self) -> tuple[str, ...]:
        """Give what was found, with what the links lead to by now."""
        assert self._found is not None
        names, links = self._found
        if not links:
            self.outside = ()
            return tuple(names)
        root = os.path.realpath(self._root)
        targets = {os.path.realpath(os.path.join(root, link)) for link in links}
        inside = {os.path.relpath(place, root) for place in targets if place.startswith(root + "/")}
        outside = (place for place in targets if not (place + "/").startswith(root + "/"))
        self.outside = tuple(sorted(place for place in outside if _is_private(place, root)))
        return tuple(sorted({*names, *links, *inside}))

    def _look_through(self, policy: Policy) -> tuple[list[str], list[str]]:
        names: list[str] = []
        links: list[str] = []
        others: list[str] = []
        waiting = [""]
        seen = 0
        while waiting:
            if seen == _MOST_FOLDERS:
                words = f"The repository has more than {_MOST_FOLDERS:,} folders: not all can be searched for secrets."
                raise WallsError(words, "Start assent in one of its folders.")
            here = self._look(waiting.pop(), policy)
            seen += 1
            names += here.secrets
            links += here.links
            others += here.foreign
            waiting += here.below
        self.foreign = tuple(sorted(others))
        return sorted(names), links

    def _look(self, folder: str, policy: Policy) -> _Folder:
        path = os.path.join(self._root, folder)
        if len(os.fsencode(path)) > _LONGEST:
            return _Folder((), [folder], [], [], [])
        try:
            status = os.stat(path)
            known = self._folders.get(folder)
            if known and known.changed == _stamp(status):
                return known
            self._watch.add(path)
            here = self._scan(folder, status, policy)
        except OSError as error:
            return _Folder((), [] if error.errno in _GONE or _is_closed(path) else [folder], [], [], [])
        self._folders[folder] = here
        return here

    def _scan(self, folder: str, status: os.stat_result, policy: Policy) -> _Folder:
        settled = time.time_ns() - status.st_ctime_ns > _TICK
        others = [folder] if folder and foreign.is_foreign(status) else []
        here = _Folder(_stamp(status) if settled else (), [], [], [], others)
        with os.scandir(os.path.join(self._root, folder)) as entries:
            for entry in entries:
                name = os.path.join(folder, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if not name.endswith(_UNLISTED):
                        here.below.append(name)
                    continue
                if is_secret(entry.name, policy) and is_secret_file(self._root, name, policy):
                    (here.links if entry.is_symlink() else here.secrets).append(name)
                if self._owners > 0:
                    self._owners -= 1
                    if foreign.is_foreign(entry.stat(follow_symlinks=False)):
                        here.foreign.append(name)
        return here


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    """What differs when a folder has changed: its modification time can be set back, the other one cannot."""
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def _is_closed(path: str) -> bool:
    """Whether a folder that cannot be looked into is closed to commands too: only its owner can open it."""
    try:
        return os.lstat(path).st_uid != os.geteuid()
    except OSError:
        return False


def _is_private(place: str, root: str) -> bool:
    """Whether what a link leads to is to be hidden: not what holds the repository, nor what the system shows to everybody."""
    try:
        found = os.stat(place)
    except OSError:
        return False
    shared = place.startswith(_SHARED) and found.st_uid == 0 and found.st_mode & stat.S_IROTH
    return not shared and not (root + "/").startswith(place.rstrip("/") + "/") and place.count("/") > 1
