"""The main job in a temporary repository, with a rehearsed model: no key, no network, no cost."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from assent_core.rehearsal import Rehearsal
from assent_core.settings import Settings, load
from assent_core.workspace import gitpython
from assent_sandbox.host import find_git, git_words

COMMAND = ("python3", "-m", "unittest")
PROMPT = "Please repair the failing tests. They run with: python3 -m unittest"
AUTHOR = ("-c", "user.name=Orchard", "-c", "user.email=orchard@localhost", "-c", "commit.gpgSign=false")


def demo(*, headless: bool) -> int:
    """Repair the bundled repository: in the interface, or by `fix --apply`."""
    folder = Path(tempfile.mkdtemp(prefix="assent-demo-")).resolve()
    repository = plant(folder / "orchard")
    os.environ.pop("OPENAI_API_KEY", None)
    _say(f"The demo repository is in {repository}\n")
    _say(
        "The model is rehearsed: a script on this machine plays it. No key and no network are used, nothing is paid;\n"
    )
    _say("the costs that you see are what the real models would have cost.\n")
    with served(Rehearsal.from_file("demo")) as url:
        settings = _settings(url)
        return _headless(repository, settings) if headless else _shown(repository, settings)


def plant(folder: Path) -> Path:
    """Copy the bundled repository and commit it, where git is installed."""
    shutil.copytree(Path(__file__).parents[1] / "demo_repo", folder, ignore=shutil.ignore_patterns("__pycache__"))
    if find_git(folder):
        git = gitpython()[0](folder)
        for words in (
            ("init", "-q", "--template=", "-b", "main"),
            ("add", "-A"),
            (*AUTHOR, "commit", "-q", "-m", "A stand"),
        ):
            git.execute(git_words(*words, cwd=folder))
    return folder


@contextmanager
def served(rehearsal: Rehearsal) -> Generator[str]:
    """A rehearsed model, served from a thread of its own; gives its base URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="rehearsal", daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(rehearsal.__aenter__(), loop).result()
    try:
        yield rehearsal.url
    finally:
        asyncio.run_coroutine_threadsafe(rehearsal.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _settings(url: str) -> Settings:
    own = load()
    return replace(Settings(), base_url=url, state=own.state, theme=own.theme, accounts=False)


def _headless(repository: Path, settings: Settings) -> int:
    from assent_tui.commands.fix import Fix, fix_at

    _say(f"$ assent fix --apply -- {' '.join(COMMAND)}\n\n")
    code = fix_at(repository, settings, Fix(command=COMMAND, apply=True))
    _say(f"\nLook at it: cd {repository} && git diff    Take it back: assent undo\n")
    return code


def _shown(repository: Path, settings: Settings) -> int:
    from assent_tui.commands.conversation import converse

    code = converse(repository, settings, PROMPT)
    _say(f"The demo repository is still in {repository}; delete it when you like.\n")
    return code or 0


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
