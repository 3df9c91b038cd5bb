"""What bash, zsh and fish need to complete our words, written from the parsers of the commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from shlex import quote

from msgspec import Struct

from assent_tui.arguments import DESCRIBE, Described

Call = Callable[[list[str], list[str] | None], int]


class Option(Struct, frozen=True):
    """An option of a command: its spellings, what it does, whether a value follows, which values there are."""

    names: tuple[str, ...]
    help: str
    value: bool
    choices: tuple[str, ...] = ()


class Word(Struct, frozen=True):
    """A command: what it is for, its options, and the values of its plain argument where they are known."""

    name: str
    help: str
    options: tuple[Option, ...]
    choices: tuple[str, ...] = ()


def words_of(commands: Mapping[str, Call]) -> tuple[Word, ...]:
    """Ask each command what it takes."""
    found: list[Word] = []
    for name, call in commands.items():
        try:
            call([DESCRIBE], None)
        except Described as described:
            found.append(_word(name, described.parser))
    return tuple(found)


def script(shell: str, commands: Mapping[str, Call]) -> str:
    """The script for one of the three shells."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](words_of(commands))


def _word(name: str, parser: argparse.ArgumentParser) -> Word:
    about = (parser.description or "").partition(". ")[0].rstrip(".")
    actions = parser._actions  # pyright: ignore[reportPrivateUsage] # argparse has no other list of them
    options = tuple(_option(action) for action in actions if action.option_strings)
    plain = [action for action in actions if not action.option_strings]
    return Word(name, about, options, tuple(str(choice) for action in plain for choice in action.choices or ()))


def _option(action: argparse.Action) -> Option:
    choices = tuple(str(choice) for choice in action.choices or ())
    return Option(tuple(action.option_strings), action.help or "", action.nargs != 0, choices)


def _bash(words: tuple[Word, ...]) -> str:
    cases = "".join(
        f"    {word.name}) words={quote(' '.join([*(n for o in word.options for n in o.names), *word.choices]))} ;;\n"
        for word in words
    )
    values = "".join(
        f"    {quote(f'{word.name} {name}')}) words={quote(' '.join(option.choices))} ;;\n"
        for word in words
        for option in word.options
        for name in option.names
        if option.value
    )
    return f"""\
# assent: completion for bash; source it, or put it into ~/.local/share/bash-completion/completions/assent
_assent() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${{COMP_WORDS[i]}} == -- ]] && return
  done
  if ((COMP_CWORD == 1)); then
    words={quote(" ".join([*(word.name for word in words), "--continue", "--resume", "--fork", "--help", "--version"]))}
  else
    case ${{COMP_WORDS[1]}} in
{cases}    esac
    case "${{COMP_WORDS[1]}} $prev" in
{values}    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}}
complete -o default -F _assent assent
"""


def _zsh(words: tuple[Word, ...]) -> str:
    named = "\n".join(f"    {quote(f'{word.name}:{word.help}')}" for word in words)
    cases: list[str] = []
    for word in words:
        specs = [quote(_zsh_spec(name, option)) for option in word.options for name in option.names]
        specs.append(quote(f":word:({' '.join(word.choices)})" if word.choices else "*::word:_files"))
        cases.append(f"    {word.name}) _arguments {' '.join(specs)} ;;\n")
    return f"""\
#compdef assent
# assent: completion for zsh; put it into a folder of $fpath as _assent
_assent() {{
  local -a commands=(
{named}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local word=$words[2]
  shift words
  ((CURRENT--))
  case $word in
{"".join(cases)}  esac
}}
compdef _assent assent
"""


def _zsh_spec(name: str, option: Option) -> str:
    about = option.help.translate({ord("["): "(", ord("]"): ")", ord(":"): ","})
    value = f":value:({' '.join(option.choices)})" if option.choices else ":value:_files" if option.value else ""
    return f"{name}[{about}]{value}"


def _fish(words: tuple[Word, ...]) -> str:
    lines = ["# assent: completion for fish; put it into ~/.config/fish/completions/assent.fish"]
    for word in words:
        lines.append(f"complete -c assent -n __fish_use_subcommand -f -a {word.name} -d {quote(word.help)}")
        here = f"complete -c assent -n '__fish_seen_subcommand_from {word.name}'"
        if word.choices:
            lines.append(f"{here} -f -a {quote(' '.join(word.choices))}")
        for option in word.options:
            names = " ".join(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names)
            values = f" -x -a {quote(' '.join(option.choices))}" if option.choices else " -r" if option.value else ""
            lines.append(f"{here} {names} -d {quote(option.help)}{values}")
    return "\n".join(lines) + "\n"
