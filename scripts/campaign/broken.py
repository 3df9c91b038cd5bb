"""The small broken repository that campaigns let assent repair, and what may stand of it afterwards."""

from __future__ import annotations

import subprocess
from pathlib import Path

FILES = {"left.py": "LEFT = 1\n", "right.py": "RIGHT = 1\n", "old.py": "OLD = 1\n"}
REPAIRED = {"left.py": "LEFT = 2\n", "right.py": "RIGHT = 2\n", "deep/new.py": "NEW = 2\n"}
CHECK = "import left, right, os; assert os.path.exists('deep/new.py') and left.LEFT + right.RIGHT == 4"
PATCHES = {
    "left": "*** Update File: left.py\n@@\n-LEFT = 1\n+LEFT = 2\n",
    "right": "*** Update File: right.py\n@@\n-RIGHT = 1\n+RIGHT = 2\n",
    "rest": "*** Delete File: old.py\n*** Add File: deep/new.py\n+NEW = 2\n",
}
PATIENCE = 90.0
"""Seconds after which something that was waited for counts as never coming, on a machine that may be slow."""


class Wrong(Exception):
    """Something that must hold does not."""


def make(root: Path) -> None:
    """A repository with the files."""
    root.mkdir(parents=True)
    for name, text in FILES.items():
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q", str(root)], check=True)


def patched(*names: str) -> str:
    """A patch of some of the files, as a step of a script has it."""
    return f"patch = '''\n*** Begin Patch\n{''.join(PATCHES[name] for name in names)}*** End Patch\n'''\n"


def standing(root: Path) -> str:
    """Whether the tree is as `before` or as `repaired`; raises Wrong where it is neither."""
    files = (path for path in root.rglob("*") if ".git" not in path.parts and path.is_file())
    found = {path.relative_to(root).as_posix(): path.read_text() for path in files}
    if found not in (FILES, REPAIRED):
        raise Wrong(f"neither before nor repaired: {found}")
    return "before" if found == FILES else "repaired"
