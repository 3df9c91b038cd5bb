"""`assent run`: the dry run for everything."""

import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from assent_core.events import AnyEvent
from conftest import COMMAND
from patient import at_last
from rehearsed import committed, git, tree


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "folder").mkdir(parents=True)
    (root / "a.txt").write_text("one\ntwo\n")
    (root / "folder" / "b.txt").write_text("three\n")
    return committed(root)


def running() -> list[str]:
    """The command lines of all processes."""
    if not Path("/proc/self/cmdline").exists():
        return subprocess.run(
            ["ps", "-A", "-o", "args"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


@pytest.fixture
def run(assent, repository):
    """Run a command on a stage; the tree is untouched afterwards, and nothing of the stage is left."""

    def go(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        before, status = tree(repository), git(repository, "status", "--porcelain")
        done = assent("run", *words, cwd=repository, **variables)
        assert tree(repository) == before
        assert git(repository, "status", "--porcelain") == status
        return done

    return go


def test_it_lists_what_would_have_changed_and_leaves_the_tree_untouched(run, place):
    done = run("--", "sh", "-c", "rm -rf *; echo x > new")
    assert (done.returncode, done.stdout) == (0, "")
    assert "it would change 3 files" in done.stderr
    for line in ("  D a.txt  +0 -2", "  D folder/b.txt  +0 -1", "  A new  +1 -0"):
        assert line in done.stderr.splitlines()
    assert not list(place.rglob("upper"))


def test_output_goes_where_the_command_sent_it_and_its_exit_code_is_passed_through(run):
    done = run("--", "sh", "-c", "echo to stdout; echo to stderr >&2; exit 7")
    assert (done.returncode, done.stdout) == (7, "to stdout\n")
    assert done.stderr.splitlines()[0] == "to stderr"
    assert "changed nothing" in done.stderr


def test_no_key_and_no_model_are_needed(run):
    assert run("--", "true", OPENAI_BASE_URL="http://127.0.0.1:9/v1").returncode == 0


def test_a_command_that_is_not_there_exits_127(run):
    done = run("--", "no-such-tool")
    assert done.returncode == 127
    assert "Traceback" not in done.stderr


def test_arguments_arrive_as_they_were_typed(run):
    assert run("--", "printf", "%s|", "a b", "*", "$HOME", "").stdout == "a b|*|$HOME||"


def test_it_runs_in_the_folder_in_which_it_was_started(assent, repository):
    done = assent("run", "--", "cat", "b.txt", cwd=repository / "folder")
    assert (done.returncode, done.stdout) == (0, "three\n")


def test_a_denial_is_told_on_stderr_and_in_json(run):
    words = ("--", "python3", "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 2)")
    assert "denied: network" in run(*words).stderr
    assert json.loads(run("--json", *words).stdout.splitlines()[-1])["denials"]


def test_json_prints_the_events_and_a_summary(run):
    done = run("--json", "--", "sh", "-c", "echo hello; echo x >> a.txt; exit 3")
    *lines, last = done.stdout.splitlines()
    events = [type(msgspec.json.decode(line, type=AnyEvent)).__name__ for line in lines]
    assert events[0] == "Opened"
    assert events[-1] == "Ended"
    assert {"Proposed", "Printed", "Performed", "Staged"} <= set(events)
    found = json.loads(last)
    assert (found["event"], found["outcome"], found["code"]) == ("summary", "ran", 3)
    assert [(one["path"], one["added"], one["removed"]) for one in found["changes"]] == [("a.txt", 1, 0)]


def test_land_needs_a_terminal(assent, repository):
    done = assent("run", "--land", "--", "true", cwd=repository)
    assert done.returncode == 2
    assert "terminal" in done.stderr


def test_a_folder_without_git_works_and_says_so(assent, tmp_path):
    (tmp_path / "plain").mkdir()
    done = assent("run", "--", "sh", "-c", "echo x > new", cwd=tmp_path / "plain")
    assert done.returncode == 0
    assert "not a git repository" in done.stderr
    assert "  A new  +1 -0" in done.stderr
    assert list((tmp_path / "plain").iterdir()) == []


def test_an_interrupt_ends_the_command_and_exits_130(repository, surroundings, tmp_path):
    argv = [Path(sys.executable).with_name("assent"), "run", "--", "sh", "-c", "echo begun; sleep 987; echo over"]
    with subprocess.Popen(
        argv, cwd=repository, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as go:
        assert go.stdout and go.stdout.readline() == "begun\n"
        go.send_signal(signal.SIGINT)
        out, err = go.communicate(timeout=60)
    assert (go.returncode, out) == (130, "")
    assert "Traceback" not in err
    at_last(lambda: not any("sleep 987" in words for words in running()))


def test_a_reader_that_goes_away_ends_the_command(repository, surroundings):
    command = f'"{Path(sys.executable).with_name("assent")}" run -- yes | head -n 1'
    done = subprocess.run(
        ["sh", "-c", command], cwd=repository, env=surroundings, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "y\n"
    assert "Traceback" not in done.stderr


def test_the_very_bytes_go_into_a_pipe_however_many_there_are(surroundings, repository):
    script = "import sys; w = sys.stdout.buffer.write; w(bytes(range(256)) * 20_000); w(b'\\x1b]52;c;eA==\\x07')"
    words = [str(COMMAND), "run", "--", "python3", "-c", script]
    done = subprocess.run(words, cwd=repository, env=surroundings, capture_output=True, check=True)
    assert done.stdout == bytes(range(256)) * 20_000 + b"\x1b]52;c;eA==\x07"
    assert b"\x1b" not in done.stderr


def test_a_reader_that_goes_away_ends_it_without_a_word(surroundings, repository):
    script = f"{COMMAND} run -- sh -c 'yes | head -c 30000000' | head -c 2"
    done = subprocess.run(["sh", "-c", script], cwd=repository, env=surroundings, capture_output=True, check=True)
    assert done.stdout == b"y\n"
    assert b"Traceback" not in done.stderr


def test_what_git_ignores_is_counted_but_not_listed(run, repository):
    (repository / ".gitignore").write_text("*.o\n.gitignore\n")
    assert run("--", "touch", "a.o").stderr == "assent: the command changed nothing but 1 path that git ignores.\n"
    assert run("--", "touch", "a.o", "c.txt").stderr.splitlines()[1:] == [
        "  A c.txt  +0 -0",
        "  and 1 path that git ignores",
    ]


def test_a_denial_comes_with_what_can_be_done_about_it(run):
    words = ("--", "python3", "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 2)")
    assert "hint: What it fetches has to be there already" in run(*words).stderr


def test_a_hidden_program_is_said_to_be_there_with_the_setting_that_shows_it(run, tmp_path, place):
    home = tmp_path / "home"
    (home / "env/bin").mkdir(parents=True)
    (home / "env/lib").mkdir()
    (home / "env/bin/tool").write_text("#!/bin/sh\necho here\n")
    (home / "env/bin/tool").chmod(0o755)
    words = ("--", f"{home}/env/bin/tool")
    denied = run(*words, HOME=str(home))
    assert denied.returncode in (126, 127)
    assert f"assent: denied: file {home}/env/bin/tool (it is hidden from commands)" in denied.stderr
    settings = place / "config/assent/settings.toml"
    assert f"hint: Add {home}/env to `readable` in {settings};" in denied.stderr
    settings.parent.mkdir(parents=True)
    settings.write_text(f'readable = ["{home}/env"]\n')
    shown = run(*words, HOME=str(home))
    assert (shown.returncode, shown.stdout) == (0, "here\n"), shown.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_stream_that_the_caller_closed_leads_nowhere(surroundings, repository, closed):
    script = f'"{COMMAND}" run -- sh -c "echo said; exit 7" {closed}'
    done = subprocess.run(
        ["sh", "-c", script], cwd=repository, env=surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 7
    assert done.stdout == ("" if closed == ">&-" else "said\n")
    assert done.stderr == ("" if closed == "2>&-" else "assent: the command changed nothing.\n")


@pytest.mark.parametrize("words", [["doctor"], ["run", "--", "echo", "said"], ["run", "--json", "--", "echo", "said"]])
def test_a_full_disk_behind_stdout_is_one_message_and_the_exit_code_of_the_environment(surroundings, repository, words):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, *words],
            cwd=repository,
            env=surroundings,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 5
    assert done.stderr.splitlines()[0] == "assent: The disk is full."
    assert len(done.stderr.splitlines()) == 2
