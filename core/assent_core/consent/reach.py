"""What a proposal touches outside the stage, and how that reads in words; pure but for looking at paths.

A patch that leads out of the repository or into `.git` is a mistake, not a reach: whoever applies it tells the model so.
"""

from __future__ import annotations

import os
import stat
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import assert_never

from assent_core.consent.commands import visible
from assent_core.diffs.patches import paths
from assent_core.proposals import Delegate, Patch, Proposal, Read, Search, Shell
from assent_sandbox.destinations import is_loopback, never_opened, read_destination, read_port, read_wish
from assent_sandbox.policy import CREDENTIALS, Policy, Widening

CODE = Path(__file__).resolve().parents[1]
_OWN = "assent's own state or a key store lies there, and those are never opened to a command"
_PROCESSES = (
    Path("/proc"),
    Path("/dev/fd"),
    Path("/dev/stdin"),
    Path("/dev/stdout"),
    Path("/dev/stderr"),
    Path("/dev/mem"),
    Path("/dev/kmem"),
)
"""Where the memory, the variables and the open files of processes are."""
KEY_PLACES = frozenset({".ssh", ".gnupg", ".aws", ".kube", ".docker", ".netrc", ".azure", "gcloud", ".password-store"})
_MASTER = "Whoever can talk to it controls this machine."
_STARTER = "It can be asked to run programs outside the walls."
POWERS = {
    "docker": _MASTER, "containerd": _MASTER, "podman": _MASTER, "crio": _MASTER, "libvirt": _MASTER, "lxd": _MASTER,
    ":2375;": _MASTER, ":2376;": _MASTER, "systemd": _STARTER, "dbus": _STARTER, "/bus": _STARTER, "tmux": _STARTER,
    "X11-unix": "It can see the screen and type keys.", "wayland": "It can see the screen and type keys.",
    "ssh": "It can use the keys that this agent holds.", "agent": "It can use the keys that this agent holds.",
    ":9222;": "A browser can be led through it, with all that you are logged in to.",
}  # fmt: skip
"""What the name of a socket or a port says about who listens there."""


def reach(proposal: Proposal, root: Path, policy: Policy, view: Path | None = None) -> tuple[Widening, ...]:
    """The widenings that a proposal asks for or cannot do without, sorted; empty means harmless.

    `view` is where commands find the repository if that is not at `root`: absolute paths below it are the repository's too.
    """
    match proposal:
        case Shell(needs=needs):
            found = [_asked_for(need, root, policy, view) for need in needs]
        case Read(path=path, needs=needs):
            found = [_asked_for(need, root, policy, view) for need in needs]
            found.append(touched(locate(path, root, view), root, policy))
        case Search(path=path):
            found = [touched(locate(path, root, view), root, policy)]
        case Patch(text=text):
            found = [touched(place, root, policy) for place in paths(text, *map(str, filter(None, (view, root))))]
        case Delegate():
            found = []
        case _:
            assert_never(proposal)
    return tuple(sorted({widening for widening in found if widening}))


def locate(path: str, root: Path, view: Path | None = None) -> str:
    """Where a path of the model leads: relative to the repository in POSIX form, or absolute if it is outside.

    Purely by its text: `..` is folded, `~/` is the user's home, links are not followed.
    """
    whole = os.path.normpath(root / os.path.expanduser(path) if path.startswith(("~/", "/")) else root / path)  # noqa: PTH111
    for base in (root, view):
        if base is not None and Path(whole).is_relative_to(base):
            return Path(whole).relative_to(base).as_posix()
    return whole


def is_secret(path: str, policy: Policy) -> bool:
    """Whether the name of a file in the repository is one of those whose contents are masked; case does not matter."""
    name = PurePosixPath(path).name.casefold()

    def matches(patterns: tuple[str, ...]) -> bool:
        return any(fnmatchcase(name, pattern.casefold()) for pattern in patterns)

    return matches(policy.secrets) and not matches(policy.public)


