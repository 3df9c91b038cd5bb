"""The blocks of a diff: file heads, hunks in bounded chunks, context between them, folds."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from assent_core.diffs.changes import FileChange, Hunk
from assent_core.diffs.remarks import Remark
from assent_core.diffs.review import Mark
from assent_tui.paint.lines import BLANK, Line, Span, clean, line, rows, wrap
from assent_tui.paint.source import (
    added_lines,
    before_of,
    decoded,
    removed_lines,
    side_rows,
    unchanged_lines,
    words_of,
)
from assent_tui.review.diffrows import Cell, Columns, Look
from assent_tui.review.files import SIGNS, mark_spans

CHUNK = 80
"""Most lines in one block."""
SIDES_WIDTH = 64
"""Width from which two sides have room beside each other."""
_PLAIN = Look()


class Pick(Struct, frozen=True, gc=False):
    """Which lines of a hunk are chosen, its old ones counted before its new ones, and on which the cursor stands."""

    at: int = -1
    marked: frozenset[int] = frozenset()


class FileHead(Struct, frozen=True, gc=False):
    """The name of a file over its hunks."""

    path: str
    marks: tuple[str, ...] = ()
    conflict: str = ""
    gap: bool = False
    remarks: tuple[Remark, ...] = ()
    """What the reviewer says that belongs to no hunk."""

    def guess(self, width: int) -> int:
        """One row, the gap, and what must not be overlooked."""
        return 1 + self.gap + bool(self.conflict) + ("outside" in self.marks) + len(self.remarks)

    def lines(self, width: int) -> list[Line]:
        """Path and marks on a ground of their own; what they mean in words."""
        head = line((clean(self.path), "bold"), *mark_spans(self.marks), fill="head.fill")
        lines = [*([BLANK] if self.gap else []), *wrap(head, width, 2)]
        if "outside" in self.marks:
            told = line(("runs outside the walls once it has landed", "warn"), fill="head.fill")
            lines += wrap(told, width, 2)
        if self.conflict:
            told = line(("conflict: ", "bad bold"), (clean(self.conflict), "text"), fill="bad.fill")
            lines += wrap(told, width, 2)
        for remark in self.remarks:
            where = f"{remark.path}:{remark.line}: " if remark.path != self.path else f"line {remark.line}: "
            lines += _remarked(remark, width, where if remark.line or remark.path != self.path else "")
        return lines

    def said(self) -> list[str]:
        """What a search looks through."""
        return [" ".join((self.path, *(remark.text for remark in self.remarks)))]


class HunkHead(Struct, frozen=True, gc=False):
    """How a hunk is decided: sign, word, place, reason and comment."""

    hunk: Hunk
    mark: Mark
    remarks: tuple[Remark, ...] = ()
    """What the reviewer says of it."""

    def guess(self, width: int) -> int:
        """One row, the reason, the comment and the remarks."""
        return 1 + bool(self.mark.reason) + bool(self.mark.comment) + len(self.remarks)

    def lines(self, width: int) -> list[Line]:
        """The verdict is a sign and a word, so that it does not rest on colour."""
        sign, style = SIGNS[self.mark.verdict]
        place = {"lines": _place(self.hunk), "whole": "the whole file", "mode": "permissions"}[self.hunk.kind]
        spans: list[Span] = [(f"{sign} {self.mark.verdict}", f"{style} bold"), (f"  {place}", "dim")]
        spans += [("  only white space", "info")] if self.hunk.only_blanks else []
        spans += [(f"  {clean(self.hunk.note)}", "text")] if self.hunk.note else []
        lines = wrap(Line(tuple(spans)), width, 2)
        for flag, text in (("reason: ", self.mark.reason), ("comment: ", self.mark.comment)):
            if text:
                lines += wrap(line(("  ", ""), (flag, "warn"), (" ".join(rows(text)), "text")), width, 4)
        return lines + [row for remark in self.remarks for row in _remarked(remark, width)]

    def said(self) -> list[str]:
        """What a search looks through."""
        said = (self.mark.reason, self.mark.comment, self.hunk.note, *(remark.text for remark in self.remarks))
        return [" ".join(said)]


class HunkRows(Struct, frozen=True, gc=False):
    """Rows `start` up to `end` of a hunk: its old lines counted before its new ones, or both beside each other."""

    file: FileChange
    hunk: Hunk
    start: int
    end: int
    rejected: bool = False
    look: Look = _PLAIN
    pick: Pick = Pick()

    def guess(self, width: int) -> int:
        """One row for each line."""
        return self.end - self.start

    def lines(self, width: int) -> list[Line]:
        """Numbers, sign and text; a rejected hunk is faint."""
        return [row for rows in self.by_line(width) for row in rows]

    def by_line(self, width: int) -> list[list[Line]]:
        """The rows of each line."""
        columns = Columns(self.file, width, self.look)
        if self.look.sides and width >= SIDES_WIDTH:
            return [columns.pair(*self._sides(at)) for at in range(self.start, self.end)]
        if self.look.sides:
            return [[row for at in self._at(n) for row in columns.row(self._cell(at))] for n in self._range]
        return [columns.row(cell) for cell in self._cells()]

    def said(self) -> list[str]:
        """What a search looks through."""
        every = (*self.hunk.old, *self.hunk.new)
        return ["\n".join(decoded(every[at]) for at in self._at(n)) for n in self._range]

    def holds(self, row: int) -> int:
        """Which of these rows shows a line of the hunk; -1 if none does."""
        return next((n - self.start for n in self._range if row in self._at(n)), -1)

    def line_at(self, row: int, width: int) -> int:
        """The line of the hunk that a row of this block shows, the last of them if two stand beside each other."""
        for n, shown in zip(self._range, self.by_line(width), strict=True):
            row -= len(shown)
            if row < 0:
                return self._at(n)[-1]
        return self._at(self.end - 1)[-1]

    @property
    def _range(self) -> range:
        return range(self.start, self.end)

    def _at(self, n: int) -> tuple[int, ...]:
        """The lines of the hunk that stand in a row."""
        if not self.look.sides:
            return (n,)
        old, new = side_rows(self.hunk)[n]
        cut = len(self.hunk.old)
        return (*(() if old is None else (old,)), *(() if new is None else (cut + new,)))

    def _sides(self, n: int) -> tuple[Cell | None, Cell | None]:
        old, new = side_rows(self.hunk)[n]
        cut = len(self.hunk.old)
        return None if old is None else self._cell(old), None if new is None else self._cell(cut + new)

    def _cells(self) -> Iterator[Cell]:
        cut = len(self.hunk.old)
        if self.start < cut:
            end = min(self.end, cut)
            for at, text in enumerate(removed_lines(self.file, self.hunk, self.start, end), self.start):
                yield self._made(at, text)
        if self.end > cut:
            start = max(self.start - cut, 0)
            for at, text in enumerate(added_lines(self.file, self.hunk, start, self.end - cut), start):
                yield self._made(cut + at, text)

    def _cell(self, at: int) -> Cell:
        cut = len(self.hunk.old)
        piece = at // CHUNK * CHUNK
        if at < cut:
            shown = removed_lines(self.file, self.hunk, piece, min(piece + CHUNK, cut))
            return self._made(at, shown[at - piece])
        piece = (at - cut) // CHUNK * CHUNK
        return self._made(at, added_lines(self.file, self.hunk, piece, piece + CHUNK)[at - cut - piece])

    def _made(self, at: int, text: Line) -> Cell:
        hunk, cut = self.hunk, len(self.hunk.old)
        old = at < cut
        return Cell(
            sign="-" if old else "+",
            text=text,
            raw=hunk.old[at] if old else hunk.new[at - cut],
            old=hunk.old_start + at + 1 if old else None,
            new=None if old else hunk.new_start + at - cut + 1,
            words=words_of(hunk, "old" if old else "new", at if old else at - cut),
            faint=self.rejected,
            cursor=at == self.pick.at,
            marked=at in self.pick.marked,
        )


class Context(Struct, frozen=True, gc=False):
    """Unchanged lines `start` up to `end` of what was before; `shift` leads to their numbers afterwards."""

    file: FileChange
    start: int
    end: int
    shift: int
    look: Look = _PLAIN

    def guess(self, width: int) -> int:
        """One row for each line."""
        return self.end - self.start

    def lines(self, width: int) -> list[Line]:
        """Dim numbers and plain text."""
        return [row for rows in self.by_line(width) for row in rows]

    def by_line(self, width: int) -> list[list[Line]]:
        """The rows of each line."""
        before, columns = before_of(self.file), Columns(self.file, width, self.look)
        made: list[list[Line]] = []
        for at, text in enumerate(unchanged_lines(self.file, self.start, self.end), self.start):
            cell = Cell(" ", text, before[at], at + 1, at + 1 + self.shift)
            sides = self.look.sides and width >= SIDES_WIDTH
            old = Cell(" ", text, before[at], at + 1)
            made.append(columns.pair(old, cell) if sides else columns.row(cell))
        return made

    def said(self) -> list[str]:
        """What a search looks through."""
        return [decoded(row) for row in before_of(self.file)[self.start : self.end]]


class Fold(Struct, frozen=True, gc=False):
    """Unchanged lines that are left out, or that were unfolded below; a click or a key turns it."""

    path: str
    start: int
    end: int
    opened: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """Its name among all folds."""
        return self.path, self.end

    def guess(self, width: int) -> int:
        """Always one row."""
        return 1

    def lines(self, width: int) -> list[Line]:
        """How many there are."""
        return [line((f"  {'⌄' if self.opened else '⋯'} {self.end - self.start:,} unchanged", "faint"))]

    def said(self) -> list[str]:
        """Nothing: what is folded is not searched."""
        return []


def _remarked(remark: Remark, width: int, where: str = "") -> list[Line]:
    """A remark as rows that nobody takes for the user's own comment."""
    style = "bad bold" if remark.severity == "serious" else "info"
    told = line(("  ", ""), (f"reviewer, {remark.severity}: ", style), (clean(f"{where}{remark.text}"), "text"))
    return wrap(told, width, 4)


def _place(hunk: Hunk) -> str:
    count, start = (len(hunk.new), hunk.new_start) if hunk.new else (len(hunk.old), hunk.old_start)
    where = f"line {start + 1}" if count <= 1 else f"lines {start + 1}–{start + count}"
    return f"{where}{'' if hunk.new else ' removed'}"
