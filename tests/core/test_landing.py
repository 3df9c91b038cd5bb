"""Landing: all or nothing, exactly over what was shown, taken back on request, whole again after any crash."""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import pytest

from assent_core.errors import LandingRefused, Unwritable
from assent_core.landing import rename
from assent_core.landing.landings import Landing, Write, land, landings, preview, recover, redo, undo
from assent_sandbox.stage import Entry, File, Link, Opaque
from patient import at_last

CAMPAIGN = Path(__file__).parents[2] / "scripts" / "campaign" / "landing.py"
TEXT, OTHER, USERS = File(b"before\n"), File(b"after\n"), File(b"the user's\n")
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

Standing = dict[str, Entry | str]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def put(root: Path, path: str, entry: Entry) -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(entry, File):
        place.write_bytes(entry.data)
        place.chmod(entry.mode)
    elif isinstance(entry, Link):
        place.symlink_to(entry.target)


def standing(root: Path) -> Standing:
    found: Standing = {}
    for place in sorted(root.rglob("*")):
        path = str(place.relative_to(root))
        if place.is_symlink():
            found[path] = Link(str(place.readlink()))
        else:
            found[path] = "folder" if place.is_dir() else File(place.read_bytes(), place.stat().st_mode & 0o777)
    return found


def changes(**sides: tuple[Entry | None, Entry | None]) -> tuple[Write, ...]:
    return tuple(Write(path=path, before=before, after=after) for path, (before, after) in sides.items())


def write(path: str, before: Entry | None, after: Entry | None) -> Write:
    return Write(path=path, before=before, after=after)


