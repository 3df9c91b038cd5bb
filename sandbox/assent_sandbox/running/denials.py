"""What the walls refused to a command: what they saw themselves, and what it wrote, checked against the policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from assent_sandbox.destinations import PORTS, Destination, is_loopback, never_opened, read_destination
from assent_sandbox.policy import Denial, Ended, Widening
from assent_sandbox.running.refusals import refused_files
from assent_sandbox.running.wording import Wording
from assent_sandbox.sight.plan import Plan

_URL = re.compile(r"\b(https?|ssh|git|ftp|wss?)://(?:[^@/\s]+@)?(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?")
_HOST = re.compile(
    r"(?i)(?:could not resolve host(?:name)?:? |failed to connect to |getaddrinfo \w+ |name or service not known: |host=['\"]"
    r"|unable to connect to |connect E\w+ |dial tcp:? (?:lookup )?)(\[[0-9a-f:.]+\]|[\w-]+(?:\.[\w-]+)*)"
    r"(?:(?:['\"],)? port[ =]|:)?(\d{1,5})?"
)
_NETWORK_TEXT = Wording(
    r"could not resolve|name resolution|name or service not known|network is unreachable"
    r"|\bENETUNREACH\b|\bEAI_AGAIN\b|\bENOTFOUND\b"
    r"|getaddrinfo|failed to connect|newconnectionerror|socket: (?:operation not permitted|permission denied)"
    r"|can't create socket|unable to (?:look up|access) 'https?",
    "could not resolve", "name resolution", "name or service not known", "network is unreachable",
    "enetunreach", "eai_again", "enotfound", "getaddrinfo", "failed to connect", "newconnectionerror", "socket: ",
    "can't create socket", "unable to look up", "unable to access",
)  # fmt: skip
_PROCESS_TEXT = Wording(
    r"no new privileges|must be setuid root|effective uid is not 0|unshare failed|operation not permitted.{0,40}namespace",
    "no new privileges", "must be setuid root", "effective uid is not 0", "unshare failed", "operation not permitted",
)  # fmt: skip
_NO_HOST = re.compile(r"(?:^|\.)(?:invalid|test|example|localhost|local|arpa)$")
_MOST_HOSTS = 5
_LIMITS = {
    "time": "it ran longer than it may",
    "memory": "it used more memory than it may",
    "processes": "it had more processes than it may",
    "disk": "it wrote more to disk than it may",
}
_FILE_TOO_LARGE = 128 + 25
_MOST_DENIALS = 20


def find_denials(
    ended: Ended,
    plan: Plan,
    refusals: int = 0,
    names: tuple[str, ...] = (),
    turned_away: tuple[Denial, ...] = (),
) -> tuple[Denial, ...]:
    """Give what was refused, each thing once and as surely as anything says so.

    `refusals` counts the packets that found no route, `names` were looked for in vain, and the proxy `turned_away` the
    rest. Of the network only what a wall itself saw is `sure`; which port a name was wanted for, and which address a
    packet went to, is read from the command and its output even then. What is sure of a file, `refusals.py` says.
    """
    if not plan.walled:
        return tuple(_limits(ended))
    text = (ended.head + b"\n" + ended.tail).decode("utf-8", errors="replace")
    network = _network(f"{' '.join(plan.argv)}\n{text}", text, plan, refusals, names)
    found = [*_limits(ended), *turned_away, *network, *refused_files(text, plan, ended), *_processes(text)]
    once: dict[tuple[str, str], Denial] = {}
    for denial in found:
        known = once.setdefault((denial.kind, denial.target), denial)
        if (known.certainty, denial.certainty) == ("likely", "sure"):
            once[denial.kind, denial.target] = denial
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
