"""What the class of a failure means for what is done next; pure."""

from __future__ import annotations

import re
import sys
from difflib import get_close_matches

from msgspec import Struct

from assent_core.errors import EnvironmentFault
from assent_core.logs.digest import Digest, FailureClass
from assent_sandbox.policy import Denial, Widening

NETWORK = Widening("network")
MOST_RUNS = 3
"""How often the same content is run before a failure that comes and goes counts as one that stays."""


class Run(Struct, frozen=True, kw_only=True):
    """One failing run of the user's command, on known content."""

    digest: Digest
    content: str
    """The name of what was staged."""
    code: int = 1
    changed: tuple[str, ...] = ()
    """Paths that differ from the user's files."""
    denials: tuple[Denial, ...] = ()
    allowed: tuple[Widening, ...] = ()
    """What this run was allowed beyond the walls."""


class Place(Struct, frozen=True, kw_only=True):
    """What is known of where the command runs."""

    own: frozenset[str] = frozenset()
    """Names of the repository's own folders and files, without endings."""
    walled: bool = True
    asked: frozenset[Widening] = frozenset()
    """What was asked for already, or refused in this task."""


class Go(Struct, frozen=True):
    """Let the worker repair it."""


class Stop(Struct, frozen=True):
    """No edit of code can mend it: say what to do instead."""

    error: EnvironmentFault


class RunAgain(Struct, frozen=True):
    """Run it again on the same content before anything is touched."""

    why: str


class ShowOwnChange(Struct, frozen=True):
    """The worker's own change broke it: show it to the worker. `paths` are those of its files that the failure names."""

    paths: tuple[str, ...]


class AskGate(Struct, frozen=True):
    """The walls stand in the way: ask the user for exactly this."""

    widenings: tuple[Widening, ...]


Move = Go | Stop | RunAgain | ShowOwnChange | AskGate


def steer(now: Run, earlier: tuple[Run, ...], place: Place) -> Move:
    """What to do about a failing run, given the failing runs before it, the oldest first.

    Goes by what rules found alone: what a model says of a log steers nothing.
    """
    failure = now.digest.failure
    if (denied := _deniable(now, place)) or failure == "sandbox denial":
        return AskGate(denied) if denied else Go()
    if _comes_and_goes(now, earlier):
        again = sum(run.content == now.content for run in earlier) + 1 < MOST_RUNS
        return (
            RunAgain("The failure may come and go, so the command is run again before anything is changed.")
            if again
            else Go()
        )
    if paths := _own_edit(now, earlier):
        return ShowOwnChange(paths)
    if failure == "network" and place.walled and NETWORK not in place.asked and NETWORK not in now.allowed:
        return AskGate((NETWORK,))
    advice = _hidden(now) or beyond_code(now.digest, place.own)
    return Stop(EnvironmentFault(*advice)) if advice else Go()


def _hidden(now: Run) -> tuple[str, str] | None:
    """What to say of a program that is there but hidden from commands, and that nobody let them see."""
    for denial in now.denials:
        wanted = denial.widening
        if denial.certainty == "likely" or wanted is None or wanted.kind != "read" or wanted in now.allowed:
            continue
        whole = wanted.target != denial.target
        if whole or (now.digest.failure == "tool missing" and denial.target in now.digest.shown_by):
            hint = f"Allow it when you are asked, or add {wanted.target} to `readable` in your settings, and run this again."
            return f"A program is there, but hidden from commands: {denial.target}", hint
    return None


def beyond_code(digest: Digest, own: frozenset[str]) -> tuple[str, str] | None:
    """What is wrong with the machine and what to do about it; None where a change of the repository may mend it."""
    shown = digest.shown_by.strip()
    if digest.failure not in ADVICE or (digest.failure in SURE and not re.search(SURE[digest.failure], shown)):
        return None
    name = missing(shown)
    if _is_own(name, shown, own):
        return None
    what, hint = ADVICE[digest.failure]
    return f"{what}: {shown}", hint.format(name=name or "it")


ADVICE: dict[FailureClass, tuple[str, str]] = {
    "tool missing": (
        "A program is missing, so the command cannot be run here",
        "Install {name}, or name the program by a path that the stage shows (see `assent doctor`).",
    ),
    "dependency": (
        "A dependency is missing, and no change of the code brings it here",
        "Install {name} where the command finds it, for example with the project's own install command, and run this again.",
    ),
    "network": (
        "The network or a service is out of reach, and no change of the code brings it back",
        "Start the service or allow the network when you are asked, and run this again.",
    ),
    "environment": (
        "The machine is not set up for it, and no change of the code mends that",
        "Set up what the line above names, and run this again.",
    ),
    "resource": ("The disk is full", "Make room, and run this again."),
}
SURE: dict[FailureClass, str] = {
    "environment": r"GLIBC|shared libraries|different Python|requires Python|requires-python|nsupported engine|EBADENGINE"
    r"|nsupported class file|nvironment variable|not a git repository|ddress already in use|EADDRINUSE",
    "resource": r"No space left|Disk quota|ENOSPC",
}
"""Lines of these classes that are the machine's for certain; others may be the code's."""

