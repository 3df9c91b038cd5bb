"""The folder in which a stage is kept: its lock, what it is a stage of, a scratch place, the mark of a running command."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Self

import msgspec
from msgspec import Struct

from assent_sandbox.policy import Tier
from assent_sandbox.stage import LockedError, StageError
from assent_sandbox.view import tree
from assent_sandbox.view.bases import latin

_FORMAT = 1
_WIDTH = 24
"""Of a mark, in digits and spaces."""


class Meta(Struct, frozen=True):
    """What a stage's folder says of itself."""

    root: str
    """Absolute path of the repository, as bytes read as Latin-1."""
    tier: Tier
    format: int = _FORMAT
    layered: bool = False
    """Whether it is layered on another stage, so that it means nothing without the process that made it."""
    lowered: str = ""
    """Why there is no higher tier."""


class Folder:
    """A stage's folder, locked as long as this value is open."""

    def __init__(self, home: str, lock: int) -> None:
        self.home = home
        self._lock = lock
        self._count = 0

    @classmethod
    def open(cls, home: str) -> Self:
        """Make the folder if it is missing, and lock it; raises LockedError if another process has it."""
        try:
            os.makedirs(home, mode=0o700, exist_ok=True)
            os.chmod(home, 0o700)
            lock = os.open(f"{home}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            usual = (
                "Check the permissions of its parent folder, or name another for the state of assent: ASSENT_STATE_DIR."
            )
            raise StageError(
                f"the stage's folder {home} cannot be made: {error.strerror}", tree.advice(error, usual)
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise LockedError(
                "this stage is open in another assent", "End the other one, or start a session of its own here."
            ) from error
        tree.erase(f"{home}/scratch")
        os.mkdir(f"{home}/scratch", 0o700)
        return cls(home, lock)

    def meta(self) -> Meta | None:
        """What the folder is a stage of; None if it is a fresh one."""
        try:
            with open(f"{self.home}/stage.json", "rb") as file:
                found = msgspec.json.decode(file.read(), type=Meta)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise StageError(
                f"the stage in {self.home} cannot be read: {error}", "Delete that folder to begin anew."
            ) from error
        if found.format != _FORMAT:
            raise StageError(
                f"the stage in {self.home} was made by another version of assent",
                "Finish it with that version, or delete it.",
            )
        return found

    def describe(self, root: str, tier: Tier, lowered: str = "", *, layered: bool = False) -> None:
        """Write down what this is a stage of."""
        draft = self.draft()
        meta = Meta(latin(root), tier, layered=layered, lowered=lowered)
        with open(draft, "wb") as file:
            file.write(msgspec.json.encode(meta))
        os.rename(draft, f"{self.home}/stage.json")

    def draft(self) -> str:
        """A path in the scratch place where nothing stands, on the same file system as the view."""
        self._count += 1
        return f"{self.home}/scratch/{self._count}"

    def now(self) -> int:
        """The time by the clock that stamps files here, in nanoseconds: what is stamped earlier has not changed since."""
        draft = self.draft()
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            return os.fstat(file).st_ctime_ns
        finally:
            os.close(file)
            os.unlink(draft)

    def mark(self) -> int:
        """Note that a command runs, and give the time by the clock that stamps files, in nanoseconds.

        The file stays and is written over: making and deleting it costs more than all else that is done here.
        """
        file = os.open(f"{self.home}/running", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.utime(file)
            now = os.fstat(file).st_ctime_ns
            os.pwrite(file, b"%*d" % (_WIDTH, now), 0)
        finally:
            os.close(file)
        return now

    def marked(self) -> int | None:
        """The mark of a command whose traces were never recorded, because assent was killed meanwhile."""
        try:
            with open(f"{self.home}/running", "rb") as file:
                noted = file.read().strip()
        except FileNotFoundError:
            return None
        return int(noted) if noted else None

    def unmark(self) -> None:
        """Note that no command runs and all traces are recorded."""
        with suppress(FileNotFoundError):
            file = os.open(f"{self.home}/running", os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.pwrite(file, b" " * _WIDTH, 0)
            finally:
                os.close(file)

    def unlock(self) -> None:
        """Let others open the folder; doing it twice is no error."""
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1

    def empty(self) -> None:
        """Delete everything in the folder but its lock, to begin anew."""
        for name in os.listdir(self.home):
            if name != "lock":
                tree.erase(f"{self.home}/{name}")
        os.mkdir(f"{self.home}/scratch", 0o700)

    def erase(self) -> None:
        """Delete the folder with all that is in it; what it is a stage of goes last, so that a rest can be swept."""
        for name in sorted(os.listdir(self.home), key=lambda name: name in ("lock", "stage.json")):
            tree.erase(f"{self.home}/{name}")
        os.rmdir(self.home)


@contextmanager
def told(path: str) -> Generator[None]:
    """Say in words what the file system refused."""
    try:
        yield
    except OSError as error:
        raise StageError(
            f"{path} cannot be staged: {error.strerror}", "Check the space and the permissions of the state folder."
        ) from error


def is_layered(home: str) -> bool:
    """Whether a folder says that its stage is layered on another; one that cannot be read does not."""
    try:
        with open(f"{home}/stage.json", "rb") as file:
            return msgspec.json.decode(file.read(), type=Meta).layered
    except (OSError, msgspec.DecodeError):
        return False
