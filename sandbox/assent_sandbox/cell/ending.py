"""Ends processes: all of a namespace, or all descendants of this one. Standard library only."""

from __future__ import annotations

import os
import time

from assent_sandbox.cell import tally

_SIGKILL = 9


def reap_orphans() -> bool:
    """Collect the ended; say whether anything still lives."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def end_all(spaces: bool, spare: int = 0) -> None:
    """Kill every process of this namespace (or every descendant) and wait until none is left; `spare` is not waited for."""
    while spare or reap_orphans():
        if spaces:
            kill(-1)
        else:
            _kill_descendants()
        if spare:
            return
        try:
            while os.waitpid(-1, 0 if spaces else os.WNOHANG)[0]:
                pass
            time.sleep(0.001)
        except ChildProcessError:
            return


def _kill_descendants() -> None:
    """Kill by groups first: no child of a group that is killed escapes by being made meanwhile."""
    found = tally.descendants()
    for group in {_group(process) for process in found} - {0, os.getpgrp()}:
        kill(-group)
    for process in found:
        kill(process)


def _group(process: int) -> int:
    try:
        return os.getpgid(process)
    except ProcessLookupError:
        return 0


def end_all_but(kept: set[int]) -> None:
    """Kill every descendant of this process that is neither kept nor a descendant of a kept one."""
    while stray := [process for process in tally.descendants(kept) if process not in kept]:
        for process in stray:
            kill(process)
            try:
                os.waitpid(process, os.WNOHANG)
            except ChildProcessError:
                continue
        time.sleep(0.001)


def kill(process: int) -> None:
    """Kill one process that may be gone already."""
    try:
        os.kill(process, _SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
