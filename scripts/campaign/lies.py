#!/usr/bin/env python3
"""Let assent repair small repositories in which a check passes or fails for the wrong reason, and judge what it says of them.

    python scripts/campaign/lies.py [--tier overlay] [--only NAME] [--corpus]

The worker is scripted (the rehearsal server); the real command is run with `--json`. Where it ends with exit code 0, CMD, and
where CMD hides the truth a plainer command, must pass in a clean clone of what landed, at another path, and CMD also where
it landed. `lies.toml` has repairs that are none, `truths.toml` honest ones, which must land. `--corpus` looks at the cases
alone, without assent: that a lie deceives where it was told and fails elsewhere, and that a truth passes everywhere.
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from functools import cache
from itertools import product
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / "core"), str(ROOT / "sandbox")]

import msgspec
from broken import Wrong
from lying import Case, Place, cases, tail
from msgspec import Struct

from assent_core.rehearsal import Rehearsal
from assent_core.rehearsal.script import Script, Step
from assent_sandbox.policy import Tier

SANDBOX = str(Path(__file__).resolve().parents[2] / "sandbox")
ASSENT = str(Path(sys.executable).with_name("assent"))
TIERS: tuple[Tier, ...] = ("overlay", "copy")
AT_ONCE = 2
LONGEST = 240.0
"""Seconds after which a run of assent, on a machine that may be slow, is hung."""
BROKEN = ("usage", "service", "budget", "fault", "interrupted", "hung")
"""Ends that no case is about: with them nothing was tried."""
COPY = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv.pop(1))
from assent_sandbox.cell import namespaces
user, group = os.geteuid(), os.getegid()
namespaces.unshare(namespaces.NEWUSER)
for file, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
    Path("/proc/self", file).write_text(text)
Path("/proc/sys/user/max_user_namespaces").write_text("0")
namespaces.give_up_privileges()
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Begins a program where no user namespace can be made, so that only the copy tier is left."""


class Said(Struct, frozen=True, kw_only=True):
    """How a run of assent ended: its summary, as far as it is of interest."""

    outcome: str
    code: int
    message: str = ""
    tier: str = ""
    verification: dict[str, object] | None = None

    @property
    def verified(self) -> bool:
        """Whether it tells of a check that passed, without a doubt."""
        seen = self.verification or {}
        return seen.get("code") == 0 and not seen.get("doubt")


def steps(place: Place) -> Script:
    """What the worker does: once, however often it is sent back, and also where a request had to be made again."""
    work = place.filled(f"echo do''ne-once\n{place.case.work}", place.root)
    own = place.case.script or (Step(shell=work, repeat=True, when_history_matches=r"(?s)\A(?!.*done-once)"),)
    return Script(worker=(*own, Step(say="It is repaired.", repeat=True)))


def command(place: Place, tier: Tier) -> list[str]:
    """The command that repairs it, in a tier."""
    lower = [sys.executable, "-c", COPY, SANDBOX] if tier == "copy" else []
    options = shlex.split(place.case.options.replace("{patch}", str(place.patch)))
    return [*lower, ASSENT, "fix", "--json", *options, "--", *shlex.split(place.filled(place.case.check, place.root))]


async def run(place: Place, tier: Tier) -> Said:
    """Let assent repair it; what it said at its end."""
    own = {"ASSENT_STATE_DIR": str(place.state), "ASSENT_CONFIG_DIR": str(place.state / "config")}
    async with Rehearsal(steps(place)) as rehearsal:
        process = await asyncio.create_subprocess_exec(
            *command(place, tier),
            cwd=place.root / place.case.folder,
            env=place.environment | own | {"OPENAI_BASE_URL": rehearsal.url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), LONGEST)
        except TimeoutError:
            return Said(outcome="hung", code=-1)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    try:
        return msgspec.json.decode(out.strip().rpartition(b"\n")[2], type=Said)
    except msgspec.DecodeError:
        return Said(outcome="fault", code=process.returncode or 0, message=tail(err.decode(errors="replace")))


