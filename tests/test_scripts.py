"""The chores in scripts/: plain sh, quiet when all is there, and honest about what is missing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ("assent", "test", "check", "bench", "lock", "launcher")
TOOLS = ("sh", "dirname", "cat", "cmp", "mkdir", "rm", "sleep", "grep", "tail", "ln", "chmod", "env", "mktemp")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh checkout, as far as the scripts look at it, in a folder with a space in its name."""
    root = tmp_path / "a checkout"
    shutil.copytree(ROOT / "scripts", root / "scripts")
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    return root


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with the few tools that every system has, and no Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return folder


def script(checkout: Path, tools: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    command = [checkout / "scripts" / argv[0], *argv[1:]]
    environment = {"PATH": str(tools), "HOME": ""}
    return subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False, timeout=200)


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def uv(checkout: Path, tools: Path, log: Path) -> None:
    """An installer that notes what it is asked and makes a command that prints its arguments."""
    environment = checkout / ".venv" / "bin"
    program(
        tools / "uv",
        f"""echo "$@" >>'{log}'
mkdir -p '{environment}'
printf '#!/bin/sh\\nprintf "%%s|" "$@"\\n' >'{environment}/assent'
printf '#!/bin/sh\\nexit 0\\n' >'{environment}/python'
chmod +x '{environment}/assent' '{environment}/python'""",
    )


@pytest.mark.parametrize("name", [*SCRIPTS, "environment.sh", "../.ci/run"])
def test_each_script_is_plain_sh(name):
    path = ROOT / "scripts" / name
    subprocess.run(["sh", "-n", path], check=True)
    if name != "environment.sh":
        assert path.read_text().startswith("#!/bin/sh\n")
        assert os.access(path, os.X_OK)


def test_the_first_use_prepares_with_pinned_hashes_and_says_so(checkout, tools, tmp_path):
    uv(checkout, tools, tmp_path / "log")
    done = script(checkout, tools, "assent", "fix", "a b", "*")
    assert (done.returncode, done.stdout) == (0, "fix|a b|*|"), done.stderr
    assert "preparing .venv with uv" in done.stderr
    asked = (tmp_path / "log").read_text().splitlines()
    assert any("--require-hashes -r requirements.txt" in line for line in asked)
    assert any("--no-deps --no-build-isolation -e ." in line for line in asked)


