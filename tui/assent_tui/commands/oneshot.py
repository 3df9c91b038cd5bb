"""What `fix` and `run` share: where they are, who reads the events, and how a signal ends them."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Protocol

from assent_core.errors import AssentError, EnvironmentFault
from assent_core.events import AnyEvent, Decided, Ended, Performed, Relayed
from assent_core.lines import encode
from assent_core.machine import refusal
from assent_core.redaction.redactor import everything_known
from assent_core.redaction.values import redacted
from assent_sandbox.host import end_gits
from assent_sandbox.output import inert_json
from assent_sandbox.stage import StageError
from assent_tui.commands.printer import Printer, denied, price
from assent_tui.commands.tally import Summary, Tally


class Teller(Protocol):
    """Whoever prints the events of a one-shot command."""

    def tell(self, event: AnyEvent) -> None:
        """Print one event, or nothing of it."""
        ...


class Report:
    """Tells each event: to people on stderr, or as JSON lines on stdout; and at the end what came out.

    `quiet`: people are told only what was refused or denied, and what failed.
    """

    def __init__(self, *, as_json: bool, quiet: bool = False) -> None:
        self.tally = Tally()
        self.printer = Printer(sys.stderr)
        self.as_json = as_json
        self.quiet = quiet

    def tell(self, event: AnyEvent) -> None:
        """Tell one event."""
        self.tally.add(event)
        if self.as_json:
            self._line(event)
            return
        what = event.of if isinstance(event, Relayed) else event
        if not self.quiet or isinstance(what, Decided):
            self.printer.show(event)
        elif isinstance(what, Performed):
            for denial in what.denials:
                self.printer.say(f"assent: {denied(denial)}", "bad")

    def end(self, outcome: str, code: int, message: str = "", hint: str = "") -> int:
        """Tell how it came out and return the exit code."""
        summary = self.tally.summary(outcome, code, message, hint)
        if self.as_json:
            self._line(summary)
        elif summary.cost and not self.quiet:
            parts = ", ".join(f"{role} {price(cost.usd)}" for role, cost in summary.cost.items())
            self.printer.say(f"cost: ${summary.usd:.4f} ({parts})", "dim")
        redact = everything_known()
        message, hint = redact(message), redact(hint)
        if message and (code or not self.quiet):
            self.printer.say(f"assent: {message}{self._won()}", "good" if code == 0 else "bad")
        if hint:
            self.printer.say(f"hint: {hint}")
        return code

    def _won(self) -> str:
        """Which of several attempts it was, and what they cost."""
        chosen = self.tally.chosen
        if chosen is None:
            return ""
        what = "Attempt {} of {} won" if chosen.passed else "Attempt {} of {} came nearest"
        return f" {what.format(chosen.attempt, chosen.of)}; all of them cost {price(chosen.usd)}."

    def fault(self) -> None:
        """End the JSON lines with a summary also where a fault of assent itself ends the work."""
        if self.as_json:
            self._line(self.tally.summary("fault", 1, "A fault of assent itself; stderr says where its report is."))

    def _line(self, value: AnyEvent | Summary) -> None:
        sys.stdout.write(inert_json(encode(redacted(value, everything_known()))) + "\n")
        sys.stdout.flush()


async def told(work: Coroutine[None, None, int], report: Report) -> int:
    """Run the work of a one-shot command; however it ends, the report says so."""
    try:
        return await work
    except asyncio.CancelledError:
        return report.end("interrupted", 130, "Interrupted; your files are as they were.")
    except StageError as error:
        return report.end("environment", EnvironmentFault.code, str(error), error.hint)
    except AssentError as error:
        return report.end(OUTCOMES.get(error.code, "failed"), error.code, error.message, error.hint)
    except BrokenPipeError:
        raise
    except OSError as error:
        if (fault := refusal(error)) is None:
            report.fault()
            raise
        return report.end("environment", fault.code, fault.message, fault.hint)
    except Exception:
        report.fault()
        raise


OUTCOMES = {2: "usage", 3: "refused", 4: "budget", 5: "environment", 6: "service", 130: "interrupted"}


async def follow(events: AsyncGenerator[AnyEvent], report: Teller) -> Ended:
    """Tell all events of a generator and return the last one; an interrupt closes the generator properly."""
    ended: Ended | None = None
    async with aclosing(events):
        async for event in events:
            report.tell(event)
            if isinstance(event, Ended):
                ended = event
    assert ended is not None
    return ended


def run_until_signal(run: asyncio.Runner, work: Coroutine[None, None, int]) -> int:
    """Run to the end; SIGINT, SIGTERM and SIGHUP interrupt it, and then the exit code is 130."""
    try:
        return run.run(_stoppable(work))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130


async def _stoppable(work: Coroutine[None, None, int]) -> int:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, task.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        end_gits()
        raise
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)


def in_terminal() -> bool:
    """Whether somebody can be asked and shown a review."""
    return sys.stdin.isatty() and sys.stdout.isatty()
