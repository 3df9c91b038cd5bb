"""A context is compacted before it is too large, in the right order, and what it lost is said; else it only grows."""

import json

import pytest

from assent_core.context import compaction
from assent_core.context.compaction import ASKED, DROPPED, SUMMARY, Summary
from assent_core.context.gauge import FIRST_RATIO, Gauge, size, total, weight
from assent_core.context.transcript import Transcript, user_item
from assent_core.events import Billed, Ended, Named, Noticed, Performed
from assent_core.model import Finished, Request, Usage
from assent_core.rehearsal.checks import tokens
from rehearsed import of, told, worked

HEAD = "exit code 1 after 0.2 s\npytest: 1 failed\noutput:\n"
LOG = HEAD + "noise\n" * 2000 + "E   AssertionError: 1 != 2\nFAILED test_x.py::t\n"


def call(number: int, name: str = "shell", **arguments: object) -> dict[str, object]:
    given = arguments or {"command": f"pytest {number}"}
    return {
        "type": "function_call",
        "id": f"fc_{number}",
        "call_id": f"c{number}",
        "name": name,
        "arguments": json.dumps(given),
    }


def output(number: int, text: str) -> dict[str, object]:
    return {"type": "function_call_output", "call_id": f"c{number}", "output": text}


def work(count: int, text: str = LOG) -> list[dict[str, object]]:
    items: list[dict[str, object]] = [user_item("Facts of this place"), user_item("fix the test")]
    for number in range(count):
        items += [{"type": "reasoning", "id": f"rs_{number}", "summary": []}, call(number), output(number, text)]
    return items


def request(items, **fields) -> Request:
    given = {"role": "worker", "model": "gpt-5.4-mini", "effort": "low", "instructions": "x" * 4000}
    return Request(**given | fields, items=tuple(items))


def test_old_outputs_become_digests_first_and_the_newest_stay():
    items = work(8)
    made, drops = compaction.with_digests(items, 0)
    outputs = [compaction.output_text(item) for item in made if compaction.is_output(item)]
    assert [DROPPED in text for text in outputs] == [True] * 4 + [False] * 4
    assert "AssertionError: 1 != 2" in outputs[0]
    assert outputs[0].startswith("exit code 1 after 0.2 s\npytest: 1 failed")
    assert f"{len(LOG):,} characters" in outputs[0]
    assert [item for item in made if not compaction.is_output(item)] == [
        i for i in items if not compaction.is_output(i)
    ]
    assert [drop.what for drop in drops] == [f"ran `pytest {number}`" for number in range(4)]


def test_no_more_is_dropped_than_makes_room():
    items = work(8)
    made, drops = compaction.with_digests(items, total(items) - 15_000)
    assert [drop.what for drop in drops] == ["ran `pytest 0`", "ran `pytest 1`"]
    assert total(items) - total(made) == sum(drop.characters for drop in drops)
    assert compaction.with_digests(items, total(items)) == (items, [])


def test_a_digest_is_not_digested_again_and_a_short_output_stays():
    made, _ = compaction.with_digests(work(8), 0)
    again, drops = compaction.with_digests(made, 0)
    assert (again, drops) == (made, [])
    assert compaction.with_digests(work(8, "exit code 0\noutput:\nok"), 0)[1] == []


def test_an_output_that_is_kept_is_named_in_its_digest():
    told = LOG.replace("\n", "\nshortened here; the whole output: `read` with path log:17\n", 1)
    digest = compaction.digested(call(1), told)
    assert digest.count("log:17") == 2
    assert "run it again" not in digest


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("read", {"path": "a.py"}, "read it again"),
        ("search", {"pattern": "x"}, "search again"),
        ("nonsense", {"x": 1}, DROPPED),
    ],
)
def test_what_can_be_had_again_says_how(name, arguments, said):
    assert said in compaction.digested(call(1, name, **arguments), "text\n" * 1000)


def test_a_summary_never_cuts_a_reply_in_two():
    items = work(8)
    for most in range(0, total(items), 997):
        place = compaction.split(items, most)
        kept = items[place:]
        assert total(kept) <= most
        answered = {item["call_id"] for item in kept if compaction.is_output(item)}
        assert answered == {item["call_id"] for item in kept if item["type"] == "function_call"}
        assert not kept or kept[0]["type"] == "reasoning" or kept[0].get("role") == "user"