@contextlib.contextmanager
def meanwhile(function: str, action: Callable[[], object], *, call: int = 1) -> Generator[None]:
    """Do something at the moment at which a function of the product is called, as another program would."""
    calls = 0

    def watch(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        if event == "call" and frame.f_code.co_qualname == function:
            calls += 1
            if calls == call:
                sys.setprofile(None)
                action()

    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(None)
    assert calls == call, f"{function} was called {calls} times"


@contextlib.contextmanager
def as_user(name: str) -> Generator[None]:
    user = pwd.getpwnam(name)
    os.setegid(user.pw_gid)
    os.seteuid(user.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


EVERY = (
    write("changed", TEXT, OTHER),
    write("script", File(b"#!\n", 0o644), File(b"#!\n", 0o755)),
    write("new/deep/made", None, File(b"\0binary\xff", 0o600)),
    write("gone/only", TEXT, None),
    write("kept/gone", TEXT, None),
    write("link", Link("changed"), Link("../elsewhere")),
    write("made link", None, Link("nowhere")),
    write("file to link", TEXT, Link("changed")),
    write("link to file", Link("changed"), File(b"x\n")),
    write("file to folder", TEXT, None),
    write("file to folder/inner", None, TEXT),
    write("folder to file/a/b", TEXT, None),
    write("folder to file", None, TEXT),
    write("link to folder", Link("kept"), None),
    write("link to folder/inner", None, TEXT),
    write("raw\udcff \u00fc\n", TEXT, File(b"")),
)


def prepared(root: Path) -> Standing:
    for one in EVERY:
        if one.before is not None:
            put(root, one.path, one.before)
    put(root, "kept/untouched", TEXT)
    (root / "folder to file" / "empty").mkdir()
    return standing(root)


def test_every_kind_of_change_lands_and_is_taken_back_without_a_trace(root: Path, state: Path) -> None:
    before = prepared(root)
    landing = land(root, state, EVERY, "session")
    after = standing(root)
    assert {path: after.get(path) for path in landing.paths} == {one.path: one.after for one in EVERY} | {
        "file to folder": "folder",
        "link to folder": "folder",
    }
    assert set(after) - {one.path for one in EVERY} == {"kept", "kept/untouched", "new", "new/deep"}
    assert landings(root, state) == (landing,)
    assert (landing.session, landing.undone, landing.notices) == ("session", False, ())
    back = undo(root, state)
    assert (back.id, back.undone, back.paths) == (landing.id, True, landing.paths)
    assert standing(root) == before
    assert [one.undone for one in landings(root, state)] == [True]
    assert recover(root, state) == ()


def test_what_does_not_change_is_left_out(root: Path, state: Path) -> None:
    put(root, "a", USERS)
    landing = land(root, state, (write("a", TEXT, TEXT), write("b", None, OTHER)))
    assert landing.paths == ("b",)
    assert standing(root) == {"a": USERS, "b": OTHER}


@pytest.mark.parametrize(
    ("found", "before", "after"),
    [
        (USERS, TEXT, OTHER),
        (None, TEXT, OTHER),
        (Link("x"), TEXT, OTHER),
        (File(TEXT.data, 0o755), TEXT, OTHER),
        (USERS, None, OTHER),
        (USERS, TEXT, None),
        (Link("x"), Link("y"), None),
    ],
)
def test_a_path_that_is_not_as_shown_refuses_all(
    root: Path, state: Path, found: Entry | None, before: Entry | None, after: Entry | None
) -> None:
    put(root, "first", TEXT)
    if found:
        put(root, "f", found)
    here = standing(root)
    with pytest.raises(LandingRefused, match="Changed since it was shown: f") as caught:
        land(root, state, (write("first", TEXT, OTHER), write("f", before, after)))
    assert "Review again" in caught.value.hint
    assert standing(root) == here
    assert landings(root, state) == ()


@pytest.mark.parametrize(
    ("writes", "words"),
    [
        ((), "nothing to land"),
        (changes(a=(TEXT, TEXT)), "nothing to land"),
        ((write("../a", None, TEXT),), "leads out of the repository"),
        ((write("/etc/a", None, TEXT),), "leads out of the repository"),
        ((write("a//b", None, TEXT),), "leads out of the repository"),
        ((write(".git/hooks/x", None, TEXT),), "belongs to version control"),
        ((write("sub/.Git", None, TEXT),), "belongs to version control"),
        ((write(".jj/repo/config", None, TEXT),), "belongs to version control"),
        ((write("sub/.HG/hgrc", None, TEXT),), "belongs to version control"),
        ((write(".g\u200cit/config", None, TEXT),), "belongs to version control"),
        ((write("GIT~1/config", None, TEXT),), "belongs to version control"),
        (changes(a=(TEXT, Opaque("a pipe"))), "no file that can be landed"),
        ((write("a", None, TEXT), write("a", None, OTHER)), "named twice"),
        ((write("a", None, TEXT), write("a/b", None, OTHER)), "cannot stand below a file"),
        ((write("linked/a", None, TEXT),), "linked is a symbolic link"),
        ((write("linked/there", TEXT, OTHER),), "linked is a symbolic link"),
        ((write("file/a", None, TEXT),), "file is no folder"),
        ((write("folder", None, TEXT),), "Changed since it was shown: folder"),
        (
            (write("folder", None, TEXT), write("folder/a", TEXT, None)),
            "folder is a folder that also holds folder/other",
        ),
    ],
)
def test_what_never_lands_is_refused_in_words(root: Path, state: Path, writes: tuple[Write, ...], words: str) -> None:
    for path, entry in {"file": TEXT, "folder/a": TEXT, "folder/other": TEXT, "linked": Link("../outside")}.items():
        put(root, path, entry)
    put(root.parent / "outside", "there", TEXT)
    here = standing(root.parent / "root")
    with pytest.raises(LandingRefused, match=words) as caught:
        land(root, state, writes)
    assert caught.value.hint
    assert standing(root) == here
    assert standing(root.parent / "outside") == {"there": TEXT}


RACES: list[tuple[str, Entry | None, Entry | None]] = [
    ("_swap", TEXT, OTHER),
    ("_swap", TEXT, None),
    ("_swap", None, OTHER),
    ("_swap", TEXT, Link("x")),
    ("Journal.stage", TEXT, OTHER),
    ("Tree.create", TEXT, OTHER),
]


@pytest.mark.parametrize(("moment", "before", "after"), RACES)
def test_an_edit_in_the_middle_of_a_landing_is_kept_and_all_is_taken_back(
    root: Path, state: Path, moment: str, before: Entry | None, after: Entry | None
) -> None:
    for path in ("a", "z"):
        put(root, path, TEXT)
    if before:
        put(root, "f", before)

    def save() -> None:
        put(root, ".saving", USERS)
        (root / ".saving").rename(root / "f")

    writes = (write("a", TEXT, OTHER), write("f", before, after), write("new/x", None, TEXT), write("z", TEXT, None))
    with meanwhile(moment, save), pytest.raises(LandingRefused, match="f changed while it was landed"):
        land(root, state, writes)
    assert standing(root) == {"a": TEXT, "f": USERS, "z": TEXT}
    assert recover(root, state) == ()


def test_an_edit_over_what_was_just_landed_is_kept_when_the_landing_fails(root: Path, state: Path) -> None:
    for path in "ab":
        put(root, path, TEXT)

    def save() -> None:
        (root / "a").write_bytes(USERS.data)
        (root / "b").unlink()

    with meanwhile("_swap", save, call=2), pytest.raises(LandingRefused) as caught:
        land(root, state, changes(a=(TEXT, OTHER), b=(TEXT, OTHER)))
    assert "Left as somebody else wrote it: " in caught.value.message
    assert standing(root) == {"a": USERS}


def test_two_edits_in_the_middle_of_a_landing_leave_the_later_one_in_place_and_the_earlier_one_beside_it(
    root: Path, state: Path
) -> None:
    for path in ("a", "f"):
        put(root, path, TEXT)

    def save(entry: File) -> None:
        put(root, ".saving", entry)
        (root / ".saving").rename(root / "f")

    def save_twice() -> None:
        save(USERS)
        sys.setprofile(second)

    def second(frame: FrameType, event: str, _: object) -> None:
        caller = frame.f_back.f_code.co_name if frame.f_back else ""
        if event == "call" and frame.f_code.co_qualname == "Tree.exchange" and caller == "_exchanged_back":
            sys.setprofile(None)
            save(File(b"later\n"))

    with (
        meanwhile("_swap", save_twice, call=2),
        pytest.raises(LandingRefused, match="Left as somebody else wrote it") as caught,
    ):
        land(root, state, changes(a=(TEXT, OTHER), f=(TEXT, OTHER)))
    (beside,) = root.glob(".assent-*")
    assert beside.name in caught.value.message
    assert standing(root) == {"a": TEXT, "f": File(b"later\n"), beside.name: USERS}


def test_a_folder_that_becomes_a_link_in_the_middle_of_a_landing_is_not_followed(root: Path, state: Path) -> None:
    put(root, "sub/f", TEXT)
    put(root.parent / "outside", "f", TEXT)

    def turn() -> None:
        (root / "sub").rename(root / "moved")
        (root / "sub").symlink_to("../outside")

    with meanwhile("_swap", turn), pytest.raises(LandingRefused):
        land(root, state, (write("sub/f", TEXT, OTHER),))
    assert standing(root.parent / "outside") == {"f": TEXT}
    assert (root / "moved" / "f").read_bytes() == TEXT.data


def test_a_write_into_the_replaced_file_is_noticed_until_the_commit_and_kept_after_it(root: Path, state: Path) -> None:
    put(root, "a", TEXT)
    with (root / "a").open("ab") as held:
        held.write(b"")
        with (
            meanwhile("sync", lambda: os.write(held.fileno(), b"more")),
            pytest.raises(LandingRefused, match="a changed while"),
        ):
            land(root, state, changes(a=(TEXT, OTHER)))
    assert standing(root) == {"a": File(TEXT.data + b"more")}
    put(root, "a", TEXT)
    with (root / "a").open("ab") as held, meanwhile("complete", lambda: os.write(held.fileno(), b"more")):
        landing = land(root, state, changes(a=(TEXT, OTHER)))
    (notice,) = landing.notices
    assert (root / notice.rpartition(" ")[2]).read_bytes() == TEXT.data + b"more"
    assert (root / "a").read_bytes() == OTHER.data


EDITOR = """
import os, random, time
def stands():
    return open('f').read()
random.seed(7)
last = stands()
for n in range(100_000):
    for patience in range(20_000):
        if stands() in (last, 'after\\n'):
            break
        time.sleep(0.002)
    else:
        raise SystemExit(f'lost {last!r}, found {stands()!r}')
    if os.path.exists('stop'):
        break
    last = f'version {n}\\n'
    with open('.saving', 'w') as file:
        file.write(last)
    os.replace('.saving', 'f')
    time.sleep(random.random() * random.choice((0.004, 0.04)))
"""


def test_an_editor_that_saves_all_the_time_loses_no_save(root: Path, state: Path) -> None:
    put(root, "f", TEXT)
    put(root, "g", TEXT)
    outcomes: list[str] = []
    with subprocess.Popen([sys.executable, "-c", EDITOR], cwd=root) as editor:
        at_last(lambda: (root / "f").read_bytes().startswith(b"version"))
        while len(outcomes) < 80 or "landed" not in outcomes:
            shown = File((root / "f").read_bytes(), 0o644)
            try:
                land(root, state, changes(f=(shown, OTHER), g=(TEXT, OTHER)))
                outcomes.append("landed")
                undo(root, state)
            except LandingRefused as refused:
                outcomes.append(refused.message)
            put(root, "g", TEXT)
        put(root, "stop", TEXT)
    assert editor.returncode == 0
    assert (root / "f").read_bytes().startswith((b"version", OTHER.data))


def test_undo_refuses_files_that_were_edited_since_and_names_them(root: Path, state: Path) -> None:
    for path in "abc":
        put(root, path, TEXT)
    landing = land(root, state, changes(a=(TEXT, OTHER), b=(TEXT, None), c=(TEXT, OTHER)))
    put(root, "a", USERS)
    put(root, "b", USERS)
    here = standing(root)
    with pytest.raises(LandingRefused, match=r"Edited since they were landed: a, b\. Nothing was taken back"):
        undo(root, state)
    assert standing(root) == here
    assert landings(root, state) == (landing,)


def test_landings_are_taken_back_from_the_newest_or_by_name(root: Path, state: Path) -> None:
    first = land(root, state, changes(a=(None, TEXT)))
    second = land(root, state, changes(b=(None, TEXT)))
    third = land(root, state, changes(c=(None, TEXT)))
    assert [one.id for one in landings(root, state)] == [third.id, second.id, first.id]
    assert undo(root, state, first.id).id == first.id
    assert undo(root, state).id == third.id
    with pytest.raises(LandingRefused, match=f"{third.id} was taken back already") as caught:
        undo(root, state, third.id)
    assert caught.value.hint == f"Landings that stand: {second.id}."
    with pytest.raises(LandingRefused, match="There is no landing 77"):
        undo(root, state, "77")
    undo(root, state)
    assert standing(root) == {}
    with pytest.raises(LandingRefused, match="no landing to take back"):
        undo(root, state)


def test_folders_come_and_go_with_their_permissions(root: Path, state: Path) -> None:
    put(root, "deep/er/f", TEXT)
    (root / "deep" / "er").chmod(0o700)
    (root / "empty").mkdir()
    writes = (write("deep/er/f", TEXT, None), write("empty/f", None, TEXT), write("new/er/f", None, TEXT))
    land(root, state, writes)
    assert set(standing(root)) == {"empty", "empty/f", "new", "new/er", "new/er/f"}
    undo(root, state)
    assert standing(root) == {"deep": "folder", "deep/er": "folder", "deep/er/f": TEXT, "empty": "folder"}
    assert (root / "deep" / "er").stat().st_mode & 0o777 == 0o700


def test_a_hard_link_keeps_the_old_content_and_the_user_is_told(root: Path, state: Path) -> None:
    put(root, "a", TEXT)
    (root.parent / "twin").hardlink_to(root / "a")
    assert land(root, state, changes(a=(TEXT, OTHER))).notices == ("a had other hard links; they keep the old content",)
    assert (root.parent / "twin").read_bytes() == TEXT.data


def test_a_read_only_file_lands_and_stays_read_only(root: Path, state: Path) -> None:
    put(root, "a", File(b"x", 0o444))
    land(root, state, changes(a=(File(b"x", 0o444), File(b"y", 0o444))))
    assert standing(root) == {"a": File(b"y", 0o444)}


def test_extended_attributes_of_a_file_stay(root: Path, state: Path) -> None:
    put(root, "a", TEXT)
    try:
        os.setxattr(root / "a", "user.origin", b"here")
    except OSError:
        pytest.skip("the file system has no attributes")
    land(root, state, changes(a=(TEXT, OTHER)))
    assert os.getxattr(root / "a", "user.origin") == b"here"


@ROOT_ONLY
def test_root_leaves_a_users_files_to_the_user(root: Path, state: Path) -> None:
    user = pwd.getpwnam("nobody")
    put(root, "a", TEXT)
    for place in (root, root / "a"):
        os.chown(place, user.pw_uid, user.pw_gid)
    land(root, state, (write("a", TEXT, OTHER), write("new/b", None, TEXT), write("c", None, Link("a"))))
    assert {place.lstat().st_uid for place in root.rglob("*")} == {user.pw_uid}


@ROOT_ONLY
@pytest.mark.parametrize("after", [OTHER, None])
def test_an_ordinary_user_is_refused_where_the_folder_is_not_theirs(
    root: Path, state: Path, after: Entry | None
) -> None:
    user = pwd.getpwnam("nobody")
    for folder in root.parents:
        if folder.is_relative_to(tempfile.gettempdir()) and not folder.samefile(tempfile.gettempdir()):
            folder.chmod(0o755)
    put(root, "theirs", TEXT)
    put(root, "locked/f", TEXT)
    state.mkdir()
    for place in (root, state, root / "theirs"):
        os.chown(place, user.pw_uid, user.pw_gid)
    here = standing(root)
    with as_user("nobody"):
        with pytest.raises(Unwritable, match="locked/f cannot be written: Permission denied") as caught:
            land(root, state, (write("theirs", TEXT, OTHER), write("locked/f", TEXT, after)))
        assert "Give yourself access" in caught.value.hint
        assert caught.value.code == 5
        assert standing(root) == here
        secret, locked = File(b"s", 0o200), File(b"l", 0o444)
        land(root, state, changes(theirs=(TEXT, OTHER), secret=(None, secret), locked2=(None, locked)))
    assert standing(root) == {**here, "theirs": OTHER, "secret": secret, "locked2": locked}


@ROOT_ONLY
@pytest.mark.parametrize("full", ["tree", "journal"])
def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path, full: str) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small], capture_output=True, check=False
    ).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        root, state = (small / "root", tmp_path / "state") if full == "tree" else (tmp_path / "root", small / "state")
        root.mkdir()
        put(root, "a", TEXT)
        writes = changes(a=(TEXT, OTHER), b=(None, File(b"x" * 150_000)), c=(None, File(b"y" * 150_000)))
        with pytest.raises(Unwritable, match="No space left on device") as caught:
            land(root, state, writes)
        assert "Free some space" in caught.value.hint
        assert standing(root) == {"a": TEXT}
        assert land(root, state, writes[:1]).paths == ("a",)
    finally:
        subprocess.run(["umount", "-l", small], check=True)


