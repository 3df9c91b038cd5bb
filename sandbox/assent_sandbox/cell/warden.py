"""The process that holds the walls: it hands each command to a keeper that was forked before and stands ready.

Standard library only, started isolated, warm before the first command. Each request is one packet, `NUMBER KIND`, whose
descriptors are the plan (a marshalled file), standard input, output and error, and the keeper's control socket; the
answer `ended NUMBER` says that its keeper and all below it are gone. It ends when its socket closes or the thread that
started it ends.
"""

from __future__ import annotations

import _socket
import gc
import os
import select

from assent_sandbox.cell import ending, inside, landlock, namespaces, pieces, seccomp

_SPACES = namespaces.NEWNS | namespaces.NEWPID | namespaces.NEWIPC | namespaces.NEWUTS


def main(descriptor: int, tier: str, starter: int, home: str = "", layers: pieces.Stack = ((), "", "")) -> None:
    """Serve requests on an inherited socket until it closes.

    `home` is the session's own folder, `layers` are those of the overlay that every command gets.
    """
    inside.heed_interrupts()
    namespaces.die_with_parent()
    if os.getppid() != starter:
        return
    door = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, descriptor)
    try:
        warden = _Warden(door, tier, home, layers)
    except OSError as error:
        door.send(b"failed " + str(error.strerror or error).encode())
        return
    gc.disable()
    gc.freeze()
    door.send(b"ready")
    warden.serve()


class _Keeper:
    """A keeper: its process, and the socket over which it gets its command; `number` is empty while it is spare."""

    def __init__(self, process: int, kind: int, door: _socket.socket) -> None:
        self.process, self.kind, self.door = process, kind, door
        self.number = b""


class _Warden:
    def __init__(self, door: _socket.socket, tier: str, home: str, layers: pieces.Stack) -> None:
        self.door = door
        self.layers = layers
        self.tmp = ""
        self.usual: pieces.Usual = ()
        self.abi = landlock.version()
        self.supervised = tier == "copy" and seccomp.can_be_supervised()
        scoped = self.abi >= landlock.SCOPED
        self.filters = {
            (bounded, network): seccomp.encode(
                seccomp.program(namespaces.machine, bounded, network, self.supervised, scoped)
            )
            for bounded in (True, False)
            for network in (True, False)
        }
        if tier == "overlay":
            namespaces.enter_user_namespace()
            self.tmp = pieces.make_tmp(home)
        else:
            namespaces.adopt_orphans()
        namespaces.hide_from_tracers()
        self.keepers: dict[int, _Keeper] = {}
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
        heard, doors = inside.receive(self.door)
        if not heard:
            return False
        number, kind = heard.split()
        try:
            self._hand(number, int(kind), doors)
        except OSError as error:
            inside.report(doors[-1], {"failed": error.strerror or str(error)})
            self.door.send(b"ended " + number)
        for descriptor in doors:
            os.close(descriptor)
        return True

    def _hand(self, number: bytes, kind: int, doors: list[int]) -> None:
        keeper = self._spare(kind) or self._clone(kind)
        try:
            inside.hand(keeper.door, b"go", doors)
        except BrokenPipeError:
            keeper = self._clone(kind)
            inside.hand(keeper.door, b"go", doors)
        keeper.number = number
        if kind & inside.SPACES:
            self.usual = pieces.usual_of(inside.load(doors[0]))

    def _spare(self, kind: int) -> _Keeper | None:
        return next((each for each in self.keepers.values() if each.kind == kind and not each.number), None)

    def _clone(self, kind: int) -> _Keeper:
        """Fork a keeper that waits for a command of a kind."""
        walls = inside.Walls(
            kind,
            self.tmp,
            self.layers,
            self.filters[bool(kind & inside.SPACES), bool(kind & inside.NETWORK)],
            self.abi,
            self.supervised,
            self.usual,
        )
        flags = (_SPACES | (0 if walls.network else namespaces.NEWNET)) if walls.spaces else 0
        ours, theirs = inside.pair()
        process = namespaces.clone(flags)
        if process == 0:
            code = 1
            try:
                ours.close()
                self._let_go()
                inside.keep(walls, theirs)
                code = 0
            finally:
                os._exit(code)
        theirs.close()
        handle = os.pidfd_open(process)
        self.keepers[handle] = keeper = _Keeper(process, kind, ours)
        self.poller.register(handle, select.POLLIN)
        return keeper

    def _let_go(self) -> None:
        self.door.close()
        for handle, keeper in self.keepers.items():
            os.close(handle)
            keeper.door.close()

    def _bury(self, handle: int) -> None:
        keeper = self.keepers.pop(handle)
        self.poller.unregister(handle)
        os.close(handle)
        keeper.door.close()
        os.waitpid(keeper.process, 0)
        if not self.tmp:
            ending.end_all_but({each.process for each in self.keepers.values()})
        if keeper.number:
            self.door.send(b"ended " + keeper.number)
            self._replenish(keeper.kind)

    def _replenish(self, kind: int) -> None:
        """Have a keeper ready for the next command; where that fails now, its command will be told."""
        if not self._spare(kind):
            try:
                self._clone(kind)
            except OSError:
                return
