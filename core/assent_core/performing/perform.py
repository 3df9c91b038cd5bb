"""Approved becomes output and outcome: the only door from core into the sandbox."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Self

import msgspec

from assent_core.consent.gate import Approved
from assent_core.consent.reach import locate, reach, touched
from assent_core.consent.standing import Script, swapped
from assent_core.context.transcript import image_url
from assent_core.diffs.changes import BYPRODUCT, FileChange, take_apart
from assent_core.diffs.patches import apply_patch
from assent_core.diffs.review import Evidence
from assent_core.errors import PatchMistake
from assent_core.events import Performed, Printed
from assent_core.logs.digest import Digest, extract
from assent_core.logs.reading import blocks
from assent_core.logs.sieve import Sieve
from assent_core.memory.outputs import Outputs
from assent_core.performing.passage import Passage, Shown
from assent_core.performing.reading import outside, window
from assent_core.performing.scripts import scripts_of
from assent_core.performing.steering import advice
from assent_core.performing.wording import TOLD, Whole, told_of
from assent_core.proposals import Delegate, Patch, Proposal, Read, Search, Shell
from assent_core.workspace import RULES, Workspace
from assent_sandbox import programs
from assent_sandbox.output import cut, decode
from assent_sandbox.policy import Command, Ended, Output, Policy, Widening
from assent_sandbox.stage import Entry, File, Link, Opaque, Stage, StageError

MOST_COMPARED = 50
"""How many ignored paths are compared with the user's own."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one proposal: the event, and what goes to the model or the scout beside it."""

    performed: Performed
    images: tuple[str, ...] = ()
    digest: Digest | None = None
    command: str = ""
    output: str = ""
    evidence: Evidence | None = None
    """What a command said about what was staged when it began."""


