"""A stage goes back to a snapshot exactly, also over a real tree that moved, in both kinds of view."""

import random
import subprocess
from pathlib import Path

import pytest

from assent_sandbox import album
from assent_sandbox.stage import Change, File, Link, Moved, Stage, StageError
from assent_sandbox.view import snapshots
from staged import open_as, sh

LINES = "".join(f"line {number}\n" for number in range(20))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / "d" / "deep").mkdir(parents=True)
    (root / "a").write_text(LINES)
    (root / "d" / "c").write_text("c\n")
    (root / "d" / "deep" / "e").write_text("e\n")
    (root / ".gitignore").write_text("built\n")
    script = "git init -qb main; git add -A; git -c user.name=T -c user.email=t@example.org commit -qm start"
    subprocess.run(["sh", "-ec", script], cwd=root, check=True)
    return root


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "album"


async def printed(stage: Stage, script: str) -> str:
    return (await sh(stage, script)).output.decode()


def changes(stage: Stage) -> dict[str, Change]:
    return {path: change for path in stage.paths() if (change := stage.change(path)) is not None}


async def test_files_links_modes_and_deletions_come_back_as_they_were(stage: Stage, book: Path):
    clean = stage.snapshot(book)
    await sh(stage, "echo staged > a; chmod 755 a; ln -s a link; rm -r d; mkdir built; echo o > built/o; echo n > new")
    before, seen = changes(stage), await printed(stage, "find . -path ./.git -prune -o -print | sort; ls -l a link new")
    staged = stage.snapshot(book)
    await sh(stage, "rm a new link; mkdir -p d/deep new; echo other > d/deep/e; echo x > new/x; rm -r built")
    assert stage.restore(book, staged) == ()
    assert changes(stage) == before
    assert await printed(stage, "find . -path ./.git -prune -o -print | sort; ls -l a link new") == seen
    assert stage.restore(book, clean) == ()
    assert changes(stage) == {}
    assert await printed(stage, "cat a d/c d/deep/e") == LINES + "c\ne\n"
    stage.restore(book, staged)
    assert changes(stage) == before


async def test_what_was_committed_in_the_view_comes_back_and_goes(stage: Stage, book: Path, root: Path):
    git = "git -c user.name=W -c user.email=w@example.org"
    start = stage.snapshot(book)
    await sh(stage, f"echo one > a; {git} commit -qam one; git branch side")
    one = stage.snapshot(book)
    await sh(stage, f"echo two > a; {git} commit -qam two; git branch -D side")
    stage.restore(book, one)
    assert (
        await printed(stage, "git log --format=%s; git status --porcelain; git branch --list side")
        == "one\nstart\n  side\n"
    )
    await sh(stage, "git fsck --no-dangling 2>&1")
    stage.restore(book, start)
    assert await printed(stage, "git log --format=%s; git status --porcelain") == "start\n"
    assert subprocess.check_output(["git", "-C", root, "log", "--format=%s"]) == b"start\n"


async def test_a_stale_git_of_the_view_follows_the_real_one_that_moved_on(stage: Stage, book: Path, root: Path):
    await sh(stage, "echo one > new; git add new")
    added = stage.snapshot(book)
    stage.restore(book, added)
    subprocess.run(
        ["sh", "-ec", "echo x > x; git add x; git -c user.name=T -c user.email=t@e commit -qm real"],
        cwd=root,
        check=True,
    )
    stage.restore(book, added)
    assert await printed(stage, "git log --format=%s; git status --porcelain") == "real\nstart\n?? new\n"


def test_what_landed_meanwhile_stays_landed_and_is_pending_no_more(stage: Stage, book: Path, root: Path):
    stage.write("a", File(LINES.replace("line 2\n", "two\n").encode()))
    before = stage.snapshot(book)
    both = LINES.replace("line 2\n", "two\n").replace("line 9\n", "nine\n").encode()
    stage.write("a", File(both))
    (root / "a").write_bytes(both)
    stage.settle("a", File(both), File(both))
    assert stage.paths() == ()
    assert stage.restore(book, before) == (Moved(path="a", how="merged"),)
    assert changes(stage) == {}
    assert (root / "a").read_bytes() == both
    assert stage.read("a") == File(both)


def test_a_real_file_that_moved_is_merged_or_in_conflict(stage: Stage, book: Path, root: Path):
    stage.write("a", File(LINES.replace("line 2\n", "two\n").encode()))
    stage.write("d/c", File(b"staged\n"))
    name = stage.snapshot(book)
    (root / "a").write_text(LINES.replace("line 17\n", "real\n"))
    (root / "d" / "c").write_text("real\n")
    assert stage.restore(book, name) == (Moved(path="a", how="merged"), Moved(path="d/c", how="conflict"))
    assert stage.change("d/c").conflict
    again = stage.snapshot(book)
    stage.write("d/c", File(b"settled\n"))
    assert not stage.change("d/c").conflict
    stage.restore(book, again)
    assert stage.change("d/c").conflict


def test_a_snapshot_costs_what_changed_since_the_last(stage: Stage, book: Path):
    def stored() -> set[str]:
        return {path.name for path in (book / "contents").iterdir()}

    for number in range(50):
        stage.write(f"many/{number}", File(f"{number}".encode() * 100))
    stage.snapshot(book)
    first, size = stored(), (book / "log").stat().st_size
    stage.snapshot(book)
    assert stored() == first
    assert (book / "log").stat().st_size - size < 200
    stage.write("many/7", File(b"changed"))
    stage.snapshot(book)
    assert len(stored() - first) == 1
    assert (book / "log").stat().st_size - size < 1500


