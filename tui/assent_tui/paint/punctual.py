"""Timers that go off in any case, however busy the machine is."""

from __future__ import annotations

from textual.message_pump import MessagePump
from textual.timer import Timer, TimerCallback


class Punctual(MessagePump):
    """Something that never misses what it set a timer for.

    Textual leaves out a tick whose time is over before it is waited for. Where a process is put aside just then, what is
    to happen once would never happen: a card that takes no key, an answer that stands still.
    """

    def set_timer(
        self, delay: float, callback: TimerCallback | None = None, *, name: str | None = None, pause: bool = False
    ) -> Timer:
        """Call a function once, after some seconds; late rather than never."""
        timer = super().set_timer(delay, callback, name=name, pause=pause)
        timer._skip = False  # pyright: ignore[reportPrivateUsage]  the only way to say so
        return timer
