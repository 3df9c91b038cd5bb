"""Words of the command line become calls; every error ends as a message and a hint."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from assent_core.errors import AssentError, UsageError
from assent_sandbox.programs import keep_apart
from assent_tui import __version__
from assent_tui.notice import tell
from assent_tui.words import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = """\
usage: assent [PROMPT]
       assent --continue | --resume [ID] | --fork [ID]
       assent COMMAND [options]

A terminal coding assistant that changes nothing without your assent.

commands:
  (none)      work together in the terminal; PROMPT is the first thing asked
  fix         run a command, repair what makes it fail, review the change
  ask         answer a question; nothing is edited or run
  run         run any command on a stage and see what it would change
  sessions    what was worked on, what it cost and landed
  undo        take back what was landed
  redo        land again what was taken back
  consent     what you allowed, and taking it back
  stats       what was spent, how long it took, and what came of it
  doctor      which walls this machine gives
  demo        see it work in a temporary repository, without a key
  key         keep an API key in the keyring
  completion  what bash, zsh or fish need to complete these words
  schema      the JSON schema of records, or of --json
  replay      play a recorded session again, offline, and say where it drifts

options:
  --continue     go on with the newest session of this folder
  --resume [ID]  go on with a session, chosen from a list if none is named
  --fork [ID]    go on in a session of its own, from where the newest one or the one named ended
  -h, --help     this; `assent COMMAND --help` for one command
  --version      the version

exit codes: 0 done, 1 not fixed, 2 usage, 3 consent missing, 4 budget or limit, 5 environment, 6 service, 130 interrupted
"""


def main(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code; nothing but the exit of argparse's --help is raised."""
    try:
        keep_apart()
        words, rest = split(argv)
        code = COMMANDS[words[0]](words[1:], rest) if words and words[0] in COMMANDS else interactive(words, rest)
        _flush(code)
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _reader_gone()
    except AssentError as error:
        return tell(error.message, error.hint, error.code)
    except Exception as error:
        from assent_tui.crash import report

        code = report(error, argv)
        _flush(code)
        return code


def split(argv: Sequence[str]) -> tuple[list[str], list[str] | None]:
    """Our own words, and what follows the first `--`: None if there is no `--`."""
    words = list(argv)
    if "--" not in words:
        return words, None
    at = words.index("--")
    return words[:at], words[at + 1 :]


def interactive(words: list[str], rest: list[str] | None) -> int:
    """`assent [PROMPT]`: the terminal interface."""
    if words == ["--version"]:
        sys.stdout.write(f"assent {__version__}\n")
        return 0
    if words and words[0] in ("-h", "--help"):
        sys.stdout.write(HELP)
        return 0
    resume = _resumed(words, rest)
    prompt = "" if resume is not None else _prompt(words, rest)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the interactive assent needs a terminal.",
            "Without one: `assent fix --apply -- CMD`, `assent fix --patch-out FILE -- CMD`, or `assent run -- CMD`.",
        )
    from assent_tui.commands.interact import choose_session, interact

    return choose_session() if words == ["--resume"] else interact(prompt, resume=resume, fork=words[:1] == ["--fork"])


def _resumed(words: list[str], rest: list[str] | None) -> str | None:
    """Which session to go on with: empty for the newest; None where that is not asked for."""
    if not words or words[0] not in ("--continue", "--resume", "--fork"):
        return None
    most = 1 if words[0] == "--continue" else 2
    if rest is not None or len(words) > most:
        raise UsageError(f"`assent {words[0]}` takes no more words.", "What comes next is said in the session itself.")
    return words[1] if len(words) == 2 else ""


def _prompt(words: list[str], rest: list[str] | None) -> str:
    given = words + (rest or [])
    if rest is None and words and words[0].startswith("-"):
        raise UsageError(f"unknown option `{words[0]}`.", "`assent --help` lists commands and options.")
    if len(given) > 1:
        raise UsageError("the prompt must be one argument.", f"Put it in quotes: assent '{' '.join(given)}'")
    if rest is None and words and (near := _meant(words[0])):
        raise UsageError(
            f"unknown command `{words[0]}`.", f"Did you mean `assent {near}`? A prompt: `assent -- {words[0]}`."
        )
    return given[0] if given else ""


def _meant(word: str) -> str:
    import difflib

    return next(iter(difflib.get_close_matches(word, COMMANDS, n=1, cutoff=0.7)), "")


def _reader_gone() -> int:
    _nowhere()
    return 141


def _flush(code: int) -> None:
    """Write what is left for stdout; after a failure that was told, what it does not take is dropped without another word."""
    try:
        sys.stdout.flush()
    except OSError:
        if not code:
            raise
        _nowhere()


def _nowhere() -> None:
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