async def test_a_file_written_in_the_same_moment_as_a_snapshot_is_not_taken_for_unchanged(stage: Stage, book: Path):
    names: list[str] = []
    for number in range(10):
        stage.write("a", File(f"{number:04}".encode()))
        names.append(stage.snapshot(book))
    for number, name in enumerate(names):
        stage.restore(book, name)
        assert stage.read("a") == File(f"{number:04}".encode())


async def test_large_files_and_closed_ones_come_back_too(stage: Stage, book: Path):
    await sh(stage, "truncate -s 40M built; printf end >> built; echo s > closed; chmod 0 closed")
    name = stage.snapshot(book)
    await sh(stage, "rm -f built closed")
    stage.restore(book, name)
    assert await printed(stage, "tail -c 3 built; wc -c < built; stat -c %a closed") == "end41943043\n0\n"


async def test_a_fork_is_a_stage_of_its_own_with_the_same_content(stage: Stage, book: Path, root: Path, tier: str):
    await sh(stage, "echo staged > a; rm d/c")
    name, before = stage.snapshot(book), changes(stage)
    stage.write("a", File(b"later"))
    stage.snapshot(book)
    other_book = book.with_name("other")
    album.fork(book, other_book, name)
    assert album.names(other_book) == (name,)
    other = open_as(tier, root, book.with_name("fork"))
    other.restore(other_book, name)
    assert changes(other) == before
    other.write("a", File(b"of the fork"))
    assert stage.read("a") == File(b"later")
    album.erase(book)
    assert album.names(book) == ()
    other.restore(other_book, name)
    assert changes(other) == before
    await other.close()


def test_an_unknown_snapshot_is_refused_and_changes_nothing(stage: Stage, book: Path):
    stage.write("a", File(b"staged"))
    stage.snapshot(book)
    with pytest.raises(StageError, match="not kept any more"):
        stage.restore(book, "7")
    assert stage.read("a") == File(b"staged")
    assert album.going(book) == ""


def test_the_oldest_snapshots_go_when_an_album_is_full(stage: Stage, book: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(snapshots, "MOST", 4000)
    names: list[str] = []
    for number in range(6):
        stage.write("a", File(random.Random(number).randbytes(900)))
        stage.write(f"kept{number}", File(b"k"))
        names.append(stage.snapshot(book))
    kept = album.names(book)
    assert kept == tuple(names[-len(kept) :])
    assert 1 < len(kept) < 6
    stage.restore(book, kept[0])
    first = int(kept[0]) - 1
    assert stage.read("a") == File(random.Random(first).randbytes(900))
    assert stage.paths() == ("a", *(f"kept{number}" for number in range(first + 1)))


async def test_going_back_that_was_interrupted_is_known_and_ends_when_it_is_done_again(
    stage: Stage, book: Path, monkeypatch: pytest.MonkeyPatch
):
    stage.write("a", File(b"then"))
    stage.write("b", Link("a"))
    name, before = stage.snapshot(book), changes(stage)
    await sh(stage, "rm a b; echo n > n; echo m > m")
    drops: list[str] = []

    def broken(path: str) -> None:
        drops.append(path)
        raise KeyboardInterrupt

    album.mark(book, name)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(stage, "_drop", broken)
        stage.restore(book, name)
    assert drops
    assert album.going(book) == name
    stage.restore(book, name)
    assert changes(stage) == before
    album.mark(book, "")
    assert album.going(book) == ""


def test_a_torn_line_of_the_log_is_left_out_and_the_next_one_counts(stage: Stage, book: Path):
    stage.write("a", File(b"one"))
    stage.snapshot(book)
    with (book / "log").open("ab") as log:
        log.write(b'{"name":2,"put":{"a"')
    assert album.names(book) == ("1",)
    stage.write("a", File(b"two"))
    name = stage.snapshot(book)
    stage.write("a", File(b"three"))
    stage.restore(book, name)
    assert stage.read("a") == File(b"two")


@pytest.mark.parametrize("seed", range(3))
async def test_any_course_of_commands_comes_back_at_any_point(stage: Stage, book: Path, seed: int):
    chance = random.Random(seed)
    acts = (
        "echo $RANDOM.{n} > a", "rm -rf d", "mkdir -p d/deep; echo {n} > d/deep/e", "rm -f a; mkdir a; echo {n} > a/x",
        "rm -rf a; echo {n} > a", "ln -sfn d/c l{n}", "chmod 7$(( {n} % 8 ))5 a", "mv d d{n}",
        "rm -rf d; echo {n} > d", "rm -rf d; mkdir d", "git add -A; git -c user.name=W -c user.email=w@e commit -qm {n}",
    )  # fmt: skip
    taken: list[tuple[str, dict[str, Change]]] = []
    for number in range(8):
        await sh(stage, "; ".join(f"({chance.choice(acts).format(n=number + step)}) || true" for step in range(2)))
        taken.append((stage.snapshot(book), changes(stage)))
    for name, before in chance.sample(taken, 5):
        stage.restore(book, name)
        assert changes(stage) == before
