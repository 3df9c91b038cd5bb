"""Which command lines are checks (tests, builds, linters, type checkers): their exit code says something of the code; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from assent_core.consent.commands import LONGEST, SHELLS, Call, parser, unwrapped, verb

if TYPE_CHECKING:
    from tree_sitter import Node

DEEPEST = 4
"""How many shells within shells are looked into."""

ALONE = frozenset((
    "pytest", "py.test", "tox", "nox", "nose2", "trial", "behave", "ctest", "jest", "vitest", "mocha", "ava", "tap", "jasmine",
    "karma", "playwright", "cypress", "tsc", "vue-tsc", "eslint", "stylelint", "biome", "oxlint", "mypy", "dmypy", "pyright",
    "basedpyright", "pyre", "ty", "flake8", "pylint", "pyflakes", "pycodestyle", "pydocstyle", "bandit", "vulture", "rspec",
    "rubocop", "phpunit", "pest", "phpstan", "psalm", "shellcheck", "hadolint", "yamllint", "golangci-lint",
    "staticcheck", "gotestsum", "ginkgo", "javac", "kotlinc", "scalac", "gcc", "g++", "cc", "c++", "clang",
    "clang++", "rustc", "clang-tidy", "cppcheck", "ninja", "bats", "prove", "busted", "luacheck", "ktlint",
    "detekt", "checkstyle",
    "lint-imports", "pre-commit", "webpack", "rollup", "esbuild", "swiftlint",
))  # fmt: skip
"""Programs that are checks whatever follows."""
VERBS: dict[str, frozenset[str]] = {
    "cargo": frozenset(("test", "t", "build", "b", "check", "c", "clippy", "nextest", "bench")),
    "go": frozenset(("test", "build", "vet")),
    "ruff": frozenset(("check",)),
    "mvn": frozenset(("test", "verify", "package", "install", "compile", "integration-test")),
    "mvnw": frozenset(("test", "verify", "package", "install", "compile", "integration-test")),
    "dotnet": frozenset(("test", "build")), "bazel": frozenset(("test", "build")), "buck2": frozenset(("test", "build")),
    "swift": frozenset(("test", "build")), "mix": frozenset(("test", "compile", "credo", "dialyzer")),
    "deno": frozenset(("test", "check", "lint")), "bun": frozenset(("test", "build")), "zig": frozenset(("build", "test")),
    "meson": frozenset(("test", "compile")), "stack": frozenset(("test", "build")), "cabal": frozenset(("test", "build")),
    "sbt": frozenset(("test", "compile")), "lein": frozenset(("test",)), "flutter": frozenset(("test", "analyze", "build")),
    "dart": frozenset(("test", "analyze", "compile")), "rails": frozenset(("test",)), "xcodebuild": frozenset(("test", "build")),
    "hatch": frozenset(("test",)), "django-admin": frozenset(("test", "check")), "next": frozenset(("build", "lint")),
    "vite": frozenset(("build",)), "ng": frozenset(("test", "build", "lint")), "nx": frozenset(("test", "build", "lint")),
    "gleam": frozenset(("test", "check", "build")), "forge": frozenset(("test", "build")), "terraform": frozenset(("validate",)),
}  # fmt: skip
"""Programs that are checks with one of these words as the first that is no option."""
NEEDED: dict[str, tuple[str, ...]] = {
    "black": ("--check",), "isort": ("--check", "--check-only", "-c"), "prettier": ("--check", "-c", "--list-different", "-l"),
    "node": ("--test", "--check", "-c"), "cmake": ("--build",), "clang-format": ("--dry-run", "-n"),
    "ruff": ("--check",), "rustfmt": ("--check",), "shfmt": ("-d",),
}  # fmt: skip
"""Programs that are checks with one of these options."""
TARGETED = frozenset(
    ("make", "gmake", "bmake", "gradle", "gradlew", "just", "task", "rake", "invoke", "ant", "mage", "waf")
)
SCRIPTED = frozenset(("npm", "pnpm", "yarn", "bun", "composer", "deno"))
MODULES = frozenset(("unittest", "doctest", "compileall", "py_compile", "build", "coverage"))
INTERPRETERS = re.compile(r"python[\d.]*|pypy[\d.]*|node|ruby|perl|php|deno|bun|lua|Rscript|julia|tsx|ts-node")
RUNNERS: dict[str, tuple[str, ...]] = {
    "uv": ("run",), "poetry": ("run",), "pipenv": ("run",), "pdm": ("run",), "rye": ("run",), "hatch": ("run",),
    "pixi": ("run",),
    "npx": (), "bunx": (), "pnpx": (), "pnpm": ("exec", "dlx"), "npm": ("exec", "x"), "yarn": ("exec",
    "dlx"), "bundle": ("exec",),
    "xvfb-run": (), "uvx": (), "pipx": ("run",), "conda": ("run",), "mise": ("exec", "x"), "direnv": ("exec",), "opam": ("exec",),
    "dbus-run-session": (), "catchsegv": (), "ionice": (), "taskset": (), "flock": (), "coverage": ("run",),
}  # fmt: skip
"""Programs that start another one, after one of these words where there are any."""
CHECKING = re.compile(
    r"(?i)(?:^|[\W_])(?:tests?|specs?|checks?|lint(?:er|ing)?|types?|typecheck|tsc|build|compile|ci|verify|validate|e2e|unit"
    r"|integration|smoke|mypy|pytest|all)(?:$|[\W_])"
)
"""What the name of a target or of a script says that is a check."""
NEVER = frozenset((
    "--help", "-h", "--version", "--collect-only", "--co", "--listTests", "--list-tests", "--exit-zero", "--show-config",
    "--showConfig", "--print-config", "--dry-run", "--just-print", "--recon", "--fixtures", "--markers",
))  # fmt: skip
"""Options with which nothing is checked, or nothing is told by the exit code."""


def is_check(command: str) -> bool:
    """Whether exit code 0 of this command line means that a check passed; in doubt it does not."""
    return _is_check(command, 0, strict=False)


def hides(command: str) -> bool:
    """Whether a pipe in a command line keeps the exit code of what is before it from being told."""
    if len(command.encode("utf-8", "replace")) > LONGEST:
        return False
    root = _read(command)
    if root is None:
        return False
    inner = (text for call in _commands(root) if (text := _script(call)) is not None)
    piped = any(node.type == "pipeline" for node in _all(root))
    return (piped and "pipefail" not in command) or any(hides(text) for text in inner)


def _is_check(command: str, depth: int, *, strict: bool) -> bool:
    root = _read(command) if depth < DEEPEST else None
    return root is not None and not root.has_error and _row(root, depth, strict=strict)


def _read(command: str) -> Node | None:
    text = command.encode("utf-8", "replace")
    return parser().parse(text).root_node if len(text) <= LONGEST else None


def _row(node: Node, depth: int, *, strict: bool) -> bool:
    """Statements one after another: the last one gives the code, or any of them does once `set -e` was said."""
    piped, proved = False, False
    for child in node.children:
        if child.type == "&":
            proved = False
        if not child.is_named or child.type == "comment":
            continue
        flags = _flags(child)
        strict, piped = strict or "e" in flags, piped or "pipefail" in flags
        if not flags:
            proved = _proves(child, depth, piped=piped) or (strict and proved)
    return proved


def _flags(node: Node) -> set[str]:
    """What a `set` switches on."""
    if node.type != "command" or (call := _call(node)) is None or call.name != "set":
        return set()
    found = {"set", *call.words} - {"-o"}
    return found | {letter for word in call.words if re.fullmatch(r"-[a-zA-Z]+", word) for letter in word}


def _proves(node: Node, depth: int, *, piped: bool) -> bool:
    """Whether a statement ends with 0 only where a check has passed."""
    match node.type:
        case "command":
            call = _call(node)
            return call is not None and _checks(call, depth)
        case "redirected_statement":
            body = node.child_by_field_name("body")
            return body is not None and _proves(body, depth, piped=piped)
        case "subshell" | "compound_statement":
            return _row(node, depth, strict=False)
        case "list":
            left, right = node.named_children[0], node.named_children[-1]
            both = _proves(left, depth, piped=piped), _proves(right, depth, piped=piped)
            return any(both) if any(child.type == "&&" for child in node.children) else all(both)
        case "pipeline":
            parts = node.named_children
            return _proves(parts[-1], depth, piped=piped) or (
                piped and any(_proves(part, depth, piped=piped) for part in parts)
            )
        case _:
            return False


def _checks(call: Call, depth: int) -> bool:
    call = unwrapped(call)
    if (text := _script(call)) is not None:
        first = " ".join(call.words[: call.words.index(text)]) if text in call.words else ""
        return _is_check(text, depth + 1, strict=bool(re.search(r"(?:^| )-[a-z]*e", first)))
    if not NEVER.isdisjoint(call.words):
        return False
    if (inner := _started(call)) is not None and depth < DEEPEST:
        return _checks(inner, depth + 1)
    return _is_known(call)


def _script(call: Call) -> str | None:
    """The text that a shell is given by `-c`; None for any other call."""
    call = unwrapped(call)
    if call.name not in SHELLS:
        return None
    for place, word in enumerate(call.words[:-1]):
        if re.fullmatch(r"-[a-z]*c", word):
            return call.words[place + 1]
        if not word.startswith(("-", "+")):
            return None
    return None


def _started(call: Call) -> Call | None:
    """The program that a runner such as `uv run` starts, or a module of Python; None where it starts none."""
    words = list(call.words)
    if INTERPRETERS.fullmatch(call.name) and "-m" in words and (at := words.index("-m") + 1) < len(words):
        before = words[: at - 1]
        return Call(words[at], tuple(words[at + 1 :])) if all(word.startswith("-") for word in before) else None
    if call.name not in RUNNERS:
        return None
    verbs = RUNNERS[call.name]
    if verbs:
        if not words or words[0] not in verbs:
            return None
        words = words[1:]
    while words and (words[0].startswith("-") or "=" in words[0]):
        takes = words[0] in (
            "--with",
            "--extra",
            "--group",
            "--python",
            "-p",
            "--package",
            "--from",
            "-n",
            "--directory",
            "--project",
        )
        words = words[2:] if takes else words[1:]
    return Call(PurePosixPath(words[0]).name, tuple(words[1:])) if words else None


def _is_known(call: Call) -> bool:
    name, words = call.name, call.words
    plain = tuple(word for word in words if not word.startswith("-"))
    if name in ALONE or name in MODULES:
        return True
    if verb(call) in VERBS.get(name, ()) or any(word in NEEDED.get(name, ()) for word in words):
        return True
    if name in TARGETED:
        silent = any(re.fullmatch(r"-[a-zA-Z]*[nikqt][a-zA-Z]*", word) for word in words)
        targets = [word for word in plain if "=" not in word]
        return not silent and (not targets or any(CHECKING.search(target) for target in targets))
    if name in SCRIPTED:
        wanted = plain[1:] if plain[:1] in (("run",), ("run-script",)) else plain
        return bool(wanted) and (wanted[0] in ("test", "t") or bool(CHECKING.search(wanted[0])))
    if INTERPRETERS.fullmatch(name) or name in SHELLS:
        first = next(iter(plain), "")
        django = first.endswith("manage.py") and plain[1:2] in (("test",), ("check",))
        return django or bool(CHECKING.search(PurePosixPath(first).stem))
    return bool(CHECKING.search(PurePosixPath(name).stem)) and name not in ("test", "[", "[[", "type")


def _commands(root: Node) -> Iterator[Call]:
    return (call for node in _all(root) if node.type == "command" and (call := _call(node)) is not None)


def _all(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def _call(node: Node) -> Call | None:
    """A command with its words as the shell would make them; None where the name is computed."""
    name = node.child_by_field_name("name")
    if name is None or not (said := _said(name)):
        return None
    own = said.endswith("/test") and said not in ("/bin/test", "/usr/bin/test")
    return Call(
        "./test" if own else PurePosixPath(said).name, tuple(map(_said, node.children_by_field_name("argument")))
    )


def _said(node: Node) -> str:
    """A word without its quoting; nothing if a part of it is computed."""
    text = (node.text or b"").decode("utf-8", "replace")
    match node.type:
        case "raw_string":
            return text[1:-1]
        case "string":
            return "" if re.search(r"(?<!\\)[$`]", text) else re.sub(r"\\([\\\"$`])", r"\1", text[1:-1])
        case "command_name":
            return "".join(map(_said, node.named_children))
        case "concatenation":
            parts = [_said(child) for child in node.named_children]
            return "".join(parts) if all(parts) else ""
        case "word" | "number":
            return re.sub(r"\\(.)", r"\1", text)
        case _:
            return ""
