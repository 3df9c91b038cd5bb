"""The manual page says what the program takes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from assent_tui.cli import HELP
from assent_tui.commands.manual import page
from assent_tui.commands.shells import words_of
from assent_tui.words import COMMANDS

PAGE = Path(__file__).parents[2] / "docs" / "assent.1"


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page(HELP, COMMANDS), "run scripts/manual"


def test_the_page_names_every_command_option_and_exit_code():
    text = PAGE.read_text().replace("\\-", "-")
    for word in words_of(COMMANDS):
        assert f".SH ASSENT {word.name.upper()}\n" in text
        assert all(name in text for option in word.options for name in option.names)
    assert all(f"\\fB{code}\\fR" in text for code in (0, 1, 2, 3, 4, 5, 6, 130))


@pytest.mark.skipif(not shutil.which("groff"), reason="needs groff")
def test_the_page_is_read_without_a_warning():
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", str(PAGE)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "assent fix [options] [PROMPT] [-- CMD...]" in done.stdout
    assert "--max-cost USD" in done.stdout
