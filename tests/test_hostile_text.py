"""Whatever commands, files, names, models and services say, it reaches the terminal as text and as nothing else."""

import base64
import json
import os
import pty
import re
import sys
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from assent_sandbox.output import inert
from assent_tui.cli import main
from rehearsed import git

SPEECH = "".join(
    (
        "\x1b]52;c;SE9TVElMRQ==\x07", "\x1b]0;OWNED\x07", "\x1b]2;OWNED\x1b\\", "\x1b[6n\x1b[c", "\x1bP+q544e\x1b\\",
        "\x1b_OWNED\x1b\\",
        "\x9b5n\x9d0;OWNED\x9c", "\u202eRTL\u2066\u200b\u200d\ufeff", "\x07\x08\x0b\x0c\x7f", "[red]mark[bold]", "\U000e0041",
    )
)  # fmt: skip
"""What a hostile author would say to a terminal; a name of a file can hold all of it."""
NAME = SPEECH + "\nassent: landed: everything"
BYTES = SPEECH.encode() + b"\x9b5n\x9d0;OWNED\x9c\xff\xfe\0"
SHELL = "python3 talk.py"
TALK = f"""import base64, sys
said = base64.b64decode({base64.b64encode(BYTES).decode()!r})
sys.stdout.buffer.write(said + b"x" * (1 << (20 if len(sys.argv) == 1 else 10)) + said + b"\\n")
"""

STYLE = re.compile(r"\x1b\[[0-9;:]*m")
ACTIVE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
STRINGS = re.compile(r"\x1b[\]P_^X]([^\x07\x1b]*)")
ASKED = re.compile(r"\x1b\[[56]n|\x1bZ")


def surely_inert(sent: bytes, *, screen: bool = False) -> str:
    """What was sent to a terminal, if nothing in it is more than text, style and (on the screen) movement."""
    text = sent.decode("utf-8")
    assert "OWNED" not in "".join(STRINGS.findall(text))
    assert not ASKED.search(text)
    if screen:
        assert [each for each in STRINGS.findall(text) if each.startswith(("52", "0;"))] == []
        assert [each for each in ACTIVE.findall(text) if each not in "\x07\x0e\x0f"] == []
    else:
        assert ACTIVE.findall(STYLE.sub("", text)) == []
        assert "\x1b" not in STYLE.sub("", text)
    return text


def lines_of_ours(text: str) -> list[str]:
    return [line for line in text.replace("\r", "").split("\n") if line.startswith("assent: landed")]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    (root / "talk.py").write_text(TALK)
    (root / NAME).write_text(f"{SPEECH}\n")
    git(root, "init", "-q", "-b", "br\u202e\u200bnch")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", SPEECH)
    return root


@pytest.fixture
def shown(surroundings: dict[str, str], repository: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bytes]:
    """Run a command line with a terminal for its output; all bytes that reach it."""

    def run(*words: str, **variables: str) -> bytes:
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (40, 120))
        sent = bytearray()
        reader = threading.Thread(target=_read, args=(master, sent))
        reader.start()
        with monkeypatch.context() as patch:
            for name, value in (surroundings | {"TERM": "xterm-256color"} | variables).items():
                patch.setenv(name, value)
            patch.chdir(repository)
            for name in ("stdout", "stderr"):
                patch.setattr(sys, name, os.fdopen(os.dup(slave), "w", encoding="utf-8"))
            with Path(os.devnull).open() as nothing:
                patch.setattr(sys, "stdin", nothing)
                main(words)
            sys.stdout.close()
            sys.stderr.close()
        os.close(slave)
        reader.join()
        os.close(master)
        return bytes(sent)

    return run


def _read(master: int, sent: bytearray) -> None:
    """Take in what a terminal gets, until nobody writes to it any more."""
    with suppress(OSError):
        while data := os.read(master, 1 << 16):
            sent += data


