"""A landing that did not come to its end: taken back, or finished; told from the journal and from what stands."""

from __future__ import annotations

import os
from collections.abc import Iterator

from assent_core.landing.journal import Inode, Intent, Journal, Step
from assent_core.landing.tree import Tree
from assent_sandbox.stage import Entry, File

MOST_ROUNDS = 5
"""How often a path that somebody else keeps writing is exchanged back before both sides are left to the user."""


def written(step: Step) -> str:
    """The path of a step as text."""
    return os.fsdecode(step.path)


def waiting(step: Step) -> str:
    """Where the other side of a step waits."""
    return os.fsdecode(step.temp)


def roll_back(tree: Tree, journal: Journal) -> tuple[str, ...]:
    """Put everything back that is still as the landing left it; what somebody changed since is kept and named."""
    intent, inodes = journal.intent(), journal.inodes()
    kept: list[str] = []
    if inodes is None:
        for step in intent.steps:
            tree.remove(waiting(step))
    else:
        pairs = list(zip(intent.steps, inodes, strict=True))
        for step, inode in reversed(pairs):
            if inode is not None:
                kept += _taken_back(tree, journal, step, inode)
        _restore_folders(tree, intent)
        for step, inode in reversed(pairs):
            if inode is None:
                kept += _put_back(tree, journal, step)
    sync(tree, intent)
    return tuple(kept)


def complete(tree: Tree, journal: Journal) -> tuple[str, ...]:
    """After the commit: delete what waits and what is empty. A replaced file that was still written to is kept and named."""
    intent = journal.intent()
    kept: list[str] = []
    for step in intent.steps:
        temp, before = waiting(step), journal.entry(step.before)
        if tree.stat(temp) is None:
            continue
        if tree.holds(temp, before):
            tree.remove(temp)
        else:
            kept.append(temp)
    for folder in intent.pruned:
        tree.drop(os.fsdecode(folder.path))
    sync(tree, intent)
    return tuple(kept)


def sync(tree: Tree, intent: Intent) -> None:
    """Make all names that a landing changes safe on the disk."""
    folders = {path.rpartition(b"/")[0] for step in intent.steps for path in (step.path, step.temp)}
    folders |= {folder.path.rpartition(b"/")[0] for folder in (*intent.made, *intent.dropped, *intent.pruned)}
    for folder in sorted(folders):
        tree.sync(os.fsdecode(folder))


def _restore_folders(tree: Tree, intent: Intent) -> None:
    for folder in reversed(intent.made):
        tree.drop(os.fsdecode(folder.path))
    for folder in reversed(intent.dropped):
        if tree.stat(os.fsdecode(folder.path)) is None:
            tree.make(os.fsdecode(folder.path), folder.mode)


def _ours(journal: Journal, step: Step, inode: Inode) -> Entry | None:
    """What the landing wrote, with the permission bits that the file system gave it."""
    entry = journal.entry(step.after)
    return File(entry.data, inode.mode) if isinstance(entry, File) else entry


def _taken_back(tree: Tree, journal: Journal, step: Step, inode: Inode) -> Iterator[str]:
    path, temp, ours = written(step), waiting(step), _ours(journal, step, inode)
    before = journal.entry(step.before)
    tree.remove(_spare(temp))
    found = tree.stat(temp)
    if found and found.st_ino == inode.number and tree.holds(temp, ours):
        tree.remove(temp)
    elif found and before is not None:
        yield from _exchanged_back(tree, path, temp, ours, before)
    elif found:
        yield from _returned(tree, path, temp, before)
    elif before is None and tree.holds(path, ours):
        tree.move(path, temp)
        if tree.holds(temp, ours):
            tree.remove(temp)
        else:
            yield from _returned(tree, path, temp, ours)
    elif before is not None and tree.holds(path, ours):
        tree.create(_spare(temp), before, like=path)
        tree.flush(_spare(temp))
        tree.replace(_spare(temp), path)
    if not tree.holds(path, before):
        yield path


def _spare(temp: str) -> str:
    return f"{temp}-back"


def _exchanged_back(tree: Tree, path: str, temp: str, ours: Entry | None, before: Entry) -> Iterator[str]:
    """`temp` has what stood at `path`. It goes back as long as `path` is what we put there."""
    for _ in range(MOST_ROUNDS):
        if not tree.holds(path, ours):
            break
        if not tree.exchange(temp, path):
            tree.replace(temp, path)
            return
        if tree.holds(temp, ours):
            tree.remove(temp)
            return
        tree.exchange(temp, path)
    if tree.holds(temp, before) or tree.holds(temp, ours):
        tree.remove(temp)
    else:
        yield temp


def _put_back(tree: Tree, journal: Journal, step: Step) -> Iterator[str]:
    """A file that was moved aside to be deleted."""
    path, before = written(step), journal.entry(step.before)
    if tree.stat(waiting(step)) is not None:
        yield from _returned(tree, path, waiting(step), before)
    if not tree.holds(path, before):
        yield path


def _returned(tree: Tree, path: str, temp: str, known: Entry | None) -> Iterator[str]:
    """Give a path back what was moved aside; if it is taken, the waiting side stays unless the journal has it."""
    try:
        tree.move(temp, path)
    except (FileExistsError, FileNotFoundError, NotADirectoryError):
        if tree.holds(temp, known):
            tree.remove(temp)
        else:
            yield temp
