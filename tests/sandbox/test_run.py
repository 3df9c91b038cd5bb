"""Commands in the stage: what gets out (nothing), what keeps working, and how it all ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import chdir, suppress
from pathlib import Path

import pytest

from assent_sandbox.policy import Command, Ended, Limits, Output, Policy, Tier, View, Widening
from assent_sandbox.running.kept import Kept
from assent_sandbox.running.run import Walls
from assent_sandbox.stage import WallsError
from patient import until
from staged import children

CANARY = "canary-4711"


class Place:
    """A repository, a home, a folder outside, and things on the host that must not be reached."""

    def __init__(self, base: Path, tier: Tier) -> None:
        self.base, self.tier = base, tier
        self.root, self.home, self.outside, self.state = base / "repo", base / "home", base / "outside", base / "state"
        self.copy = self.state / "copy"
        for folder in (
            self.root / "sub",
            self.home / ".ssh",
            self.outside,
            self.state / "upper",
            self.state / "work",
            self.copy,
        ):
            folder.mkdir(parents=True)
        for tree in (self.root, self.copy):
            (tree / "a.txt").write_text("hello\n")
        (self.root / ".env").write_text(f"KEY={CANARY}\n")
        (self.root / "sub" / "tls.key").write_text(f"{CANARY}\n")
        (self.home / ".ssh" / "id_ed25519").write_text(f"{CANARY}\n")
        (self.outside / "victim").write_text(f"{CANARY}\n")
        (self.state / "secret").write_text(f"{CANARY}\n")

    @property
    def view(self) -> View:
        return View(
            tier=self.tier, root=str(self.root), home=str(self.state), upper=str(self.state / "upper"),
            work=str(self.state / "work"), copy=str(self.copy),
        )  # fmt: skip

    def snapshot(self) -> dict[str, tuple[int, int, bytes]]:
        """Everything of the host that a command could have changed."""
        found: dict[str, tuple[int, int, bytes]] = {}
        for top in (self.root, self.home, self.outside):
            for path in [top, *sorted(top.rglob("*"))]:
                state = path.lstat()
                changed = 0 if path.is_dir() else state.st_mtime_ns
                found[str(path)] = (state.st_mode, changed, path.read_bytes() if path.is_file() else b"")
        return found


class Raised:
    def __init__(self, place: Place, walls: Walls) -> None:
        self.place, self.walls = place, walls

    async def __call__(self, *argv: str, policy: Policy | None = None, stdin: bytes = b"", workdir: str = ".") -> Ended:
        command = Command(argv=argv, stdin=stdin, workdir=workdir)
        pieces = [piece async for piece in self.walls.run(command, policy or Policy())]
        assert isinstance(pieces[-1], Ended)
        return pieces[-1]

    async def sh(self, script: str, policy: Policy | None = None) -> Ended:
        return await self("sh", "-c", script, policy=policy)

    async def py(self, script: str, *arguments: str, policy: Policy | None = None) -> Ended:
        return await self("python3", "-c", script, *arguments, policy=policy)


@pytest.fixture
def place(tmp_path: Path, tier: Tier, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path, tier)
    monkeypatch.setenv("HOME", str(place.home))
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    return place


@pytest.fixture
async def run(place: Place) -> AsyncIterator[Raised]:
    walls = await Walls.raise_around(place.view)
    yield Raised(place, walls)
    await walls.close()


@pytest.fixture
def overlay(run: Raised) -> Raised:
    if run.place.tier != "overlay":
        pytest.skip("the overlay tier alone promises this")
    return run


class Host:
    """What waits on the host to be reached: listeners and a process."""

    def __init__(self, place: Place) -> None:
        self.reached = 0
        self.victim = subprocess.Popen(["sleep", "600"], env={"KEY": CANARY})
        self.sockets = [
            socket.socket(socket.AF_INET, socket.SOCK_STREAM),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        ]
        for door in self.sockets:
            door.bind(("127.0.0.1", 0))
        for folder in (place.home, place.outside, place.root):
            self.sockets.append(socket.socket(socket.AF_UNIX))
            with chdir(folder):  # the name of a socket may not be long
                self.sockets[-1].bind("s.sock")
        self.sockets.append(socket.socket(socket.AF_UNIX))
        self.sockets[-1].bind(f"\0assent-{os.getpid()}")
        for door in self.sockets:
            if door.type == socket.SOCK_STREAM:
                door.listen()
            door.settimeout(0)
        self.tcp, self.udp = (door.getsockname()[1] for door in self.sockets[:2])

    def was_reached(self) -> bool:
        for door in self.sockets:
            try:
                door.accept() if door.type == socket.SOCK_STREAM else door.recv(1)
            except BlockingIOError:
                continue
            return True
        return self.victim.poll() is not None

    def close(self) -> None:
        for door in self.sockets:
            door.close()
        self.victim.kill()
        self.victim.wait()


@pytest.fixture
def host(place: Place) -> Iterator[Host]:
    host = Host(place)
    yield host
    host.close()


CONNECT = "import socket,sys; s=socket.socket({}); s.settimeout(2); s.connect({}); s.send(b'x'); print('REACHED')"
CALL = "import ctypes; l=ctypes.CDLL(None,use_errno=True); r=l.syscall({}); print('REACHED' if r>=0 else ctypes.get_errno())"

# id: a shell script; {names} are those of `_names` below. Nothing of it may reach the host.
ESCAPES = {
    "write to home": "echo x > {home}/new",
    "write through ~": "cd ~ && echo x > new",
    "write outside": "echo x > {outside}/new; echo x >> {outside}/victim",
    "write through a link": "ln -s {outside}/victim l; echo x > l; cat l",
    "write to the real tree by /proc/1/root": "echo x > /proc/1/root{root}/a.txt.new; cat /proc/1/root{outside}/victim",
    "hard link to outside": "ln {outside}/victim h && echo x >> h; cat h",
    "rename from outside": "mv {outside}/victim v; cat v",
    "rename over outside": "echo x > n; mv n {outside}/victim",
    "truncate": "truncate -s 0 {outside}/victim; : > {outside}/victim",
    "delete": "rm -rf {outside} {home} {state}",
    "change mode": "chmod 777 {outside}/victim {home}/.ssh",
    "change times": "touch -d 2001-01-01 {outside}/victim {home}/.ssh/id_ed25519",
    "read a key in home": "cat ~/.ssh/id_ed25519 {home}/.ssh/id_ed25519",
    "read a key through /proc": "cat /proc/self/root{home}/.ssh/id_ed25519 /proc/1/root{home}/.ssh/id_ed25519 /proc/1/cwd/.env",
    "read the state folder": "cat {state}/secret; ls {state}/upper",
    "read a masked file": "cat .env sub/tls.key; cp .env e; cat e; ln .env f; cat f; mv .env g; cat g; tar c . | cat",
    "unmask": "chmod 644 .env; cat .env; umount .env; rm -f .env; cat .env; mv sub sub2; cat sub2/tls.key",
    "read our environment": "env; cat /proc/*/environ; cat /proc/{us}/environ | tr '\\0' '\\n'",
    "read another's environment": "cat /proc/{victim}/environ",
    "end a process of the host": "kill -9 {victim}; python3 -c 'import os; os.kill({victim}, 9)'",
    "stop the keeper": "kill -9 1; kill -9 $PPID; cat ~/.ssh/id_ed25519",
    "mount": "mount -t tmpfs x {work}; mount -o remount,rw /; umount -l {home}; cat ~/.ssh/id_ed25519; echo x > {home}/new",
    "nested namespaces": "unshare -Ur cat {outside}/victim; unshare -Urm sh -c 'umount {home}; cat {home}/.ssh/id_ed25519'",
    "chroot": "chroot / cat {outside}/victim",
    "connect by TCP": 'python3 -c "' + CONNECT.format("", "('127.0.0.1',{tcp})") + '"',
    "connect by IPv6 mapped": 'python3 -c "' + CONNECT.format("socket.AF_INET6", "('::ffff:127.0.0.1',{tcp})") + '"',
    "send by UDP": "python3 -c \"import socket; socket.socket(2,2).sendto(b'x',('127.0.0.1',{udp})); print('sent')\"",
    "connect to a unix socket": 'python3 -c "' + CONNECT.format("socket.AF_UNIX", "'{home}/s.sock'") + '"',
    "connect to a unix socket outside": 'python3 -c "' + CONNECT.format("socket.AF_UNIX", "'{outside}/s.sock'") + '"',
    "connect to a unix socket in the repository": 'python3 -c "' + CONNECT.format("socket.AF_UNIX", "'{root}/s.sock'") + '"',
    "connect to an abstract socket": 'python3 -c "' + CONNECT.format("socket.AF_UNIX", "'\\\\0assent-{us}'") + '"',
    "trace a process of the host": 'python3 -c "' + CALL.format("101, 16, {victim}, 0, 0") + '"',
    "io_uring": 'python3 -c "' + CALL.format("425, 4, ctypes.create_string_buffer(120)") + '"',
    "userfaultfd": 'python3 -c "' + CALL.format("323, 1") + '"',
    "bpf": 'python3 -c "' + CALL.format("321, 0, (ctypes.c_uint32*32)(2,4,4,1), 128") + '"',
    "keyring": 'python3 -c "' + CALL.format("250, 0, -3, 0") + '"',
    "a raw socket": 'python3 -c "import socket; socket.socket(2,3,1); print(\'REACHED\')"',
    "a packet socket": 'python3 -c "import socket; socket.socket(17,3); print(\'REACHED\')"',
    "a vsock": 'python3 -c "import socket; socket.socket(40,1); print(\'REACHED\')"',
    "terminal injection": 'python3 -c "import fcntl,os,pty; m,s=os.openpty(); fcntl.ioctl(s,0x5412,b\'x\'); print(\'REACHED\')"',
    "system settings": "echo x > /proc/sys/kernel/core_pattern && echo REACHED; echo 1 > /proc/sysrq-trigger && echo REACHED",
    "system folders": "for d in /etc /usr; do echo x > $d/assent-was-here-{us} && echo REACHED; done",
    "shared memory": "echo x > /dev/shm/assent-was-here-{us}",
    "the host's /tmp": "echo x > /tmp/assent-was-here-{us}; echo x > /var/tmp/assent-was-here-{us}",
    "an inherited descriptor": "cat <&7 2>/dev/null; ls /proc/self/fd | grep -v '^[0123]$' && echo REACHED",
    "shadow": "cat /etc/shadow | grep root: && echo REACHED",
}  # fmt: skip
GAPS_OF_COPY = {"shadow": "as root the copy tier reads what root owns below /etc"}


def _names(place: Place, host: Host) -> dict[str, object]:
    return {
        "home": place.home, "outside": place.outside, "root": place.root, "state": place.state, "us": os.getpid(),
        "work": place.view.path, "victim": host.victim.pid, "tcp": host.tcp, "udp": host.udp,
    }  # fmt: skip


@pytest.mark.parametrize("name", ESCAPES)
async def test_no_attempt_reaches_the_host(name: str, run: Raised, place: Place, host: Host) -> None:
    if place.tier == "copy" and name in GAPS_OF_COPY:
        pytest.xfail(GAPS_OF_COPY[name])
    before = place.snapshot()
    script = ESCAPES[name].format(**_names(place, host))
    ended = await run.sh(script, Policy(limits=Limits(seconds=20)))
    assert CANARY not in ended.output.decode(errors="replace")
    assert "REACHED" not in ended.output.decode(errors="replace")
    assert place.snapshot() == before
    assert not host.was_reached()
    left = [
        folder
        for folder in ("/tmp", "/var/tmp", "/dev/shm", "/etc", "/usr")
        if Path(folder, f"assent-was-here-{os.getpid()}").exists()
    ]
    assert left == []


# id: a shell script and what it is to print
CONTROLS = {
    "the view is there": ("cat a.txt; echo b > b.txt; cat b.txt", "hello\nb\n"),
    "here-document": ("cat <<E\nx\nE", "x\n"),
    "process substitution": ("bash -c 'cat <(echo x) <(echo y)'", "x\ny\n"),
    "exit status": ("false; echo $?; exit 0", "1\n"),
    "temporary files": ('f=$(mktemp) && echo x > "$f" && cat "$f"', "x\n"),
    "a pipe": ("seq 100000 | tail -n 1", "100000\n"),
    "kill an own child": ("exec 2> /dev/null; sleep 50 & kill $!; wait $!; echo $?", "143\n"),
    "sqlite": ("python3 -c \"import sqlite3; c=sqlite3.connect('d.db'); c.execute('pragma journal_mode=wal');"
               " c.execute('create table t(a)'); c.execute('insert into t values(7)'); c.commit();"
               " print(*c.execute('select a from t').fetchone())\"", "7\n"),
    "a subprocess": ("python3 -c \"import subprocess as s; print(s.run(['echo','x'],capture_output=True).stdout)\"", "b'x\\n'\n"),
    "asyncio": ("python3 -c \"import asyncio; print(asyncio.run(asyncio.sleep(0, 'x')))\"", "x\n"),
    "git": ("git init -q . && git config user.name n && git config user.email e@x && git add a.txt && git commit -qm one"
            " && git log --format=%s && git status --short a.txt && git checkout -qb x && git branch --show-current", "one\nx\n"),
    "threads": ("python3 -c \"from threading import Thread as T; T(target=print,args='x').start()\"", "x\n"),
    "a pseudo terminal": ("python3 -c \"import os,tty; m,s=os.openpty(); tty.setraw(s); print(os.isatty(s))\"", "True\n"),
    "own mode": ("echo x > m; chmod 755 m; stat -c %a m", "755\n"),
}  # fmt: skip
CONTROLS_OF_OVERLAY = {
    "a server and a client": (
        "python3 -c \"import socket,threading; s=socket.create_server(('127.0.0.1',0)); "
        "threading.Thread(target=lambda: s.accept()[0].send(b'x')).start(); "
        "print(socket.create_connection(s.getsockname()).recv(1))\"", "b'x'\n"),
    "multiprocessing": ("python3 -c \"import multiprocessing as m; print(sum(m.Pool(2).map(abs,[-1,2])))\"", "3\n"),
    "a unix socket of one's own": (
        "python3 -c \"from socket import socket as s; a=s(1); a.bind('s'); a.listen(); s(1).connect('s'); print('x')\"", "x\n"),
    "only own processes": ("ls /proc | grep -c '^[0-9]' | awk '{print ($1 < 8)}'", "1\n"),
    "folders that are there": ("ls / > /dev/null && ls ~ && echo x", "x\n"),
    "trace an own child": ("python3 -c \"import ctypes,os,time; l=ctypes.CDLL(None); p=os.fork(); p or time.sleep(9);"
                           " print(l.ptrace(16,p,0,0)); os.kill(p,9)\"", "0\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTROLS)
async def test_ordinary_work_goes_on(name: str, run: Raised) -> None:
    script, expected = CONTROLS[name]
    ended = await run.sh(script)
    assert (ended.output.decode(), ended.code) == (expected, 0)
    assert ended.denials == ()


@pytest.mark.parametrize("name", CONTROLS_OF_OVERLAY)
async def test_the_overlay_takes_nothing_away(name: str, overlay: Raised) -> None:
    script, expected = CONTROLS_OF_OVERLAY[name]
    ended = await overlay.sh(script)
    assert (ended.output.decode(), ended.code) == (expected, 0)


async def test_a_program_in_c_is_compiled_and_run(run: Raised) -> None:
    ended = await run.sh(
        "command -v gcc >/dev/null || { echo 7; exit; }; echo 'int main(){{return 7;}}' > m.c && gcc -o m m.c && ./m; echo $?"
    )
    assert ended.output == b"7\n"


async def test_the_temporary_folder_lasts_from_command_to_command(run: Raised) -> None:
    await run.sh("echo x > $TMPDIR/kept")
    assert (await run.sh("cat $TMPDIR/kept")).output == b"x\n"


async def test_standard_input_of_any_size_is_read_to_its_end(run: Raised) -> None:
    ended = await run("sh", "-c", "wc -c", stdin=b"x" * 3_000_000)
    assert ended.output.strip() == b"3000000"


async def test_what_happens_in_the_real_tree_between_commands_is_seen_by_the_next(overlay: Raised) -> None:
    root, upper = overlay.place.root, overlay.place.state / "upper"
    await overlay.sh("cat a.txt sub/tls.key; ls -R; echo mine > mine")
    await _waiting(overlay)
    (root / "a.txt").write_text("edited\n")
    (root / "b.txt").write_text("saved\n")
    (root / "b.txt").rename(root / "sub" / "c.txt")
    (root / "fresh").mkdir()
    (root / "fresh" / "d.txt").write_text("deep\n")
    (upper / "mine").write_text("ours\n")
    root.chmod(0o700)
    ended = await overlay.sh("cat a.txt sub/c.txt fresh/d.txt mine; ls; stat -c %a .")
    assert ended.output.decode().split("\n") == (
        ["edited", "saved", "deep", "ours", "a.txt", "fresh", "mine", "sub", oct(upper.stat().st_mode)[-3:], ""]
    )
    root.rename(root.with_name("old"))
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "e.txt").write_text("another\n")
    assert (await overlay.sh("ls a.txt fresh; cat sub/e.txt")).output.decode().endswith("\nanother\n")


async def test_a_keeper_that_died_while_it_waited_is_replaced(run: Raised) -> None:
    for keeper in await _waiting(run):
        os.kill(keeper, signal.SIGKILL)
    await asyncio.sleep(0.1)
    assert (await run.sh("echo next")).output == b"next\n"


async def test_a_command_whose_keeper_is_killed_before_it_began_is_run_by_another(run: Raised) -> None:
    keepers = await _waiting(run)
    for keeper in keepers:
        os.kill(keeper, signal.SIGSTOP)
    begun = asyncio.create_task(run.sh("echo once >> a.txt; cat a.txt"))
    await asyncio.sleep(0.05)
    for keeper in keepers:
        with suppress(ProcessLookupError):
            os.kill(keeper, signal.SIGKILL)
    assert (await begun).output == b"hello\nonce\n"


async def test_a_command_whose_keeper_is_killed_under_way_says_so_and_the_next_one_runs(run: Raised) -> None:
    keepers = await _waiting(run)
    begun = asyncio.create_task(run.sh("echo x > begun; sleep 600"))
    written = (run.place.copy if run.place.tier == "copy" else run.place.state / "upper") / "begun"
    await until(lambda: written.exists() and written.read_text())
    for keeper in keepers:
        os.kill(keeper, signal.SIGKILL)
    with pytest.raises(WallsError, match="ended from outside, and the command with it") as told:
        await begun
    assert told.value.hint
    assert (await run.sh("cat begun")).output == b"x\n"


async def _waiting(run: Raised) -> list[int]:
    """The keepers that wait for a command: each has its leader ready, and that of the command before has none any more."""
    await run.sh("true")
    (warden,) = (int(child) for child in children(os.getpid()) if b"warden" in _words_of(child))
    return await until(lambda: [keeper for keeper in children(warden) if children(keeper)])


def _words_of(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


# How it ends


async def test_the_codes_are_those_of_a_shell(run: Raised) -> None:
    assert (await run("no-such-program-4711")).code == 127
    assert (await run("./a.txt")).code == 126
    assert (await run.sh("exit 3")).code == 3
    killed = await run.sh("kill -9 $$")
    assert (killed.code, killed.cause) == (137, "signal")


async def test_a_missing_working_folder_is_named(run: Raised) -> None:
    ended = await run("true", workdir="nowhere")
    assert (ended.code, ended.cause) == (126, "start")
    assert b"nowhere: No such file or directory" in ended.output


async def test_time_ends_a_command_that_ignores_signals(run: Raised) -> None:
    ended = await run.sh("trap '' TERM INT HUP; while :; do sleep 0.05; done", Policy(limits=Limits(seconds=0.3)))
    assert (ended.code, ended.cause) == (124, "time")
    assert [denial.target for denial in ended.denials] == ["time"]


async def test_memory_of_all_processes_together_is_bounded(run: Raised) -> None:
    hog = "python3 -c \"import time; b=b'x'*60_000_000; time.sleep(90)\" & " * 4
    ended = await run.sh(f"{hog} wait", Policy(limits=Limits(memory=150_000_000, seconds=100)))
    assert ended.cause == "memory"


async def test_one_process_cannot_have_more_memory_than_allowed(run: Raised) -> None:
    ended = await run.py("b=bytearray(400_000_000)", policy=Policy(limits=Limits(memory=200_000_000)))
    assert b"MemoryError" in ended.output


async def test_disk_is_bounded_over_all_files(run: Raised) -> None:
    script = "i=0; while :; do head -c 4000000 /dev/urandom > f$i; i=$((i+1)); done"
    ended = await run.sh(script, Policy(limits=Limits(disk=20_000_000, seconds=100)))
    assert ended.cause == "disk"


async def test_a_file_cannot_grow_over_its_limit(run: Raised) -> None:
    ended = await run.sh("exec head -c 4000000 /dev/zero > big", Policy(limits=Limits(file=1_000_000)))
    assert [(denial.kind, denial.target) for denial in ended.denials] == [("limit", "file")]


async def test_head_and_tail_of_a_flood_are_kept_and_the_rest_is_counted(run: Raised) -> None:
    ended = await run.sh("echo first; seq 1000000; echo last", Policy(limits=Limits(output=10_000)))
    assert ended.head.startswith(b"first\n1\n")
    assert ended.tail.endswith(b"1000000\nlast\n")
    assert len(ended.head) + len(ended.tail) + ended.omitted == 6888896 + 11


def _alive(mark: str) -> list[int]:
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in words.split(b"\0"):
                found.append(int(folder.name))
    return found


async def test_what_a_command_leaves_behind_is_dead_when_it_returns(run: Raised) -> None:
    mark = f"61.{os.getpid()}"
    ended = await run.sh(
        f"setsid sleep {mark} & (sleep {mark} &) ; trap '' TERM; sleep {mark} > /dev/null 2>&1 & echo done"
    )
    assert ended.output == b"done\n"
    assert _alive(mark) == []


async def test_output_of_what_is_left_behind_is_still_read_for_a_moment(run: Raised) -> None:
    tried: list[bytes] = []
    while b"early\nlate\n" not in tried and len(tried) < 50:
        tried.append((await run.sh("(sleep 0.02; echo late) & echo early")).output)
    assert set(tried) <= {b"early\nlate\n", b"early\n"}
    assert tried[-1] == b"early\nlate\n"


async def test_a_daemon_that_holds_the_pipe_does_not_hold_us(run: Raised) -> None:
    ended = await run.sh("sleep 600 & exit 0")
    assert (ended.code, ended.cause) == (0, "exit")


async def test_closing_the_generator_ends_everything(run: Raised) -> None:
    mark = f"62.{os.getpid()}"
    pieces = run.walls.run(Command(argv=("sh", "-c", f"echo on; setsid sleep {mark} & sleep {mark}")), Policy())
    assert await anext(pieces) == Output(b"on\n")
    await pieces.aclose()
    assert _alive(mark) == []
    assert (await run.sh("echo next")).output == b"next\n"


async def test_a_cancelled_command_ends_with_all_its_processes(run: Raised) -> None:
    mark = f"63.{os.getpid()}"
    task = asyncio.create_task(run.sh(f"setsid sleep {mark} & sleep {mark}"))
    await until(lambda: len(_alive(mark)) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _alive(mark) == []


async def test_closing_the_walls_ends_the_warden(run: Raised) -> None:
    await run.walls.close()
    with pytest.raises(WallsError):
        await run.sh("true")


KILLED = """
import asyncio, sys
from assent_sandbox.policy import *
from assent_sandbox.running.run import Walls
async def main():
    walls = await Walls.raise_around(View(tier=sys.argv[1], root=sys.argv[2], home=sys.argv[3], upper=sys.argv[3]+"/upper",
        work=sys.argv[3]+"/work", copy=sys.argv[3]+"/copy"))
    async for piece in walls.run(Command(argv=("sh", "-c", "setsid sleep $0 & echo on; sleep $0", sys.argv[4])), Policy()):
        print("on", flush=True)
