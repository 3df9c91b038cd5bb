"""The few programs of the host that assent itself runs: a hardened git, and the user's editor."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import tempfile
import threading
from pathlib import Path

from assent_sandbox import programs
from assent_sandbox.stage import StageError

_PLUMBING = frozenset(
    (
        "rev-parse",
        "symbolic-ref",
        "ls-files",
        "check-ignore",
        "merge-file",
        "cat-file",
        "config",
        "for-each-ref",
        "version",
        "check-attr",
        "ls-tree",
        "var",
    )
)
"""The commands that read and never run a filter, a hook or a driver of the repository."""
_WRITING = {
    "hash-object": ("-w", "--no-filters", "--stdin"),
    "read-tree": (),
    "update-index": ("-z", "--index-info"),
    "write-tree": (),
    "commit-tree": ("--no-gpg-sign",),
    "update-ref": (),
}
"""The commands that write objects, an index and a branch, each with the words that keep it from running or reading anything."""


_HURRY = 2.0
"""Seconds that a git gets when assent is about to end."""
_running: set[subprocess.Popen[bytes]] = set()
_ended = threading.Event()


class GitFailed(StageError):
    """Git ended with a failure: `code` is its exit status, `output` what it had written to stdout by then."""

    def __init__(self, message: str, code: int, output: bytes = b"") -> None:
        super().__init__(message)
        self.code = code
        self.output = output


def git_words(*args: str, cwd: Path | str) -> list[str]:
    """The words that start the hardened git (a small sh script): it runs no hook, filesystem monitor, pager, helper or transport.

    Filters and diff drivers cannot be switched off from outside, so only plumbing that never uses them may be run:
    no `status`, `diff`, `add`, `checkout`, nor `hash-object` with filters. Raises GitFailed (code 127) where git is missing.
    """
    if not (found := find_git(cwd)):
        raise GitFailed("git is not installed", 127)
    return [str(Path(__file__).with_name("git-plain")), f"--git={found}", *args]


def find_git(cwd: Path | str = ".") -> str:
    """Where git is installed, if not in the repository that it is for; empty where it is not."""
    return programs.find("git", str(cwd))


def git(*args: str, cwd: Path | str, input: bytes = b"", seconds: float = 60.0) -> bytes:
    """Run one plumbing command and give its stdout; raises GitFailed (code 127 where git is missing)."""
    if args[0] not in _PLUMBING:
        raise ValueError(f"git {args[0]} may run programs that a repository names")
    return _git(git_words(*args, cwd=cwd), cwd, input, seconds)


def write_git(name: str, *args: str, cwd: Path | str, input: bytes = b"", index: Path | None = None) -> bytes:
    """Run one command that writes into the repository, into another `index` than its own if one is named; as `git` else.

    Contents are taken as they are given, no hook runs, nothing is signed.
    """
    words = ["--no-replace-objects", "-c", "i18n.commitEncoding=UTF-8", name, *_WRITING[name], *args]
    given = [f"--index={index}"] if index else []
    return _git(git_words(*given, *words, cwd=cwd), cwd, input, 60.0)


def _git(argv: list[str], cwd: Path | str, input: bytes, seconds: float) -> bytes:
    name = next(word for word in argv[1:] if not word.startswith("-") and "=" not in word)
    try:
        child = subprocess.Popen(argv, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise GitFailed(f"git cannot begin in {cwd}: {error.strerror}", 128) from error
    with child:
        _running.add(child)
        try:
            out, said = child.communicate(input, timeout=min(seconds, _HURRY) if _ended.is_set() else seconds)
        except subprocess.TimeoutExpired as late:
            raise GitFailed(f"git {name} took longer than {seconds:.0f} seconds", 124) from late
        finally:
            child.kill()
            _running.discard(child)
    if child.returncode:
        words = said.decode("utf-8", "replace").strip() or f"git {name} exited with {child.returncode}"
        raise GitFailed(words, child.returncode, out)
    return out


def end_gits() -> None:
    """End each git that runs, and give later ones little time: assent was told to end, and one may wait for ever."""
    _ended.set()
    for child in list(_running):
        child.kill()


def editor() -> tuple[str, ...]:
    """The user's editor as words of a command line ($VISUAL, then $EDITOR); raises StageError if there is none."""
    wanted = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        words = tuple(shlex.split(wanted))
    except ValueError as error:
        raise StageError(f"$VISUAL or $EDITOR cannot be read: {error}", "Set it to a command, such as: nano") from error
    if not words:
        raise StageError("no editor is set", "Set $VISUAL or $EDITOR, for example: export EDITOR=nano")
    if not (program := programs.find(words[0])):
        raise StageError(
            f"the editor {words[0]!r} was not found",
            "Set $VISUAL or $EDITOR to a program on your PATH, outside the repository",
        )
    return (program, *words[1:])


async def edit(name: str, text: str) -> str:
    """Let the user edit a text in their own editor, on the terminal that is there, and give what they saved.

    Only the ending of `name` is used, so that the editor knows the language. It runs in the folder of the text, not in the
    repository, whose settings for editors are not the user's. Raises StageError.
    """
    words = editor()
    with tempfile.TemporaryDirectory(prefix="assent-edit-") as folder:
        place = Path(folder, "edit" + _suffix(name))
        _save(place, text)
        child = await asyncio.create_subprocess_exec(*words, str(place), cwd=folder)
        code = await child.wait()
        if code:
            raise StageError(f"the editor {words[0]!r} exited with {code}", "Nothing was taken over; try again")
        return _load(place)


def _save(place: Path, text: str) -> None:
    place.write_bytes(text.encode("utf-8", "surrogateescape"))


def _load(place: Path) -> str:
    try:
        return place.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise StageError("the editor left no file behind", "Nothing was taken over; try again") from error


def _suffix(name: str) -> str:
    suffix = Path(name).suffix
    return suffix if suffix[1:].isascii() and suffix[1:].isalnum() else ".txt"
