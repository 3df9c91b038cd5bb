"""The name server of a command's own network: it finds no name, and notes which were looked for; see RFC 1035.

Standard library only; part of the keeper, and what it reads is hostile.
"""

from __future__ import annotations

import _socket

MOST = 20
"""How many names are noted."""
_HEADER = 12
_ANSWER_AND_FAILURE = b"\x81\x82"
_ONE_QUESTION = b"\0\1\0\0\0\0\0\0"
_MOST_AT_ONCE = 16
_MOST_AT_THE_END = 1024


class Names:
    """Listens on the loopback; every look-up fails at once, as where no server can be reached."""

    def __init__(self, port: int = 53) -> None:
        self.noted: dict[str, None] = {}
        self._door = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC | _socket.SOCK_NONBLOCK)
        self._door.bind(("127.0.0.1", port))

    def fileno(self) -> int:
        """Becomes readable when there is something to answer."""
        return self._door.fileno()

    def all_noted(self) -> list[str]:
        """What was looked for, also in the queries that nobody had time for before the command ended."""
        self.answer(_MOST_AT_THE_END)
        return list(self.noted)

    def answer(self, most: int = _MOST_AT_ONCE) -> None:
        """Answer at most so many of those that wait."""
        for _ in range(most):
            try:
                query, asker = self._door.recvfrom(512)
                question, name = read_question(query)
                if name and len(self.noted) < MOST:
                    self.noted[name] = None
                if question:
                    self._door.sendto(query[:2] + _ANSWER_AND_FAILURE + _ONE_QUESTION + question, asker)
            except OSError:
                return


def read_question(query: bytes) -> tuple[bytes, str]:
    """The first question of a query as it stands there, and the name in it; empty for what is none."""
    labels: list[bytes] = []
    place = _HEADER
    while place < len(query) and 0 < query[place] < 64:
        labels.append(query[place + 1 : place + 1 + query[place]])
        place += 1 + query[place]
    end = place + 5
    if query[2:3] >= b"\x80" or len(query) < end or query[place] or not labels:
        return b"", ""
    name = b".".join(labels).decode("latin-1").lower()
    plain = name.isascii() and all(letter.isalnum() or letter in "-_." for letter in name)
    return query[_HEADER:end], name if plain and len(name) <= 253 else ""
