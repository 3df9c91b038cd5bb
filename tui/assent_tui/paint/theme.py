"""Two calm themes and two of high contrast, and the palette that turns names of styles into colours of the one that is on."""

from __future__ import annotations

from functools import lru_cache

from rich.style import Style
from textual.color import Color
from textual.theme import Theme
from textual.widget import Widget

DARK = Theme(
    name="assent-dark",
    primary="#6cb6a8",
    secondary="#82a7dd",
    accent="#c6a0e0",
    warning="#e2b56a",
    error="#e8767a",
    success="#86c278",
    foreground="#d5d9e0",
    background="#15181d",
    surface="#1b1f26",
    panel="#242a33",
    variables={"border": "#39414e", "scrollbar": "#39414e", "scrollbar-background": "#15181d"},
)
LIGHT = Theme(
    name="assent-light",
    primary="#13786a",
    secondary="#2b5fa8",
    accent="#80419d",
    warning="#8f5c00",
    error="#b3262d",
    success="#2c7a21",
    foreground="#23272e",
    background="#fbfaf7",
    surface="#f3f1ec",
    panel="#e7e4dc",
    dark=False,
    variables={"border": "#c5c0b4", "scrollbar": "#c5c0b4", "scrollbar-background": "#fbfaf7"},
)
CONTRAST = Theme(
    name="assent-contrast",
    primary="#4ff0d8",
    secondary="#8fc7ff",
    accent="#f0a8ff",
    warning="#ffd54a",
    error="#ff8a8a",
    success="#7dff6e",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#262626",
    variables={"border": "#ffffff", "scrollbar": "#ffffff", "scrollbar-background": "#000000"},
)
CONTRAST_LIGHT = Theme(
    name="assent-contrast-light",
    primary="#00534a",
    secondary="#003a80",
    accent="#5a0078",
    warning="#5c3a00",
    error="#960010",
    success="#00540a",
    foreground="#000000",
    background="#ffffff",
    surface="#ffffff",
    panel="#dedede",
    dark=False,
    variables={"border": "#000000", "scrollbar": "#000000", "scrollbar-background": "#ffffff"},
)
SIXTEEN = Theme(
    name="assent-16",
    primary="#00aaaa",
    secondary="#5555ff",
    accent="#ff55ff",
    warning="#ffff55",
    error="#ff5555",
    success="#55ff55",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    variables={"border": "#aaaaaa", "scrollbar": "#aaaaaa", "scrollbar-background": "#000000"},
)
"""Only colours that a terminal of sixteen has, so that none of them is taken for another."""
SIXTEEN_LIGHT = Theme(
    name="assent-16-light",
    primary="#0000aa",
    secondary="#0000aa",
    accent="#aa00aa",
    warning="#aa5500",
    error="#aa0000",
    success="#00aa00",
    foreground="#000000",
    background="#ffffff",
    surface="#ffffff",
    panel="#ffffff",
    dark=False,
    variables={"border": "#555555", "scrollbar": "#555555", "scrollbar-background": "#ffffff"},
)
THEMES = {"dark": DARK, "light": LIGHT, "contrast": CONTRAST, "contrast-light": CONTRAST_LIGHT}


def themes() -> tuple[Theme, ...]:
    """All themes of ours."""
    return (*THEMES.values(), SIXTEEN, SIXTEEN_LIGHT)


def theme_of(name: str, colours: str | None = "truecolor") -> str:
    """The full name of a theme as the settings name it; dark if they name none. Names of others stay as they are.

    `colours`: how many the terminal has, as Rich says it; where they are sixteen, a theme of just those stands in.
    """
    chosen = THEMES.get(name or "dark")
    if chosen and colours == "standard":
        return (SIXTEEN if chosen.dark else SIXTEEN_LIGHT).name
    return chosen.name if chosen else name


