"""Facts of the repository in which the tool runs: root, branch, ignored and tracked files."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from assent_core.errors import UsageError
from assent_sandbox import host
from assent_sandbox.policy import PRIVATE
from assent_sandbox.repositories import Foreign, GitFolder, git_folder

if TYPE_CHECKING:
    from git.cmd import Git
    from git.exc import GitCommandError

_CACHES = frozenset(
    (
        "__pycache__",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".tox",
        ".nox",
        ".venv",
        "venv",
        "node_modules",
        ".cache",
        ".DS_Store",
    )
)
RULES = ".gitignore"
_COMPILED = (".pyc", ".pyo", ".o", ".swp")


class Workspace(Struct, frozen=True, kw_only=True):
    """One repository, or a plain folder where there is no git; `subdir` is where the tool was started, relative to root."""

    root: Path
    git: bool
    subdir: str = "."
    branch: str = ""
    head: str = ""
    notices: tuple[str, ...] = ()

    def ignored(self, paths: Iterable[str], rules: Mapping[str, bytes | None] | None = None) -> frozenset[str]:
        """Which of these relative paths git ignores, or are caches and virtual environments that git does not track.

        `rules` are the .gitignore files that are to be other than they are, None for one that goes.
        """
        wanted = tuple(paths)
        caches = frozenset(path for path in wanted if _is_cache(path))
        if not self.git or not wanted:
            return caches
        found = self._ignored_by(wanted, rules) if rules else _check_ignore(self.root, wanted)
        return found | (caches - self._committed() if caches else caches)

    def _ignored_by(self, paths: tuple[str, ...], rules: Mapping[str, bytes | None]) -> frozenset[str]:
        """What git would ignore with these rules: asked in a folder of its own that holds nothing but rules."""
        git = os.fsdecode(_execute(self.root, "rev-parse", "--absolute-git-dir").removesuffix(b"\n"))
        with tempfile.TemporaryDirectory(prefix="assent-rules-") as place:
            for folder in {"", *(above for path in (*paths, *rules) for above in _above(path))}:
                name = f"{folder}{RULES}"
                held = rules[name] if name in rules else _regular(self.root / name)
                if held is not None:
                    (Path(place) / folder).mkdir(parents=True, exist_ok=True)
                    (Path(place) / name).write_bytes(held)
            return _check_ignore(Path(place), paths, (f"--git-dir={git}", f"--work-tree={place}"))

    def ignored_there(self) -> tuple[str, ...]:
        """What git ignores in the real tree, sorted; a folder of which all is ignored by its name alone, with a slash."""
        if not self.git:
            return ()
        words = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
        try:
            listed = _execute(self.root, *words)
        except host.GitFailed:
            return ()
        names = sorted({os.fsdecode(name) for name in listed.split(b"\0") if name} - {"./"})
        folders = {name for name in names if name.endswith("/")}
        return tuple(name for name in names if not _above(name) & folders)

    def _committed(self) -> frozenset[str]:
        listed = _execute(self.root, "ls-files", "-z", "--cached")
        return frozenset(os.fsdecode(name) for name in listed.split(b"\0") if name)

    def tracked(self) -> tuple[str, ...]:
        """Tracked and untracked, not ignored files, relative to root, sorted."""
        if not self.git:
            return tuple(sorted(_files(self.root)))
        listed = _execute(self.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = {os.fsdecode(name) for name in listed.split(b"\0") if name}
        return tuple(sorted(name for name in names if not name.endswith("/")))


def find(start: Path) -> Workspace:
    """The workspace around a folder; raises UsageError for a folder that cannot be one."""
    folder = _folder(start)
    top = _top(folder)
    if isinstance(top, Workspace):
        return top
    head, branch = _head(top)
    notices = () if head else ("the repository has no commit yet",)
    if top == Path.home():
        notices += ("the repository is your whole home directory; only its own files are staged",)
    subdir = folder.relative_to(top).as_posix()
    return Workspace(root=top, git=True, subdir=subdir, branch=branch, head=head, notices=notices)


def root_of(start: Path) -> Path:
    """The root of the workspace around a folder, as `find` finds it, at the cost of one git instead of two."""
    top = _top(_folder(start))
    return top.root if isinstance(top, Workspace) else top


def _top(folder: Path) -> Path | Workspace:
    """The top of the repository around a folder; where there is none, the folder as a workspace."""
    if not host.find_git(folder):
        return _plain(
            folder, "git is not installed: the whole folder is the workspace and nothing counts as ignored but caches"
        )
    held = _held(folder)
    try:
        said = host.git("rev-parse", *_PLACES, cwd=folder, seconds=_PATIENCE)
    except host.GitFailed as failed:
        return _without_top(folder, failed)
    top = next((top for top, found in held if os.fsencode(f"{top}\n{found.own}\n{found.common}\n") == said), None)
    if top is None:
        raise UsageError(
            f"git says that the files of the repository here are in {os.fsdecode(said.splitlines()[0])}",
            "Only the folder that holds .git is worked in, and its core.worktree points elsewhere."
            " Start assent there if you trust it, or take the setting away.",
        )
    _refuse_root(top)
    return top


_PLACES = ("--path-format=absolute", "--show-toplevel", "--git-dir", "--git-common-dir")
_PATIENCE = 20.0
"""Seconds in which git must say where it is: it reads a few small files for that."""


def _held(folder: Path) -> list[tuple[Path, GitFolder]]:
    """The folders from here upwards that hold a git folder of their own; UsageError for one that holds somebody else's."""
    held: list[tuple[Path, GitFolder]] = []
    for place in (folder, *folder.parents):
        try:
            found = git_folder(str(place))
        except Foreign as foreign:
            raise UsageError(f"the repository at {place} cannot be used: {foreign}", _mend(place, foreign)) from foreign
        if found:
            held.append((place, found))
            if Path(found.own, "HEAD").exists():
                break
    return held


