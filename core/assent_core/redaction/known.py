"""Which values are secrets: those of variables and `.env` files whose names say so, or that look like nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import unquote, urlsplit

SECRET_NAME = re.compile(
    r"(?:KEY(?!BOARD|MAP|TIMEOUT|S?_?ID\b)|TOKEN(?!IZ)|SECRET|PASSW|PASSPHRASE|CREDENTIAL|AUTH(?!OR)|(?<![A-Z])DSN|(?<![A-Z])PAT(?![A-Z]))",
    re.IGNORECASE,
)
LARGEST = 1 << 20
"""Bytes of an `.env` file that is read."""
DEPTH = 2
"""How many folders deep below the root `.env` files are looked for."""
MOST_FOLDERS = 2_000
PASSED = frozenset(
    (".git", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".nox", ".cache", "target", "vendor")
)
_ASSIGNED = re.compile(
    r"""(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\n]*))"""
)
_COMMENT = re.compile(r"\s#.*\Z")
_WORD = re.compile(r"[a-z]{1,11}|[A-Z]{1,11}|[A-Z]?[a-z]{1,10}|[0-9.]{1,11}|(?i:true|false|none|null)")
_RANDOM = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=[^0-9]*[0-9])[A-Za-z0-9+/_=-]{20,}|[0-9a-f]{32,}")


def secrets_of_environment(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of variables whose names sound secret, and passwords in URLs; paths and plain words are none."""
    return tuple(dict.fromkeys(one for name, value in environment.items() for one in _secrets(name, value)))


def secrets_of_env_file(text: str) -> tuple[str, ...]:
    """The values of a `.env` file whose names sound secret, passwords in URLs, and what looks random."""
    found: list[str] = []
    for name, double, single, bare in _ASSIGNED.findall(text):
        value = double or single or _COMMENT.sub("", bare).strip()
        found += _secrets(name, value)
        if "\\" in double:
            found += _secrets(name, double.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\"))
        if _RANDOM.fullmatch(value):
            found.append(value)
    return tuple(dict.fromkeys(found))


def secrets_of_folder(root: Path, public: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The secrets of all `.env*` files of a repository, two folders deep; names that match `public` are passed over."""
    found: list[str] = []
    for path in _env_files(root):
        if not any(fnmatch(path.name, pattern) for pattern in public):
            with suppress(OSError):
                if path.is_file() and path.stat().st_size < LARGEST:
                    found += secrets_of_env_file(path.read_text(encoding="utf-8", errors="replace"))
    return tuple(dict.fromkeys(found))


def secrets_of_remotes(settings: str) -> tuple[str, ...]:
    """Passwords and keys in what git's settings say of remotes: as `git config -z --get-regexp` prints it."""
    found: list[str] = []
    for line in settings.split("\0"):
        key, _, value = line.partition("\n")
        if key.endswith(".extraheader"):
            found += value.split()[-1:]
        for url in (key, value):
            found += _parts_of_url(url[url.find("http") :] if url.startswith("url.") else url)
    return tuple(dict.fromkeys(found))


def _parts_of_url(url: str) -> Iterator[str]:
    """The password of a URL, or a key in the place of its user; as it is written and as it is meant."""
    with suppress(ValueError):
        parts = urlsplit(url)
        secret = parts.password or (parts.username if _RANDOM.fullmatch(parts.username or "") else "")
        yield from filter(None, dict.fromkeys((secret or "", unquote(secret or ""))))


def _secrets(name: str, value: str) -> Iterator[str]:
    with suppress(ValueError):
        if "://" in value and (password := urlsplit(value).password):
            yield password
            yield value
            return
    if SECRET_NAME.search(name) and not value.startswith("/") and not _WORD.fullmatch(value):
        yield value


def _env_files(root: Path) -> Iterator[Path]:
    folders, looked = [(root, 0)], 0
    while folders and looked < MOST_FOLDERS:
        folder, depth = folders.pop(0)
        looked += 1
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".env"):
                    yield Path(entry.path)
                elif depth < DEPTH and entry.name not in PASSED and entry.is_dir(follow_symlinks=False):
                    folders.append((Path(entry.path), depth + 1))
