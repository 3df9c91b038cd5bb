from pathlib import Path

import pytest

from assent_sandbox import host
from assent_sandbox.stage import StageError


def program(folder: Path, text: str) -> Path:
    place = folder / "my editor"
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)
    return place


@pytest.mark.parametrize("command", ["status", "diff", "add", "checkout", "hash-object"])
def test_a_git_command_that_runs_filters_is_never_started(tmp_path: Path, command: str):
    with pytest.raises(ValueError, match="may run programs"):
        host.git(command, cwd=tmp_path)


def test_a_failure_of_git_keeps_its_words_and_its_code(tmp_path: Path):
    with pytest.raises(host.GitFailed, match="not a git repository") as failed:
        host.git("rev-parse", "HEAD", cwd=tmp_path)
    assert failed.value.code == 128


def test_git_in_a_folder_that_is_gone_is_a_failure_of_git(tmp_path: Path):
    with pytest.raises(host.GitFailed, match=r"cannot begin in .*gone: No such file") as failed:
        host.git("rev-parse", "HEAD", cwd=tmp_path / "gone")
    assert failed.value.code == 128


def test_without_git_its_absence_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(host.GitFailed, match="not installed") as failed:
        host.git("rev-parse", "HEAD", cwd=tmp_path)
    assert failed.value.code == 127


async def test_the_editor_gets_the_text_and_what_it_saves_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen = tmp_path / "seen"
    editor = program(tmp_path, f'cp "$2" {seen}; echo "$1 $2" >> "$2"')
    monkeypatch.setenv("VISUAL", f"'{editor}' -w")
    text = await host.edit("src/näme.py", "caf\udce9\r\n")
    assert seen.read_bytes() == b"caf\xe9\r\n"
    assert text.startswith("caf\udce9\r\n-w ") and text.endswith("edit.py\n")


async def test_an_editor_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    editor = program(tmp_path, "exit 3")
    monkeypatch.setenv("VISUAL", f"'{editor}'")
    with pytest.raises(StageError, match="exited with 3") as failed:
        await host.edit("x", "text")
    assert "Nothing was taken over" in failed.value.hint


async def test_an_editor_that_deletes_the_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    editor = program(tmp_path, 'rm "$1"')
    monkeypatch.setenv("EDITOR", f"'{editor}'")
    monkeypatch.delenv("VISUAL", raising=False)
    with pytest.raises(StageError, match="no file"):
        await host.edit("x", "text")


@pytest.mark.parametrize(("value", "word"), [("", "no editor"), ("no-such-editor -w", "not found"), ("'open", "read")])
async def test_no_usable_editor_is_an_error_with_a_hint(monkeypatch: pytest.MonkeyPatch, value: str, word: str):
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", value)
    with pytest.raises(StageError, match=word) as failed:
        await host.edit("x", "text")
    assert failed.value.hint
