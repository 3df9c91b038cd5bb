"""Makes the corpus: runs real tools on small broken programs, keeps what they print and what they report by machine.

    python tests/logs/make/make.py TOOLS [NAME...]

TOOLS is a folder with `venv` (pytest pytest-xdist pytest-timeout tox mypy pyright ruff flake8 uv) and `node`
(eslint typescript@5 jest vitest); go, cargo, gcc, clang, make, javac, mvn, gradle (4) and git come from PATH.
NAME begins the names of the cases to make again; without one all are made. Nothing of the machine stays in a log.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from case import Case
from compiled import COMPILED
from javascript import JAVASCRIPT
from others import OTHERS
from python_tools import PYTHON

CORPUS = Path(__file__).resolve().parent.parent
SECONDS = 180
LONGEST = 150_000
"""Bytes of a log or report; a case that makes more is made smaller."""


def main() -> None:
    tools, wanted = Path(sys.argv[1]).resolve(), tuple(sys.argv[2:])
    cases = [case for case in (*PYTHON, *JAVASCRIPT, *COMPILED, *OTHERS) if case.name.startswith(wanted or ("",))]
    index = CORPUS / "corpus.json"
    known = {one["name"]: one for one in json.loads(index.read_text())} if index.exists() else {}
    for case in cases:
        known[case.name] = make(case, tools)
        print(case.name, known[case.name]["code"], flush=True)
        rows = ",\n".join(json.dumps(known[name]) for name in sorted(known))
        index.write_text(f"[\n{rows}\n]\n")


def make(case: Case, tools: Path) -> dict[str, object]:
    """Run one case in a folder of its own and write its log and report; the row of the index."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as base:
        root, report = Path(base) / "project", Path(base) / "report"
        for path, text in case.files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        root.mkdir(exist_ok=True)
        environment = surroundings(tools, Path(base), case.variables)
        if case.before:
            run(case.before, root, environment)
        ran = run(case.run, root, environment)
        if case.report:
            run(case.report, root, environment | {"REPORT": str(report)})
        names = (str(root), str(Path(base)), str(tools))
        log = stripped(ran.stdout, *names)
        write(CORPUS / f"{case.name}.log", log)
        row: dict[str, object] = {"name": case.name, "command": case.run, "code": ran.returncode}
        row |= {"failure": case.failure, "first": case.first}
        if case.report:
            assert report.exists(), f"{case.name}: no report"
            write(CORPUS / f"{case.name}.report", stripped(report.read_bytes(), *names))
            row["format"] = case.format
        return row


def surroundings(tools: Path, base: Path, variables: dict[str, str]) -> dict[str, str]:
    """An environment that holds nothing of this machine but its programs."""
    (base / "home").mkdir()
    user = Path.home()
    path = [
        tools / "venv/bin",
        tools / "node/node_modules/.bin",
        user / ".cargo/bin",
        "/usr/local/bin",
        "/usr/bin",
        "/bin",
    ]
    return {
        "PATH": ":".join(map(str, path)),
        "HOME": str(base / "home"),
        "LC_ALL": "C.UTF-8",
        "CARGO_HOME": str(base / "cargo"),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(user / ".rustup")),
        "NODE_PATH": str(tools / "node/node_modules"),
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
        "GOCACHE": str(tools / "gocache"),
        "MAVEN_ARGS": f"-o -B -Dmaven.repo.local={user}/.m2/repository",
        "TOOLS": str(tools),
    } | variables


def run(command: str, root: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        ["bash", "-c", command],
        check=False,
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
    )
    done.returncode = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return done


def stripped(data: bytes, root: str, base: str, tools: str) -> bytes:
    """The text without what tells of the machine that made it."""
    text = re.sub(rf"(?:\.\./)+{re.escape(Path(tools).name)}", "/opt/tools", data.decode("utf-8", "replace"))
    host, user = os.uname().nodename, str(Path.home())
    for old, new in ((root, "/home/user/project"), (base, "/home/user"), (tools, "/opt/tools"), (user, "/home/user")):
        text = text.replace(old, new)
    text = re.sub(rf"\b{re.escape(host)}\b(?=['\":])", "host", text)
    text = re.sub(r'hostname="[^"]*"', 'hostname="host"', text)
    text = re.sub(r"<properties>.*?</properties>", "", text, flags=re.DOTALL)
    text = re.sub(r"/tmp/(?!x)[\w.-]+", "/tmp/x", text)
    assert user not in text, "a name of this machine is left"
    return text.encode()


def write(path: Path, data: bytes) -> None:
    assert len(data) <= LONGEST, f"{path.name} has {len(data)} bytes"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


if __name__ == "__main__":
    if not shutil.which("bash"):
        raise SystemExit("bash is needed")
    main()
