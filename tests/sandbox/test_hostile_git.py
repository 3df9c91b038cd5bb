"""A repository whose configuration runs programs: wherever assent itself runs git, none of them is started."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from assent_core import workspace
from assent_sandbox import host
from assent_sandbox.policy import Command, Policy
from assent_sandbox.sight.private import identity, make_private_git, stamp
from assent_sandbox.stage import File, StageError
from assent_sandbox.tiers import open_stage
from assent_sandbox.view.listing import list_repository

GIT = ("git", "-c", "user.name=n", "-c", "user.email=e@x", "-c", "protocol.file.allow=always")


class Repository:
    """A repository, and a program that leaves a trace when it is started."""

    def __init__(self, base: Path) -> None:
        self.root, self.home, self.trace = base / "repo", base / "home", base / "trace"
        self.root.mkdir()
        self.home.mkdir()
        self.trap = base / "trap"
        self.trap.write_text(f"#!/bin/sh\n: >> {self.trace}\nexit 1\n")
        self.trap.chmod(0o755)
        self.git("init", "-q")
        (self.root / "a.txt").write_text("a\n")
        self.git("add", "-A")
        self.git("commit", "-qm", "one")

    def git(self, *words: str, check: bool = True) -> None:
        variables = {"HOME": str(self.home), "PATH": os.environ["PATH"]}
        subprocess.run([*GIT, *words], cwd=self.root, env=variables, check=check, capture_output=True)

    def set(self, key: str, value: str = "") -> None:
        self.git("config", key, value or str(self.trap))

    def attributes(self, line: str) -> None:
        (self.root / ".gitattributes").write_text(f"{line}\n")

    def edit(self) -> None:
        (self.root / "a.txt").write_text("b\n")

    def hook(self, name: str) -> None:
        (self.root / ".git" / "hooks").mkdir(exist_ok=True)
        (self.root / ".git" / "hooks" / name).symlink_to(self.trap)


def _filter(kind: str) -> Callable[[Repository], None]:
    def prepare(repository: Repository) -> None:
        repository.attributes("* filter=x")
        repository.set(f"filter.x.{kind}")
        repository.set("filter.x.required", "true")
        repository.edit()
        if kind == "smudge":
            (repository.root / "a.txt").unlink()

    return prepare


def _driver(key: str, line: str) -> Callable[[Repository], None]:
    def prepare(repository: Repository) -> None:
        repository.attributes(line)
        repository.set(key)
        repository.edit()

    return prepare


def _setting(key: str, value: str = "") -> Callable[[Repository], None]:
    def prepare(repository: Repository) -> None:
        repository.edit()
        repository.set(key, value.replace("TRAP", str(repository.trap)))

    return prepare


def _hooks(repository: Repository) -> None:
    repository.hook("post-checkout")
    repository.hook("post-index-change")
    repository.edit()


def _hooks_elsewhere(repository: Repository) -> None:
    folder = repository.home / "hooks"
    folder.mkdir()
    (folder / "post-checkout").symlink_to(repository.trap)
    repository.set("core.hooksPath", str(folder))


def _bare_within(repository: Repository) -> None:
    bare = repository.root / "bare"
    for name in ("objects", "refs"):
        (bare / name).mkdir(parents=True)
    (bare / "HEAD").write_text("ref: refs/heads/x\n")
    (bare / "config").write_text(
        f"[core]\n\tbare = false\n\tworktree = ..\n\tfsmonitor = {repository.trap}\n\trepositoryformatversion = 0\n"
    )


def _gitlink(repository: Repository) -> None:
    inner = repository.root / "module"
    inner.mkdir()
    repository.git("init", "-q", "module")
    repository.git("-C", "module", "commit", "-q", "--allow-empty", "-m", "x")
    repository.git("add", "module")
    repository.git("-C", "module", "config", "core.fsmonitor", str(repository.trap))


def _commondir(repository: Repository) -> None:
    other = repository.home / "other"
    repository.git("init", "-q", str(other))
    repository.git("-C", str(other), "config", "core.fsmonitor", str(repository.trap))
    (repository.root / ".git" / "commondir").write_text(f"{other}/.git\n")


def _promisor(repository: Repository) -> None:
    repository.set("extensions.partialClone", "origin")
    repository.set("core.repositoryFormatVersion", "1")
    repository.set("remote.origin.promisor", "true")
    repository.set("remote.origin.url", f"ext::{repository.trap}")
    repository.git("config", "protocol.ext.allow", "always")
    repository.git("update-ref", "--no-deref", "refs/heads/gone", "HEAD")


WAYS: dict[str, tuple[Callable[[Repository], None], tuple[str, ...]]] = {
    "a clean filter": (_filter("clean"), ("status",)),
    "a smudge filter": (_filter("smudge"), ("checkout", "-f", ".")),
    "a filter process": (_filter("process"), ("status",)),
    "a diff driver": (_driver("diff.x.command", "* diff=x"), ("diff",)),
    "a textconv": (_driver("diff.x.textconv", "* diff=x"), ("diff",)),
    "a merge driver": (_driver("merge.x.driver", "* merge=x"), ()),
    "an external diff": (_setting("diff.external"), ("diff",)),
    "a file system monitor": (_setting("core.fsmonitor"), ("status",)),
    "a pager": (_setting("core.pager"), ("--paginate", "log")),
    "an editor": (_setting("core.editor"), ("commit", "--allow-empty")),
    "an alias": (_setting("alias.st", "!TRAP"), ("st",)),
    "an alias of a command": (_setting("alias.ls-files", "!TRAP"), ()),
    "a credential helper": (_setting("credential.helper"), ("credential", "fill")),
    "a signing program": (_setting("gpg.program"), ("commit", "-S", "--allow-empty", "-m", "x")),
    "hooks": (_hooks, ("checkout", "-f", "-b", "x")),
    "hooks elsewhere": (_hooks_elsewhere, ("checkout", "-q", "-b", "x")),
    "a bare repository within": (_bare_within, ("-C", "bare", "status")),
    "a gitlink": (_gitlink, ("status",)),
    "a common folder elsewhere": (_commondir, ("status",)),
    "a remote that is asked for what is missing": (_promisor, ("cat-file", "-p", "1" * 40)),
}
"""Each way with the ordinary command of git that falls for it; none where none that can be run here does."""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return Repository(tmp_path)


@pytest.mark.parametrize("way", [name for name, (_, command) in WAYS.items() if command])
def test_an_ordinary_git_falls_for_it(way: str, repository: Repository) -> None:
    prepare, command = WAYS[way]
    prepare(repository)
    repository.trace.unlink(missing_ok=True)
    words = [*GIT, *command]
    if "--paginate" in command:
        words = ["script", "-qec", f"git -C {repository.root} log", "/dev/null"]
    variables = {"HOME": str(repository.home), "PATH": os.environ["PATH"]}
    asked = b"protocol=https\nhost=localhost\n\n"
    subprocess.run(words, cwd=repository.root, env=variables, input=asked, capture_output=True, check=False)
    assert repository.trace.exists()


@pytest.mark.parametrize("tier", ["overlay", "copy"])
@pytest.mark.parametrize("way", WAYS)
async def test_assent_does_not(way: str, tier: str, repository: Repository, tmp_path: Path) -> None:
    WAYS[way][0](repository)
    repository.trace.unlink(missing_ok=True)
    root = repository.root
    for start in (root, root / "bare", root / "module"):
        if start.is_dir():
            try:
                found = workspace.find(start)
                found.tracked()
                found.ignored(["a.txt", "b.pyc", "module/x"])
            except Exception as error:
                assert type(error).__name__ in {"UsageError", "GitFailed"}
    try:
        list_repository(str(root), Policy())
        (tmp_path / "copied").mkdir()
        make_private_git(str(root), str(tmp_path / "copied"), str(tmp_path / "draft"), ())
        identity(str(root))
        stamp(str(root))
        stage = await open_stage(root, tmp_path / "state", tier)
        try:
            stage.write("a.txt", File(b"staged\nb\nc\n"))
            async for _ in stage.run(Command(argv=("sh", "-c", "git status; git diff; echo x >> b.txt")), Policy()):
                pass
            (root / "a.txt").write_text("another\n")
            stage.rebase()
            for path in stage.paths():
                stage.change(path)
        finally:
            await stage.discard()
    except StageError as refused:
        assert str(refused)
    for words in (
        ("rev-parse", "HEAD"),
        ("ls-files", "-m", "-o"),
        ("cat-file", "-t", "1" * 40),
        ("check-ignore", "a.txt"),
    ):
        try:
            host.git(*words, cwd=root)
        except host.GitFailed as failed:
            assert failed.code
    assert not repository.trace.exists()
