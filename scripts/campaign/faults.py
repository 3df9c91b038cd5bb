#!/usr/bin/env python3
"""Let the model's service fail in every known way, at three places of a repair, over real HTTP.

    python scripts/campaign/faults.py [--seed 1] [--share 1.0] [--only NAME]

Each fault is served once, and for good, at each place. The repair must end in success, or in an error with exit code 6, a
message and a hint, with what was staged kept and no command repeated; then the service is mended, and the session goes on
to the same end.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from email.utils import formatdate
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / "core"), str(ROOT / "sandbox")]

import msgspec

from assent_core.assembly import open_session
from assent_core.events import AnyEvent, Ended, Retried
from assent_core.rehearsal import Rehearsal
from assent_core.rehearsal.script import Fault, Script, Step
from assent_core.service import faults
from assent_core.session import Session
from assent_core.settings import Settings
from assent_sandbox.stage import File

IDLE = 0.6
"""Seconds of silence after which the client gives an attempt up."""
LONGEST = 180.0
"""Seconds after which a repair counts as hung: five silent attempts and what else it does, many times over."""
CHECK = ("sh", "-c", "grep -q 2 calc.txt")
SHELL = "echo once >> count.txt; echo count''ed"
PATCH = """
*** Begin Patch
*** Update File: calc.txt
@@
-1
+2
*** End Patch
"""
COUNTED, PATCHED = "counted", "(?m)^Done\\."
PLACES = ("first call", "second call", "last words")
CONDITIONS = (rf"(?s)\A(?!.*{COUNTED})", rf"(?s)\A(?=.*{COUNTED})(?!.*Done\.\n)", r"(?s)\A(?=.*Done\.\n)")
TASK = (
    Step(think="I count.", shell=SHELL),
    Step(think="I edit.", say="Now the edit.", patch=PATCH),
    Step(think="I am done.", say="It is repaired."),
)
HTML = "<!doctype html><title>Bad gateway</title><h1>502</h1>\x1b[2J"


def answered(body: bytes, kind: str = "text/event-stream", more: str = "") -> Fault:
    """A whole HTTP answer, byte by byte as it is written here."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{more}\r\n".encode()
    return Fault(raw=(head + body).decode("latin-1"))


def streamed(*events: object) -> Fault:
    """An event stream of any JSON."""
    return answered(b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events))


def done(**fields: object) -> dict[str, object]:
    """An item that is complete, whatever is in it."""
    return {"type": "response.output_item.done", "output_index": 0, "item": fields}


def completed(**fields: object) -> dict[str, object]:
    """A terminal event, whatever is in it."""
    return {"type": "response.completed", "response": fields}


def refused(status: int, code: str = "", **headers: str) -> Fault:
    """An HTTP error with the usual body."""
    return Fault(status=status, code=code or "some_error", headers={k.replace("_", "-"): v for k, v in headers.items()})


