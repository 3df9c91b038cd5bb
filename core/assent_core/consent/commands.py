"""How a shell command reads: words and marks for a card; it decides nothing and opens nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

LONGEST = 6_000
"""Bytes of a command line that are looked at; the parser takes quadratic time on a long row of pipes."""

SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "fish", "ash"))
INTERPRETERS = SHELLS | {"python", "python3", "perl", "ruby", "node", "php"}
DELETERS = frozenset(("rm", "rmdir", "unlink", "shred", "truncate", "dd", "mkfs", "wipefs"))
REACHERS = frozenset((
    "curl", "wget", "ssh", "scp", "sftp", "rsync", "nc", "ncat", "netcat", "socat", "telnet", "ftp", "ping", "dig", "host",
    "nslookup", "docker", "podman", "kubectl", "aws", "gcloud", "az", "gh", "glab", "http", "https", "openssl",
))  # fmt: skip
RISERS = frozenset(("sudo", "su", "doas", "pkexec", "chroot", "nsenter", "unshare"))
WRAPPERS = RISERS - {"su"} | {"env", "nohup", "time", "timeout", "xargs", "command", "exec", "nice", "stdbuf", "setsid"}
FETCHERS = {
    "git": {"push", "pull", "fetch", "clone", "ls-remote", "submodule"},
    "pip": {"install", "download"}, "pip3": {"install", "download"}, "uv": {"sync", "add", "pip", "tool"},
    "npm": {"install", "ci", "publish", "i", "add"}, "pnpm": {"install", "add", "publish"}, "yarn": {"install", "add", "publish"},
    "cargo": {"install", "fetch", "publish", "update"}, "go": {"get", "install"}, "gem": {"install", "push"},
    "apt": {"install", "update"},
    "apt-get": {"install", "update"}, "brew": {"install", "update"}, "poetry": {"install", "publish"},
    "twine": {"upload"},
}  # fmt: skip
INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(map(chr, range(0xFE00, 0xFE10)))
"""Characters that count as letters or marks and yet show nothing."""


class Call(Struct, frozen=True):
    """One program that a command line starts, with its words as they are written; an empty name is computed."""

    name: str
    words: tuple[str, ...]


def describe(command: str) -> tuple[str, ...]:
    """What a command line reads like, each note as if "the command" stood before it: its programs, what a reader should notice.

    Words for a card, in a fixed order; wrong or hostile input gives fewer of them and a note, never an error.
    """
    text = command.encode("utf-8", "replace")
    root = parser().parse(text[:LONGEST]).root_node
    calls = [unwrapped(call) for call in _calls(root)]
    notes = [
        _note("runs ", [call.name or "a program whose name is computed" for call in calls]),
        _note("writes to ", list(_targets(root))),
        _note("deletes or overwrites (", [call.name for call in calls if _deletes(call)]),
        _note("may use the network (", [_spoken(call) for call in calls if _reaches(call)]),
        _note("publishes (", [_spoken(call) for call in calls if _publishes(call)]),
        _note("becomes another user or leaves its walls (", [c.name for c in _calls(root) if c.name in RISERS]),
        _note("feeds text into an interpreter (", list(_fed(root))),
        _note("runs text as a program (", [call.name for call in calls if _evaluates(call)]),
        "holds hidden or control characters" if visible(command, keep="\n\t") != command else "",
        "is too long to be read whole" if len(text) > LONGEST else "",
        "could not be read whole" if root.has_error and len(text) <= LONGEST else "",
    ]
    return tuple(filter(None, notes))


def scripts(command: str) -> tuple[str, ...]:
    """The files that a command line runs as programs, as it writes them: by a path, or given to an interpreter."""
    root = parser().parse(command.encode("utf-8", "replace")[:LONGEST]).root_node
    found: dict[str, None] = {}
    for node in _nodes(root, "command"):
        if name := node.child_by_field_name("name"):
            found |= dict.fromkeys(_run((word(name), *map(word, node.children_by_field_name("argument")))))
    return tuple(found)


def _run(words: tuple[str, ...]) -> Iterator[str]:
    """What one command runs; of a program that starts another, what that one runs too."""
    for at, word in enumerate(words):
        name = PurePosixPath(word).name or word
        if "/" in word:
            yield word
        if re.fullmatch(_INTERPRETER, name):
            yield from _given(words[at + 1 :])
            return
        if at == 0 and name not in WRAPPERS:
            return


_INTERPRETER = rf"(?:{'|'.join(sorted(INTERPRETERS))})[0-9.]*|source|\."


def _given(words: tuple[str, ...]) -> Iterator[str]:
    """The script that an interpreter is given: the first word that is no option, or the module of `-m`."""
    for before, word in zip(("", *words), words, strict=False):
        if before == "-m":
            module = word.replace(".", "/")
            yield from (f"{module}.py", f"{module}/__main__.py")
            return
        if word in ("-c", "-e"):
            return
        if word and not word.startswith("-"):
            yield word
            return


def visible(text: str, keep: str = "") -> str:
    """The text with control, bidi and invisible characters made visible; those in `keep` stay as they are."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in keep or _is_plain(char) else _picture(char) for char in text)


