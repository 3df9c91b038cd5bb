"""Where each failing test failed and with which assertion, read from the section that its runner prints on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile

from msgspec import Struct

from assent_core.logs.finding import Finding, short
from assent_core.logs.tracebacks import (
    FOREIGN,
    JAVA_FOREIGN,
    JAVA_FRAME,
    NODE_FRAME,
    PYTHON_FRAME,
    PYTHON_RAISED,
    RUST_OLD,
    RUST_RAISED,
    innermost,
)


class Section(Struct, frozen=True):
    """What a runner prints on one failing test, under the name that its heading gives."""

    name: str
    message: str
    path: str = ""
    line: int = 0


def failures(runner: str, failing: dict[str, str], lines: list[str]) -> list[Finding]:
    """A finding for each failing test of a runner, in the order of `failing` (id -> the line that says so)."""
    read = SECTIONS.get(runner)
    sections = list(read(lines)) if read else []
    by_name: dict[str, list[Section]] = {}
    for section in sections:
        by_name.setdefault(section.name, []).append(section)
    in_order = iter(_unnamed(lines) if runner == "pytest" else ())
    found: list[Finding] = []
    for id, line in failing.items():
        section = _fitting(id, by_name) or next(in_order, None) or Section("", "")
        message = section.message or _reason(id, line)
        found.append(
            Finding(tool=runner, test=id, path=section.path, line=section.line, message=short(message), column=0)
        )
    return found


def _fitting(id: str, by_name: dict[str, list[Section]]) -> Section | None:
    """The section of a test: of those with its name the one of its file, else the first that is left."""
    candidates = next((by_name[name] for name in _names(id) if by_name.get(name)), None)
    if not candidates:
        return None
    file = id.partition("::")[0]
    best = next(
        (one for one in candidates if one.path and (one.path.endswith(file) or file.endswith(one.path))), candidates[0]
    )
    if len(candidates) > 1:
        candidates.remove(best)
    return best


def _names(id: str) -> Iterable[str]:
    """The forms in which the heading of a section may give the id."""
    file, _, rest = id.partition("::")
    yield id
    yield rest.replace("::", ".")
    yield file if rest else id.rpartition("/")[2]
    yield f"[doctest] {rest}"
    yield id.rpartition(".")[2] if "/" in id else id


def _reason(id: str, line: str) -> str:
    """What the line that names a failing test says beside its name."""
    _, dash, reason = line.partition(f"{id} - ")
    return reason if dash else ""


PYTEST_HEADING = re.compile(r"_{3,} (?:ERROR (?:collecting|at \w{1,20} of) )?(\S.{0,1000}?) _{3,}")
PYTEST_PLACE = re.compile(r"(?P<path>\S[^:\n]{0,400}\.\w{1,5}):(?P<line>\d{1,7}): ?(?:in .*|\w*)")
PYTEST_LINE = re.compile(r"(?P<path>\S[^:\n]{0,400}\.py):(?P<line>\d{1,7}): (?P<message>.*)")


def _pytest(lines: list[str]) -> Iterator[Section]:
    for name, body in _split(lines, _pytest_heading, lambda line: line.startswith(("====", "!!!!"))):
        frames: list[tuple[str, int]] = []
        message, raised, later = "", "", True
        for line in body:
            if line.startswith("E  "):
                message, later = (line[1:].strip() if later else message), False
            elif found := PYTEST_PLACE.fullmatch(line) or PYTHON_FRAME.fullmatch(line):
                frames.append((found["path"], int(found["line"])))
                later = True
            elif PYTHON_RAISED.fullmatch(line):
                raised = line
        path, number = innermost(frames)
        expected = " ".join(line.strip() for line in body[body.index("Expected:") :] if line.strip() and not frames_of(line))[
            :200
        ] if "Expected:" in body else ""  # fmt: skip
        if message or raised or expected or path:
            yield Section(name, message or raised or expected, path, number)


def frames_of(line: str) -> bool:
    """Whether a line is a place and no text of its own."""
    return bool(PYTEST_PLACE.fullmatch(line))


def _pytest_heading(line: str) -> str:
    found = PYTEST_HEADING.fullmatch(line) if line.startswith("___") else None
    return found[1] if found else ""


def _unnamed(lines: list[str]) -> Iterator[Section]:
    """The lines of `--tb=line`: one for each failing test, in the order of the summary, without its name."""
    inside = False
    for line in lines:
        if line.startswith(("====", "____")):
            inside = " FAILURES " in line and line[0] == "="
        elif inside and (found := PYTEST_LINE.fullmatch(line)):
            yield Section("", found["message"], found["path"], int(found["line"]))


UNITTEST_HEADING = re.compile(r"(?:FAIL|ERROR): (\S+)(?: \(([\w.<>]{1,400})\))?.*")


def unittest_id(name: str, owner: str) -> str:
    """The id of a test as the heading `FAIL: name (owner)` gives it; one that could not be loaded has a name alone."""
    if not owner or owner.startswith("unittest.loader._FailedTest"):
        return name
    return owner if owner.rpartition(".")[2] == name else f"{owner}.{name}"


def _unittest(lines: list[str]) -> Iterator[Section]:
    def heading(line: str) -> str:
        found = UNITTEST_HEADING.fullmatch(line) if line.startswith(("FAIL: ", "ERROR: ")) else None
        return unittest_id(found[1], found[2] or "") if found else ""

    for name, body in _split(lines, heading, lambda line: line.startswith(("======", "Ran "))):
        frames = [(found["path"], int(found["line"])) for line in body if (found := PYTHON_FRAME.fullmatch(line))]
        raised = next(
            (line for line in reversed(body) if not line.startswith((" ", "-")) and PYTHON_RAISED.fullmatch(line)), ""
        )
        path, number = innermost(frames)
        yield Section(name, raised, path, number)


GO_MARK = re.compile(r"\s*(?:=== (?:RUN|CONT|NAME|PAUSE) +|--- (?:FAIL|PASS|SKIP): )(?P<name>\S+).*")
GO_SAID = re.compile(r"\s+(?P<path>[^\s:]{1,200}\.go):(?P<line>\d{1,7}): (?P<message>.*)")


def _go(lines: list[str]) -> Iterator[Section]:
    name = package = ""
    waiting: list[Section] = []
    told: set[str] = set()
    for line in lines:
        if mark := GO_MARK.fullmatch(line):
            name = mark["name"]
        elif name and name not in told and (said := GO_SAID.fullmatch(line)):
            waiting.append(Section(name, said["message"], said["path"], int(said["line"])))
            told.add(name)
        elif line.startswith(("FAIL\t", "ok  \t")):
            package = line.split("\t")[1].split(" ")[0]
            yield from (Section(f"{package}.{one.name}", one.message, one.path, one.line) for one in waiting)
            waiting, told, name = [], set[str](), ""
    yield from waiting


def _cargo(lines: list[str]) -> Iterator[Section]:
    def heading(line: str) -> str:
        return line[5:-12] if line.startswith("---- ") and line.endswith(" stdout ----") else ""

    for name, body in _split(lines, heading, lambda line: line == "failures:" or line.startswith("test result: ")):
        for index, line in enumerate(body):
            if "panicked at" not in line:
                continue
            if found := RUST_RAISED.match(line) or RUST_OLD.match(line):
                said = (part.strip() for part in body[index + 1 : index + 4] if not part.startswith(("note:", "stack")))
                message = found.groupdict().get("message") or "; ".join(filter(None, said))
                yield Section(name, str(message), found["path"], int(found["line"]))
                break
        else:
            said = next((line for line in body if line.strip()), "")
            place = re.search(r" at (\S{1,300}):(\d{1,7}):\d{1,6}$", said)
            yield Section(name, said, place[1] if place else "", int(place[2]) if place else 0)


def _jest(lines: list[str]) -> Iterator[Section]:
    def heading(line: str) -> str:
        text = line.strip()
        return text.removeprefix("● ") if text.startswith("● ") and text != "● Console" else ""

    broken = (line for at, line in enumerate(lines) if line.startswith("FAIL ")
              and any("Test suite failed to run" in below for below in lines[at + 1 : at + 3]))  # fmt: skip
    suites = iter([line[5:].split(" (")[0].strip().removeprefix("./") for line in broken])
    for name, body in _split(lines, heading, lambda line: line.startswith(("Test Suites: ", "FAIL ", "PASS "))):
        if name == "Test suite failed to run":
            details = next((at + 1 for at, line in enumerate(body) if line.strip() == "Details:"), 0)
            yield _javascript(next(suites, name), body[details:])
        else:
            yield _javascript(name, body)


VITEST_PLACE = re.compile(r"\s*(?:❯|File:) (?:.{0,200} )?(?P<path>[^\s:]{1,400}):(?P<line>\d{1,7}):\d{1,6}\s*")


def _vitest(lines: list[str]) -> Iterator[Section]:
    def heading(line: str) -> str:
        return line.removeprefix(" FAIL  ").split(" [ ")[0].strip() if line.startswith(" FAIL  ") else ""

    for name, body in _split(lines, heading, lambda line: line.startswith("⎯⎯⎯⎯")):
        yield _javascript(name, body)


NODE_TEST_PLACE = re.compile(r"test at (?P<path>[^\s:]{1,400}):(?P<line>\d{1,7}):\d{1,6}")
TAP = re.compile(r"\s*not ok \d{1,9} - (?P<name>.*)")


def _node(lines: list[str]) -> Iterator[Section]:
    for index, line in enumerate(lines):
        if found := re.fullmatch(r"\s*✖ (.{1,1000}?) \(\d[\d.]*ms\)", line):
            above = NODE_TEST_PLACE.fullmatch(lines[index - 1]) if index else None
            section = _javascript(found[1], _until(lines[index + 1 : index + 61], "✖ "))
            if above:
                yield Section(
                    section.name, section.message, section.path or above["path"], section.line or int(above["line"])
                )
        elif found := TAP.fullmatch(line):
            body = _until(lines[index + 1 : index + 61], "...", "not ok ")
            yield _tap(found["name"], [other.strip() for other in body])


def _tap(name: str, body: list[str]) -> Section:
    error = next((at for at, line in enumerate(body) if line.startswith("error: ")), -1)
    message = body[error].removeprefix("error: ").strip("'\"") if error >= 0 else ""
    if message in ("|-", "|"):
        message = next((line for line in body[error + 1 :] if line), "")
    place = next(
        (found for line in body if (found := re.match(r"location: '(?P<path>[^':]{1,400}):(?P<line>\d{1,7}):", line))),
        None,
    )
    return Section(name, message, place["path"] if place else "", int(place["line"]) if place else 0)


def _until(lines: list[str], *signs: str) -> list[str]:
    """The lines before the first that begins with one of the signs."""
    return list(takewhile(lambda line: not line.strip().startswith(signs), lines))


def _javascript(name: str, body: list[str]) -> Section:
    """The first line of text is the message; frames go from the innermost out."""
    frames = [
        (found["path"], int(found["line"]))
        for line in body
        if (found := NODE_FRAME.fullmatch(line) or VITEST_PLACE.fullmatch(line))
    ]
    own = [frame for frame in frames if not any(sign in frame[0] for sign in FOREIGN)]
    path, number = (own or [("", 0)])[0]
    said = (line.strip() for line in body if line.strip() and line.strip()[0] not in "✖❯|>")
    return Section(name, next(said, ""), path, number)


SUREFIRE = re.compile(
    r"\[ERROR\] +(?:(?P<owner>[\w.$]{1,300})\.(?P<name>[^\s(]{1,200})(?:\(.{0,200}\))? -- "
    r"Time elapsed: .{1,40} <<< (?:FAILURE|ERROR)!"
    r"|(?P<old>[^\s(]{1,200})\((?P<of>[\w.$]{1,300})\) +Time elapsed: .{1,40} <<< (?:FAILURE|ERROR)!)\s*"
)
GRADLE = re.compile(r"(?P<owner>[\w.$]{1,300}) > (?P<name>.{1,300}) FAILED")


def java_test(line: str) -> str:
    """The test that a line of surefire or gradle heads, or nothing."""
    if found := SUREFIRE.fullmatch(line):
        return f"{found['owner']}.{found['name']}" if found["owner"] else f"{found['of']}.{found['old']}"
    found = GRADLE.fullmatch(line)
    return f"{found['owner']} > {found['name']}" if found else ""


def _java(lines: list[str]) -> Iterator[Section]:
    for name, body in _split(lines, java_test, lambda line: line.startswith(("[INFO]", "[ERROR] "))):
        frames = [
            (found["path"], int(found["line"]))
            for line in body
            if (found := JAVA_FRAME.match(line)) and not JAVA_FOREIGN.match(line)
        ]
        path, number = (frames or [("", 0)])[0]
        if not frames and (
            place := next(
                (found for line in body if (found := re.search(r" at ([\w$]{1,200}\.java):(\d{1,7})$", line))), None
            )
        ):
            path, number = place[1], int(place[2])
        yield Section(name, next((line.strip() for line in body if line.strip()), ""), path, number)


def _split(
    lines: list[str], heading: Callable[[str], str], ends: Callable[[str], bool]
) -> Iterator[tuple[str, list[str]]]:
    """The sections of a log: each name that a heading gives, with the lines to the next heading or end."""
    name, body = "", list[str]()
    for line in lines:
        if next_name := heading(line):
            if name:
                yield name, body
            name, body = next_name, []
        elif name and ends(line):
            yield name, body
            name, body = "", []
        elif name:
            body.append(line)
    if name:
        yield name, body


SECTIONS: dict[str, Callable[[list[str]], Iterator[Section]]] = {
    "pytest": _pytest, "unittest": _unittest, "go test": _go, "cargo test": _cargo, "jest": _jest, "vitest": _vitest,
    "node": _node, "maven": _java, "gradle": _java,
}  # fmt: skip
