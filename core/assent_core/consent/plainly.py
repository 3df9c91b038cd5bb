"""Small questions answered without any model: a title, a commit message, what a prompt asks for, which files matter."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Literal

from msgspec import Struct

from assent_core.consent.commands import visible
from assent_core.diffs.changes import FileChange

TITLE = 60
SUBJECT = 72
"""Most characters of a title and of the first line of a commit message."""
MOST_RANKED = 20
FEW = 40
"""A repository with fewer files is seen whole at one look."""

Kind = Literal["question", "edit", "debug", "terminal"]


class Triage(Struct, frozen=True, kw_only=True):
    """What a prompt asks for, as far as it matters for who takes it."""

    kind: Kind
    several_tools: bool = False
    high_value: bool = False
    """It is about landing, pushing, deleting, deploying, secrets or money."""


DEBUG = re.compile(
    r"(?i)\b(?:fail(?:s|ed|ing|ure)?|error|bug|crash\w*|broken|traceback|exception|regression|flaky|debug)\b"
)
EDIT = re.compile(
    r"(?i)\b(?:add|change|fix|repair|implement|refactor|rename|remove|delete|update|write|create|replace|move|mend|make|edit|port|"
    r"convert|improve|extend|drop|bump|migrate|rewrite)\b"
)
TERMINAL = re.compile(r"(?i)\b(?:run|execute|install|build|start|compile|deploy|launch|commit|push|rebase|merge)\b")
QUESTION = re.compile(
    r"(?i)^\W*(?:what|why|how|where|which|who|when|is|are|does|do(?=\s+(?:you|we|i|they)\b)|can|could|should|explain|describe|show|tell|list)\b"
)
WISH = re.compile(r"(?i)^\W*(?:can|could|would|will)\s+(?:you|we)\b")
"""A question by its form that asks for something to be done."""
VALUABLE = re.compile(
    r"(?i)\b(?:push|deploy|release|publish|delete|drop|migrate|production|secret|password|token|credential|payment|billing|invoice|"
    r"force|wipe|purge)\w*"
)
TOKEN = re.compile(r"[^\s\"'`()\[\]<>{},;:=]+")
WORD = re.compile(r"[A-Za-z][A-Za-z0-9]{1,40}")
COMMON_WORDS = """
the and for with that this from into when not are was but all any can has have what why how where which does should please
file code make use add fix in of to it is on at be as an or if py js ts rs go md src lib my me we do
"""
COMMON = frozenset(COMMON_WORDS.split())


def title(prompt: str) -> str:
    """The first words of a prompt, in one line."""
    words = visible(" ".join(prompt.split()))
    sentence = re.split(r"(?<=[.!?])\s", words, maxsplit=1)[0].rstrip(".")
    if len(sentence) <= TITLE:
        return sentence or "untitled"
    return sentence[: TITLE - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def commit_message(files: Collection[FileChange]) -> str:
    """A subject from the names of the changed files, and below it each file with its counts where there are several."""
    if not files:
        return "No changes"
    verbs = {"Delete" if file.after is None else "Add" if file.before is None else "Change" for file in files}
    verb = verbs.pop() if len(verbs) == 1 else "Change"
    paths = [visible(file.path) for file in files]
    subject = f"{verb} {_named(paths)}"
    if len(files) == 1:
        return subject
    body = (f"- {visible(file.path)} (+{file.added} -{file.removed})" for file in list(files)[:30])
    return "\n".join([subject, "", *body])


def _named(paths: list[str]) -> str:
    names = [PurePosixPath(path).name for path in paths]
    whole = ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else paths[0]
    if len(whole) <= SUBJECT - len("Change "):
        return whole
    parts = [PurePosixPath(path).parts[:-1] for path in paths]
    common = "/".join(one[0] for one in zip(*parts, strict=False) if len(set(one)) == 1)
    place = f" in {common}" if common and len(common) < SUBJECT - 20 else ""
    return f"{len(paths)} file{'s' * (len(paths) != 1)}{place}"


def triage(prompt: str) -> Triage:
    """What a prompt asks for by its words; in doubt it is work on the code."""
    debug, edit, terminal = (bool(pattern.search(prompt)) for pattern in (DEBUG, EDIT, TERMINAL))
    wish = bool(WISH.search(prompt)) and (edit or terminal)
    asks = not wish and (bool(QUESTION.search(prompt)) or prompt.rstrip().endswith("?"))
    kind: Kind = "edit"
    if debug and (edit or not asks):
        kind = "debug"
    elif asks and not (edit and re.search(r"(?i)\b(?:and|then|please)\b", prompt)):
        kind = "question"
    elif terminal and not edit:
        kind = "terminal"
    return Triage(
        kind=kind, several_tools=kind == "debug" or (edit and terminal), high_value=bool(VALUABLE.search(prompt))
    )


def stricter(rules: Triage, said: Triage) -> Triage:
    """Both readings of a prompt as one: what only one of them sees still counts, so that no word talks a risk away."""
    return Triage(
        kind=said.kind if rules.kind == "question" or said.kind != "question" else rules.kind,
        several_tools=rules.several_tools or said.several_tools,
        high_value=rules.high_value or said.high_value,
    )


def ranked(prompt: str, paths: Collection[str]) -> tuple[str, ...]:
    """The paths that share words with a prompt, those with the most and rarest first; named ones before all."""
    wanted = _words(prompt)
    if not wanted:
        return ()
    words = {path: _words(path) for path in paths}
    seen: dict[str, int] = {}
    for found in words.values():
        for word in found & wanted:
            seen[word] = seen.get(word, 0) + 1
    scores = {
        path: sum(1 / seen[word] for word in found & wanted) + 10 * _names(prompt, path)
        for path, found in words.items()
    }
    best = sorted(
        (path for path, score in scores.items() if score > 0), key=lambda path: (-scores[path], len(path), path)
    )
    return tuple(best[:MOST_RANKED])


def candidates(prompt: str, paths: Collection[str]) -> tuple[str, ...]:
    """The files that a prompt may be about which names none; nothing where it names one, or where there are few."""
    return () if len(paths) < FEW or names_one(prompt, paths) else ranked(prompt, paths)


def names_one(prompt: str, paths: Collection[str]) -> bool:
    """Whether a word of the prompt is one of the paths, its last part, or a longer path that ends with it."""
    said: set[str] = set()
    for token in TOKEN.findall(prompt):
        parts = token.rstrip(".!?").split("/")
        said.update("/".join(parts[at:]) for at in range(len(parts)))
    return any(path in said or PurePosixPath(path).name in said for path in paths)


def _words(text: str) -> frozenset[str]:
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return frozenset(word for found in WORD.findall(split) if (word := found.lower().removesuffix("s")) not in COMMON)


def _names(prompt: str, path: str) -> bool:
    return path in prompt or PurePosixPath(path).name in prompt.split()
