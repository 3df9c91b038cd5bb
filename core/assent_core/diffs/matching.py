"""Where in a file a hunk of a patch belongs: one place, or a mistake that says why there is none or more; pure."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from assent_core.errors import PatchMistake

LONGEST_SHOWN = 160
MOST_SHOWN = 12
MOST_COMPARED = 5000
"""Lines of a file that are compared fuzzily to find the nearest; equal lines are found in any number."""

_DASHES = dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212), "-")
_QUOTES = {
    **dict.fromkeys((0x2018, 0x2019, 0x201A, 0x201B), "'"),
    **dict.fromkeys((0x201C, 0x201D, 0x201E, 0x201F), '"'),
}
_SPACES = dict.fromkeys((0xA0, *range(0x2002, 0x200B), 0x202F, 0x205F, 0x3000), " ")
_UNDECODED = dict.fromkeys(range(0xDC80, 0xDD00), "\ufffd")
_PLAIN = {**_DASHES, **_QUOTES, **_SPACES, **_UNDECODED, 0x2026: "..."}
_BRACKETS = tuple("{}()[]#")


class Passage(Struct, frozen=True, kw_only=True):
    """A hunk as it was written: anchors from the outside in, then lines as (sign, text) without endings.

    `loose` trailing lines were empty, without even a space: context, or only a gap before what follows.
    """

    line: int
    anchors: tuple[str, ...] = ()
    lines: tuple[tuple[str, str], ...] = ()
    at_end: bool = False
    loose: int = 0

    @property
    def old(self) -> tuple[str, ...]:
        """The lines that must stand in the file."""
        return tuple(text for sign, text in self.lines if sign != "+")


class Place(Struct, frozen=True):
    """The line (from 0) at which a passage matches, and how many of the passage's lines count."""

    start: int
    taken: int


def plain(line: str) -> str:
    """A line with typographic punctuation, odd spaces and undecodable bytes made comparable."""
    return re.sub("\ufffd+", "\ufffd", line.translate(_PLAIN)).rstrip()


LEVELS: tuple[Callable[[str], str], ...] = (str, str.rstrip, plain)
"""How closely lines are compared: to the letter; without trailing white space; with plain punctuation."""


def find(lines: Sequence[str], passage: Passage) -> Place:
    """The one place of a passage; PatchMistake if there is none or more. Looser levels count only if closer ones find nothing."""
    if not passage.old:
        return _without_context(lines, passage)
    scopes = _scopes(lines, passage.anchors)
    seen: list[int] = []
    for loose in sorted({0, passage.loose}):
        old = passage.old[: len(passage.old) - loose]
        for level in LEVELS if old else ():
            starts = _starts([level(line) for line in lines], [level(line) for line in old], at_end=passage.at_end)
            inside = [start for start in starts if not scopes or any(start in scope for scope in scopes)]
            if len(inside) > 1:
                raise PatchMistake(_ambiguous(lines, inside))
            if inside:
                return Place(inside[0], len(passage.lines) - loose)
            seen += starts
    raise PatchMistake(_elsewhere(seen, scopes, passage) if seen else _missing(lines, passage, scopes))


def _without_context(lines: Sequence[str], passage: Passage) -> Place:
    if lines and not passage.at_end:
        raise PatchMistake(
            "it only adds lines, and nothing says where. Put the line above or below as context (a space, then the "
            "line as it stands in the file), or *** End of File after the added lines to append them."
        )
    return Place(len(lines), len(passage.lines))


def _starts(lines: list[str], old: list[str], *, at_end: bool) -> list[int]:
    last = len(lines) - len(old)
    candidates = range(max(last, 0), last + 1) if at_end else range(last + 1)
    return [at for at in candidates if lines[at] == old[0] and lines[at : at + len(old)] == old]


def _scopes(lines: Sequence[str], anchors: Sequence[str]) -> list[range]:
    """The blocks that the anchors open, each within those of the anchor before it; none without anchors."""
    scopes: list[range] = []
    for anchor in anchors:
        found = _anchored(lines, anchor, scopes or [range(len(lines))])
        if not found:
            raise PatchMistake(_no_anchor(lines, anchor, scopes))
        scopes = [range(at, max(_block_end(lines, at), at + 2)) for at in found]
    return scopes


def _anchored(lines: Sequence[str], anchor: str, scopes: list[range]) -> list[int]:
    wanted = plain(anchor).strip()
    inside = [at for at, _ in enumerate(lines) if any(at in scope for scope in scopes)]
    found = {at: plain(lines[at]).strip() for at in inside}
    equal = [at for at, line in found.items() if line == wanted]
    begun = equal or [at for at, line in found.items() if line.startswith(wanted)]
    return begun or [at for at, line in found.items() if wanted in line]


def _block_end(lines: Sequence[str], at: int) -> int:
    """Where the block that a line opens ends: by indentation; by the next line of its kind for a heading; else never."""
    depth, sign = _indent(lines[at]), lines[at].strip()[:1]
    below = [number for number in range(at + 1, len(lines)) if lines[number].strip()]
    level = [n for n in below if _indent(lines[n]) <= depth and not lines[n].lstrip().startswith(_BRACKETS)]
    if not below or below[0] not in level:
        return level[0] if level else len(lines)
    if sign.isalnum() or sign == "_":
        return len(lines)
    return next((n for n in below if _indent(lines[n]) <= depth and lines[n].strip()[:1] == sign), len(lines))


