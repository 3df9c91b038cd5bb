"""Standard streams that the caller closed lead nowhere, so that no file of ours takes their numbers."""

from __future__ import annotations

import os
import sys


def lead_nowhere() -> None:
    """Open what is closed of stdin, stdout and stderr on the device that takes all and gives nothing."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115
