#!/usr/bin/env python3
"""Let many sessions land into one repository at random while another program saves the same files.

    python scripts/campaign/together.py [--sessions 8] [--seconds 60] [--seed 1]

Each session is a process: it edits lines on its stage, reviews, and lands what is no conflict. The ninth process saves whole
files as editors do, and takes care to lose nothing of others. At the end every landed edit and every save stands exactly
once, what was refused or in conflict does not, and nothing is left over. Of two saves in the very moment of a landing the
earlier one may stand beside the file instead (`.assent-*`, which the refusal names): it is set aside, not lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / "core"), str(ROOT / "sandbox")]

from assent_core.assembly import open_session
from assent_core.diffs.review import decide
from assent_core.errors import LandingRefused
from assent_core.landing import rename
from assent_core.landing.landings import landings
from assent_core.session import Session
from assent_core.settings import Settings
from assent_sandbox.stage import File

FILES = tuple(f"{name}.txt" for name in "abcd")
LINES = 60
"""Each line is `NUMBER:` and the tokens that were added to it."""
LEAST = 4
"""How many edits everybody makes at least, also where all that takes longer than it should."""
PATIENCE = 90.0
"""Seconds after the end in which nothing can be refused again and again, on a machine that may be slow."""
Lines = dict[str, list[str]]


def read(data: str) -> Lines:
    """The tokens of each line of a file, in order."""
    return {line.partition(":")[0]: line.partition(":")[2].split() for line in data.splitlines()}


def written(lines: Lines) -> str:
    """The file with these lines."""
    return "".join(f"{number}: {' '.join(tokens)}\n" for number, tokens in lines.items())


def united(one: Lines, other: Lines) -> Lines:
    """What one of two files has or both have."""
    return {number: list(dict.fromkeys([*tokens, *other[number]])) for number, tokens in one.items()}


def make(root: Path) -> None:
    """A repository with a few files."""
    root.mkdir(parents=True)
    for name in FILES:
        (root / name).write_text(written({str(number): [] for number in range(LINES)}))
    subprocess.run(["git", "init", "-q", str(root)], check=True)


class Editor:
    """Saves whole files: what comes out of a name when a save goes in is read, and saved again if something new is in it."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self._root = root
        self._chance = chance
        self._folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)

    def save(self, token: str) -> str:
        """Add a token somewhere; gives the file."""
        name = self._chance.choice(FILES)
        lines = read((self._root / name).read_text())
        lines[str(self._chance.randrange(LINES))].append(token)
        while True:
            (self._root / ".saving").write_text(written(lines))
            if not rename.exchange(self._folder, ".saving", name):
                raise RuntimeError("this campaign needs a system that can exchange two names")
            found = read((self._root / ".saving").read_text())
            both = united(lines, found)
            if both == lines:
                (self._root / ".saving").unlink()
                return name
            lines = both


def edit(root: Path, until: float, seed: str) -> list[dict[str, str]]:
    """Save at random moments; gives what was saved."""
    chance, done = random.Random(seed), list[dict[str, str]]()
    editor = Editor(root, chance)
    while time.time() < until or len(done) < LEAST:
        token = f"editor-{len(done)}"
        done.append({"how": "saved", "token": token, "path": editor.save(token)})
        time.sleep(chance.random() * 0.1)
    return done


async def work(root: Path, state: Path, until: float, seed: str) -> list[dict[str, str]]:
    """One session that edits, reviews and lands; gives what became of each edit."""
    chance, done = random.Random(seed), list[dict[str, str]]()
    session = await open_session(root, Settings(state=str(state), accounts=False), model=False)
    try:
        while time.time() < until or len(done) < LEAST:
            tokens = {name: f"{seed}-{len(done)}-{name}" for name in chance.sample(FILES, chance.choice((1, 1, 2)))}
            for name, token in tokens.items():
                put(session, name, token, chance)
            await asyncio.sleep(chance.random() * 0.2)
            how = await landed(session, until)
            done += [
                {"how": how.get(name, "there already"), "token": token, "path": name} for name, token in tokens.items()
            ]
    finally:
        await session.close(keep=False)
    return done


