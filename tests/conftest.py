"""The installed command, run as a user would, with a home of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from assent_core.rehearsal import Rehearsal
from assent_tui.demo import served

COMMAND = Path(sys.executable).with_name("assent")
Assent = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches a real service or the tester's own settings by accident."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ASSENT_STATE_DIR", "ASSENT_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the state and the settings of assent, apart from the folder that it works in."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture
def surroundings(place: Path) -> dict[str, str]:
    """The environment of a user who has assent and nothing else of it."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return kept | {"XDG_STATE_HOME": str(place / "state"), "XDG_CONFIG_HOME": str(place / "config"), "TERM": "dumb"}


@pytest.fixture
def assent(surroundings: dict[str, str]) -> Iterator[Assent]:
    """Run the installed command in a folder and wait for its end."""

    def run(*args: str, cwd: Path, input: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(COMMAND), *args],
            cwd=cwd,
            env=surroundings | variables,
            input=input,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    yield run


@pytest.fixture
def rehearse() -> Iterator[Callable[[str], Rehearsal]]:
    """Serve a rehearsed model from a thread; after the test the service had nothing to complain of."""
    with ExitStack() as stack:
        served_ones: list[Rehearsal] = []

        def serve(script: str) -> Rehearsal:
            rehearsal = Rehearsal.from_text(script)
            stack.enter_context(served(rehearsal))
            served_ones.append(rehearsal)
            return rehearsal

        yield serve
    assert [complaint for rehearsal in served_ones for complaint in rehearsal.complaints] == []
