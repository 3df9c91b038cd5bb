"""A bounded question goes to the small model first, and a larger one takes over what it has outgrown."""

import itertools
import json

import pytest

from assent_core.context.transcript import Transcript
from assent_core.events import Asked, Billed, Mistaken, Performed, Prompted, Proposed, Retried, Routed, Staged
from assent_core.events import Said as Spoken
from assent_core.memory.items import read_items
from assent_core.turns.lane import TAKEN_OVER
from rehearsed import FIX, Said, hold_up_the_worker, of, told, worked

MINI, NANO = "gpt-5.4-mini", "gpt-5.4-nano"
QUESTION = "where is add defined?"
LOOK = '[[worker]]\nthink = "I look."\nread = "calc.py"\n'
ANSWER = '[[worker]]\nsay = "In calc.py, line 1."\n'


def models(session) -> list[str]:
    return [body["model"] for body in worked(session)]


def kinds(body: dict) -> list[str]:
    return [item["type"] for item in body["input"]]


async def test_a_bounded_question_is_answered_by_the_small_model_alone_and_billed_to_it(opened):
    session = await opened(LOOK + ANSWER)
    events = await told(session.turn(QUESTION))
    (routed,) = of(Routed, events)
    assert (routed.role, routed.model, routed.effort, routed.work) == ("scout", NANO, "low", "question")
    assert "bounded question" in routed.why
    assert models(session) == [NANO, NANO]
    assert [body["reasoning"]["effort"] for body in worked(session)] == ["low", "low"]
    assert of(Spoken, events)[-1].text == "In calc.py, line 1."
    assert {event.role for event in of(Billed, events)} == {"scout"}
    assert events.index(of(Prompted, events)[0]) < events.index(routed)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (f"patch = '''{FIX}'''", "editing files"),
        ('shell = "touch made"', "the tool shell"),
        ('read = "/etc/hostname"', "outside the stage"),
        ('call = { name = "dance", arguments = {} }', "the tool dance"),
        ('call = { name = "read", arguments = "{broken" }', "called a tool wrongly"),
        ("calls = [" + ", ".join(['{ read = "calc.py" }'] * 5) + "]", "more than 4 looks"),
    ],
)
async def test_what_outgrows_a_question_is_not_done_by_the_small_model_and_the_larger_one_takes_over(
    opened, call: str, why: str
):
    user = Said()
    session = await opened(f"{LOOK}[[worker]]\nthink = 'Hm.'\nsay = 'I try.'\n{call}\n{ANSWER}", user)
    events = await told(session.turn(QUESTION))
    first, second = of(Routed, events)
    assert (first.model, second.model, second.instead_of, second.role) == (NANO, MINI, NANO, "worker")
    assert why in second.why
    assert models(session) == [NANO, NANO, MINI]
    assert [event.model for event in of(Asked, events)] == [NANO, NANO, MINI]
    assert len(of(Performed, events)) == len(of(Proposed, events)) == 1
    assert not of(Staged, events)
    assert user.questions == []
    assert events[-1].how == "done"


async def test_the_larger_model_reads_what_the_small_one_found_but_not_its_reasoning(opened):
    session = await opened(f"{LOOK}[[worker]]\nthink = 'Hm.'\nsay = 'I mend it.'\npatch = '''{FIX}'''\n{ANSWER}")
    await told(session.turn(QUESTION))
    small, again, larger = worked(session)
    assert kinds(again) == ["message", "message", "reasoning", "function_call", "function_call_output"]
    assert kinds(larger) == [
        "message", "message", "function_call", "function_call_output", "message", "function_call", "function_call_output",
    ]  # fmt: skip
    assert larger["input"][:2] == small["input"]
    assert "return left - right" in json.dumps(larger["input"][3])
    assert larger["input"][-1]["output"] == TAKEN_OVER
    assert "I mend it." in json.dumps(larger["input"][4])


