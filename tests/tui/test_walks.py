"""Each feature walked through by keys alone: the installed command on a terminal, over the rehearsal server and real walls."""

import base64
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from rehearsed import committed, tree

ROWS = "".join(f"row {number}\n" for number in range(1, 41))
ESCAPE, ENTER, TAB = "\x1b", "\r", "\t"
END = "\x1b[F"
LEAVE = "\x11"
REVIEW = "\x12"


@pytest.fixture
def repository(tmp_path: Path, place: Path) -> Path:
    """Three files of forty rows; no scout, so that only the worker's script is asked."""
    root = tmp_path / "shop"
    root.mkdir()
    for name in ("a.txt", "b.txt", "c.txt"):
        (root / name).write_text(ROWS)
    committed(root)
    (place / "config" / "assent").mkdir(parents=True)
    (place / "config" / "assent" / "settings.toml").write_text("scouting = false\n")
    return root


@pytest.fixture
def walk(terminal, rehearse, repository) -> Callable[..., object]:
    """Start the command over a rehearsed model."""

    def start(script: str, *words: str, **variables: str):
        return terminal(*words, cwd=repository, OPENAI_BASE_URL=rehearse(script).url, **variables)

    return start


def send(made, text: str) -> None:
    """Write something, see it, and send it."""
    made.press(text)
    made.wait_until(f"\n │ {text} ")  # Enter right behind a letter would be part of a paste
    made.press(ENTER)


CHAT = """
[[worker]]
say = "I look it up."
shell = '''python3 -c "from urllib.request import urlopen; urlopen('http://example.com/', timeout=5)"'''
[[worker]]
when_input_matches = "denied|refused"
say = "No network, then."
calls = [{ shell = "seq 1 300" }]
[[worker]]
say = '''It counts:

```python
total = 300
```
'''
[[worker]]
when_input_matches = "and then this"
say = "The queued one is done."
"""


def test_a_turn_with_a_denial_a_queued_message_and_the_chat_read_by_keys(terminal, rehearse, repository, monkeypatch):
    model, queued = rehearse(CHAT), Event()
    receive = model.receive
    monkeypatch.setattr(model, "receive", lambda *asked: queued.wait(60) and receive(*asked))
    made = terminal(cwd=repository, OPENAI_BASE_URL=model.url)
    made.wait_until("ready")
    send(made, "look it up")
    made.wait_until("working")
    send(made, "and then this")
    made.wait_until("1 queued")
    queued.set()
    made.wait_until("I look it up.", "waiting for your answer", "y yes, once  r no")
    made.press("r")
    made.wait_until("why not? the model is told")
    made.press("not today" + ENTER)
    made.wait_until("REFUSED by you: not today", "The queued one is done.", gone="1 queued")
    assert "DENIED network: example.com:80" in made.screen
    made.press(TAB)
    made.wait_until("j k choose")
    made.press("o")
    made.wait_until("$ seq 1 300 ─", "│  300 ")
    made.press(ESCAPE)
    made.wait_until("The queued one is done.")
    made.press("c")
    made.wait_until("Copied")
    assert copied(made) == "total = 300"
    made.press("[y")
    made.wait_until("Copied your message")
    assert copied(made) == "and then this"
    made.press("\x0f")
    made.wait_until("▾ $ seq 1 300")
    made.press("\x1b[5~" * 9)
    made.wait_until("Nothing in your files changes", "more rows")
    made.press("G")
    made.wait_until("The queued one is done.", gone="more rows")
    made.press(LEAVE)
    assert made.wait_for_end() == 0


def copied(made) -> str:
    """What the terminal was last told to put on its clipboard."""
    made.wait_for("\x1b]52;c;")
    while "\x07" not in made.shown[made.seen :]:
        made.wait_for("")
    return base64.b64decode(made.shown[made.seen :].partition("\x07")[0]).decode()


CHANGE = """
[[worker]]
shell = "sed -i -E 's/^row (5|25)$/& new/' a.txt b.txt && sed -i -E 's/^row (5|25|26|27|28)$/& new/' c.txt"
[[worker]]
say = "Changed."
[[worker]]
say = "I see."
"""


