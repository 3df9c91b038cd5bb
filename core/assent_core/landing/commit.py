"""A commit of exactly what landed: on top of the newest commit, beside whatever else the user changed or staged."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path

from msgspec import Struct

from assent_core.errors import LandingRefused, UsageError
from assent_core.landing import blobs
from assent_core.landing.blobs import Blob
from assent_core.landing.landings import landings, writes_of
from assent_core.landing.plan import Write
from assent_sandbox import host
from assent_sandbox.stage import Change, File, Link

HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit")
UNDERWAY = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "BISECT_LOG": "bisect",
}
_TRAILERS = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*: .*(?:\n|\Z))+")


class Draft(Struct, frozen=True, kw_only=True):
    """What a commit would hold. Each path with what the commit and what git's index get there; None: nothing."""

    branch: str
    head: str
    """The commit it would follow; empty for the first one."""
    landings: tuple[str, ...]
    changes: tuple[Change, ...]
    """From the newest commit to the new one."""
    commit: tuple[tuple[str, Blob | None], ...]
    index: tuple[tuple[str, Blob | None], ...]
    staged: tuple[tuple[str, Blob | None], ...]
    """What the index has now, at the paths of `index`."""
    notices: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    """The repository's hooks for a commit, as paths; none of them is run."""


def draft(root: Path, state: Path, session: str, done: Collection[str] = (), *, unsigned: bool = False) -> Draft:
    """Work out a commit of what a session landed, without the landings in `done`; raises UsageError where there can be none.

    What landed is put on the newest commit by a three-way merge, so that other changes of the user's in the same files
    stay uncommitted. `unsigned`: also where the repository wants its commits signed.
    """
    try:
        branch, head = _place(root)
        _check_identity(root)
        if not unsigned:
            _check_unsigned(root)
        chain = [one.id for one in reversed(landings(root, state)) if one.session == session and not one.undone]
        chosen = tuple(id for id in chain if id not in done)
        writes = [write for id in chosen for write in writes_of(root, state, id)]
        found = _worked_out(root, writes, born=bool(head))
    except host.GitFailed as failed:
        raise UsageError(f"git cannot commit here: {failed}", "Try `git status` and mend what it says.") from failed
    if not found.changes:
        raise UsageError(
            "There is nothing to commit: what landed in this session is committed.", "Land something first."
        )
    return Draft(
        branch=branch,
        head=head,
        landings=chosen,
        changes=tuple(found.changes),
        commit=tuple(found.commit),
        index=tuple(found.index),
        staged=tuple(found.staged),
        notices=tuple(found.notices),
        hooks=_hooks(root),
    )


def make(root: Path, drafted: Draft, message: str, trailer: str = "") -> str:
    """Make the commit, move the branch to it and give its name. No hook runs. LandingRefused if the branch moved meanwhile."""
    if not (message := message.strip()):
        raise UsageError("A commit needs a message.", "Write it behind /commit.")
    try:
        with tempfile.TemporaryDirectory(prefix="assent-commit-") as folder:
            index = Path(folder, "index")
            host.write_git("read-tree", drafted.head or "--empty", cwd=root, index=index)
            host.write_git("update-index", cwd=root, input=_index_info(drafted.commit, drafted), index=index)
            tree = host.write_git("write-tree", cwd=root, index=index).decode().strip()
        parent = ("-p", drafted.head) if drafted.head else ()
        text = with_trailer(message, trailer).encode("utf-8", "replace")
        name = host.write_git("commit-tree", tree, *parent, cwd=root, input=text).decode().strip()
        host.write_git("update-index", cwd=root, input=_index_info(drafted.index, drafted))
    except host.GitFailed as failed:
        raise _failed(failed) from failed
    try:
        subject = f"commit: {message.splitlines()[0]}"
        host.write_git("update-ref", "-m", subject, f"refs/heads/{drafted.branch}", name, drafted.head, cwd=root)
    except host.GitFailed as failed:
        host.write_git("update-index", cwd=root, input=_index_info(drafted.staged, drafted))
        raise LandingRefused(f"{drafted.branch} was not moved: {failed}", "Look at it, then commit again.") from failed
    return name


def with_trailer(message: str, trailer: str) -> str:
    """A message with a last line such as `Assisted-by: assent`, unless it is there."""
    if not trailer or trailer in message.splitlines():
        return f"{message}\n"
    last = message.rpartition("\n\n")[2]
    between = "\n" if "\n\n" in message and _TRAILERS.fullmatch(last) else "\n\n"
    return f"{message}{between}{trailer}\n"


def hook_command(drafted: Draft, message: str) -> str:
    """A command line that tries the hooks that can stop a commit, in a copy of the repository, as git would call them."""
    paths = shlex.join(change.path for change in drafted.changes)
    lines = ["set -e", f"git add -A -- {paths}", f"printf %s {shlex.quote(message)} > .git/COMMIT_EDITMSG"]
    for hook in drafted.hooks:
        name = Path(hook).name
        if name in ("pre-commit", "commit-msg"):
            lines.append(f"{shlex.quote(hook)}{' .git/COMMIT_EDITMSG' if name == 'commit-msg' else ''}")
    return "\n".join(lines)


