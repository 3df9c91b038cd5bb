"""Committing what landed, from the prompt of the screen."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from assent_core.assembly import open_session
from assent_core.rehearsal import Rehearsal
from assent_core.settings import Settings
from assent_tui.prompt.box import Prompt
from assent_tui.prompt.slash import CommitWords, commit_words
from assent_tui.screen.app import AssentApp
from rehearsed import CALC, FIX, git
from screen import reviewing, said, until

SCRIPT = f"""
[[worker]]
patch = '''{FIX}'''
[[worker]]
say = "Repaired."
[[scout]]
when_schema_is = "scout_commit"
json = {{ subject = "Add instead of subtracting", body = ["The sum was a difference."] }}
"""


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    root.mkdir()
    (root / "calc.py").write_text(CALC)
    (root / "other.txt").write_text("other\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "config", "user.name", "Ada")
    git(root, "config", "user.email", "ada@example.org")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "start")
    (root / "other.txt").write_text("staged\n")
    git(root, "add", "other.txt")
    return root


def hook(repository: Path, text: str) -> None:
    place = repository / ".git" / "hooks" / "pre-commit"
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)


@pytest.fixture
async def landed(repository: Path, tmp_path: Path):
    """The screen over a repaired and landed file."""
    async with Rehearsal.from_text(SCRIPT) as rehearsal:
        settings = Settings(base_url=rehearsal.url, state=str(tmp_path / "state"), trailer="Assisted-by: assent")
        app = AssentApp(lambda asker: open_session(repository, settings, asker), "repair it")
        async with app.run_test(size=(120, 40)) as pilot:
            await reviewing(pilot)
            await pilot.press("A", "L", "enter")
            await until(pilot, lambda: "takes it back" in said(app) and app.job is None and app.focused is prompt(app))
            yield pilot
        assert app.jobs is not None
        await app.jobs.session.close()


def prompt(app: AssentApp) -> Prompt:
    return app.query_one(Prompt)


async def send(pilot: Pilot[int], words: str, answer: str) -> None:
    """Send something, and wait for words in the chat."""
    app = pilot.app
    assert isinstance(app, AssentApp)
    seen = said(app).count(answer)
    prompt(app).insert(words)
    await pilot.press("enter")
    await until(pilot, lambda: said(app).count(answer) > seen and app.job is None)


async def test_the_scout_writes_a_message_the_user_edits_it_and_exactly_what_landed_is_committed(
    landed: Pilot[int], repository: Path
):
    hook(repository, f"touch {repository}/ran")
    await send(landed, "/commit", "to be committed to main: calc.py")
    assert "are not run: pre-commit" in said(landed.app)
    await until(landed, lambda: "The sum was a difference." in prompt(landed.app).text)
    await send(landed, " Really.", "committed 1 file to main")
    assert git(repository, "log", "-1", "--format=%B").strip() == (
        "Add instead of subtracting\n\nThe sum was a difference. Really.\n\nAssisted-by: assent"
    )
    assert git(repository, "status", "--porcelain") == "M  other.txt\n"
    assert not (repository / "ran").exists()
    await send(landed, "/commit", "There is nothing to commit")


async def test_hooks_run_on_a_stage_when_that_is_asked_for_and_may_refuse(landed: Pilot[int], repository: Path):
    hook(repository, f"touch {repository}/ran; echo I refuse; exit 7")
    await send(landed, "/commit --hooks My words", "refuses (exit code 7), so nothing was committed")
    assert git(repository, "log", "--format=%s").split() == ["start"]
    assert not (repository / "ran").exists()
    hook(repository, "git diff --cached --name-only | grep -q calc.py")
    await send(landed, "/commit --hooks My words", "committed 1 file to main")
    assert git(repository, "log", "-1", "--format=%s").strip() == "My words"


def test_options_stand_before_the_message():
    assert commit_words("--hooks --unsigned a --hooks b") == CommitWords("a --hooks b", hooks=True, unsigned=True)
    assert commit_words("--hooksome") == CommitWords("--hooksome")
    assert commit_words("--hooks") == CommitWords(hooks=True)
    assert CommitWords("a\n\nb", hooks=True).line == "/commit --hooks a\n\nb"