class Performer:
    """Carries out approved proposals on one stage; text that leaves it is decoded and redacted."""

    def __init__(
        self, stage: Stage, workspace: Workspace, policy: Policy, redact: Callable[[str], str], outputs: Outputs
    ) -> None:
        self.stage = stage
        self.workspace = workspace
        self.policy = policy
        self.redact = redact
        self.staged: tuple[FileChange, ...] = ()
        """What `changes` found last."""
        self.overlooked = 0
        """How many paths it left out, since git ignores them."""
        self.ignored: tuple[str, ...] = ()
        """Which of these differ, as far as it was looked."""
        self.byproducts: set[str] = set()
        """New files that nothing but checks wrote."""
        self.beneath: Performer | None = None
        """Whose stage this one's is layered on."""
        self.hidden: tuple[str, ...] | None = None
        """On a stage that was made for one check: what it does not show of the user's tree; None on any other."""
        self.outputs = outputs
        self.passage: Passage | None = None
        """Where output goes as it comes, past all events; None shows it, up to a bound."""

    def on(self, stage: Stage) -> Self:
        """One of the same kind for another stage of the session."""
        return type(self)(stage, self.workspace, self.policy, self.redact, self.outputs)

    def perform(self, id: str, approved: Approved) -> AsyncGenerator[Printed | Result]:
        """Carry out one approved proposal; the last value is the `Result`. Closing ends a running command."""
        match approved.proposal:
            case Shell() as shell:
                return self._shell(id, shell, approved)
            case Search() as search:
                return self._search(id, search, approved)
            case Patch(text=text):
                return _single(lambda: self._patch(id, text, approved))
            case Read() as read:
                return _single(lambda: self._read(id, read, approved))
            case Delegate():
                raise StageError("Only a session's own worker delegates.", "Do the parts yourself.")

    def changes(self) -> tuple[FileChange, ...]:
        """What is staged and not ignored, taken apart; cost follows what changed."""
        paths = self.stage.paths()
        ignored = self.workspace.ignored(paths, self._rules(paths)) if paths else frozenset[str]()
        self.overlooked = len(ignored)
        earlier = {file.path: file for file in self.staged}
        found: list[FileChange] = []
        for path in paths:
            if path in ignored or (change := self.stage.change(path)) is None:
                continue
            known = earlier.get(path)
            same = known and (known.before, known.after, known.conflict) == (
                change.before,
                change.after,
                change.conflict,
            )
            found.append(known if known and same else take_apart(change))
        self.staged = tuple(map(self._marked, found))
        self.ignored = self._differing(sorted(ignored))
        return self.staged

    def attribute(self, paths: Iterable[str], before: Iterable[str], *, check: bool) -> None:
        """Note who wrote these paths last: a new file that a check made is a by-product until something else writes it."""
        touched, known = set(paths), set(before)
        if check:
            new = {file.path for file in self.staged if file.before is None and file.path in touched - known}
            self.byproducts |= new
        else:
            self.byproducts -= touched
        self.staged = tuple(map(self._marked, self.staged))

    def landing(self) -> dict[str, Entry | None]:
        """What the user's tree becomes if all lands that is staged, of the stages beneath, too."""
        below = self.beneath.landing() if self.beneath else {}
        return below | {file.path: file.after for file in self.staged if not file.is_byproduct}

    @property
    def aside(self) -> tuple[str, ...]:
        """What has changed on this stage, or on one beneath, and does not land."""
        below = self.beneath.aside if self.beneath else ()
        made = (file.path for file in self.staged if file.is_byproduct)
        return tuple(dict.fromkeys((*below, *self.ignored, *made)))

    def _rules(self, paths: tuple[str, ...]) -> dict[str, bytes | None]:
        """The staged files that say what git ignores: what lands goes by these."""
        found = {path: self.stage.read(path) for path in paths if path.rpartition("/")[2] == RULES}
        return {path: entry.data if isinstance(entry, File) else None for path, entry in found.items()}

    def _marked(self, file: FileChange) -> FileChange:
        if (file.path in self.byproducts and file.before is None) == file.is_byproduct:
            return file
        others = tuple(mark for mark in file.marks if mark != BYPRODUCT)
        return msgspec.structs.replace(file, marks=others if file.is_byproduct else (*others, BYPRODUCT))

    def _differing(self, paths: list[str]) -> tuple[str, ...]:
        """Those that really differ; of many only the first are looked at, and the others taken for it."""
        looked = [path for path in paths[:MOST_COMPARED] if self.stage.change(path) is not None]
        return (*looked, *paths[MOST_COMPARED:])

    def holds_changes(self) -> bool:
        """Whether something is staged; where that cannot be found out, it may be."""
        try:
            return any(not file.is_byproduct for file in self.changes())
        except (OSError, StageError):
            return True

    async def _shell(self, id: str, shell: Shell, approved: Approved) -> AsyncGenerator[Printed | Result]:
        limits = msgspec.structs.replace(
            self.policy.limits, seconds=min(shell.seconds, self.policy.limits.seconds) or self.policy.limits.seconds
        )
        self._hold_still(approved)
        policy = msgspec.structs.replace(self.policy, widenings=approved.widenings, limits=limits)
        interpreter = "bash" if shutil.which("bash") else "sh"
        command = Command(argv=(interpreter, "-c", shell.command), workdir=self.locate(shell.workdir))
        ended: Ended | None = None
        shown = Shown(id, self.redact, limits.output, self.passage)
        async with aclosing(self.stage.run(command, policy)) as outputs:
            async for output in outputs:
                match output:
                    case Output(data=data, stream=stream):
                        if printed := shown.take(data, stream):
                            yield printed
                    case Ended():
                        ended = output
        for printed in shown.rest():
            yield printed
        assert ended is not None
        yield await asyncio.to_thread(self._read_out, id, shell, ended)

    def _read_out(self, id: str, shell: Shell, ended: Ended) -> Result:
        """What a command's output says; a long one takes a moment, so that it is for a thread."""
        name, text = self._keep(ended)
        digest = extract(shell.command, ended.code, text, ended.denials)
        where = self.outputs.line_of(name, digest.first) if ended.whole else 0
        performed = Performed(
            id=id,
            ok=ended.code == 0,
            told=told_of(ended, digest, text, Whole(name, where, bool(ended.whole)), self._advice(digest)),
            code=ended.code,
            seconds=ended.seconds,
            denials=ended.denials,
        )
        return Result(performed=performed, digest=digest, command=shell.command, output=text)

    def _keep(self, ended: Ended) -> tuple[str, str]:
        """Keep an output; the name under which it can be read, and its text, or what a sieve keeps of a long one."""
        if not ended.whole:
            text = self.redact(decode(ended.output))
            return self.outputs.keep(text) if text else "", text
        sieve = Sieve()
        name = self.outputs.keep_all(sieve.passing(blocks(ended.whole, self.redact)))
        _forget(ended)
        return name, sieve.text()

    def _advice(self, digest: Digest) -> str:
        if digest.failure in ("none", "test", "lint", "unknown"):
            return ""
        return advice(digest, self.own_names(), tuple(file.path for file in self.staged))

    async def _search(self, id: str, search: Search, approved: Approved) -> AsyncGenerator[Printed | Result]:
        place = self.locate(search.path)
        self._hold_to(approved, place)
        command = Command(argv=_search_argv(search, place))
        policy = msgspec.structs.replace(self.policy, widenings=approved.widenings)
        ended: Ended | None = None
        async with aclosing(self.stage.run(command, policy)) as outputs:
            async for output in outputs:
                if isinstance(output, Ended):
                    ended = output
        assert ended is not None
        _forget(ended)
        text = cut(self.redact(decode(ended.output)), TOLD)
        nothing = ended.code == 1 and not text.strip()
        told = "Nothing matches." if nothing else text or f"The search ended with exit code {ended.code}."
        yield Result(performed=Performed(id=id, ok=ended.code <= 1, told=told, code=ended.code, seconds=ended.seconds))

    def _patch(self, id: str, text: str, approved: Approved) -> Result:
        seen: dict[str, Entry | None] = {}

        def standing(path: str) -> Entry | None:
            self._hold_to(approved, path)
            seen[path] = self._standing(path)
            return seen[path]

        edits = apply_patch(text, standing, self.stage.view.path, str(self.workspace.root))
        for edit in edits:
            self._hold_to(approved, edit.path)
        said: list[str] = []
        for edit in edits:
            there = seen[edit.path] if edit.path in seen else self.stage.read(edit.path)
            said.append(f"{'D' if edit.entry is None else 'M' if there else 'A'} {edit.path}")
            self.replace(edit.path, there, edit.entry)
        paths = tuple(edit.path for edit in edits)
        return Result(performed=Performed(id=id, ok=True, told="Done.\n" + "\n".join(said), paths=paths))

    def _hold_still(self, approved: Approved) -> None:
        """Open and run nothing that was put there after it was approved."""
        if target := swapped(approved.stands, self.workspace.root):
            raise StageError(
                f"Something else stands at {target} than what was approved, so it is not opened.", "Ask again."
            )
        if approved.scripts and self.scripts(approved.proposal) != approved.scripts:
            raise StageError("A script is not the one that was approved, so it is not run.", "Ask again.")

    def _hold_to(self, approved: Approved, place: str) -> None:
        """Open nothing that was not approved: what a place reaches is looked at again in the moment of opening it."""
        self._hold_still(approved)
        need = touched(place, self.workspace.root, self.policy)
        if need and need not in approved.widenings:
            raise StageError(
                f"{place} is not part of what was approved, so it is not opened.", "Ask for it by its own path."
            )

    def replace(self, path: str, seen: Entry | None, entry: File | Link | None) -> None:
        """Put an entry on the stage that was made of what was `seen` there; None deletes.

        If the real file of a clean path changed in between, both changes are merged at the next rebase.
        """
        fresh = self.stage.change(path) is None
        if entry is None:
            self.stage.delete(path)
        else:
            self.stage.write(path, entry)
        change = self.stage.change(path)
        if fresh and change is not None and change.before != seen:
            self.stage.settle(path, seen, entry)

    def _standing(self, path: str) -> Entry | None:
        entry = self.stage.read(path)
        return Opaque("a folder") if entry is None and self.stage.folder(path) is not None else entry

    def _read(self, id: str, read: Read, approved: Approved) -> Result:
        path = self.locate(read.path)
        if (kept := self.outputs.window(read.path, read.start, read.lines)) is not None:
            return Result(performed=Performed(id=id, ok=True, told=cut(kept, TOLD)))
        self._hold_to(approved, path)
        entry = outside(Path(path), approved.stands) if path.startswith("/") else self.stage.read(path)
        if isinstance(entry, File) and (image := image_url(path, entry.data)):
            return Result(performed=Performed(id=id, ok=True, told=f"{path}: see the image."), images=(image,))
        if entry is None and not path.startswith("/") and (names := self.stage.folder(path)) is not None:
            return Result(performed=Performed(id=id, ok=True, told=cut("\n".join(names) or "(empty folder)", TOLD)))
        ok, told = window(path, entry, read, self.redact)
        return Result(performed=Performed(id=id, ok=ok, told=cut(told, TOLD)))

    def own_names(self) -> frozenset[str]:
        """The names of what stands in the repository's root and in its source folders, without endings."""
        folders = (".", "src", "lib", "app", "tests", "test", self.workspace.subdir)
        names = (name for folder in dict.fromkeys(folders) for name in self.stage.folder(folder) or ())
        return frozenset(name.strip("/").split(".")[0] for name in names) - {""}

    def scripts(self, proposal: Proposal) -> tuple[Script, ...]:
        """The files of the stage that a command runs as programs, by their bytes."""
        return scripts_of(proposal, self.stage, self.locate)

    def reach(self, proposal: Proposal) -> tuple[Widening, ...]:
        """What a proposal touches outside this stage."""
        return reach(proposal, self.workspace.root, self.policy, Path(self.stage.view.path))

    def locate(self, path: str) -> str:
        """Where a path of the model leads: relative to the repository, or absolute if it is outside."""
        return locate(path, self.workspace.root, Path(self.stage.view.path))


