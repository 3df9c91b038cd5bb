"""What the machine does to a session: folders go, files cannot be opened or written, clocks jump; nothing is lost."""

import errno
import os
import resource
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from assent_core import machine
from assent_core.consent.ledger import Grant, Ledger
from assent_core.diffs.review import decide
from assent_core.errors import AssentError
from assent_core.events import Ended, Performed
from assent_core.landing.landings import Write, land, landings, undo
from assent_core.memory.record import read
from assent_sandbox.policy import Widening
from assent_sandbox.stage import File, StageError
from rehearsed import CALC, FIX, of, told, tree

EDIT = f"[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nsay = 'Repaired.'\n"
MORE = "[[worker]]\nshell = 'echo on'\n[[worker]]\nsay = 'Going on.'\n"


async def staged(session) -> list[str]:
    review, _ = await session.review()
    return [file.path for file in review.files]


@contextmanager
def few_files(spare: int):
    """So many files can still be opened, and no more."""
    earlier = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = {int(entry.name) for entry in Path("/proc/self/fd").iterdir()}
    free = next(number for number in range(earlier[0]) if number not in taken)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + spare, earlier[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, earlier)


async def test_a_repository_that_is_moved_away_ends_the_turn_with_a_hint_and_moved_back_it_goes_on(opened, repository):
    session = await opened(EDIT + MORE + MORE)
    await told(session.turn("repair it"))
    away = repository.with_name("elsewhere")
    repository.rename(away)
    events = await told(session.turn("go on"))
    ended = of(Ended, events)[-1]
    assert (ended.how, bool(ended.hint)) == ("environment", True)
    away.rename(repository)
    assert of(Ended, await told(session.turn("go on")))[-1].how == "done"
    assert await staged(session) == ["calc.py"]


async def test_a_command_over_a_repository_that_was_moved_ends_with_a_hint_and_is_no_fault_of_ours(opened, repository):
    session = await opened("")
    away = repository.with_name("elsewhere")
    repository.rename(away)
    for work in (session.run(("true",)), session.repair(("true",))):
        ended = of(Ended, await told(work))[-1]
        assert (ended.how, ended.code, "moved" in ended.hint) == ("environment", 5, True)
    away.rename(repository)
    assert of(Ended, await told(session.run(("true",))))[-1].how == "done"


async def test_a_repository_that_is_deleted_is_said_and_what_was_staged_is_kept(opened, repository):
    session = await opened(EDIT + MORE)
    await told(session.turn("repair it"))
    copy = shutil.copytree(repository, repository.with_name("copy"), symlinks=True)
    shutil.rmtree(repository)
    with pytest.raises((StageError, AssentError)) as refused:
        await session.review()
    assert refused.value.hint
    await session.close()
    shutil.copytree(copy, repository, symlinks=True)
    again = await opened(session)
    assert await staged(again) == ["calc.py"]


@pytest.mark.parametrize("damage", ["gone", "a file"])
async def test_a_damaged_upper_folder_is_an_error_with_a_hint_and_the_real_files_are_untouched(
    opened, repository, tmp_path, damage
):
    session = await opened(EDIT + MORE)
    await told(session.turn("repair it"))
    before = tree(repository)
    view = session._bench.performer.stage.view
    if view.tier != "overlay":
        pytest.skip("this machine has no overlay")
    shutil.rmtree(view.upper)
    if damage == "a file":
        Path(view.upper).write_text("not a folder")
    ended = of(Ended, await told(session.turn("go on")))[-1]
    assert (ended.how, bool(ended.message), bool(ended.hint)) == ("environment", True, True)
    await session.close()
    assert tree(repository) == before


async def test_no_more_open_files_end_a_turn_with_a_hint_and_with_more_of_them_it_goes_on(opened):
    session = await opened(EDIT + MORE + MORE)
    await told(session.turn("repair it"))
    with few_files(1):
        ended = of(Ended, await told(session.turn("go on")))[-1]
    assert (ended.how != "done", bool(ended.hint)) == (True, True), ended
    assert of(Ended, await told(session.turn("go on")))[-1].how == "done"
    assert await staged(session) == ["calc.py"]


def test_a_line_that_could_not_be_written_whole_is_no_half_line(tmp_path):
    code = f"""
import resource, signal
from pathlib import Path
from assent_core.events import Noticed
from assent_core.memory.record import Record
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
record = Record(Path({str(tmp_path)!r}, "one.jsonl"), "one", Path("/r"), str)
record.append(Noticed(text="first"))
resource.setrlimit(resource.RLIMIT_FSIZE, (400, resource.RLIM_INFINITY))
try:
    record.append(Noticed(text="x" * 1000))
except OSError as error:
    print(error.errno)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
record.append(Noticed(text="last"))
"""
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | paths, check=True
    )
    assert int(done.stdout) == errno.EFBIG
    passage = read(tmp_path / "one.jsonl")
    assert [line.what.text for line in passage.lines] == ["first", "last"]
    assert machine.refusal(OSError(errno.EFBIG, "x")) is not None


