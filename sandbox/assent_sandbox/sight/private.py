"""What git finds behind the walls: a folder of a copy's own over the real objects, and who the user is."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress

from assent_sandbox import host
from assent_sandbox.repositories import Foreign, git_folder

_SECTIONS = (
    "extensions.objectformat",
    "extensions.refstorage",
    "user.name",
    "user.email",
    "core.ignorecase",
    "core.autocrlf",
    "core.eol",
)
_SETTINGS = "[core]\n\tbare = false\n\tfilemode = true\n\tcheckStat = minimal\n\ttrustctime = false\n\tlogAllRefUpdates = true\n"


def make_private_git(root: str, copy: str, draft: str, linked: Iterable[str]) -> tuple[str, ...]:
    """Give the copy of a repository a git folder of its own, without hooks, filters, remotes or credentials.

    Folders that are `linked` are ignored by name: a pattern that ends in a slash does not match a link.

    Returns the folders of objects that it borrows, which commands must be able to read; none where there is no git, or where
    the objects lie behind a link, which could lead into another repository.
    """
    try:
        found = git_folder(root)
    except Foreign:
        return ()
    if found is None or not os.path.exists(os.path.join(found.own, "HEAD")):
        return ()
    own, common = found.own, found.common
    objects = os.path.join(common, "objects")
    if os.path.realpath(objects) != objects:
        return ()
    os.makedirs(os.path.join(draft, "objects", "info"))
    os.makedirs(os.path.join(draft, "info"))
    with open(os.path.join(draft, "objects", "info", "alternates"), "wb") as file:
        file.write(os.fsencode(_quoted(objects)) + b"\n")
    for folder, name in (
        (own, "HEAD"),
        (own, "index"),
        (common, "packed-refs"),
        (common, "shallow"),
        (common, "info/exclude"),
    ):
        with suppress(FileNotFoundError):
            shutil.copyfile(os.path.join(folder, name), os.path.join(draft, name), follow_symlinks=False)
    for name in os.listdir(own):
        if name.startswith("sharedindex."):
            shutil.copyfile(os.path.join(own, name), os.path.join(draft, name), follow_symlinks=False)
    for name in ("refs", "reftable"):
        if os.path.isdir(place := os.path.join(common, name)) and not os.path.islink(place):
            shutil.copytree(place, os.path.join(draft, name), symlinks=True, ignore=_odd)
    os.makedirs(os.path.join(draft, "refs"), exist_ok=True)
    with open(os.path.join(draft, "config"), "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(_settings(root))
    with open(os.path.join(draft, "info", "exclude"), "ab") as file:
        file.writelines(b"\n/" + _literal(path) for path in sorted(linked) if "\n" not in path)
    os.rename(draft, os.path.join(copy, ".git"))
    return (objects,)


def _odd(folder: str, names: list[str]) -> list[str]:
    """What is no file, folder or link: a pipe would keep its reader for ever."""
    kinds = ((name, os.lstat(os.path.join(folder, name)).st_mode) for name in names)
    return [name for name, kind in kinds if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind) or stat.S_ISLNK(kind))]


def identity(root: str) -> str:
    """The user's name and address as git knows them here, as a configuration file; empty where it knows none."""
    found = _configured(root, "user.name", "user.email")
    lines = (f'\t{name.removeprefix("user.")} = "{_escaped(value)}"\n' for name, value in found.items())
    return "[user]\n" + "".join(lines) if found else ""


def _configured(root: str, *names: str) -> dict[str, str]:
    """What git's configuration says here of these names, in their order; without those of which it says nothing."""
    wanted = "|".join(map(re.escape, names))
    try:
        said = host.git("config", "-z", "--get-regexp", f"^({wanted})$", cwd=root)
    except host.GitFailed:
        return {}
    values = {key: value for key, _, value in (each.partition(b"\n") for each in said.split(b"\0"))}
    found = {name: values.get(name.encode()) for name in names}
    return {name: value.decode("utf-8", "surrogateescape") for name, value in found.items() if value is not None}


def stamp(root: str) -> tuple[int, ...]:
    """What changes as soon as the real repository commits, switches or stages; empty where there is no git folder."""
    times: list[int] = []
    for name in ("HEAD", "index", "logs/HEAD"):
        try:
            found = os.stat(os.path.join(root, ".git", name))
        except OSError:
            continue
        times += (found.st_ino, found.st_mtime_ns, found.st_size)
    return tuple(times)


def _quoted(path: str) -> str:
    """A line of `alternates`: in quotes like a C string where the path has a quote or a newline in it."""
    if not path.startswith('"') and "\n" not in path:
        return path
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _literal(path: str) -> bytes:
    """A path as a pattern of git that matches nothing else."""
    return re.sub(rb"([\\*?\[! ])", rb"\\\1", os.fsencode(path))


def _settings(root: str) -> str:
    lines: list[str] = []
    version = 0
    for name, value in _configured(root, *_SECTIONS).items():
        section, key = name.split(".")
        version = max(version, int(section == "extensions"))
        lines.append(f'[{section}]\n\t{key} = "{_escaped(value)}"\n')
    return _SETTINGS + f"\trepositoryformatversion = {version}\n" + "".join(lines)


def _escaped(value: str) -> str:
    """A value as it stands between quotes in a configuration file."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
