"""A command's environment comes from a list, and no key is on it."""

from __future__ import annotations

import pytest

from assent_sandbox.policy import Command, Policy, View
from assent_sandbox.sight.environment import build_environment, looks_secret

OVERLAY = View(tier="overlay", root="/r/repo", home="/state/s")
COPY = View(tier="copy", root="/r/repo", home="/state/s", copy="/state/s/copy")
OWN = {
    "PATH": "/usr/bin:.:relative:/usr/bin/:/r/repo/.venv/bin::/bin",
    "HOME": "/home/u",
    "LC_TIME": "C",
    "OPENAI_API_KEY": "k",
    "AWS_SECRET_ACCESS_KEY": "k",
    "SSH_AUTH_SOCK": "/run/agent",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/bus",
    "DATABASE_URL": "postgres://u:p@h/d",
    "PYTHONPATH": "/evil",
    "LD_PRELOAD": "/evil.so",
    "VIRTUAL_ENV": "/r/repo/.venv",
}


def built(view: View = OVERLAY, policy: Policy | None = None, **environment: str) -> dict[str, str]:
    return build_environment(view, Command(argv=("x",), environment=environment), policy or Policy(), OWN, "/tmp")


def test_only_listed_variables_are_passed_on() -> None:
    values = built()
    assert values["HOME"] == "/home/u"
    assert values["LC_TIME"] == "C"
    assert not values.keys() & {
        "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "DATABASE_URL",
        "PYTHONPATH", "LD_PRELOAD",
    }  # fmt: skip


def test_settings_pass_on_more_but_never_a_key() -> None:
    values = built(policy=Policy(variables=("DATABASE_URL", "OPENAI_API_KEY", "MISSING")))
    assert values["DATABASE_URL"] == "postgres://u:p@h/d"
    assert "OPENAI_API_KEY" not in values
    assert "MISSING" not in values


def test_a_command_has_the_last_word() -> None:
    assert built(TERM="xterm", MY_TOKEN="mine")["TERM"] == "xterm"
    assert built(MY_TOKEN="mine")["MY_TOKEN"] == "mine"


def test_path_holds_absolute_folders_once() -> None:
    assert built()["PATH"] == "/usr/bin:/r/repo/.venv/bin:/bin"


def test_in_a_copy_the_paths_lead_into_the_copy() -> None:
    values = built(COPY)
    assert values["PATH"] == "/usr/bin:/state/s/copy/.venv/bin:/bin"
    assert values["VIRTUAL_ENV"] == "/state/s/copy/.venv"
    assert values["PWD"] == "/state/s/copy"


@pytest.mark.parametrize(
    "name", ["OPENAI_API_KEY", "GITHUB_TOKEN", "DB_PASSWORD", "api_keys", "MY_SECRET", "GH_PAT", "KEY"]
)
def test_names_of_keys_are_recognised(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize("name", ["PATH", "KEYBOARD", "MONKEY", "AUTHOR", "TOKENIZERS", "LANG"])
def test_other_names_are_not(name: str) -> None:
    assert not looks_secret(name)
