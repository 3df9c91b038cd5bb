"""Which folders under home hold the tools on PATH and their packages, so that home can be hidden and the tools still run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from glob import escape, glob

# fmt: off
_NEVER = (
    ".ssh", ".aws", ".gnupg", ".kube", ".docker", ".azure", ".config", ".cache", ".local", ".local/share", ".local/state",
    ".mozilla", "go", "src", "projects", "work", "code", "dev", "Documents", "Desktop", "Downloads",
)
"""Folders of home that are no toolchain themselves, whatever lies on PATH."""
# fmt: on
_BESIDES = {".cargo": (".rustup",), ".local/bin": (".local/lib",), "go/bin": ("go/pkg",)}
"""What a toolchain needs that no link leads to."""
_STORES = (".m2/repository", "go/pkg/mod", ".cargo/registry", ".cargo/git")
"""Where tools that lie outside of home keep the packages that they fetched: read without a network, or not at all."""
_NAMED = {
    "JAVA_HOME": "", "GOROOT": "", "GOPATH": "pkg/mod", "GOMODCACHE": "", "CARGO_HOME": "", "RUSTUP_HOME": "", "DOTNET_ROOT": "",
    "ANDROID_HOME": "", "ANDROID_SDK_ROOT": "", "NVM_DIR": "", "PYENV_ROOT": "", "CONDA_PREFIX": "", "GEM_HOME": "",
    "VOLTA_HOME": "", "ASDF_DATA_DIR": "", "MISE_DATA_DIR": "", "RBENV_ROOT": "", "SDKMAN_DIR": "",
}  # fmt: skip
"""Variables by which tools find themselves or their packages, and what of the folder they need."""
_WINDOWS = re.compile(r"/mnt/[a-z]/")
"""Where a Linux on Windows has that one's disks: no program there runs behind walls."""
_LARGEST_BIN = 500
_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*t?")
_BINS = ("bin", "sbin", "shims", "Scripts")
"""What the folder of an installation's programs is called."""
_SYSTEM = ("", "/usr/bin", "/usr/sbin", "/bin", "/sbin")
"""Folders of programs whose links lead to what has no bin of its own only where packages are put whole."""
_WHOLE = "/opt/"
_ALTERNATIVES = "/etc/alternatives/"
_NOBODYS = ("/", "/home", "/Users", "/mnt", "/media")
"""What lies directly in these is a home or a disk, or a part of the system, and no toolchain."""


def find_toolchains(path: str, interpreters: Iterable[str], homes: tuple[str, ...], root: str = "") -> tuple[str, ...]:
    """Give the folders below `homes` that the entries of PATH and these programs need, as they are written and resolved.

    The packages that tools have fetched are among them, wherever the tools are. What lies in the repository at `root` is
    seen there anyway; links in it may be anybody's, so what they lead to is only shown if it is a Python.
    """
    found: dict[str, None] = {}
    received = list(interpreters)
    for entry in path.split(":"):
        if not entry.startswith("/") or _WINDOWS.match(entry):
            continue
        if is_in(entry, root):
            received.append(os.path.join(entry, "python"))
            continue
        if entry.rstrip("/") in _SYSTEM:
            targets = _packages_behind(entry)
        else:
            found |= dict.fromkeys(_prefixes(entry, homes))
            targets = _link_targets(entry)
        found |= dict.fromkeys(place for target in targets for place in _prefixes(os.path.dirname(target), homes))
    for interpreter in received:
        found |= dict.fromkeys(part for hop in hops(interpreter) for part in _python_of(hop, homes, root))
    besides = [
        os.path.join(home, each)
        for home in homes
        for key, more in _BESIDES.items()
        if f"{home}/{key}" in found
        for each in more
    ]
    stores = [place for home in homes for each in _STORES if os.path.isdir(place := os.path.join(home, each))]
    return outermost(each for each in (*found, *besides, *stores) if not _shows_again(each, root))


def find_interpreters(root: str, variables: Iterable[str]) -> Iterator[str]:
    """Give the pythons of the virtual environments that a repository or the user's shell has."""
    for folder in (*variables, *(os.path.join(root, name) for name in (".venv", "venv", "env"))):
        if folder:
            yield os.path.join(folder, "bin", "python")


