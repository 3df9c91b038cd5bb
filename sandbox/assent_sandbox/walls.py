"""What this machine can enforce, found by trying: a real command behind all walls, then behind the lower ones."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import stat
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from assent_sandbox import programs
from assent_sandbox.cell import landlock, namespaces
from assent_sandbox.gaps import Gap, gaps_of
from assent_sandbox.mends import mend
from assent_sandbox.policy import Command, Ended, Policy, Tier, View
from assent_sandbox.running.run import SEATBELT, Walls
from assent_sandbox.sight.surroundings import MEND_MOUNTS, mounts_within, told_of_mounts
from assent_sandbox.stage import WallsError


class Wall(Struct, frozen=True, kw_only=True):
    """One thing that was tried: whether it held, what was seen, and what would mend it."""

    name: str
    ok: bool
    note: str = ""
    mend: str = ""


class Findings(Struct, frozen=True, kw_only=True):
    """The best tier of this machine for a state directory, every wall that was tried, and what the tier does not hold."""

    tier: Tier
    walls: tuple[Wall, ...]
    gaps: tuple[Gap, ...] = ()


class _Tried(Struct, frozen=True):
    """A tier that was tried: why it cannot be held, empty if it can; and what a command met behind its walls."""

    trouble: str
    walls: tuple[Wall, ...] = ()


_STEPS = (
    ("user namespace", ("new user namespace", "write /proc/self/")),
    ("own namespaces", ("new namespaces",)),
    ("overlay on the state directory", ("open overlay", "overlay ", "create overlay", "mount overlay", "create tmpfs")),
    ("own /proc", ("open proc", "create proc", "mount proc")),
)
"""The steps to the overlay tier in their order, and how an error of each begins."""
_SEEN = "the repository seen, and what is hidden not"
_UNWRITTEN = "nothing written outside"
_UNCHANGED = "modes outside unchanged"
_SIGNALS = "signals to other processes"
_CLOSES = {_UNCHANGED: ("attributes", "terminals", "abstract sockets"), _SIGNALS: ("signals",)}
"""Walls that stand where the kernel helps, and the gaps that they close: modes are held by the supervisor alone."""
_NETWORK = "no way to this machine's services"
_ALWAYS = {_SEEN: 'test -e seen && test "$(cat "$1")" = ""'}
"""What a tier must hold, as a test of the shell; `$1` is a file to hide, `$2` our own process."""
_BESIDES: dict[Tier, dict[str, str]] = {
    "overlay": {
        "process numbers of its own": 'test "$PPID" = 1',
        "no capabilities": "grep -q 'CapEff:.0*$' /proc/self/status",
    },
    "copy": {"memory of other processes": "! grep -q . /proc/$2/environ", _SIGNALS: "! kill -0 $2"},
}
"""What is held besides; where it is not, it is a gap."""
_ATTEMPTS = """echo x > "$1.new"
chmod 777 "$1"
command -v bash > /dev/null && bash -c 'exec 3<>/dev/tcp/127.0.0.1/'$3
true"""
"""What must not succeed, judged from outside: `$3` is a port of this machine."""


def find_walls(state_dir: Path, repository: Path | None = None) -> Findings:
    """Try every wall now; takes some tenths of a second and leaves nothing behind. Raises nothing.

    The tier is that of the machine; where a repository is named and cannot have the overlay tier, a wall says why.
    """
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(lambda: asyncio.run(_try_all(state_dir))).result()
    within = mounts_within(os.path.realpath(repository)) if repository and found.tier == "overlay" else ()
    if not within:
        return found
    wall = Wall(name="overlay over this repository", ok=False, note=told_of_mounts(within), mend=MEND_MOUNTS)
    return replace(found, walls=(*found.walls, wall))


async def _try_all(state_dir: Path) -> Findings:
    programs = (_program("git", "diffs of commits and drift are not seen"), _program("rg", "searches are slower"))
    if sys.platform == "darwin":
        seatbelt = _seatbelt()
        return _findings("copy" if seatbelt.ok else "unconfined", (seatbelt, *programs))
    if not sys.platform.startswith("linux") or namespaces.machine not in {"x86_64", "aarch64"}:
        wall = Wall(name="Linux on x86_64 or aarch64", ok=False, note=f"{sys.platform} {namespaces.machine}")
        return _findings("unconfined", (wall, *programs))
    if closed := _closed(state_dir):
        return _findings("unconfined", (closed, *programs))
    overlay = await _try("overlay", state_dir)
    lower = await _try("copy", state_dir) if overlay.trouble else None
    tier: Tier = "overlay" if lower is None else "copy" if not lower.trouble and landlock.version() else "unconfined"
    met = overlay.walls if lower is None else lower.walls
    below = lower.trouble if lower else ""
    return _findings(tier, (*_steps(overlay.trouble), _landlock(), _seccomp(overlay.trouble, below), *met, *programs))


def _findings(tier: Tier, walls: tuple[Wall, ...]) -> Findings:
    closed = {gap for wall in walls if wall.ok for gap in _CLOSES.get(wall.name, ())}
    return Findings(tier=tier, walls=walls, gaps=gaps_of(tier, landlock.version(), closed))


def _seatbelt() -> Wall:
    return Wall(
        name="Seatbelt",
        ok=os.path.exists(SEATBELT),
        note="its profile is not verified: it has never been run on a Mac yet",
        mend="sandbox-exec is part of macOS; it was not found.",
    )


def _closed(state_dir: Path) -> Wall | None:
    """What is told of a state directory in which nothing can be kept, so that nothing can be tried; None where it can."""
    try:
        os.makedirs(state_dir, mode=0o700, exist_ok=True)
        os.rmdir(tempfile.mkdtemp(prefix="probe-", dir=state_dir))
    except OSError as error:
        mend = "Give yourself access to it, make room, or name another: ASSENT_STATE_DIR."
        return Wall(name="a state directory to write to", ok=False, note=f"{state_dir}: {error.strerror}", mend=mend)
    return None


async def _try(tier: Tier, state_dir: Path) -> _Tried:
    """Run a command in a tier and see what it meets."""
    folder = Path(tempfile.mkdtemp(prefix="probe-", dir=state_dir))
    try:
        return await _probe(tier, folder)
    except WallsError as error:
        return _Tried(str(error))
    finally:
        _remove(folder)


async def _probe(tier: Tier, folder: Path) -> _Tried:
    for name in ("root", "copy", "home/upper", "home/work"):
        (folder / name).mkdir(parents=True)
    for name in ("root", "copy"):
        (folder / name / "seen").write_text("seen")
    secret = folder / "home" / "secret"
    secret.write_text("secret")
    secret.chmod(0o600)
    view = View(
        tier=tier,
        root=str(folder / "root"),
        home=str(folder / "home"),
        upper=str(folder / "home/upper"),
        work=str(folder / "home/work"),
        copy=str(folder / "copy"),
    )
    asked = _ALWAYS | _BESIDES.get(tier, {})
    script = "\n".join(f"( {test} ) > /dev/null 2>&1 && echo '{name}'" for name, test in asked.items())
    with socket.create_server(("127.0.0.1", 0)) as service:
        port = service.getsockname()[1]
        argv = ("/bin/sh", "-c", f"{script}\n{_ATTEMPTS}", "probe", str(secret), str(os.getpid()), str(port))
        ended = await _run(view, Command(argv=argv))
        held = set(ended.output.decode(errors="replace").splitlines())
        held |= {_NETWORK} if _was_quiet(service) else set()
    held |= set() if secret.with_suffix(".new").exists() else {_UNWRITTEN}
    held |= {_UNCHANGED} if stat.S_IMODE(secret.stat().st_mode) == 0o600 else set()
    walls = tuple(_met(name, name in held) for name in (*asked, _UNWRITTEN, _UNCHANGED, _NETWORK))
    fallen = [wall.name for wall in walls if not wall.ok and wall.name not in {*_BESIDES.get(tier, {}), _UNCHANGED}]
    return _Tried(f"a command did not meet what it should: {', '.join(fallen)}" if fallen else "", walls)


async def _run(view: View, command: Command) -> Ended:
    walls = await Walls.raise_around(view)
    try:
        last = [piece async for piece in walls.run(command, Policy())][-1]
    finally:
        await walls.close()
    assert isinstance(last, Ended)
    return last


def _was_quiet(service: socket.socket) -> bool:
    """Say whether nobody has connected."""
    service.setblocking(False)
    try:
        service.accept()[0].close()
    except BlockingIOError:
        return True
    return False


def _met(name: str, held: bool) -> Wall:
    return Wall(name=name, ok=held, mend="" if held else mend(name))


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
            walls.append(Wall(name=name, ok=False, note=trouble, mend=mend(name)))
            reached = False
        else:
            walls.append(Wall(name=name, ok=reached, note="" if reached else "not reached"))
    if trouble and not failed:
        walls.append(Wall(name="all walls together", ok=False, note=trouble))
    return tuple(walls)


def _landlock() -> Wall:
    abi = landlock.version()
    note = f"version {abi}" if abi else "not there"
    return Wall(name="Landlock", ok=bool(abi), note=note, mend="" if abi else mend("Landlock"))


def _seccomp(trouble: str, lower: str) -> Wall:
    refused = "seccomp" in trouble or "seccomp" in lower
    return Wall(
        name="filter of system calls", ok=not refused and not (trouble and lower), note=lower if refused else ""
    )


def _program(name: str, without: str) -> Wall:
    place = programs.find(name)
    return Wall(name=name, ok=bool(place), note=place or f"not installed: {without}")