def put(session: Session, name: str, token: str, chance: random.Random) -> None:
    """Add a token to a line of a file on the stage."""
    performer = session._bench.performer
    entry = performer.stage.read(name)
    assert isinstance(entry, File)
    lines = read(entry.data.decode())
    lines[str(chance.randrange(LINES))].append(token)
    performer.replace(name, entry, File(written(lines).encode(), entry.mode))


async def landed(session: Session, until: float) -> dict[str, str]:
    """Land all that is on the stage but conflicts, which are taken back; what became of each file."""
    how: dict[str, str] = {}
    refused = 0
    while True:
        review, _ = await session.review()
        how |= {file.path: "conflict" for file in review.files if file.conflict}
        clash = [hunk.id for file in review.files if file.conflict for hunk in file.hunks]
        rest = [hunk.id for file in review.files if not file.conflict for hunk in file.hunks]
        if refused > 50 and time.time() > until + PATIENCE:
            raise RuntimeError("refused again and again")
        try:
            if clash:
                await session.take_back(decide(review, tuple(clash), "rejected"))
            elif not rest:
                return how
            else:
                await session.land(decide(review, tuple(rest), "accepted"))
                return how | {file.path: "landed" for file in review.files}
        except LandingRefused:
            refused += 1


def trouble(root: Path, told: list[dict[str, str]]) -> list[str]:
    """What is wrong with what stands."""
    stands = Counter(
        (name, token) for name in FILES for tokens in read((root / name).read_text()).values() for token in tokens
    )
    wanted = Counter((one["path"], one["token"]) for one in told if one["how"] in ("landed", "saved", "there already"))
    aside = {path.name: read(path.read_text()) for path in root.glob(".assent-*")}
    kept = {token for lines in aside.values() for tokens in lines.values() for token in tokens}
    missing = {token for path, token in wanted if not stands[path, token]}
    wrong = [
        f"{path}: {token} is there {stands[path, token]} times"
        for path, token in wanted
        if stands[path, token] != 1 and (stands[path, token] or token not in kept)
    ]
    wrong += [f"{path}: {token} was never landed" for path, token in stands if (path, token) not in wanted]
    useful = {
        name for name, lines in aside.items() if missing & {token for tokens in lines.values() for token in tokens}
    }
    left = (path.name for path in root.iterdir() if path.name not in (*FILES, ".git", *useful))
    wrong += [f"left over: {name}" for name in left]
    return wrong


def campaign(sessions: int, seconds: float, seed: int) -> tuple[Counter[str], list[str]]:
    """Let them all work; how edits ended, and what went wrong."""
    with tempfile.TemporaryDirectory(prefix="assent-together-") as folder:
        root, state = Path(folder) / "repository", Path(folder) / "state"
        make(root)
        until = str(time.time() + seconds + 0.2 * sessions)
        roles = ["editor", *(f"s{seed}x{number}" for number in range(sessions))]
        command = [sys.executable, __file__, "--folder", folder, "--until", until, "--role"]
        running = [
            subprocess.Popen([*command, role], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for role in roles
        ]
        ends = [process.communicate(timeout=seconds + 2 * PATIENCE) for process in running]
        wrong = [f"{role}: {end[1].strip()[-2000:]}" for role, end in zip(roles, ends, strict=True) if end[1].strip()]
        told = [one for end in ends for one in json.loads(end[0] or "[]")]
        wrong += trouble(root, told)
        counted = Counter(one["how"] for one in told)
        counted["landings"] = len(landings(root, state))
        return counted, wrong


def main() -> int:
    """Run the campaign, or one process of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    for inner in ("--folder", "--until", "--role"):
        parser.add_argument(inner, default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        root, state, until = Path(options.folder, "repository"), Path(options.folder, "state"), float(options.until)
        editing = options.role == "editor"
        told = edit(root, until, options.role) if editing else asyncio.run(work(root, state, until, options.role))
        print(json.dumps(told))
        return 0
    counted, wrong = campaign(options.sessions, options.seconds, options.seed)
    for said in wrong[:40]:
        print(said)
    print(
        f"{options.sessions} sessions, {options.seconds:.0f} s, seed {options.seed}: {dict(counted)}; wrong: {len(wrong)}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