def _mend(place: Path, foreign: Foreign) -> str:
    if not foreign.leads:
        return "Clone it again; what you were given is no repository that git itself could read."
    return (
        f"If it is yours: `git worktree repair` for a worktree that was moved,"
        f" `git -C {place} config core.worktree {place}` for a git folder kept elsewhere. If you were given it, mistrust it."
    )


def _folder(start: Path) -> Path:
    try:
        folder = start.expanduser().resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"there is no folder {start}", "Name an existing folder.") from None
    except (OSError, RuntimeError) as error:
        raise UsageError(f"the folder {start} cannot be opened: {error}", "Name a folder that you can read.") from None
    if not folder.is_dir():
        raise UsageError(f"{start} is a file, not a folder", f"Name its folder: {folder.parent}")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise UsageError(f"the folder {start} cannot be read by you", "Name a folder that you can read.")
    return folder


def _refuse_root(folder: Path) -> None:
    if folder == Path(folder.anchor):
        raise UsageError("the whole file system cannot be a workspace", "Start assent in the folder of a project.")


def _plain(folder: Path, notice: str) -> Workspace:
    _refuse_root(folder)
    notices = (notice,)
    if folder == Path.home():
        notices += ("this is your whole home directory; start assent in the folder of a project to keep it out",)
    return Workspace(root=folder, git=False, notices=notices)


def _without_top(folder: Path, failed: host.GitFailed) -> Workspace:
    words = str(failed)
    if "dubious ownership" in words:
        raise UsageError(
            f"the repository at {folder} belongs to another user, so git will not read it",
            f"If you trust it: git config --global --add safe.directory {folder}",
        )
    if "bare repository" in words or "must be run in a work tree" in words:
        raise UsageError(
            f"{folder} is a bare repository or a .git folder: it has no files to work on",
            "Start assent in a working tree, for example one made by: git worktree add",
        )
    if "not a git repository" in words:
        return _plain(folder, "this folder is not a git repository: the whole folder is the workspace")
    raise UsageError(
        f"git cannot read the repository at {folder}: {words}", "Try `git status` there and mend what it says."
    )


def _head(top: Path) -> tuple[str, str]:
    """The commit and the branch; empty where there is none (unborn, detached)."""
    try:
        head, branch = (
            host.git("rev-parse", "HEAD", "--symbolic-full-name", "HEAD", cwd=top, seconds=_PATIENCE)
            .decode("utf-8", "replace")
            .split()
        )
    except host.GitFailed:
        return "", _unborn(top)
    return head, branch.removeprefix("refs/heads/") if branch.startswith("refs/") else ""


def _unborn(top: Path) -> str:
    try:
        return host.git("symbolic-ref", "-q", "--short", "HEAD", cwd=top).decode("utf-8", "replace").strip()
    except host.GitFailed:
        return ""


def _above(path: str) -> set[str]:
    """The folders in which a path lies, each with a slash."""
    parts = path.rstrip("/").split("/")
    return {"/".join(parts[:depth]) + "/" for depth in range(1, len(parts))}


def _is_cache(path: str) -> bool:
    return path.endswith(_COMPILED) or any(part in _CACHES for part in path.split("/"))


def _files(root: Path) -> Iterable[str]:
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name.lower() not in PRIVATE and name not in _CACHES]
        links = [name for name in names if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
        for name in (*files, *links):
            path = os.path.relpath(os.path.join(folder, name), root)  # noqa: PTH118
            if not _is_cache(path):
                yield path


_IMPORTING = threading.Lock()


def gitpython() -> tuple[type[Git], type[GitCommandError]]:
    """GitPython, imported by one thread at a time: its own import is not safe in two, and asks a git for its version."""
    with _IMPORTING:
        os.environ["GIT_PYTHON_REFRESH"] = "quiet"
        os.environ["GIT_PYTHON_GIT_EXECUTABLE"] = host.find_git() or "/nonexistent/git"
        from git.cmd import Git
        from git.exc import GitCommandError

        return Git, GitCommandError


def _execute(root: Path, *args: str, stdin: int | None = None) -> bytes:
    """Run git by way of GitPython, through the executable that runs nothing of the repository's own; raises GitFailed."""
    Git, GitCommandError = gitpython()  # noqa: N806 # a class
    words = host.git_words(*args, cwd=root)
    try:
        return Git(root).execute(words, istream=stdin, stdout_as_string=False, strip_newline_in_stdout=False)
    except GitCommandError as failed:
        code = failed.status if isinstance(failed.status, int) else 127
        raise host.GitFailed(f"git {args[0]} failed in {root}: {failed.stderr.strip()}", code) from failed


def _regular(path: Path) -> bytes | None:
    """What a plain file holds; None for anything else."""
    try:
        return path.read_bytes() if path.is_file() and not path.is_symlink() else None
    except OSError:
        return None


def _check_ignore(root: Path, paths: tuple[str, ...], before: tuple[str, ...] = ()) -> frozenset[str]:
    """Ask git; where it refuses a path (in a submodule, beyond a link), that one alone counts as not ignored."""
    with tempfile.TemporaryFile() as asked:
        asked.write(b"".join(os.fsencode(path) + b"\0" for path in paths))
        asked.seek(0)
        try:
            out = _execute(root, *before, "check-ignore", "--stdin", "-z", stdin=asked.fileno())
        except host.GitFailed as failed:
            if failed.code == 1 or len(paths) == 1:
                return frozenset()
            middle = len(paths) // 2
            return _check_ignore(root, paths[:middle], before) | _check_ignore(root, paths[middle:], before)
    return frozenset(os.fsdecode(path) for path in out.split(b"\0") if path)
