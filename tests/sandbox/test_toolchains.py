"""Packages that tools have fetched are shown, although the tools lie outside of home; what lies beside them is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from assent_sandbox.sight.toolchains import (
    _is_toolchain,
    find_interpreters,
    find_toolchains,
    installation,
    named_places,
)


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


def make_python(prefix: Path, *, environment: bool = False) -> Path:
    (prefix / "bin").mkdir(parents=True)
    (prefix / "lib/python3.11").mkdir(parents=True)
    program = prefix / "bin/python3.11"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (prefix / ("pyvenv.cfg" if environment else "lib/python3.11/os.py")).touch()
    return program


def shown(home: Path, root: Path, path: str = "/usr/bin") -> tuple[str, ...]:
    return find_toolchains(path, find_interpreters(str(root), ()), (str(home),), str(root))


@pytest.mark.parametrize(
    "target", ["other/python", "other/bin/python", "other/bin/tool", "bin/python3.11", ".ssh/python"]
)
def test_a_link_of_a_repository_to_what_is_no_python_shows_nothing(tmp_path: Path, target: str) -> None:
    root = tmp_path / "repo"
    (root / "env/bin").mkdir(parents=True)
    (root / "env/bin/python").symlink_to(f"../../../{target}")
    program = tmp_path / target
    program.parent.mkdir(parents=True)
    assert shown(tmp_path, root) == ()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert shown(tmp_path, root) == ()
    (root / "pyvenv.cfg").touch()
    assert shown(tmp_path, root) == ()


def test_a_link_of_a_repository_shows_a_python_that_it_leads_to_through_others(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    (root / ".venv/bin").mkdir(parents=True)
    program = make_python(tmp_path / ".pyenv/versions/3.11")
    (tmp_path / ".local/bin").mkdir(parents=True)
    (tmp_path / ".local/bin/python3").symlink_to(program)
    (root / ".venv/bin/python").symlink_to(tmp_path / ".local/bin/python3")
    assert shown(tmp_path, root) == (f"{tmp_path}/.pyenv/versions/3.11",)
    program.chmod(0o644)
    assert shown(tmp_path, root) == ()


def test_of_an_environment_that_a_repository_links_to_only_its_parts_are_shown(tmp_path: Path) -> None:
    root, project = tmp_path / "repo", tmp_path / "project"
    (root / "venv/bin").mkdir(parents=True)
    (root / "venv/bin/python").symlink_to(make_python(project, environment=True))
    for name in ("lib/notes", "src"):
        (project / name).mkdir()
    assert shown(tmp_path, root) == tuple(f"{project}/{name}" for name in ("bin", "lib/python3.11", "pyvenv.cfg"))


def test_folders_of_a_repository_on_path_show_nothing_that_their_links_lead_to(tmp_path: Path) -> None:
    root, other = tmp_path / "repo", tmp_path / "other"
    for folder in (root / "node_modules/.bin", other / "bin", tmp_path / "tools/bin"):
        folder.mkdir(parents=True)
    (other / "bin/x").touch()
    (root / "node_modules/.bin/x").symlink_to(other / "bin/x")
    (root / "bin").symlink_to(other / "bin")
    assert shown(tmp_path, root, f"{root}/node_modules/.bin:{root}/bin:bin:.") == ()
    assert shown(tmp_path, root, f"{tmp_path}/tools/bin") == (f"{tmp_path}/tools",)


def test_a_folder_on_path_that_leads_into_the_repository_does_not_show_its_real_files(tmp_path: Path) -> None:
    root = tmp_path / "work/repo"
    (root / "bin").mkdir(parents=True)
    (tmp_path / "link").symlink_to(root)
    (tmp_path / "above").symlink_to(tmp_path / "work")
    assert shown(tmp_path, root, f"{tmp_path}/link/bin:{tmp_path}/above/repo/bin:{tmp_path}/above") == ()


def test_what_the_environment_names_as_a_tool_is_shown_and_no_home_disk_or_repository(tmp_path: Path) -> None:
    for name in ("jdk", "go/pkg/mod", "repo/sdk", "Documents"):
        (tmp_path / name).mkdir(parents=True)
    named = {
        "JAVA_HOME": f"{tmp_path}/jdk",
        "GOPATH": f"{tmp_path}/go",
        "ANDROID_HOME": f"{tmp_path}/repo/sdk",
        "GOROOT": f"{tmp_path}/gone",
        "CARGO_HOME": "/mnt/disk",
        "GEM_HOME": "gems",
        "NVM_DIR": f"{tmp_path}/Documents",
        "CONDA_PREFIX": "/",
    }
    found = named_places(named, (str(tmp_path), "/"), f"{tmp_path}/repo")
    assert found == (f"{tmp_path}/jdk", f"{tmp_path}/go/pkg/mod")


@pytest.mark.parametrize("folder", ["/opt", "/data", "/home/other", "/mnt/disk", "/media/stick", "/home/me", "/home"])
def test_a_home_a_disk_and_a_folder_at_the_root_are_no_toolchains(folder: str) -> None:
    assert not _is_toolchain(folder, ("/home/me", "/"))


@pytest.mark.parametrize("folder", ["/opt/x", "/home/linuxbrew/.linuxbrew", "/mnt/disk/tools", "/home/me/.cargo"])
def test_what_lies_deeper_may_be_one(folder: str) -> None:
    assert _is_toolchain(folder, ("/home/me", "/"))
