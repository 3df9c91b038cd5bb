"""The user's decisions over the staged changes; pure."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from assent_core.diffs import splits
from assent_core.diffs.changes import FileChange, Hunk, digest, put_together
from assent_core.diffs.remarks import Remark
from assent_sandbox.stage import Entry, Opaque

MOST_QUOTED = 40
"""Lines of one hunk that are quoted to the model."""

Verdict = Literal["undecided", "accepted", "rejected"]


class Mark(Struct, frozen=True):
    """What the user said of one hunk; `reason` is of a rejection, `comment` of any."""

    verdict: Verdict = "undecided"
    reason: str = ""
    comment: str = ""


class Evidence(Struct, frozen=True, kw_only=True):
    """What a command said about exactly one staged content (`digest`, see changes.digest)."""

    command: str
    code: int
    digest: str
    summary: str = ""
    """For example 'pytest: 3 failed -> 0 failed'."""
    doubt: str = ""
    """Why the exit code 0 verifies nothing here, in words; empty if it does."""
    aside: tuple[str, ...] = ()
    """What does not land and may have had a part in it: ignored files, by-products, what builds and checks had left."""
    relies: tuple[str, ...] = ()
    """What git ignores and was there as it is in the user's tree: dependencies, settings of this machine."""

    @property
    def passed(self) -> bool:
        """Whether it verifies the content: exit code 0, and nothing that speaks against it."""
        return self.code == 0 and not self.doubt


class Outcome(Struct, frozen=True, kw_only=True):
    """What a review makes of one path.

    `landed` is what the real file becomes (equal to `before` if nothing of it was accepted);
    `staged` is what the stage holds afterwards: accepted and undecided hunks, rejected ones taken back.
    """

    path: str
    before: Entry | None
    landed: Entry | None
    staged: Entry | None


class Review(Struct, frozen=True, kw_only=True):
    """The staged changes with a mark for each hunk that has one. Every change of it is a new value."""

    files: tuple[FileChange, ...] = ()
    marks: dict[str, Mark] = {}
    evidence: tuple[Evidence, ...] = ()
    cuts: dict[str, tuple[splits.Cut, ...]] = {}
    """Where hunks of the change were cut into smaller ones, by the id of the whole hunk."""
    remarks: tuple[Remark, ...] = ()
    """What a reviewer says of the change: for the user to read, and no part of any decision."""

    def mark(self, hunk: str) -> Mark:
        """The mark of a hunk; undecided if it has none."""
        return self.marks.get(hunk, Mark())

    @property
    def accepted(self) -> tuple[str, ...]:
        """The hunks that are accepted, in order."""
        return self._marked("accepted")

    @property
    def rejected(self) -> tuple[str, ...]:
        """The hunks that are rejected, in order."""
        return self._marked("rejected")

    @property
    def undecided(self) -> tuple[str, ...]:
        """The hunks that are neither, in order."""
        return self._marked("undecided")

    def _marked(self, verdict: Verdict) -> tuple[str, ...]:
        ids = (hunk.id for file in self.files for hunk in file.hunks)
        return tuple(id for id in ids if self.mark(id).verdict == verdict)


def decide(review: Review, hunks: tuple[str, ...], verdict: Verdict, reason: str = "") -> Review:
    """Give the named hunks a verdict. Opaque and conflicted changes cannot be accepted: ValueError says why.

    Hunks that cannot stand without each other (a file that gives way to a folder, and what is put into that folder)
    get the same verdict. A reason is kept of rejections only, a comment always. An unknown hunk is a ValueError too.
    """
    wanted = _bound(review, frozenset(hunks))
    files = _owners(review)
    for hunk in sorted(wanted):
        if hunk not in files:
            raise ValueError("this hunk is no longer there: look at the changes again")
        if verdict == "accepted" and (why := obstacle(files[hunk])):
            raise ValueError(why)
    kept = reason if verdict == "rejected" else ""
    given = {hunk: Mark(verdict, kept, review.mark(hunk).comment) for hunk in wanted}
    return msgspec.structs.replace(review, marks=_told({**review.marks, **given}))


def obstacle(file: FileChange) -> str:
    """Why nothing of this change can be accepted; empty if it can."""
    if file.conflict:
        return f"{file.path} is in conflict with the real file ({file.conflict}): settle it on the stage first"
    for entry in (file.before, file.after):
        if isinstance(entry, Opaque):
            size = f" of {entry.size / (1 << 20):,.0f} MiB, and none above 32 MiB is written" if entry.size else ""
            return f"{file.path} cannot be landed: {entry.what}{size}"
    return ""


def to_accept(review: Review) -> tuple[str, ...]:
    """The hunks that are accepted where all are: what can be, but no by-products, which are taken in one by one."""
    able = (file for file in review.files if not obstacle(file) and not file.is_byproduct)
    return tuple(hunk.id for file in able for hunk in file.hunks)


def comment(review: Review, hunk: str, text: str) -> Review:
    """Put a comment on a hunk; an empty text takes it away."""
    if hunk not in _owners(review):
        raise ValueError("this hunk is no longer there: look at the changes again")
    mark = msgspec.structs.replace(review.mark(hunk), comment=text)
    return msgspec.structs.replace(review, marks=_told({**review.marks, hunk: mark}))


def renew(review: Review, files: tuple[FileChange, ...]) -> Review:
    """The same decisions over newly computed changes: a mark and a cut stay exactly where their hunk is unchanged."""
    renewed = msgspec.structs.replace(review, files=tuple(as_cut(file, review.cuts) for file in files))
    marks: dict[str, Mark] = {}
    for hunk, file in _owners(renewed).items():
        mark = review.mark(hunk)
        withdrawn = mark.verdict == "accepted" and obstacle(file)
        marks[hunk] = Mark(comment=mark.comment) if withdrawn else mark
    there = {hunk.of for file in renewed.files for hunk in file.hunks}
    cuts = {hunk: cuts for hunk, cuts in review.cuts.items() if hunk in there}
    return msgspec.structs.replace(renewed, marks=_told(marks), cuts=cuts)


