"""The two sides of a change as lines, each coloured in its place."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

from assent_core.diffs.changes import FileChange, Hunk
from assent_core.diffs.lines import split
from assent_core.diffs.words import Ranges, changed_words, paired
from assent_sandbox.stage import Entry, File
from assent_tui.paint.highlight import highlight
from assent_tui.paint.lines import Line, clean

_LEAD = 150
"""Lines before a piece that the highlighter reads, to know where it is."""
_PIECE = 80
"""Lines that are highlighted at once."""
_REMEMBERED = 64
Found = TypeVar("Found")


def _by_id(find: Callable[[Hunk], Found]) -> Callable[[Hunk], Found]:
    """Remember what was found of a hunk under its id, for its lines take long to hash."""
    known: dict[str, Found] = {}

    @wraps(find)
    def found(hunk: Hunk) -> Found:
        if hunk.id not in known:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[hunk.id] = find(hunk)
        return known[hunk.id]

    return found


def before_of(file: FileChange) -> tuple[bytes, ...]:
    """The lines of what was."""
    return _content(file.before)


def after_of(file: FileChange) -> tuple[bytes, ...]:
    """The lines of what is staged."""
    return _content(file.after)


def decoded(row: bytes) -> str:
    """A line as text without its ending; bytes that are no UTF-8 are written out."""
    return row.rstrip(b"\r\n").decode("utf-8", "backslashreplace")


def removed_lines(file: FileChange, hunk: Hunk, start: int, end: int) -> list[Line]:
    """Some of a hunk's old lines, coloured."""
    return _coloured(file.path, before_of(file), hunk.old[start:end], hunk.old_start + start)


def added_lines(file: FileChange, hunk: Hunk, start: int, end: int) -> list[Line]:
    """Some of a hunk's new lines, coloured."""
    return _coloured(file.path, after_of(file), hunk.new[start:end], hunk.new_start + start)


def unchanged_lines(file: FileChange, start: int, end: int) -> list[Line]:
    """Some of the lines that stay, coloured."""
    return _coloured(file.path, before_of(file), before_of(file)[start:end], start)


@lru_cache(maxsize=64)
def mixed_endings(file: FileChange) -> bool:
    """Whether some of the changed lines end in CR LF and some do not, so that the endings are worth showing."""
    changed = [row for hunk in file.hunks for row in (*hunk.old, *hunk.new) if row.endswith(b"\n")]
    return len({row.endswith(b"\r\n") for row in changed}) > 1


def words_of(hunk: Hunk, side: str, at: int) -> Ranges:
    """Which pieces of a line differ from its other form; nothing where it has none."""
    pair = _index(hunk)[side == "new"].get(at)
    return _changed(hunk.old[pair[0]], hunk.new[pair[1]])[side == "new"] if pair else ()


@_by_id
def _index(hunk: Hunk) -> tuple[dict[int, tuple[int, int]], dict[int, tuple[int, int]]]:
    forms = _forms(hunk)
    return {pair[0]: pair for pair in forms}, {pair[1]: pair for pair in forms}


@_by_id
def _forms(hunk: Hunk) -> tuple[tuple[int, int], ...]:
    return paired(hunk.old, hunk.new)


@_by_id
def side_rows(hunk: Hunk) -> tuple[tuple[int | None, int | None], ...]:
    """Which old and new line stand beside each other."""
    made: list[tuple[int | None, int | None]] = []
    i = j = 0
    for old, new in (*_forms(hunk), (len(hunk.old), len(hunk.new))):
        high = max(old - i, new - j)
        made += [(i + n if i + n < old else None, j + n if j + n < new else None) for n in range(high)]
        made += [(old, new)] if old < len(hunk.old) else []
        i, j = old + 1, new + 1
    return tuple(made)


@lru_cache(maxsize=512)
def _changed(old: bytes, new: bytes) -> tuple[Ranges, Ranges]:
    return changed_words(*(clean(decoded(row).expandtabs(4)) for row in (old, new)))


def _content(entry: Entry | None) -> tuple[bytes, ...]:
    return _split(entry.data) if isinstance(entry, File) else ()


@lru_cache(maxsize=64)
def _split(data: bytes) -> tuple[bytes, ...]:
    return split(data)


def _coloured(path: str, content: tuple[bytes, ...], own: tuple[bytes, ...], at: int) -> list[Line]:
    """Lines that stand from row `at` on in `content`, highlighted in their place, in pieces that its neighbours use too."""
    end = at + len(own)
    if content[at:end] != own:
        return _lexed(path, (), own)
    lines: list[Line] = []
    for start in range(at - at % _PIECE, end, _PIECE):
        piece = _lexed(path, content[max(start - _LEAD, 0) : start], content[start : start + _PIECE])
        lines += piece[max(at - start, 0) : end - start]
    return lines


@lru_cache(maxsize=256)
def _lexed(path: str, lead: tuple[bytes, ...], own: tuple[bytes, ...]) -> list[Line]:
    shown = [decoded(row) for row in (*lead, *own)]
    return highlight(shown, path=path)[len(lead) :]
