"""A review of twelve hunks in four files over a real session: what lands is what git makes of the selection."""

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from assent_core.diffs.changes import unified
from assent_core.diffs.reshape import amend, split, take
from assent_core.diffs.review import Review, decide, evidence_for, message_to_model
from assent_core.diffs.splits import cuts_into_lines
from assent_core.errors import LandingRefused, UsageError
from assent_core.events import Verified
from rehearsed import TWELVE_SCRIPT, four_files, git, told, tree, worked

FILES = ("a.txt", "b.txt", "c.txt", "d.txt")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return four_files(tmp_path / "repository")


def applied(root: Path, review: Review, into: Path) -> dict[str, bytes]:
    """What an independent git makes of the accepted hunks on a fresh copy of the repository."""
    git(root, "clone", "-q", str(root), str(into))
    patch = b"".join(unified(file, set(review.accepted)) for file in review.files)
    subprocess.run(["git", "apply", "-"], cwd=into, input=patch, check=True)
    return tree(into)


def hunk_at(review: Review, path: str, row: int) -> str:
    (found,) = (
        hunk.id
        for file in review.files
        for hunk in file.hunks
        if hunk.path == path and hunk.new_start <= row - 1 < hunk.new_start + len(hunk.new)
    )
    return found


async def edit(session, review: Review, hunk: str, text: bytes) -> Review:
    now = amend(review, hunk, text)
    for earlier, later in zip(review.files, now.files, strict=True):
        if earlier.after != later.after:
            session.amend(earlier, later.after)
    found, _ = await session.review(now)
    assert replace(found, evidence=now.evidence) == now
    return found


async def test_accepted_rejected_edited_and_split_hunks_land_as_git_applies_them(opened, repository: Path, tmp_path):
    session = await opened(TWELVE_SCRIPT)
    await told(session.turn("change the rows"))
    review, _ = await session.review()
    assert [len(file.hunks) for file in review.files] == [3, 3, 3, 3]
    for path, row in (("a.txt", 5), ("a.txt", 25), ("b.txt", 5), ("c.txt", 5), ("c.txt", 45)):
        review = decide(review, (hunk_at(review, path, row),), "accepted")
    for path, row, why in (("a.txt", 45, "too loud"), ("b.txt", 45, "keep b"), ("d.txt", 5, "not d")):
        review = decide(review, (hunk_at(review, path, row),), "rejected", why)
    review = await edit(session, review, hunk_at(review, "b.txt", 25), b"row 25 of b as I want it\n")
    review = await edit(session, review, hunk_at(review, "c.txt", 25), b"row 25 of c\nand one more\n")
    middle = hunk_at(review, "d.txt", 25)
    (whole,) = (hunk for file in review.files for hunk in file.hunks if hunk.id == middle)
    review = split(review, middle, cuts_into_lines(whole))
    review = decide(review, (hunk_at(review, "d.txt", 25), hunk_at(review, "d.txt", 26)), "accepted")
    assert (len(review.accepted), len(review.rejected), len(review.undecided)) == (9, 3, 3)
    wanted = applied(repository, review, tmp_path / "independent")
    landed = await session.land(review)
    assert (landed.hunks, landed.left) == (9, 3)
    assert tree(repository) == wanted
    changed = {path: (repository / path).read_text().splitlines() for path in FILES}
    assert changed["a.txt"][4].endswith("changed")
    assert changed["a.txt"][44] == "row 45 of a"
    assert changed["b.txt"][24] == "row 25 of b as I want it"
    assert changed["c.txt"][24:27] == ["row 25 of c", "and one more", "row 26 of c"]
    assert [row.endswith("changed") for row in changed["d.txt"][24:28]] == [True, True, False, False]
    left, _ = await session.review(review)
    assert [hunk.new_start for file in left.files for hunk in file.hunks] == [26, 44]
    session.note_for_model(message_to_model(review))
    await told(session.turn("go on"))
    asked = str(worked(session)[-1]["input"])
    for words in ("too loud", "keep b", "not d", "+row 45 of a changed", "The user edited", "as I want it"):
        assert words in asked
    places = [asked.index(words) for words in ("The user edited", "too loud", "go on")]
    assert all(one < other for one, other in pairwise(places))


async def test_lines_that_were_taken_alone_are_verified_alone_and_an_edit_makes_that_stale(opened, repository: Path):
    session = await opened(TWELVE_SCRIPT)
    await told(session.turn("change the rows"))
    review, _ = await session.review()
    review, pieces = take(review, hunk_at(review, "d.txt", 26), {1, 5})
    review = decide(review, pieces, "accepted")
    events = await told(session.verify(review, ("grep", "-c", "changed", "d.txt")))
    (verified,) = (event for event in events if isinstance(event, Verified))
    assert verified.evidence.code == 0
    review, _ = await session.review(review)
    assert evidence_for(review) == (verified.evidence, True)
    review = await edit(session, review, pieces[0], b"row 26 mine\n")
    assert evidence_for(review) == (verified.evidence, False)
    await session.land(review)
    assert git(repository, "diff", "--stat").count("1 file changed, 1 insertion(+), 1 deletion(-)") == 1


async def test_an_edit_of_what_is_no_longer_shown_is_refused_and_writes_nothing(opened):
    session = await opened(TWELVE_SCRIPT)
    await told(session.turn("change the rows"))
    review, _ = await session.review()
    first = review.files[0]
    now = amend(review, first.hunks[0].id, b"mine\n")
    session.amend(first, now.files[0].after)
    with pytest.raises(LandingRefused, match=r"a\.txt has changed on the stage"):
        session.amend(first, now.files[0].after)
    running = session.turn("go on")
    await anext(running)
    with pytest.raises(UsageError, match="still running"):
        session.amend(now.files[0], first.after)
    await running.aclose()