async def test_an_image_that_turns_up_is_for_the_larger_model(opened, repository):
    (repository / "shot.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    session = await opened('[[worker]]\nread = "shot.png"\n' + ANSWER)
    events = await told(session.turn("what does the picture show?"))
    assert models(session) == [NANO, MINI]
    assert of(Routed, events)[-1].why == "an image turned up"
    assert "input_image" in json.dumps(worked(session)[-1]["input"][-1])


async def test_in_the_profile_nano_no_image_reaches_the_model_and_a_prompt_with_one_is_refused(opened, repository):
    picture = repository / "shot.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    session = await opened('[[worker]]\nread = "shot.png"\n' + ANSWER, profile="nano")
    assert "the small model does all the work" in " ".join(session.opened.notices)
    await told(session.turn("what does the picture show?"))
    assert models(session) == [NANO, NANO]
    assert "input_image" not in json.dumps(session.rehearsal.requests)
    assert "profile nano" in json.dumps(worked(session)[-1]["input"][-1])
    refused = await told(session.turn("look at this", (picture,)))
    assert (refused[-1].code, "no images in the profile nano" in refused[-1].message) == (2, True)
    assert len(worked(session)) == 2


@pytest.mark.parametrize(
    ("prompt", "choices"),
    [("fix the test", {}), (QUESTION, {"scouting": False}), (QUESTION, {"profile": "mini"})],
)
async def test_all_else_goes_to_the_worker_at_once(opened, prompt: str, choices: dict):
    session = await opened(ANSWER, **choices)
    (routed,) = of(Routed, await told(session.turn(prompt)))
    assert (routed.role, routed.model) == ("worker", MINI)


async def test_reasoning_goes_back_to_the_model_that_made_it_and_to_no_other(opened, tmp_path):
    script = LOOK + '[[worker]]\nsay = "Read."\n' + LOOK + ANSWER + '[[worker]]\nsay = "Done."\n'
    session = await opened(script)
    await told(session.turn("add a line"))
    await told(session.turn(QUESTION))
    await told(session.turn("go on"))
    assert models(session) == [MINI, MINI, NANO, NANO, MINI]
    bodies = worked(session)
    reasoned = [[item["id"] for item in body["input"] if item["type"] == "reasoning"] for body in bodies]
    assert [len(each) for each in reasoned] == [0, 1, 0, 1, 1]
    assert reasoned[1] == reasoned[4] != reasoned[3]
    mini = [body for body in bodies if body["model"] == MINI]
    for earlier, later in itertools.pairwise(mini):
        assert later["input"][: len(earlier["input"])] == earlier["input"]
    kept = [item for item in read_items(session.record.with_suffix(".items")).items if item["type"] == "reasoning"]
    assert [item["id"] for item in kept] == reasoned[4]


async def test_a_small_model_that_the_server_does_not_have_is_no_end_of_a_question(opened):
    session = await opened(f'models = ["{MINI}"]\n{ANSWER}')
    events = await told(session.turn(QUESTION))
    assert of(Routed, events)[-1].why == f"{NANO} could not be asked"
    assert of(Retried, events)
    assert events[-1].how == "done"


async def test_a_key_that_is_refused_is_told_at_once(opened):
    session = await opened("[[worker]]\nfault = { status = 401 }\n")
    events = await told(session.turn(QUESTION))
    assert len(worked(session)) == 1
    assert (events[-1].how, events[-1].code) == ("failed", 6)


async def test_a_question_that_the_scout_takes_for_more_is_taken_over_at_the_next_step(opened, monkeypatch):
    doubt = '[[scout]]\nwhen_schema_is = "scout_triage"\njson = { kind = "edit", several_tools = false, high_value = false }\n'
    session = await opened(LOOK + ANSWER + doubt)
    hold_up_the_worker(monkeypatch, session, "scout_triage", 1)
    events = await told(session.turn(QUESTION))
    assert models(session) == [NANO, MINI]
    assert "does not take it for a bounded question (edit)" in of(Routed, events)[-1].why


async def test_an_answer_without_any_tool_is_wrong_in_nothing(opened):
    events = await told((await opened(ANSWER)).turn(QUESTION))
    assert not of(Mistaken, events)


def test_what_is_left_out_of_a_transcript_is_left_out_of_what_is_kept_too():
    kept: list[tuple[int, list]] = []
    transcript = Transcript(lambda at, items: kept.append((at, list(items))))
    transcript.say("one")
    thought, message = {"type": "reasoning", "id": "rs"}, {"type": "message", "role": "assistant", "content": []}
    transcript.add(thought)
    transcript.add(message)
    transcript.leave_out(lambda item: item.get("id") == "rs")
    assert [item["type"] for item in transcript.items] == ["message", "message"]
    assert kept[-1] == (1, [message])
    transcript.leave_out(lambda item: item.get("id") == "rs")
    assert len(kept) == 4
