"""What the user writes into the prompt: a history for each repository, and what was not sent yet; secrets are taken out."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MOST = 500
"""How many texts the history gives."""
LARGEST_TEXT = 1 << 18
"""Characters of one text that are kept."""
LARGEST_FILE = 4 << 20
"""Bytes from which on the file is cut to its newest texts."""


class Notebook:
    """Files below the state directory that only their owner can read. Its methods raise OSError where they cannot be written.

    Several sessions in one repository share the history; each has a draft of its own, which is given to the next
    session once its own is over, however it ended.
    """

    def __init__(self, state: Path, root: Path, redact: Callable[[str], str]) -> None:
        key = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
        self._folder = state / "prompts"
        self._key = key
        self._history = self._folder / f"{key}.jsonl"
        self._draft = self._folder / f"{key}-{os.getpid()}-{secrets.token_hex(3)}.draft"
        self._redact = redact
        self._held = -1

    def history(self) -> tuple[str, ...]:
        """The newest texts of this repository, oldest first, none twice in a row; lines that are torn are passed over."""
        texts: list[str] = []
        for line in _lines(self._history):
            text = _decoded(line)
            if text and (not texts or texts[-1] != text):
                texts.append(text)
        return tuple(texts[-MOST:])

    def remember(self, text: str) -> None:
        """Put a text at the end of the history."""
        line = json.dumps(self._redact(text)[:LARGEST_TEXT]).encode() + b"\n"
        with self._locked() as file:
            os.write(file, line)
            if os.fstat(file).st_size > LARGEST_FILE:
                self._shorten()

    def keep(self, draft: str) -> None:
        """Keep what is written and not sent; nothing: there is none any more."""
        if not draft:
            self._drop()
            return
        if self._held < 0:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._held = os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        line = json.dumps(self._redact(draft)[:LARGEST_TEXT]).encode() + b"\n"
        os.pwrite(self._held, line, 0)
        os.ftruncate(self._held, len(line))

    def left(self) -> str:
        """What a session that is over had not sent, the newest such text; older ones go into the history.

        It is this session's draft from now on.
        """
        found = [(place.stat().st_mtime, place, text) for place, text in self._abandoned()]
        texts = [text for _, _, text in sorted(found)]
        for text in texts[:-1]:
            self.remember(text)
        if texts:
            self.keep(texts[-1])
        for _, place, _ in found:
            place.unlink(missing_ok=True)
        return texts[-1] if texts else ""

    def close(self) -> None:
        """Let go of the draft; it stays for the next session."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1

    def _drop(self) -> None:
        if self._held >= 0:
            self._draft.unlink(missing_ok=True)
            self.close()

    def _abandoned(self) -> Iterator[tuple[Path, str]]:
        """Drafts that no living session holds."""
        for place in sorted(self._folder.glob(f"{self._key}-*.draft")):
            with suppress(OSError):
                file = os.open(place, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if text := _decoded(next(iter(_lines(place)), b"")):
                        yield place, text
                finally:
                    os.close(file)

    @contextmanager
    def _locked(self) -> Generator[int]:
        """The history, opened for appending, while no other session changes it."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            file = os.open(self._history, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if os.path.samestat(os.fstat(file), self._history.stat()):
                    yield file
                    return
            finally:
                os.close(file)

    def _shorten(self) -> None:
        """Keep the newer half."""
        kept: list[bytes] = []
        size = 0
        for line in reversed(_lines(self._history)):
            size += len(line) + 1
            if size > LARGEST_FILE // 2:
                break
            kept.append(line)
        beside = self._history.with_suffix(".tmp")
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as stream:
            stream.writelines(line + b"\n" for line in reversed(kept))
        beside.replace(self._history)


def _lines(file: Path) -> list[bytes]:
    try:
        return file.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []


def _decoded(line: bytes) -> str:
    try:
        text: object = json.loads(line)
    except ValueError:
        return ""
    return text if isinstance(text, str) else ""
