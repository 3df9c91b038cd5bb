"""The commands of the command line: which words each takes, and what they call."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from assent_core.errors import UsageError
from assent_tui.arguments import dollars, few, number, parser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def fix(words: list[str], rest: list[str] | None) -> int:
    """`assent fix`: run, repair, run again."""
    take = parser(
        "fix",
        "Run CMD on a stage; while it fails, let the worker repair it. Your files change only by what you accept.",
    )
    take.usage = "assent fix [options] [PROMPT] [-- CMD...]"
    take.add_argument(
        "prompt", nargs="?", default="", metavar="PROMPT", help="what to repair, or what to know about it"
    )
    ends = take.add_mutually_exclusive_group()
    ends.add_argument("--apply", action="store_true", help="land the result if CMD passes on exactly what lands")
    ends.add_argument("--patch-out", default="", metavar="FILE", help="write the result as a diff instead; - is stdout")
    take.add_argument(
        "--allow-tests", action="store_true", help="with --apply: changes to tests and CI files may land too"
    )
    take.add_argument(
        "--unverified",
        action="store_true",
        help="with --apply: land what nothing has verified, without CMD or where it passes only beside ignored output of builds",
    )
    _told(take)
    _bounded(take)
    take.add_argument(
        "--attempts",
        type=few,
        default=1,
        metavar="N",
        help="let N workers (1 to 8) race; the first that passes goes on",
    )
    given, stray = take.parse_known_args(words)
    if stray:
        raise UsageError(f"unrecognized arguments: {' '.join(stray)}", _meant_to_run(given.prompt, stray, rest))
    from assent_tui.commands.fix import Fix, fix

    return fix(Fix(command=tuple(rest or ()), **vars(given)))


def ask(words: list[str], rest: list[str] | None) -> int:
    """`assent ask`: a question to which nothing is changed."""
    take = parser("ask", "Answer a QUESTION about this folder: it is read and searched, nothing is edited or run.")
    take.add_argument("question", metavar="QUESTION", help="in one argument; - reads it from stdin")
    _told(take)
    _bounded(take)
    given = take.parse_args(_alone("ask", words, rest))
    from assent_tui.commands.question import Ask, ask

    return ask(Ask(**vars(given)))


def run(words: list[str], rest: list[str] | None) -> int:
    """`assent run`: the dry run for everything."""
    take = parser(
        "run", "Run CMD on a stage and say what it would change. Needs no model; CMD's exit code is passed through."
    )
    take.usage = "assent run [--land] [--json] [--quiet] -- CMD..."
    take.add_argument("--land", action="store_true", help="review what it changed, and land what you accept")
    _told(take)
    given, stray = take.parse_known_args(words)
    if stray:
        raise UsageError(f"unexpected `{stray[0]}` before the command.", f"`assent run -- {' '.join(stray)}`")
    if not rest:
        raise UsageError("there is no command to run.", "For example: `assent run -- make`.")
    from assent_tui.commands.run import Run, run

    return run(Run(command=tuple(rest), land=given.land, json=given.json, quiet=given.quiet))


def sessions(words: list[str], rest: list[str] | None) -> int:
    """`assent sessions`: the recorded sessions."""
    take = parser("sessions", "List the recorded sessions of this folder: what each was about, cost and landed.")
    take.add_argument("--all", action="store_true", help="those of all folders")
    take.add_argument("--search", default="", metavar="WORDS", help="only those in which all these words were said")
    take.add_argument("--json", action="store_true", help="each as one JSON line, newest first")
    given = take.parse_args(_alone("sessions", words, rest))
    from assent_tui.commands import records

    return records.list_sessions(everywhere=given.all, words=given.search, as_json=given.json)


def undo(words: list[str], rest: list[str] | None) -> int:
    """`assent undo`: take back a landing."""
    take = parser(
        "undo", "Take back the newest landing of this repository, or the one named. What you edited since is kept."
    )
    take.add_argument("id", nargs="?", default="", metavar="ID", help="a landing, as --list names it")
    instead = take.add_mutually_exclusive_group()
    instead.add_argument("--list", action="store_true", help="list the landings of all sessions, newest first")
    instead.add_argument(
        "--preview", action="store_true", help="show what would change in your files, and change nothing"
    )
    take.add_argument("--json", action="store_true", help="each landing as one JSON line")
    given = take.parse_args(_alone("undo", words, rest))
    from assent_tui.commands import chores

    if given.list:
        return chores.list_landings(as_json=given.json)
    return (chores.preview if given.preview else chores.undo)(given.id, as_json=given.json)


def redo(words: list[str], rest: list[str] | None) -> int:
    """`assent redo`: land again what was taken back."""
    take = parser("redo", "Land again what was taken back last, or the landing named. What you edited since is kept.")
    take.add_argument("id", nargs="?", default="", metavar="ID", help="a landing, as `assent undo --list` names it")
    take.add_argument("--json", action="store_true", help="the landing as one JSON line")
    given = take.parse_args(_alone("redo", words, rest))
    from assent_tui.commands import chores

    return chores.redo(given.id, as_json=given.json)


def consent(words: list[str], rest: list[str] | None) -> int:
    """`assent consent`: what is allowed beyond the walls."""
    take = parser("consent", "List what you allowed for this project: exactly what, since when, until when.")
    instead = take.add_mutually_exclusive_group()
    instead.add_argument("--revoke", default="", metavar="ID", help="take one back")
    instead.add_argument("--json", action="store_true", help="each as one JSON line, oldest first")
    given = take.parse_args(_alone("consent", words, rest))
    from assent_tui.commands import chores

    return chores.revoke(given.revoke) if given.revoke else chores.list_grants(as_json=given.json)


def stats(words: list[str], rest: list[str] | None) -> int:
    """`assent stats`: the accounts of all sessions."""
    take = parser(
        "stats", "What all sessions of yours spent, how long requests took, and what came of the tasks, side by side."
    )
    take.add_argument("--since", default="30d", metavar="WHEN", help="24h, 7d, 4w, a date, or all; 30d if not given")
    take.add_argument(
        "--by",
        default="route",
        choices=("route", "model", "repo", "class", "role", "day"),
        help="what a row stands for",
    )
    take.add_argument("--json", action="store_true", help="the figures as one JSON object")
    given = take.parse_args(_alone("stats", words, rest))
    from assent_tui.commands.stats import stats

    return stats(given.since, given.by, as_json=given.json)


def doctor(words: list[str], rest: list[str] | None) -> int:
    """`assent doctor`: which walls stand here."""
    take = parser(
        "doctor", "Try each wall on this machine and say which tier it gives. Exit 0 if commands can be confined."
    )
    take.add_argument("--json", action="store_true", help="the findings as one JSON object")
    given = take.parse_args(_alone("doctor", words, rest))
    from assent_tui.commands.doctor import doctor

    return doctor(as_json=given.json)


def demo(words: list[str], rest: list[str] | None) -> int:
    """`assent demo`: the main job, rehearsed."""
    take = parser(
        "demo", "Repair a small repository in a temporary folder. The model is rehearsed: no key, no network, no cost."
    )
    take.add_argument("--headless", action="store_true", help="without the interface: `fix --apply`, printed")
    given = take.parse_args(_alone("demo", words, rest))
    from assent_tui.commands.demo import demo

    return demo(headless=given.headless)


def key(words: list[str], rest: list[str] | None) -> int:
    """`assent key`: keep the API key."""
    parser("key", "Ask for an API key and keep it in the keyring. OPENAI_API_KEY, where set, comes first.").parse_args(
        _alone("key", words, rest)
    )
    from assent_tui.commands import chores

    return chores.keep_key()


def completion(words: list[str], rest: list[str] | None) -> int:
    """`assent completion`: what a shell needs to complete our words."""
    take = parser("completion", "Print what a shell needs to complete the words of assent, to be sourced by it.")
    take.add_argument("shell", choices=("bash", "zsh", "fish"), help="which shell")
    given = take.parse_args(_alone("completion", words, rest))
    from assent_tui.commands.shells import script

    sys.stdout.write(script(given.shell, COMMANDS))
    return 0


def replay(words: list[str], rest: list[str] | None) -> int:
    """`assent replay`: a recorded session once more, offline."""
    take = parser(
        "replay",
        "Play a recorded session again on a fresh stage, offline and without a key. Exit 0 if all was the same, 1 if it drifted.",
    )
    take.add_argument("session", metavar="SESSION", help="its id, or the beginning of it")
    take.add_argument(
        "--at", default="", metavar="COMMIT", help="on this commit, or `now`; else on the one where it began"
    )
    take.add_argument("--json", action="store_true", help="what came of it as one JSON object")
    given = take.parse_args(_alone("replay", words, rest))
    from assent_tui.commands.replay import replay

    return replay(given.session, given.at, as_json=given.json)


def schema(words: list[str], rest: list[str] | None) -> int:
    """`assent schema`: what programs may rely on."""
    take = parser("schema", "Print the JSON schema of the lines of a record, or of those of --json.")
    take.add_argument("which", choices=("record", "json"), help="of which lines")
    given = take.parse_args(_alone("schema", words, rest))
    from assent_tui.commands.schema import print_schema

    return print_schema(given.which)


COMMANDS: dict[str, Callable[[list[str], list[str] | None], int]] = {
    "fix": fix,
    "ask": ask,
    "run": run,
    "sessions": sessions,
    "undo": undo,
    "redo": redo,
    "consent": consent,
    "stats": stats,
    "doctor": doctor,
    "demo": demo,
    "key": key,
    "completion": completion,
    "schema": schema,
    "replay": replay,
}


def _told(take: argparse.ArgumentParser) -> None:
    """How a one-shot command tells what happens."""
    take.add_argument("--json", action="store_true", help="events as JSON lines on stdout, a summary last")
    take.add_argument("--quiet", action="store_true", help="say only what was denied and what failed")


def _bounded(take: argparse.ArgumentParser) -> None:
    """What it may spend."""
    take.add_argument("--max-cost", type=dollars, default=None, metavar="USD", help="end when this much was spent")
    take.add_argument("--max-turns", type=number, default=0, metavar="N", help="end after N requests to the worker")


def _meant_to_run(prompt: str, stray: list[str], rest: list[str] | None) -> str:
    if prompt and rest is None:
        return f"A command comes after --: `assent fix -- {' '.join([prompt, *stray])}`. A prompt is one argument, in quotes."
    return "`assent fix --help` says what it takes."


def _alone(name: str, words: list[str], rest: list[str] | None) -> list[str]:
    if rest is not None:
        raise UsageError(f"`assent {name}` takes no command.", f"`assent {name} --help` says what it takes.")
    return words