FAULTS: dict[str, Fault] = {
    **{f"status {status}": refused(status) for status in (400, 401, 402, 403, 404, 405, 408, 409, 413, 415, 418, 422)},
    **{f"status {status}": refused(status) for status in (429, 500, 501, 502, 503, 504, 520, 529)},
    "context too long": refused(400, "context_length_exceeded"),
    "reasoning refused": refused(400, "invalid_encrypted_content"),
    "include refused": Fault(status=400, code="unsupported_parameter", body="Unknown parameter: 'include'."),
    "model gone": refused(404, "model_not_found"),
    "quota used up": refused(429, "insufficient_quota"),
    "retry after seconds": refused(429, "rate_limit_exceeded", retry_after="1"),
    "retry after milliseconds": refused(429, "rate_limit_exceeded", retry_after_ms="20"),
    "retry after a date": refused(503, "slow_down", retry_after=formatdate(usegmt=True)),
    "retry after an hour": refused(429, "rate_limit_exceeded", retry_after="3600"),
    "retry after nonsense": Fault(
        raw="HTTP/1.1 429 X\r\nretry-after: soon\xb2\r\nretry-after-ms: \xb2\r\ncontent-length: 0\r\n\r\n"
    ),
    "retry after a number beyond all": refused(429, "rate_limit_exceeded", retry_after="9" * 400),
    "error of another shape": Fault(status=400, body={"detail": [{"loc": ["body"], "msg": "wrong"}]}),
    "error that is a list": Fault(status=500, body='[{"error": 1}]'),
    "error body of no text": Fault(status=500, body="\x00\x01\x02"),
    "error body nested too deep": Fault(status=500, body="[" * 200_000),
    "page of a gateway": Fault(status=502, html=True),
    "page to sign in": Fault(html=True),
    "page with escape sequences": answered(HTML.encode(), "text/html"),
    "redirect to itself": Fault(status=307, headers={"location": "/v1/responses"}),
    "redirect to nowhere": Fault(status=302, headers={"location": "http://127.0.0.1:1/v1/responses"}),
    "redirect without a place": Fault(status=301),
    "hung up": Fault(hang_up=True),
    "reset": Fault(reset=True),
    "refused connection": Fault(closed=True),
    "plain TLS alert": Fault(raw="\x15\x03\x01\x00\x02\x02\x28"),
    "no HTTP at all": Fault(raw="SSH-2.0-OpenSSH_9.6\r\n"),
    "half a header": Fault(raw="HTTP/1.1 200 OK\r\ncontent-ty"),
    "endless header": Fault(raw="HTTP/1.1 200 OK\r\nx: " + "a" * 300_000 + "\r\n\r\n"),
    "nonsense in chunks": answered(b"zz\r\nnonsense", more="transfer-encoding: chunked\r\n"),
    "shorter than promised": answered(b"data: {}\n\n", more="content-length: 5000\r\n"),
    "nonsense as gzip": answered(b"\x1f\x8b nonsense", more="content-encoding: gzip\r\n"),
    "half a gzip": answered(gzip.compress(b"data: {}\n\n" * 999)[:30], more="content-encoding: gzip\r\n"),
    "unknown encoding": answered(b"\x01\x02", more="content-encoding: br\r\n"),
    "nothing at all": answered(b"", more="content-length: 0\r\n"),
    "empty stream": answered(b"\n\n\n"),
    "error as JSON with 200": answered(b'{"error": {"code": "server_error", "message": "x"}}', "application/json"),
    "another API": answered(b'{"choices": []}', "application/json"),
    "plain text": answered(b"hello", "text/plain"),
    "no type at all": answered(b"hello", ""),
    "a line of two megabytes": answered(b"data: " + b"x" * 2_000_000 + b"\n\n"),
    "a line without an end": answered(b"data: " + b'{"type": "' * 90_000),
    "JSON nested too deep": answered(b"data: " + b"[" * 200_000 + b"\n\n"),
    "no UTF-8": answered(b'data: {"type": "\xff\xfe"}\n\n'),
    "a number beyond all": answered(b'data: {"type": ' + b"9" * 6000 + b"}\n\n"),
    "events that are no objects": streamed(None, [], 1, "x", completed()),
    "the end of another API": answered(b"data: [DONE]\n\n"),
    "an item that is none": streamed({"type": "response.output_item.done", "item": [1]}, completed(output="x")),
    "a call without an id": streamed(done(type="function_call", name="shell", arguments="{}"), completed()),
    "a call without a name": streamed(done(type="function_call", call_id="c", arguments="{}"), completed()),
    "a call of numbers": streamed(done(type="function_call", call_id=7, name=8, arguments=9), completed()),
    "an unknown tool": streamed(done(type="function_call", call_id="u", name="rm", arguments="{}"), completed()),
    "usage of nonsense": streamed(completed(usage={"input_tokens": "many", "output_tokens": -5})),
    "cut at once": Fault(cut_after=0),
    "cut in the middle": Fault(cut_after=7),
    "cut before the end": Fault(cut_after=-1),
    "ended at once": Fault(end_after=0),
    "ended in the middle": Fault(end_after=7),
    "ended before the end": Fault(end_after=-1),
    "silent at once": Fault(stall_after=0),
    "silent in the middle": Fault(stall_after=7),
    "silent before the end": Fault(stall_after=-1),
    "comments for ever": Fault(chatter=True),
    "garbage in the stream": Fault(garbage_after=3),
    "overloaded in the stream": Fault(error_after=4, code="server_is_overloaded"),
    "overloaded in the stream, flat": Fault(error_after=4, code="server_error", flat=True),
    "quota in the stream": Fault(error_after=-1),
    **{f"incomplete: {why}": Fault(incomplete=why) for why in ("max_output_tokens", "content_filter", "telepathy")},
    **{
        f"failed: {code}": Fault(failed=code)
        for code in ("server_error", "rate_limit_exceeded", "invalid_prompt", "bio_policy", "context_length_exceeded")
    },
    "each event twice": Fault(duplicate=True),
    "events of the future": Fault(unknown=True),
    "arguments that break off": Fault(malformed=True),
}


FORGETFUL = ("context too long", "failed: context_length_exceeded", "status 413")
"""Not served in the end: what is compacted is gone, and the scripted model would begin again."""


class Wrong(Exception):
    """What a repair did that it must not do."""


def script(fault: Fault | None, place: int, *, for_good: bool) -> Script:
    """The task, with one step that fails before the step of a place (once, or whenever that place is reached)."""
    steps = [
        msgspec.structs.replace(step, when_history_matches=CONDITIONS[i], repeat=True) for i, step in enumerate(TASK)
    ]
    if fault is not None:
        steps.insert(place, msgspec.structs.replace(steps[place], fault=fault, repeat=for_good))
    return Script(worker=tuple(steps))


def make(root: Path) -> None:
    """A repository with one file that is wrong."""
    root.mkdir(parents=True)
    (root / "calc.txt").write_text("1\n")
    subprocess.run(["git", "init", "-q", str(root)], check=True)


