"""Commands behind a wrapper program, tried with one that changes nothing."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from assent_sandbox.policy import Command, Ended, Limits, Policy, View
from assent_sandbox.running.kept import Kept
from assent_sandbox.running.seated import run_seated
from assent_sandbox.sight.plan import Plan, Surroundings, plan
from patient import at_last, until


def written(tmp_path: Path, script: str, limits: Limits) -> Plan:
    view = View(tier="copy", root="/r/repo", home=str(tmp_path), copy=str(tmp_path))
    around = Surroundings(variables={"PATH": os.environ["PATH"]}, home="/home/u")
    return plan(view, Command(argv=("sh", "-c", script)), Policy(limits=limits), around)


async def run(tmp_path: Path, script: str, stdin: bytes = b"", limits: Limits | None = None) -> Ended:
    planned = written(tmp_path, script, limits or Limits())
    last = [piece async for piece in run_seated(("/usr/bin/env",), planned, stdin, Kept(planned.limits.output))][-1]
    assert isinstance(last, Ended)
    return last


async def test_code_output_and_folder_are_passed_on(tmp_path: Path) -> None:
    ended = await run(tmp_path, "cat; pwd; exit 3", stdin=b"in\n")
    assert (ended.code, ended.cause, ended.output.decode()) == (3, "exit", f"in\n{tmp_path}\n")


async def test_time_ends_it(tmp_path: Path) -> None:
    ended = await run(tmp_path, "trap '' TERM; while :; do sleep 0.05; done", limits=Limits(seconds=0.3))
    assert (ended.code, ended.cause) == (124, "time")


async def test_what_holds_the_pipe_does_not_hold_us_and_is_dead_after(tmp_path: Path) -> None:
    ended = await run(tmp_path, "sleep 660 & echo $!")
    await until(lambda: not _runs(int(ended.output)))


async def test_what_was_written_while_we_were_held_up_is_read_although_the_command_is_over(tmp_path: Path) -> None:
    done = tmp_path / "done"
    running = asyncio.create_task(run(tmp_path, f"sleep 0.1; echo late; : > {done}"))
    await asyncio.sleep(0.05)
    at_last(done.exists)
    time.sleep(1)  # the loop stands still
    assert (await running).output == b"late\n"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
        text = Path(f"/proc/{process}/stat").read_text() if sys.platform == "linux" else ") R"
    except (ProcessLookupError, FileNotFoundError):
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


async def test_the_network_is_likely_refused_where_the_text_says_so(tmp_path: Path) -> None:
    ended = await run(tmp_path, "echo 'curl: (6) Could not resolve host: example.com'")
    assert [(denial.target, denial.certainty) for denial in ended.denials] == [("example.com:443", "likely")]
