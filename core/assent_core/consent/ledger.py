"""The consent ledger: every decision, grant and revocation as a line of a file that is only ever appended to."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from assent_core.consent.standing import Script, Standing
from assent_core.redaction.values import redacted
from assent_sandbox.policy import Widening

Scope = Literal["once", "task", "session", "project"]
Decider = Literal["walls", "rule", "grant", "user", "nobody"]
"""Who decided: nothing was reached (walls), a rule of the settings, a remembered grant, the user, or nobody was there."""


class Grant(Struct, frozen=True, kw_only=True, tag="granted", tag_field="line"):
    """A remembered yes to exactly one widening; it never means unconfined. Times in seconds since the epoch.

    A grant without an end (`until`) is not honoured. `stands` is what stood at its target, `scripts` what was run when it was
    given: it is for commands that run nothing else, with the same bytes.
    """

    id: str
    widening: Widening
    scope: Scope
    root: str
    session: str = ""
    time: float
    until: float | None = None
    why: str = ""
    stands: Standing = Standing()
    scripts: tuple[Script, ...] = ()


class Revocation(Struct, frozen=True, kw_only=True, tag="revoked", tag_field="line"):
    """The end of a grant before its time."""

    id: str
    time: float
    why: str = ""


class Entry(Struct, frozen=True, kw_only=True, tag="decided", tag_field="line"):
    """One decision: `what` is the proposal in words, safe to print; `until` is the end of a grant that came of it."""

    time: float
    session: str
    root: str
    what: str
    widenings: tuple[Widening, ...] = ()
    allowed: bool
    by: Decider
    why: str
    scope: Scope = "once"
    until: float | None = None


Line = Grant | Revocation | Entry


class Ledger:
    """The ledger in one file (mode 0600); several sessions may write to it at the same time.

    Secrets are taken out on the way in. A line that was torn by a crash, or that this version cannot
    read, is passed over. Writing raises OSError.
    """

    def __init__(self, path: Path, redact: Callable[[str], str] = lambda text: text) -> None:
        self.path = path
        self._redact = redact
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder[Line](Line)
        self._grants: dict[str, Grant] = {}
        self._read = 0

    def append(self, line: Line) -> None:
        """Write one line and wait until the disk has it."""
        with self._opened() as file:
            size = os.fstat(file).st_size
            torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
            data = b"\n" * torn + self._encoder.encode(self._safe(line)) + b"\n"
            if os.write(file, data) != len(data):
                raise OSError(f"{self.path}: the disk took only a part of the line")
            os.fsync(file)

    def lines(self) -> tuple[Line, ...]:
        """All lines that can be read, oldest first."""
        return tuple(line for line in map(self._parse, self._bytes(0).splitlines()) if line)

    def grants(self, root: str = "", now: float | None = None) -> tuple[Grant, ...]:
        """Grants that stand, oldest first: neither revoked nor past their end, of one repository or of all."""
        self._catch_up()
        now = time.time() if now is None else now
        return tuple(grant for grant in self._grants.values() if root in ("", grant.root) and _stands(grant, now))

    def revoke(self, id: str, why: str = "revoked by the user") -> bool:
        """End a grant now; False if no grant of this id stands."""
        if all(grant.id != id for grant in self.grants()):
            return False
        self.append(Revocation(id=id, time=time.time(), why=why))
        return True

    @contextmanager
    def _opened(self) -> Generator[int]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        file = os.open(self.path, flags, 0o600)
        try:
            os.fchmod(file, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)

    def _bytes(self, start: int) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                return file.read()
        except FileNotFoundError:
            return b""

    def _catch_up(self) -> None:
        """Read what was written since the last look, up to the last whole line."""
        if not self.path.exists() or self.path.stat().st_size < self._read:
            self._grants, self._read = {}, 0
        data = self._bytes(self._read)
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in map(self._parse, whole.splitlines()):
            if isinstance(line, Grant):
                self._grants[line.id] = line
            elif isinstance(line, Revocation):
                self._grants.pop(line.id, None)

    def _safe(self, line: Line) -> Line:
        """A line without secrets; what a grant is for stays exact, as nothing else would be found again by it."""
        if isinstance(line, Grant):
            return msgspec.structs.replace(line, why=self._redact(line.why))
        return redacted(line, self._redact)

    def _parse(self, line: bytes) -> Line | None:
        try:
            return self._decoder.decode(line)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None


def _stands(grant: Grant, now: float) -> bool:
    """Whether a grant is in force; one without an end never is."""
    remembered = grant.scope != "once" and grant.widening.kind != "unconfined"
    return remembered and grant.until is not None and now < grant.until