def phrase(widening: Widening) -> str:
    """What the widening permits, in a few words that fit after 'until this task ends:'."""
    target = visible(widening.target)
    match widening.kind:
        case "read":
            return f"read {target}"
        case "write":
            return f"change {target}"
        case "secret":
            return f"read the secret file {target}"
        case "host":
            return f"connect to {target}"
        case "loopback":
            return f"connect to port {target} of this machine"
        case "socket":
            return f"talk through the socket {target}"
        case "network":
            return "use the network"
        case "unconfined":
            return "run without any walls"
        case _:
            assert_never(widening.kind)


def effect(widening: Widening) -> str:
    """In one plain sentence, what this widening lets happen."""
    target = visible(widening.target)
    match widening.kind:
        case "read":
            return f"It can read {target}{_below(widening)} and pass it on to the model's service.{_warning(widening)}"
        case "write":
            return (
                f"It can change or delete {target}{_below(widening)} for real: no review, no undo.{_warning(widening)}"
            )
        case "secret":
            return f"It can read the secret file {target} and pass its contents on to the model's service."
        case "host":
            return f"It can connect to {target}{_whose(widening)}, and to no other host, and send there whatever it can read."
        case "loopback":
            return f"It can use what listens on port {target} of this machine as if it were you.{_control(widening)}"
        case "socket":
            return f"It can use what listens at {target}{_below(widening)} as if it were you.{_control(widening)}"
        case "network":
            return (
                "It can connect to any host and to the services of this machine, and send there whatever it can read."
            )
        case "unconfined":
            return "It runs without walls: it can read, change, delete and send everything that you can."
        case _:
            assert_never(widening.kind)


def hard_refusal(widening: Widening, root: Path, own: Path) -> str:
    """Why nobody may consent to this widening, or nothing. Links are looked through; `own` is assent's state directory."""
    target = widening.target
    if widening.kind in ("network", "unconfined"):
        return f"malformed: {widening.kind} takes no target" if target else ""
    if "\0" in target or target in ("", "."):
        return f"malformed: {widening.kind} needs a target, an exact path"
    if widening.kind == "host":
        return _refused_host(target)
    if widening.kind == "loopback":
        return "" if str(read_port(target)) == target else "malformed: loopback needs a port from 1 to 65535"
    if widening.kind == "secret":
        if target.startswith("/") or ".." in PurePosixPath(target).parts:
            return "malformed: a secret is a file of the repository, named by its relative path"
        if _is_folder(root / target):
            return "a secret is one file, and this is a folder; name each file that is needed"
        return _OWN if _meets_own(root / target, own) else ""
    if os.path.normpath(target) != target or not target.startswith("/") or target.startswith("//"):
        return f"malformed: {widening.kind} needs an absolute path without '..'"
    places = {Path(target), Path(os.path.realpath(target))}
    if _meets_own(Path(target), own):
        return _OWN
    if any(place.is_relative_to(of) for place in places for of in _PROCESSES):
        return "what processes hold, assent's own keys among it, is never opened"
    if widening.kind == "write" and any(_meet(place, CODE) for place in places):
        return "assent's own program lies there, and nobody may change it from inside"
    if widening.kind in ("read", "write") and any(map(is_socket, map(str, places))):
        return "it is a socket, and those are opened by a need of kind socket alone"
    if widening.kind == "socket" and any(place.is_relative_to(root) for place in places):
        return "a socket in the repository cannot be reached from the stage"
    if widening.kind == "write" and any(_meet(place, root) for place in places):
        return "the real repository, its .git included, changes by landing alone; write on the stage instead"
    return ""


def _refused_host(target: str) -> str:
    found = read_destination(target)
    if found is None or str(found) != target:
        return "malformed: host needs one host and port, such as example.org:443, in small letters"
    if is_loopback(found.host):
        return "malformed: a port of this machine is of kind loopback"
    return never_opened(found.host)


def in_words(proposal: Proposal, most: int = 2000) -> str:
    """The proposal as one line that is safe to print; says so if it is cut."""
    match proposal:
        case Shell(command=command, workdir=workdir):
            text = f"run in {workdir}: {command}" if workdir != "." else f"run: {command}"
        case Patch(text=text):
            text = f"edit: {text}"
        case Read(path=path):
            text = f"read: {path}"
        case Search(pattern=pattern, path=path):
            text = f"search in {path}: {pattern}"
        case Delegate(tasks=tasks):
            text = "delegate: " + "; ".join(f"{task.name}: {task.task}" for task in tasks)
        case _:
            assert_never(proposal)
    return visible(text if len(text) <= most else f"{text[:most]} [... {len(text) - most} more characters]")


