"""What the user decided in a review and has not landed yet, kept beside the record, so that it outlives the process."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from assent_core.diffs.review import Mark, Review
from assent_core.diffs.splits import Cut
from assent_core.redaction.values import redacted


class Marked(Struct, frozen=True, kw_only=True):
    """Marks and cuts by the ids of hunks; `told` is the digest of what the model was told of them."""

    marks: dict[str, Mark] = {}
    cuts: dict[str, tuple[Cut, ...]] = {}
    told: str = ""

    @property
    def review(self) -> Review:
        """The decisions as a review to be renewed over what is staged."""
        return Review(marks=self.marks, cuts=self.cuts)


class MarkFile:
    """One file that only its owner can read, without secrets. `keep` raises OSError where it cannot be written."""

    def __init__(self, path: Path, redact: Callable[[str], str]) -> None:
        self._path = path
        self._redact = redact
        self._kept = Marked()

    def keep(self, review: Review, told: str) -> None:
        """Keep the decisions of a review in the place of those before."""
        marked = Marked(marks=review.marks, cuts=review.cuts, told=told)
        if marked == self._kept:
            return
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as stream:
            stream.write(msgspec.json.encode(redacted(marked, self._redact)))
        beside.replace(self._path)
        self._kept = marked

    def left(self) -> Marked:
        """What was kept; nothing if that is missing or damaged: then all is undecided again."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Marked)
        except (OSError, msgspec.DecodeError):
            return Marked()