def judged(place: Place, said: Said, before: dict[str, tuple[int, bytes]]) -> str:
    """What is wrong with what was said; empty if it is right."""
    what, case = f"said {said.outcome!r} (exit {said.code}): {said.message}", place.case
    if said.outcome in BROKEN:
        return f"it did not come to an end: {what}"
    if said.code and place.standing() != before:
        return f"something landed all the same: {what}"
    if said.code and case.honest:
        return f"a truth was refused: {what}"
    if said.code:
        held = case.plain or said.outcome == "refused" or not said.verified
        return "" if held else f"a check that passed is told all the same: {what}"
    if wrong := place.fails():
        return f"{what}; in a clean clone {wrong}"
    if said.outcome == "landed" and (wrong := place.fails_there()):
        return f"{what}; in the tree where it landed {wrong}"
    if not case.honest:
        return f"what landed passes everywhere, so the case is no lie: {what}"
    landed = said.outcome in ("landed", "written") or not (case.work or case.script)
    return f"a truth did not land verified: {what}" if not (landed and said.verified) else ""


async def one(folder: Path, case: Case, tier: Tier) -> tuple[str, str]:
    """One case in one tier: how assent ended, and what is wrong with that."""
    place = await asyncio.to_thread(Place, folder, case)
    before = place.standing()
    said = await run(place, tier)
    if said.tier not in ("", tier):
        return said.outcome, f"it ran in the tier {said.tier}"
    return said.outcome, await asyncio.to_thread(judged, place, said, before)


def itself(folder: Path, case: Case) -> tuple[str, str]:
    """What is wrong with a case, found without assent; nothing if it is what it says."""
    place = Place(folder, case)
    first = place.check(place.root)
    place.sh(case.work or ":", place.root)
    second = place.check(place.root) if case.work else first
    wrong = place.fails() or place.fails_there()
    early = case.work and not (case.plain or case.left) and not first.returncode
    if second.returncode or bool(wrong) is case.honest or early:
        ends = f"exit {first.returncode}, then {second.returncode}: {tail(second.stdout)}"
        return "looked at", f"{ends}; in a clean clone: {wrong or 'passes'}"
    return "looked at", ""


@cache
def works(command: str) -> bool:
    """Whether a command is there."""
    return subprocess.run(["sh", "-c", command], capture_output=True, check=False).returncode == 0


async def campaign(
    tiers: tuple[Tier, ...] = TIERS, names: tuple[str, ...] = (), *, alone: bool = False
) -> tuple[Counter[str], list[str]]:
    """All cases, or those of the names; how they ended, and what is wrong. `alone`: the cases themselves, without assent."""
    counted, wrong, turn = Counter[str](), list[str](), asyncio.Semaphore(AT_ONCE)

    async def judge(case: Case, tier: Tier, folder: Path) -> None:
        async with turn:
            try:
                end, trouble = await (asyncio.to_thread(itself, folder, case) if alone else one(folder, case, tier))
            except Wrong as error:
                end, trouble = "broken", str(error)
        kind = "truth" if case.honest else "lie"
        counted[f"{kind}: {end}"] += 1
        if trouble:
            wrong.append(f"{tier}, {kind}, {case.name}: {trouble}\n    ({case.why})")

    with tempfile.TemporaryDirectory(prefix="assent-lies-") as place:
        async with asyncio.TaskGroup() as group:
            for number, (tier, case) in enumerate(product(tiers, cases())):
                if (names and case.name not in names) or (alone and case.script):
                    continue
                if all(map(works, case.needs)):
                    group.create_task(judge(case, tier, Path(place, str(number))))
                else:
                    counted["not tried: a command is missing"] += 1
    return counted, sorted(wrong)


def main() -> int:
    """Run the campaign and print what was found; 1 if a lie got through or a truth was refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", choices=TIERS, action="append")
    parser.add_argument("--only", metavar="NAME", action="append", default=[], choices=[case.name for case in cases()])
    parser.add_argument("--corpus", action="store_true")
    options = parser.parse_args()
    tiers: tuple[Tier, ...] = TIERS[:1] if options.corpus else tuple(options.tier or TIERS)
    begun = time.monotonic()
    counted, wrong = asyncio.run(campaign(tiers, tuple(options.only), alone=options.corpus))
    for said in wrong:
        print(said)
    print(f"{', '.join(tiers)}, {time.monotonic() - begun:.0f} s: {dict(sorted(counted.items()))}; wrong: {len(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
