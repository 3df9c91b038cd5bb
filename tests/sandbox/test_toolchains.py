"""Packages that tools have fetched are shown, although the tools lie outside of home; what lies beside them is not."""

from __future__ import annotations

from pathlib import Path

from assent_sandbox.sight.toolchains import find_toolchains


def test_packages_are_shown_where_they_are_and_their_settings_are_not(tmp_path: Path) -> None:
    home = str(tmp_path)
    for name in (".m2/repository", "go/pkg/mod", "go/src"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".m2/settings.xml").touch()
    assert find_toolchains("/usr/bin", (), (home,)) == (f"{home}/.m2/repository", f"{home}/go/pkg/mod")


def test_a_toolchain_that_holds_its_packages_is_shown_once(tmp_path: Path) -> None:
    for name in (".cargo/bin", ".cargo/registry"):
        (tmp_path / name).mkdir(parents=True)
    assert find_toolchains(f"{tmp_path}/.cargo/bin", (), (str(tmp_path),)) == (
        f"{tmp_path}/.cargo",
        f"{tmp_path}/.rustup",
    )