def _indent(line: str) -> int:
    wide = line.expandtabs(8)
    return len(wide) - len(wide.lstrip())


def _ambiguous(lines: Sequence[str], starts: list[int]) -> str:
    several = ", ".join(str(start + 1) for start in starts[:8]) + (", ..." if len(starts) > 8 else "")
    around = [(start, _enclosing(lines, start)) for start in starts[:8]]
    names = Counter(name for _, name in around)
    tips = [f"'@@ {shown(name.strip())}' for line {at + 1}" for at, name in around if name.strip() and names[name] == 1]
    tip = f", for example {' or '.join(tips[:3])}" if tips else ""
    return (
        f"its lines stand at {len(starts)} places of the file (lines {several}). Say which one is meant: give more "
        f"lines of context, or put '@@ ' and the line that opens the block around it before the hunk{tip}."
    )


def _enclosing(lines: Sequence[str], at: int) -> str:
    depth = _indent(lines[at]) if at < len(lines) else 0
    above = (lines[number] for number in range(at - 1, -1, -1))
    return next((line for line in above if line.strip() and _indent(line) < depth), "")


def _elsewhere(seen: list[int], scopes: list[range], passage: Passage) -> str:
    blocks = ", ".join(f"{scope.start + 1}-{scope.stop}" for scope in scopes[:4])
    places = ", ".join(str(start + 1) for start in sorted(set(seen))[:8])
    return (
        f"its lines stand at line {places}, but that is not in the block of '@@ {shown(passage.anchors[-1])}' "
        f"(lines {blocks}). Name another line in @@, or leave it out and give more context."
    )


def _no_anchor(lines: Sequence[str], anchor: str, scopes: list[range]) -> str:
    where = f" within lines {scopes[0].start + 1}-{scopes[0].stop}" if scopes else ""
    near = difflib.get_close_matches(anchor.strip(), [line.strip() for line in lines[:MOST_COMPARED]], n=1, cutoff=0.5)
    numbers = [number for number, line in enumerate(lines, 1) if near and line.strip() == near[0]]
    hint = f" The nearest is line {numbers[0]}: {shown(near[0])}" if numbers else ""
    return f"no line of the file{where} is '{shown(anchor)}', which its @@ names.{hint}"


def _missing(lines: Sequence[str], passage: Passage, scopes: list[range]) -> str:
    if not lines:
        return "the file is empty: a hunk for it has only lines with '+'."
    start = _nearest(lines, passage.old, scopes)
    if start is None:
        end = " as its last lines, which *** End of File asks for" if passage.at_end else ""
        return f"its lines do not stand in the file{end}, and nothing there is like them. Read the file again."
    parts = ["its lines do not stand in the file as they are written.", *_difference(lines, passage, start)]
    stop = min(start + max(len(passage.old), 3), len(lines))
    parts += ["The nearest lines of the file are:", *_numbered(lines, start, stop)]
    return "\n".join(parts)


def _difference(lines: Sequence[str], passage: Passage, start: int) -> Iterator[str]:
    pairs = list(zip(lines[start:], passage.old, strict=False))
    if len(pairs) == len(passage.old) and all(plain(line) == plain(old) for line, old in pairs):
        yield "They do, but not as the last lines, which *** End of File asks for."
    elif len(pairs) == len(passage.old) and all(plain(line).strip() == plain(old).strip() for line, old in pairs):
        yield "Only the indentation differs."
    else:
        for number, (line, old) in enumerate(pairs, start + 1):
            if plain(line) != plain(old):
                yield f"Line {number} is\n  {shown(line)}\nwhere the hunk has\n  {shown(old)}"
                return


def _nearest(lines: Sequence[str], old: Sequence[str], scopes: list[range]) -> int | None:
    places: dict[str, list[int]] = {}
    for at, line in enumerate(lines):
        places.setdefault(plain(line).strip(), []).append(at)
    votes: Counter[int] = Counter()
    for offset, line in enumerate(old):
        found = places.get(plain(line).strip(), []) if line.strip() else []
        votes.update(max(at - offset, 0) for at in found[:50])
    for start in votes:
        votes[start] += any(start in scope for scope in scopes)
    if votes:
        return max(votes, key=lambda start: (votes[start], -start))
    return _likest(lines[:MOST_COMPARED], old)


def _likest(lines: Sequence[str], old: Sequence[str]) -> int | None:
    longest = max(old, key=len)
    near = difflib.get_close_matches(longest.strip(), [line.strip() for line in lines], n=1, cutoff=0.6)
    at = next((at for at, line in enumerate(lines) if near and line.strip() == near[0]), None)
    return None if at is None else max(at - old.index(longest), 0)


def _numbered(lines: Sequence[str], start: int, stop: int) -> Iterator[str]:
    for at in range(start, min(stop, start + MOST_SHOWN)):
        yield f"{at + 1:>6}  {shown(lines[at])}"
    if stop - start > MOST_SHOWN:
        yield f"        ... to line {stop}"


def shown(line: str) -> str:
    """A line as it is quoted to the model: cut with a word about it, undecodable bytes replaced."""
    text = line.translate(_UNDECODED)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}... ({len(text)} characters)"
