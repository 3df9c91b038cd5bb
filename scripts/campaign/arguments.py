#!/usr/bin/env python3
"""Arguments at random for whoever judges a copy's system calls, and texts at random for what reads hosts and ports.

    python scripts/campaign/arguments.py [--calls 20000] [--texts 200000] [--seed 1]

Of the calls: whatever a command asks for, a file, a socket and a process of the host stay as they were, every call is
answered, and the stage goes on. Of the texts: what is read as a host is read so by everybody, and again.
"""

# ruff: noqa: E501 - a line of a program stays one

from __future__ import annotations

import argparse
import asyncio
import os
import random
import socket
import subprocess
import sys
import tempfile
from contextlib import aclosing, suppress
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / "core"), str(ROOT / "sandbox")]

from assent_sandbox.cell import namespaces, seccomp
from assent_sandbox.destinations import as_address, read_destination, read_wish
from assent_sandbox.policy import Command, Ended, Limits, Policy, Widening
from assent_sandbox.tiers import open_stage

_PIECES = (
    "",
    ".",
    "..",
    "self",
    "thread-self",
    "proc",
    "fd",
    "cwd",
    "root",
    "task",
    "one",
    "two",
    "loop",
    "mine",
    "deep",
    "dev",
    "\0",
    "x" * 300,
)
_PROGRAM = """
import ctypes, os, random, signal, struct, sys
seed, count, victim, outside = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
numbers, pieces = eval(sys.stdin.read())
rng, libc = random.Random(seed), ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
for link, to in (("one", "two"), ("two", "deep"), ("loop", "loop"), ("away", outside[0]), ("p", "/proc")): os.symlink(to, link)
os.mkdir("deep"); open("mine", "w").close()
import socket
kept = [socket.socket(1), socket.socket(1, 5), *socket.socketpair(), os.open(".", os.O_PATH), os.open("mine", os.O_RDWR), os.memfd_create("m")]
files = [each if isinstance(each, int) else each.fileno() for each in kept] + [0, 1, -1, -100, 99, 2**31]
for each in kept[:2]: each.setblocking(False)
memory = ctypes.create_string_buffer(1 << 16)
def path():
    whole = "/".join(rng.choice(pieces) for _ in range(rng.randrange(7)))
    return rng.choice((whole, "/" + whole, "p/self/fd/%d" % rng.choice(files), *outside, "away", "/proc/%d/root%s" % (victim, outside[0]), "/proc/self/root" + outside[0], "l" * 5000))
def pointer():
    text = rng.choice((path().encode(), b"\\1\\0" + path().encode(), b"\\2\\0\\0\\x09\\x7f\\0\\0\\1", rng.randbytes(40), struct.pack("4q", 1, 1, 1, 1)))[:5000]
    place = rng.choice((0, 4095, 60000))
    memory[place:place + len(text) + 1] = text[:5000] + b"\\0"
    return ctypes.addressof(memory) + place
def value():
    return rng.choice((pointer(), pointer(), rng.choice(files), victim, -victim, victim | 1 << 32, 0o777, 0, 1, -1, 8, 15, 0x5441, 0x1000, 0x100, 2**31, 2**63 - 1, rng.getrandbits(64) - 2**63))
done = 0
for _ in range(count):
    name = rng.choice(sorted(numbers))
    first = rng.choice((victim, -victim, victim | 1 << 40)) if name in ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo") else value()
    if name in ("prlimit64", "fchmod", "fchown") and first in (0, 1): continue
    values = [first, *(value() for _ in range(5))]
    libc.syscall(ctypes.c_long(numbers[name]), *(ctypes.c_long(each) for each in values)); done += 1
print("done", done)
"""


