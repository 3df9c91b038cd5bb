"""`assent ask`: an answer on stdout, talk on stderr, nothing changed; and how quiet the one-shot commands can be."""

import json

import pytest

from rehearsed import CALC, CHECK, FIX, tree

SCRIPT = """
[[worker]]
say = "I look at it."
read = "calc.py"
[[worker]]
when_input_matches = "left - right"
say = "It subtracts:\\ncalc.py:2 \\u001b[31mred"
"""


@pytest.fixture
def ask(assent, rehearse, repository):
    def run(script: str, *words: str, **more: str):
        return assent("ask", *words, cwd=repository, OPENAI_BASE_URL=rehearse(script).url, **more)

    return run


def test_the_answer_alone_is_on_stdout_and_nothing_is_changed(ask, repository):
    before = tree(repository)
    done = ask(SCRIPT, "What does add do?", TERM="xterm-256color")
    assert (done.returncode, "\x1b" in done.stdout + done.stderr) == (0, False)
    assert done.stdout.startswith("It subtracts:\ncalc.py:2 ")
    assert "I look at it." in done.stderr
    assert "It subtracts" not in done.stderr
    assert "cost: " in done.stderr
    assert tree(repository) == before


def test_a_question_can_come_from_stdin_and_quietly(ask):
    done = ask(SCRIPT, "--quiet", "-", input="What does add do?\n")
    assert (done.returncode, done.stdout.splitlines()[0], done.stderr) == (0, "It subtracts:", "")


def test_edits_and_commands_are_refused_and_told_and_the_question_is_answered(ask, repository):
    script = f"""
    [[worker]]
    patch = '''{FIX}'''
    shell = "touch made"
    [[worker]]
    when_input_matches = "read-only"
    say = "I may not."
    """
    before = tree(repository)
    done = ask(script, "--json", "Repair it!")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, lines[-1]["event"], lines[-1]["outcome"]) == (0, "summary", "answered")
    assert lines[-1]["answer"] == "I may not."
    assert ["read-only" in refusal["why"] for refusal in lines[-1]["refusals"]] == [True]
    assert lines[-1]["changes"] == []
    assert "refused by a rule: " in ask(script, "--quiet", "Repair it!").stderr
    assert tree(repository) == before


def test_a_question_ends_with_the_codes_of_the_table(ask, assent, repository):
    assert ask("[[worker]]\nfault = { status = 401 }\n", "Why?").returncode == 6
    endless = "[[worker]]\nrepeat = true\nread = 'calc.py'\n"
    assert ask(endless, "--max-turns", "2", "Why?").returncode == 4
    for words in ((), (" ",), ("two", "words"), ("x", "--", "y")):
        done = assent("ask", *words, cwd=repository)
        assert (done.returncode, done.stdout, "hint: " in done.stderr) == (2, "", True), words


def test_a_quiet_fix_says_nothing_when_all_is_well_and_what_failed_when_not(assent, rehearse, repository):
    url = rehearse(f"[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nsay = 'Repaired.'\n").url
    done = assent("fix", "--apply", "--quiet", "--", *CHECK, cwd=repository, OPENAI_BASE_URL=url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (repository / "calc.py").write_text(CALC)
    url = rehearse("[[worker]]\nfault = { status = 401 }\n").url
    done = assent("fix", "--apply", "--quiet", "--", *CHECK, cwd=repository, OPENAI_BASE_URL=url)
    assert (done.returncode, [line.split(":")[0] for line in done.stderr.splitlines()]) == (6, ["assent", "hint"])


def test_a_quiet_run_passes_output_through_and_tells_only_denials(assent, repository):
    done = assent("run", "--quiet", "--", "sh", "-c", "echo out; echo x > made; exit 3", cwd=repository)
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "")
