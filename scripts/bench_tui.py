"""The screen: each figure beside a reference of the same run on the same machine, and the most that the ratio may be.

Milliseconds are those of the processors, all threads and children of a program together, so that what else the machine
does decides nothing; programs and references take turns, and the medians count.

scripts/bench tui [start|chat|stream|review|resume|freeze]      all of them without a word; exit 1 if one is over its limit
"""

from __future__ import annotations

import asyncio
import os
import pty
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot

from assent_core.consent.gate import Asker
from assent_core.diffs.changes import take_apart
from assent_core.diffs.review import Review, renew
from assent_core.events import AnyEvent, Decided, Ended, Opened, Performed, Prompted, Proposed, Said, Texted
from assent_core.memory.notebook import Notebook
from assent_core.memory.past import Past
from assent_core.memory.record import Record
from assent_core.memory.sessions import record_path
from assent_core.proposals import Shell
from assent_sandbox.stage import Change, File
from assent_tui.screen.app import AssentApp
from assent_tui.screen.messages import Reviewed

ROUNDS = 11
SIZE = (120, 40)
EMPTY = """
import sys
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("painted")
    def on_key(self):
        self.exit()
Empty().run()
"""
over: list[str] = []


def tell(name: str, ours: float, reference: float, what: str, limit: float) -> None:
    """One line of the table; a ratio above its limit is remembered."""
    ratio = ours / max(reference, 1e-6)
    mark = "" if ratio <= limit else "  OVER"
    if mark:
        over.append(name)
    print(f"{name:<34}{ours:10.2f}{reference:10.2f}{ratio:8.2f}  <= {limit:g} of {what}{mark}", flush=True)


# real processes on a terminal


def shown_after(argv: list[str], text: str, cwd: Path, environment: dict[str, str]) -> float:
    """Milliseconds of the processors from the start of a program on a terminal until it shows a text; then it is ended."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (40, 120))
    process = subprocess.Popen(
        argv, cwd=cwd, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    seen = b""
    while text.encode() not in seen:
        if not select.select([master], [], [], 60)[0]:
            raise SystemExit(f"{argv}: {text!r} was never shown: {seen[-2000:]!r}")
        try:
            seen += os.read(master, 1 << 16)
        except OSError as error:
            raise SystemExit(f"{argv} ended without {text!r}: {seen[-2000:]!r}") from error
    process.send_signal(signal.SIGKILL)
    _, process.returncode, used = os.wait4(process.pid, 0)
    os.close(master)
    return (used.ru_utime + used.ru_stime) * 1000


def spent_by(argv: list[str]) -> float:
    """Milliseconds of the processors that a program takes."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    _, process.returncode, used = os.wait4(process.pid, 0)
    return (used.ru_utime + used.ru_stime) * 1000


def place(folder: Path) -> tuple[Path, dict[str, str]]:
    """A small repository and the environment of a user with a key and nothing else."""
    root = folder / "repository"
    root.mkdir()
    (root / "calc.py").write_text("def add(left, right):\n    return left + right\n")
    identity = ("-c", "user.name=B", "-c", "user.email=b@localhost")
    for words in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-q", "-m", "start")):
        subprocess.run(["git", "-C", str(root), *words], check=True)
    home = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return root, kept | home | {"TERM": "xterm-256color", "OPENAI_API_KEY": "sk-none", "PYTHONDONTWRITEBYTECODE": "1"}


def start(assent: str) -> None:
    """First paint, against an app of Textual with nothing in it; and the version, against a Python that does nothing."""
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
        root, environment = place(Path(folder))
        ours: list[float] = []
        empty: list[float] = []
        for _ in range(ROUNDS):
            ours.append(shown_after([assent], "Enter sends", root, environment))
            empty.append(shown_after([sys.executable, "-I", "-c", EMPTY], "painted", root, environment))
        tell("first paint", statistics.median(ours), statistics.median(empty), "an empty Textual app", 1.3)
    version: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        for argv, taken in (([assent, "--version"], version), ([sys.executable, "-c", "pass"], bare)):
            taken.append(spent_by(argv))
    tell("assent --version", statistics.median(version), statistics.median(bare), "python -c pass", 3)


