"""One job at a time: opening, turns, reviews and landings run in a worker that can be stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING

from textual.message_pump import MessagePump
from textual.worker import Worker

from assent_tui.consent.asking import ScreenAsker
from assent_tui.screen.attention import Attention, Wanted, call, title
from assent_tui.screen.clipboard import copying
from assent_tui.screen.messages import Opened, Over, trouble
from assent_tui.screen.typed import Typing

if TYPE_CHECKING:
    from textual.driver import Driver

    from assent_core.consent.gate import Asker
    from assent_core.session import Session
    from assent_tui.screen.jobs import Jobs

_ENDING = (signal.SIGTERM, signal.SIGHUP)

Open = Callable[["Asker"], Awaitable["Session"]]


class Work(Typing[int]):
    """An app that does one thing at a time with a session, and says by `Over` how it ended."""

    def __init__(self, open: Open) -> None:
        super().__init__()
        self.jobs: Jobs | None = None
        """What can be done with the session, once it is open."""
        self.job: Worker[None] | None = None
        """What is being done."""
        self.code = 0
        """The exit code of the last error."""
        self.attention = Attention()
        self.notify_by: Wanted = "on"
        """How the user is called when they are needed and look elsewhere."""
        self._titled = False
        self._signalled = 0
        """The exit code of the signal that ended the screen; 0: none did."""
        self._open_session = open
        self._idle = asyncio.Event()
        self._idle.set()

    def get_driver_class(self) -> type[Driver]:
        """What drives the terminal: ours, where Textual would take its own for it."""
        from textual.drivers.linux_driver import LinuxDriver

        from assent_tui.screen.terminal import Terminal

        usual = super().get_driver_class()
        return Terminal if usual is LinuxDriver else usual

    def show_work(self, doing: str) -> None:
        """Say what is being done; empty: nothing is."""
        raise NotImplementedError

    @property
    def asker(self) -> MessagePump:
        """Where questions are posted to."""
        raise NotImplementedError

    async def live(self, *, close: bool) -> int:
        """Run until the user leaves and what was being done has ended; then the session is closed if that is asked for.

        A signal that ends the process ends the screen first, so that the terminal is as it was; a second one ends it at once.
        """
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._end_by, number)
        try:
            await self.run_async()
            await self._idle.wait()
        finally:
            for number in _ENDING:
                loop.remove_signal_handler(number)
            if close and self.jobs is not None:
                await self.jobs.session.close()
        return self._signalled or (self.code if self.jobs is None else 0)

    def _end_by(self, number: signal.Signals) -> None:
        asyncio.get_running_loop().remove_signal_handler(number)
        self._signalled = 128 + number
        self.stop()
        self.exit(self._signalled)

    def call_user(self, words: str) -> None:
        """Ring, if the user looks elsewhere; the title says it until a key is pressed."""
        driver = self._driver
        if driver is not None and not self.is_headless and self.attention.away:
            driver.write(
                call(words, self.notify_by, os.environ)
                + (title(f"assent: {words}", os.environ) if self.notify_by == "on" else "")
            )
            self._titled = self.notify_by == "on"

    def copy_to_clipboard(self, text: str) -> None:
        """Bring a text to the user's clipboard."""
        self._clipboard = text
        if self._driver is not None and not self.is_headless:
            self._driver.write(copying(text, os.environ))

    def on_resize(self) -> None:
        """Paint everything: a window that is as large as before may have been smaller in between, and lost what it showed."""
        if self._dom_ready:
            self.refresh()

    def on_app_focus(self) -> None:
        """The terminal has the focus again: nobody needs to be called."""
        self.attention.focused(True)
        self._untitle()

    def on_app_blur(self) -> None:
        """The user went to another window."""
        self.attention.focused(False)

    def key_pressed(self) -> None:
        """Somebody is there."""
        self.attention.pressed()
        self._untitle()

    def _untitle(self) -> None:
        if self._titled and self._driver is not None:
            self._titled = False
            self._driver.write(title("assent", os.environ))

    def start(self, doing: str, job: Coroutine[None, None, None]) -> None:
        """Do something; whatever was being done is stopped."""
        self.job = self.run_worker(self._run(job), group="job", exclusive=True, exit_on_error=False)
        self.show_work(doing)

    def stop(self) -> None:
        """Stop what is being done; what is staged is kept."""
        if self.job is not None:
            self.show_work("stopping")
            self.job.cancel()

    async def open_session(self) -> None:
        """A job: open the session."""
        self.post_message(Opened(await self._open_session(ScreenAsker(self.asker.post_message))))

    async def _run(self, job: Coroutine[None, None, None]) -> None:
        self._idle.clear()
        try:
            await job
        except asyncio.CancelledError:
            self.post_message(Over(interrupted=True))
            raise
        except Exception as error:
            self.post_message(Over(trouble(error)))
        else:
            self.post_message(Over())
        finally:
            self._idle.set()
