"""The notebook: prompts outlive their session, drafts outlive a crash, secrets are in neither."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assent_core.memory import notebook
from assent_core.memory.notebook import Notebook
from assent_core.redaction.redactor import Redactor


def book(state: Path, root: str = "/repo", redact=str) -> Notebook:
    return Notebook(state, Path(root), redact)


def test_what_was_sent_is_there_in_the_next_session_of_the_same_repository_only(tmp_path: Path):
    first = book(tmp_path)
    for text in ("one", "two\nlines", "two\nlines", "three"):
        first.remember(text)
    assert book(tmp_path).history() == ("one", "two\nlines", "three")
    assert book(tmp_path, "/other").history() == ()


def test_only_the_owner_can_read_what_is_kept(tmp_path: Path):
    kept = book(tmp_path)
    kept.remember("a")
    kept.keep("b")
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "prompts").iterdir()] == [0o600, 0o600]
    assert (tmp_path / "prompts").stat().st_mode & 0o777 == 0o700


def test_secrets_are_taken_out_of_both(tmp_path: Path):
    kept = book(tmp_path, redact=Redactor(["hunter2hunter2"]))
    kept.remember("the password is hunter2hunter2")
    kept.keep("or hunter2hunter2?")
    kept.close()
    assert book(tmp_path).history() == ("the password is [redacted]",)
    assert book(tmp_path).left() == "or [redacted]?"


def test_a_torn_line_costs_only_itself(tmp_path: Path):
    book(tmp_path).remember("one")
    file = next((tmp_path / "prompts").iterdir())
    with file.open("ab") as stream:
        stream.write(b'"half of a te\n"two"\n"unfin')
    assert book(tmp_path).history() == ("one", "two")


def test_the_file_is_cut_to_its_newest_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(notebook, "LARGEST_FILE", 1000)
    kept = book(tmp_path)
    for number in range(200):
        kept.remember(f"text number {number}")
    assert kept.history()[-1] == "text number 199"
    assert sum(path.stat().st_size for path in (tmp_path / "prompts").iterdir()) <= 1000


def test_a_draft_of_a_living_session_is_not_taken(tmp_path: Path):
    living = book(tmp_path)
    living.keep("mine")
    assert book(tmp_path).left() == ""
    living.close()
    assert book(tmp_path).left() == "mine"


def test_a_draft_that_was_sent_or_emptied_is_gone(tmp_path: Path):
    kept = book(tmp_path)
    kept.keep("some text")
    kept.keep("")
    kept.close()
    assert book(tmp_path).left() == ""
    assert list((tmp_path / "prompts").iterdir()) == []


def test_a_shorter_draft_leaves_nothing_of_a_longer_one(tmp_path: Path):
    kept = book(tmp_path)
    kept.keep("long " * 50)
    kept.keep("short")
    kept.close()
    assert book(tmp_path).left() == "short"


def test_a_draft_survives_a_kill_and_the_one_who_got_it_too(tmp_path: Path):
    for text in ("older", "newer"):
        program = (
            "import sys, time; from pathlib import Path; from assent_core.memory.notebook import Notebook\n"
            "Notebook(Path(sys.argv[1]), Path('/repo'), str).keep(sys.argv[2]); print(flush=True); time.sleep(60)"
        )
        path = os.pathsep.join(sys.path)
        with subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), text],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        ) as child:
            assert child.stdout
            child.stdout.readline()
            child.send_signal(signal.SIGKILL)
        for place in tmp_path.rglob("*.draft"):
            os.utime(place, (place.stat().st_mtime - 60,) * 2)
    heir = book(tmp_path)
    assert heir.left() == "newer"
    assert heir.history() == ("older",)
    heir.close()
    assert book(tmp_path).left() == "newer"


def test_a_place_that_cannot_be_written_is_an_os_error(tmp_path: Path):
    (tmp_path / "prompts").write_text("in the way")
    kept = book(tmp_path)
    with pytest.raises(OSError):
        kept.remember("a")
    with pytest.raises(OSError):
        kept.keep("a")
