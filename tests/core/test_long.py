"""A long session is resumed about as fast as an empty one: what it read is not read again. The short form of a bench."""

import importlib.util
from pathlib import Path

from assent_core.memory import sessions
from assent_core.memory.items import read_items

BENCH = Path(__file__).parents[2] / "scripts" / "bench_resume.py"


def bench():
    spec = importlib.util.spec_from_file_location("bench_resume", BENCH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_a_long_session_is_resumed_in_at_most_twice_the_time_of_an_empty_one(tmp_path):
    long: list[float] = []
    empty: list[float] = []
    for turn in "abcde":  # a busy machine gets more turns to show its best
        (tmp_path / turn).mkdir()
        times = await bench().both(tmp_path / turn, 1_000, 10, rounds=3)
        long, empty = [*long, *times[0]], [*empty, *times[1]]
        if min(long) <= 2 * min(empty):
            break
    assert min(long) <= 2 * min(empty)


def test_what_the_model_has_seen_last_is_found_without_reading_what_was_compacted(tmp_path):
    bench().write_session(tmp_path, tmp_path, "one", 320, 1)
    path = sessions.items_path(tmp_path, "one")
    whole = read_items(path)
    begins = path.read_bytes().rindex(b"\n[0,")
    path.write_bytes(b"{" + b"x" * (begins - 1) + path.read_bytes()[begins:])
    assert read_items(path) == whole
    assert whole.lost == 0
    lines = path.read_bytes().split(b"\n")
    lines[1] = b"[0,torn"
    path.write_bytes(b"\n".join(lines))
    assert read_items(path).lost == 2
