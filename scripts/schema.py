"""Writes the published schemas into a folder: scripts/schema."""

from __future__ import annotations

import sys
from pathlib import Path

from assent_tui.commands.schema import FILES, text

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    for which, name in FILES.items():
        (folder / name).write_text(text(which), "utf-8")