def test_the_users_own_words_outlive_every_summary():
    items = work(3)
    once = compaction.condensed(items, len(items), "first summary")
    more = [*once, user_item("and use sum()"), call(9), output(9, "ok")]
    twice = compaction.condensed(more, len(more), compaction.outline(more[1:]))
    assert twice[0] == items[0]
    asked, summary = map(compaction.words, twice[1:])
    assert asked == f"{ASKED}\n\nfix the test\n\n---\n\nand use sum()"
    assert summary.startswith(SUMMARY)
    assert "first summary" in summary
    assert "ran `pytest 9`" in summary


def test_what_is_no_summary_is_none():
    assert compaction.decoded('{"done": ["a"], "decided": [], "open": []}') == Summary(["a"], [], [])
    assert compaction.decoded('{"done": [], "decided": [], "open": []}') is None
    assert compaction.decoded("I cannot") is None


def test_an_open_call_forbids_rewriting():
    transcript = Transcript()
    transcript.add(call(1))
    with pytest.raises(ValueError, match="open"):
        transcript.rewrite([])


def test_the_estimate_follows_what_the_service_counts():
    gauge, sent = Gauge(), request(work(3))
    assert gauge.tokens(sent) == round(weight(sent) * FIRST_RATIO)
    gauge.learn(sent, Finished(model="x", usage=Usage(20_000)))
    assert gauge.tokens(sent) == 20_000
    grown = request([*work(3), user_item("x" * 10_000)])
    assert gauge.tokens(grown) == pytest.approx(20_000 * weight(grown) / weight(sent), abs=1)
    assert gauge.tokens(request(work(3), model="other")) != 20_000
    gauge.learn(sent, Finished(model="x", usage=None))
    gauge.learn(sent, Finished(model="x", usage=Usage(90_000), requests=3))
    assert gauge.tokens(sent) == 20_000


def test_an_image_counts_the_same_whatever_its_bytes():
    small, large = (user_item("see", [f"data:image/png;base64,{'A' * length}"]) for length in (100, 1_000_000))
    assert size(small) == size(large) > 1000
    assert large["content"][1]["image_url"].endswith("A")


def test_the_room_adds_up_and_names_its_parts():
    gauge, sent = Gauge(), request(work(3))
    room = gauge.room(sent, 100_000)
    assert [name for name, _ in room.parts] == [
        "instructions", "tools", "user", "answers", "reasoning", "calls", "outputs",
    ]  # fmt: skip
    assert room.used == pytest.approx(sum(tokens for _, tokens in room.parts), abs=len(room.parts))
    assert room.share == room.used / 100_000
    assert (gauge.room(sent, 0).share, room.counted) == (0.0, False)


def steps(count: int, characters: int = 3000) -> str:
    """A script of so many commands, each with a long output, and a last word."""
    shell = '[[worker]]\nthink = "step {n}"\nshell = "printf \'%{c}s\' {n}; echo; echo step {n}"\n'
    return "".join(shell.format(n=n, c=characters) for n in range(count)) + '[[worker]]\nsay = "Done."\n'


def bodies(session) -> list[list[dict[str, object]]]:
    return [body["input"] for body in session.rehearsal.requests if body.get("tools")]


def breaks(inputs: list[list[dict[str, object]]]) -> list[int]:
    """Which requests do not have the one before as their exact prefix."""
    texts = [[json.dumps(item) for item in items] for items in inputs]
    return [at for at in range(1, len(texts)) if texts[at][: len(texts[at - 1])] != texts[at - 1]]


async def test_over_sixty_steps_each_request_extends_the_last_and_the_prefix_is_small(opened):
    session = await opened(steps(59, 200))
    events = await told(session.turn("go on for long"))
    inputs = bodies(session)
    assert (len(inputs), breaks(inputs)) == (60, [])
    first, *_, last = worked(session)
    fixed = {name: [first[name], last[name]] for name in ("instructions", "tools", "prompt_cache_key", "model")}
    assert all(one == other for one, other in fixed.values())
    assert tokens(first["instructions"]) + tokens(json.dumps(first["tools"])) <= 2_500
    used = [event.usage for event in of(Billed, events)]
    assert sum(usage.cached for usage in used) > 0.85 * sum(usage.input for usage in used)
    assert not of(Noticed, events)


