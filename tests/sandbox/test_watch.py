"""Folders are watched, and nothing that happens in them is missed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assent_sandbox.policy import Policy
from assent_sandbox.sight import watch
from assent_sandbox.sight.masks import SecretFiles
from assent_sandbox.sight.watch import FolderWatch


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[FolderWatch]:
    folders = FolderWatch(str(tmp_path))
    folders.add(str(tmp_path))
    yield folders
    folders.close()


def test_what_is_made_moved_or_deleted_is_noticed_once(folders: FolderWatch, tmp_path: Path) -> None:
    assert folders.was_quiet()
    for happens in (
        lambda: (tmp_path / "a").write_text("x"),
        lambda: (tmp_path / "a").rename(tmp_path / "b"),
        (tmp_path / "b").unlink,
        (tmp_path / "c").mkdir,
    ):
        happens()
        assert not folders.was_quiet()
        assert folders.was_quiet()


def test_where_too_many_are_to_be_watched_it_is_never_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_most_watches", lambda: 1)
    folders = FolderWatch(str(tmp_path))
    folders.add(str(tmp_path))
    assert folders.was_quiet()
    (tmp_path / "more").mkdir()
    folders.add(str(tmp_path / "more"))
    assert not folders.was_quiet()
    assert not folders.was_quiet()


def test_where_others_may_write_unseen_it_is_never_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_LOCAL", frozenset())
    assert not FolderWatch(str(tmp_path)).was_quiet()


@pytest.mark.parametrize("most", [1_000_000, 0])
def test_secret_files_are_found_wherever_they_appear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(watch, "_most_watches", lambda: most)
    secrets = SecretFiles(str(tmp_path))
    found: list[tuple[str, ...]] = [secrets.find(Policy())]
    (tmp_path / "deep" / "er").mkdir(parents=True)
    found.append(secrets.find(Policy()))
    (tmp_path / "deep" / "er" / ".env").write_text("x")
    found.append(secrets.find(Policy()))
    (tmp_path / "deep").rename(tmp_path / "moved")
    found.append(secrets.find(Policy()))
    (tmp_path / "moved" / "er" / ".env").unlink()
    found.append(secrets.find(Policy()))
    secrets.close()
    assert found == [(), (), ("deep/er/.env",), ("moved/er/.env",), ()]
