"""The words of the command line, as the installed command takes them."""

import asyncio
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assent_core.errors import UsageError
from assent_sandbox import host
from assent_tui import __version__, crash
from assent_tui.cli import HELP, main, split
from assent_tui.commands.fix import Fix, check
from assent_tui.commands.where import settings_for
from assent_tui.screen.app import AssentApp
from assent_tui.words import COMMANDS
from resting import until


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """What a usage error says; it is one message, one hint and no traceback."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    message, hint = done.stderr.splitlines()
    assert message.startswith("assent: ")
    assert hint.startswith("hint: ")
    return done.stderr


def test_the_version_is_printed(installed, tmp_path):
    done = installed("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"assent {__version__}\n", "")


def test_the_help_names_every_command_and_exit_code(installed, tmp_path):
    done = installed("--help", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, HELP, "")
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(installed, tmp_path, name):
    done = installed(name, "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: assent {name}")


def test_words_after_the_first_double_dash_belong_to_the_command():
    assert split(["fix", "--json", "--", "sh", "-c", "x", "--", "y"]) == (
        ["fix", "--json"],
        ["sh", "-c", "x", "--", "y"],
    )
    assert split(["fix", "why"]) == (["fix", "why"], None)
    assert split(["run", "--"]) == (["run"], [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fix", "--aply"], "unrecognized arguments: --aply"),
        (["fix", "one", "two"], "unrecognized arguments: two"),
        (["fix", "--max-cost", "-1", "--", "true"], "--max-cost"),
        (["fix", "--max-cost", "nan", "--", "true"], "--max-cost: it takes an amount of dollars above 0"),
        (["fix", "--attempts", "9", "--", "true"], "--attempts: it takes a count from 1 to 8, not `9`"),
        (["fix", "pytest", "-q"], "assent fix -- pytest -q"),
        (["fix", "--max-turns", "0", "--", "true"], "--max-turns"),
        (["fix", "--apply", "--patch-out", "x", "--", "true"], "not allowed with"),
        (["run"], "no command"),
        (["run", "ls"], "assent run -- ls"),
        (["undo", "--", "x"], "takes no command"),
        (["docter"], "Did you mean `assent doctor`?"),
        (["--apply"], "unknown option"),
        (["two", "words"], "in quotes"),
        (["--", "two", "words"], "in quotes"),
    ],
)
def test_words_that_cannot_be_understood_exit_2_with_a_hint(installed, tmp_path, words, said):
    assert said in refused(installed(*words, cwd=tmp_path))


def test_without_a_terminal_the_interface_does_not_open(installed, tmp_path):
    assert "needs a terminal" in refused(installed("repair it", cwd=tmp_path))
    assert "needs a terminal" in refused(installed(cwd=tmp_path))
    assert "needs a terminal" in refused(installed("--", "docter", cwd=tmp_path))


def test_a_message_cannot_steer_the_terminal(installed, tmp_path):
    said = refused(installed("fix", "--\x1b[2J\u202e", cwd=tmp_path))
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_a_folder_that_is_gone_is_a_usage_error(installed, surroundings, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f'rmdir "{gone}"; exec "{sys.executable}" -I -m assent_tui run -- true'
    done = subprocess.run(
        ["sh", "-c", command], cwd=gone, env=surroundings, capture_output=True, text=True, check=False
    )
    assert "The current folder cannot be found" in refused(done)


OPEN = Fix(command=("pytest",))


@pytest.mark.parametrize(
    ("options", "terminal", "said"),
    [
        (Fix(), True, "nothing to fix"),
        (Fix(prompt="  "), True, "nothing to fix"),
        (OPEN, False, "no place for the review"),
        (Fix(command=("pytest",), json=True), True, "no place for the review"),
        (Fix(prompt="x", apply=True), True, "nothing can be verified"),
        (Fix(command=("pytest",), json=True, patch_out="-"), True, "both want stdout"),
        (Fix(command=("pytest",), allow_tests=True), True, "--allow-tests means nothing"),
        (Fix(command=("pytest",), unverified=True, patch_out="-"), True, "--unverified means nothing"),
        (Fix(command=("pytest",), patch_out="/nowhere/at/all.diff"), True, "cannot be written"),
    ],
)
def test_a_fix_that_cannot_end_well_is_refused_before_it_costs_anything(options, terminal, said):
    with pytest.raises(UsageError, match=said) as caught:
        check(options, terminal=terminal)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("options", "terminal"),
    [
        (OPEN, True),
        (Fix(prompt="x"), True),
        (Fix(command=("pytest",), apply=True, allow_tests=True, json=True), False),
        (Fix(prompt="x", apply=True, unverified=True), False),
        (Fix(prompt="x", patch_out="-"), False),
    ],
)
def test_a_fix_that_can_end_well_is_taken(options, terminal):
    check(options, terminal=terminal)


def test_what_nobody_foresaw_is_one_line_and_a_report_without_secrets(monkeypatch, capsys, tmp_path):
    def break_down(words, rest):
        raise RuntimeError("with the token tok-123456789 in it")

    monkeypatch.setitem(COMMANDS, "doctor", break_down)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("SERVICE_TOKEN", "tok-123456789")
    monkeypatch.setenv("HARMLESS", "but nobody's business")
    assert main(["doctor"]) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    (report,) = tmp_path.rglob("crash-*.txt")
    assert str(report) in said
    assert report.stat().st_mode & 0o777 == 0o600
    text = report.read_text()
    assert "RuntimeError" in text
    assert "break_down" in text
    assert "HARMLESS=..." in text
    for secret in ("tok-123456789", "nobody's business"):
        assert secret not in text + said


def test_a_report_that_cannot_be_kept_says_so_and_loses_nothing(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert crash.report(ValueError("odd"), ["x"]) == 1
    said = capsys.readouterr().err
    (report,) = tmp_path.rglob("crash-*.txt")
    assert str(report) in said
    assert "cannot be kept" in said


def test_a_reader_that_goes_away_is_no_crash(surroundings):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-I", "-m", "assent_tui", "--help"],
        stdout=write,
        stderr=subprocess.PIPE,
        env=surroundings,
        text=True,
        check=False,
    )
    os.close(write)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_the_version_costs_less_than_three_pythons_that_do_nothing(surroundings, tmp_path):
    command = Path(sys.executable).with_name("assent")

    def seconds(*argv: str) -> float:
        """Of the processors, so that a busy machine does not decide."""
        process = subprocess.Popen(argv, cwd=tmp_path, env=surroundings, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return used.ru_utime + used.ru_stime

    pairs = [(seconds(str(command), "--version"), seconds(sys.executable, "-c", "pass")) for _ in range(9)]
    assert min(ours for ours, _ in pairs) <= 3 * min(bare for _, bare in pairs)


def test_the_version_imports_nothing_heavy(surroundings, tmp_path):
    script = (
        "import sys\nfrom assent_tui.cli import main\nassert main(['--version']) == 0\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & "
        "{'textual', 'openai', 'git', 'keyring', 'pygments', 'tree_sitter', 'msgspec', 'asyncio', 'argparse', 'subprocess'}))"
    )
    argv = [sys.executable, "-I", "-c", script]
    done = subprocess.run(argv, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_first_picture_loads_nothing_of_what_comes_after_it(surroundings, tmp_path):
    late = (
        "assent_core.consent.ledger",
        "assent_core.events",
        "assent_core.machine",
        "assent_core.redaction",
        "assent_core.rehearsal",
        "assent_core.session",
        "assent_tui.chat.entries",
        "assent_tui.paint.blocks",
        "assent_tui.paint.textview",
    )
    script = (
        "import sys\nimport assent_tui.commands.conversation, assent_tui.commands.interact, assent_tui.screen.app\n"
        "import assent_core.settings, assent_core.workspace\n"
        f"print([name for name in ('openai', 'git', 'keyring', 'markdown_it', 'h11', *{late}) "
        "if name in sys.modules])"
    )
    argv = [sys.executable, "-I", "-c", script]
    done = subprocess.run(argv, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_one_git_is_enough_to_know_the_settings_of_a_folder(monkeypatch, tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".assent.toml").write_text("turns = 3\n")
    (tmp_path / "deep").mkdir()
    asked: list[tuple[str, ...]] = []
    git = host.git
    monkeypatch.setattr(host, "git", lambda *words, **options: asked.append(words) or git(*words, **options))
    assert settings_for(tmp_path / "deep").turns == 3
    assert [words[0] for words in asked] == ["rev-parse"]


async def test_the_first_picture_is_whole_before_what_comes_after_it_is_loaded():
    pictures: list[tuple[bool, str]] = []

    class Watched(AssentApp):
        CSS_PATH = Path(inspect.getfile(AssentApp)).with_name("app.tcss")

        def on_mount(self) -> None:
            self.call_after_refresh(self.look_at)

        def look_at(self) -> None:
            text = "\n".join(strip.text for strip in self.screen._compositor.render_strips())
            pictures.append((self._furnished, text))

    app = Watched(lambda asker: asyncio.get_running_loop().create_future())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app._furnished)
    ((furnished, text),) = pictures
    assert not furnished
    assert "Enter sends, / commands" in text
    assert "Ctrl+Q quit" in text
