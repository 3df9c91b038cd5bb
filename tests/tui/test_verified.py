"""What `assent fix` calls verified: the command passed on exactly what lands, and says nothing against it itself."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rehearsed import CHECK, FIX, committed, git, tree

Done = subprocess.CompletedProcess[str]
Fixing = Callable[..., Done]
ALL_DONE = '[[worker]]\nrepeat = true\nsay = "It is repaired."\n'


def doing(command: str) -> str:
    """A worker that runs a command, says that it is done, and does no more however often it is sent back."""
    return f"[[worker]]\nshell = '''{command}'''\n{ALL_DONE}"


def repository_of(root: Path, **files: str) -> Path:
    """A repository with these files, committed; a double underscore stands for a dot at the beginning."""
    root.mkdir()
    for name, text in files.items():
        path = root / name.replace("__", ".", 1).replace("_sh", ".sh").replace("_txt", ".txt")
        path.write_text(text)
    return committed(root)


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    """A repository whose check reads an ignored file."""
    root = repository_of(
        tmp_path / "configured",
        __gitignore="*.local\ndist/\n",
        check_sh='test "$(cat limit.local)" = 2\n',
        notes_txt="Notes.\n",
    )
    (root / "limit.local").write_text("1\n")
    return root


@pytest.fixture
def fix(assent, rehearse) -> Fixing:
    def run(root: Path, script: str, *words: str, **variables: str) -> Done:
        return assent("fix", *words, cwd=root, OPENAI_BASE_URL=rehearse(script).url, **variables)

    return run


def summary(done: Done) -> dict:
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("options", [("--apply",), ("--patch-out", "out.diff"), ("--apply", "--attempts", "2")])
def test_a_check_that_passes_by_an_ignored_file_alone_repairs_nothing(
    fix: Fixing, configured: Path, options: tuple[str, ...]
):
    before = tree(configured)
    done = fix(configured, doing("echo 2 >limit.local; echo More. >>notes.txt"), *options, "--", "sh", "check.sh")
    assert done.returncode == 1, done.stderr
    assert "Left out, since it does not land: limit.local" in done.stderr
    assert "  verified: " not in done.stderr
    assert tree(configured) == before


def test_a_check_that_passes_by_what_its_own_first_run_left_repairs_nothing(fix: Fixing, tmp_path: Path):
    root = repository_of(
        tmp_path / "cached", __gitignore="*.local\n", check_sh="test -e ran.local || { touch ran.local; exit 1; }\n"
    )
    before = tree(root)
    done = fix(root, doing("echo nonsense >nonsense.txt"), "--apply", "--", "sh", "check.sh")
    assert done.returncode == 1, done.stderr
    assert tree(root) == before


def test_a_stale_build_in_the_users_own_tree_is_no_proof(fix: Fixing, tmp_path: Path):
    root = repository_of(tmp_path / "stale", __gitignore="dist/\n", check_sh='test "$(cat dist/app)" = 2\n')
    (root / "dist").mkdir()
    (root / "dist/app").write_text("2\n")
    done = fix(root, ALL_DONE, "--apply", "--json", "--", "sh", "check.sh")
    found = summary(done)
    assert (done.returncode, found["outcome"], found["verification"]) == (1, "failed", None)
    assert found["doubted"]["aside"] == ["dist/"]
    assert "passes only beside what builds and checks have left in your tree" in found["message"]


def test_a_repair_that_only_a_stale_build_lets_pass_lands_when_that_is_asked_for(fix: Fixing, tmp_path: Path):
    root = repository_of(
        tmp_path / "stale", __gitignore="dist/\n", check_sh="test -e dist/app && grep -q More notes.txt\n", notes_txt=""
    )
    (root / "dist").mkdir()
    (root / "dist/app").write_text("1\n")
    words = ("--", "sh", "check.sh")
    refused = fix(root, doing("echo More >>notes.txt"), "--apply", *words)
    assert refused.returncode == 1, refused.stderr
    assert "--apply --unverified lands it all the same" in refused.stderr
    assert (root / "notes.txt").read_text() == ""
    assert fix(root, doing("echo More >>notes.txt"), "--apply", "--unverified", *words).returncode == 0
    assert (root / "notes.txt").read_text() == "More\n"


def test_a_build_that_the_user_left_and_that_fails_in_his_tree_is_not_fixed_by_hiding_it(fix: Fixing, tmp_path: Path):
    check = 'test -e dist/app || { mkdir -p dist; echo 2 >dist/app; }\ntest "$(cat dist/app)" = 2\n'
    root = repository_of(tmp_path / "stale", __gitignore="dist/\n", check_sh=check)
    (root / "dist").mkdir()
    (root / "dist/app").write_text("1\n")
    assert fix(root, doing("rm -r dist; echo x >notes.txt"), "--apply", "--", "sh", "check.sh").returncode == 1


def test_what_is_needed_to_run_is_there_and_named(fix: Fixing, tmp_path: Path):
    root = repository_of(
        tmp_path / "needing",
        __gitignore="node_modules/\n*.local\n",
        check_sh="sh node_modules/two/main.sh && grep -q More notes.txt\n",
        notes_txt="",
    )
    (root / "node_modules/two").mkdir(parents=True)
    (root / "node_modules/two/main.sh").write_text("exit 0\n")
    done = fix(root, doing("echo More >>notes.txt; echo x >scratch.local"), "--apply", "--json", "--", "sh", "check.sh")
    assert done.returncode == 0, done.stderr
    assert summary(done)["verification"]["relies"] == ["node_modules/"]
    assert "Left out, since git ignores it: scratch.local." in summary(done)["message"]


def test_a_task_that_changed_only_ignored_files_says_so(fix: Fixing, configured: Path):
    done = fix(configured, doing("echo 2 >limit.local"), "--apply", "--unverified", "set the limit to 2")
    assert done.returncode == 1
    assert "the worker changed only ignored files: limit.local" in done.stderr
    assert "Nothing had to be changed" not in done.stderr


def test_a_task_whose_only_patch_did_not_fit_is_not_fixed(fix: Fixing, repository: Path):
    patch = FIX.replace("left - right", "left % right")
    done = fix(repository, f"[[worker]]\npatch = '''{patch}'''\n{ALL_DONE}", "--apply", "--unverified", "mend it")
    assert done.returncode == 1
    assert "Not fixed: no patch of the worker was made" in done.stderr


def test_a_file_that_the_worker_lets_git_ignore_does_not_land(fix: Fixing, tmp_path: Path):
    root = repository_of(tmp_path / "rules", __gitignore="", check_sh="test -e answer\n")
    before = tree(root)
    done = fix(root, doing("echo answer >.gitignore; touch answer"), "--apply", "--", "sh", "check.sh")
    assert done.returncode == 1, done.stderr
    assert tree(root) == before


def test_a_file_that_the_worker_takes_from_what_is_ignored_lands(fix: Fixing, tmp_path: Path):
    root = repository_of(tmp_path / "rules", __gitignore="answer\n", check_sh="test -e answer\n")
    done = fix(root, doing("echo >.gitignore; echo 2 >answer"), "--apply", "--", "sh", "check.sh")
    assert done.returncode == 0, done.stderr
    assert (root / "answer").read_text() == "2\n"


PIPED = ("sh", "-c", "python3 -m unittest 2>&1 | tail -5")


def test_the_exit_code_0_beside_reported_failures_verifies_nothing_and_the_worker_goes_on(
    fix: Fixing, repository: Path
):
    script = f"[[worker]]\nsay = 'It passes.'\n[[worker]]\npatch = '''{FIX}'''\n{ALL_DONE}"
    done = fix(repository, script, "--apply", "--", *PIPED)
    assert done.returncode == 0, done.stderr
    assert "passed, not verified: " in done.stderr
    assert "output reports failures (unittest: FAILED (failures=1))" in done.stderr
    assert "left + right" in (repository / "calc.py").read_text()


def test_reported_failures_to_the_end_are_their_own_outcome_with_the_hint(fix: Fixing, repository: Path):
    before = tree(repository)
    done = fix(repository, ALL_DONE, "--apply", "--json", "--", *PIPED)
    found = summary(done)
    assert (done.returncode, found["outcome"], found["verification"]) == (1, "failed", None)
    assert "nothing is verified" in found["message"]
    assert "set -o pipefail" in found["hint"]
    assert tree(repository) == before


@pytest.mark.parametrize(
    ("check", "why"),
    [("import unittest; raise unittest.SkipTest()", "no test ran"), ("import os; os._exit(0)", "")],
    ids=["all skipped", "nothing said"],
)
def test_tests_that_did_not_run_verify_nothing(fix: Fixing, repository: Path, check: str, why: str):
    done = fix(repository, doing(f'echo "{check}" >calc.py'), "--apply", "--", "python3", "-m", "unittest")
    assert done.returncode == 1, done.stderr
    assert (why or "it tells no result, as it did at first (unittest: 1 failed, 0 passed)") in done.stderr


def test_new_files_that_only_the_command_wrote_are_left_out_and_named(fix: Fixing, repository: Path):
    leaving = "echo x >test.log; echo x >junit.xml; mkfifo queue; truncate -s 40M core.dump; python3 -m unittest -q"
    script = f"[[worker]]\npatch = '''{FIX}'''\n{ALL_DONE}"
    done = fix(repository, script, "--apply", "--json", "--", "sh", "-c", leaving)
    assert done.returncode == 0, done.stderr
    found = summary(done)
    assert found["landed"] == ["calc.py"]
    assert {one["path"] for one in found["changes"] if "by-product" in one["marks"]} == {
        "test.log",
        "junit.xml",
        "queue",
        "core.dump",
    }
    assert "Left out as by-products of checks: core.dump, junit.xml, queue, test.log." in found["message"]
    assert set(tree(repository)) == {"calc.py", "test_calc.py"}
    assert "--resume" not in done.stderr


@pytest.mark.parametrize(
    ("making", "why"),
    [("mkfifo odd", "odd cannot be landed: a pipe"), ("truncate -s 40M odd", "a large file of 40 MiB")],
)
def test_what_cannot_be_written_is_refused_with_its_reason_where_the_worker_made_it(
    fix: Fixing, repository: Path, making: str, why: str
):
    done = fix(repository, doing(f"{making}; sed -i s/-/+/ calc.py"), "--apply", "--", *CHECK)
    assert done.returncode == 1, done.stderr
    assert why in done.stderr


def test_a_program_on_the_path_that_is_hidden_is_named_with_the_setting_that_shows_it(
    assent, rehearse, repository: Path, tmp_path: Path, surroundings: dict[str, str]
):
    home = tmp_path / "home"
    home.mkdir()
    (home / "mytool").write_text("#!/bin/sh\nexit 0\n")
    (home / "mytool").chmod(0o755)
    where = {"HOME": str(home), "PATH": f"{home}:{surroundings['PATH']}"}
    done = assent("fix", "--apply", "--", "mytool", cwd=repository, OPENAI_BASE_URL=rehearse("").url, **where)
    assert done.returncode == 5, done.stderr
    assert f"A program is on your PATH, but hidden from commands: {home}/mytool" in done.stderr
    assert f'add "{home}/mytool" to `readable` in your settings' in done.stderr
    assert "Install mytool" not in done.stderr
    again = assent("run", "--", "mytool", cwd=repository, **where)
    assert f'add "{home}/mytool" to `readable`' in again.stderr


def test_an_undo_on_another_branch_exits_1_and_the_landing_is_kept(assent, fix: Fixing, repository: Path):
    script = f"[[worker]]\npatch = '''{FIX}'''\n{ALL_DONE}"
    assert fix(repository, script, "--apply", "--", *CHECK).returncode == 0
    git(repository, "stash")
    done = assent("undo", cwd=repository)
    assert done.returncode == 1
    assert "so there is nothing to take back: calc.py" in done.stderr
    assert "stash" in done.stderr
    assert assent("undo", "--preview", cwd=repository).returncode == 1
    git(repository, "stash", "pop")
    assert assent("undo", cwd=repository).returncode == 0
    assert "left - right" in (repository / "calc.py").read_text()
