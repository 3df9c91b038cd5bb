"""The sessions alone on the screen: choose one, or none."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.types import CSSPathType

from assent_tui.keymap import checked
from assent_tui.pages.sessions import SessionsScreen
from assent_tui.paint.theme import theme_of, themes
from assent_tui.screen.pages import Look
from assent_tui.screen.typed import Typing


class Picker(Typing[str]):
    """Gives the id of the chosen session; empty if none was."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["app.tcss", "furnished.tcss"]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, state: Path, root: Path, look: Look) -> None:
        super().__init__()
        for known in themes():
            self.register_theme(known)
        theme = theme_of(look.theme, self.console.color_system)
        self.theme = theme if theme in self.available_themes else theme_of("", self.console.color_system)
        self.keymap = checked(look.keys)
        self.set_keymap(self.keymap.own)
        self._page = SessionsScreen(state, root)

    def on_mount(self) -> None:
        """Show them."""
        self.push_screen(self._page, self.exit)
