"""The accounts over weeks: each request and each task in one SQLite file that several sessions write to."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec
from msgspec import Struct

from assent_core.errors import EnvironmentFault

Kind = Literal["turn", "fix", "run", "verify", "plan", "compact"]
"""What a task is: a prompt, the `fix` loop, a command of the user's own, a check of a selection, a plan, `/compact`."""

VERSION = 1
"""The version of the schema; it stands in the file as `user_version`."""
BUSY_SECONDS = 5.0
"""How long a writer waits for another session's."""
LARGEST = 1 << 53
"""No count is larger; sums of such stay exact enough and within what SQLite takes."""
MOST_WAITING = 10_000
"""Rows that are kept while the file cannot be written; older ones are lost."""

SCHEMA = """
CREATE TABLE requests (
    time REAL NOT NULL, session TEXT NOT NULL, repo TEXT NOT NULL, task TEXT NOT NULL, role TEXT NOT NULL,
    model TEXT NOT NULL, work TEXT NOT NULL, input INTEGER NOT NULL, cached INTEGER NOT NULL, output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL, usd REAL, prices TEXT NOT NULL, first REAL NOT NULL, seconds REAL NOT NULL,
    requests INTEGER NOT NULL, outcome TEXT NOT NULL);
CREATE INDEX requests_by_time ON requests (time);
CREATE TABLE tasks (
    id TEXT PRIMARY KEY, time REAL NOT NULL, session TEXT NOT NULL, repo TEXT NOT NULL, kind TEXT NOT NULL,
    outcome TEXT NOT NULL, verified INTEGER, failure TEXT NOT NULL, seconds REAL NOT NULL,
    landed INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX tasks_by_time ON tasks (time);
"""


class Payment(Struct, frozen=True, kw_only=True):
    """One request as the accounts keep it; the names are the columns. No text of a prompt, an answer or an error."""

    time: float
    session: str
    repo: str
    task: str = ""
    role: str
    model: str
    work: str
    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    usd: float | None = None
    """None where no price or no usage is known."""
    prices: str = ""
    first: float = 0.0
    """Seconds to the first piece of the answer; 0 where none came."""
    seconds: float = 0.0
    requests: int = 1
    """How often it was sent, retries included."""
    outcome: str = "done"
    """`done`, `incomplete`, `invalid`, `cancelled`, or the name of the error that ended it."""


class Task(Struct, frozen=True, kw_only=True):
    """One task as the accounts keep it; the names are the columns."""

    id: str
    time: float
    session: str
    repo: str
    kind: Kind
    outcome: str
    """How it ended, as `Ended.how` says."""
    verified: bool | None = None
    """Whether the last command that checked it passed; None: nothing did."""
    failure: str = ""
    """The class of the last failure that it met."""
    seconds: float = 0.0


class Landing(Struct, frozen=True, kw_only=True):
    """Lines of a task that landed, or were taken back (below 0)."""

    task: str
    lines: int


class Spent(Struct, frozen=True):
    """A sum: dollars, and the tokens that no price is known for."""

    usd: float = 0.0
    unpriced: int = 0


Row = Payment | Task | Landing
PAYMENT, TASK = Payment.__struct_fields__, Task.__struct_fields__


