"""The record of a session is complete, private and readable after a crash."""

import stat

import pytest

from assent_core.events import Ended, Noticed, Printed, Prompted, Texted
from assent_core.memory.record import Record, read
from assent_core.redaction.redactor import Redactor


def make(tmp_path, *values: str) -> Record:
    return Record(tmp_path / "sessions" / "one.jsonl", "one", tmp_path, Redactor(values))


def test_what_was_appended_is_read_back_in_order(tmp_path):
    record = make(tmp_path)
    events = [Prompted(turn=1, text="fix ünïcode \u2028 it"), Ended(turn=1, how="done")]
    for event in events:
        record.append(event)
    heading, lines, torn = read(record.path)
    assert (heading.session, heading.root, torn) == ("one", str(tmp_path), False)
    assert [line.what for line in lines] == events


def test_pieces_of_streams_are_left_out_because_their_whole_follows(tmp_path):
    record = make(tmp_path)
    record.append(Texted(delta="pie"))
    record.append(Printed(id="1", text="ce"))
    assert read(record.path)[1] == ()


def test_only_its_owner_may_read_it(tmp_path):
    assert stat.S_IMODE(make(tmp_path).path.stat().st_mode) == 0o600


def test_a_secret_never_reaches_the_file(tmp_path):
    record = make(tmp_path, 'hunter"2222')
    record.append(Noticed(text='it is hunter"2222'))
    assert b"2222" not in record.path.read_bytes()
    assert read(record.path)[1][0].what == Noticed(text="it is [redacted]")


def test_an_event_is_in_the_file_as_soon_as_it_is_appended(tmp_path):
    record = make(tmp_path)
    record.append(Noticed(text="now"))
    assert b"now" in record.path.read_bytes()


def test_a_torn_last_line_is_dropped_and_said(tmp_path):
    record = make(tmp_path)
    record.append(Noticed(text="whole"))
    record.append(Noticed(text="torn"))
    record.path.write_bytes(record.path.read_bytes()[:-5])
    _, lines, torn = read(record.path)
    assert ([line.what for line in lines], torn) == ([Noticed(text="whole")], True)


def test_opening_a_record_again_goes_on_where_it_ended(tmp_path):
    for text in ("one", "two"):
        record = make(tmp_path)
        record.append(Noticed(text=text))
        record.close()
    assert [line.what.text for line in read(record.path)[1]] == ["one", "two"]


def test_another_file_is_refused_in_words(tmp_path):
    (tmp_path / "x").write_text("hello\n")
    with pytest.raises(ValueError, match="is not a record"):
        read(tmp_path / "x")
