"""What a reader must see about a changed file at first sight, told from its path and its lines; pure."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

TEST_FOLDERS = frozenset(
    {"test", "tests", "testing", "__tests__", "__mocks__", "spec", "specs", "e2e", "testdata", "t"}
)
TEST_NAMES = (
    "test_*", "*_test.*", "*_tests.*", "*.test.*", "*.spec.*", "*_spec.*", "*test.java", "*tests.java", "*test.kt",
    "*tests.cs", "*test.php", "*.t", "tests.py", "test.*", "conftest.py", "pytest.ini", "tox.ini", "jest.config.*",
    "vitest.config.*", "playwright.config.*", "karma.conf.*", "phpunit.xml*", ".coveragerc", ".mocharc*",
)  # fmt: skip
SKIP = re.compile(
    rb"(?i:pytest\.(?:mark\.)?(?:skip|xfail|importorskip)|mark\.(?:skip|xfail)|unittest\.(?:skip|expectedfailure)"
    rb"|raise\s+skiptest|@skip(?:if|unless)?\b|\.skiptest\()"
    rb"|\b(?:it|test|describe|context|suite)\.(?:skip|todo|only)\b|\bx(?:it|test|describe|context)\s*\("
    rb"|\bt\.Skip(?:f|Now)?\(|@(?:Ignore|Disabled)\b|#\[ignore|\[Ignore|\bmarkTestSkipped\b"
)
"""Added lines that switch a test off in the usual frameworks."""


def concerns_tests(path: str, added: tuple[bytes, ...]) -> bool:
    """Whether it is a test, configures tests, or switches one off."""
    *folders, name = path.lower().split("/")
    named = any(fnmatchcase(name, pattern) for pattern in TEST_NAMES)
    return named or not TEST_FOLDERS.isdisjoint(folders) or any(SKIP.search(line) for line in added)


def runs_outside(path: str) -> bool:
    """Whether it takes effect outside the walls after landing: settings of tools, build files, CI, hooks, words for agents.

    `outside.toml` says which; of names that begin with a dot it says which do not.
    """
    outside, harmless = _table()
    parts = path.lower().split("/")
    if outside.has(parts):
        return True
    return any(part.startswith(".") and part not in (".", "..") for part in parts) and not harmless.has(parts)


class Kinds(Struct, frozen=True):
    """Kinds of files, by their names and by the folders that they are in; all in small letters."""

    names: re.Pattern[str]
    folders: re.Pattern[str]

    def has(self, parts: list[str]) -> bool:
        """Whether a path is of these, given its names."""
        path = "/".join(parts)
        named = self.names.match(parts[-1]) or self.names.match("/".join(parts[-2:]))
        return bool(named or (self.folders.search(f"/{path.rpartition('/')[0]}/")))


class Kind(Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `outside.toml`, which says what each field means."""

    of: str
    names: tuple[str, ...]
    source: str
    folders: tuple[str, ...] = ()


@cache
def table() -> dict[str, tuple[Kind, ...]]:
    """What runs outside, and what is harmless although its name begins with a dot."""
    read = tomllib.loads(Path(__file__).with_name("outside.toml").read_text(encoding="utf-8"))
    return {name: msgspec.convert(read[name], tuple[Kind, ...]) for name in ("outside", "harmless")}


@cache
def _table() -> tuple[Kinds, Kinds]:
    outside, harmless = (_kinds(table()[name]) for name in ("outside", "harmless"))
    return outside, harmless


def _kinds(kinds: tuple[Kind, ...]) -> Kinds:
    names = "|".join(fnmatch.translate(name) for kind in kinds for name in kind.names)
    folders = "|".join(re.escape(folder) for kind in kinds for folder in kind.folders)
    return Kinds(re.compile(names), re.compile(f"/(?:{folders})/"))
