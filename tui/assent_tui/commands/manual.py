"""The manual page, written from the help and the parsers of the commands."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping

from assent_tui import __version__
from assent_tui.arguments import DESCRIBE, Described
from assent_tui.commands.shells import Call

ABOUT = (
    "The model works on a stage: a copy-on-write view of the repository, private to the session, without network and "
    "without your secrets. Only what you accept, hunk by hunk, is written into your files, and it can be taken back."
)
FILES = (
    ("~/.config/assent/settings.toml", "The settings; `/settings` in the terminal lists and explains them."),
    (".assent.toml", "The settings of a project, which can only make those of the user stricter."),
    (
        "~/.local/state/assent",
        "Records of sessions, stages, journals of landings, the ledger of consents, the accounts.",
    ),
)
VARIABLES = (
    ("OPENAI_API_KEY", "The key of the model's service. Without it, the one that `assent key` keeps."),
    ("OPENAI_BASE_URL", "Another server that speaks the Responses API."),
    ("ASSENT_STATE_DIR, ASSENT_CONFIG_DIR", "Other folders for the state and the settings."),
    ("VISUAL, EDITOR", "The editor for a prompt or a hunk."),
    ("NO_COLOR", "No colours."),
)


def page(help: str, commands: Mapping[str, Call]) -> str:
    """The page in roff, for `man -l`: `help` is what `assent --help` says."""
    usage, about, tables, codes = _taken_apart(help)
    lines = [
        f'.TH ASSENT 1 "" "assent {__version__}" "User Commands"',
        *(".SH NAME", "assent \\- a terminal coding assistant that changes nothing without your assent"),
        *(".SH SYNOPSIS", ".nf", *map(_roff, usage), ".fi"),
        *(".SH DESCRIPTION", _roff(about), ".PP", _roff(ABOUT)),
    ]
    for title, rows in tables.items():
        lines += [f".SH {title.upper()}", *(line for row in rows for line in _tagged(*row))]
    for name, call in commands.items():
        lines += _command(name, call)
    for title, rows in (("ENVIRONMENT", VARIABLES), ("FILES", FILES)):
        lines += [f".SH {title}", *(line for row in rows for line in _tagged(*row))]
    lines += [".SH EXIT STATUS", *(line for row in codes for line in _tagged(*row))]
    return "\n".join(lines) + "\n"


def _taken_apart(help: str) -> tuple[list[str], str, dict[str, list[tuple[str, str]]], list[tuple[str, str]]]:
    """The lines of usage, the sentence below, the tables with their titles, and the exit codes."""
    first, about, *rest = help.strip().split("\n\n")
    usage = [line.removeprefix("usage:").strip() for line in first.splitlines()]
    tables: dict[str, list[tuple[str, str]]] = {}
    for block in rest[:-1]:
        title, *rows = block.splitlines()
        tables[title.rstrip(":")] = [
            (row[0], row[1]) for row in (re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in rows)
        ]
    codes = [each.partition(" ") for each in rest[-1].partition(": ")[2].split(", ")]
    return usage, about, tables, [(code, words) for code, _, words in codes]


def _command(name: str, call: Call) -> Iterator[str]:
    try:
        call([DESCRIBE], None)
    except Described as described:
        parser = described.parser
        yield f".SH ASSENT {_roff(name.upper())}"
        usage = parser.format_usage() if parser.usage is None else f"usage: {parser.usage}"
        yield from (
            ".nf",
            _roff(" ".join(usage.removeprefix("usage:").split())),
            ".fi",
            ".PP",
            _roff(parser.description or ""),
        )
        for action in parser._actions:  # pyright: ignore[reportPrivateUsage] # argparse has no other list of them
            yield from _tagged(_spelled(action), _explained(action))


def _spelled(action: argparse.Action) -> str:
    value = action.metavar or (f"{{{','.join(map(str, action.choices))}}}" if action.choices else "")
    if not action.option_strings:
        return str(value or action.dest)
    return ", ".join(f"{name} {value}".strip() if action.nargs != 0 else name for name in action.option_strings)


def _explained(action: argparse.Action) -> str:
    return (action.help or "").replace("%%", "%")


def _tagged(tag: str, text: str) -> tuple[str, ...]:
    return (".TP", f"\\fB{_roff(tag)}\\fR", _roff(text))


def _roff(text: str) -> str:
    """Text as roff takes it: no line of it is a request, hyphens are those of a keyboard."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return f"\\&{text}" if text.startswith((".", "'")) else text
