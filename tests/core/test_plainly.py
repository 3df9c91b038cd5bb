"""The small questions have an answer without any model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent_core.consent.plainly import SUBJECT, TITLE, Triage, commit_message, ranked, stricter, title, triage
from assent_core.diffs.changes import FileChange, take_apart
from assent_sandbox.stage import Change, File


def changed(path: str, before: bytes | None, after: bytes | None) -> FileChange:
    old, new = (None if data is None else File(data) for data in (before, after))
    return take_apart(Change(path=path, before=old, after=new))


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("Fix the rounding of prices.", "Fix the rounding of prices"),
        ("Why does it fail? I ran pytest.", "Why does it fail?"),
        ("  add\n\n a   test ", "add a test"),
        (
            "Please rewrite the whole of the billing so that every single cent is counted twice",
            "Please rewrite the whole of the billing so that every…",
        ),
        ("", "untitled"),
        ("\x1b[31mred", "␛[31mred"),
    ],
)  # fmt: skip
def test_a_title_is_the_first_words_of_the_prompt(prompt: str, found: str):
    assert title(prompt) == found


@given(st.text(max_size=300))
def test_every_prompt_has_a_short_title_of_one_line(prompt: str):
    found = title(prompt)
    assert found
    assert len(found) <= TITLE + 1
    assert "\n" not in found


def test_a_commit_message_names_what_was_changed():
    one = changed("src/a.py", b"1\n", b"2\n")
    assert commit_message([one]) == "Change src/a.py"
    assert commit_message([changed("b.py", None, b"x\n")]) == "Add b.py"
    assert commit_message([changed("b.py", b"x\n", None)]) == "Delete b.py"
    assert (
        commit_message([one, changed("b.py", None, b"x\ny\n")])
        == "Change a.py and b.py\n\n- src/a.py (+1 -1)\n- b.py (+2 -0)"
    )
    assert commit_message([]) == "No changes"


def test_a_commit_message_of_many_files_keeps_a_short_subject():
    files = [changed(f"src/deep/module_with_a_long_name_{n}.py", b"1\n", b"2\n") for n in range(40)]
    subject, empty, *body = commit_message(files).splitlines()
    assert subject == "Change 40 files in src/deep"
    assert len(subject) <= SUBJECT
    assert (empty, len(body)) == ("", 30)


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("What does session.py do?", Triage(kind="question")),
        ("Explain the router", Triage(kind="question")),
        ("Add a flag --json to the list command", Triage(kind="edit")),
        ("The tests fail since yesterday", Triage(kind="debug", several_tools=True)),
        ("Why does it crash? Fix it.", Triage(kind="debug", several_tools=True)),
        ("Can you rename foo to bar and run the tests?", Triage(kind="edit", several_tools=True)),
        ("run the linter", Triage(kind="terminal")),
        ("push it to production", Triage(kind="terminal", high_value=True)),
        ("tidy up", Triage(kind="edit")),
    ],
)
def test_a_prompt_is_read_by_its_words_and_in_doubt_it_is_work_on_the_code(prompt: str, found: Triage):
    assert triage(prompt) == found


def test_no_second_reading_talks_a_risk_away():
    risky = Triage(kind="edit", several_tools=True, high_value=True)
    harmless = Triage(kind="question")
    assert stricter(risky, harmless) == risky
    assert stricter(harmless, risky) == risky
    assert stricter(harmless, Triage(kind="debug")) == Triage(kind="debug")


def test_files_are_ranked_by_the_words_that_they_share_with_the_prompt():
    paths = ["core/session.py", "core/prices.py", "tests/test_prices.py", "docs/index.md", "tui/screenPrices.py"]
    assert ranked("the price of a session is wrong in prices.py", paths)[0] == "core/prices.py"
    assert "docs/index.md" not in ranked("the price of a session", paths)
    assert "tui/screenPrices.py" in ranked("prices on the screen", paths)
    assert ranked("", paths) == ()


@given(st.text(max_size=100), st.lists(st.text(max_size=20), max_size=30))
def test_only_given_paths_are_ranked_each_once(prompt: str, paths: list[str]):
    found = ranked(prompt, paths)
    assert set(found) <= set(paths)
    assert len(set(found)) == len(found)
