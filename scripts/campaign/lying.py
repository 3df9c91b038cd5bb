"""The small repositories of the campaign of lies: what each is made of, and what is true of it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import msgspec
from broken import Wrong
from msgspec import Struct
from msgspec.structs import replace

from assent_core.rehearsal.script import Step

HERE = Path(__file__).parent
LONGEST = 30.0
"""Seconds after which a command of a case is hung."""


class Case(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One repository, what the worker does in it, and the check; all scripts are for sh, in the root of the repository.

    `{root}` is where the repository or its clone lies, `{outside}` a place beside it that is not part of it.
    """

    name: str
    why: str
    """What the lie is, or why the truth could be taken for one."""
    honest: bool = False
    """Whether it is a truth; its file says so."""
    base: str = ""
    """The repository of that name, to which `files` are added or in which they take the place of others."""
    files: dict[str, str] = {}
    beside: dict[str, str] = {}
    """Files that the user has and git ignores: they are there for the check in a clone, too, as they were."""
    left: dict[str, str] = {}
    """Files that builds and checks have left in the user's tree, which git ignores: no clone has them."""
    setup: str = ""
    """What makes the repository besides `files`, before its first commit, which is tagged `start`."""
    afterwards: str = ""
    """The same after that commit."""
    work: str = ""
    """The command by which the worker does what it does; empty: it is not to be asked."""
    script: tuple[Step, ...] = ()
    """Steps of the worker instead, where it takes more than a command."""
    check: str
    """CMD as it is typed."""
    plain: str = ""
    """A command that does not hide what CMD hides, which must pass in the clone as well."""
    folder: str = "."
    """Where assent is started."""
    options: str = "--apply"
    environment: dict[str, str] = {}
    needs: tuple[str, ...] = ()
    """Commands without which the case says nothing."""


class Corpus(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of cases and the repositories that several of them share."""

    base: dict[str, dict[str, str]] = {}
    case: tuple[Case, ...] = ()


class Place:
    """A folder for one case: the repository, the clone, a home, and what lies outside."""

    def __init__(self, folder: Path, case: Case) -> None:
        self.case = case
        self.root, self.clone, self.outside = (folder / name for name in ("repository", "clone", "outside"))
        self.state, self.patch = folder / "state", folder / "out.patch"
        home = folder / "home"
        home.mkdir(parents=True)
        git = {f"GIT_{who}_{what}": "T@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
        own = {name: self.filled(value, self.root) for name, value in case.environment.items()}
        self.environment = kept | git | {"HOME": str(home), "TERM": "dumb", "PYTHONDONTWRITEBYTECODE": "1"} | own
        self.outside.mkdir()
        self._make()

    def filled(self, text: str, root: Path) -> str:
        """A text with the places put in."""
        return text.replace("{root}", str(root)).replace("{outside}", str(self.outside))

    def sh(self, script: str, root: Path) -> subprocess.CompletedProcess[str]:
        """Run a script that must not hang; its end."""
        return self._run(["sh", "-c", self.filled(script, root)], root)

    def must(self, script: str, root: Path) -> None:
        """Run a script of the campaign's own; raises Wrong where it fails."""
        if (done := self.sh(script, root)).returncode:
            raise Wrong(f"{script}: {tail(done.stdout)}")

    def check(self, root: Path) -> subprocess.CompletedProcess[str]:
        """Run CMD."""
        return self._run(shlex.split(self.filled(self.case.check, root)), root / self.case.folder)

    def fails(self) -> str:
        """What is wrong with a clean clone of what landed, or of what the patch would give; empty if nothing is."""
        shutil.rmtree(self.outside)
        self.outside.mkdir()
        self.must("git add -A && git commit -q --allow-empty -m landed && git checkout -q -B main", self.root)
        self._clone()
        if (done := self.check(self.clone)).returncode:
            return f"`{self.case.check}` exits {done.returncode}: {tail(done.stdout)}"
        self._clone()
        if (done := self.sh(self.case.plain or ":", self.clone)).returncode:
            return f"`{self.case.plain}` exits {done.returncode}: {tail(done.stdout)}"
        return ""

    def fails_there(self) -> str:
        """What is wrong with the user's own tree, with what git ignores as it was; empty if nothing is."""
        self._write(self.root, self.case.beside | self.case.left)
        done = self.check(self.root)
        return f"`{self.case.check}` exits {done.returncode}: {tail(done.stdout)}" if done.returncode else ""

    def standing(self) -> dict[str, tuple[int, bytes]]:
        """All files and links of the repository but git's own."""
        found = (path for path in self.root.rglob("*") if ".git" not in path.parts)
        return {
            path.relative_to(self.root).as_posix(): (
                path.lstat().st_mode,
                os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b"",
            )
            for path in found
        }

    def _make(self) -> None:
        self._write(self.root, self.case.files)
        self.must("git init -q -b main", self.root)
        self.must(self.case.setup or ":", self.root)
        self.must("git add -A && git commit -q -m start && git tag start", self.root)
        self._write(self.root, self.case.beside | self.case.left)
        self.must(self.case.afterwards or ":", self.root)

    def _clone(self) -> None:
        shutil.rmtree(self.clone, ignore_errors=True)
        self.must(f"git clone -q --tags . {shlex.quote(str(self.clone))}", self.root)
        if self.patch.exists() and self.patch.stat().st_size:
            self.must(f"git apply {shlex.quote(str(self.patch))} && git add -A && git commit -q -m patched", self.clone)
        self._write(self.clone, self.case.beside)

    def _write(self, root: Path, files: dict[str, str]) -> None:
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(self.filled(text, root).encode())

    def _run(self, argv: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                argv,
                cwd=folder,
                env=self.environment | {"PWD": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=LONGEST,
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError) as error:
            return subprocess.CompletedProcess(argv, 124, str(error))


def cases() -> tuple[Case, ...]:
    """All cases, with the files of their bases put in."""
    corpora = {
        honest: msgspec.convert(tomllib.loads((HERE / name).read_text()), Corpus)
        for honest, name in ((False, "lies.toml"), (True, "truths.toml"))
    }
    bases = {"": {}} | {name: files for corpus in corpora.values() for name, files in corpus.base.items()}
    told = tuple(
        replace(case, honest=honest, files=bases[case.base] | case.files)
        for honest, corpus in corpora.items()
        for case in corpus.case
    )
    assert len({case.name for case in told}) == len(told), "a name stands twice"
    return told


def tail(text: str) -> str:
    """The last words of an output, on one line."""
    return " ".join(text.split())[-160:]
