"""The pages over the work: the first run, all keys, the sessions, the settings; and how the whole looks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from textual.filter import Monochrome, NoColor
from textual.screen import Screen

from assent_core.errors import UsageError
from assent_tui.keymap import USUAL as USUAL_KEYS
from assent_tui.keymap import checked
from assent_tui.pages.settings_words import no_theme
from assent_tui.paint.textscreen import TextScreen
from assent_tui.paint.theme import theme_of, themes
from assent_tui.prompt.slash import COMMANDS
from assent_tui.screen.attention import Wanted
from assent_tui.screen.work import Open, Work

if TYPE_CHECKING:
    from assent_core.settings import Settings


class Place(Struct, frozen=True, kw_only=True):
    """Where the screen is: what sessions and settings it may show."""

    root: Path
    state: Path
    keyless: Callable[[], bool] | None = None
    """Says whether no model can be asked yet, so that the first run has something to offer; may take its time."""


class Look(Struct, frozen=True, kw_only=True):
    """How the screen looks and which keys it takes, as the settings say."""

    theme: str = ""
    plain: bool = False
    notify: Wanted = "on"
    keys: dict[str, str] = {}
    pace: float = 0.4
    """Seconds within which a second letter makes a sentence of the first."""
    confirm_landing: Literal["always", "unverified"] = "always"

    @classmethod
    def of(cls, settings: Settings) -> Look:
        """What the settings say of it."""
        return cls(
            theme=settings.theme,
            plain=settings.plain,
            notify=settings.notify,
            keys=settings.keys,
            pace=settings.pace,
            confirm_landing=settings.confirm_landing,
        )


USUAL = Look()


class Pages(Work):
    """An app with pages that come over its work and give something back."""

    def __init__(self, open: Open, look: Look, place: Place | None = None) -> None:
        colourless = bool(os.environ.get("NO_COLOR"))
        super().__init__(open)
        if colourless:
            os.environ["NO_COLOR"] = "1"  # Textual takes it away, and a later screen is to know it too
            self._filters = [each for each in self._filters if not isinstance(each, Monochrome)] + [NoColor()]
            self.add_class("-colourless")
        self.place = place
        self.next_session = ""
        """The id of the session that the user wants to go on with; this one is left for it."""
        self.wants_demo = False
        self.faults: list[str] = []
        """What is wrong with the settings of the look, to be told once there is something to tell it in."""
        self.keymap = USUAL_KEYS
        """The keys that hold now."""
        for known in themes():
            self.register_theme(known)
        self.animation_level = "none"
        self.wear(look)

    def get_default_screen(self) -> Screen[None]:
        """A screen on which text can be selected."""
        return TextScreen(id="_default")

    def wear(self, look: Look) -> None:
        """Look as the settings say, from now on."""
        self.look = look
        self.notify_by = look.notify
        colours = self.console.color_system
        theme = theme_of(look.theme, colours)
        self._colour(theme if theme in self.available_themes else theme_of("", colours))
        if look.theme and theme not in self.available_themes:
            fault = no_theme(look.theme)
            self.faults.append(f"{fault.message} {fault.hint}")
        try:
            self.keymap = checked(look.keys)
            self.set_keymap(self.keymap.own)
        except UsageError as error:
            self.faults.append(f"{error.message} {error.hint}")
        self.set_class(look.plain, "-plain")
        if self.is_running:
            self.keys_changed()

    def keys_changed(self) -> None:
        """Other keys hold now."""

    def _colour(self, theme: str) -> None:
        """Put a theme on; before the first picture without the parsing of all styles that a change needs."""
        if self.is_running:
            self.theme = theme
        else:
            self.set_reactive(Pages.theme, theme)
            self.stylesheet.set_variables(self.get_css_variables())

    def begin(self) -> None:
        """Open the session, or have somewhere to ask first."""
        if self.place is None or self.place.keyless is None:
            self.start("opening", self.open_session())
        else:
            self.start("opening", self._look_for_key(self.place.keyless))

    async def _look_for_key(self, keyless: Callable[[], bool]) -> None:
        """A job: the first run, where no model can be asked; else the session."""
        if not await asyncio.to_thread(keyless):
            await self.open_session()
            return
        from assent_tui.pages.welcome import WelcomeScreen

        chosen = await self.push_screen_wait(WelcomeScreen())
        match chosen:
            case "quit":
                self.exit(0)
            case "demo":
                self.wants_demo = True
                self.exit(0)
            case _:
                await self.open_session()

    def leave_page(self) -> None:
        """Leave the page over the work, or what is open in it."""
        leave = getattr(self.screen, "action_leave", None)
        if leave is not None:
            leave()
        else:
            self.pop_screen()

    def action_help(self) -> None:
        """Show all keys and commands."""
        from assent_tui.pages.help import HelpScreen

        if len(self.screen_stack) == 1:
            self.push_screen(HelpScreen(self.keymap, tuple(COMMANDS.items())))

    def action_sessions(self) -> None:
        """Show the recorded sessions; one that is chosen takes the place of this one."""
        from assent_tui.pages.sessions import SessionsScreen

        if self.place is not None and len(self.screen_stack) == 1:
            current = self.jobs.session.opened.session if self.jobs else ""
            self.push_screen(SessionsScreen(self.place.state, self.place.root, current), self._go_to)

    def _go_to(self, id: str | None) -> None:
        if id:
            self.next_session = id
            self.exit(0)

    def action_settings(self) -> None:
        """Show the settings; what concerns the look holds at once."""
        from assent_tui.pages.settings import SettingsScreen

        root = self.place.root if self.place else None
        if len(self.screen_stack) == 1:
            self.push_screen(SettingsScreen(lambda made: self.wear(Look.of(made)), root))
