"""What compilers, type checkers and linters complain of: path, line, column, code and message of each diagnostic."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import cast

from assent_core.logs.finding import Finding, Severity, short

MOST = 2000
"""Most diagnostics of one log that are read."""
SEVERITIES: dict[str, Severity] = {"warning": "warning", "note": "note", "information": "note", "help": "note"}

# path:line:column: error: message, as gcc, clang, javac, mypy, rustc (short) and many others print it
# (gradle without a terminal writes it behind the name of its task)
COLONS = re.compile(
    r"(?::[\w:-]{1,100}(?=/))?(?P<path>(?:[A-Za-z]:)?[^\s:][^:\n]{0,400}):(?P<line>\d{1,7}):(?:(?P<column>\d{1,6}):)?(?:\d{1,7}:\d{1,6}:)?"
    r" (?P<severity>fatal error|internal compiler error|error|warning|note)(?:\[(?P<code>\w{1,40})\])?: (?P<message>.*)"
)
DASH = re.compile(
    r" *(?P<path>(?:[A-Za-z]:)?[^\s:][^:\n]{0,400}):(?P<line>\d{1,7}):(?P<column>\d{1,6}) - "
    r"(?P<severity>error|warning|information)(?: (?P<code>TS\d{1,6}))?: (?P<message>.*)"
)
PARENTHESES = re.compile(
    r"(?P<path>[^\s(][^(\n]{0,400})\((?P<line>\d{1,7}),(?P<column>\d{1,6})\): "
    r"(?P<severity>error|warning) (?P<code>[A-Z]{1,4}\d{1,6}): (?P<message>.*)"
)
PLACELESS = re.compile(r"(?P<severity>error) (?P<code>TS\d{1,6}): (?P<message>.*)")
CODED = re.compile(
    r"(?P<path>[^\s:][^:\n]{0,400}):(?P<line>\d{1,7}):(?:(?P<column>\d{1,6}):)? "
    r"(?:(?P<code>[A-Z]{1,4}\d{2,4}|invalid-syntax)|\[(?P<bracketed>[A-Z]{1,4}\d{2,4}|invalid-syntax)\]):? "
    r"(?:\[\*\] )?(?P<message>.*)"
)
GO = re.compile(
    r"(?:vet: )?(?P<path>[^\s:][^:\n]{0,400}\.go):(?P<line>\d{1,7}):(?:(?P<column>\d{1,6}):)? (?P<message>\S.*)"
)
MAVEN = re.compile(
    r"\[(?P<severity>ERROR|WARNING)\] (?P<path>[^\s:\[][^:\[\n]{0,400}):\[(?P<line>\d{1,7}),(?P<column>\d{1,6})\] (?P<message>.*)"
)
MAKE = re.compile(r"(?P<path>[^\s:]{1,200}):(?P<line>\d{1,7}): (?P<message>\*\*\* .*)")
BASH = re.compile(r"(?P<path>[^\s:]{1,200}): line (?P<line>\d{1,7}): (?P<message>syntax error.*)")

NPM = re.compile(
    r"npm (?:error|ERR!) (?!code |errno |syscall |path |dest |A complete log|  |node_modules/|\}|If you)(?P<message>\S.*)"
)
MOST_OF_NPM = 5

GRADLE_WRONG = "* What went wrong:"
GRADLE_PLACE = re.compile(r"[\w ]{1,40} file '(?P<path>[^'\n]{1,400})' line: (?P<line>\d{1,7})")
GRADLE_POINTS = ("There were failing tests", "Compilation failed; see")
"""What gradle says of a failure that the lines above told already."""
MOST_OF_GRADLE = 12
"""Lines of one reason that are read."""

RULE = re.compile(r"(?P<code>[A-Z]{1,4}\d{2,4}|invalid-syntax):? (?:\[\*\] )?(?P<message>.*)")
RUSTC = re.compile(r"(?P<severity>error|warning)(?:\[(?P<code>[A-Z]\d{4})\])?: (?P<message>.*)")
ARROW = re.compile(r"\s*-->\s(?P<path>[^:\n]{1,400}):(?P<line>\d{1,7}):(?P<column>\d{1,6})\s*")
ROW = re.compile(r"\s+(?P<line>\d{1,7}):(?P<column>\d{1,6})\s+(?P<rest>\S.*)")
STYLISH = re.compile(r"(?P<severity>error|warning)\s+(?P<message>.*)")
HEADING = re.compile(r"(?:/|[A-Za-z]:\\|\.{0,2}/?)?\w[^:*?\"<>|\n]{0,400}\.\w{1,8}:?")

LINES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("", COLONS), ("tsc", DASH), ("tsc", PARENTHESES), ("tsc", PLACELESS), ("ruff", CODED), ("go", GO),
    ("maven", MAVEN), ("make", MAKE), ("bash", BASH),
)  # fmt: skip


def diagnostics(lines: list[str]) -> list[Finding]:
    """Every diagnostic in the order of the log; notes that only explain one are left out."""
    found: dict[tuple[str, int, int, str], Finding] = {}
    for reading in (_one_line(lines), _arrowed(lines), _tabled(lines), _npm(lines), _gradle(lines)):
        for finding in reading:
            found.setdefault((finding.path, finding.line, finding.column, finding.message), finding)
            if len(found) >= MOST:
                break
    return list(found.values())


def _one_line(lines: list[str]) -> Iterator[Finding]:
    for index, line in enumerate(lines):
        if ":" not in line:
            continue
        for tool, pattern in LINES:
            if found := pattern.fullmatch(line):
                if finding := _finding(tool, found, lambda at=index: _continued(lines, at)):
                    yield finding
                break


def _finding(tool: str, found: re.Match[str], rest: Callable[[], str]) -> Finding | None:
    parts = cast("dict[str, str | None]", found.groupdict())
    said = (parts.get("severity") or "error").lower()
    if said == "note":
        return None
    message, code = parts["message"] or "", parts.get("code") or parts.get("bracketed") or ""
    path = parts.get("path") or ""
    if tool == "go" and not _of_go(message):
        return None
    if not tool:
        message, code = _trailing_code(message, code)
        tool = "mypy" if path.endswith((".py", ".pyi")) else "javac" if path.endswith(".java") else "cc"
        tool = "rustc" if path.endswith(".rs") else tool
        if tool == "mypy" and not code and (more := rest()):
            message, code = _trailing_code(f"{message} {more}", "")
    elif found.re is DASH and not code:
        tool = "pyright"
        message, code = _trailing_code(message, "", "()")
        if not code:
            code = _trailing_code(rest(), "", "()")[1]
    return Finding(
        tool=tool,
        path=path,
        line=int(parts.get("line") or 0),
        column=int(parts.get("column") or 0),
        code=code,
        severity=SEVERITIES.get(said, "error"),
        message=short(message),
    )


def _of_go(message: str) -> bool:
    """Lines of a panic and of tests have the same form; they are read elsewhere."""
    return not message.startswith("+0x")


def _trailing_code(message: str, code: str, brackets: str = "[]") -> tuple[str, str]:
    """A code in brackets at the end of a message, apart from it."""
    start = message.rfind(brackets[0])
    if not code and start > 0 and message.endswith(brackets[1]) and " " not in message[start:]:
        return message[:start].rstrip(), message[start + 1 : -1]
    return message, code


def _continued(lines: list[str], index: int) -> str:
    """The lines in which a message goes on, as far as the next diagnostic, with one space between them."""
    more: list[str] = []
    for line in lines[index + 1 : index + 12]:
        if not line.strip() or (":" in line and (COLONS.fullmatch(line) or DASH.fullmatch(line))):
            break
        more.append(line.strip())
        if line.endswith((")", "]")) and " " not in line[max(line.rfind("("), line.rfind("[")) :]:
            return " ".join(more)
    return ""


def _arrowed(lines: list[str]) -> Iterator[Finding]:
    """Blocks of rustc and ruff: a heading, and below it an arrow to the place."""
    for index, line in enumerate(lines):
        if "-->" not in line or not (place := ARROW.fullmatch(line)):
            continue
        above = next((heading for heading in reversed(lines[max(0, index - 6) : index]) if _heads(heading)), "")
        found = RULE.fullmatch(above)
        tool = "ruff" if found else "rustc"
        if not (found := found or RUSTC.fullmatch(above)):
            continue
        parts = found.groupdict()
        yield Finding(
            tool=tool,
            path=place["path"].strip(),
            line=int(place["line"]),
            column=int(place["column"]),
            code=parts["code"] or "",
            severity=SEVERITIES.get(parts.get("severity") or "", "error"),
            message=short(str(parts["message"])),
        )


def _heads(line: str) -> bool:
    """Whether a line may head an arrow, or ends the search for what does: a note has arrows of its own."""
    return bool(RULE.fullmatch(line) or RUSTC.fullmatch(line) or line.startswith(("note", "help", "  |", "   |")))


def _tabled(lines: list[str]) -> Iterator[Finding]:
    """Tables of eslint and of ruff by file: a path, and below it rows that begin with line and column."""
    path = ""
    for line in lines:
        row = ROW.fullmatch(line)
        if not row:
            if line.strip() and not line[0].isspace():
                path = line.rstrip(":").strip() if HEADING.fullmatch(line) else ""
            continue
        if not path:
            continue
        if finding := _row(path, row):
            yield finding


def _row(path: str, row: re.Match[str]) -> Finding | None:
    rest = row["rest"].rstrip()
    if found := STYLISH.fullmatch(rest):
        message, _, code = found["message"].rstrip().rpartition("  ")
        message, code = (message, code.strip()) if message.strip() else (code, "")
        tool, severity = "eslint", SEVERITIES.get(found["severity"], "error")
    elif found := RULE.fullmatch(rest):
        tool, severity, message, code = "ruff", "error", found["message"], found["code"]
    else:
        return None
    line, column = int(row["line"]), int(row["column"])
    return Finding(tool=tool, path=path, line=line, column=column, code=code, severity=severity, message=short(message))


def _npm(lines: list[str]) -> Iterator[Finding]:
    """The first sentences of npm that are not only the code of the error."""
    said = (found for line in lines if line.startswith("npm ") and (found := NPM.fullmatch(line)))
    for _, found in zip(range(MOST_OF_NPM), said, strict=False):
        yield Finding(tool="npm", message=short(found["message"]))


def _gradle(lines: list[str]) -> Iterator[Finding]:
    """Why the build failed, in one line, with the place in the build file that gradle names above it."""
    for index in (index for index, line in enumerate(lines) if line == GRADLE_WRONG):
        below = lines[index + 1 : index + 1 + MOST_OF_GRADLE]
        reason = below[: below.index("")] if "" in below else below
        said = " ".join(line.strip() for line in reason)
        if said and not any(point in said for point in GRADLE_POINTS):
            places = (GRADLE_PLACE.fullmatch(line) for line in lines[max(0, index - 3) : index])
            place = next(filter(None, places), None)
            path, at = (place["path"], int(place["line"])) if place else ("", 0)
            yield Finding(tool="gradle", path=path, line=at, message=short(said))