def resume(assent: str) -> None:
    """A session of 3,000 messages shows its last one, against a session that begins."""
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
        root, environment = place(Path(folder))
        record = Record(record_path(Path(folder, "state", "assent"), "20260101-long"), "20260101-long", root, str)
        for event in messages(3000):
            record.append(event)
        record.append(Said(text="the very last one"))
        record.close()
        ours: list[float] = []
        empty: list[float] = []
        for _ in range(ROUNDS // 2 + 1):
            empty.append(shown_after([assent], "Nothing in your files", root, environment))
            argv = [assent, "--resume", "20260101-long"]
            ours.append(shown_after(argv, "the very last one", root, environment))
        tell("resume of 3,000 messages", statistics.median(ours), statistics.median(empty), "a session that begins", 2)


# inside one process, by the time of its processor


def messages(count: int) -> list[AnyEvent]:
    """A conversation: requests, answers with code, commands."""
    made: list[AnyEvent] = []
    for at in range(count // 3):
        made += [
            Prompted(turn=at, text=f"message {at}: please look at the total of the cart again"),
            Said(text=f"It ignores **{at}**:\n\n- one\n- two\n\n```python\ndef total(self):\n    return {at}\n```\n"),
            Proposed(id=f"c{at}", proposal=Shell(command=f"pytest -q -k {at}")),
            Decided(id=f"c{at}", allowed=True, by="walls", why=""),
            Performed(id=f"c{at}", ok=True, told="..\n2 passed\n", code=0, seconds=0.4),
            Ended(turn=at, how="done"),
        ]
    return made


class Quiet:
    """A session in which nothing happens; it may have a past."""

    def __init__(self, past: Past) -> None:
        self.opened = Opened(session="s", root="/home/me/shop", tier="overlay", worker="gpt-5.4-mini")
        self.past = past
        self._folder = tempfile.TemporaryDirectory(prefix="assent-bench-")
        self.notebook = Notebook(Path(self._folder.name), Path(self.opened.root), str)

    async def files(self) -> tuple[str, ...]:
        return ("part.py",)

    async def review(self, earlier: Review | None = None) -> tuple[Review, None]:
        return earlier or Review(), None

    def listen(self, listener: Callable[[AnyEvent], object]) -> None:
        pass

    async def close(self) -> None:
        self.notebook.close()
        self._folder.cleanup()

    def __getattr__(self, name: str) -> object:
        return getattr(self.past, name)


NOTHING = Past()


@asynccontextmanager
async def screen(past: Past = NOTHING) -> AsyncGenerator[tuple[AssentApp, Pilot[int]]]:
    """The screen over a quiet session, ready."""

    async def open(asker: Asker) -> Quiet:
        return Quiet(past)

    app = AssentApp(open)  # type: ignore[arg-type]
    async with app.run_test(size=SIZE) as pilot:
        for _ in range(1000):
            await pilot.pause(0.02)
            if app.jobs is not None and app.job is None:
                break
        await pilot.pause(0.2)
        yield app, pilot


async def painted(app: App[int]) -> None:
    """Wait until all that was changed is on the screen."""
    done = asyncio.Event()
    app.call_after_refresh(done.set)
    await done.wait()


async def spent(app: App[int], work: Callable[[], object], times: int = ROUNDS) -> float:
    """Milliseconds of processor time that a change and its painting take, at the median."""
    taken: list[float] = []
    for _ in range(times):
        begun = time.process_time()
        made = work()
        if isinstance(made, Awaitable):
            await made
        await painted(app)
        taken.append((time.process_time() - begun) * 1000)
    return statistics.median(taken)


async def chat() -> None:
    """A long conversation against a short one."""
    found: list[dict[str, float]] = []
    for count in (3000, 30):
        async with screen(Past(events=tuple(messages(count)))) as (app, pilot):
            await pilot.press("a")

            def change_focus(app: AssentApp = app) -> None:
                (app.chat if app.focused is app._prompt else app._prompt).focus()

            found.append(
                {
                    "append": await spent(app, lambda app=app: app.chat.show(Said(text="another *one*"))),
                    "key to paint": await spent(app, lambda pilot=pilot: pilot.press("x")),
                    "focus change": await spent(app, change_focus),
                }
            )
    for name, ours in found[0].items():
        tell(f"3,000 messages: {name}", ours, found[1][name], "30 messages", 1.5)


async def stream() -> None:
    """20,000 tokens with a fence of 1,000 lines: no append is more than three times the first; then rest; memory."""
    async with screen() as (app, _):
        before = resident()
        tokens = ["word ", "and ", "**more** ", "of `it`. ", "\n\n"] * 2200
        fence = ["```python\n", *(f"value_{at} = {at}  # text\n" for at in range(1000)), "```\n\n"]
        whole = [*tokens[:4500], *(piece for row in fence for piece in (row[:6], row[6:])), *tokens]
        whole = (whole * 2)[:20_000]
        taken: list[float] = []
        for at in range(0, len(whole), 100):
            begun = time.process_time()
            for token in whole[at : at + 100]:
                app.chat.show(Texted(delta=token))
            await asyncio.sleep(0.11)
            await painted(app)
            taken.append((time.process_time() - begun) * 1000)
        first = statistics.median(taken[:5])
        tell("20,000 tokens: worst append", max(taken), first, "the first (median of 5)", 3)
        app.chat.show(Said(text="".join(whole)))
        await asyncio.sleep(0.5)
        begun = time.process_time()
        await asyncio.sleep(2)
        idle = (time.process_time() - begun) * 1000
        tell("idle after it, ms in 2 s", idle, 2000, "2 s", 0.01)
        for event in messages(3000):
            app.chat.show(event)
        await painted(app)
        text = sum(len(token) for token in whole) / 1e6
        tell("memory after, MB", resident(), before + text, "that at start, and the text", 1.5)


def resident() -> float:
    """Megabytes that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def changed(files: int, lines: int) -> Review:
    """A review of so many changed lines in so many files."""
    each = lines // files
    changes: list[Change] = []
    for at in range(files):
        old = "".join(f"line {row} = {row}\n" for row in range(each * 8))
        new = "".join(f"line {row} = {row}{' # changed' if row % 8 == 4 else ''}\n" for row in range(each * 8))
        changes.append(Change(path=f"src/part_{at:03}.py", before=File(old.encode()), after=File(new.encode())))
    return renew(Review(), tuple(take_apart(change) for change in changes))


async def review() -> None:
    """A large review against a small one: to open it, to move in it; the first one of all loads what both need."""
    found: list[dict[str, float]] = []
    for files, lines in ((200, 5000), (2, 50)):
        made = changed(files, lines)
        opened: list[float] = []
        for _ in range(ROUNDS):
            async with screen() as (app, pilot):
                begun = time.process_time()
                app.post_message(Reviewed(made, show=True))
                while not app._panes.shown:
                    await asyncio.sleep(0)
                await painted(app)
                opened.append((time.process_time() - begun) * 1000)
                if len(opened) == ROUNDS:
                    await pilot.pause(1)
                    moved = await spent(app, lambda pilot=pilot: pilot.press("right_square_bracket"), 31)
        found.append({"open": statistics.median(opened), "next hunk": moved})
    for name, ours in found[0].items():
        tell(f"5,000 lines in 200 files: {name}", ours, found[1][name], "50 lines in 2", 1.5)


async def freeze() -> None:
    """The longest time for which keys wait while a session opens, against the start of an empty app."""
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
        root, environment = place(Path(folder))
        os.environ.update(environment)
        script = Path(__file__).with_name("benches") / "lag.py"
        taken: list[float] = []
        empty: list[float] = []
        for _ in range(ROUNDS):
            argv = [sys.executable, "-I", str(script)]
            done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=True)
            taken.append(float(done.stdout.split()[-1]))
            empty.append(shown_after([sys.executable, "-I", "-c", EMPTY], "painted", root, environment))
        tell("longest freeze while opening", min(taken), statistics.median(empty), "the start of an empty app", 0.25)


def main() -> int:
    """Measure all, or what is named."""
    assent, wanted = sys.argv[1], sys.argv[2:]
    known: dict[str, Callable[[], object]] = {
        "start": lambda: start(assent),
        "resume": lambda: resume(assent),
        "chat": lambda: asyncio.run(chat()),
        "review": lambda: asyncio.run(review()),
        "stream": lambda: asyncio.run(stream()),
        "freeze": lambda: asyncio.run(freeze()),
    }
    if odd := [name for name in wanted if name not in known]:
        print(f"no measure is called {odd[0]}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    print(f"{'':<34}{'ours':>10}{'reference':>10}{'ratio':>8}")
    for name in wanted or known:
        known[name]()
    if over:
        print(f"over the limit: {', '.join(over)}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
