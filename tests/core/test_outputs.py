"""What commands wrote can be read again, by window, redacted, and only by its owner."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from assent_core.memory.outputs import MOST, Outputs


def test_any_window_of_an_output_can_be_read_by_the_name_that_it_got(tmp_path: Path):
    outputs = Outputs(tmp_path / "outputs")
    first, second = outputs.keep("a\nb\nc\n"), outputs.keep("only\n")
    assert (first, second) == ("log:1", "log:2")
    assert outputs.window(first, 2, 1) == "    2 b\n[lines 2-2 of 3]"
    assert outputs.window(first, 1, 400) == "    1 a\n    2 b\n    3 c\n[lines 1-3 of 3]"
    assert outputs.window(second, 2, 1) == "log:2 has no line 2."


def test_a_path_is_no_name_of_an_output(tmp_path: Path):
    outputs = Outputs(tmp_path)
    for path in ("log", "log:", "log:../1", "./log:1", "log:1/x", "log:-1", "log:٣"):
        assert outputs.window(path, 1, 1) is None or "There is no" in str(outputs.window(path, 1, 1))


def test_an_output_that_is_not_there_is_told_with_those_that_are(tmp_path: Path):
    outputs = Outputs(tmp_path / "outputs")
    assert outputs.window("log:7", 1, 1) == "There is no log:7; kept are: none."
    outputs.keep("x")
    assert outputs.window("log:7", 1, 1) == "There is no log:7; kept are: log:1."


def test_names_go_on_where_an_earlier_run_of_the_session_ended(tmp_path: Path):
    Outputs(tmp_path).keep("x")
    assert Outputs(tmp_path).keep("y") == "log:2"


def test_only_the_owner_can_read_them(tmp_path: Path):
    Outputs(tmp_path / "outputs").keep("x")
    assert stat.S_IMODE((tmp_path / "outputs").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "outputs").iterdir()} == {0o600}


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("assent_core.memory.outputs.MOST", 25)
    outputs = Outputs(tmp_path)
    for number in range(5):
        outputs.keep(f"{number}" * 10)
    assert "kept are: log:4, log:5." in str(Outputs(tmp_path).window("log:1", 1, 1))
    assert outputs.keep("y" * 100) == "log:6"
    assert "kept are: log:6." in str(Outputs(tmp_path).window("log:4", 1, 1))
    assert len(list(tmp_path.iterdir())) == 2
    assert MOST > 1 << 20


def test_where_nothing_can_be_kept_there_is_no_name(tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert Outputs(tmp_path / "file").keep("x") == ""


def test_the_same_output_is_stored_once_and_stays_as_long_as_one_of_its_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("assent_core.memory.outputs.MOST", 25)
    outputs = Outputs(tmp_path)
    assert (outputs.keep("same text\n"), outputs.keep("same text\n")) == ("log:1", "log:2")
    assert len(list(tmp_path.iterdir())) == 2
    outputs.keep("other text of some length\n")
    assert "kept are: log:3." in str(outputs.window("log:2", 1, 1))


def test_a_damaged_line_of_the_index_costs_one_name(tmp_path: Path):
    outputs = Outputs(tmp_path)
    outputs.keep("one\n")
    with (tmp_path / "outputs").open("a") as index:
        index.write("2 12 torn")
    assert Outputs(tmp_path).keep("three\n") == "log:3"
    assert Outputs(tmp_path).window("log:1", 1, 1) == "    1 one\n[lines 1-1 of 1]"
    assert Outputs(tmp_path).window("log:3", 1, 1) == "    1 three\n[lines 1-1 of 1]"


def test_the_line_of_a_text_is_found_wherever_it_stands(tmp_path: Path):
    outputs = Outputs(tmp_path)
    name = outputs.keep_all([f"{'quiet ' * 20}\n" * 30_000, f"{'quiet ' * 20}\n" * 30_000, "loud\n"])
    assert outputs.keep_all(["a\nb\n", "found here\nand found here again"]) == "log:2"
    assert (outputs.line_of("log:2", "found here"), outputs.line_of("log:2", "and foun…")) == (3, 4)
    assert outputs.line_of(name, "loud") == 60_001
    assert [outputs.line_of(*asked) for asked in ((name, "none"), ("log:9", "x"), ("x", "x"), ("log:2", ""))] == [0] * 4


def test_a_window_of_endless_lines_is_bounded(tmp_path: Path):
    outputs = Outputs(tmp_path)
    name = outputs.keep_all(["x" * 200_000, "\nshort\n"])
    first = outputs.window(name, 1, 1)
    assert first
    assert len(first) < 70_000
    assert first.endswith("[...]\n[lines 1-1 of 2]")
    assert outputs.window(name, 2, 1) == "    2 short\n[lines 2-2 of 2]"


def test_where_writing_fails_all_is_taken_in_all_the_same(tmp_path: Path):
    taken: list[str] = []

    def pieces() -> Iterator[str]:
        for piece in ("a", "b", "c"):
            taken.append(piece)
            yield piece

    (tmp_path / "file").write_text("")
    assert Outputs(tmp_path / "file").keep_all(pieces()) == ""
    assert taken == ["a", "b", "c"]
