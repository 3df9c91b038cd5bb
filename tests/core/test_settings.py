"""The user's file says what it likes, a project's file can only narrow it, and mistakes are named."""

import os
import subprocess
import sys

import pytest

from assent_core.errors import UsageError
from assent_core.model import Effort
from assent_core.settings import NARROWING, RoleSettings, Settings, config_dir, load
from assent_sandbox.policy import Limits


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("ASSENT_CONFIG_DIR", str(folder))
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("ASSENT_STATE_DIR", raising=False)
    return folder


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


def test_without_files_the_defaults_hold(root):
    assert load(root) == load() == Settings()


def test_the_users_file_sets_everything_and_keeps_what_it_does_not_name(config):
    (config / "settings.toml").write_text(
        """
        mode = "careful"
        profile = "mini"
        scouting = false
        base_url = "http://localhost:8080/v1"
        prices = "pricing-page-2026-03"
        budget = 2
        turns = 9
        readable = ["/opt/data"]
        variables = ["JAVA_HOME"]
        secrets = ["*.kdbx"]
        theme = "dark"
        state = "/var/tmp/assent"
        idle_seconds = 30
        [worker]
        effort = "high"
        [limits]
        seconds = 5
        """
    )
    assert load() == Settings(
        mode="careful",
        profile="mini",
        worker=RoleSettings("gpt-5.4-mini", "high"),
        scouting=False,
        base_url="http://localhost:8080/v1",
        idle_seconds=30.0,
        prices="pricing-page-2026-03",
        budget=2.0,
        turns=9,
        limits=Limits(seconds=5.0),
        readable=("/opt/data",),
        variables=("JAVA_HOME",),
        secrets=("*.kdbx",),
        theme="dark",
        state="/var/tmp/assent",
    )


@pytest.mark.parametrize(
    ("text", "key", "takes"),
    [
        ('mode = "yolo"', "mode", "careful"),
        ("budget = -1", "budget", "USD"),
        ("budget = nan", "budget", "USD"),
        ("turns = 0", "turns", "at least 1"),
        ('turns = "many"', "turns", "at least 1"),
        ('base_url = "localhost:8080"', "base_url", "http"),
        ('base_url = "ftp://x/v1"', "base_url", "http"),
        ('worker = { model = "x", effort = "huge" }', "worker", "xhigh"),
        ('worker = { modle = "x" }', "worker", "model"),
        ('worker = "gpt-5.4"', "worker", "model"),
        ("limits = { memory = 0 }", "limits", "memory"),
        ("limits = { ram = 1 }", "limits", "memory"),
        ('readable = ["data"]', "readable", "absolute"),
        ('readable = "/data"', "readable", "list"),
        ('state = "here"', "state", "absolute"),
        ("idle_seconds = 0", "idle_seconds", "above 0"),
        ("scouting = 1", "scouting", "true or false"),
        ('modle = "x"', "modle", "mode"),
    ],
)
def test_a_wrong_value_is_named_by_file_key_and_what_it_takes(config, text, key, takes):
    file = config / "settings.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load()
    assert str(file) in caught.value.message
    assert key in caught.value.message
    assert takes in caught.value.hint


@pytest.mark.parametrize("text", [b"mode = ", b"\xff\xfe", b"a = 1\na = 2"])
def test_a_file_that_is_not_toml_is_named(config, text):
    (config / "settings.toml").write_bytes(text)
    with pytest.raises(UsageError, match=r"settings\.toml"):
        load()


def test_a_project_narrows(config, root):
    (config / "settings.toml").write_text(
        'budget = 5\nturns = 50\nsecrets = ["a"]\nlimits = { seconds = 100, memory = 7 }'
    )
    (root / ".assent.toml").write_text(
        'mode = "read-only"\nbudget = 1.5\nturns = 3\nscouting = false\nsecrets = ["b"]\nlimits = { seconds = 10, memory = 9 }'
    )
    assert load(root) == Settings(
        mode="read-only",
        budget=1.5,
        turns=3,
        scouting=False,
        secrets=("a", "b"),
        limits=Limits(seconds=10.0, memory=7),
    )


