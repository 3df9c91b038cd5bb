"""What builds and checks leave behind, told by name from what they need to run (dependencies, local settings); pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

CACHES = frozenset((
    "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".pytype", ".pyre", ".ropeproject",
    ".eslintcache", ".stylelintcache", ".DS_Store", ".gradle", ".dart_tool",
))  # fmt: skip
"""Folders and files in which tools keep for themselves what they check again."""
OUTPUTS = frozenset((
    "dist", "build", "out", "target", "_build", "obj", "debug", "release", "coverage", "htmlcov", ".nyc_output", ".cache",
    ".parcel-cache", ".turbo", ".next", ".nuxt", ".output", ".svelte-kit", ".angular", ".vite", ".jest-cache", ".eggs",
    "deriveddata", ".build", "dist-newstyle", ".stack-work", "zig-out", "zig-cache", ".zig-cache", "test-results",
    "playwright-report", "reports", "tmp", "temp", ".tmp", "log", "logs", ".coverage", "coverage.xml", "junit.xml", "generated",
    "gen", ".testmondata", ".stamp", ".state", "state", "__snapshots__", "nosetests.xml", "cache", ".nox", ".tox",
))  # fmt: skip
PATTERNS = (
    "*.pyc", "*.pyo", "*.o", "*.obj", "*.class", "*.log", "*.tsbuildinfo", ".coverage.*", "*.lcov", "*.gcda", "*.gcno", "*.tmp",
    "*.out", "*.cache", "*.stamp", "*.done", "*.swp", "*.pid", "*.lock.tmp", "cmake-build-*", "bazel-*", "*.result", "*.results",
    "*.min.js.map", "*.d.ts.map", ".ok", "*.ok", "*.passed", "*.prof", "*.trs", "*.a", "*.state", "*.last", "*.egg-cache",
)  # fmt: skip
NEEDED = frozenset((
    "node_modules", ".venv", "venv", "env", ".env", ".envrc", ".direnv", "vendor", "bower_components", ".bundle", "pods", ".yarn",
    ".pnpm-store", ".cargo", ".rustup", ".conda", "site-packages", ".m2", ".pixi",
))  # fmt: skip
"""What is installed or set up beside the code; nothing in these folders counts as left behind."""
OWN_JUDGE = {"target": "cargo", ".build": "swift"}
"""Outputs of build tools that tell by themselves what of them is stale, and the word of a command that runs them."""


def left_behind(path: str, command: str = "") -> bool:
    """Whether a path that git ignores is what builds and checks leave, such as `command` does not judge by itself."""
    parts = [part.lower() for part in path.strip("/").split("/")]
    if any(part in NEEDED or part.startswith(".env.") for part in parts):
        return False
    return any(_is_output(part, command) for part in parts) or is_cache(path)


def is_cache(path: str) -> bool:
    """Whether it is a cache that its tool checks again before it relies on it."""
    return any(part in CACHES for part in path.strip("/").split("/")) or path.endswith((".pyc", ".pyo"))


def parted(ignored: Iterable[str], command: str = "") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is left behind, and what is needed."""
    left = tuple(path for path in ignored if left_behind(path, command))
    return left, tuple(path for path in ignored if path not in left)


def _is_output(name: str, command: str) -> bool:
    if name in OWN_JUDGE and OWN_JUDGE[name] in command:
        return False
    return name in OUTPUTS or any(fnmatchcase(name, pattern) for pattern in PATTERNS)
