#!/usr/bin/env python3
"""Kill the whole program at random moments of a long session, go on with it, and look at what stands.

    python scripts/campaign/crash.py [--kills 300] [--landings 30] [--seed 1] [--folder DIR]

A session on a real terminal is driven by keys: it is asked for one step after the other, runs commands, rejects one hunk,
lands the others, takes some landings back. `kill -9` ends it at a moment of the clock, or shortly after a key. It is gone on
with by `--resume` until all landings are made. After each start the tree must be a state that a landing committed, the one
before or after what was going on; what was staged must still be staged; record, items, ledger and accounts must be readable;
and the end must be the same as without any kill. With a folder, what was done stays done when the campaign is started again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pty
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import termios
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / "core"), str(ROOT / "sandbox")]

from assent_core.landing.landings import landings
from assent_core.memory.record import read
from assent_core.memory.sessions import find, record_path
from assent_core.rehearsal import Rehearsal

ASSENT = str(Path(sys.executable).with_name("assent"))
PATIENCE = 120.0
"""Seconds after which something that was waited for counts as never coming."""
LONGEST_LIFE = 5.0
"""Seconds within which the clock kills."""
SHORTLY = 0.25
"""Seconds within which a kill follows a key."""
UNDONE = (7, 14, 21)
"""Steps that are taken back once after they landed."""
CHECK = """\
had() { if "$@" 2>/dev/null; then echo yes; else echo no; fi; }
gone() { ! test -e "$1"; }
echo "state of $1: counter=$(had grep -qx "count $1" counter.txt) log=$(had grep -qx "step $1" log.txt)" \\
     "file=$(had test -e "steps/$1.txt") old=$(had gone "steps/$2.txt")"
"""
WHOLE = "counter=yes log=yes file=yes old=yes"
PATCHES = {
    "counter=no": "*** Update File: counter.txt\n@@\n-count ${prev}\n+count ${next}\n",
    "log=no": "*** Update File: log.txt\n@@\n step ${prev}\n+step ${next}\n",
    "file=no": "*** Add File: steps/${next}.txt\n+made by ${next}\n",
    "old=no": "*** Delete File: steps/${prev}.txt\n",
}


def script() -> str:
    """A worker that looks, edits what is not done yet, and looks again."""
    look = "sh check.sh ${next} ${prev}"
    steps = [(r"step (?P<prev>\d+) to (?P<next>\d+)", f"shell = 'echo noise ${{next}} > a-noise.txt; {look}'")]
    steps += [(WHOLE, "say = 'Step ${next} is on the stage.'")]
    parts = {" ".join(PATCHES): "".join(PATCHES.values())} | PATCHES
    for missing, patch in parts.items():
        steps.append((missing, f"patch = '''\n*** Begin Patch\n{patch}*** End Patch\n'''"))
    steps.append((r"Done\.", f"shell = '{look}'"))
    return "\n".join(f"[[worker]]\nrepeat = true\nwhen_input_matches = '''{when}'''\n{do}" for when, do in steps)


def tree_at(step: int) -> dict[str, str]:
    """All files after so many steps."""
    return {
        "a-noise.txt": "quiet\n",
        "check.sh": CHECK,
        "counter.txt": f"count {step}\n",
        "log.txt": "".join(f"step {number}\n" for number in range(step + 1)),
        f"steps/{step}.txt": f"made by {step}\n",
    }


def standing(root: Path) -> dict[str, str]:
    """All files of the tree but git's own."""
    files = (path for path in root.rglob("*") if ".git" not in path.parts and path.is_file())
    return {path.relative_to(root).as_posix(): path.read_text() for path in files}


def make(root: Path) -> None:
    """A repository before the first step."""
    for name, text in tree_at(0).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q", str(root)], check=True)


class Killed(Exception):
    """The program was killed as it was meant to be."""


class Wrong(Exception):
    """What must not be."""