def test_a_project_cannot_widen(config, root):
    user = 'mode = "careful"\nbudget = 1\nturns = 5\nscouting = false\nsecrets = ["a"]\nlimits = { seconds = 10 }'
    (config / "settings.toml").write_text(user)
    (root / ".assent.toml").write_text(
        'mode = "ask"\nbudget = 0\nturns = 500\nscouting = true\nsecrets = []\n'
        "limits = { seconds = 1000, memory = 99999999999999 }"
    )
    assert load(root) == load()


def test_a_project_can_set_a_budget_where_the_user_has_none(root):
    (root / ".assent.toml").write_text("budget = 0.25")
    assert load(root).budget == 0.25


def test_the_budgets_of_a_task_and_a_day_can_only_be_lowered_by_a_project(config, root):
    (config / "settings.toml").write_text("budget_task = 1\nbudget_day = 5")
    (root / ".assent.toml").write_text("budget_task = 2\nbudget_day = 3")
    assert (load(root).budget_task, load(root).budget_day) == (1.0, 3.0)


@pytest.mark.parametrize(
    ("text", "takes"),
    [
        ("context = 3999", "at least 4000"),
        ("context = -1", "at least 4000"),
        ("tokens_per_usd = -1", "a number of tokens"),
        ("budget_day = -0.5", "USD per day"),
        ("budget_task = inf", "USD per task"),
        ('tier = "fast"', "priority"),
    ],
)
def test_what_has_to_do_with_money_and_context_is_checked(config, text, takes):
    (config / "settings.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load()
    assert takes in caught.value.hint


@pytest.mark.parametrize("key", sorted(set(Settings.__struct_fields__) - set(NARROWING)))
def test_everything_else_in_a_projects_file_is_refused(root, key):
    (root / ".assent.toml").write_text(f'{key} = "x"')
    with pytest.raises(UsageError, match=key) as caught:
        load(root)
    assert str(root / ".assent.toml") in caught.value.message
    assert "stricter" in caught.value.hint


def test_a_pipe_a_folder_and_a_huge_file_are_no_settings(root):
    file = root / ".assent.toml"
    for make in (lambda: os.mkfifo(file), file.mkdir, lambda: file.write_text("#" * 300_000)):
        make()
        with pytest.raises(UsageError, match=r"\.assent\.toml"):
            load(root)
        file.rmdir() if file.is_dir() else file.unlink()


def test_the_server_is_that_of_the_settings_then_of_the_environment_then_openai(monkeypatch):
    assert Settings().server == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert load().server == "http://127.0.0.1:1/v1"
    assert Settings(base_url="https://x/v1").server == "https://x/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "nonsense")
    with pytest.raises(UsageError, match="OPENAI_BASE_URL"):
        load()


def test_state_and_configuration_are_where_the_platform_or_the_environment_says(tmp_path, monkeypatch):
    assert Settings(state="/somewhere").state_dir.as_posix() == "/somewhere"
    monkeypatch.setenv("ASSENT_STATE_DIR", str(tmp_path / "state"))
    assert Settings(state="/somewhere").state_dir == tmp_path / "state"
    monkeypatch.delenv("ASSENT_STATE_DIR")
    monkeypatch.delenv("ASSENT_CONFIG_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for folder in (Settings().state_dir, config_dir()):
        assert folder.is_relative_to(tmp_path)
        assert folder.name == "assent"


def test_reading_the_settings_imports_nothing_heavy():
    heavy = ["openai", "textual", "rich", "git", "keyring", "pygments", "tree_sitter"]
    code = f"import sys; from assent_core.settings import load; load(); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_effort_is_taken(config):
    for effort in Effort.__args__:
        (config / "settings.toml").write_text(f'[worker]\nmodel = "m"\neffort = "{effort}"')
        assert load().worker == RoleSettings("m", effort)
