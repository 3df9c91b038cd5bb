"""The record of a session is complete, private and readable after a crash."""

import stat

import pytest

from assent_core.events import Ended, Noticed, Performed, Printed, Prompted, Texted
from assent_core.lines import FORMAT
from assent_core.memory.record import LARGE, Record, read, whole
from assent_core.memory.versions import Step
from assent_core.redaction.redactor import Redactor


def make(tmp_path, *values: str) -> Record:
    return Record(tmp_path / "sessions" / "one.jsonl", "one", tmp_path, Redactor(values))


def test_what_was_appended_is_read_back_in_order(tmp_path):
    record = make(tmp_path)
    events = [Prompted(turn=1, text="fix ünïcode \u2028 it"), Ended(turn=1, how="done")]
    for event in events:
        record.append(event)
    passage = read(record.path)
    heading = passage.heading
    assert (heading.session, heading.root, passage.torn, passage.lost) == ("one", str(tmp_path), False, ())
    assert list(passage.events) == events


def test_pieces_of_streams_are_left_out_because_their_whole_follows(tmp_path):
    record = make(tmp_path)
    record.append(Texted(delta="pie"))
    record.append(Printed(id="1", text="ce"))
    assert read(record.path).lines == ()


def test_only_its_owner_may_read_it(tmp_path):
    assert stat.S_IMODE(make(tmp_path).path.stat().st_mode) == 0o600


def test_a_secret_never_reaches_the_file(tmp_path):
    record = make(tmp_path, 'hunter"2222')
    record.append(Noticed(text='it is hunter"2222'))
    assert b"2222" not in record.path.read_bytes()
    assert read(record.path).events[0] == Noticed(text="it is [redacted]")


def test_an_event_is_in_the_file_as_soon_as_it_is_appended(tmp_path):
    record = make(tmp_path)
    record.append(Noticed(text="now"))
    assert b"now" in record.path.read_bytes()


def test_a_torn_last_line_is_dropped_and_said(tmp_path):
    record = make(tmp_path)
    record.append(Noticed(text="whole"))
    record.append(Noticed(text="torn"))
    record.path.write_bytes(record.path.read_bytes()[:-5])
    passage = read(record.path)
    assert (passage.events, passage.torn, passage.lost) == ((Noticed(text="whole"),), True, ())


def test_opening_a_record_again_goes_on_where_it_ended(tmp_path):
    for text in ("one", "two"):
        record = make(tmp_path)
        record.append(Noticed(text=text))
        record.close()
    assert [event.text for event in read(record.path).events] == ["one", "two"]


def test_another_file_is_refused_in_words(tmp_path):
    (tmp_path / "x").write_text("hello\n")
    with pytest.raises(ValueError, match="is not a record"):
        read(tmp_path / "x")


@pytest.mark.parametrize("damage", [b"{", b"", b"\x00" * 40, b"\xff\xfe", b'{"time":1,"what":{"event":"unheard"}}'])
def test_a_line_damaged_in_the_middle_is_left_out_and_said_and_the_rest_stays(tmp_path, damage):
    record = make(tmp_path)
    for text in ("one", "two", "three"):
        record.append(Noticed(text=text))
    lines = record.path.read_bytes().split(b"\n")
    lines[2] = damage
    record.path.write_bytes(b"\n".join(lines))
    passage = read(record.path)
    assert [event.text for event in passage.events] == ["one", "three"]
    assert passage.lost == ((3,) if damage else ())
    make(tmp_path).append(Noticed(text="four"))
    assert [event.text for event in read(record.path).events] == ["one", "three", "four"]


def test_a_large_text_is_a_blob_beside_the_record_stored_once(tmp_path):
    record = make(tmp_path, "a-secret-value")
    told = "first\n" + "x" * 50_000 + "\na-secret-value\nlast\n"
    for id in ("1", "2"):
        record.append(Performed(id=id, ok=True, told=told))
    one, two = read(record.path).events
    assert len(one.told) < LARGE + 200
    assert one.told.startswith("first\n")
    assert one.told.endswith("last\n")
    assert one.whole == two.whole
    assert whole(record.path, one) == told.replace("a-secret-value", "[redacted]")
    (blob,) = record.path.with_suffix(".blobs").iterdir()
    assert stat.S_IMODE(blob.stat().st_mode) == 0o600
    blob.unlink()
    assert whole(record.path, one) == one.told
    assert record.path.stat().st_size < 3 * LARGE


def test_a_record_of_a_newer_version_is_refused_with_what_to_know(tmp_path):
    record = make(tmp_path)
    now = record.path.read_text()
    record.path.write_text(now.replace(f'"format":{FORMAT}', f'"format":{FORMAT + 1}'))
    with pytest.raises(ValueError, match=f"newer assent, in version {FORMAT + 1} .* reads {FORMAT}"):
        read(record.path)
    record.path.write_text(now.replace(f'"format":{FORMAT}', '"format":0'))
    with pytest.raises(ValueError, match="older assent"):
        read(record.path)


def test_an_older_version_is_read_by_the_steps_that_lead_from_it(tmp_path, monkeypatch):
    steps = {
        FORMAT - 1: (
            Step(event="told", called="noticed", renamed={"words": "text"}, dropped=("loud",)),
            Step(event="prompted", filled={"turn": 7}),
        )
    }
    monkeypatch.setattr("assent_core.memory.versions.STEPS", steps)
    record = make(tmp_path)
    heading = record.path.read_text().replace(f'"format":{FORMAT}', f'"format":{FORMAT - 1}')
    lines = (
        '{"time":1,"what":{"event":"told","words":"hello","loud":true}}',
        '{"time":2,"what":{"event":"prompted","text":"x"}}',
        "{torn",
        '{"time":3,"what":{"event":"noticed","text":"same"}}',
    )
    record.path.write_text(heading + "".join(f"{line}\n" for line in lines))
    passage = read(record.path)
    assert passage.events == (Noticed(text="hello"), Prompted(turn=7, text="x"), Noticed(text="same"))
    assert passage.lost == (4,)