async def calls(count: int, seed: int, *, network: bool = False) -> list[str]:
    """Make so many calls in a copy; gives what was not as it should be."""
    with tempfile.TemporaryDirectory(prefix="assent-arguments-") as folder:
        base = Path(folder)
        for name in ("repo", "out"):
            (base / name).mkdir()
        (base / "out/victim").write_text("victim")
        os.utime(base / "out/victim", (4711, 4711))
        with (
            socket.socket(socket.AF_UNIX) as agent,
            subprocess.Popen(["sleep", "600"], start_new_session=True) as victim,
        ):
            agent.bind(str(base / "out/agent"))
            agent.listen()
            agent.setblocking(False)
            try:
                before = _look(base / "out", victim.pid)
                ended, after = await _make(base, count, seed, victim.pid, network)
                now = _look(base / "out", victim.pid)
                found = [f"changed: {old} -> {new}" for old, new in zip(before, now, strict=True) if old != new]
                found += [] if victim.poll() is None else ["a process was ended"]
                with suppress(BlockingIOError):
                    agent.accept()[0].close()
                    found.append("a socket was reached")
            finally:
                victim.kill()
        found += (
            []
            if b"done" in ended.output
            else [f"the calls ended early: {ended.code} {ended.cause} {ended.output[-300:]!r}"]
        )
        return found + ([] if after.output == b"x\n" else [f"the stage does not go on: {after}"])


async def _make(base: Path, count: int, seed: int, victim: int, network: bool) -> tuple[Ended, Ended]:
    stage = await open_stage(base / "repo", base / "state", "copy")
    column = 0 if namespaces.machine == "x86_64" else 1
    table = {name: row[column] for name, row in seccomp.SUPERVISED.items() if row[column] is not None}
    policy = Policy(limits=Limits(seconds=600), widenings=(Widening("network"),) if network else ())
    words = (
        "-I",
        "-S",
        "-c",
        _PROGRAM,
        str(seed),
        str(count),
        str(victim),
        f"{base}/out/victim",
        f"{base}/out/agent",
        f"{base}/out",
    )
    try:
        made: list[Ended] = []
        for command in (
            Command(argv=("python3", *words), stdin=repr((table, _PIECES)).encode()),
            Command(argv=("sh", "-c", "echo x")),
        ):
            async with aclosing(stage.run(command, policy)) as pieces:
                last = [piece async for piece in pieces][-1]
            assert isinstance(last, Ended)
            made.append(last)
            Path(stage.view.copy).chmod(0o755)
    finally:
        await stage.discard()
    return made[0], made[1]


def _look(folder: Path, process: int) -> list[object]:
    found: list[object] = []
    for path in (folder, *sorted(folder.iterdir())):
        state = path.lstat()
        found.append((path.name, state.st_mode, state.st_uid, state.st_gid, state.st_mtime_ns, state.st_ctime_ns))
    state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return [
        *found,
        state[0] in "RSD",
        state[16],
        Path(f"/proc/{process}/limits").read_text(),
        os.sched_getscheduler(process),
        os.sched_getaffinity(process),
    ]


_LETTERS = "abz019.:-_[]/@x%#?\\ \t\n\0e\u2024\uff0e\u3002\u0131LOCALHOST"
_WORDS = (
    "localhost",
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "2130706433",
    "::1",
    "[::1]",
    "::ffff:127.0.0.1",
    "169.254.169.254",
    "example.com",
    ":443",
    ":0",
    ":65536",
    "https://",
    "user@",
    "xn--",
    "017700000001",
)


def texts(count: int, seed: int) -> list[str]:
    """Read so many texts as hosts; gives those that were read otherwise than by everybody else."""
    rng, wrong = random.Random(seed), list[str]()
    for _ in range(count):
        text = "".join(
            rng.choice(_WORDS) if rng.random() < 0.3 else rng.choice(_LETTERS) for _ in range(rng.randrange(1, 9))
        )
        for found in (read_destination(text, 443), read_wish(text)):
            if found is None:
                continue
            again = read_destination(str(found))
            plain = found.host.isascii() and not set(found.host) & set("/@\\?#% \t\n\0[]")
            number = found.address is None and _is_number(found.host)
            if again != found or not plain or number or not 0 < found.port < 1 << 16:
                wrong.append(f"{text!r}: {found}")
    return wrong


def _is_number(host: str) -> bool:
    """Whether the C library reads a host as an address without looking for it."""
    try:
        socket.inet_aton(host)
    except (OSError, UnicodeError, ValueError):
        return as_address(host) is not None
    return True


def main(words: list[str]) -> int:
    """Run both and say what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--texts", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(words)
    found = [
        each for network in (False, True) for each in asyncio.run(calls(options.calls, options.seed, network=network))
    ]
    found += texts(options.texts, options.seed)
    print("\n".join(found[:50]) or f"{2 * options.calls} calls and {options.texts} texts: nothing found")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
