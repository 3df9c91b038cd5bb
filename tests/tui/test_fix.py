"""`assent fix` as a script uses it: what lands, what is told, and what each exit code means."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from assent_core.events import AnyEvent
from assent_tui.cli import main
from assent_tui.commands import fix as module
from patient import at_last
from rehearsed import CALC, CHECK, FIX, TEST, committed, git, of_worker, tree

REPAIRED = CALC.replace("-", "+")
REPAIR = f"""
[[worker]]
read = "calc.py"
[[worker]]
patch = '''{FIX}'''
shell = "{" ".join(CHECK)}"
[[worker]]
say = "Repaired."
"""
ASKING = """
[[worker]]
shell = { command = "true", needs = [{ kind = "network", target = "" }], reason = "to look it up" }
"""
GIVE_UP = '[[worker]]\nrepeat = true\nsay = "I do not know."\n'
WEAKEN = '''
[[worker]]
patch = """
*** Begin Patch
*** Update File: test_calc.py
@@
-        self.assertEqual(add(2, 2), 4)
+        self.assertEqual(add(2, 2), 0)
*** End Patch
"""
[[worker]]
say = "The test was wrong."
'''


@pytest.fixture
def fix(assent, rehearse, repository):
    """Run `assent fix` on the repository with a scripted model."""

    def run(script: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        model = rehearse(script)
        return assent("fix", *words, cwd=repository, OPENAI_BASE_URL=model.url, **variables)

    return run


def summary(done: subprocess.CompletedProcess[str]) -> dict:
    """The last line of `--json`; all lines before it are events."""
    *lines, last = done.stdout.splitlines()
    for line in lines:
        msgspec.json.decode(line, type=AnyEvent)
    found = json.loads(last)
    assert found["event"] == "summary"
    assert found["code"] == done.returncode
    return found


def test_apply_lands_exactly_the_verified_change_and_leaves_no_other_trace(fix, repository):
    done = fix(REPAIR, "--apply", "--", *CHECK)
    assert done.returncode == 0, done.stderr
    assert tree(repository) == {"calc.py": REPAIRED.encode(), "test_calc.py": TEST.encode()}
    assert git(repository, "status", "--porcelain") == " M calc.py\n"
    assert done.stdout == ""


def test_people_read_what_happened_on_stderr_without_colours_in_a_pipe(fix):
    said = fix(REPAIR, "--apply", "--", *CHECK).stderr
    assert "\x1b" not in said
    for part in (
        "$ python3 -m unittest -q",
        "exit 1",
        "read calc.py",
        "patch calc.py",
        "staged: calc.py (+1 -1)",
        "Repaired.",
        "verified: ",
        "1 failed",
        "landed: calc.py (1 hunk); `assent undo ",
        "cost: $",
    ):
        assert part in said


def test_json_prints_events_and_a_summary_and_nothing_else(fix, repository):
    done = fix(REPAIR, "--apply", "--json", "--", *CHECK)
    found = summary(done)
    assert found["outcome"] == "landed"
    assert found["landed"] == ["calc.py"]
    assert found["landing"]
    assert found["verification"]["code"] == 0
    assert [(one["path"], one["how"], one["added"], one["removed"]) for one in found["changes"]] == [
        ("calc.py", "changed", 1, 1)
    ]
    assert found["cost"]["worker"]["requests"] == 3
    assert found["usd"] > 0
    assert found["denials"] == []


def test_a_command_that_passes_costs_nothing(assent, rehearse, repository):
    model = rehearse("")
    before = tree(repository)
    done = assent("fix", "--apply", "--", "true", cwd=repository, OPENAI_BASE_URL=model.url)
    assert done.returncode == 0
    assert "Nothing had to be changed" in done.stderr
    assert model.requests == []
    assert tree(repository) == before


def test_a_fix_that_failed_leaves_nothing(fix, repository, place):
    before = tree(repository)
    done = fix(GIVE_UP, "--apply", "--json", "--", *CHECK)
    assert done.returncode == 1
    assert summary(done)["outcome"] == "failed"
    assert "still fails" in done.stderr
    assert tree(repository) == before
    assert not list(place.rglob("upper"))


def test_a_change_of_a_test_lands_only_when_it_is_allowed(fix, repository):
    before = tree(repository)
    done = fix(WEAKEN, "--apply", "--", *CHECK)
    assert done.returncode == 3
    assert "test_calc.py (test)" in done.stderr
    assert "--allow-tests" in done.stderr
    assert tree(repository) == before
    assert fix(WEAKEN, "--apply", "--allow-tests", "--", *CHECK).returncode == 0
    assert b"add(2, 2), 0)" in tree(repository)["test_calc.py"]


def test_patch_out_writes_what_git_can_apply_and_touches_nothing(fix, repository, tmp_path):
    before = tree(repository)
    done = fix(REPAIR, "--patch-out", str(tmp_path / "out.diff"), "--", *CHECK)
    assert done.returncode == 0
    assert tree(repository) == before
    git(repository, "apply", str(tmp_path / "out.diff"))
    assert (repository / "calc.py").read_text() == REPAIRED


def test_patch_out_to_stdout_keeps_talk_out_of_the_patch(fix, repository, tmp_path):
    done = fix(REPAIR, "--patch-out", "-", "--", *CHECK)
    assert done.stdout.startswith("diff --git a/calc.py b/calc.py\n")
    (tmp_path / "out.diff").write_text(done.stdout)
    git(repository, "apply", str(tmp_path / "out.diff"))
    assert (repository / "calc.py").read_text() == REPAIRED


def test_a_prompt_without_a_command_lands_only_as_unverified(fix, repository):
    script = f'[[worker]]\npatch = """{FIX}"""\n[[worker]]\nsay = "Done."\n'
    assert fix(script, "--apply", "make add add").returncode == 2
    done = fix(script, "--apply", "--unverified", "make add add")
    assert done.returncode == 0, done.stderr
    assert (repository / "calc.py").read_text() == REPAIRED


def test_a_denial_is_told_to_people_and_programs(fix):
    script = '[[worker]]\nshell = "echo x >>$HOME/.bashrc || cat /etc/shadow/x; touch /usr/assent-was-here"\n' + REPAIR
    done = fix(script, "--apply", "--json", "--", *CHECK)
    found = summary(done)
    assert done.returncode == 0, done.stderr
    assert found["denials"]
    assert not Path("/usr/assent-was-here").exists()


def test_without_anybody_to_ask_a_widening_is_refused_and_told(fix):
    found = summary(fix(ASKING + REPAIR, "--apply", "--json", "--", *CHECK))
    assert [one["by"] for one in found["refusals"]] == ["nobody"]


def test_the_limit_of_turns_exits_4(fix, repository):
    done = fix(REPAIR, "--apply", "--max-turns", "1", "--json", "--", *CHECK)
    assert (done.returncode, summary(done)["outcome"]) == (4, "budget")
    assert (repository / "calc.py").read_text() == CALC


def test_the_budget_exits_4(fix, repository):
    done = fix(REPAIR, "--apply", "--max-cost", "0.000001", "--json", "--", *CHECK)
    assert (done.returncode, summary(done)["outcome"]) == (4, "budget")
    assert (repository / "calc.py").read_text() == CALC


def test_a_budget_of_five_cents_exits_4_before_the_request_that_would_pass_it(assent, rehearse, repository):
    cents = 'model = "gpt-5.4-nano"\nusage = { input = 125_000 }\n'
    look = f'[[worker]]\n{cents}read = "calc.py"\n'
    model = rehearse(look * 2 + REPAIR)
    done = assent(
        *("fix", "--apply", "--max-cost", "0.05", "--json", "--", *CHECK),
        cwd=repository,
        OPENAI_BASE_URL=model.url,
    )
    found = summary(done)
    assert (done.returncode, found["outcome"]) == (4, "budget")
    assert found["cost"]["worker"]["usd"] == pytest.approx(0.05)
    assert found["cost"]["worker"]["requests"] == len(of_worker(model)) == 2
    assert (repository / "calc.py").read_text() == CALC


def test_a_command_that_is_not_there_exits_5_before_any_request(assent, rehearse, repository):
    model = rehearse("")
    done = assent("fix", "--apply", "--", "no-such-tool", cwd=repository, OPENAI_BASE_URL=model.url)
    assert done.returncode == 5
    assert "no-such-tool" in done.stderr
    assert model.requests == []


def test_a_command_that_is_hidden_exits_5_before_any_request_and_says_how_it_is_shown(
    assent, rehearse, repository, tmp_path
):
    program = tmp_path / "home/tool"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    model = rehearse("")
    done = assent(
        "fix", "--apply", "--", str(program), cwd=repository, HOME=str(program.parent), OPENAI_BASE_URL=model.url
    )
    assert done.returncode == 5, done.stderr
    assert f"assent: A program is there, but hidden from commands: {program}" in done.stderr
    assert f"add {program} to `readable` in your settings" in done.stderr
    assert model.requests == []


def test_a_service_that_cannot_be_reached_exits_6(assent, repository):
    before = tree(repository)
    script = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    done = assent("fix", "--apply", "--json", "--", *CHECK, cwd=repository, **script)
    assert (done.returncode, summary(done)["outcome"]) == (6, "service")
    assert "hint: " in done.stderr
    assert tree(repository) == before


KEYLESS = {
    "OPENAI_BASE_URL": "https://models.invalid/v1",
    "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
}


@pytest.mark.parametrize("command", [CHECK, ("true",)], ids=["that fails", "that would pass"])
def test_a_missing_key_exits_6_with_a_hint_before_the_command_runs(assent, repository, place, command):
    done = assent("fix", "--apply", "--json", "--", *command, cwd=repository, **KEYLESS)
    assert (done.returncode, summary(done)["outcome"]) == (6, "service")
    assert "There is no API key for models.invalid" in done.stderr
    assert "assent key" in done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert not list(place.rglob("stages/*/*"))


def test_without_a_key_the_review_is_not_opened_and_the_command_is_not_run(terminal, repository):
    shown = terminal("fix", "--", "sh", "-c", "echo it ran; exit 1", cwd=repository, **KEYLESS)
    shown.wait_for("There is no API key for models.invalid")
    assert shown.wait_for_end() == 6
    assert "it ran" not in shown.shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_with_130_and_an_untouched_tree(rehearse, repository, surroundings, number):
    model = rehearse(f'[[worker]]\npatch = """{FIX}"""\n[[worker]]\nlatency = 60\nsay = "late"\n')
    before = tree(repository)
    argv = [Path(sys.executable).with_name("assent"), "fix", "--apply", "--json", "--", *CHECK]
    environment = surroundings | {"OPENAI_BASE_URL": model.url}
    with subprocess.Popen(
        argv, cwd=repository, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        at_last(lambda: len(of_worker(model)) == 2)
        run.send_signal(number)
        out, err = run.communicate(timeout=60)
    found = summary(subprocess.CompletedProcess(argv, run.returncode, out, err))
    assert (run.returncode, found["outcome"]) == (130, "interrupted")
    assert "Traceback" not in err
    assert tree(repository) == before


def test_hostile_text_cannot_steer_the_terminal_of_the_reader(fix):
    script = '[[worker]]\nsay = "\\u001b]0;owned\\u0007\\u001b[2J\\u202Egood"\n' + GIVE_UP
    said = fix(script, "--apply", "--", *CHECK).stderr
    assert "owned" in said
    assert not set("\x1b\x07\u202e") & set(said)


def test_a_fault_of_assent_itself_still_ends_in_a_summary(monkeypatch, capsys, repository, tmp_path):
    async def broken(*_: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(module, "open_session", broken)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(repository)
    assert main(["fix", "--apply", "--json", "--", "true"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["outcome"] == "fault"
    assert "Traceback" not in said.err
    assert list((tmp_path / "state").rglob("crash-*.txt"))


def plain(base: Path) -> Path:
    return planted(base / "plain")


def linked_worktree(base: Path) -> Path:
    root = committed(planted(base / "main"))
    git(root, "worktree", "add", "-q", str(base / "linked"))
    return base / "linked"


def submodule(base: Path) -> Path:
    inner, outer = committed(planted(base / "library")), committed(planted(base / "outer"))
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "inner")
    return outer / "inner"


def unborn(base: Path) -> Path:
    root = planted(base / "unborn")
    git(root, "init", "-q")
    return root


def odd_name(base: Path) -> Path:
    return committed(planted(base / "a b'\u00e9\u202e$(touch x);"))


def subfolder(base: Path) -> Path:
    root = base / "whole"
    folder = planted(root / "part")
    committed(root)
    return folder


def planted(root: Path) -> Path:
    root.mkdir(parents=True)
    (root / "calc.py").write_text(CALC)
    (root / "test_calc.py").write_text(TEST)
    return root


@pytest.mark.parametrize("make", [plain, linked_worktree, submodule, unborn, odd_name, subfolder])
def test_it_repairs_wherever_people_keep_their_code(assent, rehearse, tmp_path, make):
    root = make(tmp_path)
    script = REPAIR.replace("calc.py", "part/calc.py") if make is subfolder else REPAIR
    model = rehearse(script)
    done = assent("fix", "--apply", "--", *CHECK, cwd=root, OPENAI_BASE_URL=model.url)
    assert done.returncode == 0, done.stderr
    assert (root / "calc.py").read_text() == REPAIRED
    assert {path.name for path in root.iterdir()} - {".git"} == {"calc.py", "test_calc.py"}


def test_a_repository_that_is_the_home_folder_works(assent, rehearse, repository):
    model = rehearse(REPAIR)
    done = assent("fix", "--apply", "--", *CHECK, cwd=repository, OPENAI_BASE_URL=model.url, HOME=str(repository))
    assert done.returncode == 0, done.stderr
    assert tree(repository) == {"calc.py": REPAIRED.encode(), "test_calc.py": TEST.encode()}


def test_line_endings_stay_as_they_were(fix, repository):
    (repository / "calc.py").write_bytes(CALC.replace("\n", "\r\n").encode())
    assert fix(REPAIR, "--apply", "--", *CHECK).returncode == 0
    assert (repository / "calc.py").read_bytes() == REPAIRED.replace("\n", "\r\n").encode()


def test_caches_that_nobody_ignores_do_not_land(fix, repository):
    command = ("sh", "-c", "mkdir -p .pytest_cache && echo x >.pytest_cache/y && " + " ".join(CHECK))
    done = fix(REPAIR, "--apply", "--json", "--", *command)
    assert done.returncode == 0, done.stderr
    assert summary(done)["landed"] == ["calc.py"]
    assert set(tree(repository)) == {"calc.py", "test_calc.py"}


def test_a_killed_fix_leaves_the_tree_untouched_and_the_next_one_works(fix, rehearse, repository, surroundings):
    model = rehearse(f"[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nlatency = 60\nsay = 'late'\n")
    before = tree(repository)
    argv = [Path(sys.executable).with_name("assent"), "fix", "--apply", "--", *CHECK]
    with subprocess.Popen(argv, cwd=repository, env=surroundings | {"OPENAI_BASE_URL": model.url}, stderr=-3) as run:
        at_last(lambda: len(of_worker(model)) == 2)
        run.kill()
    assert tree(repository) == before
    assert fix(REPAIR, "--apply", "--", *CHECK).returncode == 0
    assert (repository / "calc.py").read_text() == REPAIRED


ENTERED = "\x1b[?1049h"
"""What a terminal is told when an interface opens."""


def test_in_a_terminal_it_ends_in_the_review_and_lands_what_is_accepted(installed_terminal, rehearse, repository):
    (repository / ".gitignore").write_text("__pycache__\n")
    model = rehearse(REPAIR)
    shown = installed_terminal("fix", "--", *CHECK, cwd=repository, OPENAI_BASE_URL=model.url)
    shown.wait_for("verified")
    assert (repository / "calc.py").read_text() == CALC
    shown.wait_for(ENTERED)
    shown.wait_until("calc.py", "F2 moves here")
    shown.be_read()
    shown.press("\x12")
    shown.wait_until("y accept")
    shown.press("y")
    shown.wait_until("● 1 accepted")
    shown.press("L")
    shown.wait_until("lands 1 hunk in 1 file, verified by")
    shown.press("\r")
    shown.wait_until("landed 1 hunk")
    assert (repository / "calc.py").read_text() == REPAIRED
    shown.press("\x11")
    assert shown.wait_for_end() == 0


def test_a_review_in_which_nothing_is_accepted_exits_3_and_lands_nothing(terminal, rehearse, repository):
    model = rehearse(REPAIR)
    shown = terminal("fix", "--", *CHECK, cwd=repository, OPENAI_BASE_URL=model.url)
    shown.wait_for(ENTERED)
    shown.wait_until("calc.py", "F2 moves here")
    shown.press("\x11")
    assert shown.wait_for_end() == 3
    assert (repository / "calc.py").read_text() == CALC


def test_nothing_to_fix_opens_no_review(terminal, rehearse, repository):
    model = rehearse("")
    shown = terminal("fix", "--", "true", cwd=repository, OPENAI_BASE_URL=model.url)
    assert shown.wait_for_end() == 0
    assert ENTERED not in shown.shown


@pytest.mark.parametrize(
    ("typed", "told"), [("n not now\n", "not now"), ("\n", "refused"), ("maybe\n", "refused"), ("\x04", "refused")]
)
def test_a_question_is_asked_in_the_terminal_and_anything_but_a_yes_is_a_no(
    terminal, rehearse, repository, typed, told
):
    model = rehearse(ASKING + GIVE_UP)
    shown = terminal("fix", "--apply", "--max-turns", "2", "--", *CHECK, cwd=repository, OPENAI_BASE_URL=model.url)
    shown.wait_for("consent is needed")
    shown.wait_for("to look it up")
    shown.wait_for("as the reason")
    shown.press(typed)
    shown.wait_for("refused by you")
    assert shown.wait_for_end() == 4
    assert told in shown.shown
    outputs = [
        item for request in model.requests for item in request["input"] if item.get("type") == "function_call_output"
    ]
    assert told in str(outputs)


def test_a_yes_in_the_terminal_opens_exactly_what_was_asked(terminal, rehearse, repository):
    (repository / ".gitignore").write_text("__pycache__\n")
    model = rehearse(ASKING + REPAIR)
    shown = terminal("fix", "--apply", "--", *CHECK, cwd=repository, OPENAI_BASE_URL=model.url)
    shown.wait_for("as the reason")
    shown.press("y\n")
    assert shown.wait_for_end() == 0
    assert "refused" not in shown.shown


BROKEN = f"""
[[worker]]
patch = '''{FIX}'''
[[worker]]
repeat = true
fault = {{ status = 400, code = "unsupported_parameter", body = "Unknown parameter" }}
"""


@pytest.mark.parametrize(
    ("script", "words", "code"),
    [(BROKEN, (), 6), (BROKEN, ("--max-turns", "1"), 4), (WEAKEN, (), 3)],
    ids=["service", "limit", "protected"],
)
def test_what_was_staged_when_it_was_broken_off_or_may_not_land_is_kept(fix, assent, repository, script, words, code):
    done = fix(script, "--apply", *words, "--", *CHECK)
    assert done.returncode == code, done.stderr
    (session,) = (json.loads(line) for line in assent("sessions", "--json", cwd=repository).stdout.splitlines())
    assert session["staged"]
    assert done.stderr.endswith(f"What is staged and has not landed is kept: assent --resume {session['id']}\n")


def test_a_fix_that_did_not_help_leaves_nothing(fix, assent, repository):
    done = fix(
        WEAKEN.replace("test_calc.py", "calc.py")
        .replace("        self.assertEqual(add(2, 2), 4)", "    return left - right")
        .replace("        self.assertEqual(add(2, 2), 0)", "    return left"),
        "--apply",
        "--",
        *CHECK,
    )
    assert done.returncode == 1, done.stderr
    assert '"staged":false' in assent("sessions", "--json", cwd=repository).stdout
    assert "--resume" not in done.stderr
