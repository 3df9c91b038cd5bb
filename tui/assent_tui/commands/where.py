"""Where a command was started, and which settings hold there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assent_core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assent_core.settings import Settings


def here() -> Path:
    """The folder in which the command was started; raises UsageError where it is gone."""
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(f"The current folder cannot be found: {error}", "Change into a folder that exists.") from error


def settings_for(folder: Path) -> Settings:
    """The user's settings as the project around a folder narrows them."""
    from assent_core.settings import load
    from assent_core.workspace import root_of

    return load(root_of(folder))


def without_screen(settings: Settings, *, quiet: bool = False) -> Settings:
    """The same settings; what in them only a screen would stumble over is said on stderr, unless `quiet`."""
    if not quiet and (settings.theme or settings.keys):
        for key, fault in _faults(settings):
            from assent_core.settings_file import line_of, settings_file
            from assent_tui.notice import tell

            line = line_of(key)
            tell(f"{settings_file()}:{f'{line}:' if line else ''} {fault.message}", fault.hint, 0)
    return settings


def _faults(settings: Settings) -> Iterator[tuple[str, UsageError]]:
    """Themes and actions that there are not, by the keys of the settings. What a key may be bound to, only a screen knows."""
    from assent_tui.keytable import key_of
    from assent_tui.pages.settings_words import CHOICES, no_theme

    if settings.theme and settings.theme not in CHOICES["theme"] and not _is_theme_of_textual(settings.theme):
        yield "theme", no_theme(settings.theme)
    for name in settings.keys:
        try:
            key_of(name)
        except UsageError as fault:
            yield f"keys.{name}", fault


def _is_theme_of_textual(name: str) -> bool:
    from textual.theme import BUILTIN_THEMES

    return name in BUILTIN_THEMES
