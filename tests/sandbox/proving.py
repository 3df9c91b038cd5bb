"""Makes a disposable host, lets attempts and controls run against it, and judges on its side what came of them.

As a program: `proving.py TIER FOLDER BEYOND GROUP...` prints what went wrong as JSON; the tier `bare` has no walls and lives
in namespaces that end with it, and what is printed is which attempts did not succeed there. `forbidden` is the copy tier,
found by itself where no user namespace can be made.
"""

# ruff: noqa: E402, E501, PTH115, PTH118, PTH123 - it is a program too; its host is plain paths and kernel calls

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import json
import os
import pty
import resource
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import termios
import threading
import time
from contextlib import suppress
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2] / room) for room in ("sandbox", "tests", "core")]

from assent_sandbox.cell import landlock, namespaces
from assent_sandbox.output import readable
from assent_sandbox.policy import Command, Ended, Limits, Policy, Widening
from assent_sandbox.stage import File, Link, Stage, StageError
from assent_sandbox.tiers import open_stage
from sandbox import brought, controls, escapes, second

_libc = ctypes.CDLL(None, use_errno=True)
_libc.shmat.restype = ctypes.c_void_p
STRICT = os.environ.get("STRICT") == "1"
"""Whether attempts that depend on the machine must succeed too where there are no walls."""
MANY = sys.argv[1:2] == ["copy"] and "reads" in sys.argv
"""Whether an ignored folder is made large, so that it is linked rather than copied."""
PATIENCE = 60.0
"""Seconds after which something counts as never coming, on a machine that may be slow."""
_OVERSHOT = 10
"""By how much a bomb may exceed its limit on disk before a watch, which a busy machine may delay, has seen it."""
SECRETS = (
    ".ssh/id_ed25519", ".gnupg/key", ".aws/credentials", ".config/gh/hosts.yml", ".kube/config", ".docker/config.json", ".netrc",
    ".git-credentials", ".npmrc", ".pypirc", ".bash_history", ".cargo/credentials.toml",
)  # fmt: skip


class Terminal:
    """The terminal of whoever runs us: what is written or typed into it by others is heard."""

    def __init__(self) -> None:
        self._master, self.slave = pty.openpty()
        self.name = os.ttyname(self.slave)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with suppress(OSError):
            os.setsid()
        with suppress(OSError):
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        os.set_blocking(self._master, False)

    def heard(self) -> bytes:
        waiting = fcntl.ioctl(self.slave, termios.FIONREAD, b"\0" * 4)
        termios.tcflush(self.slave, termios.TCIFLUSH)
        with suppress(BlockingIOError, OSError):
            return os.read(self._master, 4096)
        return b"typed" if any(waiting) else b""


