"""Completion for shells, written from the commands' own parsers and run by the shells that are here."""

import shutil
import subprocess

import pytest

from assent_tui.commands.shells import script, words_of
from assent_tui.words import COMMANDS


def completed(*words: str) -> list[str]:
    """What bash offers for the last of these words."""
    line = " ".join(f"'{word}'" for word in words)
    asking = f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _assent; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(
        ["bash", "--norc", "-c", script("bash", COMMANDS) + asking], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_every_command_describes_itself_with_all_its_options():
    words = {word.name: word for word in words_of(COMMANDS)}
    assert list(words) == list(COMMANDS)
    assert all(word.help for word in words.values())
    fix = {name: option for option in words["fix"].options for name in option.names}
    assert (fix["--apply"].value, fix["--max-cost"].value, fix["--apply"].help != "") == (False, True, True)


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("assent", "und"), ["undo"]),
        (("assent", "--c"), ["--continue"]),
        (("assent", "fix", "--ap"), ["--apply"]),
        (("assent", "undo", "--"), ["--help", "--list", "--preview", "--json"]),
        (("assent", "stats", "--by", "mo"), ["model"]),
        (("assent", "completion", "z"), ["zsh"]),
        (("assent", "run", "--", "--a"), []),
        (("assent", "fix", "--patch-out", "--a"), []),
    ],
)
def test_bash_completes_commands_options_and_values(words, offered):
    assert completed(*words) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_names_every_command_and_is_sound(shell, assent, tmp_path):
    done = assent("completion", shell, cwd=tmp_path)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", script(shell, COMMANDS))
    assert all(name in done.stdout for name in (*COMMANDS, "max-cost", "allow-tests"))
    if where := shutil.which(shell):
        (tmp_path / "script").write_text(done.stdout)
        subprocess.run([where, "-n", str(tmp_path / "script")], check=True)


def test_another_shell_is_a_usage_error(assent, tmp_path):
    done = assent("completion", "tcsh", cwd=tmp_path)
    assert (done.returncode, "hint: " in done.stderr) == (2, True)
