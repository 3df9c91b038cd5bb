"""What the warden is to do for one command: a policy and a view, put in terms of the kernel."""

from __future__ import annotations

import os
from collections.abc import Mapping

from msgspec import Struct

from assent_sandbox.policy import CREDENTIALS, NARROW, Command, Limits, Policy, View, Widening
from assent_sandbox.sight.environment import build_environment, proxied


class Layers(Struct, frozen=True, kw_only=True):
    """An overlay: `lower` under `upper`, with the kernel's `work` folder, seen at `lower` itself.

    `between` are the layers of other stages that lie between the two, the uppermost first.
    """

    lower: str
    upper: str
    work: str
    between: tuple[str, ...] = ()


class Shown(Struct, frozen=True, kw_only=True):
    """A file or folder of the host that is put at a path although something there was hidden."""

    path: str
    source: str
    writable: bool = False


class Plan(Struct, frozen=True, kw_only=True):
    """One command and its walls; paths absolute, sizes in bytes.

    `spaces` = own mount, process, ipc and host-name namespaces; `walled` = everything outside is read-only or hidden,
    Landlock and the filter of system calls are on.
    """

    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    workdir: str
    limits: Limits
    spaces: bool
    walled: bool
    network: bool
    view: str
    """Where the command finds the repository."""
    layers: tuple[Layers, ...] = ()
    """The repository first, then what belongs to it elsewhere."""
    hidden: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = ()
    blank: tuple[str, ...] = ()
    """Files and folders outside the overlay that are not shown."""
    masked: tuple[str, ...] = ()
    """The same inside the overlay, relative to it."""
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    """What no consent shows to a command."""
    hosts: tuple[str, ...] = ()
    """The `name:port` that the proxy lets through."""
    exits: tuple[tuple[int, int], ...] = ()
    """Ports of the command's loopback that lead out of it, each to a port of this machine's loopback; 0 is the proxy."""
    identity: tuple[str, str] = ("", "")
    """A file to show, by its path and its text: git's configuration with the user's name and nothing else."""
    watched: str = ""
    """A folder whose growth counts against the limit on disk."""


class Surroundings(Struct, frozen=True, kw_only=True):
    """What was found on this machine for a command: our environment, tools under home, secret files, sockets."""

    variables: Mapping[str, str]
    home: str
    toolchains: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """Relative to the repository."""
    behind: tuple[str, ...] = ()
    """What secret links of the repository lead to outside of it."""
    foreign: tuple[str, ...] = ()
    """Files and folders of owners whom a stage does not have, relative to the repository, the outer ones first."""
    packages: tuple[str, ...] = ()
    """What there is of `PACKAGES`."""
    beside: tuple[str, ...] = ()
    """The folders at the root of this machine that are not the system's."""
    strewn: tuple[str, ...] = ()
    """The files there."""
    sockets: tuple[str, ...] = ()
    git: str = ""
    """The main git folder of a linked worktree, outside the repository."""
    identity: str = ""
    """The user's name and address, as a configuration file of git."""


def is_within(path: str, folder: str) -> bool:
    """Say whether a normalised path is a folder or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/nix", "/gnu", "/snap", "/sys",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/loadavg", "/proc/uptime", "/proc/version", "/proc/filesystems",
    "/proc/sys",
)  # fmt: skip
"""What may be read of the system, in either tier; the overlay tier has a /proc of its own."""
PACKAGES = (
    "/var/lib/dpkg", "/var/lib/rpm", "/var/lib/pacman", "/var/lib/ca-certificates", "/var/lib/gems", "/var/lib/ghc",
    "/var/lib/texmf", "/var/cache/fontconfig",
)  # fmt: skip
"""What packages keep besides, and tools need; the rest of /var is other people's."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts")
_PROXY = 61080
"""Where the proxy listens in a command's own network: above the ports that the kernel gives out by itself."""
_MOST_PORTS = 50
_KEYS_OF_ROOT = (
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssl/private",
)


def tmp_of(view: View) -> str:
    """Where commands of a view have their temporary files."""
    return "/tmp" if view.tier == "overlay" else os.path.join(view.home, "tmp")


def plan(view: View, command: Command, policy: Policy, around: Surroundings) -> Plan:
    """Put one command's policy in terms of the kernel; everything that it does not allow is refused."""
    tmp = tmp_of(view)
    overlay = view.tier == "overlay"
    walled = view.tier != "unconfined" and not policy.allows("unconfined")
    network = policy.allows("network") or not walled
    masked = _masked(view, policy, around)
    exits = _exits(policy) if overlay and not network else ()
    environment = build_environment(view, command, policy, around.variables, tmp)
    environment = proxied(environment, next((port for port, target in exits if not target), 0))
    return Plan(
        argv=command.argv,
        environment=tuple(environment.items()),
        workdir=os.path.normpath(os.path.join(view.path, command.workdir)),
        limits=policy.limits,
        spaces=overlay,
        walled=walled,
        network=network,
        view=view.path,
        layers=_layers(view, around) if overlay else (),
        hidden=_hidden(view, around),
        shown=_shown(policy, around),
        blank=_blank(view, around, policy) + (() if overlay else tuple(os.path.join(view.root, p) for p in masked)),
        masked=masked,
        readable=_readable(view, policy, around),
        writable=_writable(view, policy, around, tmp),
        never=own_folders(view),
        hosts=_granted(policy, "host") if exits else (),
        exits=exits,
        identity=_identity(view, policy, around, tmp),
        watched=view.home,
    )