class Palette:
    """The styles that lines name, for one theme; names may be joined by blanks, the later ones on top.

    `plain`: marks of ours are written in plain letters.
    """

    def __init__(self, theme: Theme, *, plain: bool = False) -> None:
        self.plain = plain
        colours = theme.to_color_system().generate()
        self._styles = _styles({name: colours[name] for name in _NEEDED}, theme.dark, "contrast" in theme.name)
        if theme in (SIXTEEN, SIXTEEN_LIGHT):
            self._styles |= _WITHOUT_GROUNDS
        self.style = lru_cache(maxsize=512)(self._join)

    def _join(self, names: str) -> Style:
        return Style.combine(self._styles.get(name, _NOTHING) for name in names.split())


_made: dict[tuple[str, bool], Palette] = {}


def palette_of(widget: Widget) -> Palette:
    """The palette of the theme that is on."""
    theme: Theme = widget.app.current_theme  # pyright: ignore[reportUnknownMemberType]  App is generic in its result
    plain = widget.app.has_class("-plain")  # pyright: ignore[reportUnknownMemberType]
    if (theme.name, plain) not in _made:
        _made[theme.name, plain] = Palette(theme, plain=plain)
    return _made[theme.name, plain]


_NOTHING = Style()
_REVERSE = Style(reverse=True)
_WITHOUT_GROUNDS = {
    **dict.fromkeys(("select.fill", "find.fill", "mark.fill"), _REVERSE),
    **dict.fromkeys(("add.word", "del.word"), Style(bold=True, underline=True)),
}
"""What tells apart by more than a shade, which sixteen colours do not have."""
_NEEDED = ("foreground", "background", "panel", "primary", "secondary", "accent", "warning", "error", "success")


def _styles(hex_of: dict[str, str], dark: bool, stark: bool) -> dict[str, Style]:
    colour = {name: Color.parse(value) for name, value in hex_of.items()}
    ground, text = colour["background"], colour["foreground"]

    def ink(name: str, share: float = 1.0, *, bold: bool | None = None, italic: bool | None = None) -> Style:
        return Style(color=ground.blend(colour[name], share).rich_color, bold=bold, italic=italic)

    def fill(name: str, share: float) -> Style:
        return Style(bgcolor=ground.blend(colour[name], share).rich_color)

    tint = 0.3 if stark else 0.15 if dark else 0.13
    dim, faint, rule = (0.92, 0.85, 0.7) if stark else (0.62, 0.45 if dark else 0.5, 0.22)
    return {
        "text": Style(color=text.rich_color),
        "bold": Style(bold=True),
        "italic": Style(italic=True),
        "under": Style(underline=True),
        "strike": Style(strike=True),
        "dim": ink("foreground", dim),
        "faint": ink("foreground", faint),
        "rule": ink("foreground", rule),
        "accent": ink("primary"),
        "ok": ink("success"),
        "bad": ink("error"),
        "warn": ink("warning"),
        "info": ink("secondary"),
        "code": ink("secondary"),
        "head": ink("primary", bold=True),
        "user.fill": fill("foreground", 0.07),
        "code.fill": fill("foreground", 0.05),
        "head.fill": fill("foreground", 0.08),
        "mark.fill": fill("primary", 0.24),
        "add.fill": fill("success", tint),
        "del.fill": fill("error", tint),
        "add.word": fill("success", 0.36 if dark else 0.32) + Style(bold=True),
        "del.word": fill("error", 0.4 if dark else 0.32) + Style(bold=True),
        "select.fill": fill("secondary", 0.6 if stark else 0.4) + Style(underline=True),
        "find.fill": fill("warning", 0.45) + Style(underline=True),
        "warn.fill": fill("warning", tint),
        "bad.fill": fill("error", tint),
        "kw": ink("accent"),
        "str": ink("success"),
        "num": ink("warning"),
        "com": ink("foreground", max(dim - 0.07, 0.55), italic=True),
        "fn": ink("secondary"),
        "typ": ink("primary"),
        "dec": ink("warning"),
    }
