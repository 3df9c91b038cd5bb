"""What this machine can enforce, found by trying: a real command behind all walls, then behind the lower ones."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from assent_sandbox import landlock, namespaces
from assent_sandbox.policy import Command, Ended, Policy, Tier, View
from assent_sandbox.run import Walls
from assent_sandbox.stage import WallsError


class Wall(Struct, frozen=True, kw_only=True):
    """One thing that was tried: whether it held, what was seen, and what would mend it."""

    name: str
    ok: bool
    note: str = ""
    mend: str = ""


class Findings(Struct, frozen=True, kw_only=True):
    """The best tier of this machine for a state directory, and every wall that was tried."""

    tier: Tier
    walls: tuple[Wall, ...]


_STEPS = (
    ("user namespace", ("new user namespace", "write /proc/self/")),
    ("own namespaces", ("new namespaces",)),
    ("overlay on the state directory", ("open overlay", "overlay ", "create overlay", "mount overlay", "create tmpfs")),
    ("own /proc", ("open proc", "create proc", "mount proc")),
)
"""The steps to the overlay tier in their order, and how an error of each begins."""
_MENDS = {
    "user namespace": "Allow user namespaces: sysctl user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns; "
    "in a container, its seccomp profile.",
    "own namespaces": "Allow namespaces: sysctl user.max_net_namespaces and its kin; "
    "on Ubuntu, an AppArmor profile with `userns`.",
    "overlay on the state directory": "Put the state directory on a disk or tmpfs (XDG_STATE_HOME), not on an overlay or network "
    "file system; Linux 5.11 or later.",
    "own /proc": "Start the container with an uncovered /proc (for docker: --security-opt systempaths=unconfined).",
}
_PROBE = 'test -e seen && test "$(cat "$1" 2>/dev/null)" = ""'


def find_walls(state_dir: Path) -> Findings:
    """Try every wall now; takes some tenths of a second and leaves nothing behind. Raises nothing."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(_try_all(state_dir))).result()


async def _try_all(state_dir: Path) -> Findings:
    programs = (_program("git", "diffs of commits and drift are not seen"), _program("rg", "searches are slower"))
    if sys.platform == "darwin":
        seatbelt = shutil.which("sandbox-exec") is not None
        wall = Wall(name="Seatbelt", ok=seatbelt, note="not verified by trying")
        return Findings(tier="copy" if seatbelt else "unconfined", walls=(wall, *programs))
    if not sys.platform.startswith("linux") or namespaces.machine not in {"x86_64", "aarch64"}:
        wall = Wall(name="Linux on x86_64 or aarch64", ok=False, note=f"{sys.platform} {namespaces.machine}")
        return Findings(tier="unconfined", walls=(wall, *programs))
    trouble = await _try("overlay", state_dir)
    lower = await _try("copy", state_dir) if trouble else ""
    tier: Tier = "overlay" if not trouble else "copy" if not lower and landlock.version() else "unconfined"
    return Findings(tier=tier, walls=(*_steps(trouble), _landlock(), _seccomp(trouble, lower), *programs))


async def _try(tier: Tier, state_dir: Path) -> str:
    """Why a tier cannot be held here; empty if a command ran in it and saw its view and no other file."""
    try:
        os.makedirs(state_dir, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="probe-", dir=state_dir))
    except OSError as error:
        return f"overlay {state_dir}: {error.strerror}"
    try:
        return await _probe(tier, folder)
    except WallsError as error:
        return str(error)
    finally:
        _remove(folder)


async def _probe(tier: Tier, folder: Path) -> str:
    for name in ("root", "copy", "home/upper", "home/work"):
        (folder / name).mkdir(parents=True)
    for name in ("root", "copy"):
        (folder / name / "seen").write_text("seen")
    secret = folder / "home" / "secret"
    secret.write_text("secret")
    view = View(
        tier=tier,
        root=str(folder / "root"),
        home=str(folder / "home"),
        upper=str(folder / "home/upper"),
        work=str(folder / "home/work"),
        copy=str(folder / "copy"),
    )
    walls = await Walls.raise_around(view)
    try:
        command = Command(argv=("/bin/sh", "-c", _PROBE, "probe", str(secret)))
        last = [piece async for piece in walls.run(command, Policy())][-1]
    finally:
        await walls.close()
    held = isinstance(last, Ended) and last.code == 0
    return "" if held else "a command saw what it should not, or did not see its view"


def _remove(folder: Path) -> None:
    """The kernel leaves a folder of mode 000 in an overlay's work folder."""
    for path in (folder / "home/work").glob("*"):
        path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _steps(trouble: str) -> tuple[Wall, ...]:
    """What is known of each step to the overlay tier: those before the one that failed held."""
    failed = next((name for name, begins in _STEPS if any(begin in trouble for begin in begins)), "")
    walls: list[Wall] = []
    reached = True
    for name, _ in _STEPS:
        if name == failed:
            walls.append(Wall(name=name, ok=False, note=trouble, mend=_MENDS[name]))
            reached = False
        else:
            walls.append(Wall(name=name, ok=reached, note="" if reached else "not reached"))
    if trouble and not failed:
        walls.append(Wall(name="all walls together", ok=False, note=trouble))
    return tuple(walls)


def _landlock() -> Wall:
    abi = landlock.version()
    mend = (
        "" if abi else "Boot with Landlock enabled: lsm=landlock,... on the kernel's command line; Linux 5.13 or later."
    )
    return Wall(name="Landlock", ok=bool(abi), note=f"version {abi}" if abi else "not there", mend=mend)


def _seccomp(trouble: str, lower: str) -> Wall:
    refused = "seccomp" in trouble or "seccomp" in lower
    return Wall(
        name="filter of system calls", ok=not refused and not (trouble and lower), note=lower if refused else ""
    )


def _program(name: str, without: str) -> Wall:
    place = shutil.which(name)
    return Wall(name=name, ok=place is not None, note=place or f"not installed: {without}")
