"""Commands of the copy tier on macOS: the system's own sandbox program, with a profile for each command.

It has not been run on a Mac yet. There is no way there to adopt what a command detaches from its process group, and
no namespace whose counters would make a refused connection certain.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

import msgspec

from assent_sandbox.policy import Ended, Output, Tier
from assent_sandbox.running.denials import find_denials
from assent_sandbox.running.kept import Kept
from assent_sandbox.running.running import GRACE
from assent_sandbox.sight.plan import Plan

_CHUNK = 1 << 16


async def run_seated(
    wrapper: Sequence[str], plan: Plan, stdin: bytes, kept: Kept, tier: Tier = "copy"
) -> AsyncGenerator[Output | Ended]:
    """Run a planned command behind a wrapper such as `sandbox-exec -p PROFILE`; the last item is the `Ended`."""
    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *wrapper,
        *plan.argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=plan.workdir,
        env=dict(plan.environment),
        start_new_session=True,
    )
    assert process.stdin and process.stdout
    feeding = asyncio.create_task(_feed(process.stdin, stdin))
    over = overdue = False
    try:
        while True:
            rest = plan.limits.seconds - (time.monotonic() - started)
            try:
                data = await asyncio.wait_for(process.stdout.read(_CHUNK), max(min(rest, GRACE), 0.001))
            except TimeoutError:
                overdue = rest <= 0
                if overdue or over:
                    break
                over = process.returncode is not None  # what came with its end is not read yet if we were held up
                continue
            if not data:
                break
            kept.add(data)
            yield Output(data)
        if overdue:
            _end(process.pid)
        code = await process.wait()
        yield _concluded(
            plan, kept, 124 if overdue else code, overdue=overdue, seconds=time.monotonic() - started, tier=tier
        )
    finally:
        feeding.cancel()
        kept.close()
        _end(process.pid)
        await asyncio.shield(process.wait())


def _concluded(plan: Plan, kept: Kept, code: int, *, overdue: bool, seconds: float, tier: Tier) -> Ended:
    head, tail, omitted = kept.parts()
    cause = "time" if overdue else "signal" if code < 0 else "exit"
    code = 128 - code if code < 0 else code
    ended = Ended(
        code=code, seconds=seconds, cause=cause, head=head, tail=tail, omitted=omitted, whole=kept.whole(), tier=tier
    )
    return msgspec.structs.replace(ended, denials=find_denials(ended, plan, 0))


async def _feed(pipe: asyncio.StreamWriter, data: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        pipe.write(data)
        await pipe.drain()
    pipe.close()


def _end(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