class World:
    """A repository, a home, things outside, listeners and a process on a host, and how they were at first."""

    def __init__(self, base: Path, beyond: Path, terminal: Terminal, moment: float) -> None:
        self.moment = moment
        """Seconds that an attempt waits for what the host does meanwhile."""
        self.canary, self.mark = f"canary-{secrets.token_hex(6)}", f"assent-{secrets.token_hex(6)}"
        self.terminal = terminal
        self.places = os.environ.get("ELSEWHERE", "").split()
        self.root, self.home, self.out = base / "repo", base / "home", base / "out"
        self.open, self.state = beyond / "open", base / "state"
        for folder in (self.root, self.home, self.out, self.open):
            folder.mkdir(parents=True)
        self._make_files()
        self._make_repository()
        brought.furnish_elsewhere([*self.places, str(self.open)], self.mark, self.canary)
        self._make_listeners()
        self._make_shared()
        self._make_victim()
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name in ("PATH", "LANG", "PYTHONPATH", "GROUP", "DISK", "ELSEWHERE")
        } | {"HOME": str(self.home), "OPENAI_API_KEY": self.canary, "GIT_CONFIG_NOSYSTEM": "1"}
        own = brought.path_of(self.root, self.home, self.places[0] if self.places else "")
        beside = [each for each in self.environment["PATH"].split(":") if str(self.home.parent.parent) not in each]
        self.environment["PATH"] = ":".join((f"{self.home}/.cargo/bin", *beside, own))
        self.before = self.look()
        self.stands = self._standing()
        self.threads: list[threading.Thread] = []
        self.over = threading.Event()
        self.found: list[str] = []

    def names(self, view: Path) -> dict[str, str]:
        """What a script knows of its surroundings."""
        tcp, tcp6, udp, udp6 = (str(door.getsockname()[1]) for door in self.doors[:4])
        return {
            "ROOT": str(self.root), "VIEW": str(view), "OUT": str(self.out), "OPEN": str(self.open), "STATE": str(self.state),
            "TRAP": str(self.out / "trap"), "MARK": self.mark, "VICTIM": str(self.victim.pid), "US": str(os.getpid()),
            "TCP": tcp, "TCP6": tcp6, "UDP": udp, "UDP6": udp6, "LISTEN": str(self.listen), "KEY": str(self.key),
            "TERMINAL": self.terminal.name, "DISK": os.environ.get("DISK", "1:1"), "GROUP": os.environ.get("GROUP", "0"),
            "LINK": self.link, "ADDRESS": "127.0.0.1", "MOMENT": str(self.moment), "ELSEWHERE": " ".join(self.places[1:]),
            "QUEUE": str(self.queue), "SEMAPHORES": str(self.semaphores), "MEMORY": str(self.memory),
            "TOOLS": "".join(self.places[:1]), "BESIDE": "".join(self.places[1:2]),
        }  # fmt: skip

    def _make_files(self) -> None:
        text = f"key={self.canary}\n"
        for name in (*SECRETS, f".ssh/{self.canary}.pub"):
            (self.home / name).parent.mkdir(parents=True, exist_ok=True)
            (self.home / name).write_text(text)
        for name in (".cargo/bin/tool", ".bashrc", ".profile", ".cache/pip/wheel"):
            (self.home / name).parent.mkdir(parents=True, exist_ok=True)
            (self.home / name).write_text("#!/bin/sh\necho tool\n")
            (self.home / name).chmod(0o755)
        (self.home / ".gitconfig").write_text(
            '[user]\n\tname = "Nöme \\"x\\""\n\temail = n@x\n[credential]\n\tusername = ' + self.canary + "\n"
        )
        (self.home / ".config" / "git").mkdir(parents=True, exist_ok=True)
        (self.home / ".config" / "git" / "ignore").write_text("*.swp\n")
        (self.out / "victim").write_text("victim\n")
        (self.open / "victim").write_text("victim\n")
        (self.open / "locked").write_text("")
        (self.out / "trap").write_text(f"#!/bin/sh\n: > {self.out}/trapped\nexec cat\n")
        (self.out / "trap").chmod(0o755)
        brought.furnish_home(self.home, self.canary)
        self.held = os.open(self.open / "victim", os.O_RDWR)
        os.set_inheritable(self.held, True)
        for folder in ("/tmp", "/var/tmp", "/dev/shm"):
            Path(folder, f"shown-{self.mark}").write_text(self.canary)
        self.lock = os.open(self.open / "locked", os.O_RDWR)

    def _make_repository(self) -> None:
        (self.root / "sub").mkdir()
        (self.root / "a.txt").write_text("hello\n")
        (self.root / "sub" / "b.txt").write_text("b\n")
        (self.root / "other").mkdir()
        (self.root / "other" / "o.txt").write_text("o\n")
        (self.root / ".gitignore").write_text("\n".join((".env", "*.key", "large/", *brought.IGNORED, "")))
        _commit(self.root)
        brought.furnish_repository(self.root, self.home, self.open, self.canary)
        (self.root / ".env").write_text(f"KEY={self.canary}\n")
        (self.root / "sub" / "tls.key").write_text(f"{self.canary}\n")
        (self.root / "large" / "deep").mkdir(parents=True)
        for number in range(1100 if MANY else 0):
            (self.root / "large" / str(number)).touch()
        for name in ("large/.env", "large/deep/.env"):
            (self.root / name).write_text(f"KEY={self.canary}\n")

    def _make_listeners(self) -> None:
        self.doors = [
            socket.socket(family, kind)
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)
            for family in (socket.AF_INET, socket.AF_INET6)
        ]
        for door in self.doors:
            door.bind(("127.0.0.1" if door.family == socket.AF_INET else "::1", 0))
        for kind, names in (
            (socket.SOCK_STREAM, (f"{self.home}/s", f"{self.open}/s", f"{self.root}/s", f"/tmp/s-{self.mark}", f"\0{self.mark}")),
            (socket.SOCK_DGRAM, (f"{self.home}/d", f"{self.open}/d", f"\0d-{self.mark}")),
        ):  # fmt: skip
            for name in names:
                self.doors.append(socket.socket(socket.AF_UNIX, kind))
                self.doors[-1].bind(name)
        self.doors.append(brought.listen_at(self.home / ".cargo/s"))
        for door in self.doors:
            self._listen(door)
        self.spare = socket.socket()
        self.spare.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.spare.bind(("127.0.0.1", 0))  # held, so that nobody else on the host listens there
        self.listen = self.spare.getsockname()[1]
        self.link = next((name for _, name in socket.if_nameindex() if name != "lo"), "none-here")

    @staticmethod
    def _listen(door: socket.socket) -> None:
        if door.type == socket.SOCK_STREAM:
            door.listen()
        door.settimeout(0)

    def _make_shared(self) -> None:
        """System V memory, a message queue, a key in the kernel's keyring."""
        self.key = int(self.mark[-6:], 16)
        self.memory = _libc.shmget(self.key, 4096, 0o1666)
        ctypes.memmove(_libc.shmat(self.memory, None, 0), self.canary.encode(), len(self.canary))
        self.queue = _libc.msgget(self.key, 0o1666)
        message = (1).to_bytes(8, sys.byteorder) + self.canary.encode()
        for _ in range(3):
            _libc.msgsnd(self.queue, message, len(self.canary), 0)
        self.semaphores = _libc.semget(self.key, 1, 0o1666)
        queue = _libc.mq_open(f"/{self.mark}".encode(), os.O_RDWR | os.O_CREAT, 0o666, None)
        _libc.mq_send(queue, self.canary.encode(), len(self.canary), 0)
        os.close(queue)
        number = {"x86_64": 248, "aarch64": 217}[namespaces.machine]
        with suppress(OSError):
            namespaces.system_call("key", number + 2 if number == 248 else 219, 1, None)
            namespaces.system_call(
                "key", number, b"user", self.mark.encode(), self.canary.encode(), len(self.canary), -3
            )

    def _make_victim(self) -> None:
        with open(self.home / ".ssh" / "id_ed25519", "rb") as file:
            self.victim = subprocess.Popen(
                ["sleep", "600", "0." + str(int(self.canary[7:], 16))],
                env={"KEY": self.canary},
                cwd=self.root,
                pass_fds=[file.fileno()],
                start_new_session=True,
            )
        self.named = "0." + str(int(self.canary[7:], 16))
        while "S (" not in Path(f"/proc/{self.victim.pid}/status").read_text():
            time.sleep(0.001)

    def look(self) -> dict[str, object]:
        """Everything of the host that a command could have changed."""
        found: dict[str, object] = {}
        for top in (self.root, self.home, self.out, self.open, *self.places):
            for folder, names, files in os.walk(top):
                if folder.endswith("/large"):
                    del files[:]
                for name in ("", *names, *files):
                    path = os.path.join(folder, name)
                    found[path] = _state(path)
        return found

    def _standing(self) -> list[object]:
        """How the victim and we ourselves stand with the kernel."""
        number = {"x86_64": 252, "aarch64": 31}[namespaces.machine]
        us = (os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0))
        with suppress(OSError):
            pid = self.victim.pid
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
            kept = [line for line in status if line.startswith(("State", "TracerPid", "Cpus_allowed:"))]
            return [
                us, kept, os.getpriority(os.PRIO_PROCESS, pid), os.sched_getscheduler(pid), resource.prlimit(pid, resource.RLIMIT_NOFILE),
                Path(f"/proc/{pid}/oom_score_adj").read_text(), namespaces.system_call("ioprio", number, 1, pid), os.uname().nodename,
            ]  # fmt: skip
        return [us]

    def meanwhile(self, script: str) -> None:
        """Do what the host does before and while a script runs."""
        if "closed/" in script:
            (self.root / "closed").chmod(0)
            self.before = self.look()
        if "LISTEN" in script:
            self._begin(self._knock)
        if "/late" in script:
            self._begin(self._open_late)
        if "/.cargo/late" in script:
            self._begin(self._open_late_tool)
        if "lease" in script:
            self._begin(self._watch_lease)
        if "flock" in script or "lockf" in script:
            self._begin(self._watch_lock)

    def _begin(self, what: object) -> None:
        self.over.clear()
        self.threads.append(threading.Thread(target=what, daemon=True))  # pyright: ignore
        self.threads[-1].start()

    def _knock(self) -> None:
        while not self.over.wait(0.02):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.listen), 1):
                self.found.append("the host was let in")
                return

    def _open_late(self) -> None:
        time.sleep(0.25)
        self.doors.append(brought.listen_at(self.open / "late"))

    def _open_late_tool(self) -> None:
        time.sleep(0.25)
        self.doors.append(brought.listen_at(self.home / ".cargo/late"))

    def _watch_lock(self) -> None:
        tools = [self.home / ".cargo/bin/tool", *(Path(place, "bin/opted") for place in self.places[:1])]
        files = [self.lock, *(os.open(tool, os.O_RDWR) for tool in tools)]
        while not self.over.wait(0.02) and not (self.open / "noticed").exists():
            try:
                for file in files:
                    for lock in (fcntl.flock, fcntl.lockf):
                        lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        lock(file, fcntl.LOCK_UN)
            except BlockingIOError:
                self.found.append("a file of the host was locked")
                (self.open / "noticed").touch()
        for file in files[1:]:
            os.close(file)

    def _watch_lease(self) -> None:
        while not self.over.wait(0.05):
            try:
                os.close(os.open(self.home / ".cargo/bin/tool", os.O_WRONLY | os.O_NONBLOCK))
            except BlockingIOError:
                self.found.append("a file of the host waits for whoever has a lease")
                (self.open / "noticed").touch()
                return

    def judge(self, output: str) -> list[str]:
        """What shows that something got out; the world may not be as it was then."""
        self.over.set()
        for thread in self.threads:
            thread.join()
        self.threads = []
        for name in (self.open / "late", self.open / "noticed", self.home / ".cargo/late"):
            name.unlink(missing_ok=True)
        seen = [text for text in ("REACHED", self.canary, self.named) if text in output]
        found = [*self.found, *(f"it printed {text}" for text in seen)]
        self.found = []
        now = self.look()
        found += [
            f"changed: {path}"
            for path in sorted(now.keys() | self.before.keys())
            if now.get(path) != self.before.get(path)
        ]
        found += [f"reached: {name!r}" for name in self._visited()]
        if self.victim.poll() is not None:
            found.append("a process was ended")
        elif (stands := self._standing()) != self.stands:
            found.append(
                f"a process was changed: {[new for old, new in zip(self.stands, stands, strict=False) if old != new]}"
            )
        if heard := self.terminal.heard():
            found.append(f"the terminal got {heard!r}")
        if not (self.state / "secret").exists() or (self.state / "new").exists():
            found.append("our state was changed")
        return found + self._marks()

    def _visited(self) -> list[object]:
        found: list[object] = []
        for door in self.doors:
            with suppress(BlockingIOError):
                if door.type == socket.SOCK_STREAM:
                    door.accept()[0].close()
                else:
                    door.recv(9)
                found.append(door.getsockname())
        return found

    def _marks(self) -> list[str]:
        found: list[str] = []
        for folder in ("/tmp", "/var/tmp", "/dev/shm", "/etc", "/usr", "/usr/local/bin", "/opt", "/var/lib", "/"):
            if (path := Path(folder, self.mark)).exists():
                path.unlink()
                found.append(f"made: {path}")
        if len(Path(f"/dev/shm/shown-{self.mark}").read_text()) != len(self.canary):
            found.append("shared memory was changed")
        return found

    def close(self) -> None:
        """End what was begun."""
        self.victim.kill()
        self.victim.wait()
        for door in (*self.doors, self.spare):
            door.close()
        os.close(self.held)
        os.close(self.lock)
        brought.clear_elsewhere([*self.places, str(self.open)], self.mark)
        with suppress(OSError):
            (self.root / "closed").chmod(0o755)
        for control, each in (("shmctl", self.memory), ("msgctl", self.queue)):
            getattr(_libc, control)(each, 0, None)
        _libc.semctl(self.semaphores, 0, 0)
        _libc.mq_unlink(f"/{self.mark}".encode())
        for name in ("/tmp/shown-", "/var/tmp/shown-", "/dev/shm/shown-", "/tmp/s-"):
            Path(name + self.mark).unlink(missing_ok=True)