def _is_plain(char: str) -> bool:
    return char == " " or (char not in INVISIBLE and char.isprintable())


def _picture(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


@cache
def parser() -> Parser:
    """What reads the language of shells."""
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def _nodes(root: Node, kind: str) -> Iterator[Node]:
    """Every node of a kind, in the order of the text."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type == kind:
            yield node
        waiting.extend(reversed(node.children))


def _calls(root: Node) -> Iterator[Call]:
    for node in _nodes(root, "command"):
        if name := node.child_by_field_name("name"):
            yield Call(PurePosixPath(word(name)).name, tuple(map(word, node.children_by_field_name("argument"))))


def word(node: Node) -> str:
    """A word without its quoting, or nothing if a part of it is computed."""
    text = (node.text or b"").decode("utf-8", "replace")
    return "" if re.search(r"[$`]", text) and not text.startswith("'") else re.sub(r"['\"\\\\]", "", text)


def unwrapped(call: Call) -> Call:
    """The program that `sudo`, `env`, `xargs` and their like start."""
    for _ in range(5):
        if call.name not in WRAPPERS:
            break
        own = re.compile(r"-.*|\w+=.*|\d+[smhd]?")
        start = next((i for i, word in enumerate(call.words) if not own.fullmatch(word)), None)
        if start is None:
            break
        call = Call(PurePosixPath(call.words[start]).name, call.words[start + 1 :])
    return call


def _targets(root: Node) -> Iterator[str]:
    for node in _nodes(root, "file_redirect"):
        target = node.child_by_field_name("destination")
        signs = {child.type for child in node.children}
        if target and signs & {">", ">>", "&>", "&>>", ">|", "<>"} and (name := word(target)) != "/dev/null":
            yield name or "a file whose name is computed"


def _deletes(call: Call) -> bool:
    by_git = call.name == "git" and verb(call) in ("clean", "reset", "rm", "checkout", "restore")
    return call.name in DELETERS or by_git or (call.name == "find" and "-delete" in call.words)


def _reaches(call: Call) -> bool:
    return call.name in REACHERS or verb(call) in FETCHERS.get(call.name, ())


def _publishes(call: Call) -> bool:
    return verb(call) in ("push", "publish", "upload") and call.name in FETCHERS


def _evaluates(call: Call) -> bool:
    return call.name in ("eval", "source", ".") or (
        call.name in INTERPRETERS and any(w in ("-c", "-e") for w in call.words)
    )


def verb(call: Call) -> str:
    """The sub-command: the first word that is neither an option nor the folder or setting that one takes."""
    before = ("", *call.words)
    taking = ("-C", "-c", "--git-dir", "--work-tree", "--prefix")
    words = (word for last, word in zip(before, call.words, strict=False) if last not in taking)
    return next((word for word in words if not word.startswith("-")), "")


def _spoken(call: Call) -> str:
    return f"{call.name} {verb(call)}" if call.name in FETCHERS else call.name


def _fed(root: Node) -> Iterator[str]:
    """Interpreters that are at the receiving end of a pipe."""
    for node in _nodes(root, "pipeline"):
        for part in node.named_children[1:]:
            for call in map(unwrapped, _calls(part)):
                if call.name in INTERPRETERS:
                    yield call.name


def _note(what: str, names: list[str]) -> str:
    """A note with each name once, at most eight of them, safe to print; a bracket that it opens is closed behind them."""
    once = list(dict.fromkeys(visible(name)[:80] for name in names if name))
    more = f" and {len(once) - 8} more" if len(once) > 8 else ""
    return f"{what}{', '.join(once[:8])}{more}{')' * what.count('(')}" if once else ""
