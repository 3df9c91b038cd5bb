"""Watches a running command: its leader, its limits, and the end of whoever asked. Standard library only."""

from __future__ import annotations

import os
import select
import time

from assent_sandbox.cell import names, tally
from assent_sandbox.cell.ending import end_all, kill, reap_orphans
from assent_sandbox.cell.supervisor import Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from assent_sandbox.sight.plan import Plan

GRACE = 0.3
"""Seconds that what the leader left behind may go on writing."""
_TICK = 0.1
_GLANCE = 0.01
"""Seconds between glances at how many threads the machine has, where no bound of the kernel holds for the command's."""


class Vigil:
    """Waits for the leader, the limits, or the end of whoever asked."""

    def __init__(self, plan: Plan, leader: int, control: int, watched: int, names: names.Names | None) -> None:
        self.plan, self.leader, self.control, self.names = plan, leader, control, names
        self.started = time.monotonic()
        self.cause = "exit"
        self.drained = False
        self.closed = False
        self.crowd = tally.Crowd(plan.spaces, plan.network)
        self.pause = _GLANCE if os.getuid() == 0 and not plan.spaces else _TICK
        self.others, self.counted = tally.threads_of_all(), self.started
        if self.pause == _GLANCE:
            _go_first()
        self.growth = tally.Growth(watched, plan.limits.disk)
        self.handle = os.pidfd_open(leader)
        self.supervisor: Supervisor | None = None
        self.poller = select.poll()
        self.poller.register(self.handle, select.POLLIN)
        self.poller.register(control, select.POLLIN)
        if names:
            self.poller.register(names.fileno(), select.POLLIN)

    def until_ended(self) -> dict[str, object]:
        """Give code, cause and seconds once the leader has ended by itself or was killed at a limit."""
        status: int | None = None
        deadline = self.started + self.plan.limits.seconds
        while status is None:
            rest = deadline - time.monotonic()
            ready = self._wait(max(0, min(rest, self.pause)))
            self._listen(ready)
            if any(descriptor == self.handle for descriptor, _ in ready):
                status = self._reap()
            elif self.closed or rest <= 0 or (self._is_time() and self._overrun()):
                self.cause = "closed" if self.closed else "time" if rest <= 0 else self.cause
                kill(-self.leader)
                end_all(self.plan.spaces, spare=self.leader)
                kill(self.leader)
                status = os.waitpid(self.leader, 0)[1]
            else:
                status = self._reap()
        code = os.waitstatus_to_exitcode(status)
        cause = "signal" if code < 0 and self.cause == "exit" else self.cause
        code = 128 - code if code < 0 else code
        return {
            "code": 124 if cause == "time" else code,
            "cause": cause,
            "seconds": time.monotonic() - self.started,
        }

    def until_quiet(self) -> None:
        """Wait at most GRACE seconds for what the leader left behind, unless its output was read to the end."""
        deadline = time.monotonic() + GRACE
        self.poller.unregister(self.handle)
        while not (self.drained or self.closed or self.cause != "exit"):
            rest = deadline - time.monotonic()
            if rest <= 0 or not reap_orphans():
                return
            self._listen(self._wait(min(rest, 0.02)))

    def supervise(self, supervisor: Supervisor) -> None:
        """Let somebody answer the calls that are handed over while we wait."""
        self.supervisor = supervisor
        self.poller.register(supervisor.listener, select.POLLIN)

    def _wait(self, seconds: float) -> list[tuple[int, int]]:
        """What became ready within some seconds, besides calls that were handed over and are answered."""
        end = time.monotonic() + seconds
        while True:
            rest = max(0.0, end - time.monotonic())
            ready = self.poller.poll(rest * 1000)
            if self.supervisor is None or not ready:
                return ready
            others: list[tuple[int, int]] = []
            for descriptor, event in ready:
                if descriptor != self.supervisor.listener:
                    others.append((descriptor, event))
                elif event & select.POLLIN:
                    self.supervisor.answer()
                else:
                    self.poller.unregister(descriptor)
            if others or not rest:
                return others

    def _listen(self, ready: list[tuple[int, int]]) -> None:
        if self.names and any(descriptor == self.names.fileno() for descriptor, _ in ready):
            self.names.answer()
        if any(descriptor == self.control for descriptor, _ in ready):
            try:
                heard = os.read(self.control, 64)
            except OSError:
                heard = b""
            self.drained, self.closed = True, not heard
            if self.closed:
                self.poller.unregister(self.control)

    def _reap(self) -> int | None:
        """Collect the ended; give the leader's status if it is among them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return 0
            if pid == self.leader:
                return status
            if pid == 0:
                return None

    def _is_time(self) -> bool:
        """Whether to count now: ten times a second, and when the machine has as many threads more as the command may have."""
        now = time.monotonic()
        if now - self.counted < _TICK and tally.threads_of_all() - self.others <= self.plan.limits.processes:
            return self.pause == _TICK
        self.counted = now
        return True

    def _overrun(self) -> bool:
        limits = self.plan.limits
        self.crowd.count(limits.processes)
        self.others = tally.threads_of_all() - self.crowd.threads
        if self.crowd.threads > limits.processes:
            self.cause = "processes"
        elif self.crowd.memory(limits.memory) > limits.memory:
            self.cause = "memory"
        elif self.growth.exceeded():
            self.cause = "disk"
        return self.cause != "exit"


def _go_first() -> None:
    """Be scheduled before what is watched, where that is allowed."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    except OSError:
        return
