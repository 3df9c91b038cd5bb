"""Accepted hunks become the real tree: a journal, fsync, rename; and back."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from stat import S_ISREG
from typing import Literal

import msgspec
from msgspec import Struct

from assent_core.errors import LandingRefused
from assent_core.landing import recovery, reversal
from assent_core.landing.journal import Contents, Inode, Intent, Journal, Shelf, Step
from assent_core.landing.plan import AGAIN, Write, checked, differing, plan, told
from assent_core.landing.reversal import Reversal
from assent_core.landing.tree import Tree

__all__ = [
    "Landing",
    "Recovered",
    "Reversal",
    "Write",
    "land",
    "landings",
    "preview",
    "recover",
    "redo",
    "undo",
    "writes_of",
]


class Landing(Struct, frozen=True, kw_only=True):
    """A landing that was made: enough to show it and to take it back.

    `notices` are what a user should know of it: a hard link that was parted, a file that a program still wrote into.
    """

    id: str
    session: str
    time: float
    """Seconds since the epoch."""
    paths: tuple[str, ...]
    undone: bool = False
    notices: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """Of one that was just taken back or landed again: paths in which nothing of it stood, so that they are as they were."""


class Recovered(Struct, frozen=True, kw_only=True):
    """An interrupted landing that was found at the start, and what was done: everything or nothing of it stands.

    `kept` are paths that somebody changed meanwhile; they were left as they are.
    """

    id: str
    how: Literal["completed", "rolled back"]
    paths: tuple[str, ...]
    kept: tuple[str, ...] = ()


def land(root: Path, state: Path, writes: tuple[Write, ...], session: str = "") -> Landing:
    """Make all writes or none; raises LandingRefused and leaves the tree as it was if a path is not `before`.

    Writes that change nothing are left out. Also refused: a path out of the repository, through a link or into
    `.git`, an opaque entry, a folder or disk that cannot be written.
    """
    wanted = checked(writes)
    with _opened(root, state) as (tree, shelf):
        if moved := differing(tree, wanted):
            raise LandingRefused(f"Changed since it was shown: {_listed(moved)}.", AGAIN)
        journal, contents = shelf.add(), Contents()
        intent = plan(tree, wanted, contents, journal.id, session)
        notices = _notices(tree, wanted)
        landing = _performed(tree, journal, intent, contents, notices)
        shelf.forget_old()
        return landing


def undo(root: Path, state: Path, id: str = "") -> Landing:
    """Take back a landing, the newest that stands if no id is given; edits made since are kept by a three-way merge.

    Where that cannot be, LandingRefused names the files and nothing is done.
    """
    with _opened(root, state) as (tree, shelf):
        journal = reversal.to_undo(shelf, id)
        return _reversed(tree, shelf, journal, journal.intent())


def redo(root: Path, state: Path, id: str = "") -> Landing:
    """Land again what was taken back, the last one if no id is given; edits made since are kept as `undo` keeps them."""
    with _opened(root, state) as (tree, shelf):
        journal, landed = reversal.to_redo(shelf, id)
        return msgspec.structs.replace(_reversed(tree, shelf, journal, landed.intent()), undone=False)


def preview(root: Path, state: Path, id: str = "") -> tuple[Landing, Reversal]:
    """What `undo` would do at this moment, and which files stand in its way; nothing is done."""
    with _opened(root, state) as (tree, shelf):
        journal = reversal.to_undo(shelf, id)
        return _landing(journal.intent()), reversal.reversal(tree, journal)


def recover(root: Path, state: Path) -> tuple[Recovered, ...]:
    """Complete or roll back landings that were interrupted; to be called before anything else at every start."""
    if all(journal.finished for journal in Shelf(root, state).journals()):
        return ()
    shelf = Shelf(root, state)
    with told("The journal of landings"), shelf.locked():
        return _recovered(root, shelf)


def landings(root: Path, state: Path) -> tuple[Landing, ...]:
    """All landings of this repository, newest first."""
    intents = [journal.intent() for journal in Shelf(root, state).journals() if journal.begun and journal.committed]
    standing = reversal.standing(intents)
    return tuple(_landing(one, undone=one.id not in standing) for one in reversed(intents) if not one.undoes)


def writes_of(root: Path, state: Path, id: str) -> tuple[Write, ...]:
    """What a landing wrote, as its journal has it; LandingRefused if it is damaged, nothing if there is none."""
    journal = next((one for one in Shelf(root, state).journals() if one.id == id and one.begun), None)
    if journal is None:
        return ()
    steps = journal.intent().steps
    return tuple(
        Write(path=recovery.written(step), before=journal.entry(step.before), after=journal.entry(step.after))
        for step in steps
    )


@contextlib.contextmanager
def _opened(root: Path, state: Path) -> Generator[tuple[Tree, Shelf]]:
    """The tree and its journals, locked, with nothing interrupted in them."""
    shelf = Shelf(root, state)
    with told("The journal of landings"), contextlib.ExitStack() as stack:
        stack.enter_context(shelf.locked())
        _recovered(root, shelf)
        tree = Tree(root.resolve())
        stack.callback(tree.close)
        yield tree, shelf


def _recovered(root: Path, shelf: Shelf) -> tuple[Recovered, ...]:
    found: list[Recovered] = []
    for journal in shelf.journals():
        if not journal.begun:
            journal.delete()
        elif not journal.finished:
            found.append(_ended(root, journal))
    return tuple(found)


def _ended(root: Path, journal: Journal) -> Recovered:
    intent, committed = journal.intent(), journal.committed
    tree = Tree(root.resolve())
    try:
        kept = recovery.complete(tree, journal) if committed else recovery.roll_back(tree, journal)
    except OSError as error:
        how = "completed" if committed else "taken back"
        raise LandingRefused(
            f"An interrupted landing cannot be {how}: {error.strerror} ({journal.folder}).",
            "Mend that and start again; until then nothing lands in this repository.",
        ) from error
    finally:
        tree.close()
    if committed or kept:
        journal.finish()
    else:
        journal.delete()
    return Recovered(id=intent.id, how="completed" if committed else "rolled back", paths=_paths(intent), kept=kept)


def _performed(tree: Tree, journal: Journal, intent: Intent, contents: Contents, notices: tuple[str, ...]) -> Landing:
    """Do what is intended, all or nothing. What fails after the commit is left to the next start."""
    try:
        journal.begin(intent, contents)
        inodes = [_staged(tree, journal, step) for step in intent.steps]
        for step in intent.steps:
            with told(recovery.written(step)):
                tree.flush(recovery.waiting(step))
        journal.stage(inodes)
        _change(tree, journal, intent)
        journal.commit()
    except BaseException as error:
        _abandon(tree, journal, error)
        raise
    left: tuple[str, ...] = ()
    with contextlib.suppress(OSError):
        left = recovery.complete(tree, journal)
        journal.finish()
    late = tuple(f"a program wrote into a replaced file; what it wrote is kept in {path}" for path in left)
    return _landing(intent, notices=notices + late)


def _staged(tree: Tree, journal: Journal, step: Step) -> Inode | None:
    after = journal.entry(step.after)
    if after is None:
        return None
    path = recovery.written(step)
    with told(path):
        made = tree.create(recovery.waiting(step), after, like=path if step.before else "")
    return Inode(made.st_ino, made.st_mode & 0o777)


def _change(tree: Tree, journal: Journal, intent: Intent) -> None:
    """Change all names, and look at what came out of the places: it must be what was shown, also a moment later."""
    for step in intent.steps:
        if step.after is None:
            _swap(tree, journal, step)
    for folder in intent.dropped:
        if not tree.drop(os.fsdecode(folder.path)):
            raise LandingRefused(f"{os.fsdecode(folder.path)} is no longer an empty folder.", AGAIN)
    for folder in intent.made:
        with told(os.fsdecode(folder.path)):
            tree.make(os.fsdecode(folder.path), folder.mode)
    for step in intent.steps:
        if step.after is not None:
            _swap(tree, journal, step)
    recovery.sync(tree, intent)
    for step in intent.steps:
        if step.before is not None and tree.stat(recovery.waiting(step)) is not None:
            _compare(tree, journal, step, recovery.waiting(step))


def _swap(tree: Tree, journal: Journal, step: Step) -> None:
    path, temp = recovery.written(step), recovery.waiting(step)
    with told(path):
        if step.before is None:
            tree.move(temp, path)
        elif step.after is None:
            tree.move(path, temp)
            _compare(tree, journal, step, temp)
        elif tree.exchange(temp, path):
            _compare(tree, journal, step, temp)
        else:
            _compare(tree, journal, step, path)
            tree.replace(temp, path)


def _compare(tree: Tree, journal: Journal, step: Step, place: str) -> None:
    if not tree.holds(place, journal.entry(step.before)):
        raise LandingRefused(f"{recovery.written(step)} changed while it was landed.", AGAIN)


def _abandon(tree: Tree, journal: Journal, error: BaseException) -> None:
    if not journal.begun:
        journal.delete()
        return
    try:
        kept = recovery.roll_back(tree, journal)
    except OSError as failed:
        raise LandingRefused(
            f"The landing failed, and taking it back failed too ({failed.strerror}); it is taken back at the next start.",
            f"Mend that first. What the files held before is in {journal.folder}.",
        ) from error
    if not kept:
        journal.delete()
        return
    journal.finish()
    message = error.message if isinstance(error, LandingRefused) else str(error)
    raise LandingRefused(f"{message} Left as somebody else wrote it: {_listed(kept)}.", AGAIN) from error


def _notices(tree: Tree, writes: tuple[Write, ...]) -> tuple[str, ...]:
    linked = [write.path for write in writes if write.after and _has_twins(tree, write.path)]
    return tuple(f"{path} had other hard links; they keep the old content" for path in linked)


def _has_twins(tree: Tree, path: str) -> bool:
    found = tree.stat(path)
    return found is not None and S_ISREG(found.st_mode) and found.st_nlink > 1


def _reversed(tree: Tree, shelf: Shelf, journal: Journal, landed: Intent) -> Landing:
    """Do the opposite of a journal; `landed` is the landing that this takes back or makes again."""
    back = reversal.reversal(tree, journal)
    if back.conflicts:
        raise _blocked(back, landed.id, again=journal.id != landed.id)
    if not back.writes and back.absent:
        raise _nothing_there(back, landed.id, again=journal.id != landed.id)
    writing, contents = shelf.add(), Contents()
    plan_of_it = plan(tree, back.writes, contents, writing.id, landed.session, undone=journal.intent())
    done = _performed(tree, writing, plan_of_it, contents, _notices(tree, back.writes))
    shelf.forget_old()
    kept = tuple(f"what was edited in {path} since is kept" for path in back.merged)
    left = tuple(f"nothing of it stands in {path}, which is left as it is" for path in back.absent)
    made = _landing(landed, undone=True, notices=(*done.notices, *kept, *left))
    return msgspec.structs.replace(made, paths=tuple(sorted(write.path for write in back.writes)), left=back.absent)


def _nothing_there(back: Reversal, id: str, *, again: bool) -> LandingRefused:
    listed = _listed(back.absent)
    if again:
        return LandingRefused(f"All of the landing {id} stands here already: {listed}.", "There is nothing to do.")
    return LandingRefused(
        f"Nothing of the landing {id} stands here, so there is nothing to take back: {listed}.",
        "It may be on another branch or in a stash. The landing is kept: take it back where it stands.",
    )


def _blocked(back: Reversal, id: str, *, again: bool) -> LandingRefused:
    listed = _listed(back.conflicts)
    if again:
        return LandingRefused(
            f"Edited since they were taken back: {listed}. Nothing was landed.",
            "Set your edits aside, then land it again.",
        )
    return LandingRefused(
        f"Edited since they were landed: {listed}. Nothing was taken back.",
        f"Set your edits aside, or take the change back by hand: `assent undo --preview {id}` shows it.",
    )


def _landing(intent: Intent, *, undone: bool = False, notices: tuple[str, ...] = ()) -> Landing:
    return Landing(
        id=intent.id, session=intent.session, time=intent.time, paths=_paths(intent), undone=undone, notices=notices
    )


def _paths(intent: Intent) -> tuple[str, ...]:
    return tuple(sorted(recovery.written(step) for step in intent.steps))


def _listed(paths: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(paths) - 10} more" if len(paths) > 10 else ""
    return ", ".join(paths[:10]) + more