def _asked_for(need: Widening, root: Path, policy: Policy, view: Path | None) -> Widening | None:
    """A need of the model's, made exact: reading in the repository needs nothing unless it is a secret."""
    if need.kind == "secret":
        return Widening("secret", locate(need.target, root, view))
    if need.kind == "read" and need.target:
        return touched(locate(need.target, root, view), root, policy)
    if need.kind == "host" and (found := read_wish(need.target)):
        return Widening("loopback", str(found.port)) if is_loopback(found.host) else Widening("host", str(found))
    if need.kind == "write" and need.target:
        place = locate(need.target, root, view)
        return Widening("write", place if place.startswith("/") else os.path.normpath(root / place))
    return need


def touched(place: str, root: Path, policy: Policy) -> Widening | None:
    """What opening one located place reaches now; whoever opens it asks again, for a link may have been put there meanwhile."""
    return Widening("read", place) if place.startswith("/") else _secret(place, root, policy)


def _secret(place: str, root: Path, policy: Policy) -> Widening | None:
    """A secret by its own name, or by the name of the file that a link in the repository leads to."""
    if "\0" in place or _is_folder(root / place):
        return None
    if is_secret(place, policy) or _is_key(root / place):
        return Widening("secret", place)
    real = locate(os.path.realpath(root / place), Path(os.path.realpath(root)))
    hidden = not real.startswith("/") and (is_secret(real, policy) or _is_key(root / real))
    return Widening("secret", real) if hidden else None


def _is_key(path: Path) -> bool:
    """Whether a file lies where programs keep keys under home; those in the repository matter, where that holds home."""
    home = Path.home()
    return any(path.is_relative_to(home / name) for name in CREDENTIALS)


def _below(widening: Widening) -> str:
    real = os.path.realpath(widening.target)
    elsewhere = f" (really {visible(real)})" if real != widening.target else ""
    return elsewhere + (" and everything below it" if _is_folder(Path(real)) else "")


def _warning(widening: Widening) -> str:
    places = set(PurePosixPath(widening.target).parts) | set(PurePosixPath(os.path.realpath(widening.target)).parts)
    return " This is a place where keys are kept." if places & KEY_PLACES else ""


def _whose(widening: Widening) -> str:
    found = read_destination(widening.target)
    private = found and found.address and not found.address.is_global
    return " (an address of a private network)" if private else ""


def _control(widening: Widening) -> str:
    """What a service that is more than it looks like lets happen."""
    parts = PurePosixPath(os.path.realpath(widening.target)).parts[-2:]
    real = "/".join(parts) if widening.kind == "socket" else f":{widening.target};"
    return next((f" {words}" for sign, words in POWERS.items() if sign in real), "")


def _meets_own(path: Path, own: Path) -> bool:
    """Whether a path leads to, into or above assent's own state and settings, or a key store."""
    places = {path, Path(os.path.realpath(path))}
    return any(_meet(place, store) for place in places for store in (own, *_key_stores()))


def _meet(one: Path, other: Path) -> bool:
    """Whether one path is the other or lies above or below it."""
    real = Path(os.path.realpath(other))
    return any(one.is_relative_to(place) or place.is_relative_to(one) for place in (other, real))


def _key_stores() -> tuple[Path, ...]:
    """Where assent's settings and the usual keyrings lie."""
    from platformdirs import user_config_path, user_data_path, user_state_path

    data, home = user_data_path(), Path.home()
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    agents = (runtime / "keyring", runtime / "gnupg")
    rings = (data / "keyrings", data / "python_keyring", data / "kwalletd", home / "Library" / "Keychains")
    config = os.environ.get("ASSENT_CONFIG_DIR") or user_config_path("assent")
    return (Path(config).absolute(), user_state_path("assent"), *rings, *agents)


def is_socket(path: str) -> bool:
    """Whether something is listening there, or was."""
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)  # noqa: PTH116  # a path of any text
    except (OSError, ValueError):
        return False


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112  # unlike Path.is_dir, a name too long is no error