def named_places(variables: Mapping[str, str], homes: tuple[str, ...], root: str) -> tuple[str, ...]:
    """Give the folders that the user's environment names as a tool's own or as its packages."""
    found = (
        os.path.normpath(os.path.join(variables[name], part)) for name, part in _NAMED.items() if variables.get(name)
    )
    return tuple(
        p for p in found if p.startswith("/") and os.path.isdir(p) and not is_in(p, root) and _is_toolchain(p, homes)
    )


def is_in(path: str, root: str) -> bool:
    """Say whether a path lies in a repository, as it is written or where it leads."""
    places = (os.path.normpath(path), os.path.realpath(path))
    return bool(root) and any(place == root or _beneath(place, root) for place in places)


def _shows_again(folder: str, root: str) -> bool:
    """Whether the real files of a repository would be seen in a folder, beside the stage's."""
    real = os.path.realpath(folder)
    return is_in(folder, root) or (bool(root) and real != folder and _beneath(root, real))


def _python_of(program: str, homes: tuple[str, ...], root: str) -> Iterator[str]:
    """The installation of Python, or the parts of a virtual environment, in which a program is; nothing for any other."""
    folder, name = os.path.split(os.path.dirname(program))
    named = name in _BINS and _PYTHON.fullmatch(os.path.basename(program))
    runs = named and os.path.isfile(program) and os.access(program, os.X_OK)
    if not runs or is_in(program, root) or not _is_toolchain(folder, homes):
        return
    libraries = [place for lib in ("lib", "lib64") for place in sorted(glob(f"{escape(folder)}/{lib}/py*[0-9].*[0-9]"))]
    settings = os.path.join(folder, "pyvenv.cfg")
    if os.path.isfile(settings):
        yield from (os.path.join(folder, name), settings, *libraries)
    elif any(os.path.isfile(os.path.join(place, "os.py")) for place in libraries):
        yield folder


def installation(program: str, homes: tuple[str, ...]) -> str:
    """The folder with a program's `bin` and the `lib` beside it, without which it is of no use; empty where there is none.

    It lies below one of the `homes` and holds none of them.
    """
    folder, name = os.path.split(os.path.dirname(program))
    whole = name in _BINS and os.path.isdir(os.path.join(folder, "lib")) and _is_toolchain(folder, homes)
    return folder if whole else ""


def _beneath(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def _prefixes(folder: str, homes: tuple[str, ...]) -> Iterator[str]:
    """The installation that a folder of programs belongs to, as written and resolved, if it lies below one of the homes."""
    for place in dict.fromkeys((os.path.normpath(folder), os.path.realpath(folder))):
        for candidate in (os.path.dirname(place) if os.path.basename(place) in _BINS else place, place):
            if _is_toolchain(candidate, homes) and os.path.isdir(candidate):
                yield candidate
                break


def _is_toolchain(folder: str, homes: tuple[str, ...]) -> bool:
    """Say whether a folder may be shown: it holds no home, and is none of the places where people keep other things."""
    if any(folder == home or _beneath(home, folder) for home in homes):
        return False
    home = next((home for home in homes if _beneath(folder, home)), None)
    if home == "/":
        return os.path.dirname(folder) not in _NOBODYS
    return home is not None and os.path.relpath(folder, home) not in _NEVER


def _link_targets(folder: str) -> Iterator[str]:
    """What the links in a folder of programs lead to, one folder's worth at most."""
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(_LARGEST_BIN), entries, strict=False):
                if entry.is_symlink():
                    yield from hops(entry.path)
    except OSError:
        return


def _packages_behind(folder: str) -> Iterator[str]:
    """Where the programs of the system are that lie in a package's own folder."""
    try:
        with os.scandir(folder) as entries:
            links = [entry.path for entry in entries if entry.is_symlink()]
    except OSError:
        return
    for link in links:
        target = _target(link)
        if (_target(target) if target.startswith(_ALTERNATIVES) else target).startswith(_WHOLE):
            yield from hops(link)


def _target(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def hops(path: str) -> Iterator[str]:
    """Each step of a chain of links, then where it really ends."""
    for _ in range(8):
        try:
            target = os.readlink(path)
        except OSError:
            break
        path = os.path.normpath(os.path.join(os.path.dirname(path), target))
        yield path
    yield os.path.realpath(path)


def outermost(folders: Iterable[str]) -> tuple[str, ...]:
    """Those of some folders that lie in no other one."""
    kept: list[str] = []
    for folder in sorted(set(folders)):
        if not any(_beneath(folder, each) for each in kept):
            kept.append(folder)
    return tuple(kept)
