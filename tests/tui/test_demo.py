"""The demo shows the main job on a machine without a key."""

import subprocess
from pathlib import Path

from assent_core.rehearsal import Rehearsal
from assent_tui.commands.demo import plant
from rehearsed import git


def test_headless_it_repairs_the_repository_and_tells_each_promise(installed, tmp_path):
    (tmp_path / "tmp").mkdir()
    done = installed(
        "demo", "--headless", cwd=tmp_path, TMPDIR=str(tmp_path / "tmp"), OPENAI_API_KEY="sk-real-but-unused-0123456789"
    )
    assert done.returncode == 0, done.stderr
    (repository,) = (tmp_path / "tmp").glob("assent-demo-*/orchard")
    assert str(repository) in done.stderr
    assert git(repository, "status", "--porcelain") == " M orchard/bill.py\n M orchard/lines.py\n"
    tests = subprocess.run(["python3", "-m", "unittest"], cwd=repository, capture_output=True, text=True, check=True)
    assert "Ran 10 tests" in tests.stderr
    for part in (
        "The model is rehearsed",
        "No key and no network",
        "denied: network example.com",
        "(scout)",
        "verified: python3 -m unittest: exit 0",
        "landed: ",
    ):
        assert part in done.stderr


def test_its_landing_can_be_taken_back(assent, tmp_path):
    (tmp_path / "tmp").mkdir()
    assent("demo", "--headless", cwd=tmp_path, TMPDIR=str(tmp_path / "tmp"))
    (repository,) = (tmp_path / "tmp").glob("assent-demo-*/orchard")
    listed = assent("undo", "--list", cwd=repository)
    assert "orchard/bill.py, orchard/lines.py" in listed.stdout
    assert assent("undo", cwd=repository).returncode == 0
    assert git(repository, "status", "--porcelain") == ""
    assert "taken back" in assent("undo", "--list", cwd=repository).stdout
    again = assent("undo", cwd=repository)
    assert again.returncode != 0
    assert "hint: " in again.stderr


def test_the_planted_repository_is_whole_and_committed(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    root = plant(tmp_path / "orchard")
    assert git(root, "status", "--porcelain") == ""
    assert set(git(root, "ls-files").split()) == {
        ".gitignore", "AGENTS.md", "README.md", "orchard/__init__.py", "orchard/bill.py", "orchard/lines.py",
        "tests/__init__.py", "tests/test_bill.py", "tests/test_lines.py",
    }  # fmt: skip
    assert not list(Path(root).rglob("__pycache__"))


def test_the_script_can_be_read(tmp_path):
    script = Rehearsal.from_file("demo").script
    assert script.worker
    assert script.scout


def test_in_a_terminal_the_interface_opens_on_it_and_the_model_works(installed_terminal, tmp_path):
    (tmp_path / "tmp").mkdir()
    shown = installed_terminal("demo", cwd=tmp_path, TMPDIR=str(tmp_path / "tmp"))
    shown.wait_for("The model is rehearsed")
    shown.wait_for("\x1b[?1049h")
    shown.wait_until("waiting for your answer", "yes, once  r no")
    shown.press("n")
    shown.wait_for("Repaired")
    shown.press("\x11")
    assert shown.wait_for_end() == 0
    assert "is still in" in shown.shown
    (repository,) = (tmp_path / "tmp").glob("assent-demo-*/orchard")
    assert git(repository, "status", "--porcelain") == ""
