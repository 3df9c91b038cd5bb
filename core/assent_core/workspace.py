"""Facts of the repository in which the tool runs: root, branch, ignored and tracked files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct


class Workspace(Struct, frozen=True, kw_only=True):
    """One repository, or a plain folder where there is no git; `subdir` is where the tool was started, relative to root."""

    root: Path
    git: bool
    subdir: str = "."
    branch: str = ""
    head: str = ""
    notices: tuple[str, ...] = ()

    def ignored(self, paths: Iterable[str]) -> frozenset[str]:
        """Which of these relative paths git ignores; without git a small built-in list (caches, virtual environments)."""
        raise NotImplementedError

    def tracked(self) -> tuple[str, ...]:
        """Tracked and untracked, not ignored files, relative to root, sorted."""
        raise NotImplementedError


def find(start: Path) -> Workspace:
    """The workspace around a folder; raises UsageError for a folder that cannot be one."""
    raise NotImplementedError
