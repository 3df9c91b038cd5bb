"""How assent starts: nothing of the folder becomes part of it, and its threads do not get into each other's way."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    "asyncio",
    "json",
    "argparse",
    "typing",
    "msgspec",
    "textual",
    "sitecustomize",
    "usercustomize",
    "git",
    "h11",
)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """What hostile code would write, outside the repository."""
    return tmp_path / "mark"


@pytest.fixture
def hostile(tmp_path: Path, mark: Path) -> Path:
    """A repository whose every file tries to run in assent's own processes."""
    root = tmp_path / "hostile"
    root.mkdir()
    python = f"open({str(mark)!r}, 'a').write(__file__)\n"
    for name in MODULES:
        (root / f"{name}.py").write_text(python)
    for name in ("assent_core", "assent_sandbox", "assent_tui", "core", "sandbox", "tui"):
        (root / name).mkdir()
        (root / name / "__init__.py").write_text(python)
        (root / name / "__main__.py").write_text(python)
    for name in ("python", "python3", "readlink", "dirname", "hook", "sh"):
        (root / name).write_text(f"#!/bin/sh\necho {name} >>'{mark}'\n")
        (root / name).chmod(0o755)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    shutil.copy(root / "hook", root / ".git" / "hooks" / "post-checkout")
    (root / ".gitattributes").write_text("* filter=evil diff=evil\n")
    for key in (
        "core.fsmonitor",
        "core.pager",
        "filter.evil.clean",
        "filter.evil.smudge",
        "diff.evil.command",
        "core.editor",
    ):
        subprocess.run(["git", "config", key, str(root / "hook")], cwd=root, check=True)
    return root


def variables(hostile: Path) -> dict[str, str]:
    """An environment that points Python at the folder in every way it knows."""
    return {
        "PYTHONPATH": f".:{hostile}",
        "PYTHONSTARTUP": str(hostile / "json.py"),
        "PYTHONHOME": "",
        "PYTHONUSERBASE": str(hostile),
        "PYTHONINSPECT": "",
        "PYTHONWARNINGS": "ignore::json.Odd",
        "PYTHONBREAKPOINT": "json.odd",
    }


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["--help"],
        ["fix", "--help"],
        ["fix", "--nonsense"],
        ["undo", "--list"],
        ["consent"],
        ["doctor"],
        ["run", "--", "true"],
    ],
)
def test_a_hostile_folder_runs_nothing_in_assent(installed, hostile, mark, words):
    done = installed(*words, cwd=hostile, **variables(hostile))
    assert "Traceback" not in done.stderr
    assert done.returncode == (2 if "--nonsense" in words else 0), done.stderr
    assert not mark.exists(), mark.read_text()


def test_a_hostile_folder_would_run_in_a_python_that_is_not_isolated(hostile, mark, surroundings):
    subprocess.run(
        [sys.executable, "-c", "import json"], cwd=hostile, env=surroundings | variables(hostile), check=False
    )
    assert mark.exists()


def test_a_python_that_is_not_isolated_is_refused(surroundings, tmp_path):
    argv = [sys.executable, "-m", "assent_tui", "--version"]
    done = subprocess.run(argv, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "not isolated" in done.stderr
    assert "hint: " in done.stderr


@pytest.fixture
def bin(tmp_path: Path) -> Path:
    """A bin folder with the launcher and a Python that prints how it was called."""
    folder = tmp_path / "env with spaces" / "bin"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "launcher", folder / "assent")
    (folder / "python").write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    (folder / "python").chmod(0o755)
    return folder


def called(*argv: str | Path, cwd: Path, path: str = os.defpath) -> str:
    done = subprocess.run(
        [str(word) for word in argv], cwd=cwd, env={"PATH": path}, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_launcher_starts_the_python_beside_it_isolated(bin, tmp_path):
    expected = "-I|-m|assent_tui|fix|a b|*|"
    assert called(bin / "assent", "fix", "a b", "*", cwd=tmp_path) == expected
    assert called("sh", "assent", "fix", "a b", "*", cwd=bin, path=f"{bin}:{os.defpath}") == expected
    assert called("assent", "fix", "a b", "*", cwd=tmp_path, path=f"{bin}:{os.defpath}") == expected


def test_the_launcher_follows_links_to_where_it_was_installed(bin, tmp_path):
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "relative").symlink_to(Path("..", bin.relative_to(tmp_path), "assent"))
    (tmp_path / "absolute").symlink_to(tmp_path / "local" / "relative")
    assert called(tmp_path / "absolute", "-x", cwd=tmp_path) == "-I|-m|assent_tui|-x|"
    assert called("local/relative", cwd=tmp_path) == "-I|-m|assent_tui|"


def test_the_launcher_says_when_there_is_no_python_beside_it(bin, tmp_path):
    (bin / "python").unlink()
    done = subprocess.run([bin / "assent"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no Python beside" in done.stderr


def test_a_wheel_installs_the_launcher_and_all_that_is_no_code(tmp_path, surroundings):
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", "tests", ".hypothesis")
    shutil.copytree(ROOT, source, ignore=ignored, symlinks=True)
    pip = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(pip, cwd=source, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    home = tmp_path / "installed"
    venv.create(home, with_pip=True)
    install = [home / "bin" / "python", "-I", "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True)
    done = subprocess.run(
        [home / "bin" / "assent", "--version"], env=surroundings, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("assent ")
    (site,) = home.glob("lib/python*/site-packages")
    packages = {"core": "assent_core", "sandbox": "assent_sandbox", "tui": "assent_tui"}
    for room, package in packages.items():
        expected = {file.relative_to(source / room) for file in (source / room / package).rglob("*") if file.is_file()}
        installed = {file.relative_to(site) for file in (site / package).rglob("*") if "__pycache__" not in file.parts}
        assert expected <= installed
    assert os.access(site / "assent_sandbox" / "git-plain", os.X_OK)


ASIDE = """
import sys, threading
from pathlib import Path
aside = []
def heard(event, found):
    if event == "import" and threading.current_thread() is not threading.main_thread():
        aside.append(found[0])
sys.addaudithook(heard)
from assent_tui.commands.interact import _settings
print(_settings(Path.cwd()).theme, aside, "textual" in sys.modules)
"""


def test_git_is_asked_beside_the_import_of_the_screen_by_a_thread_that_imports_nothing(repository, tmp_path):
    """Two threads that import one package at once, one of them a part of it, can be a deadlock that Python refuses."""
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-I", "-c", ASIDE], cwd=repository, env=home, capture_output=True, check=False
    )
    assert done.stdout.split() == [b"[]", b"True"], done.stdout + done.stderr