asyncio.run(main())
"""


async def test_our_own_sudden_death_leaves_nothing_alive(place: Place) -> None:
    mark = f"64.{os.getpid()}"
    room = str(Path(__file__).parents[2] / "sandbox")
    argv = [sys.executable, "-c", KILLED, place.tier, str(place.root), str(place.state), mark]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": ":".join([room, *filter(None, sys.path)])}
    ) as process:
        assert process.stdout
        assert await asyncio.to_thread(process.stdout.readline) == b"on\n"
        process.send_signal(signal.SIGKILL)
    await until(lambda: not _alive(mark))


# Widenings


async def test_a_granted_secret_is_shown_and_no_other(overlay: Raised) -> None:
    granted = Policy(widenings=(Widening("secret", ".env"),))
    ended = await overlay.sh("cat .env; cat sub/tls.key", granted)
    assert ended.output.decode().count(CANARY) == 1
    assert [denial.target for denial in ended.denials] == ["sub/tls.key"]


async def test_a_granted_path_can_be_read_and_not_written(run: Raised) -> None:
    target = str(run.place.outside / "victim")
    ended = await run.sh(f"cat {target}; echo x > {target}", Policy(widenings=(Widening("read", target),)))
    assert CANARY in ended.output.decode()
    assert (run.place.outside / "victim").read_text() == f"{CANARY}\n"


async def test_a_granted_path_can_be_written(run: Raised) -> None:
    target = run.place.outside / "victim"
    await run.sh(f"echo x > {target}", Policy(widenings=(Widening("write", str(target)),)))
    assert target.read_text() == "x\n"


async def test_a_granted_network_reaches_the_host(run: Raised, host: Host) -> None:
    script = CONNECT.format("", f"('127.0.0.1',{host.tcp})")
    ended = await run.py(script, policy=Policy(widenings=(Widening("network"),)))
    assert ended.output == b"REACHED\n"


async def test_unconfined_reaches_everything_and_still_ends(run: Raised) -> None:
    mark = f"65.{os.getpid()}"
    unconfined = Policy(widenings=(Widening("unconfined"),))
    ended = await run.sh(f"cat {run.place.outside}/victim; pwd; setsid sleep {mark} &", unconfined)
    assert ended.output.decode() == f"{CANARY}\n{run.place.view.path}\n"
    assert _alive(mark) == []


def test_kept_output_is_exact_at_every_size() -> None:
    for size in range(0, 40):
        kept = Kept(10)
        data = bytes(range(65, 65 + size))
        for start in range(0, size, 3):
            kept.add(data[start : start + 3])
        head, tail, omitted = kept.parts()
        assert len(head) + len(tail) + omitted == size
        assert data.startswith(head)
        assert data.endswith(tail)
        assert not omitted or (len(head), len(tail)) == (5, 5)
