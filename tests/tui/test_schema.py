"""The published schemas are those of the types, and what is written is of them."""

import json
from typing import get_args

import pytest

from assent_core.events import AnyEvent
from assent_core.lines import FORMAT
from assent_tui.commands.schema import FILES, text
from rehearsed import CHECK, FIX
from schemas import FOLDER, check, check_lines, check_record, titles, whole

SCRIPT = f"""
[[worker]]
think = "It subtracts."
call = {{ name = "shel", arguments = {{ command = "ls" }} }}
[[worker]]
call = {{ name = "shell", arguments = {{ command = "cat /etc/hostname", needs = [{{ kind = "network", target = "" }}] }} }}
[[worker]]
patch = '''{FIX}'''
[[worker]]
say = "Repaired."
"""


@pytest.mark.parametrize("which", FILES)
def test_what_is_published_is_what_the_types_say(which):
    assert (FOLDER / FILES[which]).read_text() == text(which), "run scripts/schema"
    assert f".v{FORMAT}." in FILES[which]


@pytest.mark.parametrize("name", FILES.values())
def test_every_event_is_in_it(name):
    assert set(titles(name)) >= {kind.__name__.lower() for kind in get_args(AnyEvent)}


@pytest.mark.parametrize("which", FILES)
def test_the_command_prints_it(assent, tmp_path, which):
    done = assent("schema", which, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, text(which), "")


@pytest.mark.parametrize(
    "words",
    [
        ("fix", "--json", "--apply", "--", *CHECK),
        ("run", "--json", "--", "sh", "-c", "echo x > new; cat /etc/shadow; exit 3"),
        ("ask", "--json", "what is it?"),
        ("fix", "--json", "--patch-out", "/nowhere/x", "--", "true"),
    ],
    ids=["fix", "run", "ask", "usage"],
)
def test_each_line_of_json_and_of_the_record_is_of_its_schema(assent, rehearse, repository, place, words):
    service = rehearse(SCRIPT)
    done = assent(*words, cwd=repository, OPENAI_BASE_URL=service.url, OPENAI_API_KEY="sk-rehearsed")
    if not done.stdout:
        assert done.returncode == 2
        return
    lines = check_lines(done.stdout)
    for line in lines:
        assert not list(whole("lines.v1.json").iter_errors(line))
    (record,) = (place / "state" / "assent" / "sessions").glob("*.jsonl")
    check_record(record)
    for line in assent("sessions", "--json", cwd=repository).stdout.splitlines():
        check("lines.v1.json", "Recorded", json.loads(line))
    for line in record.read_text().splitlines():
        assert not list(whole("record.v1.json").iter_errors(json.loads(line)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"event": "prompted", "turn": "one", "text": "x"},
        {"event": "unheard", "text": "x"},
        {"event": "performed", "id": "1"},
        {"time": "now", "what": {"event": "noticed", "text": "x"}},
        {"time": 1, "what": {"event": "noticed"}},
    ],
)
def test_what_is_no_line_is_told_from_one(wrong):
    name = "record.v1.json" if "time" in wrong else "lines.v1.json"
    assert list(whole(name).iter_errors(wrong))