class Accounts:
    """Writes rows from a thread of its own, so that nothing waits for the disk; what cannot be written is told once.

    The thread lives while there is something to write, and the program does not end before it is done.
    """

    def __init__(self, path: Path, troubled: Callable[[str], None] = lambda _: None) -> None:
        self.path = path
        self._troubled = troubled
        self._told = False
        self._lock = threading.Lock()
        self._rows: list[Row] = []
        self._thread: threading.Thread | None = None

    def write(self, *rows: Row) -> None:
        """Have rows written soon."""
        with self._lock:
            self._rows += rows
            if self._thread is None:
                self._thread = threading.Thread(target=self._drain, name="accounts")
                self._thread.start()

    def flush(self) -> None:
        """Wait until all that was given so far is written, or has failed to be; what failed before is tried once more."""
        if thread := self._thread:
            thread.join()
        if self._rows:
            self.write()
            if thread := self._thread:
                thread.join()

    def spent(self, since: float) -> Spent:
        """What all sessions have spent since a time (epoch), rows that could not be written included; blocks."""
        self.flush()
        waiting = [row for row in self._rows if isinstance(row, Payment) and row.time >= since]
        usd = sum(row.usd or 0.0 for row in waiting)
        unpriced = sum(row.input + row.output for row in waiting if row.usd is None)
        try:
            with opened(self.path) as database:
                found = database.execute(SPENT, (since,)).fetchone()
        except (sqlite3.Error, OSError, EnvironmentFault) as error:
            self._trouble(error)
            return Spent(usd, unpriced)
        return Spent(usd + found[0], unpriced + found[1])

    def _drain(self) -> None:
        """Write until nothing is left; after a failure the rows wait for the next ones."""
        while True:
            with self._lock:
                rows, self._rows = self._rows, []
                if not rows:
                    self._thread = None
                    return
            try:
                save(self.path, rows)
            except (sqlite3.Error, OSError, EnvironmentFault) as error:
                with self._lock:
                    self._rows = [*rows, *self._rows][-MOST_WAITING:]
                    self._thread = None
                self._trouble(error)
                return

    def _trouble(self, error: Exception) -> None:
        if not self._told:
            self._told = True
            self._troubled(f"The accounts cannot be kept, so `assent stats` will lack this: {self.path}: {error}")


SPENT = """SELECT total(usd), CAST(total(CASE WHEN usd IS NULL THEN input + output END) AS INTEGER)
FROM requests WHERE time >= ?"""


def save(path: Path, rows: Iterable[Row]) -> None:
    """Write rows in one transaction; raises sqlite3.Error or OSError and then has written none."""
    given = tuple(rows)
    with closing(_writable(path)) as database:
        database.execute("BEGIN IMMEDIATE")
        for row in given:
            match row:
                case Payment():
                    database.execute(_insert("requests", PAYMENT), _storable(row))
                case Task():
                    database.execute(_insert("tasks", TASK), _storable(row))
                case Landing(task=task, lines=lines):
                    database.execute("UPDATE tasks SET landed = max(0, landed + ?) WHERE id = ?", (lines, task))
        database.execute("COMMIT")


@contextmanager
def opened(path: Path) -> Generator[sqlite3.Connection]:
    """The accounts for reading; EnvironmentFault where the file is none of ours."""
    database = _writable(path)
    try:
        yield database
    finally:
        database.close()


def _storable(row: Payment | Task) -> tuple[object, ...]:
    """Values as SQLite takes them, whatever a server or a file system called or counted itself."""

    def value(given: object) -> object:
        match given:
            case bool():
                return given
            case int():
                return max(-LARGEST, min(LARGEST, given))
            case str():
                return given.encode(errors="backslashreplace").decode()
            case _:
                return given

    return tuple(map(value, msgspec.structs.astuple(row)))


def _insert(table: str, columns: tuple[str, ...]) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names of our own


def _writable(path: Path) -> sqlite3.Connection:
    """A connection to the accounts, made if there are none, readable by their owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    uri = f"file:{quote(str(path))}?mode=rw"
    database = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        _settle(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _settle(database: sqlite3.Connection, path: Path) -> None:
    """Bring the schema to this version; several sessions may try at once."""
    database.execute("PRAGMA synchronous = NORMAL")
    if _version(database) == 0:
        _patiently(lambda: database.execute("PRAGMA journal_mode = WAL"))
        database.execute("BEGIN IMMEDIATE")
        if _version(database) == 0:
            for statement in filter(str.strip, SCHEMA.split(";")):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("COMMIT")
    if (version := _version(database)) != VERSION:
        raise EnvironmentFault(
            f"{path} has the format {version}, and this assent knows {VERSION}.",
            "A newer assent wrote it: update this one, or move the file away.",
        )


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _patiently(work: Callable[[], object]) -> None:
    """Do what SQLite refuses at once, without its timeout, while another session does the same."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            work()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
