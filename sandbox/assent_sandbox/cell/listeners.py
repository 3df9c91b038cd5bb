"""Listening sockets on the loopback of a command's own network, handed to whoever serves them from outside.

Standard library only; runs in the keeper. A socket belongs to the network in which it was made, whoever accepts on it.
"""

from __future__ import annotations

import _socket
import errno
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from assent_sandbox.sight.plan import Plan

_LOOPBACKS = ((_socket.AF_INET, "127.0.0.1"), (_socket.AF_INET6, "::1"))
_MISSING = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


def hand_out(plan: Plan, door: int) -> None:
    """Listen at the port of each exit, on every loopback that there is, and send the listeners through a unix socket.

    One packet: a byte for each listener, the place of its exit in the plan. The door is closed.
    """
    listeners = [each for place, (port, _) in enumerate(plan.exits) for each in _listen(place, port)]
    handed = b"".join(listener.fileno().to_bytes(4, sys.byteorder) for _, listener in listeners)
    far = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, door)
    try:
        far.sendmsg([bytes(place for place, _ in listeners)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, handed)])
    finally:
        far.close()
        for _, listener in listeners:
            listener.close()


def _listen(place: int, port: int) -> list[tuple[int, _socket.socket]]:
    made: list[tuple[int, _socket.socket]] = []
    for family, address in _LOOPBACKS:
        try:
            listener = _socket.socket(family, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
            if family == _socket.AF_INET6:
                listener.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 1)
            listener.bind((address, port))
            listener.listen(64)
        except OSError as error:
            if made and error.errno in _MISSING:
                continue
            raise OSError(error.errno, f"listen at port {port}: {error.strerror}") from error
        made.append((place, listener))
    return made
