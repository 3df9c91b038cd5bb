"""Packages that tools have fetched are shown, although the tools lie outside of home; what lies beside them is not."""

from __future__ import annotations

from pathlib import Path

from assent_sandbox.sight.toolchains import find_toolchains, installation


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


def test_an_installation_is_the_folder_of_bin_and_lib_and_no_home_or_common_place(tmp_path: Path) -> None:
    for name in ("env/lib", "env/bin", "alone/bin", "lib", "bin", ".local/lib", ".local/bin"):
        (tmp_path / name).mkdir(parents=True)
    found = {name: installation(f"{tmp_path}/{name}", (str(tmp_path),)) for name in ("env/bin/a", "env/lib/a")}
    assert found == {"env/bin/a": f"{tmp_path}/env", "env/lib/a": ""}
    for name in ("alone/bin/a", "bin/a", ".local/bin/a", "a"):
        assert installation(f"{tmp_path}/{name}", (str(tmp_path),)) == "", name
    assert installation("/usr/bin/a", (str(tmp_path),)) == ""
