"""Source text to runs of named styles (Pygments), a bounded piece at a time."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, cast

from assent_tui.paint.lines import Line, clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pygments.lexer import Lexer

_LARGEST = 60_000
"""Characters of one piece beyond which it stays plain."""
_COMMON = 3
"""How many languages are loaded before they are needed."""
_ALONE = Lock()
"""Pygments makes the rules of a language when it is first used; two threads that do so at once mix them up for good."""

_NAMES = (
    ("Token.Keyword", "kw"),
    ("Token.Operator.Word", "kw"),
    ("Token.Literal.String", "str"),
    ("Token.Literal.Number", "num"),
    ("Token.Comment", "com"),
    ("Token.Name.Function", "fn"),
    ("Token.Name.Class", "typ"),
    ("Token.Name.Builtin", "typ"),
    ("Token.Name.Exception", "typ"),
    ("Token.Name.Decorator", "dec"),
    ("Token.Name.Tag", "kw"),
    ("Token.Name.Attribute", "fn"),
    ("Token.Generic.Inserted", "ok"),
    ("Token.Generic.Deleted", "bad"),
    ("Token.Generic.Heading", "head"),
    ("Token.Generic.Subheading", "info"),
)


def highlight(rows: list[str], path: str = "", language: str = "") -> list[Line]:
    """Colour rows of source, one line each; by a file's name or a language's, plain where neither is known."""
    plain = [Line(((clean(row.expandtabs(4)), ""),)) for row in rows]
    with _ALONE:
        lexer = _lexer(path, language)
        if lexer is None or sum(map(len, rows)) > _LARGEST:
            return plain
        lines = _colour(lexer, [row.text for row in plain])
    return lines if len(lines) == len(plain) else plain


def _colour(lexer: Lexer, rows: list[str]) -> list[Line]:
    lines: list[Line] = []
    spans: list[tuple[str, str]] = []
    for token, text in lexer.get_tokens("\n".join(rows) + "\n"):
        name = _style(str(token))
        for at, piece in enumerate(text.split("\n")):
            if at:
                lines.append(Line(tuple(spans)))
                spans = []
            if piece:
                spans.append((piece, name))
    return lines


def prepare(paths: Iterable[str]) -> None:
    """Load what colours the commonest languages of some files and a shell's, so that the first look at one need not wait."""
    endings = Counter(path[path.rfind(".") :] for path in paths if "." in path.rpartition("/")[2])
    for ending, _ in endings.most_common(_COMMON):
        highlight([""], path=f"a{ending}")
    highlight([""], language="sh")


@lru_cache(maxsize=256)
def _style(token: str) -> str:
    return next((name for prefix, name in _NAMES if token.startswith(prefix)), "")


@lru_cache(maxsize=64)
def _lexer(path: str, language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name  # pyright: ignore[reportUnknownVariableType]  untyped options
    from pygments.util import ClassNotFound

    options = {"stripnl": False, "ensurenl": False}
    if language:
        try:
            return get_lexer_by_name(language, **options)
        except ClassNotFound:
            return None
    found = _class_for(path.rsplit("/", 1)[-1]) if path else None
    return found(**options) if found else None


def _class_for(name: str) -> type[Lexer] | None:
    """The class that Pygments itself finds for the name of a file, without the thousand patterns that it compiles for that."""
    from pygments.lexers import find_lexer_class, get_all_lexers

    known = cast("Iterable[tuple[str, object, tuple[str, ...], object]]", get_all_lexers(plugins=False))
    rated: list[tuple[float, str, type[Lexer]]] = []
    for title, _, globs, _ in known:
        for glob in globs:
            if _fits(name, glob) and (found := find_lexer_class(title)):
                rated.append((found.priority + ("*" not in glob) * 0.5, found.__name__, found))
    return max(rated, key=lambda one: one[:2])[2] if rated else None


def _fits(name: str, glob: str) -> bool:
    rest = glob.removeprefix("*")
    if any(sign in rest for sign in "*?["):
        return fnmatchcase(name, glob)
    return name.endswith(rest) if rest != glob else name == glob
