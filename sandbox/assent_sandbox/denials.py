"""What the walls refused to a command, read from what it left behind and checked against the policy and the real files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from assent_sandbox.plan import Plan, is_within
from assent_sandbox.policy import Denial, Ended, Widening

_REFUSAL = re.compile(
    r"(?P<readonly>read-only file ?system|EROFS)"
    r"|(?P<denied>permission denied|EACCES|operation not permitted|EPERM)"
    r"|(?P<foreign>value too large for defined data type|EOVERFLOW)"
    r"|(?P<missing>no such file or directory|ENOENT|cannot find|not found)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"['\"`‘“]([^'\"`’”\n]{1,4096})['\"`’”]")
_BARE = re.compile(r"(?:^|[\s:=(])((?:~?/|[\w.@+-])[^\s:'\"`,;()<>]*)")
_URL = re.compile(r"\b(?:https?|ssh|git|ftp|wss?)://(?:[^@/\s]+@)?([\w.-]+)")
_HOST = re.compile(
    r"(?i)(?:could not resolve host(?:name)?:? |failed to connect to |getaddrinfo \w+ |name or service not known: |host=['\"]"
    r"|unable to connect to |dial tcp:? lookup )([\w-]+(?:\.[\w-]+)*)"
)
_NETWORK_TEXT = re.compile(
    r"(?i)could not resolve|name resolution|name or service not known|network is unreachable"
    r"|\bENETUNREACH\b|\bEAI_AGAIN\b|\bENOTFOUND\b"
    r"|getaddrinfo|failed to connect|newconnectionerror|socket: (?:operation not permitted|permission denied)"
    r"|can't create socket|unable to (?:look up|access) 'https?"
)
_LIMITS = {
    "time": "it ran longer than it may",
    "memory": "it used more memory than it may",
    "disk": "it wrote more to disk than it may",
}
_FILE_TOO_LARGE = 128 + 25
_MOST_LINES = 1000
_LONGEST_LINE = 4096
_MOST_DENIALS = 20


def find_denials(ended: Ended, plan: Plan, refusals: int, turned_away: tuple[Denial, ...] = ()) -> tuple[Denial, ...]:
    """Give what was refused, each thing once; `refusals` counts the packets that found no route.

    Only what a wall itself counted, or what the real files confirm, is `sure`.
    """
    if not plan.walled:
        return tuple(_limits(ended))
    text = (ended.head + b"\n" + ended.tail).decode("utf-8", errors="replace")
    found = [*_limits(ended), *turned_away, *_network(text, plan, refusals), *_files(text, plan)]
    return tuple(dict.fromkeys(found))[:_MOST_DENIALS]


def _limits(ended: Ended) -> Iterator[Denial]:
    if ended.cause in _LIMITS:
        yield Denial(kind="limit", target=ended.cause, certainty="sure", why=_LIMITS[ended.cause])
    elif ended.code == _FILE_TOO_LARGE:
        yield Denial(kind="limit", target="file", certainty="sure", why="it wrote a larger file than it may")


def _network(text: str, plan: Plan, refusals: int) -> Iterator[Denial]:
    if plan.network:
        return
    if refusals or _NETWORK_TEXT.search(text):
        named = _HOST.search(text) or _URL.search(" ".join(plan.argv)) or _URL.search(text)
        yield Denial(
            kind="network",
            target=named[1] if named else "",
            certainty="sure" if refusals else "likely",
            why="commands have no network beyond their own loopback",
            widening=Widening("network"),
        )


def _files(text: str, plan: Plan) -> Iterator[Denial]:
    lines = text.splitlines()
    kept = lines if len(lines) <= 2 * _MOST_LINES else lines[:_MOST_LINES] + lines[-_MOST_LINES:]
    for line in (line[:_LONGEST_LINE] for line in kept):
        refusal = _REFUSAL.search(line)
        if refusal:
            for path in _paths(line, plan):
                denial = _judge(path, refusal.lastgroup or "", plan)
                if denial:
                    yield denial


def _paths(line: str, plan: Plan) -> Iterator[str]:
    """Everything in a line that could be a path, absolute and normalised."""
    home = dict(plan.environment).get("HOME", "")
    for candidate in (*_QUOTED.findall(line), *_BARE.findall(line)):
        path = home + candidate[1:] if candidate.startswith("~/") and home else candidate
        if "\0" not in path:
            yield os.path.normpath(os.path.join(plan.workdir, path))


def _judge(path: str, how: str, plan: Plan) -> Denial | None:
    secret = _secret(path, plan)
    if any(is_within(path, place) for place in plan.never):
        return None
    if secret:
        return secret if how == "denied" else None
    if how == "foreign":
        return _foreign(path)
    if is_within(path, plan.view):
        return None
    wanted = _wanted(path, how, plan)
    if wanted is None:
        return None
    why = "it is hidden from commands" if wanted.kind == "read" else "it is outside the repository and read-only"
    return Denial(kind="file", target=path, certainty="sure", why=why, widening=wanted)


def _secret(path: str, plan: Plan) -> Denial | None:
    for name in plan.masked:
        if is_within(path, os.path.join(plan.view, name)):
            why = "its name says that it holds a secret"
            return Denial(kind="secret", target=name, certainty="sure", why=why, widening=Widening("secret", name))
    return None


def _foreign(path: str) -> Denial | None:
    """A file that cannot be written in the stage because its owner or group does not exist there."""
    try:
        state = os.lstat(path)
    except OSError:
        return None
    if state.st_uid == os.getuid() and state.st_gid == os.getgid():
        return None
    why = f"it belongs to user {state.st_uid}, group {state.st_gid}, whom the stage does not have"
    return Denial(kind="file", target=path, certainty="sure", why=why)


def _wanted(path: str, how: str, plan: Plan) -> Widening | None:
    """The widening without which this path is refused although we ourselves could use it; None if the walls are not why."""
    may_read = not _hides(path, plan)
    writable = how != "readonly" and any(is_within(path, place) for place in plan.writable)
    if how != "readonly" and not may_read and os.access(path, os.R_OK):
        return Widening("read", path)
    if how != "missing" and not writable and _could_write(path):
        return Widening("write", path)
    return None


def _hides(path: str, plan: Plan) -> bool:
    if any(is_within(path, place) for place in plan.blank):
        return True
    if any(is_within(path, each.path) for each in plan.shown):
        return False
    hidden = any(is_within(path, place) for place in plan.hidden)
    return hidden or not any(is_within(path, place) for place in (*plan.readable, *plan.writable))


def _could_write(path: str) -> bool:
    return os.access(path if os.path.lexists(path) else os.path.dirname(path), os.W_OK)