NAMES = (
    re.compile(r"No module named '?([\w.-]{1,100})"),
    re.compile(r"(?:Cannot find (?:module|package)|Missing package) '?([^\s']{1,200})"),
    re.compile(r"(?:requirement|distribution found for) ([\w.-]{1,100})"),
    re.compile(r"no matching package named `([^`]{1,100})`"),
    re.compile(r"(?:providing package|provides package|package) ([\w./-]{1,200})(?: is not in|:|;|$)"),
    re.compile(r"cannot find -l([\w.-]{1,100})"),
    re.compile(r"(?:[Ff]ailed to spawn:? `?|Cannot run program \"|env: ['‘]?|spawn )([\w./+-]{1,100})"),
    re.compile(r"([\w./+-]{1,100}): (?:command )?not found"),
    re.compile(r"make(?:\[\d+\])?: ([\w./+-]{1,100}): No such file"),
    re.compile(r"directory: '([\w./+-]{1,100})'"),
)


def missing(line: str) -> str:
    """The module, package or program that a line says is missing, or nothing."""
    return next((found[1] for pattern in NAMES if (found := pattern.search(line))), "")


def _is_own(name: str, line: str, own: frozenset[str]) -> bool:
    """Whether what is missing is the repository's own, or reads like a slip of the pen: that is for the worker."""
    if name.startswith((".", "@/")) or "relative import" in line or "find module '/" in line:
        return True
    first = re.split(r"[./]", name)[0] if name else ""
    if not first:
        return False
    if first in own or name.rpartition("/")[2] in own:
        return True
    if "module named" not in line:
        return False
    known = [*own, *sys.stdlib_module_names]
    return any(sorted(first) == sorted(other) for other in known) or bool(get_close_matches(first, known, 1, 0.85))


def _deniable(now: Run, place: Place) -> tuple[Widening, ...]:
    """What the walls surely denied, can be allowed, and was not asked for yet."""
    sure = (denial.widening for denial in now.denials if denial.certainty == "sure" and denial.widening)
    wanted = tuple(dict.fromkeys(widening for widening in sure if widening not in now.allowed))
    return () if set(wanted) & place.asked else wanted


def _comes_and_goes(now: Run, earlier: tuple[Run, ...]) -> bool:
    """Whether the output says so, or the same content failed otherwise before."""
    if now.digest.failure == "flaky":
        return True
    same = [run for run in earlier if run.content == now.content and run.allowed == now.allowed]
    return any((run.code, set(run.digest.failing)) != (now.code, set(now.digest.failing)) for run in same)


def _own_edit(now: Run, earlier: tuple[Run, ...]) -> tuple[str, ...]:
    """Changed files that this failure names, where it is another failure than the one that the work began with."""
    if not earlier or now.content == earlier[0].content:
        return ()
    known = {_apart(finding.told) for run in earlier[:1] for finding in run.digest.findings}
    fresh = [finding for finding in now.digest.findings if _apart(finding.told) not in known and finding.path]
    worse = (
        now.digest.failure in ("build", "type", "lint", "dependency")
        and now.digest.failure != earlier[0].digest.failure
    )
    broke = set(now.digest.failing) - set(earlier[0].digest.failing)
    if not worse and not broke:
        return ()
    named = tuple(path for path in now.changed if any(_same_file(finding.path, path) for finding in fresh))
    return named or (now.changed if broke else ())


def _apart(told: str) -> str:
    """A finding without its numbers: lines move when a file is edited."""
    return re.sub(r"\d+", "", told)


def _same_file(said: str, path: str) -> bool:
    return (
        said == path or said.endswith(f"/{path}") or path.endswith(f"/{said.removeprefix('./')}") or said == f"./{path}"
    )


def advice(digest: Digest, own: frozenset[str], changed: tuple[str, ...]) -> str:
    """What the worker is told beside a failing command of its own, or nothing."""
    if beyond := beyond_code(digest, own):
        return (
            f"{beyond[0].partition(': ')[0]}. Do not edit code for it: ask for what it needs, or say what is missing."
        )
    if digest.failure == "flaky":
        return "This failure may come and go: run it again before you change anything."
    named = [path for path in changed if any(_same_file(finding.path, path) for finding in digest.findings[:50])]
    if digest.failure in ("build", "type") and named:
        return f"You changed a file that this names: {', '.join(named[:5])}."
    return ""
