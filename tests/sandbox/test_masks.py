"""Secrets are found by name wherever they lie and however old their folder looks; what cannot be looked at is hidden whole."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from assent_sandbox.policy import Policy, Widening
from assent_sandbox.sight import masks, watch
from assent_sandbox.sight.masks import SecretFiles, is_secret
from assent_sandbox.sight.surroundings import keys_elsewhere
from assent_sandbox.stage import WallsError
from staged import open_as, sh

KEY = "-----BEGIN PRIVATE KEY-----\nx\n"


def find(root: Path) -> tuple[str, ...]:
    secrets = SecretFiles(str(root))
    try:
        return secrets.find(Policy())
    finally:
        secrets.close()


def put(root: Path, *names: str, text: str = "x") -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize(
    "name",
    [".env", ".ENV", ".Env.local", "Server.PEM", "x.KEY", "id_rsa", "id_ecdsa", "id_ecdsa_sk", "ID_DSA", ".npmrc", ".pypirc",
     ".git-credentials", "a.P12", ".NETRC", ".dockercfg", "x.ppk"],
)  # fmt: skip
def test_a_name_is_secret_in_any_case(name: str) -> None:
    assert is_secret(name, Policy())


@pytest.mark.parametrize(
    "name", [".env.example", ".ENV.Sample", "id_rsa.pub", "ID_ED25519.PUB", "environment", "keys.py"]
)
def test_a_name_that_is_public_is_so_in_any_case(name: str) -> None:
    assert not is_secret(name, Policy())


@pytest.mark.parametrize(
    "folder", ["node_modules/p", "target", "venv", ".venv/lib", ".tox/py", "__pycache__", ".git", ".hg", "a/b"]
)
def test_every_folder_is_looked_into(tmp_path: Path, folder: str) -> None:
    put(tmp_path, f"{folder}/.env")
    assert find(tmp_path) == (f"{folder}/.env",)


def test_certificates_that_were_fetched_are_no_secret_unless_there_is_a_key_in_them(tmp_path: Path) -> None:
    fetched = ("venv/lib/certifi/cacert.pem", "node_modules/p/ca.key")
    put(tmp_path, *fetched, text="-----BEGIN CERTIFICATE-----\n")
    put(tmp_path, "tls/cacert.pem", text="-----BEGIN CERTIFICATE-----\n")
    put(tmp_path, "venv/lib/p/test.pem", "node_modules/p/dev.key", text=KEY)
    assert find(tmp_path) == ("node_modules/p/dev.key", "tls/cacert.pem", "venv/lib/p/test.pem")


@pytest.mark.parametrize("most", [1_000_000, 0])
def test_a_secret_is_found_although_the_time_of_its_folder_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(watch, "_most_watches", lambda: most)
    monkeypatch.setattr(masks, "_TICK", 0)
    put(tmp_path, "deep/a.txt")
    then = (tmp_path / "deep").stat().st_mtime_ns
    secrets = SecretFiles(str(tmp_path))
    assert secrets.find(Policy()) == ()
    put(tmp_path, "deep/.env")
    os.utime(tmp_path / "deep", ns=(then, then))
    assert secrets.find(Policy()) == ("deep/.env",)
    secrets.close()


def test_a_folder_that_has_only_just_changed_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_most_watches", lambda: 0)
    monkeypatch.setattr(masks, "_stamp", lambda status: (1,))  # pyright: ignore
    secrets = SecretFiles(str(tmp_path))
    assert secrets.find(Policy()) == ()
    put(tmp_path, ".env")
    assert secrets.find(Policy()) == (".env",)
    deadline = time.monotonic() + 60
    while time.time_ns() - tmp_path.stat().st_ctime_ns <= masks._TICK and time.monotonic() < deadline:
        time.sleep(0.01)
    secrets.find(Policy())
    put(tmp_path, ".env.local")
    assert secrets.find(Policy()) == (".env",)
    secrets.close()


def test_beyond_the_most_folders_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "_MOST_FOLDERS", 3)
    put(tmp_path, "a/x", "b/x")
    assert find(tmp_path) == ()
    put(tmp_path, "c/x")
    with pytest.raises(WallsError, match="more than 3 folders"):
        find(tmp_path)


def test_a_folder_of_the_user_that_cannot_be_listed_is_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "closed/.env", "open/.env")

    def scandir(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "closed", path)
        return listed(path)

    listed = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    assert find(tmp_path) == ("closed", "open/.env")
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert find(tmp_path) == ("open/.env",)


def test_what_lies_too_deep_for_a_path_is_secret_as_a_whole(tmp_path: Path) -> None:
    name = "d" * 250
    above = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir(name, dir_fd=above)
        above, old = os.open(name, os.O_RDONLY, dir_fd=above), above
        os.close(old)
    os.close(os.open(".env", os.O_CREAT | os.O_WRONLY, dir_fd=above))
    os.close(above)
    (found,) = find(tmp_path)
    assert set(found.split("/")) == {name}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "repo/a.txt", "repo/conf/one")
    return tmp_path / "repo"


async def test_links_are_followed_anew_each_time(root: Path) -> None:
    put(root, "conf/two")
    (root / "conf/link").symlink_to("one")
    (root / ".env").symlink_to("conf/link")
    secrets = SecretFiles(str(root))
    assert secrets.find(Policy()) == (".env", "conf/one")
    (root / "conf/link").unlink()
    (root / "conf/link").symlink_to("two")
    assert secrets.find(Policy()) == (".env", "conf/two")
    secrets.close()


async def test_what_a_secret_link_leads_to_outside_is_hidden_and_what_holds_the_repository_is_not(root: Path) -> None:
    put(root.parent, "shared/prod", "shared/more/x")
    for name, target in (
        (".env", "../shared/prod"),
        ("a.pem", "../shared"),
        ("b.pem", ".."),
        ("c.pem", "/"),
        ("d.pem", "/usr/bin"),
    ):
        (root / name).symlink_to(target)
    secrets = SecretFiles(str(root))
    secrets.find(Policy())
    assert secrets.outside == (f"{root.parent}/shared", f"{root.parent}/shared/prod")
    secrets.close()


async def test_a_secret_in_a_deep_place_is_masked_in_both_tiers(tier: str, root: Path, tmp_path: Path) -> None:
    put(root, "node_modules/p/.env", "target/.ENV", text="token")
    stage = open_as(tier, root, tmp_path / "home")
    try:
        ended = await sh(stage, "cat node_modules/p/.env target/.ENV 2> /dev/null || echo hidden")
        assert ended.output == b"hidden\n"
        granted = Policy(widenings=(Widening("secret", "target/.ENV"),))
        assert (await sh(stage, "cat target/.ENV", granted)).output == b"token"
    finally:
        await stage.close()


async def test_a_mask_that_cannot_be_placed_fails_the_command(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(root, ".env")
    monkeypatch.setattr(SecretFiles, "told", lambda self: (f"{'x' * 300}/.env",))  # pyright: ignore
    stage = open_as("overlay", root, tmp_path / "home")
    try:
        with pytest.raises(WallsError, match="mask x"):
            await sh(stage, "true")
    finally:
        await stage.close()


def test_keys_whose_well_known_places_are_links_are_found_where_they_lie(tmp_path: Path) -> None:
    put(tmp_path, "dotfiles/ssh/id", "home/.netrc", "cargo/credentials.toml")
    (tmp_path / "home/.ssh").symlink_to(tmp_path / "dotfiles/ssh")
    found = keys_elsewhere({"HOME": f"{tmp_path}/home", "CARGO_HOME": f"{tmp_path}/cargo"})
    assert set(found) == {f"{tmp_path}/dotfiles/ssh", f"{tmp_path}/cargo/credentials.toml"}
