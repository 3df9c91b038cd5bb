"""A review as blocks of a diff: file heads, hunks in bounded chunks, context between them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from assent_core.changes import FileChange, Hunk
from assent_core.lines import split
from assent_core.review import Mark, Review
from assent_sandbox.stage import Entry, File
from assent_tui.blocks import Block
from assent_tui.files import SIGNS, mark_spans
from assent_tui.highlight import highlight
from assent_tui.lines import BLANK, Line, Span, clean, indent, line, rows, wrap

_CHUNK = 80
"""Most lines of a hunk in one block."""
_CONTEXT = 3
_LEAD = 150
"""Lines before a piece that the highlighter reads, to know where it is."""
_TEXT_WIDTH = 70
"""Width from which both line numbers are shown."""


class Place(Struct, frozen=True):
    """Where a hunk stands in the diff: blocks `first` (its head) up to, without, `end`."""

    hunk: str
    path: str
    first: int
    end: int


class FileHead(Struct, frozen=True):
    """The name of a file over its hunks."""

    path: str
    marks: tuple[str, ...] = ()
    conflict: str = ""
    gap: bool = False

    def guess(self, width: int) -> int:
        """One row, the gap, and what must not be overlooked."""
        return 1 + self.gap + bool(self.conflict) + ("outside" in self.marks)

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
        return lines


class HunkHead(Struct, frozen=True):
    """How a hunk is decided: sign, word, place, reason and comment."""

    hunk: Hunk
    mark: Mark

    def guess(self, width: int) -> int:
        """One row, the reason and the comment."""
        return 1 + bool(self.mark.reason) + bool(self.mark.comment)

    def lines(self, width: int) -> list[Line]:
        """The verdict is a sign and a word, so that it does not rest on colour."""
        sign, style = SIGNS[self.mark.verdict]
        place = {"lines": _place(self.hunk), "whole": "the whole file", "mode": "permissions"}[self.hunk.kind]
        spans: list[Span] = [(f"{sign} {self.mark.verdict}", f"{style} bold"), (f"  {place}", "dim")]
        spans += [(f"  {clean(self.hunk.note)}", "text")] if self.hunk.note else []
        lines = wrap(Line(tuple(spans)), width, 2)
        for flag, text in (("reason: ", self.mark.reason), ("comment: ", self.mark.comment)):
            if text:
                lines += wrap(line(("  ", ""), (flag, "warn"), (" ".join(rows(text)), "text")), width, 4)
        return lines


class HunkRows(Struct, frozen=True):
    """Lines `start` up to `end` of a hunk, its old ones counted before its new ones."""

    file: FileChange
    hunk: Hunk
    start: int
    end: int
    rejected: bool = False

    def guess(self, width: int) -> int:
        """One row for each line."""
        return self.end - self.start

    def lines(self, width: int) -> list[Line]:
        """Numbers, sign and text; a rejected hunk is faint."""
        hunk = self.hunk
        cut = len(hunk.old)
        numbers = _Numbers(self.file, width)
        made: list[Line] = []
        if self.start < cut:
            end = min(self.end, cut)
            shown = _coloured(
                self.file.path, _before(self.file), hunk.old[self.start : end], hunk.old_start + self.start
            )
            for at, row in enumerate(shown, self.start):
                made += numbers.row(_Row("-", hunk.old_start + at + 1, None, row, hunk.old[at]), faint=self.rejected)
        if self.end > cut:
            start = max(self.start - cut, 0)
            shown = _coloured(
                self.file.path, _after(self.file), hunk.new[start : self.end - cut], hunk.new_start + start
            )
            for at, row in enumerate(shown, start):
                made += numbers.row(_Row("+", None, hunk.new_start + at + 1, row, hunk.new[at]), faint=self.rejected)
        return made


class Context(Struct, frozen=True):
    """Unchanged lines `start` up to `end` of what was before; `shift` leads to their numbers afterwards."""

    file: FileChange
    start: int
    end: int
    shift: int
    skipped: int = 0
    """How many unchanged lines are left out above."""

    def guess(self, width: int) -> int:
        """One row for each line, and one that says how many are left out."""
        return self.end - self.start + bool(self.skipped)

    def lines(self, width: int) -> list[Line]:
        """Dim numbers and plain text."""
        before = _before(self.file)
        numbers = _Numbers(self.file, width)
        made = [line((f"  ⋯ {self.skipped:,} unchanged", "faint"))] if self.skipped else []
        shown = _coloured(self.file.path, before, before[self.start : self.end], self.start)
        for at, row in enumerate(shown, self.start):
            made += numbers.row(_Row(" ", at + 1, at + 1 + self.shift, row, before[at]))
        return made


class _Row(Struct, frozen=True):
    """One line of a file: its sign, its numbers before and after, how it looks and what its bytes are."""

    sign: str
    old: int | None
    new: int | None
    text: Line
    raw: bytes


class _Numbers:
    """The columns of line numbers of one file."""

    def __init__(self, file: FileChange, width: int) -> None:
        self._width = width
        self._digits = max(3, len(str(max(len(_before(file)), len(_after(file))))))
        self._both = width >= _TEXT_WIDTH
        self._crlf = _mixed(file)

    def row(self, row: _Row, *, faint: bool = False) -> list[Line]:
        """One line of a file as rows of the diff."""
        style = {"-": "bad", "+": "ok", " ": "faint"}[row.sign]
        fill = {"-": "del.fill", "+": "add.fill", " ": ""}[row.sign]
        shown = (row.old, row.new) if self._both else (row.new if row.new is not None else row.old,)
        gutter = " ".join(f"{'' if number is None else number:>{self._digits}}" for number in shown)
        spans = [(text, f"{names} faint" if faint else names) for text, names in row.text.spans]
        spans += self._ending(row.raw, row.sign)
        room = max(self._width - len(gutter) - 3, 8)
        made = wrap(Line(tuple(spans), "" if faint else fill), room, words=False)
        signed = indent(made, (f"{row.sign} ", f"{style} faint" if faint else style), ("↪ ", "faint"))
        return indent(signed, (f"{gutter} ", "faint"), (f"{' ' * len(gutter)} ", ""))

    def _ending(self, raw: bytes, sign: str) -> list[Span]:
        if not raw.endswith(b"\n"):
            return [(" ⊣ no newline at end", "warn")]
        if self._crlf and raw.endswith(b"\r\n"):
            return [(" ␍", "warn")]
        bare = raw.rstrip(b"\r\n")
        blanks = len(bare) - len(bare.rstrip(b" \t"))
        return [("·" * min(blanks, 20), "warn")] if blanks and sign == "+" else []


def blocks_of(review: Review) -> tuple[list[Block], list[Place]]:
    """All blocks of the diff, and where each hunk stands."""
    blocks: list[Block] = []
    places: list[Place] = []
    for file in review.files:
        blocks.append(FileHead(file.path, file.marks, file.conflict, gap=bool(blocks)))
        end = shift = 0
        for at, hunk in enumerate(file.hunks):
            following = file.hunks[at + 1] if at + 1 < len(file.hunks) else None
            blocks += _leading(file, hunk, end, shift)
            first = len(blocks)
            blocks += hunk_blocks(file, hunk, review.mark(hunk.id))
            places.append(Place(hunk.id, file.path, first, len(blocks)))
            shift += len(hunk.new) - len(hunk.old) if hunk.kind == "lines" else 0
            end = _trailing_end(file, hunk, following)
            if hunk.kind == "lines" and end > hunk.old_start + len(hunk.old):
                blocks.append(Context(file, hunk.old_start + len(hunk.old), end, shift))
    return blocks, places


def hunk_blocks(file: FileChange, hunk: Hunk, mark: Mark) -> list[Block]:
    """The blocks of one hunk; their number depends on the hunk alone, not on its mark."""
    total = len(hunk.old) + len(hunk.new)
    rejected = mark.verdict == "rejected"
    parts = [HunkRows(file, hunk, at, min(at + _CHUNK, total), rejected) for at in range(0, total, _CHUNK)]
    return [HunkHead(hunk, mark), *parts]


def _leading(file: FileChange, hunk: Hunk, end: int, shift: int) -> Iterator[Block]:
    if hunk.kind == "lines":
        start = max(end, hunk.old_start - _CONTEXT)
        if hunk.old_start > end:
            yield Context(file, start, hunk.old_start, shift, skipped=start - end)


def _trailing_end(file: FileChange, hunk: Hunk, following: Hunk | None) -> int:
    """Up to where context is shown after a hunk; never into the following one."""
    if hunk.kind != "lines":
        return 0
    stop = following.old_start if following and following.kind == "lines" else len(_before(file))
    return min(hunk.old_start + len(hunk.old) + _CONTEXT, stop)


def _place(hunk: Hunk) -> str:
    count, start = (len(hunk.new), hunk.new_start) if hunk.new else (len(hunk.old), hunk.old_start)
    where = f"line {start + 1}" if count <= 1 else f"lines {start + 1}–{start + count}"
    return f"{where}{'' if hunk.new else ' removed'}"


def _before(file: FileChange) -> tuple[bytes, ...]:
    return _content(file.before)


def _after(file: FileChange) -> tuple[bytes, ...]:
    return _content(file.after)


def _content(entry: Entry | None) -> tuple[bytes, ...]:
    return _split(entry.data) if isinstance(entry, File) else ()


@lru_cache(maxsize=64)
def _split(data: bytes) -> tuple[bytes, ...]:
    return split(data)


@lru_cache(maxsize=64)
def _mixed(file: FileChange) -> bool:
    """Whether some of the changed lines end in CR LF and some do not, so that the endings are worth showing."""
    changed = [row for hunk in file.hunks for row in (*hunk.old, *hunk.new) if row.endswith(b"\n")]
    return len({row.endswith(b"\r\n") for row in changed}) > 1


def _coloured(path: str, content: tuple[bytes, ...], own: tuple[bytes, ...], at: int) -> list[Line]:
    """Lines that stand from row `at` on in `content`, highlighted in their place."""
    lead = content[max(at - _LEAD, 0) : at] if content[at : at + 1] == own[:1] else ()
    return _lexed(path, lead, own)


@lru_cache(maxsize=256)
def _lexed(path: str, lead: tuple[bytes, ...], own: tuple[bytes, ...]) -> list[Line]:
    shown = [row.rstrip(b"\r\n").decode("utf-8", "backslashreplace") for row in (*lead, *own)]
    return highlight(shown, path=path)[len(lead) :]
