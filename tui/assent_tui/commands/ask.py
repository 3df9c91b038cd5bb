"""Puts a question to whoever sits at the terminal of a one-shot command."""

from __future__ import annotations

import asyncio
import os
import sys
import termios

from assent_core.consent.gate import Answer, Asker, Question, Scope
from assent_core.proposals import Shell, Spend
from assent_sandbox.policy import Tier
from assent_tui.commands.printer import Printer, proposed

WORDS: dict[Scope, str] = {"once": "y", "task": "t", "session": "s", "project": "p"}
WALLS: dict[Tier, str] = {"overlay": "behind all walls", "copy": "behind walls", "unconfined": "WITHOUT WALLS"}
LONGEST = 4096
SETTLING = 0.05
"""Seconds in which the events before a question are printed."""


class TerminalAsker:
    """Shows all of a question and reads one line; what was typed before its last line does not count.

    An empty line, the end of the input, or anything that is not understood is a no.
    """

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    async def ask(self, question: Question) -> Answer:
        """Ask, wait, and read the answer."""
        await asyncio.sleep(SETTLING)
        *lines, last = card(question)
        for line in lines:
            self._printer.say(line)
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        self._printer.say(last)
        return understood(await _typed_line(), question)


class Relay:
    """An asker that passes questions on to whoever is there now; with nobody there the answer is no."""

    def __init__(self, to: Asker | None) -> None:
        self.to = to

    async def ask(self, question: Question) -> Answer:
        """Pass a question on."""
        return await self.to.ask(question) if self.to else Answer(yes=False)


def card(question: Question) -> list[str]:
    """What is asked, in full, line by line."""
    reason = question.proposal.reason if isinstance(question.proposal, Shell) else ""
    return [
        "",
        f"assent: consent is needed{f', for the worker {question.by}' if question.by else ''}",
        *(f"  {line}" for line in proposed(question.proposal).splitlines()),
        *(f"  -> {effect}" for effect in question.effects),
        f"  {_where(question)}asked because {question.why}",
        *([f"  the model's reason: {reason}"] if reason else []),
        "  y  yes, once",
        *(f"  {WORDS[scope]}  {wording}" for scope, wording in question.scopes if scope != "once"),
        "  n  no; words after it are told to the model as the reason",
    ]


def _where(question: Question) -> str:
    return "" if isinstance(question.proposal, Spend) else f"on a stage, {WALLS[question.tier]}; "


def understood(line: str, question: Question) -> Answer:
    """What a typed line answers; a scope that was not offered is a no."""
    word, _, rest = line.strip().partition(" ")
    offered: dict[str, Scope] = {"y": "once", "yes": "once"}
    offered.update({WORDS[scope]: scope for scope, _ in question.scopes})
    if word.lower() in offered and not rest:
        return Answer(yes=True, scope=offered[word.lower()])
    return Answer(yes=False, reason=rest.strip() if word.lower() in ("n", "no") else "")


async def _typed_line() -> str:
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
    readable: asyncio.Future[bytes] = loop.create_future()

    def read() -> None:
        if not readable.done():
            readable.set_result(os.read(descriptor, LONGEST))

    loop.add_reader(descriptor, read)
    try:
        return (await readable).decode(errors="replace")
    finally:
        loop.remove_reader(descriptor)