def as_cut(file: FileChange, cuts: dict[str, tuple[splits.Cut, ...]]) -> FileChange:
    """A change with those of its hunks in pieces that are cut."""
    if not any(hunk.id in cuts for hunk in file.hunks):
        return file
    hunks = tuple(piece for hunk in file.hunks for piece in splits.cut(hunk, cuts.get(hunk.id, ())))
    return msgspec.structs.replace(file, hunks=hunks)


def outcomes(review: Review) -> tuple[Outcome, ...]:
    """What the decisions make of each path, in order."""
    return tuple(_outcome(review, file) for file in review.files)


def evidence_for(review: Review) -> tuple[Evidence | None, bool]:
    """The newest evidence that is fresh, else the newest at all; and whether it is fresh.

    Evidence is fresh if it saw exactly what the selection would land: its digest is the one of (path, landed) over
    all paths of which something would land. Whoever makes evidence takes the digest over all changed paths, that
    git does not ignore and that are no by-products, with their content *after* on the stage on which the command ran.
    What else had changed there is told `aside`, and then an earlier run without it says more if it passed.
    """
    wanted = digest(tuple((o.path, o.landed) for o in outcomes(review) if o.landed != o.before))
    fresh = [evidence for evidence in reversed(review.evidence) if evidence.digest == wanted]
    if fresh:
        surer = next((evidence for evidence in fresh if not evidence.aside), fresh[0])
        return surer if surer.passed else fresh[0], True
    return (review.evidence[-1] if review.evidence else None), False


def message_to_model(review: Review) -> str:
    """Rejections with their reasons and comments, quoting the lines, as one message; empty if there are none."""
    hunks = [hunk for file in review.files for hunk in file.hunks]
    rejected = [_quote(hunk, review.mark(hunk.id)) for hunk in hunks if review.mark(hunk.id).verdict == "rejected"]
    commented = [
        _quote(hunk, mark) for hunk in hunks if (mark := review.mark(hunk.id)).comment and mark.verdict != "rejected"
    ]
    parts: list[str] = []
    if rejected:
        parts += ["The user reviewed your changes and rejected these; they were taken back in the files:", *rejected]
    if commented:
        parts += ["The user commented on these of your changes:", *commented]
    return "\n\n".join(parts)


def told_of_edit(edited: FileChange) -> str:
    """What the model hears of lines that the user wrote over its own: `edited` is from what it left to what stands now."""
    quoted = ["\n".join((f"{_where(hunk)}:", *_changed(hunk))) for hunk in edited.hunks]
    return "\n\n".join(("The user edited your changes; these lines stand on the stage now:", *quoted))


def _owners(review: Review) -> dict[str, FileChange]:
    return {hunk.id: file for file in review.files for hunk in file.hunks}


def _told(marks: dict[str, Mark]) -> dict[str, Mark]:
    return {hunk: mark for hunk, mark in marks.items() if mark != Mark()}


def _bound(review: Review, hunks: frozenset[str]) -> frozenset[str]:
    """These hunks and those that cannot be decided apart from them: no path can be a file and a folder at once."""
    by_path = {file.path: file for file in review.files}
    bound = set(hunks)
    for file in review.files:
        above = (by_path.get(path) for path in _folders(file.path))
        for other in (other for other in above if other and _alternate(file, other)):
            group = {hunk.id for hunk in (*file.hunks, *other.hunks)}
            bound |= group if not bound.isdisjoint(group) else set()
    return frozenset(bound) if len(bound) == len(hunks) else _bound(review, frozenset(bound))


def _folders(path: str) -> list[str]:
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names))]


def _alternate(one: FileChange, other: FileChange) -> bool:
    """Whether of these two paths only one can stand, and the change goes from the one to the other."""
    return (one.before is None) == (other.after is None) != (one.after is None)


def _outcome(review: Review, file: FileChange) -> Outcome:
    verdicts = {hunk.id: review.mark(hunk.id).verdict for hunk in file.hunks}
    accepted = {hunk for hunk, verdict in verdicts.items() if verdict == "accepted" and not obstacle(file)}
    kept = {hunk for hunk, verdict in verdicts.items() if verdict != "rejected"}
    return Outcome(
        path=file.path,
        before=file.before,
        landed=put_together(file, accepted) if accepted else file.before,
        staged=put_together(file, kept),
    )


def _quote(hunk: Hunk, mark: Mark) -> str:
    verdict = {"accepted": " (accepted)", "rejected": "", "undecided": " (not decided yet)"}[mark.verdict]
    said = [f"Reason: {mark.reason}"] if mark.reason else []
    said += [f"Comment: {mark.comment}"] if mark.comment else []
    said += ["No reason was given."] if mark.verdict == "rejected" and not said else []
    note = [f"({hunk.note})"] if hunk.note else []
    return "\n".join([f"{_where(hunk)}{verdict}:", *note, *_changed(hunk), *said])


def _where(hunk: Hunk) -> str:
    return f"{hunk.path}, line {hunk.new_start + 1}" if hunk.kind == "lines" else hunk.path


def _changed(hunk: Hunk) -> list[str]:
    lines = [*(f"-{_shown(line)}" for line in hunk.old), *(f"+{_shown(line)}" for line in hunk.new)]
    if len(lines) <= MOST_QUOTED:
        return lines
    half = MOST_QUOTED // 2
    return [*lines[:half], f"... {len(lines) - 2 * half} lines not quoted ...", *lines[-half:]]


def _shown(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r\n")
