"""Stack traces of Python, Node, Java, Go and Rust: what was raised, and where in the user's own code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assent_core.logs.finding import Finding, short

MOST = 200
"""Most traces of one log that are read."""
MOST_FRAMES = 400

FOREIGN = ("site-packages/", "dist-packages/", "/lib/python", "<frozen ", "<string>", "node_modules/", "node:", "/usr/lib/",
           "/rustc/", "/library/std/", "/library/core/", "/go/src/", "/src/testing/", "/src/runtime/",
           "pluggy/", "_pytest/")  # fmt: skip

PYTHON_FRAME = re.compile(r'\s*File "(?P<path>[^"\n]{1,400})", line (?P<line>\d{1,7})(?:, in (?P<name>.*))?')
PYTHON_RAISED = re.compile(r"(?P<name>[A-Za-z_][\w.]{0,200})(?:: (?P<message>.*))?")
GROUP = re.compile(r"^[ |+]*(?:\| |\+-\+?-+.*$)")
NODE_FRAME = re.compile(
    r"\s*at (?:async )?(?:[^(\n]{0,300} \()?(?:file://)?(?P<path>[^()\n]{1,400}):"
    r"(?P<line>\d{1,7}):(?P<column>\d{1,6})\)?(?: \{)?\s*"
)
NODE_RAISED = re.compile(
    r"(?:\s*\[cause\]: )?(?:Uncaught )?(?P<name>[A-Z]\w{0,80}(?:Error|Exception)|Error)(?: \[\w+\])?(?:: (?P<message>.*))?"
)
NODE_PLACE = re.compile(r"(?:file://)?(?P<path>[/.\w][^:\n]{0,400}\.[cm]?[jt]sx?):(?P<line>\d{1,7})")
JAVA_FRAME = re.compile(
    r"\s*at (?:[\w.]{1,80}/)?[\w.$<>]{1,300}\((?P<path>[\w$]{1,200}\.(?:java|kt|scala)):(?P<line>\d{1,7})\)"
)
JAVA_FOREIGN = re.compile(r"\s*at (?:java\.|jdk\.|sun\.|javax\.|org\.junit\.|org\.opentest4j|org\.apache\.maven\.)")
JAVA_RAISED = re.compile(
    r'(?:Exception in thread "[^"\n]{0,200}" |Caused by: )?'
    r"(?P<name>(?:[a-z_]\w{0,80}\.){1,12}[A-Z][\w$]{0,120})(?:: (?P<message>.*))?"
)
GO_RAISED = re.compile(r"(?P<name>panic|fatal error): (?P<message>.*)")
GO_FRAME = re.compile(r"\t(?P<path>/?[^\s:]{1,400}\.(?:go|s)):(?P<line>\d{1,7})(?: \+0x[0-9a-f]+)?\s*")
RUST_RAISED = re.compile(
    r"thread '(?P<name>[^'\n]{0,200})'(?: \(\d{1,12}\))? panicked at "
    r"(?P<path>[^:'\n]{1,400}):(?P<line>\d{1,7}):(?P<column>\d{1,6}):?\s*"
)
RUST_OLD = re.compile(
    r"thread '(?P<name>[^'\n]{0,200})' panicked at '(?P<message>.{0,1000})', "
    r"(?P<path>[^:'\n]{1,400}):(?P<line>\d{1,7}):(?P<column>\d{1,6})"
)


def tracebacks(lines: list[str]) -> list[Finding]:
    """What was raised, in the order of the log; each with the innermost place outside of libraries."""
    found = [*_python(lines), *_node(lines), *_java(lines), *_go(lines), *_rust(lines)]
    return [finding for _, finding in sorted(found, key=lambda pair: pair[0])[:MOST]]


def innermost(frames: list[tuple[str, int]]) -> tuple[str, int]:
    """The last frame outside of libraries, else the last one; frames go from the outermost to the innermost."""
    own = [frame for frame in frames if not any(sign in frame[0] for sign in FOREIGN)]
    return (own or frames or [("", 0)])[-1]


def _python(lines: list[str]) -> Iterator[tuple[int, Finding]]:
    frames: list[tuple[str, int]] = []
    for index, line in enumerate(lines):
        bare = GROUP.sub("", line) if "| " in line or "+-" in line else line
        if found := PYTHON_FRAME.fullmatch(bare):
            frames.append((found["path"], int(found["line"])))
            frames = frames[-MOST_FRAMES:]
        elif frames and bare.strip() and _raises(bare, lines, index):
            path, number = innermost(frames)
            yield index, Finding(tool="python", path=path, line=number, message=short(bare))
            frames = []
        elif not frames and "| " in line and (raised := PYTHON_RAISED.fullmatch(bare)) and raised["message"]:
            yield index, Finding(tool="python", message=short(bare))


def _raises(line: str, lines: list[str], index: int) -> bool:
    """Whether a line below frames is the one that names what was raised, and not the source of a frame."""
    text = line.strip()
    found = PYTHON_RAISED.fullmatch(text)
    if not found or (
        not found["message"] and not found["name"].endswith(("Error", "Exception", "Interrupt", "Exit", "Warning"))
    ):
        return False
    above = next((other for other in reversed(lines[max(0, index - 4) : index]) if 'File "' in other), "")
    indent = len(above) - len(above.lstrip()) if above else 99
    return len(line) - len(line.lstrip()) < max(indent, 1) + (0 if above else 99)


def _node(lines: list[str]) -> Iterator[tuple[int, Finding]]:
    index, stop = 0, len(lines)
    while index < stop:
        if "at " not in lines[index] or not NODE_FRAME.fullmatch(lines[index]):
            index += 1
            continue
        start, frames = index, list[tuple[str, int]]()
        while index < stop and ("at " in lines[index] or "..." in lines[index]):
            if found := NODE_FRAME.fullmatch(lines[index]):
                frames.append((found["path"], int(found["line"])))
            index += 1
        raised = next(
            (at for at in range(start - 1, max(-1, start - 12), -1) if NODE_RAISED.fullmatch(lines[at].strip())), -1
        )
        if raised >= 0:
            path, number = innermost(frames[::-1])
            place = _node_place(lines, raised) if any(sign in path for sign in FOREIGN) else None
            path, number = place or (path, number)
            yield raised, Finding(tool="node", path=path, line=number, message=short(lines[raised]))


def _node_place(lines: list[str], raised: int) -> tuple[str, int] | None:
    """The place that node prints above an error that has no frame of its own, such as one of syntax."""
    for line in reversed(lines[max(0, raised - 5) : raised]):
        if (found := NODE_PLACE.fullmatch(line)) and not any(sign in line for sign in FOREIGN):
            return found["path"], int(found["line"])
    return None


def _java(lines: list[str]) -> Iterator[tuple[int, Finding]]:
    raised, frames, foreign = -1, list[tuple[str, int]](), list[tuple[str, int]]()
    for index, line in enumerate([*lines, ""]):
        if found := JAVA_FRAME.match(line):
            (foreign if JAVA_FOREIGN.match(line) or "java.base/" in line else frames).append(
                (found["path"], int(found["line"]))
            )
            continue
        if line.startswith("\t") or line.strip().startswith("... "):
            continue
        if raised >= 0 and (frames or foreign):
            path, number = (frames or foreign)[0]
            yield raised, Finding(tool="java", path=path, line=number, message=short(lines[raised]))
        raised = index if "." in line and JAVA_RAISED.fullmatch(line.strip()) else -1
        frames, foreign = [], []


def _go(lines: list[str]) -> Iterator[tuple[int, Finding]]:
    for index, line in enumerate(lines):
        if not (found := GO_RAISED.match(line)):
            continue
        frames: list[tuple[str, int]] = []
        for later in lines[index + 1 : index + 60]:
            if frame := GO_FRAME.fullmatch(later):
                frames.append((frame["path"], int(frame["line"])))
            elif later.startswith(("FAIL", "exit status")):
                break
        path, number = innermost(frames[::-1])
        yield index, Finding(tool="go", path=path, line=number, message=short(found[0]))


def _rust(lines: list[str]) -> Iterator[tuple[int, Finding]]:
    for index, line in enumerate(lines):
        if "panicked at" not in line:
            continue
        if found := RUST_OLD.match(line.strip()):
            message = found["message"]
        elif found := RUST_RAISED.match(line.strip()):
            message = lines[index + 1] if index + 1 < len(lines) else ""
        else:
            continue
        yield (
            index,
            Finding(
                tool="rust",
                message=short(f"panicked: {message}"),
                path=found["path"],
                line=int(found["line"]),
                column=int(found["column"]),
            ),
        )