def _layers(view: View, around: Surroundings) -> tuple[Layers, ...]:
    """The repository, and its main git folder where that lies elsewhere: what is committed there stays in the stage."""
    between = tuple(f"{home}/upper" for home in view.beneath)
    layers = [Layers(lower=view.root, upper=view.upper, work=view.work, between=between)]
    if around.git:
        upper, work = git_folders(view.home)
        between = tuple(git_folders(home)[0] for home in view.beneath)
        layers.append(Layers(lower=around.git, upper=upper, work=work, between=between))
    return tuple(layers)


def git_folders(home: str) -> tuple[str, str]:
    """Upper and work of the layer over a main git folder that lies outside of the repository."""
    return os.path.join(home, "git", "upper"), os.path.join(home, "git", "work")


def _granted(policy: Policy, kind: str) -> tuple[str, ...]:
    return tuple(widening.target for widening in policy.widenings if widening.kind == kind)


def unheld(view: View, policy: Policy) -> tuple[Widening, ...]:
    """What was granted that a tier cannot hold: without a network of its own, a command has all of it or none."""
    if view.tier != "copy" or policy.allows("network") or policy.allows("unconfined"):
        return ()
    return tuple(each for each in policy.widenings if each.kind in NARROW)


def _identity(view: View, policy: Policy, around: Surroundings, tmp: str) -> tuple[str, str]:
    """Where git looks for the user's own settings; nothing where home is not hidden or those settings are shown."""
    path = os.path.join(around.home if view.tier == "overlay" else tmp, ".gitconfig")
    seen = (view.root, *policy.readable, *_granted(policy, "read"), *_granted(policy, "write"))
    hidden = view.tier == "copy" or not any(is_within(path, place) for place in seen)
    return (path, around.identity) if around.identity and hidden and view.tier != "unconfined" else ("", "")


def _exits(policy: Policy) -> tuple[tuple[int, int], ...]:
    """The granted ports of this machine, each at its own number, and the proxy at one that is free."""
    ports = sorted({int(target) for target in _granted(policy, "loopback")})[:_MOST_PORTS]
    proxy = next(port for port in range(_PROXY, _PROXY + len(ports) + 1) if port not in ports)
    ways = [(port, port) for port in ports]
    return tuple([*ways, (proxy, 0)] if _granted(policy, "host") else ways)


def _shown(policy: Policy, around: Surroundings) -> tuple[Shown, ...]:
    read_only = (*around.toolchains, *policy.readable, *_granted(policy, "read"))
    shown = {path: Shown(path=path, source=path) for path in (*around.packages, *read_only)}
    shown |= {path: Shown(path=path, source=path, writable=True) for path in _granted(policy, "write")}
    shown |= {path: Shown(path=path, source=path) for path in map(os.path.realpath, _granted(policy, "socket"))}
    if policy.allows("network"):
        resolver = os.path.realpath("/etc/resolv.conf")
        if resolver.startswith("/run/"):
            shown[resolver] = Shown(path=resolver, source=resolver)
    return tuple(shown.values())


def _readable(view: View, policy: Policy, around: Surroundings) -> tuple[str, ...]:
    if view.tier == "overlay":
        return ("/",)
    git = (around.git,) if around.git else ()
    return (*SYSTEM, *PACKAGES, *around.toolchains, *policy.readable, *view.borrowed, *_granted(policy, "read"), *git)


def _writable(view: View, policy: Policy, around: Surroundings, tmp: str) -> tuple[str, ...]:
    if view.tier == "overlay":
        return (
            view.root,
            *((around.git,) if around.git else ()),
            "/tmp",
            "/var/tmp",
            "/run",
            "/dev",
            *_granted(policy, "write"),
        )
    return (view.copy, tmp, *DEVICES, *_granted(policy, "write"))


def _hidden(view: View, around: Surroundings) -> tuple[str, ...]:
    """Whole folders that are covered; one in the repository lies under its overlay anyway."""
    own = (path for path in own_folders(view) if not is_within(path, view.root))
    places = ("/home", "/root", "/tmp", "/var/tmp", "/run", "/dev", *around.beside)
    return tuple(dict.fromkeys((around.home, *places, *own)))


def _blank(view: View, around: Surroundings, policy: Policy) -> tuple[str, ...]:
    allowed = (*_granted(policy, "read"), *_granted(policy, "write"), *policy.readable)
    talked_to = (*map(os.path.realpath, _granted(policy, "socket")), *policy.readable)
    keys = (os.path.join(around.home, name) for name in CREDENTIALS)
    files = (
        path
        for path in (*_KEYS_OF_ROOT, *keys, *around.behind, *around.strewn)
        if not any(is_within(each, path) for each in allowed)
    )
    sockets = (path for path in around.sockets if path not in talked_to)
    return (*files, *sockets, *(path for path in own_folders(view) if not is_within(view.root, path)))


def _masked(view: View, policy: Policy, around: Surroundings) -> tuple[str, ...]:
    """Secret files that were not granted; keys and our own folders too, where home is (in) the repository."""
    beneath = keys_within(view.root, around.home)
    secrets = (path for path in (*around.secrets, *beneath) if not policy.allows("secret", path))
    return tuple(dict.fromkeys((*secrets, *(closed_within(view) if view.tier == "overlay" else ()))))


def keys_within(root: str, home: str) -> tuple[str, ...]:
    """The well-known places of keys under home that lie in a repository, relative to it."""
    places = (os.path.join(home, name) for name in CREDENTIALS)
    return tuple(os.path.relpath(path, root) for path in places if path != root and is_within(path, root))


def own_folders(view: View) -> tuple[str, ...]:
    """What is assent's own: nobody sees it from a stage."""
    return tuple(dict.fromkeys((view.home, *view.beneath, *view.closed)))


def closed_within(view: View) -> tuple[str, ...]:
    """assent's own folders that lie in the repository, relative to it."""
    inside = (path for path in own_folders(view) if path != view.root and is_within(path, view.root))
    return tuple(os.path.relpath(path, view.root) for path in inside)
