"""Programs of a repository, wherever PATH has them: assent itself starts none, and commands on the stage have PATH as it was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from assent_sandbox import host, programs
from assent_sandbox.stage import StageError
from rehearsed import FIX

ALSO = (
    "git", "rg", "grep", "gcc", "cc", "clang", "ld", "ld.lld", "ldconfig", "objdump", "uname", "lsb_release", "ifconfig", "ip",
    "arp", "lanscan", "netstat", "xdg-open", "xdg-settings", "www-browser", "firefox", "gvfs-open", "dbus-launch", "dbus-daemon",
    "ps", "nano", "vi", "less", "more", "stty", "tput", "locale", "ssh", "gpg", "pass", "secret-tool", "security", "bwrap",
    "python", "python3", "sh", "bash", "env", "sandbox-exec", "cygpath", "getconf", "file", "lscpu", "pbcopy", "xclip", "wl-copy",
)  # fmt: skip
"""What libraries are known to start, on this system or another."""


@pytest.fixture
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trace") / "started"


@pytest.fixture
def baited(repository: Path, trace: Path) -> Path:
    """A repository that has a program of every name, found by PATH first; each leaves its name outside."""
    bait = repository / "tools" / "bait"
    bait.parent.mkdir()
    bait.write_text(f'#!/bin/sh\necho "${{0##*/}} $*" >> {trace}\nexit 1\n')
    bait.chmod(0o755)
    places = [Path(folder) for folder in ("/usr/bin", "/usr/sbin", "/bin", "/sbin")]
    names = {one.name for place in places if place.is_dir() for one in place.iterdir()} | {*ALSO}
    for folder in (repository, repository / "bin", repository / "node_modules" / ".bin", repository / "tools"):
        folder.mkdir(parents=True, exist_ok=True)
        for name in names - {each.name for each in folder.iterdir()}:
            os.link(bait, folder / name)
    return repository


def path_of(root: Path) -> str:
    """A PATH as direnv, npm or a shell's start file make it: relative, empty and whole entries of the repository first."""
    return f"node_modules/.bin:bin:.::{root}/tools:{root}/node_modules/.bin:{os.environ['PATH']}:"