def test_the_second_use_prepares_nothing_and_is_silent(checkout, tools, tmp_path):
    uv(checkout, tools, tmp_path / "log")
    script(checkout, tools, "assent")
    (tmp_path / "log").unlink()
    done = script(checkout, tools, "assent", "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, "--version|", "")
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize("changed", ["requirements.txt", "pyproject.toml", "scripts/launcher"])
def test_a_change_of_what_it_is_made_from_prepares_again(checkout, tools, tmp_path, changed):
    uv(checkout, tools, tmp_path / "log")
    script(checkout, tools, "assent")
    with (checkout / changed).open("a") as file:
        file.write("# changed\n")
    assert "preparing" in script(checkout, tools, "assent").stderr
    assert script(checkout, tools, "assent").stderr == ""


def test_a_checkout_that_was_moved_prepares_again(checkout, tools, tmp_path):
    uv(checkout, tools, tmp_path / "log")
    script(checkout, tools, "assent")
    moved = checkout.rename(tmp_path / "moved")
    uv(moved, tools, tmp_path / "log")
    assert "preparing" in script(moved, tools, "assent").stderr


def test_the_environment_for_the_tests_serves_for_running_too(checkout, tools, tmp_path):
    uv(checkout, tools, tmp_path / "log")
    script(checkout, tools, "test")
    assert "-r requirements-dev.txt" in (tmp_path / "log").read_text()
    assert script(checkout, tools, "assent").stderr == ""


def test_a_failed_preparation_says_so_and_is_tried_again(checkout, tools, tmp_path):
    program(tools / "uv", "echo 'no such host' >&2; exit 1")
    done = script(checkout, tools, "assent")
    assert done.returncode == 2
    assert "no such host" in done.stderr
    assert "could not be installed" in done.stderr
    assert not (checkout / ".venv.lock").exists()
    uv(checkout, tools, tmp_path / "log")
    assert script(checkout, tools, "assent").returncode == 0


def test_without_any_python_it_says_what_to_install(checkout, tools):
    done = script(checkout, tools, "assent")
    assert done.returncode == 2
    assert "no Python 3.11 or newer" in done.stderr
    assert "apt install" in done.stderr


def test_a_python_without_venv_is_told_apart_from_no_python(checkout, tools):
    program(tools / "python3", 'case "$*" in *venv*) echo "ensurepip is not available"; exit 1 ;; esac; exit 0')
    done = script(checkout, tools, "assent")
    assert done.returncode == 2
    assert "cannot make a virtual environment" in done.stderr
    assert "python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()


def test_a_turn_left_behind_by_a_dead_process_is_taken_over(checkout, tools, tmp_path):
    uv(checkout, tools, tmp_path / "log")
    dead = subprocess.Popen(["true"])
    dead.wait()
    (checkout / ".venv.lock").mkdir()
    (checkout / ".venv.lock" / "pid").write_text(f"{dead.pid}\n")
    assert script(checkout, tools, "assent").returncode == 0


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_with_hashes_and_no_index_is_named(name):
    text = (ROOT / name).read_text().replace("\\\n", "")
    for line in filter(None, text.splitlines()):
        assert re.match(r"[a-z0-9._-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line


def test_no_registry_is_named_anywhere():
    hosts = [
        ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"))
    ]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in filter(None, listed):
        data = (ROOT / os.fsdecode(name)).read_bytes()
        assert not [host for host in hosts if host.encode() in data], name


def test_the_demo_repository_fails_as_the_demo_says(tmp_path):
    folder = shutil.copytree(ROOT / "tui" / "assent_tui" / "demo_repo", tmp_path / "orchard")
    done = subprocess.run(
        ["python3", "-I", "-c", "import sys; sys.path.insert(0, ''); import unittest; unittest.main(None)"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "FAILED (failures=3)" in done.stderr
    assert "Ran 10 tests" in done.stderr


UNLUCKY = """
import pathlib, pytest

@pytest.mark.parametrize("number", range({all}))
def test(number):
    seen = pathlib.Path(f"seen-{{number}}")
    unlucky = number < {unlucky} and (not seen.exists() or {always})
    seen.touch()
    assert not unlucky
"""


@pytest.mark.parametrize(
    ("unlucky", "always", "failed", "code", "closing", "again"),
    [
        (0, False, "", 0, "7 passed", False),
        (2, False, " tests", 0, "5 passed, 2 only when alone", True),
        (2, True, " tests", 1, "2 failed, 5 passed", True),
        (2, False, " types tests", 1, "2 failed, 5 passed", False),
        (6, False, " tests", 1, "6 failed, 1 passed", False),
    ],
    ids=["none", "a few", "a few, again", "beside another fault", "many"],
)
def test_a_few_tests_that_failed_beside_others_are_tried_once_more_alone_and_counted(
    tmp_path, unlucky, always, failed, code, closing, again
):
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci/run")
    (tmp_path / "test_luck.py").write_text(UNLUCKY.format(all=7, unlucky=unlucky, always=always))
    python = f"env PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 '{sys.executable}' -I -m pytest -q -p xdist.plugin"
    program(tmp_path / "scripts/test", f'exec {python} -n 2 "$@"')
    program(tmp_path / "scripts/check", f"scripts/test || {{ echo 'scripts/check: failed:{failed}'; exit 1; }}")
    ran = subprocess.run([tmp_path / ".ci/run"], cwd="/", capture_output=True, text=True, check=False, timeout=280)
    assert (ran.returncode, "tried once more alone" in ran.stdout) == (code, again), ran.stdout + ran.stderr
    assert re.fullmatch(rf"{closing} in [\d.]+s", ran.stdout.splitlines()[-1])
