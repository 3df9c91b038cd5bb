"""Assent, begun again and again from one process that has imported its modules; as a program: that process.

Each is a process of its own, with the words, folder, environment and streams that it is given. All that differs from what the
installed command begins is that it need not import, which takes most of the processor time of a short session.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

MODULES = (
    "assent_core.service.responses", "assent_tui.cli", "assent_tui.commands.chores", "assent_tui.commands.demo",
    "assent_tui.commands.fix", "assent_tui.commands.interact", "assent_tui.commands.question", "assent_tui.commands.replay",
    "assent_tui.commands.run", "assent_tui.screen.app", "anyio._backends._asyncio", "argparse", "git", "h11", "platformdirs",
    "textual.drivers.linux_driver", "tree_sitter",
)  # fmt: skip
"""What is imported sooner or later in most sessions."""


class Begun:
    """A process, held as `subprocess.Popen` would hold it."""

    def __init__(self, words: Sequence[str], end: socket.socket) -> None:
        self.words = words
        self.returncode: int | None = None
        self._end = end
        self.pid = int(end.recv(64))

    def poll(self) -> int | None:
        """The exit code, if it is over."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; the exit code, or the negative number of the signal that ended it."""
        if self.returncode is None:
            self._end.settimeout(timeout)
            try:
                self.returncode = int(self._end.recv(64))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.words, timeout or 0) from None
            self._end.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it is not over."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class Warm:
    """The process that has imported the modules, and how it is told to begin another."""

    def __init__(self, python: Path, environment: dict[str, str]) -> None:
        self._door, far = socket.socketpair()
        with far:
            argv = [python, "-I", __file__, str(far.fileno())]
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, pass_fds=[far.fileno()], env=environment)

    def begin(self, words: Sequence[str], cwd: Path, environment: dict[str, str], streams: Sequence[int]) -> Begun:
        """Begin assent with these words; the streams become its stdin, stdout and stderr."""
        ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM)
        order = json.dumps([words, str(cwd), environment]).encode() + b"\n"
        with theirs:
            sent = socket.send_fds(self._door, [order], [*streams, theirs.fileno()])
        self._door.sendall(order[sent:])
        return Begun(words, ours)

    def run(self, words: Sequence[str], cwd: Path, environment: dict[str, str], input: str) -> tuple[int, str, str]:
        """Run assent to its end: its exit code, and what it wrote on stdout and on stderr."""
        (stdin, asked), (told, stdout), (said, stderr) = (os.pipe() for _ in range(3))
        begun = self.begin(words, cwd, environment, (stdin, stdout, stderr))
        for descriptor in (stdin, stdout, stderr):
            os.close(descriptor)
        with ThreadPoolExecutor(3) as pool:
            written = pool.submit(_write, asked, input)
            texts = [pool.submit(_read, descriptor) for descriptor in (told, said)]
            try:
                code = begun.wait(100)
            except subprocess.TimeoutExpired:
                begun.kill()
                begun.wait()
                raise
            written.result()
            return code, texts[0].result(), texts[1].result()

    def close(self) -> None:
        """End it."""
        self._door.close()
        self._process.wait()


def _write(descriptor: int, text: str) -> None:
    with suppress(BrokenPipeError), open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _read(descriptor: int) -> str:
    with open(descriptor, encoding="utf-8") as file:
        return file.read()


def serve(door: socket.socket) -> list[str]:
    """Begin what is ordered until nobody is there to order; returns in what was begun, with its words."""
    awake, ring = socket.socketpair()
    ring.setblocking(False)
    signal.set_wakeup_fd(ring.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ends: dict[int, socket.socket] = {}
    while True:
        ready = select.select([door, awake], [], [])[0]
        if awake in ready:
            awake.recv(4096)
            _tell(ends)
        if door in ready:
            order, descriptors, *_ = socket.recv_fds(door, 1 << 20, 4)
            if not order:
                sys.exit()
            while not order.endswith(b"\n"):
                order += door.recv(1 << 20)
            *streams, end = descriptors
            if (pid := os.fork()) == 0:
                for each in (door, awake, ring, *ends.values()):
                    each.close()
                os.close(end)
                return _become(json.loads(order), streams)
            for descriptor in streams:
                os.close(descriptor)
            ends[pid] = socket.socket(fileno=end)
            ends[pid].send(b"%d" % pid)


def _tell(ends: dict[int, socket.socket]) -> None:
    """Say of those that are over how they ended."""
    for pid in list(ends):
        over, status = os.waitpid(pid, os.WNOHANG)
        if over:
            with ends.pop(pid) as end, suppress(OSError):
                end.send(b"%d" % os.waitstatus_to_exitcode(status))


def _become(order: tuple[list[str], str, dict[str, str]], streams: list[int]) -> list[str]:
    """Be as one that was begun with these; returns the words."""
    words, folder, environment = order
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, (name, stream) in enumerate(zip(("stdin", "stdout", "stderr"), streams, strict=True)):
        os.dup2(stream, number)
        os.close(stream)
        old = getattr(sys, name)
        file = open(number, old.mode, encoding=old.encoding, errors=old.errors, closefd=False)  # noqa: SIM115 - open to the end
        if name == "stderr":
            file.reconfigure(line_buffering=True)
        setattr(sys, name, file)
        setattr(sys, f"__{name}__", file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = words
    return words


if __name__ == "__main__":
    for module in MODULES:
        importlib.import_module(module)
    importlib.import_module("openai").DefaultAsyncHttpxClient(
        trust_env=False
    )  # which imports what the SDK itself does late
    gc.freeze()
    given = serve(socket.socket(fileno=int(sys.argv[1])))
    sys.exit(importlib.import_module("assent_tui.cli").main(given))