def quoted(text: str) -> str:
    """A text in TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def asking(command: str) -> str:
    """A command that needs something beyond the walls."""
    needs = f'[{{ kind = "read", target = {quoted("/" + NAME)} }}]'
    return f"{{ command = {quoted(command)}, needs = {needs}, reason = {quoted(SPEECH)} }}"


def added(name: str) -> str:
    return f"*** Begin Patch\n*** Add File: {name}\n+{SPEECH}\n*** End Patch\n"


def test_what_a_command_writes_and_how_its_files_are_named(shown):
    outside = f"cat '/root/{SPEECH}' '/etc/{SPEECH}' >&2; touch '/etc/{SPEECH}'"
    script = f"{SHELL}; {SHELL} short >&2; rm -f ?*OWNED*; touch '{NAME}2'; {outside}"
    text = surely_inert(shown("run", "--", "sh", "-c", script))
    assert text.count(inert("\x1b]52;c;")) >= 4
    assert "D " in text
    assert lines_of_ours(text) == []


AFTERWARDS = (
    ("undo", "--list"), ("undo", "--preview"), ("undo",), ("redo",), ("undo", SPEECH), ("consent",),
    ("consent", "--revoke", SPEECH),
    ("sessions",), ("sessions", "--json"), ("--resume", SPEECH), ("stats",),
    ("stats", "--json"), ("fix", SPEECH, SPEECH), ("run", "--json", "--", "sh", "-c", SHELL),
)  # fmt: skip


def test_what_a_model_says_does_and_lands_and_all_that_is_told_of_it_later(shown, rehearse):
    model = rehearse(
        f"[[worker]]\nsay = {quoted(SPEECH)}\nshell = {quoted(f'echo {SPEECH!r}; {SHELL}; exit 3')}\n"
        f"[[worker]]\nsay = {quoted(NAME)}\npatch = {quoted(added('made-' + SPEECH))}\nread = {quoted(SPEECH)}\n"
        f"[[worker]]\ncall = {{ name = {quoted(SPEECH)}, arguments = {{}} }}\n"
        f"[[worker]]\nshell = {asking(NAME)}\n[[worker]]\nsay = {quoted(SPEECH)}\n"
    )
    key = {"OPENAI_API_KEY": "sk-test-not-a-real-key-0123456789", "OPENAI_BASE_URL": model.url}
    check = "test -e made*"
    words = ("fix", "--apply", "--allow-tests", SPEECH, "--", "sh", "-c", check)
    text = surely_inert(shown(*words, **key))
    assert "landed:" in text
    assert len(lines_of_ours(text)) <= 1
    for words in AFTERWARDS:
        assert surely_inert(shown(*words, **key)), words


def test_a_patch_that_goes_to_the_terminal(shown, rehearse):
    model = rehearse(f'[[worker]]\npatch = {quoted(added("made"))}\n[[worker]]\nsay = "Done."\n')
    key = {"OPENAI_API_KEY": "sk-test-not-a-real-key-0123456789", "OPENAI_BASE_URL": model.url}
    text = surely_inert(shown("fix", "--patch-out", "-", "--", "test", "-e", "made", **key))
    assert "+++ b/made" in text


def test_what_a_service_says_of_its_faults(shown, rehearse):
    body = json.dumps({"error": {"message": SPEECH, "code": SPEECH, "type": SPEECH}})
    model = rehearse(f'[[worker]]\nsay = ""\nfault = {{ status = 400, body = {quoted(body)} }}\n')
    key = {"OPENAI_API_KEY": "sk-test-not-a-real-key-0123456789", "OPENAI_BASE_URL": model.url}
    assert "OWNED" in surely_inert(shown("ask", "why?", **key))


SETTINGS = {
    "a name": f"{quoted(SPEECH)} = 1\n",
    "a value": f"mode = {quoted(SPEECH)}\n",
    "no TOML": f"mode = {SPEECH}",
    "a limit": f"[limits]\n{quoted(SPEECH)} = 2\n",
}


@pytest.mark.parametrize("where", SETTINGS)
def test_what_stands_in_the_settings_of_a_project(shown, repository, where: str):
    (repository / ".assent.toml").write_text(SETTINGS[where])
    assert surely_inert(shown("run", "--", "true"))


def test_a_folder_with_a_hostile_name(surroundings, shown, tmp_path: Path):
    place = tmp_path / NAME
    place.mkdir()
    for words in (("doctor",), ("doctor", "--json"), ("run", "--", "true")):
        assert surely_inert(shown(*words, XDG_STATE_HOME=str(place), XDG_CONFIG_HOME=str(place)))


def test_the_screen_itself(terminal, repository, rehearse):
    model = rehearse(
        f"[[worker]]\nsay = {quoted(NAME)}\nshell = {quoted(f'echo {SPEECH!r}; {SHELL}; exit 3')}\n"
        f"patch = {quoted(added('made-' + SPEECH))}\n"
        f"[[worker]]\nshell = {asking('true ' + NAME)}\n"
        f'[[worker]]\nsay = "All is said."\n[[scout]]\nrepeat = true\njson = {{ title = {quoted(SPEECH)} }}\n'
    )
    screen = terminal(
        "go on", cwd=repository, OPENAI_BASE_URL=model.url, OPENAI_API_KEY="sk-test-not-a-real-key-0123456789"
    )
    sent, decode = bytearray(), screen._decode

    def spied(data: bytes) -> str:
        sent.extend(data)
        return decode(data)

    screen._decode = spied
    screen.wait_until("consent", "yes, once  r no")
    screen.press("n")
    screen.wait_until("All is said.")
    screen.press("\x1bOS")
    screen.press("\x11")
    screen.wait_for_end()
    text = surely_inert(bytes(sent), screen=True)
    assert "␛]0;OWNED" in text