@ROOT_ONLY
@pytest.mark.parametrize("what", ["pages", "names"])
def test_a_disk_that_is_full_at_any_write_leaves_the_tree_untouched_or_complete(tmp_path: Path, what: str) -> None:
    small = tmp_path / "small"
    small.mkdir()
    options = "size=640k,nr_inodes=200"
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", small], capture_output=True, check=False
    ).returncode:
        pytest.skip("nothing can be mounted here")
    outcomes: list[str] = []
    try:
        root, state = small / "root", small / "state"
        root.mkdir()
        put(root, "a", TEXT)
        put(root, "gone/b", TEXT)
        before = standing(root)
        writes = (
            write("a", TEXT, File(b"x" * 20_000)),
            write("gone/b", TEXT, None),
            write("new/c", None, OTHER),
            write("d", None, OTHER),
        )
        after = {**before, "a": File(b"x" * 20_000), "new": "folder", "new/c": OTHER, "d": OTHER}
        del after["gone"], after["gone/b"]
        for left in range(26):
            filled(small, what, left)
            try:
                land(root, state, writes)
                outcomes.append("landed")
                assert standing(root) == after
            except LandingRefused as refused:
                outcomes.append("refused")
                assert ("No space left" in refused.message, bool(refused.hint)) == (True, True)
            for filler in small.glob("filler*"):
                filler.unlink()
            recover(root, state)
            if outcomes[-1] == "landed":
                assert standing(root) == after
                undo(root, state)
            assert standing(root) == before
            shutil.rmtree(state, ignore_errors=True)
    finally:
        subprocess.run(["umount", "-l", small], check=True)
    assert sorted(outcomes, reverse=True) == outcomes
    assert set(outcomes) == {"refused", "landed"}


