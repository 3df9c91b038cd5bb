"""What would give a better tier: for a wall that fell, the switch of this machine that felled it and how to turn it."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct


class Switch(Struct, frozen=True):
    """A setting of the kernel: where it stands, at which value it fells a wall, for whom, and how to turn it."""

    path: str
    fells: str
    turn: str
    spares_root: bool = False


SWITCHES: dict[str, tuple[Switch, ...]] = {
    "user namespace": (
        Switch("user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=10000"),
        Switch(
            "kernel/unprivileged_userns_clone",
            "0",
            "sudo sysctl -w kernel.unprivileged_userns_clone=1",
            spares_root=True,
        ),
        Switch(
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "Ubuntu's AppArmor forbids it: give the Python that runs assent a profile with `userns,` in /etc/apparmor.d, "
            "or: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
            spares_root=True,
        ),
    ),
    "own namespaces": tuple(
        Switch(f"user/max_{kind}_namespaces", "0", f"sudo sysctl -w user.max_{kind}_namespaces=10000")
        for kind in ("net", "mnt", "pid", "ipc", "uts")
    ),
}
_OTHERWISE = {
    "user namespace": "Allow user namespaces: sysctl user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns; "
    "in a container, its seccomp profile.",
    "own namespaces": "Allow namespaces: sysctl user.max_net_namespaces and its kin; "
    "on Ubuntu, an AppArmor profile with `userns,`.",
    "overlay on the state directory": "Put the state directory on a disk or tmpfs (XDG_STATE_HOME), not on an overlay or network "
    "file system; Linux 5.12 or later.",
    "own /proc": "Start the container with an uncovered /proc (for docker: --security-opt systempaths=unconfined).",
    "Landlock": "Boot with Landlock enabled: lsm=landlock,... on the kernel's command line; Linux 5.13 or later.",
    "signals to other processes": "Linux 6.12 or later, or namespaces.",
    "modes outside unchanged": "Linux 5.14 or later, or namespaces.",
}
_CONTAINER = (
    "A filter of system calls is on assent itself, as in a container: start it with one that allows unshare and mount "
    "(for docker: --security-opt seccomp=unconfined --security-opt systempaths=unconfined)."
)


def mend(wall: str, settings: Path = Path("/proc/sys"), status: Path = Path("/proc/self/status")) -> str:
    """What would put up a wall that fell; empty if that is not known. The switches are read, never trusted to be all."""
    turned = [switch.turn for switch in SWITCHES.get(wall, ()) if _is_felling(switch, settings)]
    if not turned and wall in SWITCHES and "Seccomp:\t2" in _read(status):
        turned = [_CONTAINER]
    return "; ".join(turned) or _OTHERWISE.get(wall, "")


def _is_felling(switch: Switch, settings: Path) -> bool:
    root = os.geteuid() == 0 and switch.spares_root
    return not root and _read(settings / switch.path).strip() == switch.fells


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
