"""The entries of the chat as values, and the lines that each becomes."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from rich.cells import cell_len

from assent_core.consent.gate import Decider, Scope
from assent_core.diffs import v4a
from assent_core.events import Opened
from assent_core.logs.digest import Digest
from assent_core.proposals import Delegate, Patch, Proposal, Read, Search, Shell
from assent_sandbox.policy import Denial, Tier
from assent_tui.figures import ended
from assent_tui.paint.lines import BLANK, Line, Span, clean, indent, line, rows, shorten, wrap, wrap_all
from assent_tui.paint.markdown import markdown
from assent_tui.verdicts import verdict

_MARGIN: Span = ("  ", "")
_DEEP: Span = ("    ", "")
_LONG = 14
"""Rows from which on what the user asked is folded."""
_HEAD, _TAIL = 40, 160
"""Rows of an output that are shown in the chat; all of it has a page of its own."""


class Entry(Struct, frozen=True, kw_only=True):
    """Base of the chat's entries; `gap` puts a blank line above it."""

    gap: bool = True

    def body(self, width: int) -> list[Line]:
        """The rows of the entry itself."""
        raise NotImplementedError

    def lines(self, width: int) -> list[Line]:
        """All rows, the gap included."""
        body = self.body(width)
        return [BLANK, *body] if self.gap else body

    def guess(self, width: int) -> int:
        """About how many rows it has."""
        return 2


_WALLS: dict[Tier, tuple[str, str]] = {
    "overlay": ("on an overlay stage, behind walls", "dim"),
    "copy": ("on a copied stage, behind walls", "dim"),
    "unconfined": ("WITHOUT WALLS: every command asks", "bad bold"),
}


class Welcome(Entry, frozen=True):
    """Where the session works, and the promise that it keeps."""

    opened: Opened

    def body(self, width: int) -> list[Line]:
        """Three rows."""
        walls, style = _WALLS[self.opened.tier]
        root = line(("assent ", "head"), (shorten(self.opened.root, width - 12), "text"))
        where = line((f"works {walls}", style))
        promise = line(("Nothing in your files changes until you land it.", "dim"))
        return [row for one in (root, where, promise) for row in indent(wrap(one, width - 3), _MARGIN, _MARGIN)]


class Request(Entry, frozen=True):
    """What the user asked for; a long text is folded to its beginning."""

    text: str
    open: bool = False

    @property
    def folds(self) -> bool:
        """Whether it is too long to be shown whole unasked."""
        return self.text.count("\n") >= _LONG or len(self.text) > _LONG * 200

    def body(self, width: int) -> list[Line]:
        """The text on a ground of its own, so that turns are found again when scrolling."""
        whole = self.open or not self.folds
        shown = self.text if whole else "\n".join(self.text[: _LONG * 200].split("\n")[: _LONG - 2])
        made = wrap_all((line((row, "bold")) for row in rows(shown)), width - 3)
        lines = indent(made, ("› ", "accent bold"), _MARGIN)
        if self.folds:
            more = self.text.count("\n") - shown.count("\n")
            left = f"{more:,} more lines" if more else f"{len(self.text) - len(shown):,} more characters"
            lines.append(line(_MARGIN, (_fold(self.open) + ("all of it" if whole else left), "dim")))
        return [row.on("user.fill") for row in lines]

    def guess(self, width: int) -> int:
        """Rows by length."""
        if self.folds and not self.open:
            return _LONG
        return 1 + self.text.count("\n") + 1 + len(self.text) // max(width, 1)


class Answer(Entry, frozen=True):
    """What the model said, or a part of it while it streams."""

    text: str
    whole: str = ""
    """The whole message as it was written, with its last part."""

    def body(self, width: int) -> list[Line]:
        """The text as markdown."""
        return indent(markdown(self.text, width - 3), _MARGIN, _MARGIN)

    def guess(self, width: int) -> int:
        """Rows by length."""
        return 1 + self.text.count("\n") + 1 + len(self.text) // max(width, 1)


class Reasoning(Entry, frozen=True):
    """The summary of what the model thought; folded to one row."""

    text: str
    open: bool = False

    def body(self, width: int) -> list[Line]:
        """One row, or all of it."""
        parts = [row for row in rows(self.text) if row.strip()]
        head = line((_fold(self.open), "faint"), (shorten(f"thought: {parts[0] if parts else ''}", width - 3), "faint"))
        if not self.open:
            return [head]
        made = wrap_all((line((row, "dim")) for row in parts), width - 4)
        return [line((_fold(True), "faint"), ("thought", "faint")), *indent(made, _MARGIN, _MARGIN)]


