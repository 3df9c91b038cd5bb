"""The words that a command takes: a parser whose mistakes are UsageErrors, and which can describe itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from assent_core.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

N = TypeVar("N", int, float)

DESCRIBE = "\0describe"
"""A word that no command line can hold: a parser that is given it raises `Described`."""


class Described(Exception):
    """Carries a parser that was asked what it takes."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def parser(name: str, about: str) -> argparse.ArgumentParser:
    """An argument parser whose mistakes are UsageErrors."""
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise UsageError(message, f"`{self.prog} --help` says what it takes.")

        def parse_known_args(self, *given: Any, **more: Any) -> Any:
            if given and given[0] == [DESCRIBE]:
                raise Described(self)
            return super().parse_known_args(*given, **more)

    return Parser(prog=f"assent {name}".strip(), description=about, allow_abbrev=False)


def dollars(text: str) -> float:
    """An amount above nothing."""
    if (value := _read(float, text)) and 0 < value < float("inf"):
        return value
    raise _unfit(text, "an amount of dollars above 0, such as 0.50")


def number(text: str) -> int:
    """A count of one or more."""
    if (value := _read(int, text)) and value >= 1:
        return value
    raise _unfit(text, "a count of 1 or more")


def few(text: str) -> int:
    """A count from 1 to 8."""
    if (value := _read(int, text)) and 1 <= value <= 8:
        return value
    raise _unfit(text, "a count from 1 to 8")


def _read(kind: Callable[[str], N], text: str) -> N | None:
    try:
        return kind(text)
    except ValueError:
        return None


def _unfit(text: str, wanted: str) -> Exception:
    import argparse

    return argparse.ArgumentTypeError(f"it takes {wanted}, not `{text}`")
