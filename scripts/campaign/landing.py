#!/usr/bin/env python3
"""Kill landings, their undoing and their recovery at random points, edit meanwhile, and look at what stands.

    python scripts/campaign/landing.py [--rounds 2000] [--seed 1] [--folder DIR]

A killed process is a real one: it ends itself by SIGKILL at the N-th call of any Python or C function. After the
recovery the tree must be wholly before or wholly after; what a user wrote meanwhile must stand; nothing may be left over.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / "core"), str(ROOT / "sandbox")]

from assent_core.errors import LandingRefused
from assent_core.landing import rename
from assent_core.landing.landings import Write, land, landings, recover, undo
from assent_sandbox.stage import Entry, File, Link

RENAME = rename._rename
NAMES = ("a", "b.txt", "c", "d e", "\u00fc", "raw\udcff")
Standing = dict[str, Entry | str]
"""What stands at each path; folders are a word."""


def _cannot(*_: object) -> bool:
    """A system that can neither exchange two names nor rename to a free name only."""
    return False


def entry(chance: random.Random) -> File | Link:
    """Any file or link."""
    if chance.random() < 0.15:
        return Link(chance.choice(["a", "../out", "nowhere"]))
    size = chance.choice([0, 3, 30, 5000])
    return File(chance.randbytes(size), chance.choice([0o644, 0o644, 0o755, 0o600, 0o444]))


def paths(chance: random.Random) -> dict[str, File | Link]:
    """A tree of entries: no path below another."""
    chosen: dict[str, File | Link] = {}
    for _ in range(chance.randint(1, 6)):
        path = "/".join(chance.choice(NAMES) for _ in range(chance.randint(1, 3)))
        if not any(path == one or path.startswith(f"{one}/") or one.startswith(f"{path}/") for one in chosen):
            chosen[path] = entry(chance)
    return chosen


def scenario(chance: random.Random) -> tuple[dict[str, File | Link], tuple[Write, ...]]:
    """A tree, and writes that turn it into another."""
    before, after = paths(chance), paths(chance)
    if chance.random() < 0.7:
        after = {path: one for path, one in before.items() if chance.random() < 0.4}
        for path in before:
            if path not in after and chance.random() < 0.6:
                after[path] = entry(chance)
        if not any(one.split("/")[0] == "new" for one in before):
            after["new/deep/file"] = entry(chance)
    every = sorted({*before, *after})
    writes = tuple(Write(path=path, before=before.get(path), after=after.get(path)) for path in every)
    return before, tuple(write for write in writes if write.before != write.after)


def put(root: Path, path: str, what: Entry | None) -> None:
    """Write as a user's program does: a new file renamed over the old one."""
    place = root / path
    if what is None:
        place.unlink(missing_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = place.with_name(".saving")
    if isinstance(what, Link):
        aside.symlink_to(what.target)
    elif isinstance(what, File):
        aside.write_bytes(what.data)
        aside.chmod(what.mode)
    try:
        aside.replace(place)
    except OSError:
        aside.unlink()
        raise


def standing(root: Path) -> Standing:
    """All that is in a tree."""
    found: Standing = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            place = Path(folder, name)
            path = str(place.relative_to(root))
            if place.is_symlink():
                found[path] = Link(str(place.readlink()))
            elif place.is_dir():
                found[path] = "folder"
            else:
                found[path] = File(place.read_bytes(), place.stat().st_mode & 0o777)
    return found


def killed(work: Callable[[], object], at: int) -> tuple[bool, int]:
    """Do work in a process that ends by SIGKILL at its `at`-th call (0: never). Whether it was killed; its calls."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        calls = 0

        def count(_frame: object, event: str, _what: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call", "c_return")
            if calls == at:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.setprofile(count)
            with contextlib.suppress(LandingRefused):
                work()
        finally:
            sys.setprofile(None)
            os.write(writing, str(calls).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        calls = int(pipe.read() or b"0")
    return os.WIFSIGNALED(os.waitpid(child, 0)[1]), calls


def edit(chance: random.Random, root: Path, writes: tuple[Write, ...]) -> dict[str, File]:
    """A user's save at one of the paths, in the place or by a rename; empty where a folder or a link is in the way."""
    path = chance.choice(writes).path
    mine = File(b"the user's own " + chance.randbytes(6).hex().encode())
    with contextlib.suppress(OSError):
        place = root / path
        if place.parent.resolve() != root.resolve() / Path(path).parent:
            return {}
        if place.is_file() and not place.is_symlink() and chance.random() < 0.5:
            with place.open("r+b") as file:
                file.truncate()
                file.write(mine.data)
            return {path: File(mine.data, place.stat().st_mode & 0o777)}
        put(root, path, mine)
        return {path: mine}
    return {}


def trouble(root: Path, before: Standing, after: Standing, mine: dict[str, File], told: str) -> str:
    """What is wrong with what stands, or nothing."""
    stands = standing(root)
    if left := [path for path in stands if ".assent-" in path and path not in told]:
        return f"left over: {left}"
    for path, one in mine.items():
        if stands.get(path) != one and not any(one == kept for place, kept in stands.items() if ".assent-" in place):
            return f"lost the user's {path}"
    if not mine:
        return "" if stands in (before, after) else "neither before nor after"
    touched = {*mine, *(path for path in stands if ".assent-" in path)}
    near = {
        path
        for path in (*stands, *before, *after)
        if any(path.startswith(f"{t}/") or t.startswith(f"{path}/") for t in touched)
    }
    outside = {*stands, *before, *after} - touched - near
    states = [[one.get(path) for path in sorted(outside)] for one in (stands, before, after)]
    return "" if states[0] in states[1:] else "others are neither before nor after"


def one_round(chance: random.Random, folder: Path, seen: Counter[str]) -> str:
    """One scenario, killed once or twice."""
    root, state = folder / "root", folder / "state"
    root.mkdir()
    plain = chance.random() < 0.2
    rename._rename = _cannot if plain else RENAME
    tree, writes = scenario(chance)
    if not writes:
        return ""
    for path, one in tree.items():
        put(root, path, one)
    before = standing(root)
    undoing = chance.random() < 0.3
    if undoing:
        land(root, state, writes)
        before, before_landing = standing(root), before
    else:
        before_landing = before
    work: Callable[[], object] = partial(undo, root, state) if undoing else partial(land, root, state, writes)
    after = before_landing if undoing else expected(folder, tree, writes)
    shutil.copytree(root, folder / "copy", symlinks=True)
    shutil.copytree(state, folder / "copystate") if state.exists() else None
    _, calls = killed(lambda: dry(folder, writes, undoing=undoing), 0)
    died, _ = killed(work, chance.randint(1, calls))
    mine = edit(chance, root, writes) if chance.random() < 0.3 else {}
    if chance.random() < 0.4:
        _, calls = killed(lambda: recover(root, state), chance.randint(1, calls))
    recovered = recover(root, state)
    told = str(recovered)
    hows = {one.how for one in recovered}
    wrong = trouble(root, before, after, mine, told)
    if not wrong and recover(root, state):
        wrong = "a second recovery found something"
    if not wrong and not mine:
        landed = standing(root) == after and before != after
        stands = any(not one.undone for one in landings(root, state))
        wrong = "" if stands == (landed != undoing) else "the journals say something else than the tree"
    seen.update(["killed" if died else "ended by itself", *hows, *(["edited meanwhile"] if mine else [])])
    seen.update(["undo" if undoing else "landing", *(["without the exchange"] if plain else [])])
    return f"{wrong}; died {died}, {hows}, undoing {undoing}, plain {plain}, mine {list(mine)}" if wrong else ""


def dry(folder: Path, writes: tuple[Write, ...], *, undoing: bool) -> None:
    """The same work on a copy, to count its calls."""
    root, state = folder / "copy", folder / "drystate"
    if undoing:
        back = tuple(Write(path=one.path, before=one.after, after=one.before) for one in writes)
        land(root, state, back)
    else:
        land(root, state, writes)


def expected(folder: Path, tree: dict[str, File | Link], writes: tuple[Write, ...]) -> Standing:
    """What the tree is after all writes."""
    root = folder / "expected"
    root.mkdir()
    after = {**tree, **{write.path: write.after for write in writes}}
    for path, one in after.items():
        if one is not None:
            put(root, path, one)
    return standing(root)


def main() -> int:
    """Run the rounds and print figures; 1 if any went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    options = parser.parse_args()
    seen: Counter[str] = Counter()
    failures = 0
    started = time.monotonic()
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="assent-landing-", dir=options.folder) as folder:
            wrong = one_round(random.Random(f"{options.seed}/{number}"), Path(folder), seen)
        if wrong:
            failures += 1
            print(f"seed {options.seed}, round {number}: {wrong}", flush=True)
    figures = ", ".join(f"{name}: {count}" for name, count in sorted(seen.items()))
    print(f"{options.rounds} rounds in {time.monotonic() - started:.0f} s; {figures}; wrong: {failures}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
