"""Assent, run as a user would, with a home of its own."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from assent_core.rehearsal import Rehearsal
from assent_tui.commands.demo import served
from assent_tui.paint.guard import QUIET, SEEN
from emulated import Emulated
from patient import PATIENCE
from rehearsed import CALC, TEST, committed
from warm import Begun, Warm

COMMAND = Path(sys.executable).with_name("assent")
SIZE = (40, 120)
settings.register_profile(
    "as it comes",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("as it comes")
Assent = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches a real service or the tester's own settings by accident."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ASSENT_STATE_DIR", "ASSENT_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one failing test, which ignores nothing."""
    root = tmp_path / "repository"
    root.mkdir()
    (root / "calc.py").write_text(CALC)
    (root / "test_calc.py").write_text(TEST)
    return committed(root)


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the state and the settings of assent, apart from the folder that it works in."""
    return tmp_path_factory.mktemp("place")


def kept() -> dict[str, str]:
    """What of the tester's environment is everybody's."""
    return {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}


@pytest.fixture
def surroundings(place: Path) -> dict[str, str]:
    """The environment of a user who has assent and nothing else of it."""
    return kept() | {"XDG_STATE_HOME": str(place / "state"), "XDG_CONFIG_HOME": str(place / "config"), "TERM": "dumb"}


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """The process from which `assent` is begun."""
    with closing(Warm(COMMAND.with_name("python"), kept())) as warm:
        yield warm


@pytest.fixture
def assent(surroundings: dict[str, str], warm: Warm) -> Assent:
    """Run a command of assent in a folder, in a process of its own, and wait for its end."""

    def run(*args: str, cwd: Path, input: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(args, *warm.run(args, cwd, surroundings | variables, input))

    return run


@pytest.fixture
def installed(surroundings: dict[str, str]) -> Assent:
    """The same with the command as it is installed."""

    def run(*args: str, cwd: Path, input: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(COMMAND), *args],
            cwd=cwd,
            env=surroundings | variables,
            input=input,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


class Terminal:
    """Assent on a terminal of its own: what it shows, and keys for it."""

    def __init__(self, starting: Callable[[int], Begun | subprocess.Popen[bytes]]) -> None:
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, SIZE)
        self.process = starting(slave)
        os.close(slave)
        self.shown = ""
        self.seen = 0
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._screen = Emulated(*SIZE)

    @property
    def screen(self) -> str:
        """What stands on it now."""
        return self._screen.text

    def wait_until(self, *texts: str, gone: str = "", seconds: float = PATIENCE) -> None:
        """Read until all these texts stand on the screen at once, and another one does not."""
        deadline = time.monotonic() + seconds
        while not all(text in self.screen for text in texts) or (gone and gone in self.screen):
            assert time.monotonic() < deadline, f"{texts}, without {gone!r}, never stood on it:\n{self.screen}"
            assert self._read(0.2) or self.process.poll() is None, f"over without {texts}:\n{self.screen}"

    def be_read(self) -> None:
        """Let pass for what keys do not count in what came up; that goes by the clock, however fast the machine is."""
        time.sleep(SEEN + QUIET)

    def resize(self, rows: int, columns: int) -> None:
        """Make the window larger or smaller."""
        self._screen = Emulated(rows, columns)
        termios.tcsetwinsize(self.master, (rows, columns))
        self.process.send_signal(signal.SIGWINCH)

    def wait_for(self, text: str, seconds: float = PATIENCE) -> None:
        """Read until a text is shown that was not waited for yet."""
        deadline = time.monotonic() + seconds
        while (at := self.shown.find(text, self.seen)) < 0:
            assert time.monotonic() < deadline, f"{text!r} was never shown: {self.shown[-4000:]}"
            assert self._read(0.2) or self.process.poll() is None, f"over without {text!r}: {self.shown[-4000:]}"
        self.seen = at + len(text)

    def wait_for_all(self, *texts: str) -> None:
        """Read until each text is shown, in whatever order they are drawn."""
        begun, ends = self.seen, []
        for text in texts:
            self.seen = begun
            self.wait_for(text)
            ends.append(self.seen)
        self.seen = max(ends)

    def press(self, keys: str) -> None:
        """Type something."""
        os.write(self.master, keys.encode())

    def wait_for_end(self, seconds: float = PATIENCE) -> int:
        """Read until the command is over; its exit code."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end: {self.shown[-4000:]}"
            self._read(0.2)
        while self._read(0.05):
            pass
        return self.process.wait()

    def close(self) -> None:
        """End what is still there."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)

    def _read(self, seconds: float) -> bool:
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            return False
        text = self._decode(data)
        self.shown += text
        self._screen.feed(text)
        return bool(data)


Starting = Callable[[tuple[str, ...], Path, dict[str, str], int], Begun | subprocess.Popen[bytes]]
"""Starts assent with words, in a folder and an environment, on a terminal."""


@pytest.fixture
def terminal(surroundings: dict[str, str], warm: Warm) -> Iterator[Callable[..., Terminal]]:
    """Start assent on a terminal, in a process of its own."""
    yield from _terminals(
        surroundings, lambda words, cwd, environment, end: warm.begin(words, cwd, environment, (end, end, end))
    )


@pytest.fixture
def installed_terminal(surroundings: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    """The same with the command as it is installed."""
    yield from _terminals(
        surroundings,
        lambda words, cwd, environment, end: subprocess.Popen(
            [COMMAND, *words], cwd=cwd, env=environment, stdin=end, stdout=end, stderr=end
        ),
    )


def _terminals(surroundings: dict[str, str], starting: Starting) -> Iterator[Callable[..., Terminal]]:
    with ExitStack() as stack:

        def start(*args: str, cwd: Path, pace: float | None = 0.0, **variables: str) -> Terminal:
            environment = surroundings | {"TERM": "xterm-256color"} | variables
            if pace is not None:
                _set_pace(Path(environment["XDG_CONFIG_HOME"]) / "assent" / "settings.toml", pace)
            return stack.enter_context(closing(Terminal(partial(starting, args, cwd, environment))))

        yield start


def _set_pace(file: Path, pace: float) -> None:
    """How fast letters must follow each other to be text: what a test presses as keys are keys, however fast it does."""
    told = file.read_text() if file.exists() else ""
    if not told.startswith("pace"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"pace = {pace}\n{told}")


@pytest.fixture
def rehearse() -> Iterator[Callable[[str], Rehearsal]]:
    """Serve a rehearsed model from a thread; after the test the service had nothing to complain of."""
    with ExitStack() as stack:
        served_ones: list[Rehearsal] = []

        def serve(script: str) -> Rehearsal:
            rehearsal = Rehearsal.from_text(script)
            stack.enter_context(served(rehearsal))
            served_ones.append(rehearsal)
            return rehearsal

        yield serve
    assert [complaint for rehearsal in served_ones for complaint in rehearsal.complaints] == []
