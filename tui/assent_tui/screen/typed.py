"""What is typed is heard one key at a time: the next one when all is done that the one before set off."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.timer import Timer

from assent_tui.paint.punctual import Punctual

Result = TypeVar("Result")
Typed = events.Key | events.Paste

_ROUNDS = 3
"""How often all who may have a part in a key are passed: a key makes a message, that another one, and the last sets the focus."""
_SOON = 0.01
"""Seconds after which it is looked again whether all keys are heard."""
_PATIENCE = 2.0
"""Seconds after which the next key is heard whatever became of the one before."""


class Typing(Punctual, App[Result]):
    """An app whose keys do not overtake each other, however fast they come.

    Textual gives a key to whoever has the focus when it arrives, and looks its binding up when it has come back: keys
    that are typed ahead would go to where the focus was before, and letters would overtake Ctrl+K.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._typed: deque[Typed] = deque()
        self._heard = 0
        self._hearing = False
        self._impatient: Timer | None = None

    async def on_event(self, event: events.Event) -> None:
        """What is typed stands in a row; the rest goes its way."""
        if not isinstance(event, Typed) or event.is_forwarded:
            await super().on_event(event)
            return
        self._typed.append(event)
        if not self._hearing:
            await self._hear_on()
        elif self._impatient is None:
            self._impatient = self.set_timer(_PATIENCE, self._hear_on)

    async def hear(self, event: Typed) -> None:
        """One key, or one paste, goes to whoever has the focus now."""
        await super().on_event(event)

    def after_typing(self, seconds: float, act: Callable[[], None]) -> None:
        """Call a function after a while, and after all keys that came meanwhile are heard."""
        self.set_timer(seconds, partial(self.call_later, self._when_heard, act))

    def _when_heard(self, act: Callable[[], None]) -> None:
        if self._typed or self._hearing:
            self.after_typing(_SOON, act)
        else:
            act()

    async def _hear_on(self) -> None:
        """Hear what was typed up to the first key after which somebody else may have the focus."""
        if self._impatient is not None:
            self._impatient.stop()
            self._impatient = None
        self._hearing = False
        while self._typed and not self._hearing:
            event = self._typed.popleft()
            self._hearing = not self._is_written(event)
            self._heard += 1
            await self.hear(event)
        if self._hearing:
            await self._pass(self._heard, _ROUNDS, [])
        if self._typed:
            self._impatient = self.set_timer(_PATIENCE, self._hear_on)

    def _is_written(self, event: Typed) -> bool:
        """Whether it only becomes part of a text."""
        field = self.focused
        return (
            isinstance(event, events.Key) and field is not None and field.check_consume_key(event.key, event.character)
        )

    async def _pass(self, heard: int, rounds: int, way: list[MessagePump]) -> None:
        """Go behind all messages of those on the way, round by round from the focus to here; then hear on."""
        if heard != self._heard:
            return
        if not way and rounds:
            rounds, way = rounds - 1, list((self.focused or self.screen).ancestors_with_self)
        while way:
            if way.pop(0).call_later(self._pass, heard, rounds, way):
                return
        await self._hear_on()
