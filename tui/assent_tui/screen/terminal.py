"""The terminal as Textual drives it, but at rest while nobody types."""

from __future__ import annotations

import os
import selectors
from codecs import getincrementaldecoder
from typing import Any

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

_BEAT = 0.1
"""Seconds after which the parser is asked whether a lone Esc is all that comes."""
_BEATS = 10
"""How often it is asked after the last input."""


class Terminal(LinuxDriver):
    """Waits for input without looking up in between; what ends the waiting is a word through a pipe."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)  # pyright: ignore[reportUnknownMemberType]  App is generic in its result
        self._ears, self._mouth = os.pipe()

    def disable_input(self) -> None:
        """End the waiting, until the application mode starts again."""
        os.write(self._mouth, b".")
        super().disable_input()
        os.read(self._ears, 1)

    def run_input_thread(self) -> None:
        """Turn what is typed into events."""
        parser, decode = XTermParser(self._debug), getincrementaldecoder("utf-8")().decode
        with selectors.SelectSelector() as inputs:
            inputs.register(self.fileno, selectors.EVENT_READ)
            inputs.register(self._ears, selectors.EVENT_READ)
            beats = 0
            while self._ears not in (ready := [key.fd for key, _ in inputs.select(_BEAT if beats else None)]):
                beats = _BEATS if ready else beats - 1
                data = os.read(self.fileno, 4096) if ready else b""
                text = decode(data)
                for event in (*(parser.feed(text) if text else ()), *parser.tick()):
                    self.process_message(event)
                if ready and not data:
                    inputs.unregister(self.fileno)  # nobody can type any more