def text(session: Session, path: str) -> str:
    """What stands on the stage."""
    entry = session._bench.performer.stage.read(path)
    return entry.data.decode() if isinstance(entry, File) else ""


async def repaired(session: Session) -> tuple[Ended, list[AnyEvent]]:
    """One repair, which must end by itself."""
    events: list[AnyEvent] = []
    try:
        async with asyncio.timeout(LONGEST):
            async for event in session.repair(CHECK):
                events.append(event)
    except TimeoutError as late:
        raise Wrong(f"it hung; last: {events[-3:]}") from late
    ended = events[-1]
    if not isinstance(ended, Ended):
        raise Wrong(f"the last event is {ended}")
    return ended, events


def judge(session: Session, ended: Ended, place: int) -> None:
    """What stands on the stage and what is said, after a repair that may have failed."""
    if ended.code not in (0, 6):
        raise Wrong(f"exit code {ended.code}: {ended.message}")
    if ended.code and not (ended.message and ended.hint):
        raise Wrong(f"an error without a message or a hint: {ended}")
    if "Traceback" in ended.message or any(ord(char) < 32 for char in ended.message):
        raise Wrong(f"a message that is not fit to read: {ended.message!r}")
    if (runs := text(session, "count.txt").count("once")) > 1 or runs < (place > 0):
        raise Wrong(f"the command ran {runs} times")
    if place > 1 and text(session, "calc.txt") != "2\n":
        raise Wrong("what was staged is gone")


async def one(folder: Path, fault: Fault, place: int, *, for_good: bool) -> str:
    """One repair with a fault, and one after it was mended; gives how the first one ended."""
    make(folder / "repository")
    async with Rehearsal(script(fault, place, for_good=for_good)) as rehearsal:
        settings = Settings(
            base_url=rehearsal.url, state=str(folder / "state"), scouting=False, idle_seconds=IDLE, accounts=False
        )
        session = await open_session(folder / "repository", settings)
        try:
            ended, events = await repaired(session)
            judge(session, ended, place)
            rehearsal.script = script(None, 0, for_good=False)
            rehearsal._conversations.clear()
            await rehearsal.reopen()
            for _ in range(3):  # a busy machine may be silent for longer than IDLE too
                again, _ = await repaired(session)
                judge(session, again, 2)
                if not again.code:
                    break
            if again.code or (folder / "repository" / "calc.txt").read_text() != "1\n":
                raise Wrong(f"the session does not go on after {ended.message!r}: {again}")
            if rehearsal.complaints and not fault.raw:
                raise Wrong(f"the service complains: {rehearsal.complaints}")
        finally:
            await session.close(keep=False)
    retried = any(isinstance(event, Retried) for event in events)
    return f"{'ended with 6' if ended.code else 'went on'}{' after waiting' if retried else ''}"


async def campaign(
    share: float, seed: int, names: tuple[str, ...] = tuple(FAULTS), at_once: int = 4
) -> tuple[Counter[str], list[str]]:
    """So large a share of all faults at all places, once and for good: how they ended, and what went wrong."""
    every = [
        (name, place, good)
        for name in names
        for place in range(3)
        for good in (False, True)
        if not (place == 2 and name in FORGETFUL)
    ]
    chosen = random.Random(seed).sample(every, max(1, round(len(every) * share)))
    counted, wrong, room = Counter[str](), list[str](), asyncio.Semaphore(at_once)

    async def tried(name: str, place: int, good: bool) -> None:
        async with room:
            with tempfile.TemporaryDirectory(prefix="assent-faults-") as folder:
                try:
                    counted[await one(Path(folder), FAULTS[name], place, for_good=good)] += 1
                except Exception as error:
                    said = f"{name}, {PLACES[place]}, {'for good' if good else 'once'}: {type(error).__name__}: {error}"
                    wrong.append(said)

    with Impatient():
        await asyncio.gather(*(tried(*each) for each in chosen))
    return counted, wrong


class Impatient:
    """Within it all waits between attempts are shown as they are and last a moment only; the environment has a key."""

    def __enter__(self) -> None:
        self._wait = faults.wait
        faults.wait = lambda *given: min(self._wait(*given), 0.02)
        os.environ["OPENAI_API_KEY"] = "sk-campaign-not-a-real-key-0123456789"

    def __exit__(self, *_: object) -> None:
        faults.wait = self._wait
        del os.environ["OPENAI_API_KEY"]


def main() -> int:
    """Run the campaign and print figures; 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=1.0, help="of all faults and places, chosen by the seed")
    parser.add_argument("--only", default="", metavar="NAME", help="one fault by its name")
    options = parser.parse_args()
    names = (options.only,) if options.only else tuple(FAULTS)
    started = time.monotonic()
    counted, wrong = asyncio.run(campaign(options.share, options.seed, names))
    for said in wrong:
        print(said)
    print(
        f"{len(names)} faults, {counted.total() + len(wrong)} repairs in {time.monotonic() - started:.0f} s, "
        f"seed {options.seed}: {dict(counted)}; wrong: {len(wrong)}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