def test_a_review_with_every_kind_of_decision_in_any_window_is_landed_and_taken_back(walk, repository, tmp_path):
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/new/edited/' \"$1\"\n")
    editor.chmod(0o755)
    before = tree(repository)
    made = walk(CHANGE, "change it", EDITOR=str(editor))
    made.wait_until("6 undecided", "F2 moves here")
    made.be_read()
    made.press(REVIEW)
    made.wait_until("y accept")
    for keys, *shown in (
        ("y", "● 1 accepted  ○ 5"),
        ("n", "● 1 accepted  ✕ 1 rejected  ○ 4"),
        ("u", "● 1 accepted  ○ 5"),
        ("r", "why not? the model is told"),
        ("too loud" + ENTER, "reason: too loud", "✕ 1 rejected"),
        ("e", "edit the new lines"),
        ("my ", "my row 5 new"),
        ("\x13", "+ my row 5 new", "● 2 accepted"),
        ("]c", "a comment for the model"),
        ("fine" + ENTER, "comment: fine"),
        ("E", "+ row 25 edited", "● 3 accepted"),
        ("}", "▌○ undecided  line 5"),
        (" ", "Space marks"),
        ("\x1b[By", "● 4 accepted  ✕ 1 rejected  ○ 2"),
        ("u", "● 3 accepted  ✕ 1 rejected  ○ 2"),
        ("]s", "above which the hunk is split"),
        ("\x1b[B\x1b[Bs", "○ undecided  lines 25–26"),
        ("S", "○ undecided  line 26"),
        ("uu", "○ undecided  lines 25–28"),
        ("a", "● 5 accepted  ✕ 1 rejected"),
        ("A", "● 6 accepted"),
        ("uu", "● 3 accepted  ✕ 1 rejected  ○ 2"),
        ("/", "search: Enter goes"),
        ("ROW 25" + ENTER, " of 6"),
        ("\x0e", " of 6"),
        (ESCAPE, "not verified", "~ of 6"),
        ("o", "⌄"),
        ("o", "⋯ 13 unchanged"),
        ("w", "row·5·new"),
        ("wz|", "- row 5   ", "│  5 + row 5 new"),
        ("|z", "Changed."),
        ("L", "lands 3 hunks in 2 files, 1 rejected"),
        (ENTER, "landed 3 hunks in 2 files"),
    ):
        made.press(keys)
        gone = next((text[1:] for text in shown if text.startswith("~")), "")
        made.wait_until(*(text for text in shown if not text.startswith("~")), gone=gone)
    made.wait_until("○ 2 undecided", "ready")
    made.be_read()
    rows = ROWS.encode()
    edited = rows.replace(b"row 5\n", b"my row 5 new\n").replace(b"row 25\n", b"row 25 edited\n")
    assert tree(repository) == before | {"a.txt": rows.replace(b"row 5\n", b"row 5 new\n"), "b.txt": edited}
    made.resize(5, 20)
    made.resize(40, 120)  # at once, so that the program sees no other size than before
    made.wait_until("○ 2 undecided", "y accept", "verify")
    made.resize(5, 20)
    made.wait_until("What is to be")
    made.resize(40, 120)
    made.wait_until("○ 2 undecided", "y accept", "verify")
    made.press("v")
    made.wait_until("which command shows that it works?")
    made.press("true")
    made.wait_until("│ true")
    made.press(ENTER)
    made.wait_until("true: exit code 0", "y accept", "ready")
    made.press(REVIEW)
    made.wait_until("Enter send")
    send(made, "/undo")
    made.wait_until("taken back")
    assert tree(repository) == before
    made.press(LEAVE)
    assert made.wait_for_end() == 0


TALK = """
[[worker]]
say = "Hello to you."
"""


def test_pages_commands_and_completions_are_reached_by_keys(walk, repository, place, assent):
    made = walk(TALK)
    made.wait_until("ready")
    made.press("see @b")
    made.wait_until("› b.txt")
    made.press(TAB)
    made.wait_until("see @b.txt", gone="› b.txt")
    made.press(ENTER)
    made.wait_until("Hello to you.", "done")
    made.press("?")
    made.wait_until("─ keys ─", "Anywhere")
    made.press(ESCAPE)
    made.wait_until("Hello to you.", gone="Anywhere")
    made.press("/sett")
    made.wait_until("› /settings")
    made.press(ENTER)
    made.wait_until("theme             dark")
    made.press(ENTER)
    made.wait_until("theme             light")
    made.press(ESCAPE)
    made.wait_until("Hello to you.", gone="theme     ")
    assert 'theme = "light"' in (place / "config" / "assent" / "settings.toml").read_text()
    assert "48;2;" in made.shown or "48;5;" in made.shown
    send(made, "!echo mine > new.txt")
    made.wait_until("○ 1 undecided", "new.txt  new", "+ mine", "F2 moves here")
    send(made, "/sessions")
    made.wait_until("Sessions 1", "see @b.txt")
    made.press("r")
    made.wait_until("a name; empty: its first words")
    made.press("greetings")
    made.wait_until(" greetings")
    made.press(ENTER)
    made.wait_until("▌ greetings", "renamed")
    made.press("/")
    made.wait_until("words of the title")
    made.press("giraffe" + ENTER)
    made.wait_until("Sessions 0 of 1", "Nothing")
    made.press(ESCAPE)
    made.wait_until("▌ greetings")
    made.press(LEAVE)
    assert made.wait_for_end() == 0
    made = walk(TALK, "--continue")
    made.wait_until("Hello to you.", "○ 1 undecided")
    made.press(LEAVE)
    assert made.wait_for_end() == 0
    made = walk(TALK)
    made.wait_until("ready")
    send(made, "/sessions")
    made.wait_until("greetings", "holds what has not landed")
    made.press("d")
    made.wait_until("d again deletes the record of greetings")
    made.press("d")
    made.wait_until("deleted", gone="greetings")
    made.press(LEAVE)
    assert made.wait_for_end() == 0
    assert "greetings" not in assent("sessions", cwd=repository).stdout


def test_the_first_run_without_a_key_leads_to_the_demo(terminal, repository, tmp_path):
    (tmp_path / "tmp").mkdir()
    keyless = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", "HOME": str(tmp_path)}
    made = terminal(cwd=repository, TMPDIR=str(tmp_path / "tmp"), **keyless)
    made.wait_until("needs a model to work with", "See the demo")
    made.press(END)
    made.wait_until("▌ See the demo")
    made.press(ENTER)
    made.wait_until("Please repair the failing tests")
    made.press(LEAVE)
    assert made.wait_for_end() == 0