Level = Literal["info", "ok", "warn", "error", "cost"]
_LEVELS: dict[Level, tuple[str, str]] = {
    "info": ("· ", "dim"),
    "ok": ("✓ ", "ok"),
    "warn": ("! ", "warn"),
    "error": ("✗ ", "bad"),
    "cost": ("─ ", "faint"),
}


class Note(Entry, frozen=True):
    """Something that happened, in one sentence, with a hint at what to do; details are folded away."""

    text: str
    level: Level = "info"
    hint: str = ""
    detail: str = ""
    open: bool = False

    def body(self, width: int) -> list[Line]:
        """The sentence, the hint under it, and the details if it is open."""
        mark, style = _LEVELS[self.level]
        made = wrap_all((line((row, style)) for row in rows(self.text)), width - 3)
        lines = indent(made, (mark, style), _MARGIN)
        if self.hint:
            hints = wrap_all((line((row, "text")) for row in rows(self.hint)), width - 5)
            lines += indent(hints, ("  → ", "accent"), _DEEP)
        if self.detail:
            lines.append(line(_MARGIN, (_fold(self.open) + "details", "faint")))
        if self.detail and self.open:
            lines += _raw(self.detail, width)
        return lines


class Call(Entry, frozen=True):
    """One proposal of the model and what became of it; folded to a row that opens."""

    id: str
    proposal: Proposal | None
    tool: str = ""
    """Its name where there is no proposal, because the call could not be understood."""
    state: Literal["proposed", "running", "refused", "mistaken", "stopped", "ok", "failed"] = "proposed"
    code: int | None = None
    seconds: float = 0.0
    output: str = ""
    paths: tuple[str, ...] = ()
    denials: tuple[Denial, ...] = ()
    digest: Digest | None = None
    decided: tuple[bool, Decider, str, Scope] | None = None
    explained: str = ""
    """What the scout says that it would do."""
    judged: str = ""
    """What the reviewer thinks of it."""
    open: bool = False

    def body(self, width: int) -> list[Line]:
        """The row, what must not be hidden (refusals, denials), a digest, and all the rest if it is open."""
        lines = [self._head(width), *self._decision(width)]
        lines += [row for denial in self.denials for row in _flagged("⊘ DENIED ", "bad", denied(denial), width)]
        if self.digest and self.state == "failed":
            lines += _digested(self.digest, width)
        if self.open:
            lines += self._inside(width)
        return lines

    def guess(self, width: int) -> int:
        """Folded, it is mostly one row."""
        return 1 + self.gap + len(self.denials)

    def _head(self, width: int) -> Line:
        mark, style = ("✗ ", "bad") if self.state in ("failed", "mistaken") else ("", "dim")
        told = f"  {mark}{self._told()}".rstrip()
        title = title_of(self.proposal) if self.proposal else (self.tool, "call not understood")
        verb = f"{title[0]} "
        room = max(width - 3 - cell_len(verb) - cell_len(told), width // 3)
        told = shorten(told, max(width - 3 - cell_len(verb) - room, 12)) if len(told) > width // 2 else told
        return line(
            (_fold(self.open), "dim"),
            (verb, "accent"),
            (shorten(title[1], room), "text"),
            (told, style),
        )

    def _told(self) -> str:
        match self.state:
            case "proposed":
                return "…"
            case "running":
                return _last_row(self.output) or "running"
            case "refused":
                return "not done"
            case "mistaken":
                return "nothing was done"
            case "stopped":
                return "stopped before it was done"
            case "ok" | "failed":
                summary = self.digest.summary if self.digest and self.state == "ok" else ""
                told = " · ".join(filter(None, (ended(self.code, self.seconds), summary)))
                return told or ("failed" if self.state == "failed" else "")

    def _decision(self, width: int) -> list[Line]:
        if self.decided is None:
            return []
        allowed, by, why, scope = self.decided
        if not allowed:
            return _flagged("⊘ REFUSED ", "bad", verdict(by, why), width)
        if by == "walls" and not self.open:
            return []
        return _flagged("✓ allowed ", "ok", verdict(by, why, scope), width)

    def _inside(self, width: int) -> list[Line]:
        lines: list[Line] = []
        if isinstance(self.proposal, Shell):
            shown = wrap_all((line((row, "text")) for row in rows(self.proposal.command)), width - 6, 2, words=False)
            lines += indent(shown, ("  $ ", "accent"), _DEEP)
            lines += _flagged("in ", "dim", self.proposal.workdir, width) if self.proposal.workdir != "." else []
            lines += _flagged("why: ", "dim", self.proposal.reason, width) if self.proposal.reason else []
        lines += _flagged("scout: ", "info", self.explained, width) if self.explained else []
        lines += _flagged("reviewer: ", "info", self.judged, width) if self.judged else []
        if isinstance(self.proposal, Patch):
            lines += _raw(self.proposal.text, width)
        if isinstance(self.proposal, Delegate):
            for task in self.proposal.tasks:
                lines += _flagged(f"{task.name}: ", "accent", task.task, width)
        lines += _digested(self.digest, width) if self.digest and self.state != "failed" else []
        lines += _flagged("changed: ", "dim", ", ".join(self.paths), width) if self.paths else []
        return lines + (_output(self.output, width) if self.output else _flagged("", "faint", "no output", width))


def title_of(proposal: Proposal) -> tuple[str, str]:
    """A verb and what it is about, in one row."""
    match proposal:
        case Shell():
            first, _, more = proposal.command.strip().partition("\n")
            return "$", first + (f"  (+{more.count(chr(10)) + 1} lines)" if more else "")
        case Patch():
            return "patch", ", ".join(v4a.named(proposal.text)) or "no file"
        case Read():
            return "read", f"{proposal.path} {proposal.start}–{proposal.start + proposal.lines - 1}"
        case Search():
            where = "" if proposal.path == "." else f" in {proposal.path}"
            return "search", f"{proposal.pattern}{where}{' (' + proposal.glob + ')' if proposal.glob else ''}"
        case Delegate(tasks=tasks):
            return "delegate", ", ".join(task.name for task in tasks)


def _fold(is_open: bool) -> str:
    return "▾ " if is_open else "▸ "


def _last_row(text: str) -> str:
    return next((clean(row) for row in reversed(text[-2000:].split("\n")) if row.strip()), "")


def _flagged(flag: str, style: str, text: str, width: int) -> list[Line]:
    made = wrap(line((flag, style), (clean(text), "dim")), width - 5, 2)
    return indent(made, _MARGIN, _MARGIN)


def denied(denial: Denial) -> str:
    """What the walls refused, why, and how sure that is."""
    sure = "" if denial.certainty == "sure" else "probably "
    return f"{sure}{denial.kind}: {denial.target} — {denial.why}"


def _digested(digest: Digest, width: int) -> list[Line]:
    flag = f"{'scout' if digest.source == 'scout' else 'digest'}: "
    kind = f" [{digest.failure}]" if digest.summary not in ("", digest.failure) else ""
    lines = _flagged(flag, "info", f"{digest.summary or digest.failure}{kind}", width)
    for row in (*digest.failing[:3], *digest.lines[:4]):
        lines += _flagged("  ", "dim", row, width)
    return lines


def _output(text: str, width: int) -> list[Line]:
    """A raw output, of a long one its ends and how much is between."""
    shown = text.rstrip("\n").split("\n")
    if len(shown) <= _HEAD + _TAIL + 1 and len(text) < 200 * (_HEAD + _TAIL):
        return _raw(text, width)
    head, tail = [row[:400] for row in shown[:_HEAD]], [row[-400:] for row in shown[_HEAD:][-_TAIL:]]
    between = max(len(shown) - _HEAD - _TAIL, 0)
    note = f"{between:,} rows between" if between else "long rows are cut here"
    return [
        *_raw("\n".join(head), width),
        *_flagged("⋮ ", "warn", f"{note}; its raw output has all of them", width),
        *_raw("\n".join(tail), width),
    ]


def _raw(text: str, width: int) -> list[Line]:
    made = wrap_all((line((row, "dim")) for row in rows(text.rstrip("\n"))), width - 5, words=False)
    return indent([row.on("code.fill") for row in made], ("  ▏ ", "rule"), ("  ▏ ", "rule"))