async def test_a_long_task_is_compacted_in_time_and_breaks_the_prefix_only_there(opened):
    session = await opened(steps(59), context=30_000)
    events = await told(session.turn("go on for long"))
    assert (events[-1].how, len(bodies(session))) == ("done", 60)
    compacted = [event for event in of(Noticed, events) if "compacted from" in event.text]
    assert 1 <= len(compacted) < 8
    assert len(breaks(bodies(session))) == len(compacted)
    assert max(event.usage.input for event in of(Billed, events)) <= 30_000
    assert "printf" in compacted[0].text
    assert any("80% full" in event.text or "full (about" in event.text for event in of(Noticed, events))
    record = session.record.read_text()
    assert all(f"step {number}" in record for number in range(59))


async def test_where_digests_do_not_do_the_scout_summarises(opened):
    summary = '{ done = ["found the reason"], decided = ["use sum"], open = ["run the tests"] }'
    script = f'[[scout]]\nwhen_schema_is = "summary"\nrepeat = true\njson = {summary}\n' + steps(40, 900)
    session = await opened(script, context=8_000)
    events = await told(session.turn("the wish that must survive"))
    assert events[-1].how == "done"
    last = json.dumps(bodies(session)[-1])
    assert "found the reason" in last
    assert "the wish that must survive" in last
    assert max(event.usage.input for event in of(Billed, events) if event.role == "worker") <= 8_000
    assert any(event.role == "scout" for event in of(Billed, events))
    assert any("a summary by gpt-5.4-nano" in event.text for event in of(Noticed, events))


async def test_an_output_that_the_model_has_not_read_yet_is_never_dropped(opened):
    script = steps(9, 900).removesuffix('[[worker]]\nsay = "Done."\n')
    script += "[[worker]]\nshell = \"printf '%9000s' unread\"\n[[worker]]\nsay = 'Read.'\n"
    session = await opened(script, context=8_000)
    assert (await told(session.turn("go")))[-1].how == "done"
    assert "unread" in str(bodies(session)[-1][-1]["output"])


async def test_without_a_scout_that_answers_rules_summarise(opened):
    session = await opened("[[scout]]\nrepeat = true\nfault = { status = 401 }\n" + steps(40, 900), context=8_000)
    events = await told(session.turn("the wish that must survive"))
    assert events[-1].how == "done"
    assert "What was done" in json.dumps(bodies(session)[-1])
    assert any("a summary by rules" in event.text for event in of(Noticed, events))


TOO_LONG = '[[worker]]\nfault = { status = 400, code = "context_length_exceeded" }\n'


async def test_what_the_service_finds_too_long_is_compacted_and_sent_once_more(opened):
    lines = steps(12)
    script = lines.removesuffix('[[worker]]\nsay = "Done."\n') + TOO_LONG + '[[worker]]\nsay = "Done."\n'
    session = await opened(script)
    events = await told(session.turn("go"))
    assert (events[-1].how, len(of(Performed, events))) == ("done", 12)
    assert len(breaks(bodies(session))) == 1
    assert len([event for event in of(Noticed, events) if "compacted from" in event.text]) == 1


async def test_what_stays_too_long_ends_the_turn_with_a_hint(opened):
    session = await opened(steps(8).removesuffix('[[worker]]\nsay = "Done."\n') + TOO_LONG + TOO_LONG)
    ended = (await told(session.turn("go")))[-1]
    assert (ended.how, ended.code) == ("failed", 6)
    assert ended.hint


async def test_nothing_to_drop_is_no_reason_to_ask_again(opened):
    session = await opened(TOO_LONG)
    events = await told(session.turn("go"))
    assert (events[-1].code, len(bodies(session))) == (6, 1)


async def test_compacting_by_hand_is_told_and_the_next_turn_knows_the_summary(opened):
    summary = '{ done = ["all twelve"], decided = [], open = [] }'
    script = f'[[scout]]\nwhen_schema_is = "summary"\njson = {summary}\n' + steps(12) + '[[worker]]\nsay = "Yes."\n'
    session = await opened(script)
    await told(session.turn("go"))
    before = session.context()
    events = await told(session.compact())
    assert isinstance(events[-1], Ended)
    assert {Billed, Noticed} <= set(map(type, events[:-1])) <= {Billed, Noticed, Named}
    after = session.context()
    assert after.used < before.used / 2
    assert (before.limit, before.counted, before.model) == (272_000, True, "gpt-5.4-mini")
    await told(session.turn("go on"))
    assert "all twelve" in json.dumps(bodies(session)[-1])
    assert json.dumps(bodies(session)[-1][0]) == json.dumps(bodies(session)[0][0])


async def test_compacting_an_empty_session_says_so(opened):
    session = await opened("")
    events = await told(session.compact())
    assert ["nothing to compact" in getattr(event, "text", "") for event in events] == [True, False]
