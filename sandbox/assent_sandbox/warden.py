"""The process that holds the walls: it forks a keeper for each command that it is handed.

Standard library only, started isolated, warm before the first command. Each request is one packet whose descriptors are
the plan (a file of JSON), standard input, output and error, and the keeper's control socket; the answer `ended N` says
that the keeper of request N and all below it are gone. It ends when its socket closes or the thread that started it ends.
"""

from __future__ import annotations

import _socket
import gc
import json
import os
import select
import signal
import sys
import types

from assent_sandbox import inside, landlock, mounts, namespaces, seccomp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from assent_sandbox.plan import Plan

_DESCRIPTORS = 5
_SPACES = namespaces.NEWNS | namespaces.NEWPID | namespaces.NEWIPC | namespaces.NEWUTS


def main(descriptor: int, tier: str, starter: int) -> None:
    """Serve requests on an inherited socket until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    namespaces.die_with_parent()
    if os.getppid() != starter:
        return
    door = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, descriptor)
    try:
        warden = _Warden(door, tier)
    except OSError as error:
        door.send(b"failed " + str(error.strerror or error).encode())
        return
    gc.disable()
    gc.freeze()
    door.send(b"ready")
    warden.serve()


class _Warden:
    def __init__(self, door: _socket.socket, tier: str) -> None:
        self.door = door
        self.tmp = -1
        self.abi = landlock.version()
        self.filters = {
            (bounded, network): seccomp.encode(seccomp.program(namespaces.machine, bounded, network))
            for bounded in (True, False)
            for network in (True, False)
        }
        if tier == "overlay":
            namespaces.enter_user_namespace()
            self.tmp = mounts.make_tmp()
        else:
            namespaces.adopt_orphans()
        namespaces.hide_from_tracers()
        self.keepers: dict[int, tuple[int, str]] = {}
        self.poller = select.poll()
        self.poller.register(door.fileno(), select.POLLIN)

    def serve(self) -> None:
        """Answer until nobody is left to ask."""
        while True:
            for descriptor, _ in self.poller.poll():
                if descriptor != self.door.fileno():
                    self._bury(descriptor)
                elif not self._answer():
                    return

    def _answer(self) -> bool:
        """Take one request; False when there is nobody left to ask."""
        number, ancillary, _, _ = self.door.recvmsg(64, _socket.CMSG_SPACE(4 * _DESCRIPTORS))
        if not number:
            return False
        data = ancillary[0][2]
        doors = [int.from_bytes(data[i : i + 4], sys.byteorder) for i in range(0, len(data), 4)]
        with open(doors[0], "rb") as file:
            plan: Plan = json.load(file, object_hook=lambda values: types.SimpleNamespace(**values))
        try:
            keeper = self._fork(plan, inside.Doors(*doors[1:]))
        except OSError as error:
            os.write(doors[4], json.dumps({"failed": error.strerror}).encode() + b"\n")
            self.door.send(b"ended " + number)
        else:
            handle = os.pidfd_open(keeper)
            self.keepers[handle] = (keeper, number.decode())
            self.poller.register(handle, select.POLLIN)
        for descriptor in doors[1:]:
            os.close(descriptor)
        return True

    def _fork(self, plan: Plan, doors: inside.Doors) -> int:
        flags = (_SPACES | (0 if plan.network else namespaces.NEWNET)) if plan.spaces else 0
        keeper = namespaces.clone(flags)
        if keeper:
            return keeper
        code = 1
        try:
            self.door.close()
            inside.keep(plan, doors, self.tmp, self.filters[plan.spaces, plan.network], self.abi)
            code = 0
        finally:
            os._exit(code)

    def _bury(self, handle: int) -> None:
        keeper, number = self.keepers.pop(handle)
        self.poller.unregister(handle)
        os.close(handle)
        os.waitpid(keeper, 0)
        if self.tmp < 0:
            inside.end_all_but({each for each, _ in self.keepers.values()})
        self.door.send(b"ended " + number.encode())