COMMANDS = {
    "doctor": ["doctor"],
    "run": ["run", "--", "/bin/sh", "-c", "echo x > new"],
    "key": ["key"],
    "ask": ["ask", "what is it?"],
    "sessions": ["sessions"],
    "undo": ["undo"],
    "stats": ["stats"],
    "consent": ["consent"],
    "replay": ["replay", "none"],
    "demo": ["demo", "--headless"],
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_no_command_starts_a_program_of_the_repository(baited, trace, installed, words):
    installed(*words, cwd=baited, PATH=path_of(baited), input="sk-none\n")
    assert not trace.exists(), trace.read_text()


def test_a_repair_with_its_requests_starts_no_program_of_the_repository(baited, trace, installed, rehearse):
    for folder in (baited / "tools", baited / "node_modules" / ".bin"):
        (folder / "bash").unlink()  # which the stage would take, as the user's own shell does
    served = rehearse(
        f'[[worker]]\nsearch = {{ pattern = \'def\' }}\n[[worker]]\npatch = """{FIX}"""\n[[worker]]\nsay = \'Done.\'\n'
    )
    done = installed(
        "fix", "--apply", "--", sys.executable, "-m", "unittest", "-q",
        cwd=baited, PATH=path_of(baited), OPENAI_BASE_URL=served.url,
    )  # fmt: skip
    assert (done.returncode, trace.exists()) == (0, False), done.stderr + (trace.read_text() if trace.exists() else "")


def test_the_screen_and_its_search_start_no_program_of_the_repository(baited, trace, installed_terminal, rehearse):
    served = rehearse("[[worker]]\nsearch = { pattern = 'def' }\n[[worker]]\nsay = 'Found.'\n")
    shown = installed_terminal(cwd=baited, PATH=path_of(baited), OPENAI_BASE_URL=served.url)
    shown.wait_until("ready")
    shown.press("look")
    shown.wait_until("look")
    shown.press("\r")
    shown.wait_until("Found.")
    shown.press("\x11")
    assert not trace.exists(), trace.read_text()


def test_a_command_on_the_stage_has_path_as_the_user_has_it_without_what_is_relative(repository, installed):
    tools = repository / "tools"
    done = installed("run", "--", "sh", "-c", "echo $PATH", cwd=repository, PATH=f"bin:{tools}:{os.environ['PATH']}")
    first = done.stdout.split(":")[0]
    assert Path(first).name == "tools" and "bin" not in done.stdout.strip().split(":")


def made(place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("#!/bin/sh\n")
    place.chmod(0o755)
    return place


@pytest.fixture
def inside(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(repository)
    return repository


def test_a_program_is_found_outside_the_repository_alone(inside, tmp_path, monkeypatch):
    for place in (inside / "tool", inside / "bin" / "tool", inside / "deep" / "bin" / "tool"):
        made(place)
    entries = f":.:bin:{inside}/bin:{inside}/deep/../bin:{tmp_path}/link:{tmp_path}/own"
    (tmp_path / "link").symlink_to(inside / "bin")
    monkeypatch.setenv("PATH", entries)
    assert programs.find("tool") == ""
    own = made(tmp_path / "own" / "tool")
    assert programs.find("tool") == str(own)
    own.unlink()
    own.symlink_to(inside / "tool")
    assert programs.find("tool") == ""


def test_a_repository_around_the_one_at_hand_gives_no_program_either(inside, tmp_path, monkeypatch):
    made(inside / "bin" / "tool")
    inner = inside / "vendor" / "inner"
    (inner / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{inside}/bin")
    assert programs.find("tool", str(inner)) == ""


def test_tools_of_home_are_found_although_home_is_a_repository_around_this_one(inside, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".git").mkdir()
    own = made(tmp_path / ".local" / "bin" / "tool")
    monkeypatch.setenv("PATH", str(own.parent))
    assert programs.find("tool") == str(own)
    monkeypatch.chdir(tmp_path)
    assert programs.find("tool") == ""


def test_in_a_plain_folder_above_the_system_its_programs_are_found(monkeypatch):
    monkeypatch.chdir("/usr")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert programs.find("env") == "/usr/bin/env"


def test_programs_are_found_from_a_folder_that_is_gone(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert programs.find("env") and host.find_git()


def test_path_without_any_whole_folder_leaves_that_of_the_system(inside, monkeypatch):
    monkeypatch.setenv("PATH", ":bin:.")
    programs.keep_apart()
    assert os.environ["PATH"] == os.defpath
    assert programs.users_variables()["PATH"] == ":bin:."


def test_an_editor_of_the_repository_is_not_started(inside, monkeypatch):
    monkeypatch.delenv("VISUAL", raising=False)
    made(inside / "bin" / "edit-it")
    monkeypatch.setenv("PATH", f"bin:{inside}/bin")
    for value in ("edit-it -w", "./bin/edit-it", "bin/edit-it", f"{inside}/bin/edit-it"):
        monkeypatch.setenv("EDITOR", value)
        with pytest.raises(StageError, match="not found") as refused:
            host.editor()
        assert "outside the repository" in refused.value.hint


async def test_an_editor_starts_apart_from_the_repository_and_its_settings(inside, tmp_path, monkeypatch):
    editor = made(tmp_path / "ed")
    editor.write_text('#!/bin/sh\npwd > "$1"\n')
    monkeypatch.setenv("VISUAL", str(editor))
    assert Path((await host.edit("x.py", "")).strip()).parent != inside.parent


def test_the_scripts_of_a_checkout_start_no_program_of_where_they_are_called(baited, trace, surroundings):
    done = subprocess.run(
        [Path(__file__).parents[1] / "scripts" / "assent", "--version"],
        cwd=baited, env=surroundings | {"PATH": path_of(baited)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout[:6], trace.exists()) == ("assent", False), done.stderr
