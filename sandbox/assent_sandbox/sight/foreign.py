"""Files of owners whom a stage does not have: which they are, and how that reads when a command meets one.

A command keeps the user and the main group of whoever runs assent, and no capability. The kernel makes no copy in an
overlay of what belongs to anybody else (EOVERFLOW), not even where a further group of the user's lets them write it.
"""

from __future__ import annotations

import os
import re
import stat
from functools import cache

from assent_sandbox.policy import Denial
from assent_sandbox.sight.plan import Plan, is_within

_GIVEN = re.compile(
    r"(?i)(?:chown|chgrp|changing (?:the )?(?:group|owner(?:ship)?)).{0,4200}?(?:invalid argument|EINVAL|not permitted|EPERM)"
)
"""A change of owner or group that was refused, in the words of coreutils, rsync, tar, node and strace."""


_ALL = 1 << 16
"""So many ids are all that a machine or a container usually has."""


@cache
def _users() -> tuple[range, ...]:
    return _mapped("uid", os.geteuid())


@cache
def _groups() -> tuple[range, ...]:
    return _mapped("gid", os.getegid())


def _mapped(kind: str, own: int) -> tuple[range, ...]:
    """The ids that a command's namespace has: all that root has, and of anybody else only the one."""
    if os.geteuid() != 0:
        return (range(own, own + 1),)
    try:
        with open(f"/proc/self/{kind}_map") as file:
            extents = [[int(word) for word in line.split()] for line in file]
    except OSError:
        return (range(own, own + 1),)
    return tuple(range(first, first + count) for first, _, count in extents)


def can_be() -> bool:
    """Say whether any file here can be foreign: root has, as a rule, all owners that there are."""
    return sum(map(len, _users())) < _ALL or sum(map(len, _groups())) < _ALL


def is_foreign(status: os.stat_result) -> bool:
    """Say whether something belongs to a user or a group that no command's namespace has."""
    user = any(status.st_uid in each for each in _users())
    return not user or not any(status.st_gid in each for each in _groups())


def find_foreign(path: str, root: str) -> str:
    """The first of a path and the folders above it, up to the root of the repository, that is foreign; empty if none is."""
    while is_within(path, root):
        found = _status(path)
        if found and is_foreign(found):
            return path
        if path == root:
            break
        path = os.path.dirname(path)
    return ""


def explain(path: str, how: str, plan: Plan) -> Denial | None:
    """Why a command could not change a file of the view, if its owner is why."""
    if not plan.spaces:
        return None
    if how == "foreign" and (place := find_foreign(path, plan.view)):
        return _denial(place, "the stage has no user and group but your own main ones")
    if how == "denied" and os.geteuid() == 0 and (place := _of_another(path, plan.view)):
        return _denial(place, "on the stage root has no power over the files of others")
    return None


def speaks_of_giving(line: str, plan: Plan) -> bool:
    """Whether a line says that a file was not given to another user or group, although whoever runs assent could."""
    could = os.geteuid() == 0 or bool(set(os.getgroups()) - {os.getegid()})
    return could and plan.walled and bool(_GIVEN.search(line))


def explain_giving(line: str, path: str, plan: Plan) -> Denial | None:
    """Why a file was not given to another user or group, of a path in a line that speaks of it."""
    if not is_within(path, plan.view):
        return None
    if not os.path.lexists(path) and not re.search(rf"{re.escape(os.path.basename(path))}['\"’”]", line):
        return None
    why = "on the stage owners and groups of files stay as they are: change them outside, after the landing"
    return Denial(kind="process", target=path, certainty="likely", why=why)


def _of_another(path: str, root: str) -> str:
    """What root may write as it really is and a command of root's may not: the path, or the nearest folder that is there."""
    while is_within(path, root) and not os.path.lexists(path):
        path = os.path.dirname(path)
    found = _status(path) if is_within(path, root) else None
    if found is None or found.st_uid == 0 or stat.S_ISLNK(found.st_mode):
        return ""
    return path


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None


def _denial(place: str, why: str) -> Denial:
    found = _status(place)
    whose = f"user {found.st_uid}, group {found.st_gid}" if found else "somebody else"
    return Denial(kind="file", target=place, certainty="likely", why=f"it belongs to {whose}, and {why}")
