"""A setting is changed in the user's file, and all else in it stays as it was written."""

import tomllib

import pytest

from assent_core.errors import UsageError
from assent_core.settings import Settings, load
from assent_core.settings_file import change, edited, line_of, read, settings_file

FILE = """\
# mine
mode = "careful"   # I like to see it
readable = [
    "/opt/a",      # needed
    "/opt/b",
]

[limits]
# seconds matter
seconds = 60.0

[worker]
model = "mine"
effort = "low"
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSENT_CONFIG_DIR", str(tmp_path))
    return tmp_path / "settings.toml"


@pytest.mark.parametrize(
    ("key", "value", "line", "instead"),
    [
        ("mode", "ask", 'mode = "careful"   # I like to see it', 'mode = "ask"   # I like to see it'),
        ("limits.seconds", 90.0, "seconds = 60.0", "seconds = 90.0"),
        ("worker.effort", "high", 'effort = "low"', 'effort = "high"'),
    ],
)
def test_one_line_changes_and_no_other(file, key, value, line, instead):
    file.write_text(FILE)
    change(key, value)
    assert file.read_text() == FILE.replace(line, instead)


def test_what_was_not_there_is_put_at_the_end_of_its_table(file):
    file.write_text(FILE)
    change("budget", 0.5)
    change("limits.processes", 9)
    text = file.read_text()
    assert '    "/opt/b",\n]\nbudget = 0.5\n\n[limits]' in text
    assert "seconds = 60.0\nprocesses = 9\n\n[worker]" in text
    assert (load().budget, load().limits.processes) == (0.5, 9)


def test_a_list_over_several_lines_is_replaced_whole(file):
    file.write_text(FILE)
    change("readable", ["/opt/c"])
    assert 'readable = ["/opt/c"]\n\n[limits]' in file.read_text()


def test_taking_away_gives_the_default_back(file):
    file.write_text(FILE)
    assert change("mode", None).mode == "ask"
    change("limits.seconds", None)
    change("worker.model", None)
    text = file.read_text()
    assert "mode" not in text.split("[worker]")[0]
    assert "seconds =" not in text
    assert load().worker == Settings().worker or load().worker.effort == "low"


def test_a_first_change_makes_a_file_that_only_its_owner_reads(file):
    change("worker", {"model": "llama"})
    assert tomllib.loads(file.read_text()) == {"worker": {"model": "llama"}}
    assert file.read_text().startswith("# ")
    assert file.stat().st_mode & 0o777 == 0o600
    change("worker.effort", "none")
    assert load().worker.model == "llama"
    assert load().worker.effort == "none"


def test_a_value_that_the_setting_does_not_take_is_refused_and_nothing_is_written(file):
    file.write_text(FILE)
    for key, value in (("mode", "yolo"), ("turns", 0), ("base_url", "nowhere"), ("limits.seconds", -1.0)):
        with pytest.raises(UsageError) as caught:
            change(key, value)
        assert caught.value.hint
    assert file.read_text() == FILE


def test_texts_that_look_like_statements_are_left_alone(file):
    odd = 'theme = """\nmode = "x"\n[limits]\n"""\n'
    assert edited(odd, "mode", "ask") == odd + 'mode = "ask"\n'


def test_a_table_in_braces_and_odd_names_are_written_again(file):
    file.write_text('limits = { seconds = 5.0 } # short\nkeys = { "app.help" = "f9" }\n')
    change("limits.processes", 3)
    change("keys", {"app.help": "f8", "x y": "é\n\x7f"})
    said = tomllib.loads(file.read_text())
    assert said["limits"] == {"seconds": 5.0, "processes": 3}
    assert said["keys"] == {"app.help": "f8", "x y": "é\n\x7f"}
    assert "} # short" in file.read_text()


def test_a_file_that_is_a_link_stays_one(file, tmp_path):
    (tmp_path / "real.toml").write_text(FILE)
    file.symlink_to(tmp_path / "real.toml")
    change("mode", "ask")
    assert file.is_symlink()
    assert 'mode = "ask"' in (tmp_path / "real.toml").read_text()


def test_a_file_that_is_no_toml_is_said_and_left(file):
    file.write_text("mode = \n")
    with pytest.raises(UsageError, match=r"settings\.toml"):
        change("mode", "ask")
    assert file.read_text() == "mode = \n"


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("budget", "0.5", 0.5),
        ("turns", " 12 ", 12),
        ("worker.model", "llama3:8b", "llama3:8b"),
        ("base_url", '"http://x/v1"', "http://x/v1"),
        ("readable", "/a, /b", ["/a", "/b"]),
        ("secrets", '["*.x"]', ["*.x"]),
    ],
)
def test_what_was_typed_becomes_a_value(key, typed, value):
    assert read(key, typed) == value


def test_what_is_no_value_is_said():
    with pytest.raises(UsageError, match="no value"):
        read("budget", "much")
    assert settings_file().name == "settings.toml"


@pytest.mark.parametrize(
    ("key", "line"),
    [("mode", 2), ("theme", 4), ("keys.app.help", 10), ("keys.app.leave", 11), ("limits.disk", 8), ("worker.model", 5)]
    + [(key, 0) for key in ("budget", "keys.app.quit", "limits.memory")],
)
def test_the_line_of_a_setting_is_found_wherever_it_may_stand(file, key: str, line: int):
    text = '# mine\nmode = "ask"\n# theme = "x"\ntheme = "dark"\nworker = { model = "a", effort = "low" }\n\n[limits]\ndisk = 1\n'
    file.write_text(text + '[keys]\n"app.help" = "f9"\n\'app.leave\' = "f8"\n')
    assert line_of(key) == line
