"""What a failing service means for a session: waits can be ended, and the session goes on, also with another model."""

from contextlib import aclosing

import pytest

from assent_core.events import Asked, Ended, Mistaken, Retried
from assent_core.service import faults
from assent_core.service.faults import retry_after
from rehearsed import CHECK, FIX, of, told

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Mon, 21 Sep 2026 14:13:20 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "\u00b2", "retry-after-ms": "\u00b9"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "."}, None),
        ({"retry-after": "9" * 400}, float("inf")),
        ({"retry-after": "Mon, 21 Sep 99999999999 14:13:20 GMT"}, None),
    ],
)
def test_the_wait_that_a_service_asks_for_is_read_in_all_its_forms(headers, seconds):
    assert retry_after(headers, NOW) == seconds


async def test_a_wait_is_told_with_its_reason_and_ends_at_once_when_the_turn_is_closed(opened):
    script = f"""
    [[worker]]
    patch = '''{FIX}'''
    [[worker]]
    fault = {{ status = 429, code = "rate_limit_exceeded", body = "Slow down, please.", headers = {{ retry-after = "100" }} }}
    [[worker]]
    say = "Repaired."
    """
    session = await opened(script)
    async with aclosing(session.turn("go")) as events:
        async for event in events:
            if isinstance(event, Retried):
                assert (event.attempt, event.seconds) == (1, 100.0)
                assert "Slow down, please." in event.why
                break
    assert len((await session.review())[0].files) == 1
    assert b'"how":"interrupted"' in session.record.read_bytes()
    assert (await told(session.turn("go on")))[-1].how == "done"


async def test_a_session_whose_model_is_gone_goes_on_with_another_one(opened):
    session = await opened(f"models = ['spare']\n[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nsay = 'Done.'\n")
    ended = (await told(session.repair(CHECK)))[-1]
    assert (ended.code, "gpt-5.4-mini" in ended.message, "settings.toml" in ended.hint) == (6, True, True)
    session.work_with("spare", "low")
    events = await told(session.repair(CHECK))
    assert (events[-1].how, {asked.model for asked in of(Asked, events)}) == ("done", {"spare"})


async def test_a_model_that_only_ever_calls_wrongly_is_given_up(opened):
    session = await opened("[[worker]]\nrepeat = true\nshell = 'true'\nfault = { malformed = true }\n")
    events = await told(session.turn("go"))
    assert isinstance(events[-1], Ended)
    assert (events[-1].code, len(of(Mistaken, events))) == (6, 8)
    assert "wrongly" in events[-1].message


async def test_an_answer_in_which_nothing_is_is_asked_for_again(opened, monkeypatch):
    monkeypatch.setattr(faults, "wait", lambda *_: 0.01)
    nothing = 'data: {"type": "response.completed", "response": {}}'
    head = "HTTP/1.1 200 OK\\r\\ncontent-type: text/event-stream\\r\\n\\r\\n"
    session = await opened(
        f"""[[worker]]\nfault.raw = "{head}{nothing.replace(chr(34), chr(92) + chr(34))}\\n\\n"\n[[worker]]\nsay = "Here."\n"""
    )
    events = await told(session.turn("go"))
    assert ([r.attempt for r in of(Retried, events)], events[-1].how) == ([1], "done")
    assert "empty" in of(Retried, events)[0].why


async def test_a_service_that_only_says_that_it_is_there_has_fallen_silent(opened, monkeypatch):
    monkeypatch.setattr(faults, "wait", lambda *_: 0.01)
    session = await opened("[[worker]]\nfault = { chatter = true }\n[[worker]]\nsay = 'Here.'\n", idle_seconds=0.5)
    events = await told(session.turn("go"))
    assert events[-1].how == "done"
    assert "nothing came" in of(Retried, events)[0].why