_git_folder: list[Path] = []


def _commit(root: Path) -> None:
    """Give a folder a commit of what is in it; the same git folder serves all that hold the same."""
    if _git_folder:
        shutil.copytree(_git_folder[0], root / ".git")
        return
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], cwd=root, check=True, env={"HOME": "/", "PATH": os.environ["PATH"]})
    _git_folder.append(root.parent / "git")
    shutil.copytree(root / ".git", _git_folder[0])


def _state(path: str) -> object:
    found = os.lstat(path)
    told: object = b""
    if stat.S_ISREG(found.st_mode):
        with open(path, "rb") as file:
            flags = bytearray(8)
            with suppress(OSError):
                fcntl.ioctl(file, 0x80086601, flags)
            told = (file.read(), bytes(flags), [os.getxattr(path, name) for name in os.listxattr(path)])
    elif stat.S_ISLNK(found.st_mode):
        told = os.readlink(path)
    when = 0 if stat.S_ISDIR(found.st_mode) else found.st_mtime_ns
    return found.st_mode, found.st_uid, found.st_gid, found.st_ino, when, told


class Proof:
    """Attempts against one world after another, in one tier."""

    def __init__(self, tier: str, folder: Path, beyond: Path) -> None:
        self.forbidden = tier == "forbidden"
        self.tier = "copy" if self.forbidden else tier
        self.folder, self.beyond = folder, beyond
        self.terminal = Terminal()
        self.count = 0
        self.world: World | None = None
        self.stage: Stage | None = None
        self.abi = landlock.version()

    async def renew(self, *, staged: bool = True) -> World:
        """A world as on the first day, and a stage in it."""
        await self.close()
        self.count += 1
        moment = PATIENCE / 2 if self.tier == "bare" else 0.5
        self.world = World(self.folder / str(self.count), self.beyond / str(self.count), self.terminal, moment)
        os.environ.clear()
        os.environ.update(self.world.environment)
        if self.tier != "bare" and staged:
            self.stage = await self._open(self.world.root, self.world.state)
        self.world.state.mkdir(exist_ok=True)
        (self.world.state / "secret").write_text(self.world.canary)
        return self.world

    async def _open(self, root: Path, state: Path) -> Stage:
        stage = await open_stage(root, state, None if self.forbidden else self.tier)  # pyright: ignore
        assert stage.tier == self.tier
        return stage

    async def close(self) -> None:
        if self.stage is not None:
            await self.stage.close()
            self.stage = None
        if self.world is not None:
            self.world.close()
            self.world = None

    async def attempts(self, table: dict[str, escapes.Attempt]) -> dict[str, list[str]]:
        """For each attempt that got out (or, bare, for each that did not), what was seen."""
        told: dict[str, list[str]] = {}
        fresh = True
        for name, attempt in table.items():
            if self.tier == "bare" and attempt.unproven in (escapes.ALL_DIE, escapes.NOT_HERE):
                continue
            if fresh or self.world is None:
                await self.renew()
            assert self.world is not None
            self.world.meanwhile(attempt.script)
            output = await self._run(attempt, self.world)
            found = self.world.judge(output)
            shown = output if self.tier == "bare" else readable(output.encode())
            if "\\033" in attempt.script and any(code in shown for code in ("\x1b", "\x07", "\x9b", "\u202e", "\r")):
                found.append("the terminal would obey")
            if self.tier != "bare":
                found += await self._look_after(self.world)
            fresh = self.tier == "bare" or attempt.ruins or bool(found)
            if self.tier == "bare" and not found and not (attempt.unproven and not STRICT):
                told[name] = [output[-600:]]
            elif self.tier != "bare" and found:
                told[name] = [*found, output[-600:]]
        await self.close()
        return told

    async def _run(self, attempt: escapes.Attempt, world: World) -> str:
        argv = attempt.argv
        if self.tier == "bare":
            names = world.environment | world.names(world.root)
            with subprocess.Popen(
                argv, cwd=world.root, env=names, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, close_fds=False
            ) as process:
                with suppress(subprocess.TimeoutExpired):
                    return process.communicate(timeout=PATIENCE)[0].decode(errors="replace")
                process.kill()
                return process.communicate()[0].decode(errors="replace")
        ways = [argv, ("sh", "-c", attempt.then)] if attempt.then else [argv]
        try:
            said = [(await self.run(way, granted=attempt.granted)).output for way in ways]
        except StageError as error:
            said = [str(error).encode()]
        return b"".join(said).decode(errors="replace")

    async def run(
        self,
        argv: tuple[str, ...],
        limits: Limits | None = None,
        environment: dict[str, str] | None = None,
        stage: Stage | None = None,
        granted: tuple[Widening, ...] = (),
    ) -> Ended:
        """Run a command on the stage."""
        stage = stage or self.stage
        assert stage is not None
        assert self.world is not None
        names = self.world.names(Path(stage.view.path)) if environment is None else environment
        command = Command(argv=argv, environment=names)
        policy = Policy(limits=limits or Limits(seconds=PATIENCE), widenings=granted)
        pieces = [piece async for piece in stage.run(command, policy)]
        assert isinstance(pieces[-1], Ended)
        return pieces[-1]

    async def _look_after(self, world: World) -> list[str]:
        """Do what assent itself does with a stage after a command; nothing of the host may come in, or be run, by it."""
        assert self.stage is not None
        texts: list[str] = []
        try:
            for path in self.stage.paths():
                with suppress(StageError):
                    change = self.stage.change(path)
                    for entry in (change.after, self.stage.read(path)) if change else ():
                        texts.append(
                            entry.data.decode("latin-1")
                            if isinstance(entry, File)
                            else entry.target
                            if isinstance(entry, Link)
                            else ""
                        )
            self.stage.rebase()
        except StageError as error:
            texts.append(str(error))
        return [] if world.canary not in "".join(texts) else ["assent read a secret through the view"]

    async def controls(self, table: dict[str, controls.Control]) -> dict[str, list[str]]:
        """For each control that failed, what was seen."""
        told: dict[str, list[str]] = {}
        await self.renew()
        assert self.world is not None
        for name, control in table.items():
            if self.tier not in control.tiers:
                continue
            ended = await self.run(("sh", "-c", control.script), environment={})
            if (ended.output.decode(errors="replace"), ended.code) != (control.expected, control.code):
                told[name] = [str(ended.code), readable(ended.output)[-900:], str(ended.denials)]
        await self.close()
        return told

    async def places(self, table: dict[str, controls.Place]) -> dict[str, list[str]]:
        """For each place in which work did not go on, what was seen."""
        told: dict[str, list[str]] = {}
        for name, place in table.items():
            if self.tier not in place.tiers:
                continue
            world = await self.renew(staged=False)
            base = world.root.parent
            state = Path(place.state.replace("$MARK", world.mark))
            os.environ.update({"HOME": str(base / place.home)})
            git = {f"GIT_{who}_{what}": "n@x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
            subprocess.run(
                ["sh", "-ec", place.prepare], cwd=base, env=os.environ | git, check=True, capture_output=True
            )
            world.before = world.look()
            stage = await self._open(base / place.root, base / state)
            try:
                ended = await self.run(("sh", "-c", place.script), environment={}, stage=stage)
                stage.rebase()
                changed = world.look() != world.before
            finally:
                await stage.discard()
            said = ended.output.decode(errors="replace")
            if changed or not said.startswith(place.expected) or world.canary in said:
                told[name] = [f"changed: {changed}", readable(ended.output)[-900:], str(ended.denials)]
        await self.close()
        return told

    async def bombs(self, table: dict[str, controls.Bomb]) -> dict[str, list[str]]:
        """For each bomb that was not bounded, what was seen."""
        told: dict[str, list[str]] = {}
        await self.renew()
        assert self.world is not None
        for name, bomb in table.items():
            if bomb.gap and self.tier == "copy" and os.geteuid() == 0 and not os.environ.get("BOUNDED"):
                continue
            mark = f"77.{secrets.randbelow(10**9)}"
            started = time.monotonic()
            ended = await self.run(bomb.argv, bomb.limits, {"MARK": mark})
            took = time.monotonic() - started
            found = [] if ended.cause in bomb.causes else [f"it ended by {ended.cause}"]
            found += [f"{count} are left" for count in [_alive(mark)] if count]
            found += [f"it took {took:.1f} s"] if took > bomb.limits.seconds + PATIENCE else []
            if bomb.limits.disk < 1 << 30 and (size := _size(self.world.state)) > _OVERSHOT * bomb.limits.disk:
                found.append(f"{size} bytes are on the disk")
            kept = len(ended.output)
            found += [f"{kept} bytes of output were kept"] if kept > bomb.limits.output + 200 else []
            found += self.world.judge(ended.output.decode(errors="replace"))
            if found:
                told[name] = [*found, readable(ended.output)[-600:]]
            await self.run(("sh", "-c", "rm -rf bomb*"))
        await self.close()
        return told


def _alive(mark: str) -> int:
    count = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            count += mark.encode() in path.read_bytes()
    return count


def _size(folder: Path) -> int:
    return sum(
        os.lstat(os.path.join(place, name)).st_blocks * 512 for place, _, names in os.walk(folder) for name in names
    )


def _be_alone() -> None:
    """Go on as the first process of namespaces that end with us, so that nothing that is tried reaches farther."""
    user = 0 if os.geteuid() == 0 else namespaces.NEWUSER
    namespaces.unshare(
        user | namespaces.NEWNS | namespaces.NEWPID | namespaces.NEWIPC | namespaces.NEWUTS | namespaces.NEWNET
    )
    child = os.fork()
    if child:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    namespaces.die_with_parent()
    namespaces.set_attributes("/", 0, propagation=namespaces.PRIVATE)
    namespaces.attach(namespaces.make_mount("proc", {}), "/proc")
    namespaces.raise_loopback()


def _forbid_namespaces() -> None:
    """Go on where no user namespace can be made, as behind the kernel's switch."""
    user, group = os.geteuid(), os.getegid()
    namespaces.unshare(namespaces.NEWUSER)
    for file, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path("/proc/self", file).write_text(text)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    namespaces.give_up_privileges()


def main(tier: str, folder: str, beyond: str, groups: list[str]) -> dict[str, list[str]]:
    """Try whole groups and tell what is not as it should be."""
    if tier == "bare":
        _be_alone()
    elif tier == "forbidden":
        _forbid_namespaces()
    proof = Proof(tier, Path(folder), Path(beyond))
    told: dict[str, list[str]] = {}
    for group in groups:
        if group == "controls":
            told |= asyncio.run(proof.controls(controls.CONTROLS))
        elif group in ("places", "owners"):
            told |= asyncio.run(proof.places(controls.PLACES if group == "places" else controls.OWNERS))
        elif group == "bombs":
            told |= asyncio.run(proof.bombs(controls.BOMBS))
        else:
            told |= asyncio.run(proof.attempts((escapes.GROUPS | second.GROUPS)[group]))
    return told


if __name__ == "__main__":
    result = json.dumps(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
    sys.stdout.write(result + "\n")