def filled(disk: Path, what: str, left: int) -> None:
    """Take all room of a disk but so many pages or names."""
    free = os.statvfs(disk)
    if what == "names":
        for number in range(free.f_ffree - left):
            (disk / f"filler{number}").touch()
    else:
        (disk / "filler").write_bytes(b"x" * (free.f_bfree - left) * free.f_frsize)


@pytest.fixture
def plain_renames(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that can neither exchange two names nor rename to a free name only."""
    monkeypatch.setattr(rename, "_rename", lambda *_: False)


@pytest.mark.usefixtures("plain_renames")
def test_landing_and_undo_work_without_the_exchange(root: Path, state: Path) -> None:
    before = prepared(root)
    land(root, state, EVERY)
    assert standing(root)["changed"] == OTHER
    undo(root, state)
    assert standing(root) == before


@pytest.mark.usefixtures("plain_renames")
def test_without_the_exchange_a_failed_landing_is_taken_back_from_the_journal(root: Path, state: Path) -> None:
    for path in "abc":
        put(root, path, TEXT)
    writes = changes(a=(TEXT, OTHER), b=(TEXT, OTHER), c=(TEXT, OTHER), d=(None, TEXT))
    with meanwhile("_swap", lambda: put(root, "c", USERS), call=3), pytest.raises(LandingRefused):
        land(root, state, writes)
    assert standing(root) == {"a": TEXT, "b": TEXT, "c": USERS}


def test_two_landings_of_the_same_change_do_not_meet(root: Path, state: Path) -> None:
    put(root, "a", TEXT)

    def attempt(number: int) -> Landing | None:
        try:
            return land(root, state, changes(a=(TEXT, File(b"%d" % number))))
        except LandingRefused:
            return None

    with ThreadPoolExecutor(6) as pool:
        made = [landing for landing in pool.map(attempt, range(6)) if landing]
    assert len(made) == 1
    assert landings(root, state) == tuple(made)


@contextlib.contextmanager
def held(lock: Path) -> Generator[subprocess.Popen[bytes]]:
    script = (
        "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, 2); print('held', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script, lock], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        yield holder
        holder.kill()


def test_a_landing_waits_for_another_process_and_not_for_a_dead_one(root: Path, state: Path) -> None:
    land(root, state, changes(a=(None, TEXT)))
    (lock,) = state.rglob("lock")
    with held(lock) as holder, ThreadPoolExecutor(1) as pool:
        landing = pool.submit(land, root, state, changes(b=(None, TEXT)))
        with pytest.raises(TimeoutError):
            landing.result(0.3)
        assert set(standing(root)) == {"a"}
        holder.kill()
        assert landing.result().paths == ("b",)


def test_where_nothing_landed_there_is_nothing_to_recover_and_nothing_is_made(root: Path, state: Path) -> None:
    assert recover(root, state) == ()
    assert landings(root, state) == ()
    assert not state.exists()


def test_a_landing_that_was_killed_before_its_commit_is_rolled_back_and_one_after_it_completed(
    root: Path, state: Path
) -> None:
    for moment, how, stands in [("Journal.commit", "rolled back", TEXT), ("complete", "completed", OTHER)]:
        put(root, "a", TEXT)
        child = os.fork()
        if child == 0:
            with meanwhile(moment, lambda: os.kill(os.getpid(), 9)):
                land(root, state, changes(a=(TEXT, OTHER)))
        assert os.waitpid(child, 0)[1] == 9
        (recovered,) = recover(root, state)
        assert (recovered.how, recovered.paths, recovered.kept) == (how, ("a",), ())
        assert standing(root) == {"a": stands}


def test_a_landing_recovers_what_an_earlier_one_left(root: Path, state: Path) -> None:
    put(root, "a", TEXT)
    child = os.fork()
    if child == 0:
        with meanwhile("Journal.commit", lambda: os.kill(os.getpid(), 9)):
            land(root, state, changes(a=(TEXT, OTHER)))
    os.waitpid(child, 0)
    assert land(root, state, changes(a=(TEXT, USERS))).paths == ("a",)
    assert standing(root) == {"a": USERS}


def test_a_recovery_keeps_what_the_user_wrote_after_the_crash_and_says_so(root: Path, state: Path) -> None:
    for path in "ab":
        put(root, path, TEXT)
    child = os.fork()
    if child == 0:
        with meanwhile("Journal.commit", lambda: os.kill(os.getpid(), 9)):
            land(root, state, changes(a=(TEXT, OTHER), b=(TEXT, OTHER), c=(None, OTHER)))
    os.waitpid(child, 0)
    put(root, "a", USERS)
    put(root, "c", USERS)
    (recovered,) = recover(root, state)
    assert (recovered.how, sorted(recovered.kept)) == ("rolled back", ["a", "c"])
    assert standing(root) == {"a": USERS, "b": TEXT, "c": USERS}
    assert recover(root, state) == ()


def test_a_damaged_journal_is_told_and_touches_nothing(root: Path, state: Path) -> None:
    land(root, state, changes(a=(None, TEXT)))
    (contents,) = state.rglob("contents")
    contents.write_bytes(b"x" * contents.stat().st_size)
    with pytest.raises(LandingRefused, match="journal of a landing is damaged"):
        undo(root, state)
    (intent,) = state.rglob("intent.json")
    intent.write_bytes(b"{")
    with pytest.raises(LandingRefused, match="journal of a landing is damaged"):
        landings(root, state)
    assert standing(root) == {"a": TEXT}


def test_the_journal_is_for_its_owner_alone(root: Path, state: Path) -> None:
    land(root, state, changes(a=(None, TEXT)))
    assert {place.stat().st_mode & 0o077 for place in (state, *state.rglob("*")) if place.is_dir()} == {0}


LINES = File(b"".join(b"%d\n" % number for number in range(20)))


def edited(entry: File, old: bytes, new: bytes) -> File:
    return File(entry.data.replace(old, new), entry.mode)


def test_undo_keeps_what_was_edited_elsewhere_since_and_says_so(root: Path, state: Path) -> None:
    landed = edited(LINES, b"3\n4\n", b"three\nfour\n")
    put(root, "a", LINES)
    put(root, "b", TEXT)
    made = land(root, state, changes(a=(LINES, landed), b=(TEXT, OTHER)))
    put(root, "a", edited(landed, b"17\n", b"mine\n"))
    put(root, "b", TEXT)
    told, back = preview(root, state)
    assert (told, back.merged, back.conflicts, [one.path for one in back.writes]) == (made, ("a",), (), ["a"])
    undone = undo(root, state)
    assert undone.notices == ("what was edited in a since is kept", "nothing of it stands in b, which is left as it is")
    assert (undone.paths, undone.left) == (("a",), ("b",))
    assert standing(root) == {"a": edited(LINES, b"17\n", b"mine\n"), "b": TEXT}
    assert redo(root, state).id == made.id
    assert standing(root) == {"a": edited(landed, b"17\n", b"mine\n"), "b": TEXT}
    assert [one.undone for one in landings(root, state)] == [False]


def test_a_preview_names_what_stands_in_the_way_and_changes_nothing(root: Path, state: Path) -> None:
    put(root, "a", LINES)
    land(root, state, (write("a", LINES, edited(LINES, b"3\n", b"three\n")), write("made", None, TEXT)))
    put(root, "a", edited(LINES, b"3\n", b"mine\n"))
    put(root, "made", USERS)
    here = standing(root)
    assert preview(root, state)[1].conflicts == ("a", "made")
    with pytest.raises(LandingRefused, match=r"Edited since they were landed: a, made\. Nothing was taken back"):
        undo(root, state)
    assert standing(root) == here


def test_what_the_user_took_back_by_hand_is_said_and_stays_to_be_taken_back(root: Path, state: Path) -> None:
    put(root, "a", TEXT)
    first = land(root, state, changes(a=(TEXT, OTHER)))
    put(root, "a", TEXT)
    with pytest.raises(LandingRefused, match=f"Nothing of the landing {first.id} stands here"):
        undo(root, state)
    assert (standing(root), landings(root, state)[0].undone) == ({"a": TEXT}, False)
    put(root, "a", OTHER)
    assert undo(root, state).id == first.id


def test_what_was_taken_back_can_be_landed_again_and_again(root: Path, state: Path) -> None:
    before = prepared(root)
    made = land(root, state, EVERY)
    after = standing(root)
    with pytest.raises(LandingRefused, match="nothing to land again"):
        redo(root, state)
    for _ in range(2):
        undo(root, state)
        assert (standing(root), [one.undone for one in landings(root, state)]) == (before, [True])
        again = redo(root, state)
        assert (again.id, again.undone) == (made.id, False)
        assert (standing(root), [one.undone for one in landings(root, state)]) == (after, [False])
    with pytest.raises(LandingRefused, match=f"The landing {made.id} stands"):
        redo(root, state, made.id)


def test_landings_are_landed_again_from_the_last_taken_back_or_by_name(root: Path, state: Path) -> None:
    first = land(root, state, changes(a=(None, TEXT)))
    second = land(root, state, changes(b=(None, TEXT)))
    undo(root, state)
    undo(root, state)
    with pytest.raises(LandingRefused, match="There is no landing 77") as caught:
        redo(root, state, "77")
    assert caught.value.hint == f"Landings that were taken back: {first.id}, {second.id}."
    assert redo(root, state, second.id).id == second.id
    assert redo(root, state).id == first.id
    assert standing(root) == {"a": TEXT, "b": TEXT}


def test_old_landings_are_forgotten_but_never_the_last_ten(root: Path, state: Path) -> None:
    made = [land(root, state, (write(f"f{number}", None, TEXT),)) for number in range(14)]
    assert len(landings(root, state)) == 14
    for folder in state.glob("landings/*/*-*"):
        os.utime(folder, (0, 0))
    made.append(land(root, state, (write("last", None, TEXT),)))
    assert landings(root, state) == tuple(reversed(made[-10:]))


def test_landings_that_take_up_too_much_are_forgotten_from_the_oldest(
    root: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assent_core.landing.journal.LARGEST_KEPT", 120_000)
    made = [land(root, state, (write(f"f{n}", None, File(b"x" * (90_000 if n == 1 else 9_000))),)) for n in range(14)]
    assert landings(root, state) == tuple(reversed(made[-12:]))


def test_killed_at_random_moments_the_tree_is_wholly_before_or_wholly_after() -> None:
    done = subprocess.run(
        [sys.executable, CAMPAIGN, "--rounds", "40", "--seed", "7"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "wrong: 0" in done.stdout


def test_an_error_of_the_disk_in_the_journal_is_told_too(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LandingRefused, match=os.strerror(errno.ENOTDIR)):
        land(root, tmp_path / "file", changes(a=(None, TEXT)))
    assert standing(root) == {}


def test_undo_where_nothing_of_it_stands_is_refused_and_keeps_the_landing_for_later(root: Path, state: Path) -> None:
    landed = land(root, state, (Write(path="new", before=None, after=File(b"landed\n")),))
    (root / "new").rename(root.parent / "elsewhere")
    with pytest.raises(LandingRefused, match="nothing to take back: new") as refused:
        undo(root, state)
    assert "another branch or in a stash" in refused.value.hint
    assert [one.undone for one in landings(root, state)] == [False]
    (root.parent / "elsewhere").rename(root / "new")
    assert undo(root, state).id == landed.id
    assert not (root / "new").exists()


def test_undo_of_what_another_branch_has_otherwise_leaves_that_and_is_refused(root: Path, state: Path) -> None:
    lines = [f"{number}\n".encode() for number in range(20)]
    before, after = File(b"".join(lines)), File(b"".join([*lines[:2], b"landed\n", *lines[3:]]))
    (root / "text").write_bytes(before.data)
    land(root, state, (Write(path="text", before=before, after=after),))
    (root / "text").write_bytes(b"".join([*lines[:15], b"of another branch\n", *lines[16:]]))
    with pytest.raises(LandingRefused, match="nothing to take back: text"):
        undo(root, state)
    assert b"of another branch" in (root / "text").read_bytes()
    assert [one.undone for one in landings(root, state)] == [False]


def test_undo_of_a_part_says_what_is_left(root: Path, state: Path) -> None:
    wrote = tuple(Write(path=name, before=None, after=File(b"landed\n")) for name in ("here", "gone"))
    land(root, state, wrote)
    (root / "gone").unlink()
    back = undo(root, state)
    assert (back.paths, back.left) == (("here",), ("gone",))
    assert back.notices == ("nothing of it stands in gone, which is left as it is",)
    assert not (root / "here").exists()
