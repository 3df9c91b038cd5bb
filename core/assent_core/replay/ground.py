"""The files on which a recorded session is played again: those of a commit, or as they are now, in a folder of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from assent_core.errors import UsageError
from assent_core.memory.cues import Began
from assent_core.workspace import Workspace, gitpython
from assent_sandbox import host

AT_ONCE = 500
"""Files of a commit that are read by one git."""
_AUTHOR = ("-c", "user.name=assent", "-c", "user.email=assent@localhost", "-c", "commit.gpgSign=false")


def lay_out(workspace: Workspace, began: Began, at: str, folder: Path) -> str:
    """Put the files where the session began into an empty folder; says in words which they are.

    `at` is a commit, or `now` for the files as they are; empty: the commit that was the newest when it was recorded.
    UsageError where that is not known or not there.
    """
    commit = "" if at == "now" else at or began.head
    if commit and workspace.git:
        _of_commit(workspace.root, _resolved(workspace.root, commit), folder)
    elif at == "now" or not (workspace.git or at):
        _of_now(workspace, folder)
    else:
        raise UsageError(
            f"It is not known on which commit this session began{' (there is no git here)' if at else ''}.",
            "`--at COMMIT` names it; `--at now` takes the files as they are.",
        )
    if workspace.git:
        _commit(folder, began.branch or "main")
    return f"the files of commit {commit[:12]}" if commit and workspace.git else "the files as they are now"


def _resolved(root: Path, commit: str) -> str:
    try:
        return (
            host.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}", cwd=root)
            .decode()
            .strip()
        )
    except host.GitFailed as error:
        raise UsageError(
            f"There is no commit {commit[:40]} here, on which the session is to be played.",
            "Fetch it, or name one that is close with `--at COMMIT`; `--at now` takes the files as they are.",
        ) from error


def _of_commit(root: Path, commit: str, folder: Path) -> None:
    """The blobs of a commit as they are, without filters; submodules are left empty."""
    named: list[tuple[str, str, Path]] = []
    for line in host.git("ls-tree", "-r", "-z", commit, cwd=root).split(b"\0"):
        facts, _, raw = line.partition(b"\t")
        place = folder / os.fsdecode(raw)
        match facts.decode().split():
            case [mode, "blob", name] if ".." not in place.parts:
                named.append((mode, name, place))
            case _:
                pass
    for start in range(0, len(named), AT_ONCE):
        some = named[start : start + AT_ONCE]
        for (mode, _, place), data in zip(some, _blobs(root, [name for _, name, _ in some]), strict=True):
            _put(place, mode, data)


def _blobs(root: Path, names: list[str]) -> Iterator[bytes]:
    """The contents of objects, in the order of their names, from one git."""
    told, at = host.git("cat-file", "--batch", cwd=root, input="".join(f"{name}\n" for name in names).encode()), 0
    for name in names:
        start = told.index(b"\n", at) + 1
        match told[at:start].split():
            case [_, b"blob", size]:
                at = start + int(size)
            case _:
                raise UsageError(f"The repository lacks {name}, a file of that commit.", "Look with: git fsck")
        yield told[start:at]
        at += 1


def _put(place: Path, mode: str, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if mode == "120000":
        place.symlink_to(os.fsdecode(data))
    else:
        place.write_bytes(data)
        place.chmod(0o755 if mode == "100755" else 0o644)


def _of_now(workspace: Workspace, folder: Path) -> None:
    for path in workspace.tracked():
        source, place = workspace.root / path, folder / path
        if source.is_symlink() or source.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, place, follow_symlinks=False)


def _commit(folder: Path, branch: str) -> None:
    """A repository of one commit."""
    git = gitpython()[0](folder)
    for words in (
        ("init", "-q", "--template=", "-b", branch),
        ("add", "-A", "-f"),
        (*_AUTHOR, "commit", "-q", "--allow-empty", "-m", "where the session began"),
    ):
        git.execute(host.git_words(*words, cwd=folder))