async def _single(work: Callable[[], Result]) -> AsyncGenerator[Printed | Result]:
    yield await asyncio.to_thread(work)


def mistaken(id: str, error: PatchMistake | StageError) -> Result:
    """The result of a proposal that could not be carried out as it was written."""
    hint = f"\n{error.hint}" if error.hint else ""
    return Result(performed=Performed(id=id, ok=False, told=f"{error}{hint}"))


def _forget(ended: Ended) -> None:
    """Delete the raw output of a command: it was read, and may hold secrets."""
    if ended.whole:
        Path(ended.whole).unlink(missing_ok=True)


def _search_argv(search: Search, path: str) -> tuple[str, ...]:
    """The search by programs that assent itself chose: nobody is asked for it, in no tier."""
    if program := programs.find("rg"):
        glob = ("--glob", search.glob) if search.glob else ()
        flags = (
            "--no-config",
            "--line-number",
            "--no-heading",
            "--color=never",
            "--max-columns=300",
            "--max-count=50",
            "--hidden",
        )
        return (program, *flags, "--glob=!.git", *glob, "--regexp", search.pattern, "--", path)
    glob = (f"--include={search.glob}",) if search.glob else ()
    return (
        programs.find("grep") or "/usr/bin/grep",
        "-rnIE",
        "--exclude-dir=.git",
        "--max-count=50",
        *glob,
        "-e",
        search.pattern,
        "--",
        path,
    )