def test_landings_keep_their_order_and_grants_their_end_when_the_clock_jumps(tmp_path, monkeypatch):
    root, state = tmp_path / "root", tmp_path / "state"
    root.mkdir()
    now = time.time()
    ids = []
    for number, jump in enumerate((0, -400 * 24 * 3600, 10 * 365 * 24 * 3600, 0)):
        monkeypatch.setattr(time, "time", lambda jump=jump: now + jump)
        before = File(f"{number}\n".encode()) if number else None
        ids.append(land(root, state, (Write(path="a", before=before, after=File(f"{number + 1}\n".encode())),)).id)
    assert [one.id for one in landings(root, state)] == ids[::-1]
    assert undo(root, state).id == ids[-1]
    assert (root / "a").read_bytes() == b"3\n"
    ledger = Ledger(tmp_path / "ledger")
    grant = Grant(id="g", widening=Widening("network"), scope="project", root="/r", time=now, until=now + 60)
    ledger.append(grant)
    assert ledger.grants("/r", now + 59) == (grant,)
    assert ledger.grants("/r", now + 61) == ()


async def test_a_clock_that_jumps_within_a_turn_harms_nothing(opened, repository, monkeypatch):
    session = await opened(EDIT + MORE)
    real, jumps = time.time, iter(range(10**6))
    monkeypatch.setattr(time, "time", lambda: real() + (-1) ** next(jumps) * 10**8)
    assert of(Ended, await told(session.turn("repair it")))[-1].how == "done"
    review, _ = await session.review()
    await session.land(decide(review, [hunk.id for hunk in review.files[0].hunks], "accepted"))
    assert (repository / "calc.py").read_text() == CALC.replace("left - right", "left + right")
    performed = of(Performed, await told(session.turn("go on")))
    assert all(0 <= event.seconds < 10**6 for event in performed)


def as_owner_without_rights(*argv: str) -> list[str]:
    """A command that is held to the permissions of files also where the tests run as root."""
    if os.geteuid() == 0:
        return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *argv]
    return list(argv)


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="needs setpriv")
@pytest.mark.parametrize("folder", [".", "sessions"])
def test_a_state_directory_that_cannot_be_written_is_said_with_a_hint(
    tmp_path, surroundings, rehearse, repository, folder
):
    state = tmp_path / "read-only"
    (state / folder).mkdir(parents=True)
    (state / folder).chmod(0o500)
    before = tree(repository)
    variables = {"ASSENT_STATE_DIR": str(state), "OPENAI_BASE_URL": rehearse(EDIT).url}
    argv = as_owner_without_rights(
        str(Path(sys.executable).with_name("assent")), "fix", "--apply", "--unverified", "mend"
    )
    done = subprocess.run(
        argv, cwd=repository, env=surroundings | variables, capture_output=True, text=True, timeout=200, check=False
    )
    (state / folder).chmod(0o700)
    assert done.returncode in (1, 5), done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr and "fault of assent" not in done.stderr
    assert tree(repository) == before
    assert not list(tmp_path.rglob("crash-*"))


@pytest.mark.parametrize("most", [12, 20])
def test_a_program_with_too_few_files_says_so(surroundings, rehearse, repository, most):
    before = tree(repository)
    variables = {"OPENAI_BASE_URL": rehearse(EDIT).url}
    command = f"ulimit -n {most}; exec '{Path(sys.executable).with_name('assent')}' fix --apply --unverified mend"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=repository,
        env=surroundings | variables,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert "Traceback" not in done.stderr and "fault of assent" not in done.stderr, done.stderr
    assert done.returncode == 0 or (done.returncode in (5, 6) and "hint: " in done.stderr), done.stderr
    assert tree(repository) == before or done.returncode == 0
    assert not list(Path(surroundings["XDG_STATE_HOME"]).rglob("crash-*"))


def test_a_fault_of_ours_is_not_blamed_on_the_machine():
    assert machine.refusal(FileNotFoundError(errno.ENOENT, "x", "y")) is None
    said = machine.refusal(PermissionError(errno.EACCES, "x", "/state/raw\udcff"))
    assert said is not None and said.message == "Permission is missing: /state/raw\udcff."
