"""Files that the walls refused, read from what a command wrote and checked against the policy and the real files.

No wall of the kernel tells afterwards which path it refused, and asking about each path while a command runs would cost
it dearly. What can be known for certain afterwards is what the walls *would* answer: a path that the policy hides or
keeps from writing, and that is there and open to us outside, is refused by them and by nothing else. So a refusal is
`sure` when the output of a failed command says it of such a path, in the words for exactly that refusal.

That the command truly touched the path is then still its own word, which it can forge. It gains nothing by that: it
could touch the path instead, and what follows is a question about one exact path. What only *prints* words, a log with
an old error in it, could raise that question too; therefore it stays `likely`, and nobody is asked by itself, where the
command succeeded, where the line is a warning, where a key or a socket is meant, where the words have a cause besides
the walls (a file that is missing, unless it is a program or the command itself names it; an operation that is not
permitted), where a program says in words of its own that it could not make or open something, and not why.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from functools import cache
from typing import Literal

import msgspec

from assent_sandbox.policy import Denial, Ended, Widening
from assent_sandbox.running.wording import Wording
from assent_sandbox.sight import foreign
from assent_sandbox.sight.plan import Plan, is_within
from assent_sandbox.sight.toolchains import hops, installation

_REFUSAL = Wording(
    r"(?P<readonly>read-only file ?system|EROFS)"
    r"|(?P<denied>permission denied|EACCES)"
    r"|(?P<forbidden>operation not permitted|EPERM)"
    r"|(?P<refused>connection refused|ECONNREFUSED)"
    r"|(?P<foreign>value too large for defined data type|EOVERFLOW)"
    r"|(?P<invalid>invalid argument|EINVAL)"
    r"|(?P<missing>no such file|directory nonexistent|ENOENT|cannot find|not found)",
    "read-only file", "erofs", "permission denied", "eacces", "operation not permitted", "eperm", "connection refused",
    "econnrefused", "value too large", "eoverflow", "invalid argument", "einval", "no such file", "directory nonexistent",
    "enoent", "cannot find", "not found",
)  # fmt: skip
_OWN_WORDS = Wording(
    r"\b(?:could not|couldn't|cannot|can't|unable to|failed to|trying to) "
    r"(?:(?P<unmade>create|make|write|lock)|(?P<unopened>open|read|access))\b",
    "could not", "couldn't", "cannot", "can't", "unable to", "failed to", "trying to",
)  # fmt: skip
"""What a failed program says of a file where it does not pass on the words of the system."""
_MAKING = re.compile(r"(?i)\b(?:cannot|can't|could not|couldn't|unable to|failed to) (?:touch|create|make|write)\b")
_QUOTED = re.compile(r"['\"`‘“]([^'\"`’”\n]{1,4096})['\"`’”]")
_BARE = re.compile(r"(?:^|[\s:=(])((?:~?/|[\w.@+-])[^\s:'\"`,;()<>]*)")
_HOME = re.compile(r"\$HOME\b|\$\{HOME\}")
_WARNING = re.compile(r"(?i)\bwarn")
_MOST_LINES = 1000
_LONGEST_LINE = 4096
_MOST_PATHS = 10_000

How = Literal[
    "readonly", "denied", "forbidden", "refused", "foreign", "invalid", "missing", "unmade", "unopened", "unreached"
]


def refused_files(text: str, plan: Plan, ended: Ended) -> Iterator[Denial]:
    """The files that the output of a command says were refused and that the walls do refuse, as they come.

    Each path is judged once for all lines that say the same of it, and only so many paths are.
    """
    asked = frozenset(_paths(_HOME.sub("~", " ".join(plan.argv)), plan))
    wholes = {whole for path in asked if (whole := _installation(path, plan))} if ended.code else set[str]()

    @cache
    def judge(path: str, how: How) -> Denial | None:
        how = "missing" if how == "unreached" and os.path.lexists(path) else how
        denial = _judge(path, how, plan) or _led_to(path, how, plan)
        if denial is None:
            return None
        sure = ended.cause == "start" or _has_one_cause(path, denial.target, how, plan, asked)
        denial = _with_installation(denial, wholes, plan)
        return msgspec.structs.replace(denial, certainty="sure" if sure else "likely")

    lines = text.splitlines()
    kept = lines if len(lines) <= 2 * _MOST_LINES else lines[:_MOST_LINES] + lines[-_MOST_LINES:]
    for line in dict.fromkeys(line[:_LONGEST_LINE] for line in kept):
        refusal = _REFUSAL.search(line) or (_OWN_WORDS.search(line) if ended.code else None)
        if refusal is None:
            continue
        how: How = refusal.lastgroup  # pyright: ignore[reportAssignmentType] # a group of the pattern
        if how == "missing" and _MAKING.search(line):
            how = "unreached"
        given = foreign.speaks_of_giving(line, plan)
        believed = ended.cause == "start" or (ended.code != 0 and not _WARNING.search(line))
        for path in _paths(line, plan):
            if judge.cache_info().currsize >= _MOST_PATHS:
                return
            if denial := (foreign.explain_giving(line, path, plan) if given else None) or judge(path, how):
                yield denial if believed else msgspec.structs.replace(denial, certainty="likely")


def _has_one_cause(path: str, target: str, how: How, plan: Plan, asked: frozenset[str]) -> bool:
    """Whether these words about this path come from the walls alone, wherever its links lead; keys and sockets never do.

    `target` is what the walls hide or keep from writing: the path itself, or what it leads to.
    """
    real = os.path.realpath(path)
    secret = _secret(path, plan) is not None
    if not secret and any(is_within(each, place) for each in (target, real) for place in plan.blank):
        return False
    if how == "unreached":
        return plan.spaces and not os.path.lexists(path) and _hides(os.path.dirname(path), plan)
    if _is_socket(path) or how in ("forbidden", "refused", "invalid", "unmade", "unopened"):
        return False
    if how == "missing" and path not in asked and not _is_program(target):
        return False
    if not secret and how == "denied" and is_within(target, plan.view):
        return False
    covered = plan.spaces and how == "missing"
    return secret or covered or real == path or _judge(real, how, plan) is not None


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _installation(path: str, plan: Plan) -> str:
    """The installation among whose programs a hidden file is; empty for anything else."""
    whole = installation(path, plan.hidden)
    return whole if whole and os.path.isfile(path) and _hides(path, plan) else ""


def _with_installation(denial: Denial, wholes: Collection[str], plan: Plan) -> Denial:
    """The same, but what lies in the installation of a hidden program is shown with all of that: it is of no use alone.

    `wholes` are the installations of programs that the command names.
    """
    if denial.widening is None or denial.widening.kind != "read":
        return denial
    own = _installation(denial.target, plan)
    whole = own or next((each for each in sorted(wholes) if is_within(denial.target, each)), "")
    return msgspec.structs.replace(denial, widening=Widening("read", whole)) if whole else denial


def _paths(line: str, plan: Plan) -> Iterator[str]:
    """Everything in a line that could be a path, absolute and normalised."""
    home = dict(plan.environment).get("HOME", "")
    for candidate in (*_QUOTED.findall(line), *_BARE.findall(line)):
        path = home + candidate[1:] if candidate.startswith("~/") and home else candidate
        if "\0" not in path:
            yield os.path.normpath(os.path.join(plan.workdir, path))


def _judge(path: str, how: How, plan: Plan) -> Denial | None:
    """The denial of a path that the walls refuse in this way; None for what they do not."""
    seen = is_within(path, plan.view)
    if any(is_within(path, place) and not (seen and is_within(plan.view, place)) for place in plan.never):
        return None
    if secret := _secret(path, plan):
        withheld = how == "missing" and not plan.spaces and not os.path.lexists(path)
        return secret if withheld or how in ("denied", "forbidden") else None
    if seen:
        return foreign.explain(path, how, plan)
    wanted = _wanted(path, how, plan)
    if wanted is None and not (how in ("unmade", "unreached") and _keeps_from_making(path, plan)):
        return None
    hidden = wanted.kind in ("read", "socket") if wanted else _hides(path, plan)
    why = "it is hidden from commands" if hidden else "it is outside the repository and read-only"
    return Denial(kind="file", target=path, certainty="likely", why=why, widening=wanted)


def _led_to(path: str, how: How, plan: Plan) -> Denial | None:
    """The denial of the place outside to which a link that a command sees leads, by one step or more."""
    if not any(is_within(path, place) for place in (plan.view, *(each.path for each in plan.shown))):
        return None
    outside = (place for place in hops(path) if place != path and not is_within(place, plan.view))
    return next((denial for place in outside if (denial := _judge(place, how, plan))), None)


def _secret(path: str, plan: Plan) -> Denial | None:
    for name in plan.masked:
        if is_within(path, os.path.join(plan.view, name)):
            why = "its name says that it holds a secret"
            return Denial(kind="secret", target=name, certainty="likely", why=why, widening=Widening("secret", name))
    return None


def _wanted(path: str, how: How, plan: Plan) -> Widening | None:
    """The widening without which this path is refused although we ourselves could use it; None if the walls are not why."""
    if _is_socket(path):
        opened = any(is_within(path, each.path) for each in plan.shown)
        return Widening("socket", path) if plan.spaces and not opened else None
    if how == "refused":
        return None
    may_read = not _hides(path, plan)
    writable = how != "readonly" and any(is_within(path, place) for place in plan.writable)
    if how not in ("readonly", "unmade", "unreached") and not may_read and os.access(path, os.R_OK):
        return Widening("read", path)
    if how not in ("missing", "unopened") and not writable and _could_write(path):
        return Widening("write", path)
    return None


def _keeps_from_making(path: str, plan: Plan) -> bool:
    """Whether the walls alone keep something from being made with the folders that it needs: no consent opens that at once."""
    nearest = path
    while nearest != "/" and not os.path.lexists(nearest):
        nearest = os.path.dirname(nearest)
    kept = not any(is_within(path, place) for place in plan.writable)
    return kept and nearest != path and os.path.isdir(nearest) and os.access(nearest, os.W_OK)


def _hides(path: str, plan: Plan) -> bool:
    if any(is_within(path, place) for place in plan.blank):
        return True
    if any(is_within(path, each.path) for each in plan.shown):
        return False
    hidden = any(is_within(path, place) for place in plan.hidden)
    return hidden or not any(is_within(path, place) for place in (*plan.readable, *plan.writable))


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def _could_write(path: str) -> bool:
    return os.access(path if os.path.lexists(path) else os.path.dirname(path), os.W_OK)
