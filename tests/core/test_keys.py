"""The API key is found in the environment, the user's own file or the keyring, and goes only to the server it is for."""

import os
import subprocess
import sys

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from assent_core.errors import KeyMissing, UsageError
from assent_core.service.keys import find_key, store_key
from assent_core.settings import Settings


class Chest(KeyringBackend):
    """A keyring that holds what it is given for the length of a test."""

    priority = 1

    def __init__(self):
        super().__init__()
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSENT_CONFIG_DIR", str(tmp_path))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    return tmp_path


@pytest.fixture
def chest():
    before = keyring.get_keyring()
    keyring.set_keyring(made := Chest())
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def no_chest():
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    yield
    keyring.set_keyring(before)


def test_the_environment_comes_first(chest, monkeypatch):
    store_key("sk-kept")
    monkeypatch.setenv("OPENAI_API_KEY", "  sk-environment\n")
    assert find_key() == "sk-environment"


def test_where_the_environment_or_a_file_has_the_key_no_keyring_is_even_imported(no_chest, tmp_path):
    store_key("sk-kept")
    asked = "import sys; from assent_core.service.keys import find_key as f; print(f(), {'keyring', 'openai'} & {*sys.modules})"
    environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    for given, key in (({"OPENAI_API_KEY": "sk-environment"}, "sk-environment"), ({}, "sk-kept")):
        done = subprocess.run(
            [sys.executable, "-c", asked], env=environment | given, capture_output=True, text=True, check=True
        )
        assert done.stdout == f"{key} set()\n"


def test_a_stored_key_is_in_the_keyring_and_nowhere_else(chest, config):
    assert "keyring" in store_key(" sk-kept\n")
    assert find_key() == "sk-kept"
    assert list(config.rglob("*")) == []
    assert chest.kept == {("assent", "api.openai.com"): "sk-kept"}


def test_without_a_keyring_the_key_is_in_a_file_of_the_user_alone_and_that_is_said(no_chest, config):
    told = store_key("sk-kept")
    file = config / "keys" / "api.openai.com"
    assert str(file) in told
    assert "not encrypted" in told
    assert file.stat().st_mode & 0o777 == 0o600
    assert find_key() == "sk-kept"
    store_key("sk-next")
    assert find_key() == "sk-next"
    assert [each.name for each in file.parent.iterdir()] == ["api.openai.com"]


def test_a_key_file_that_others_can_read_is_not_used(no_chest, config):
    store_key("sk-kept")
    file = config / "keys" / "api.openai.com"
    file.chmod(0o644)
    with pytest.raises(KeyMissing, match="open to other users") as caught:
        find_key()
    assert f"chmod 600 {file}" in caught.value.hint


def test_the_file_goes_when_a_keyring_takes_the_key(no_chest, config):
    store_key("sk-old")
    keyring.set_keyring(Chest())
    store_key("sk-new")
    assert find_key() == "sk-new"
    assert list((config / "keys").iterdir()) == []


def test_a_stored_key_is_never_given_to_another_server(chest):
    store_key("sk-openai")
    with pytest.raises(KeyMissing, match=r"models\.example"):
        find_key(Settings(base_url="https://models.example/v1"))
    store_key("sk-other", "https://models.example/v1")
    assert find_key(Settings(base_url="https://models.example/v1")) == "sk-other"
    assert find_key(Settings(base_url="https://api.openai.com/v1")) == "sk-openai"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/v1", "http://localhost:11434/v1", "http://[::1]:1/v1"])
def test_a_server_on_this_machine_needs_no_key_and_gets_none(chest, url):
    store_key("sk-openai")
    assert find_key(Settings(base_url=url)) == "no-key-needed"


@pytest.mark.parametrize("url", ["http://127.evil.example/v1", "http://localhost.example/v1"])
def test_a_name_that_only_looks_like_this_machine_needs_a_key(chest, url):
    with pytest.raises(KeyMissing):
        find_key(Settings(base_url=url))


def test_no_key_anywhere_says_what_to_do(no_chest):
    with pytest.raises(KeyMissing) as caught:
        find_key()
    assert "OPENAI_API_KEY" in caught.value.hint


@pytest.mark.parametrize("key", ["", "two words", "schlüssel", "sk-\x1b[31m"])
def test_what_cannot_be_a_key_is_not_kept(chest, key):
    with pytest.raises(UsageError):
        store_key(key)
    assert chest.kept == {}


def test_a_mangled_key_in_the_environment_is_not_sent(chest, monkeypatch):
    monkeypatch.setitem(os.environ, "OPENAI_API_KEY", "sk-a\nsk-b")
    with pytest.raises(KeyMissing, match="characters"):
        find_key()


def test_a_key_is_kept_for_the_server_of_the_environment(chest, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "https://models.example/v1")
    store_key("sk-other")
    assert find_key() == "sk-other"
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(KeyMissing):
        find_key()


def test_the_keyring_is_chosen_without_starting_any_program():
    asked = (
        "import sys; started = []; sys.addaudithook(lambda name, args: started.append(args) if name in "
        "('subprocess.Popen', 'os.exec', 'os.posix_spawn', 'os.fork', 'os.system') else None);"
        "from assent_core.service.keyrings import keyring_of_platform; keyring_of_platform(); print(started)"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", asked], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("named", ["no.such.module.Keyring", "keyring.backends.fail.None", "nothing"])
def test_a_keyring_named_in_the_environment_that_is_none_is_passed_over(named, monkeypatch):
    monkeypatch.setattr(keyring.core, "_keyring_backend", None)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", named)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    with pytest.raises(KeyMissing):
        find_key()
