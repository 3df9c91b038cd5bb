"""Sessions from the command line, as the installed command takes them on a real terminal."""

import json

import pytest

from rehearsed import committed, of_worker

SCRIPT = """
[[worker]]
patch = '''
*** Begin Patch
*** Update File: a.txt
@@
-one
+two
*** End Patch
'''
[[worker]]
say = "Changed as you wished."
[[worker]]
say = "And gone on with."
"""
KEYLESS = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    root.mkdir()
    (root / "a.txt").write_text("one\n")
    return committed(root)


def test_a_session_is_left_listed_and_gone_on_with(terminal, assent, rehearse, repository):
    service = rehearse(SCRIPT)
    server = {"OPENAI_BASE_URL": service.url}
    first = terminal("change it", cwd=repository, **server)
    first.wait_for("as you wished")
    first.wait_for("accept")
    first.press("\x11")
    assert first.wait_for_end() == 0
    assert (repository / "a.txt").read_text() == "one\n"
    assert "What is staged and has not landed is kept: assent --resume 2" in first.shown

    listed = assent("sessions", cwd=repository)
    assert listed.returncode == 0
    assert "change it" in listed.stdout
    assert "changes not landed" in listed.stdout
    (line,) = assent("sessions", "--json", cwd=repository).stdout.splitlines()
    told = json.loads(line)
    assert (told["title"], told["prompts"], told["staged"], told["open"]) == ("change it", 1, True, False)
    assert assent("sessions", "--search", "giraffe", cwd=repository).stdout == "No session matches.\n"

    again = terminal("--continue", cwd=repository, **server)
    again.wait_for_all("as you wished", "undecided")
    assert json.loads(assent("sessions", "--json", cwd=repository).stdout)["open"]
    busy = terminal("--resume", told["id"], cwd=repository, **server)
    busy.wait_for("open in another assent")
    assert busy.wait_for_end() == 2
    again.wait_for("accept")
    again.press("\x12")
    again.wait_for("quit")
    again.press("and now")
    again.wait_for("now")
    again.press("\r")
    again.wait_for("gone on with")
    again.press("\x11")
    assert again.wait_for_end() == 0
    before, after = of_worker(service)[-2:]
    assert after["input"][: len(before["input"])] == before["input"]
    assert after["prompt_cache_key"] == before["prompt_cache_key"] == told["id"]


def test_a_session_is_chosen_from_a_list_and_from_within_another(terminal, rehearse, repository):
    service = rehearse(SCRIPT)
    server = {"OPENAI_BASE_URL": service.url}
    first = terminal("change it", cwd=repository, **server)
    first.wait_for("as you wished")
    first.press("\x11")
    assert first.wait_for_end() == 0
    chosen = terminal("--resume", cwd=repository, **server)
    chosen.wait_for("change it")
    chosen.press("\r")
    chosen.wait_for("as you wished")
    chosen.press("\x11")
    assert chosen.wait_for_end() == 0
    other = terminal(cwd=repository, **server)
    other.wait_for("Nothing in your files")
    other.wait_for("ready")
    other.press("/sessions")
    other.wait_for("earlier sessions")
    other.press("\r")
    other.wait_for("change it")
    other.press("\r")
    other.wait_for("as you wished")
    other.press("\x11")
    assert other.wait_for_end() == 0


def test_without_a_key_the_first_run_offers_what_there_is(terminal, repository, tmp_path):
    first = terminal(cwd=repository, HOME=str(tmp_path), **KEYLESS)
    first.wait_for("needs a model to work with")
    first.wait_for("See the demo")
    first.press("\x1b")
    assert first.wait_for_end() == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--continue", "more"), "takes no more words"),
        (("--resume", "a", "b"), "takes no more words"),
        (("--continue", "--", "x"), "takes no more words"),
        (("--continue",), "needs a terminal"),
        (("--resume", "x"), "needs a terminal"),
    ],
)
def test_words_that_cannot_be_understood_are_usage_errors(assent, repository, words, said):
    done = assent(*words, cwd=repository)
    assert done.returncode == 2
    assert said in done.stderr
    assert "hint: " in done.stderr


def test_what_cannot_be_gone_on_with_is_said(terminal, repository):
    for words, said in ((("--continue",), "no session to go on with"), (("--resume", "x"), "no session 'x'")):
        made = terminal(*words, cwd=repository)
        made.wait_for(said)
        assert made.wait_for_end() == 2


@pytest.mark.parametrize("term", ["xterm", "screen", "vt100"])
def test_a_poor_terminal_shows_the_same_words(terminal, rehearse, repository, term):
    service = rehearse(SCRIPT)
    made = terminal("change it", cwd=repository, OPENAI_BASE_URL=service.url, TERM=term, COLORTERM="")
    made.wait_for("as you wished")
    made.wait_for("undecided")
    assert "38;2;" not in made.shown
    assert "38;5;" not in made.shown
    made.press("\x11")
    assert made.wait_for_end() == 0
