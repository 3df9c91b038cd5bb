"""The dry run for everything: a command on a stage, its output, its exit code, and what it would change."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from msgspec import Struct

from assent_core.assembly import open_session
from assent_core.errors import UsageError
from assent_core.events import AnyEvent, Digested, Opened, Performed, Printed
from assent_core.performing.passage import Passage, Stream
from assent_core.performing.programs import hidden_program
from assent_core.settings import Settings, config_dir
from assent_sandbox.output import one_line
from assent_sandbox.policy import Denial
from assent_tui.commands.conversation import Held, review_held
from assent_tui.commands.oneshot import OUTCOMES, Report, follow, in_terminal, run_until_signal, told
from assent_tui.commands.printer import denied, plain
from assent_tui.commands.tally import Changed
from assent_tui.commands.where import here, settings_for, without_screen
from assent_tui.figures import count

SIGNS = {"new": "A", "deleted": "D", "changed": "M"}


class Run(Struct, frozen=True, kw_only=True):
    """What the command line asks of `assent run`."""

    command: tuple[str, ...]
    land: bool = False
    json: bool = False
    quiet: bool = False


def run(options: Run) -> int:
    """Run a command on a stage of the current folder; returns the command's own exit code."""
    if options.land and (options.json or not in_terminal()):
        raise UsageError("--land opens the review, which needs a terminal of its own.", "Leave --land or --json away.")
    folder = here()
    return run_at(folder, without_screen(settings_for(folder), quiet=options.quiet), options)


def run_at(folder: Path, settings: Settings, options: Run) -> int:
    """Run in any folder with any settings."""
    report = Report(as_json=options.json, quiet=options.quiet)
    held = Held()
    with asyncio.Runner() as loop:
        try:
            code = run_until_signal(loop, told(_ran(folder, settings, options, report, held), report))
            if options.land and report.tally.changes and code != 130:
                review_held(loop, held, settings, 0)
            return code
        finally:
            held.close(loop)


async def _ran(folder: Path, settings: Settings, options: Run, report: Report, held: Held) -> int:
    session = held.session = await open_session(folder, settings, held.relay, model=False)
    teller = report if options.json else Through(report)
    teller.tell(session.opened)
    ended = await follow(session.run(options.command, passage=None if options.json else piped()), teller)
    if ended.code:
        return report.end(OUTCOMES.get(ended.code, ended.how), ended.code, ended.message, ended.hint)
    review, _ = await session.review()
    changes = report.tally.compare(review.files)
    if not (options.json or options.quiet):
        _list(changes, session.overlooked, report)
    return report.end("ran", report.tally.code or 0)


def piped() -> Passage:
    """What of the output goes into pipes and files: the very bytes. A terminal gets text that is harmless to it."""
    streams: dict[Stream, TextIO] = {"stdout": sys.stdout, "stderr": sys.stderr}
    return {name: _writer(stream) for name, stream in streams.items() if not stream.isatty()}


def _writer(stream: TextIO) -> Callable[[bytes], None]:
    def write(data: bytes) -> None:
        stream.buffer.write(data)
        stream.flush()

    return write


class Through:
    """Passes a command's output through, and says on stderr only what the walls denied."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def tell(self, event: AnyEvent) -> None:
        """Tell one event."""
        self._report.tally.add(event)
        match event:
            case Printed(text=text, stream=name):
                stream = sys.stderr if name == "stderr" else sys.stdout
                stream.write(plain(text))
                stream.flush()
            case Opened(notices=notices) if not self._report.quiet:
                for notice in notices:
                    self._report.printer.say(f"assent: {notice}", "warn")
            case Performed(denials=denials):
                for denial in denials:
                    self._report.printer.say(f"assent: {denied(denial)}", "bad")
                for hint in remedies(denials):
                    self._report.printer.say(f"hint: {hint}")
            case Digested(digest=digest) if digest.failure == "tool missing" and digest.source == "rules":
                why, hint = hidden_program(digest.shown_by)
                if why and not self._report.tally.denials:
                    self._report.printer.say(f"assent: {why}", "bad")
                    self._report.printer.say(f"hint: {hint}")
            case _:
                pass


def remedies(denials: tuple[Denial, ...]) -> Iterator[str]:
    """What the user can do about what the walls denied, each thing once; a dry run itself asks for no consent."""
    hidden = [denial for denial in denials if denial.widening and denial.widening.kind == "read"]
    if any(denial.kind == "network" for denial in denials):
        yield "What it fetches has to be there already: install it yourself first, then run this again."
    if hidden:
        sure = [denial.widening.target for denial in hidden if denial.widening and denial.certainty == "sure"]
        what, file = ", ".join(sure[:3]) or "its folder", config_dir() / "settings.toml"
        yield one_line(f"Add {what} to `readable` in {file}; a virtual environment is also shown while it is active.")


def _list(changes: tuple[Changed, ...], overlooked: int, report: Report) -> None:
    ignored = f"{count(overlooked, 'path')} that git ignores" if overlooked else ""
    if not changes:
        report.printer.say(f"assent: the command changed nothing{f' but {ignored}' if ignored else ''}.")
        return
    report.printer.say(f"assent: it would change {count(len(changes), 'file')}; yours are as they were:")
    for one in changes:
        marks = ", ".join(mark for mark in one.marks if mark not in ("new", "deleted"))
        report.printer.say(
            f"  {SIGNS[one.how]} {one_line(one.path)}  +{one.added} -{one.removed}{f'  ({marks})' if marks else ''}"
        )
    if ignored:
        report.printer.say(f"  and {ignored}")
