"""The accounts are written beside the work, by several sessions at once, and hold no text of anybody."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import msgspec
import pytest

from assent_core.diffs.review import decide
from assent_core.events import Billed, Ended
from assent_core.money.accounts import VERSION, Accounts, Landing, Payment, Spent, Task, opened
from assent_core.settings import RoleSettings
from rehearsed import CHECK, FIX, of, told


def payment(**fields) -> Payment:
    given = {"time": time.time(), "session": "s", "repo": "/r", "role": "worker", "model": "m", "work": "edit"} | fields
    return Payment(**given)


def rows(path, table: str) -> list[dict[str, object]]:
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(f"SELECT * FROM {table} ORDER BY time")]


def test_what_is_written_is_there_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "state" / "accounts.db"
    accounts = Accounts(path)
    task = Task(id="t", time=1.0, session="s", repo="/r", kind="fix", outcome="done", verified=True, failure="test")
    accounts.write(payment(time=2.0, usd=0.25, input=10), task)
    accounts.write(Landing(task="t", lines=7))
    accounts.flush()
    [row] = rows(path, "requests")
    assert row == msgspec.to_builtins(payment(time=2.0, usd=0.25, input=10))
    [row] = rows(path, "tasks")
    assert row == msgspec.to_builtins(task) | {"landed": 7, "verified": 1}
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_taken_back_is_no_longer_landed(tmp_path):
    accounts = Accounts(tmp_path / "accounts.db")
    accounts.write(Task(id="t", time=1.0, session="s", repo="/r", kind="turn", outcome="done"))
    accounts.write(Landing(task="t", lines=7), Landing(task="t", lines=-7))
    accounts.flush()
    assert [row["landed"] for row in rows(tmp_path / "accounts.db", "tasks")] == [0]


def test_several_processes_write_at_once_and_nothing_is_lost(tmp_path):
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from assent_core.money import accounts as module\n"
        "from assent_core.money.accounts import Accounts, Payment\n"
        "module.BUSY_SECONDS, troubles = 90.0, []\n"
        "accounts = Accounts(Path(sys.argv[1]), troubles.append)\n"
        "for number in range(100):\n"
        "    accounts.write(Payment(time=time.time(), session=sys.argv[2], repo='/r', role='worker', model='m', work='edit'))\n"
        "    if number % 10 == 0: accounts.flush()\n"
        "accounts.flush()\n"
        "sys.exit(bool(troubles))\n"
    )
    path = tmp_path / "accounts.db"
    running = [subprocess.Popen([sys.executable, "-c", code, str(path), str(number)]) for number in range(4)]
    assert [process.wait(200) for process in running] == [0] * 4
    sessions = [row["session"] for row in rows(path, "requests")]
    assert {name: sessions.count(name) for name in set(sessions)} == dict.fromkeys("0123", 100)


def test_the_program_does_not_end_before_the_last_row_is_written(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\nfrom assent_core.money.accounts import Accounts, Payment\n"
        "Accounts(Path(sys.argv[1])).write(Payment(time=1.0, session='s', repo='/', role='worker', model='m', work='edit'))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "accounts.db")], check=True, timeout=200)
    assert len(rows(tmp_path / "accounts.db", "requests")) == 1


def test_what_a_hostile_server_counts_and_calls_itself_is_kept_as_well(tmp_path):
    accounts = Accounts(tmp_path / "accounts.db", pytest.fail)
    accounts.write(payment(model="\ud800\x00'; DROP TABLE requests; --", input=1 << 80, repo="/caf\udce9"))
    accounts.flush()
    [row] = rows(tmp_path / "accounts.db", "requests")
    assert (row["input"], row["repo"]) == (1 << 53, "/caf\\udce9")
    assert "DROP" in row["model"]


def test_a_writer_that_is_held_up_holds_nobody_up(tmp_path):
    path = tmp_path / "accounts.db"
    accounts = Accounts(path)
    accounts.write(payment())
    accounts.flush()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        accounts.write(payment(), payment())
        waiting = accounts._thread
        assert waiting is not None
        assert waiting.is_alive()
        other.execute("COMMIT")
    accounts.flush()
    assert len(rows(path, "requests")) == 3


def test_a_file_that_cannot_be_written_is_told_once_and_the_rows_wait_for_it(tmp_path):
    path = tmp_path / "accounts.db"
    path.write_bytes(b"this is no database, and it is not ours " * 100)
    troubles: list[str] = []
    accounts = Accounts(path, troubles.append)
    for _ in range(3):
        accounts.write(payment(usd=0.5))
        accounts.flush()
    assert len(troubles) == 1
    assert str(path) in troubles[0]
    assert accounts.spent(0.0) == Spent(1.5, 0)
    assert b"this is no database" in path.read_bytes()
    path.unlink()
    accounts.write(payment(usd=0.5))
    accounts.flush()
    assert len(rows(path, "requests")) == 4


def test_what_failed_is_tried_once_more_at_the_end(tmp_path):
    accounts = Accounts(tmp_path / "accounts.db")
    (tmp_path / "accounts.db").mkdir()
    accounts.write(payment())
    if accounts._thread:
        accounts._thread.join()
    (tmp_path / "accounts.db").rmdir()
    accounts.flush()
    assert len(rows(tmp_path / "accounts.db", "requests")) == 1


def test_a_link_in_its_place_is_not_followed(tmp_path):
    (tmp_path / "accounts.db").symlink_to(tmp_path / "elsewhere")
    troubles: list[str] = []
    accounts = Accounts(tmp_path / "accounts.db", troubles.append)
    accounts.write(payment())
    accounts.flush()
    assert len(troubles) == 1
    assert not (tmp_path / "elsewhere").exists()


def test_accounts_of_a_newer_assent_are_left_alone(tmp_path):
    path = tmp_path / "accounts.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    troubles: list[str] = []
    accounts = Accounts(path, troubles.append)
    accounts.write(payment())
    accounts.flush()
    assert "newer" in troubles[0] or f"format {VERSION + 1}" in troubles[0]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_a_day_is_the_sum_of_all_sessions_and_unpriced_tokens_are_counted_apart(tmp_path):
    one, other = Accounts(tmp_path / "accounts.db"), Accounts(tmp_path / "accounts.db")
    one.write(payment(time=100.0, usd=1.0), payment(time=200.0, usd=2.0, input=99))
    other.write(payment(time=201.0, usd=None, input=30, output=4))
    other.flush()
    assert one.spent(150.0) == Spent(2.0, 34)


@pytest.fixture
def account(tmp_path):
    return tmp_path / "state" / "accounts.db"


async def test_a_turn_enters_its_requests_and_its_task(opened, account, repository):
    session = await opened(f"[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nsay = 'Done.'\n")
    billed = of(Billed, await told(session.turn("my secret prompt: fix it")))
    session._bench.books.flush()
    made = rows(account, "requests")
    assert [row["usd"] for row in made] == pytest.approx([event.usd for event in billed])
    assert {(row["role"], row["work"], row["outcome"], row["repo"]) for row in made} == {
        ("worker", "edit", "done", str(repository))
    }
    assert all(0 < row["first"] <= row["seconds"] for row in made)
    [task] = rows(account, "tasks")
    assert (task["kind"], task["outcome"], task["landed"]) == ("turn", "done", 0)
    assert {row["task"] for row in made} == {task["id"]}
    assert b"my secret prompt" not in account.read_bytes()


async def test_a_fix_is_verified_and_what_lands_is_credited_to_it_until_it_is_undone(opened, account):
    session = await opened(f"[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nsay = 'Done.'\n")
    await told(session.repair(CHECK))
    review, _ = await session.review()
    await session.land(decide(review, tuple(h.id for f in review.files for h in f.hunks), "accepted"))
    session._bench.books.flush()
    [task] = rows(account, "tasks")
    assert (task["kind"], task["outcome"], task["verified"], task["failure"]) == ("fix", "done", 1, "test")
    assert task["landed"] == 2
    await session.undo()
    session._bench.books.flush()
    assert [row["landed"] for row in rows(account, "tasks")] == [0]


async def test_an_image_is_entered_as_work_on_an_image(opened, account, repository):
    (repository / "a.png").write_bytes(b"png")
    session = await opened("[[worker]]\nsay = 'A cat.'\n")
    await told(session.turn("see", (repository / "a.png",)))
    session._bench.books.flush()
    assert [row["work"] for row in rows(account, "requests")] == ["image"]


async def test_who_wants_no_accounts_has_none(opened, account):
    session = await opened("[[worker]]\nsay = 'Done.'\n", accounts=False, budget_day=1.0)
    await told(session.turn("go"))
    session._bench.books.flush()
    assert not account.exists()


async def test_a_model_has_one_name_with_and_without_its_date(opened, account):
    worker = RoleSettings("gpt-5.4-mini-2026-03-17", "low")
    session = await opened("[[worker]]\nsay = 'Done.'\n", worker=worker)
    await told(session.turn("go"))
    session._bench.books.flush()
    assert [row["model"] for row in rows(account, "requests")] == ["gpt-5.4-mini"]


async def test_a_request_that_fails_is_entered_with_the_name_of_its_error(opened, account):
    session = await opened("[[worker]]\nfault = { status = 401 }\n")
    await told(session.turn("go"))
    session._bench.books.flush()
    [row] = rows(account, "requests")
    assert (row["outcome"], row["usd"], row["input"]) == ("KeyRefused", 0.0, 0)
    assert [task["outcome"] for task in rows(account, "tasks")] == ["failed"]


async def test_accounts_that_cannot_be_kept_stop_no_work_and_are_told_once(opened, account):
    account.parent.mkdir()
    account.mkdir()
    session = await opened(f"[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nsay = 'Done.'\n[[worker]]\nsay = 'Yes.'\n")
    events = await told(session.turn("fix it")) + await told(session.turn("sure?"))
    assert [event.how for event in of(Ended, events)] == ["done", "done"]
    assert sum("accounts cannot be kept" in getattr(event, "text", "") for event in events) == 1


def test_reading_before_anything_was_written_finds_nothing(tmp_path):
    with opened(tmp_path / "accounts.db") as database:
        assert database.execute("SELECT count(*) FROM requests").fetchone() == (0,)
