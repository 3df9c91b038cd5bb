"""The blocks of a whole review, made file by file: those in sight first, the others when they are needed."""

from __future__ import annotations

from assent_core.diffs.review import Review
from assent_tui.paint.blocks import Block
from assent_tui.review.diffrows import Look
from assent_tui.review.layout import Place, file_blocks

_PLAIN = Look()


class Sheet:
    """Knows which files are made already; `opened` are the keys of the folds that are open."""

    def __init__(self, review: Review, look: Look = _PLAIN, opened: frozenset[tuple[str, int]] = frozenset()) -> None:
        self.places: list[Place] = []
        """Where each hunk of the files that are made stands."""
        self._files = review.files
        self._look = look
        self._opened = opened
        self._made = 0
        self._blocks = 0

    @property
    def whole(self) -> bool:
        """Whether all is made."""
        return self._made == len(self._files)

    def more(self, review: Review, blocks: int) -> list[Block]:
        """Make files until there are so many more blocks; their hunks are marked as `review` says now."""
        made: list[Block] = []
        while len(made) < blocks and not self.whole:
            file = self._files[self._made]
            fresh, places = file_blocks(file, review, self._look, self._opened, at=self._blocks + len(made))
            made += fresh
            self.places += places
            self._made += 1
        self._blocks += len(made)
        return made

    def rest(self, review: Review) -> list[Block]:
        """Make all that is missing."""
        made: list[Block] = []
        while not self.whole:
            made += self.more(review, 1 << 30)
        return made