class _Found(Struct):
    """A draft in the making."""

    changes: list[Change] = []
    commit: list[tuple[str, Blob | None]] = []
    index: list[tuple[str, Blob | None]] = []
    staged: list[tuple[str, Blob | None]] = []
    notices: list[str] = []


def _worked_out(root: Path, writes: Iterable[Write], *, born: bool) -> _Found:
    by_path: dict[str, list[Write]] = {}
    for write in writes:
        by_path.setdefault(write.path, []).append(write)
    found, ends = _Found(), blobs.ends_of(root, by_path) if by_path else {}
    for path, chain in sorted(by_path.items()):
        head = blobs.in_head(root, path) if born else None
        before = blobs.load(root, head)
        after, whole = before, True
        for write in chain:
            theirs = blobs.clean(write.after, ends[path], before)
            merged, fits = blobs.joined(blobs.clean(write.before, ends[path], before), after, theirs)
            after, whole = (merged, whole) if fits else (theirs, False)
        if after == before:
            continue
        _add(root, found, path, (head, before), after)
        if not whole:
            found.notices.append(f"{path} goes in whole: it builds on changes of yours that are not committed")
    return found


def _add(
    root: Path, found: _Found, path: str, head: tuple[Blob | None, File | Link | None], after: File | Link | None
) -> None:
    blob, staged = blobs.store(root, after), blobs.in_index(root, path)
    wanted = blob
    if staged not in (head[0], blob):
        both, fits = blobs.joined(head[1], blobs.load(root, staged), after)
        if not fits:
            raise UsageError(
                f"{path} has other changes staged in git, in the same place.",
                "Commit or unstage them: git restore --staged.",
            )
        wanted = blobs.store(root, both)
        found.notices.append(f"what you have staged in {path} stays staged")
    found.changes.append(Change(path=path, before=head[1], after=after))
    found.commit.append((path, blob))
    found.index.append((path, wanted))
    found.staged.append((path, staged))


def _index_info(entries: Iterable[tuple[str, Blob | None]], drafted: Draft) -> bytes:
    none = "0" * max(len(blob.name) for _, blob in (*drafted.commit, *drafted.staged, ("", Blob("", "0" * 40))) if blob)
    lines = ((path, blob or Blob("0", none)) for path, blob in entries)
    return b"".join(f"{blob.mode} {blob.name}\t".encode() + os.fsencode(path) + b"\0" for path, blob in lines)


def _place(root: Path) -> tuple[str, str]:
    """The branch and its newest commit (empty if there is none); UsageError where a commit has no place."""
    for name, what in UNDERWAY.items():
        if (root / os.fsdecode(host.git("rev-parse", "--git-path", name, cwd=root).strip())).exists():
            raise UsageError(
                f"A {what} is under way in this repository.", f"Finish it first, or give it up: git {what} --help."
            )
    try:
        branch = host.git("symbolic-ref", "-q", "HEAD", cwd=root).decode().strip().removeprefix("refs/heads/")
    except host.GitFailed:
        raise UsageError(
            "HEAD is detached: a commit would be on no branch.", "Begin a branch first: git switch -c NAME."
        ) from None
    try:
        return branch, host.git("rev-parse", "-q", "--verify", "HEAD^{commit}", cwd=root).decode().strip()
    except host.GitFailed:
        return branch, ""


def _check_identity(root: Path) -> None:
    try:
        for name in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            host.git("var", name, cwd=root)
    except host.GitFailed as failed:
        raise UsageError(
            "git does not know who you are, so there is no author for a commit.",
            "git config --global user.name NAME; git config --global user.email ADDRESS",
        ) from failed


def _check_unsigned(root: Path) -> None:
    try:
        wanted = host.git("config", "--type=bool", "--get", "commit.gpgSign", cwd=root).strip() == b"true"
    except host.GitFailed:
        return
    if wanted:
        raise UsageError(
            "Commits are to be signed here (commit.gpgSign), and assent starts no program that signs.",
            "/commit --unsigned makes one without; or commit yourself: git commit -- FILES.",
        )


def _hooks(root: Path) -> tuple[str, ...]:
    """The hooks for a commit that are there and could run; the setting is read as the repository has it, not as we run git."""
    try:
        told = host.git("config", "--get-all", "core.hooksPath", cwd=root).decode(errors="surrogateescape").splitlines()
    except host.GitFailed:
        told = []
    own = [path for path in told if path != "/dev/null"]
    common = os.fsdecode(host.git("rev-parse", "--git-common-dir", cwd=root).strip())
    folder = root / Path(own[-1]).expanduser() if own else root / common / "hooks"
    return tuple(str(folder / name) for name in HOOKS if os.access(folder / name, os.X_OK))


def _failed(failed: host.GitFailed) -> LandingRefused:
    if "index.lock" in str(failed):
        return LandingRefused(
            "Another git is working in this repository (index.lock).", "Wait for it, then commit again."
        )
    return LandingRefused(
        f"The commit was not made: {failed}", "Nothing was changed. Mend what git says, then commit again."
    )
