"""What the walls refused to a command, read from what it left behind and checked against the policy and the real files."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from typing import Literal

import msgspec

from assent_sandbox.destinations import PORTS, Destination, is_loopback, never_opened, read_destination
from assent_sandbox.policy import Denial, Ended, Widening
from assent_sandbox.sight.plan import Plan, is_within

_REFUSAL = re.compile(
    r"(?P<readonly>read-only file ?system|EROFS)"
    r"|(?P<denied>permission denied|EACCES|operation not permitted|EPERM)"
    r"|(?P<refused>connection refused|ECONNREFUSED)"
    r"|(?P<foreign>value too large for defined data type|EOVERFLOW)"
    r"|(?P<missing>no such file or directory|ENOENT|cannot find|not found)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"['\"`‘“]([^'\"`’”\n]{1,4096})['\"`’”]")
_BARE = re.compile(r"(?:^|[\s:=(])((?:~?/|[\w.@+-])[^\s:'\"`,;()<>]*)")
_URL = re.compile(r"\b(https?|ssh|git|ftp|wss?)://(?:[^@/\s]+@)?(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?")
_HOST = re.compile(
    r"(?i)(?:could not resolve host(?:name)?:? |failed to connect to |getaddrinfo \w+ |name or service not known: |host=['\"]"
    r"|unable to connect to |connect E\w+ |dial tcp:? (?:lookup )?)(\[[0-9a-f:.]+\]|[\w-]+(?:\.[\w-]+)*)"
    r"(?:(?:['\"],)? port[ =]|:)?(\d{1,5})?"
)
_NETWORK_TEXT = re.compile(
    r"(?i)could not resolve|name resolution|name or service not known|network is unreachable"
    r"|\bENETUNREACH\b|\bEAI_AGAIN\b|\bENOTFOUND\b"
    r"|getaddrinfo|failed to connect|newconnectionerror|socket: (?:operation not permitted|permission denied)"
    r"|can't create socket|unable to (?:look up|access) 'https?"
)
_PROCESS_TEXT = re.compile(
    r"(?i)no new privileges|must be setuid root|effective uid is not 0|unshare failed|operation not permitted.{0,40}namespace"
)
_NO_HOST = re.compile(r"(?:^|\.)(?:invalid|test|example|localhost|local|arpa)$")
_MOST_HOSTS = 5
_LIMITS = {
    "time": "it ran longer than it may",
    "memory": "it used more memory than it may",
    "processes": "it had more processes than it may",
    "disk": "it wrote more to disk than it may",
}
_FILE_TOO_LARGE = 128 + 25
_MOST_LINES = 1000
_LONGEST_LINE = 4096
_MOST_DENIALS = 20


def find_denials(
    ended: Ended,
    plan: Plan,
    refusals: int = 0,
    names: tuple[str, ...] = (),
    turned_away: tuple[Denial, ...] = (),
) -> tuple[Denial, ...]:
    """Give what was refused, each thing once.

    `refusals` counts the packets that found no route, `names` were looked for in vain, and the proxy `turned_away` the
    rest. Only what a wall itself saw is `sure`: a command can print whatever it likes. Which port a name was wanted for,
    and which address a packet went to, is read from the command and its output even then.
    """
    if not plan.walled:
        return tuple(_limits(ended))
    text = (ended.head + b"\n" + ended.tail).decode("utf-8", errors="replace")
    certainty = "sure" if ended.cause == "start" else "likely"
    network = _network(f"{' '.join(plan.argv)}\n{text}", text, plan, refusals, names)
    found = [*_limits(ended), *turned_away, *network, *_files(text, plan, certainty), *_processes(text)]
    once: dict[tuple[str, str], Denial] = {}
    for denial in found:
        once.setdefault((denial.kind, denial.target), denial)
    return tuple(once.values())[:_MOST_DENIALS]


def _limits(ended: Ended) -> Iterator[Denial]:
    if ended.cause in _LIMITS:
        yield Denial(kind="limit", target=ended.cause, certainty="sure", why=_LIMITS[ended.cause])
    elif ended.code == _FILE_TOO_LARGE:
        yield Denial(kind="limit", target="file", certainty="sure", why="it wrote a larger file than it may")


def _network(said: str, text: str, plan: Plan, refusals: int, names: tuple[str, ...]) -> Iterator[Denial]:
    """What was denied of the network; `said` is the command with its output, `text` the output alone."""
    if plan.network:
        return
    wanted = [name for name in names if not _NO_HOST.search(name)]
    for name in wanted[:_MOST_HOSTS]:
        yield _unreached(name, read_destination(name, _port(name, said)), plan, "sure")
    if not wanted and (refusals or _NETWORK_TEXT.search(text)):
        found = _named(text) or _named(said)
        yield _unreached(str(found or ""), found, plan, "sure" if refusals else "likely")


def _unreached(name: str, wanted: Destination | None, plan: Plan, certainty: Literal["sure", "likely"]) -> Denial:
    """The denial of one host; the whole network is what it takes where a host cannot be opened, or was and is not enough."""
    why, widening = "commands have no network beyond their own loopback", Widening("network")
    if wanted and wanted.host in {found.host for found in map(read_destination, plan.hosts) if found}:
        why = "the consent opens it through the proxy in the environment alone, and the program goes past that"
    elif wanted and _is_closed(wanted):
        widening = None
    elif wanted and plan.spaces:
        widening = Widening("host", str(wanted))
    target = str(wanted) if wanted else name
    return Denial(kind="network", target=target, certainty=certainty, why=why, widening=widening)


def _is_closed(wanted: Destination) -> bool:
    """Whether no consent to a host would lead there: never opened, our own, or a name without a domain."""
    bare = wanted.address is None and "." not in wanted.host
    return bare or bool(never_opened(wanted.host)) or is_loopback(wanted.host)


def _named(text: str) -> Destination | None:
    """The host that a text names first, and its port."""
    if found := _HOST.search(text):
        return read_destination(found[1], int(found[2] or 0) or _port(found[1], text))
    if found := _URL.search(text):
        return read_destination(found[2], int(found[3] or 0) or PORTS[found[1].lower()])
    return None


def _port(name: str, text: str) -> int:
    """The port at which a host was most likely wanted, by the addresses in a text; that of https if it does not say."""
    for found in _URL.finditer(text):
        if found[2].lower() == name.lower():
            return int(found[3] or 0) or PORTS[found[1].lower()]
    if found := re.search(rf"(?i)(?<![\w.-]){re.escape(name)}(?::| port |['\"], port=)(\d{{1,5}})\b", text):
        return int(found[1])
    remote = re.search(rf"(?i)(?:\w@|\bssh(?: -\S+)* ){re.escape(name)}\b", text)
    return PORTS["ssh"] if remote else PORTS["https"]


def _processes(text: str) -> Iterator[Denial]:
    if _PROCESS_TEXT.search(text):
        why = "commands gain no privileges and make no namespaces"
        yield Denial(kind="process", target="privileges", certainty="likely", why=why, widening=Widening("unconfined"))


def _files(text: str, plan: Plan, certainty: Literal["sure", "likely"]) -> Iterator[Denial]:
    """Refused files that the output names; the policy and the real files confirm each, not that it was ever asked for."""
    lines = text.splitlines()
    kept = lines if len(lines) <= 2 * _MOST_LINES else lines[:_MOST_LINES] + lines[-_MOST_LINES:]
    for line in (line[:_LONGEST_LINE] for line in kept):
        refusal = _REFUSAL.search(line)
        if refusal:
            for path in _paths(line, plan):
                denial = _judge(path, refusal.lastgroup or "", plan)
                if denial:
                    yield msgspec.structs.replace(denial, certainty=certainty)


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
    why = (
        "it is hidden from commands"
        if wanted.kind in ("read", "socket")
        else "it is outside the repository and read-only"
    )
    return Denial(kind="file", target=path, certainty="likely", why=why, widening=wanted)


def _secret(path: str, plan: Plan) -> Denial | None:
    for name in plan.masked:
        if is_within(path, os.path.join(plan.view, name)):
            why = "its name says that it holds a secret"
            return Denial(kind="secret", target=name, certainty="likely", why=why, widening=Widening("secret", name))
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
    return Denial(kind="file", target=path, certainty="likely", why=why)


def _wanted(path: str, how: str, plan: Plan) -> Widening | None:
    """The widening without which this path is refused although we ourselves could use it; None if the walls are not why."""
    if _is_socket(path):
        opened = any(is_within(path, each.path) for each in plan.shown)
        return Widening("socket", path) if plan.spaces and not opened else None
    if how == "refused":
        return None
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


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def _could_write(path: str) -> bool:
    return os.access(path if os.path.lexists(path) else os.path.dirname(path), os.W_OK)
