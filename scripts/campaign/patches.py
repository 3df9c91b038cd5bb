#!/usr/bin/env python3
"""Write patches of any text, and look whether whatever applying one opens was in its reach.

    python scripts/campaign/patches.py [--rounds 20000] [--seed 1]

Heads, paths and line ends are put together from parts that readers of text read differently: blanks of all kinds, other line
ends, links, absolute paths, dots. Files are read and written through the same door as in a session, without its stage.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / "core"), str(ROOT / "sandbox")]

from assent_core.consent.reach import reach, touched
from assent_core.diffs.patches import apply_patch, paths
from assent_core.errors import PatchMistake
from assent_core.proposals import Patch
from assent_sandbox.policy import Policy
from assent_sandbox.stage import Entry, File, Link

BLANKS = (
    "", "", "", " ", "\t", "\r", "\u00a0", "\u2003", "\u3000", "\u2028", "\u0085", "\x1c", "\x0b", "\x0c", "\ufeff", "\u200b",
)  # fmt: skip
NAMES = (
    ".env",
    "sub/.env",
    "key.pem",
    "a.txt",
    "link",
    "way/.env",
    "~/.env",
    "~",
    "sub",
    ".git/config",
    "new",
    "ID_RSA",
    "x/../.env",
)
HEADS = (
    "*** Add File:",
    "*** Update File:",
    "*** Delete File:",
    "*** Move to:",
    "*** add file:",
    "***Update File:",
    " *** Update File:",
)
LINES = (
    "+x",
    "-A=1",
    " A=1",
    "@@",
    "@@ A",
    "*** End of File",
    "",
    "\\ No newline at end of file",
    "+*** Update File: .env",
)
ENDS = ("\n", "\n", "\n", "\r\n", "\r", "\u2028", "\x0b")


def tree(root: Path) -> None:
    """A repository with secrets, folders and links to both."""
    (root / "sub").mkdir()
    for name in (".env", "sub/.env", "key.pem", "a.txt"):
        (root / name).write_text("A=1\n")
    (root / "link").symlink_to(".env")
    (root / "way").symlink_to("sub")


def written(chance: random.Random, root: Path) -> str:
    """Any text that may be read as a patch; half of them are well-formed but for their paths."""
    loose = chance.random() < 0.5
    end = chance.choice(ENDS) if loose else chance.choice(("\n", "\r\n"))
    lines = ["*** Begin Patch" + (chance.choice(BLANKS) if loose else "")]
    for _ in range(chance.randint(1, 3)):
        lines += _loosely(chance, root) if loose else _section(chance, root)
    lines += ["*** End Patch"] if not loose or chance.random() < 0.95 else []
    return "".join(line + (chance.choice(ENDS) if loose and chance.random() < 0.1 else end) for line in lines)


def _path(chance: random.Random, root: Path) -> str:
    prefix = chance.choice(("", "", "", "", "./", f"{root}/", f"{root}//", "/", "//", "sub/../"))
    return f"{chance.choice(BLANKS)}{prefix}{chance.choice(NAMES)}{chance.choice(BLANKS)}"


def _section(chance: random.Random, root: Path) -> list[str]:
    kind = chance.choice(("Add", "Delete", "Update", "Update"))
    head = f"*** {kind} File: {_path(chance, root)}"
    if kind != "Update":
        return [head, *(["+x"] if kind == "Add" else [])]
    move = [f"*** Move to: {_path(chance, root)}"] if chance.random() < 0.6 else []
    hunk = ["@@", "-A=1", "+A=2"] if not move or chance.random() < 0.5 else []
    return [head, *move, *hunk]


def _loosely(chance: random.Random, root: Path) -> list[str]:
    lines = [f"{chance.choice(HEADS)}{chance.choice((' ', '', chance.choice(BLANKS)))}{_path(chance, root)}"]
    if chance.random() < 0.4:
        lines.append(f"*** Move to: {_path(chance, root)}")
    return [*lines, *(chance.choice(LINES) for _ in range(chance.randint(0, 3)))]


def opened(text: str, root: Path) -> set[str]:
    """The paths that applying a patch reads or would write."""
    found: set[str] = set()

    def read(path: str) -> Entry | None:
        found.add(path)
        with suppress(OSError):
            place = root / path
            return Link(str(place.readlink())) if place.is_symlink() else File(place.read_bytes())
        return None

    with suppress(PatchMistake):
        found |= {edit.path for edit in apply_patch(text, read, str(root))}
    return found


def campaign(rounds: int, seed: int) -> tuple[Counter[str], list[str]]:
    """What was counted, and each patch that opened more than its reach, with what it was."""
    counted: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="assent-patches-") as folder:
        root = Path(folder).resolve()
        tree(root)
        for number in range(rounds):
            text = written(random.Random(f"{seed}/{number}"), root)
            wide, touches = reach(Patch(text=text), root, Policy()), opened(text, root)
            beyond = touches - {*paths(text, str(root))}
            unasked = {need for path in touches if (need := touched(path, root, Policy()))} - {*wide}
            counted.update([f"opens {min(len(touches), 3)}", "reaches" if wide else "is harmless"])
            if beyond or unasked:
                wrong.append(f"round {number}: {text!r} opens {sorted(beyond)}, reaches {sorted(unasked)}")
    return counted, wrong


def main() -> int:
    """Run the rounds and print figures; 1 if any went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counted, wrong = campaign(options.rounds, options.seed)
    print("\n".join(wrong[:20]))
    print(f"{options.rounds} patches, seed {options.seed}: {dict(sorted(counted.items()))}; wrong: {len(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
