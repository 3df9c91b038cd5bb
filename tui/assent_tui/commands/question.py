"""A question to which nothing may be changed: the answer on stdout, the talk on stderr."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from assent_core.assembly import open_session
from assent_core.errors import AssentError, UsageError
from assent_core.events import AnyEvent, Asked, Said
from assent_core.settings import Settings
from assent_tui.commands.oneshot import OUTCOMES, Report, follow, run_until_signal, told
from assent_tui.commands.printer import plain
from assent_tui.commands.where import here, settings_for, without_screen


class Ask(Struct, frozen=True, kw_only=True):
    """What the command line asks of `assent ask`; `max_cost` in USD, None and 0 leave it to the settings."""

    question: str
    json: bool = False
    quiet: bool = False
    max_cost: float | None = None
    max_turns: int = 0


def ask(options: Ask) -> int:
    """Answer a question about the current folder; returns the exit code. `-` reads the question from stdin."""
    question = sys.stdin.read() if options.question == "-" else options.question
    if not question.strip():
        raise UsageError("There is no question.", "For example: assent ask 'where are the retries configured?'")
    folder = here()
    settings = without_screen(settings_for(folder), quiet=options.quiet)
    return ask_at(folder, settings, replace(options, question=question))


def ask_at(folder: Path, settings: Settings, options: Ask) -> int:
    """Answer a question about any folder with any settings; the mode is read-only whatever they say."""
    report = Report(as_json=options.json, quiet=options.quiet)
    settings = replace(
        settings,
        mode="read-only",
        budget=options.max_cost or settings.budget,
        turns=options.max_turns or settings.turns,
    )
    with asyncio.Runner() as run:
        return run_until_signal(run, told(_answered(folder, settings, options, report), report))


async def _answered(folder: Path, settings: Settings, options: Ask, report: Report) -> int:
    session = await open_session(folder, settings, None)
    try:
        report.tell(session.opened)
        answer = Answer(report)
        ended = await follow(session.ask(options.question), answer)
        if ended.code:
            return report.end(OUTCOMES.get(ended.code, ended.how), ended.code, ended.message, ended.hint)
        if not answer.text:
            raise AssentError("The model gave no answer.", "Ask again, or ask for less at once.")
        report.tally.answer = answer.text
        if not options.json:
            sys.stdout.write(plain(answer.text) + "\n")
            sys.stdout.flush()
        return report.end("answered", 0)
    finally:
        await asyncio.shield(session.close(keep=False))


class Answer:
    """Tells all events but the last message, which is the answer; with JSON lines that one too."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._said: list[Said] = []

    @property
    def text(self) -> str:
        """What was said since the last request."""
        return "\n\n".join(said.text.strip() for said in self._said).strip()

    def tell(self, event: AnyEvent) -> None:
        """Tell one event; a message waits until it is known whether it is the last."""
        match event:
            case Said() if not self._report.as_json:
                self._said.append(event)
                return
            case Said():
                self._said.append(event)
            case Asked():
                for said in () if self._report.as_json else self._said:
                    self._report.tell(said)
                self._said.clear()
            case _:
                pass
        self._report.tell(event)
