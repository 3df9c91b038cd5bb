"""Markdown of a model to lines: headings, lists, quotes, tables and code; links and pictures stay text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.cells import cell_len

from assent_sandbox.output import inert
from assent_tui.paint.highlight import highlight
from assent_tui.paint.lines import BLANK, Line, Span, clean, indent, line, wrap, wrap_all

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_INLINE = {"strong": "bold", "em": "italic", "s": "strike", "link": "under"}
_DEEPEST = 12


def markdown(text: str, width: int) -> list[Line]:
    """Lay out a text, at most `width` cells wide; no blank line before the first and after the last block."""
    return _blocks(_parser().parse(inert(text)), width, 0)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "maxNesting": 30}).enable(["table", "strikethrough"])


def _blocks(tokens: Sequence[Token], width: int, depth: int, *, tight: bool = False) -> list[Line]:
    """Lay out sibling blocks with a blank line between them, none in a tight list."""
    lines: list[Line] = []
    at = 0
    while at < len(tokens):
        end = _end(tokens, at)
        made = _block(tokens[at], tokens[at + 1 : end], max(width, 12), depth)
        if lines and made and not tight:
            lines.append(BLANK)
        lines += made
        at = end + 1
    return lines


def _end(tokens: Sequence[Token], start: int) -> int:
    """The index of the token that closes the one at `start`, or `start` if it needs none."""
    level = 0
    for at in range(start, len(tokens)):
        level += tokens[at].nesting
        if level == 0:
            return at
    return len(tokens) - 1


def _block(token: Token, inner: Sequence[Token], width: int, depth: int) -> list[Line]:
    match token.type:
        case "heading_open":
            return wrap(Line(_restyled(_inline(inner), "head")), width)
        case "paragraph_open":
            return [row for part in _broken(_inline(inner)) for row in wrap(Line(part), width)]
        case "fence" | "code_block":
            return code(token.content.rstrip("\n").split("\n"), token.info.strip().split(" ")[0], width)
        case "bullet_list_open" | "ordered_list_open":
            return _list(token, inner, width, depth)
        case "blockquote_open":
            quoted = _blocks(inner, width - 2, depth + 1) if depth < _DEEPEST else []
            return indent(quoted, ("▏ ", "rule"), ("▏ ", "rule"))
        case "hr":
            return [line(("─" * min(width, 40), "rule"))]
        case "table_open":
            return _table(inner, width)
        case _:
            return [row for text in token.content.split("\n") for row in wrap(line(clean(text)), width)]


def code(rows: list[str], language: str, width: int) -> list[Line]:
    """A block of code on a ground of its own; long rows go on with a margin, uncut."""
    made = wrap_all(highlight(rows, language=language), max(width - 2, 1), 2, words=False)
    return [_grounded(row, width) for row in made]


def _grounded(row: Line, width: int) -> Line:
    spans = tuple((text, f"code.fill {names}".strip()) for text, names in row.spans)
    rest = " " * max(width - 1 - cell_len(row.text), 0)
    return Line(((" ", "code.fill"), *spans, (rest, "code.fill")), "", row.lead + 1, row.joined)


def _list(token: Token, inner: Sequence[Token], width: int, depth: int) -> list[Line]:
    lines: list[Line] = []
    number = int(token.attrGet("start") or 1)
    tight = any(child.hidden for child in inner if child.type == "paragraph_open" and child.level == token.level + 2)
    at = 0
    while at < len(inner) and depth < _DEEPEST:
        end = _end(inner, at)
        mark = f"{number}. " if token.type == "ordered_list_open" else "• "
        item = _blocks(inner[at + 1 : end], width - len(mark), depth + 1, tight=tight) or [BLANK]
        if lines and not tight:
            lines.append(BLANK)
        for each, row in enumerate(item):
            marked = row.behind((" " * len(mark), "") if each else (mark, "accent"))
            lines.append(marked if row.joined else Line(marked.spans, marked.fill, row.lead))
        number += 1
        at = end + 1
    return lines


def _table(inner: Sequence[Token], width: int) -> list[Line]:
    """Columns as wide as they need, narrowed to fit; a cell that does not fit is wrapped."""
    table: list[list[tuple[Span, ...]]] = []
    rights: list[bool] = []
    for at, token in enumerate(inner):
        if token.type == "tr_open":
            table.append([])
        elif token.type in ("th_open", "td_open"):
            table[-1].append(_inline(inner[at + 1 : at + 2]))
            rights += [token.attrGet("style") == "text-align:right"] if token.type == "th_open" else []
    widths = _columns(table, width)
    lines: list[Line] = []
    for number, row in enumerate(table):
        cells = [wrap(Line(cell), widths[at]) for at, cell in enumerate(row)]
        for level in range(max(map(len, cells), default=0)):
            lines.append(_across([cell[level] if level < len(cell) else BLANK for cell in cells], widths, rights))
        if number == 0:
            lines.append(line(("─┼─".join("─" * each for each in widths), "rule")))
    return lines


def _columns(table: list[list[tuple[Span, ...]]], width: int) -> list[int]:
    count = max(map(len, table), default=0)
    for row in table:
        row.extend([()] * (count - len(row)))
    widths = [max(cell_len(Line(row[at]).text) or 1 for row in table) for at in range(count)]
    room = max(width - 3 * (count - 1), count)
    while sum(widths) > room and max(widths) > 1:
        widest = widths.index(max(widths))
        widths[widest] = max(widths[widest] - (sum(widths) - room), sorted(widths)[-2] - 1 if count > 1 else 1, 1)
    return widths


def _across(cells: list[Line], widths: list[int], rights: list[bool]) -> Line:
    spans: list[Span] = []
    for at, cell in enumerate(cells):
        if at:
            spans.append((" │ ", "rule"))
        room = (" " * max(widths[at] - cell_len(cell.text), 0), "")
        spans += (room, *cell.spans) if rights[at] else (*cell.spans, room)
    return Line(tuple(spans))


def _inline(tokens: Sequence[Token]) -> tuple[Span, ...]:
    """Runs of one paragraph; a hard break is a run that is a newline."""
    spans: list[Span] = []
    names: list[str] = []
    children = [child for token in tokens for child in token.children or ()]
    for token in children:
        name = _INLINE.get(token.type.rsplit("_", 1)[0])
        if token.nesting == 1 and name:
            names.append(name)
        elif token.nesting == -1 and name and names:
            names.pop()
            target = _target(children, token) if token.type == "link_close" else ""
            spans += [(f" ({target})", "dim")] if target else []
        else:
            spans.append(_run(token, " ".join(names)))
    return tuple(spans)


def _target(children: Sequence[Token], close: Token) -> str:
    """Where a link leads, if its text does not say so itself: nobody should trust a text that hides it."""
    end = next(at for at, child in enumerate(children) if child is close)
    start = next((at for at in range(end, -1, -1) if children[at].type == "link_open"), end)
    target = clean(str(children[start].attrGet("href") or ""))
    return "" if target == "".join(child.content for child in children[start:end]) else target


def _run(token: Token, names: str) -> Span:
    match token.type:
        case "code_inline":
            return clean(token.content), f"{names} code"
        case "softbreak":
            return " ", names
        case "hardbreak":
            return "\n", names
        case "image":
            return clean(f"[picture: {token.content} {token.attrGet('src') or ''}]"), "dim"
        case _:
            return clean(token.content), names


def _restyled(spans: tuple[Span, ...], names: str) -> tuple[Span, ...]:
    return tuple((text.replace("\n", " "), f"{names} {own}".strip()) for text, own in spans)


def _broken(spans: tuple[Span, ...]) -> list[tuple[Span, ...]]:
    """One paragraph at its hard breaks."""
    parts: list[list[Span]] = [[]]
    for span in spans:
        if span[0] == "\n":
            parts.append([])
        else:
            parts[-1].append(span)
    return [tuple(part) for part in parts]
