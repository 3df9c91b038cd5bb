"""Puts the gate's questions to the screen, one at a time, and takes them away when they are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from assent_core.consent.gate import Answer, Question


class Asking(Message):
    """A question waits for an answer in `future`."""

    def __init__(self, question: Question, future: asyncio.Future[Answer]) -> None:
        super().__init__()
        self.question = question
        self.future = future


class AskingOver(Message):
    """A question is answered or no longer open."""

    def __init__(self, question: str) -> None:
        super().__init__()
        self.question = question


class ScreenAsker:
    """The Asker of the screen. It posts and waits; whoever shows the question sets the answer."""

    def __init__(self, post: Callable[[Message], object]) -> None:
        self._post = post
        self._one = asyncio.Lock()

    async def ask(self, question: Question) -> Answer:
        """Wait for the user's answer."""
        async with self._one:
            future = asyncio.get_running_loop().create_future()
            self._post(Asking(question, future))
            try:
                return await future
            finally:
                self._post(AskingOver(question.id))
