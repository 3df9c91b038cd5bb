"""Models come to their end: said in time, and the session goes on with another one."""

import datetime

import pytest

from assent_core.errors import UsageError
from assent_core.events import AnyEvent, Ended, Noticed, Routed
from assent_core.roles import lookout
from assent_core.service.endings import endings, listed
from patient import PATIENCE, until
from rehearsed import of, told, worked

TODAY = datetime.date(2026, 3, 1)
SAY = "[[worker]]\nrepeat = true\nsay = 'Hello.'\n"


def test_days_are_read_as_dates_and_as_seconds_and_nonsense_is_passed_over():
    data = [{"id": "a", "shutdown_date": "2026-05-01"}, {"id": "b", "shutdown_date": 1777593600}, {"id": "c"}, 7, {}]
    data += [
        {"id": "d", "shutdown_date": "soon"},
        {"id": 8, "shutdown_date": "2026-05-01"},
        {"id": "e", "shutdown_date": 1e99},
    ]
    assert listed({"data": data}) == {"a": datetime.date(2026, 5, 1), "b": datetime.date(2026, 5, 1)}
    assert listed({"data": "x"}) == listed([]) == listed(None) == {}


def test_what_ends_within_ninety_days_is_told_and_what_is_over_too():
    days = {"near": TODAY + datetime.timedelta(90), "far": TODAY + datetime.timedelta(91), "over": TODAY}
    said = endings(("near", "far", "over", "unknown", "near"), days, TODAY)
    assert [one.split(":")[0] for one in said] == [
        "near is shut down on 2026-05-30, in 90 days",
        "over was shut down on 2026-03-01",
    ]


async def test_the_list_of_the_server_is_asked_once_and_what_it_says_is_told(opened, monkeypatch):
    monkeypatch.setattr(lookout, "PATIENCE", PATIENCE)
    soon = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(30)
    session = await opened(f'shutdown = {{ "gpt-5.4-mini" = "{soon}", "other" = "{soon}" }}\n{SAY}')
    heard: list[AnyEvent] = []
    session.listen(heard.append)
    heard += await told(session.turn("hello"))
    (notice,) = await until(lambda: of(Noticed, heard))
    assert notice.text.startswith(f"gpt-5.4-mini is shut down on {soon}, in ")
    assert of(Noticed, await told(session.turn("and again"))) == []


async def test_a_session_goes_on_with_another_model_that_the_user_names(opened):
    session = await opened(f'models = ["newer-1"]\n{SAY}')
    ended = of(Ended, await told(session.turn("hello")))[-1]
    assert (ended.how, ended.code) == ("failed", 6)
    assert session.work_with("newer-1", "high").model == "newer-1"
    events = await told(session.turn("hello"))
    assert of(Ended, events)[-1].how == "done"
    assert of(Routed, events)[0].model == "newer-1"
    assert worked(session)[-1]["reasoning"]["effort"] == "high"
    with pytest.raises(UsageError, match="no name of a model"):
        session.work_with("two words")