class Life:
    """One process of the program on a terminal, which may be killed by the clock or after a key."""

    def __init__(self, words: list[str], root: Path, environment: dict[str, str], chance: random.Random) -> None:
        self._chance = chance
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (40, 120))
        self._process = subprocess.Popen(
            [ASSENT, *words], cwd=root, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        os.set_blocking(self._master, False)
        self.shown, self._last = "", time.monotonic()
        self.doomed_by = ""
        self._end = self._keys = float("inf")

    def doom(self) -> None:
        """Choose how this life ends."""
        if self._chance.random() < 0.4:
            self.doomed_by, self._end = "clock", time.monotonic() + self._chance.random() * LONGEST_LIFE
        else:
            self.doomed_by, self._keys = "key", self._chance.randrange(8)

    async def press(self, keys: str) -> None:
        """Type something; perhaps it was the last time."""
        os.write(self._master, keys.encode())
        self._keys -= 1
        if self._keys < 0:
            self._end = min(self._end, time.monotonic() + self._chance.random() * SHORTLY)
        await self.wait(0.06)

    async def wait(self, seconds: float) -> None:
        """Let time pass, read what is shown, and die if it is time to."""
        until = time.monotonic() + seconds
        while True:
            self._read()
            if time.monotonic() >= self._end:
                self.kill()
                raise Killed
            if self._process.poll() is not None:
                raise Wrong(f"it ended by itself with {self._process.returncode}: {seen(self)}")
            if time.monotonic() >= until:
                return
            await asyncio.sleep(min(0.01, max(0.0, self._end - time.monotonic())))

    async def settled(self) -> None:
        """Wait until nothing has been drawn for a moment."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() - self._last < 0.3 and time.monotonic() < until:
            await self.wait(0.05)

    async def over(self) -> int:
        """Wait for the end that was asked for; the exit code."""
        until = time.monotonic() + PATIENCE
        while self._process.poll() is None:
            self._read()
            if time.monotonic() > until:
                raise Wrong(f"it does not end: {seen(self)}")
            await asyncio.sleep(0.02)
        return self._process.returncode

    def kill(self) -> None:
        """End the program, half of the time with everything that it started."""
        family = survivors(self._process.pid) if self._chance.random() < 0.5 else []
        for number in (self._process.pid, *family):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End what is still there."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)

    def _read(self) -> None:
        with suppress(OSError):
            while data := os.read(self._master, 1 << 16):
                self.shown = (self.shown + data.decode(errors="replace"))[-20_000:]
                self._last = time.monotonic()


def seen(life: Life) -> str:
    """The words that were drawn last."""
    return re.sub(r"\s+", " ", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[─│╭╮╰╯▆▁]", " ", life.shown))[-1500:]


def survivors(parent: int) -> list[int]:
    """All processes below one."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                children.setdefault(int((entry / "stat").read_text().rpartition(")")[2].split()[1]), []).append(
                    int(entry.name)
                )
    found, todo = [], [parent]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def alive(state: Path) -> list[int]:
    """Processes whose command line or environment names a state directory."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                if os.fsencode(state) in (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes():
                    found.append(int(entry.name))
    return found


class Story:
    """One session from its first prompt to its last landing, through as many lives as it takes."""

    def __init__(self, folder: Path, url: str, landings: int, chance: random.Random) -> None:
        self.root, self.state = folder / "repository", folder / "state"
        self._url, self._landings, self._chance = url, landings, chance
        self._may = {0}
        """The steps of which one must stand."""
        self._undone: set[int] = set()
        self._staged = 0
        """The step that was wholly staged and is not known to have landed."""
        self._session = ""
        self._lines = 0
        self._newest: list[str] = []
        self.kills = 0
        self.counted = Counter[str]()
        make(self.root)

    async def told(self, most_kills: int) -> None:
        """Live until the end; raises Wrong."""
        while True:
            words = ["--resume", self._session] if self._session else ["step 0 to 1"]
            life = Life(words, self.root, self._environment(), self._chance)
            with closing(life):
                if self.kills < most_kills:
                    life.doom()
                try:
                    await self._lived(life)
                    break
                except Killed:
                    self.kills += 1
                    self.counted[f"killed by the {life.doomed_by}"] += 1
            await self._buried()
        self._judge_end()

    async def _lived(self, life: Life) -> None:
        first = not self._session
        await self._event(life, "opened")
        self._look()
        if first:
            await self._asked(life, 0, typed=False)
        while (step := self._step()) < self._landings:
            await self._asked(life, step, typed=True)
            await self._landed(life, step + 1)
            if step + 1 in UNDONE and step + 1 not in self._undone:
                await self._taken_back(life, step + 1)
            if step % 3 == 0:
                await self._ran(life, step + 1)
        await life.settled()
        life._end = life._keys = float("inf")
        await life.press("\x11")
        if code := await life.over():
            raise Wrong(f"exit code {code} at the end: {seen(life)}")

    async def _asked(self, life: Life, step: int, *, typed: bool) -> None:
        """Have the worker stage one step."""
        fresh = self._staged == step + 1
        if typed:
            await self._typed(life, f"step {step} to {step + 1}", "prompted")
        if fresh and WHOLE not in (await self._event(life, "performed"))["told"]:
            raise Wrong(f"step {step + 1} was staged, and is not after the next start")
        ended = await self._event(life, "ended")
        if ended["how"] != "done":
            raise Wrong(f"a turn ended: {ended}")
        self._staged = step + 1

    async def _landed(self, life: Life, step: int) -> None:
        """Accept all but the noise, and land it."""
        for _ in range(10):
            await self._entered(life, "/review")
            await life.settled()
            await life.wait(0.3)
            await life.press("\x12")
            await life.press("{{{{{{A")
            await life.press("{{{{{{n")
            self._may = {step - 1, step}
            await life.press("L")
            await life.press("\r")
            if await self._event(life, "landed", 10.0):
                self._may, self._staged = {step}, 0
                self._look()
                self.counted["landings seen"] += 1
                return
        raise Wrong(f"step {step} does not land: {seen(life)}; {self._newest}; {standing(self.root)}")

    async def _taken_back(self, life: Life, step: int) -> None:
        self._may = {step - 1, step}
        await self._typed(life, "/undo", "undone")
        self._undone.add(step)
        self._may = {step - 1}
        self._look()

    async def _ran(self, life: Life, step: int) -> None:
        await self._typed(life, f"!sh check.sh {step} {step - 1}", "proposed")
        await self._event(life, "ended")

    async def _typed(self, life: Life, text: str, until: str) -> None:
        """Type into the prompt, also where a review has the keys; until an event shows that it was taken."""
        for _ in range(10):
            await self._entered(life, text)
            if taken := await self._event(life, until, 10.0):
                if until != "prompted" or taken["text"] == text:
                    return
                await self._event(life, "ended")
        raise Wrong(f"{text!r} is not taken: {seen(life)}")

    async def _entered(self, life: Life, text: str) -> None:
        await life.settled()
        await life.press("\x1b")
        await life.wait(0.3)
        await life.press("\x15")
        await life.press(text)
        await life.press("\r")

    async def _event(self, life: Life, kind: str, seconds: float = 0.0) -> dict[str, object]:
        """The next event of a kind in the record; empty if none comes within a time that is given."""
        until = time.monotonic() + (seconds or PATIENCE)
        while time.monotonic() < until:
            for event in self._fresh():
                if event["event"] == kind:
                    return event
            await life.wait(0.02)
        if seconds:
            return {}
        raise Wrong(f"no event {kind!r} came: {seen(life)}")

    def _fresh(self):
        """Events of the record that were not seen yet, one by one."""
        records = sorted((self.state / "sessions").glob("*.jsonl"))
        if not records:
            return
        whole = records[-1].read_bytes().split(b"\n")[:-1]
        while self._lines < len(whole):
            line = json.loads(whole[self._lines])
            self._lines += 1
            if "what" in line:
                if line["what"]["event"] == "prompted":
                    self._session = records[-1].stem
                self._newest = [*self._newest[-12:], str(line["what"])[:300]]
                yield line["what"]

    def _step(self) -> int:
        (step,) = self._may
        return step

    def _look(self) -> None:
        """The tree must be a state that may be; from now on it is that one."""
        found = standing(self.root)
        steps = [step for step in self._may if tree_at(step) == found]
        if not steps:
            raise Wrong(f"none of the states {sorted(self._may)} stands: {found}")
        if self._staged in steps:
            self._staged = 0
        self._may = set(steps)

    async def _buried(self) -> None:
        """After a kill: no process is left, and what is kept can be read."""
        until = time.monotonic() + PATIENCE
        while (left := alive(self.state)) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        if left:
            raise Wrong(f"still alive: {left}")
        self._drop_unprompted()
        for path in self.state.rglob("*.jsonl"):
            self._readable(path)
        if (accounts := self.state / "accounts.db").exists():
            with closing(sqlite3.connect(accounts)) as database:
                if (said := database.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                    raise Wrong(f"the accounts: {said}")

    def _drop_unprompted(self) -> None:
        """A session that was killed before its first prompt is no session to go on with."""
        for _ in self._fresh():
            pass
        if not self._session:
            self._lines = 0

    def _readable(self, path: Path) -> None:
        lines = path.read_bytes().split(b"\n")
        try:
            for line in filter(None, lines[:-1]):
                json.loads(line)
        except ValueError as error:
            raise Wrong(f"{path.name} cannot be read: {error}: {line[:200]!r}") from error
        self.counted["torn lines"] += bool(lines[-1])

    def _judge_end(self) -> None:
        if standing(self.root) != tree_at(self._landings):
            raise Wrong(f"another end: {standing(self.root)}")
        made = landings(self.root, self.state)
        stands = [one for one in made if not one.undone]
        if len(stands) != self._landings or {one.session for one in made} != {self._session}:
            raise Wrong(f"{len(stands)} landings stand of {len(made)}")
        passage = read(record_path(self.state, self._session))
        if passage.lost:
            raise Wrong(f"{passage.lost} lines of the record are lost")
        told = find(self.state, self._session)
        if told.landed != sum(4 for _ in stands):
            raise Wrong(f"the record tells of {told.landed} landed hunks, and {4 * len(stands)} stand")
        if told.staged:
            self.counted["ends with a kept stage"] += 1

    def _environment(self) -> dict[str, str]:
        config = self.state.with_name("config")
        config.mkdir(exist_ok=True)
        (config / "settings.toml").write_text("pace = 0\n")  # each letter that is pressed here is a key
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        return kept | {
            "ASSENT_STATE_DIR": str(self.state),
            "ASSENT_CONFIG_DIR": str(config),
            "OPENAI_BASE_URL": self._url,
            "OPENAI_API_KEY": "sk-campaign-not-a-real-key-0123456789",
            "TERM": "xterm-256color",
        }


async def campaign(kills: int, landings: int, seed: int, folder: Path | None = None) -> tuple[Counter[str], list[str]]:
    """Sessions of so many landings until there were so many kills; what was counted, and what went wrong."""
    kept = folder / f"crash-{seed}.json" if folder else None
    done = json.loads(kept.read_text()) if kept and kept.exists() else {"sessions": 0, "counted": {}, "wrong": []}
    counted, wrong = Counter[str](done["counted"]), list[str](done["wrong"])
    while counted["kills"] < kills:
        chance = random.Random(f"{seed}/{done['sessions']}")
        async with Rehearsal.from_text(script()) as rehearsal:
            with tempfile.TemporaryDirectory(prefix="assent-crash-", ignore_cleanup_errors=True) as place:
                story = Story(Path(place), rehearsal.url, landings, chance)
                try:
                    await story.told(min(kills - counted["kills"], 2 * landings))
                    wrong += [f"session {done['sessions']}: {said}" for said in rehearsal.complaints]
                except Wrong as error:
                    wrong.append(f"session {done['sessions']}, after {story.kills} kills: {error}")
        counted.update(story.counted)
        counted.update(kills=max(story.kills, 1), sessions=1)
        done = {"sessions": done["sessions"] + 1, "counted": counted, "wrong": wrong}
        if kept:
            kept.write_text(json.dumps(done))
            print(dict(counted), f"wrong: {len(wrong)}", flush=True)
    return counted, wrong


def main() -> int:
    """Run the campaign and print figures; 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--landings", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="where to keep what was done, to go on later")
    options = parser.parse_args()
    started = time.monotonic()
    counted, wrong = asyncio.run(campaign(options.kills, options.landings, options.seed, options.folder))
    for said in wrong:
        print(said)
    print(f"{time.monotonic() - started:.0f} s, seed {options.seed}: {dict(counted)}; wrong: {len(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
