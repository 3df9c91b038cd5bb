"""The list of changed files: how much changed, how it is decided, and what a reader must not overlook."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from msgspec import Struct
from rich.cells import cell_len

from assent_core.diffs.changes import FileChange
from assent_core.diffs.review import Review, Verdict
from assent_tui.paint.blocks import BlockView
from assent_tui.paint.lines import Line, Span, clean

MARKS: dict[str, tuple[str, str]] = {
    "new": ("new", "ok"),
    "deleted": ("deleted", "bad"),
    "mode": ("mode", "warn"),
    "binary": ("binary", "info"),
    "link": ("link", "info"),
    "test": ("test", "info"),
    "outside": ("! outside", "warn bold"),
    "conflict": ("CONFLICT", "bad bold"),
    "opaque": ("cannot be reviewed", "bad bold"),
    "by-product": ("by-product", "dim"),
}
"""How each mark of a change reads, and its style."""
SIGNS: dict[Verdict, tuple[str, str]] = {
    "undecided": ("○", "dim"),
    "accepted": ("●", "ok"),
    "rejected": ("✕", "bad"),
}


class FileRow(Struct, frozen=True):
    """One file as a row of the list."""

    file: FileChange
    verdicts: tuple[Verdict, ...]
    fill: str = ""

    def guess(self, width: int) -> int:
        """Always one row."""
        return 1

    def lines(self, width: int) -> list[Line]:
        """Sign, path, counts and marks; the path gives way first, at its beginning."""
        sign, style = _sign(self.verdicts)
        tail = _counts(self.file) + mark_spans(self.file.marks)
        room = max(width - 2 - sum(cell_len(text) for text, _ in tail), 8)
        path = clean(self.file.path)
        if cell_len(path) > room:
            path = "…" + path[-(room - 1) :]
        return [Line(((f"{sign} ", style), (path, "text"), *tail), self.fill)]


def mark_spans(marks: tuple[str, ...]) -> tuple[Span, ...]:
    """The marks of a change as words."""
    spans: list[Span] = []
    for mark in marks:
        text, style = MARKS.get(mark, (clean(mark), "warn"))
        spans += [("  ", ""), (text, style)]
    return tuple(spans)


def _counts(file: FileChange) -> tuple[Span, ...]:
    added: tuple[Span, ...] = ((f"  +{file.added}", "ok"),) if file.added else ()
    return (*added, (f"  −{file.removed}", "bad")) if file.removed else added


def _sign(verdicts: tuple[Verdict, ...]) -> tuple[str, str]:
    kinds = Counter(verdicts)
    if len(kinds) == 1:
        return SIGNS[next(iter(kinds))]
    return ("◐", "warn") if kinds else SIGNS["undecided"]


class Files(BlockView):
    """The changed files; the one under the cursor of the diff is marked. A click on one says `Clicked`."""

    can_focus = False
    HIGHEST: ClassVar[int] = 6

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._review = Review()
        self._current = -1

    def put(self, review: Review, current: str) -> None:
        """Show the files of a review and which of them is looked at; only rows that differ are made again."""
        earlier, self._review = self._review, review
        at = next((at for at, file in enumerate(review.files) if file.path == current), 0)
        if earlier.files != review.files or len(self._blocks) != len(review.files):
            self.reset([_row(review, file, n == at) for n, file in enumerate(review.files)], follow=False)
        else:
            changed = {hunk for hunk, _ in earlier.marks.items() ^ review.marks.items()}
            with self.gathered():
                for n, file in enumerate(review.files):
                    marked = changed and not changed.isdisjoint(hunk.id for hunk in file.hunks)
                    if marked or n in (at, self._current):
                        self.replace(n, _row(review, file, n == at))
        if review.files and at != self._current:
            self.selected = (at, at + 1)
            self.reveal(at, at + 1)
        self._current = at if review.files else -1


def _row(review: Review, file: FileChange, current: bool) -> FileRow:
    verdicts: tuple[Verdict, ...] = tuple(review.mark(hunk.id).verdict for hunk in file.hunks)
    return FileRow(file, verdicts, "head.fill" if current else "")
