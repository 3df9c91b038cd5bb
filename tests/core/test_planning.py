"""A plan is made without changing anything, waits in the record, and is carried out as the user left it, or dropped."""

import json

import pytest

from assent_core.consent.gate import Approved, Refused
from assent_core.errors import UsageError
from assent_core.events import Billed, Ended, Mistaken, Performed, Planned, Prompted, Routed, Staged
from assent_core.memory.record import read as read_record
from assent_core.prompting import PLANNING
from assent_core.proposals import Patch, Shell
from assent_core.settings import RoleSettings
from rehearsed import FIX, of, told, tree, worked

PLAN = "1. Turn the sign in calc.py:2.\n\nVerify: python3 -m unittest -q"
MAKING = f"""
[[worker]]
say = "I look first."
read = "calc.py"
[[worker]]
say = '''{PLAN}'''
"""
DOING = f"[[worker]]\npatch = '''{FIX}'''\n[[worker]]\nsay = 'Done.'\n"


async def test_a_plan_is_made_by_the_planner_with_tools_that_change_nothing(opened, repository):
    before = tree(repository)
    session = await opened(MAKING)
    events = await told(session.make_plan("make add right"))
    (routed,) = of(Routed, events)
    assert (routed.role, routed.model, routed.effort) == ("planner", "gpt-5.4-mini", "high")
    assert [event.text for event in of(Planned, events)] == [PLAN]
    assert isinstance(events[-2], Planned)
    assert isinstance(events[-1], Ended)
    assert (session.plan, tree(repository)) == (PLAN, before)
    assert {event.role for event in of(Billed, events)} == {"planner"}
    for body in worked(session):
        assert [tool["name"] for tool in body["tools"]] == ["read", "search"]
        assert body["reasoning"]["effort"] == "high"
    assert of(Prompted, events)[0].text == "make add right"
    assert "nothing: edits and commands are refused" in json.dumps(worked(session)[0]["input"][-1])


@pytest.mark.parametrize("call", [f"patch = '''{FIX}'''", 'shell = "touch made"'])
async def test_a_planner_that_edits_or_runs_all_the_same_changes_nothing_and_is_told(opened, call: str):
    session = await opened(f"[[worker]]\n{call}\n[[worker]]\nsay = '''{PLAN}'''\n")
    events = await told(session.make_plan("make add right"))
    assert len(of(Mistaken, events)) == 1
    assert not of(Performed, events)
    assert not of(Staged, events)
    assert "The tools are: read, search" in json.dumps(worked(session)[-1]["input"][-1])
    assert session.plan == PLAN


@pytest.mark.parametrize("proposal", [Patch(text=FIX), Shell(command="touch made")])
async def test_the_gate_of_a_plan_lets_nothing_through_that_changes_anything(opened, proposal: Patch | Shell):
    gate = (await opened(""))._bench.gate
    refused = await gate.read_only(PLANNING).decide("1", proposal, ())
    assert isinstance(refused, Refused)
    assert PLANNING in refused.why
    assert isinstance(await gate.decide("2", proposal, ()), Approved)


async def test_a_plan_is_carried_out_as_its_text_stands_and_waits_no_longer(opened):
    session = await opened(MAKING + DOING)
    await told(session.make_plan("make add right"))
    mine = PLAN.replace("Turn the sign", "Use sum()")
    events = await told(session.carry_out(mine))
    assert [(event.how, event.text) for event in of(Planned, events)] == [("begun", mine)]
    assert of(Routed, events)[0].role == "worker"
    assert of(Staged, events)
    assert session.plan == ""
    asked = json.dumps(worked(session)[2]["input"][-1])
    assert "Use sum()" in asked
    assert "Turn the sign" not in asked
    assert len(worked(session)[2]["tools"]) > 2


async def test_what_the_planner_saw_is_what_the_worker_goes_on_from(opened):
    session = await opened(MAKING + DOING)
    await told(session.make_plan("make add right"))
    await told(session.carry_out(session.plan))
    planned, did = worked(session)[1], worked(session)[2]
    assert did["input"][: len(planned["input"])] == planned["input"]
    assert did["instructions"] == planned["instructions"]


async def test_a_plan_survives_the_session_and_is_carried_out_in_the_next_one(opened):
    first = await opened(MAKING + DOING)
    await told(first.make_plan("make add right"))
    await first.close()
    again = await opened(first)
    assert again.plan == PLAN
    events = await told(again.carry_out(again.plan))
    assert events[-1].how == "done"
    await again.close()
    assert (await opened(again)).plan == ""


async def test_a_plan_can_be_dropped_and_that_survives_too(opened):
    session = await opened(MAKING)
    with pytest.raises(UsageError, match="no plan to drop"):
        session.drop_plan()
    await told(session.make_plan("make add right"))
    assert session.drop_plan() == Planned(text=PLAN, how="dropped")
    assert session.plan == ""
    await session.close()
    assert (await opened(session)).plan == ""


async def test_a_planner_that_says_nothing_has_made_no_plan(opened):
    session = await opened('[[worker]]\nsay = " "\n')
    events = await told(session.make_plan("make add right"))
    assert not of(Planned, events)
    assert (events[-1].how, "no plan" in events[-1].message) == ("failed", True)


async def test_an_interrupted_plan_is_none_and_the_next_turn_may_edit_again(opened):
    session = await opened(
        "[[worker]]\nread = 'calc.py'\n[[worker]]\nunless_input_matches = 'do it'\nsay = 'x'\n" + DOING
    )
    events = session.make_plan("make add right")
    async for event in events:
        if isinstance(event, Performed):
            break
    await events.aclose()
    assert session.plan == ""
    staged = of(Staged, await told(session.turn("do it")))
    assert [event.paths for event in staged] == [("calc.py",)]


async def test_another_planner_is_shown_no_reasoning_of_the_workers_and_leaves_none(opened):
    thinking = MAKING.replace('say = "I look first."', 'think = "Hm."')
    session = await opened(
        '[[worker]]\nthink = "Well."\nsay = "Yes."\n' + thinking + DOING, planner=RoleSettings("gpt-5.4", "xhigh")
    )
    await told(session.turn("say yes"))
    await told(session.make_plan("make add right"))
    await told(session.carry_out(session.plan))
    kinds = [[item["type"] for item in body["input"]].count("reasoning") for body in worked(session)]
    assert [body["model"] for body in worked(session)] == ["gpt-5.4-mini", "gpt-5.4", "gpt-5.4"] + ["gpt-5.4-mini"] * 2
    assert kinds == [0, 0, 1, 1, 1]


async def test_the_plan_and_what_became_of_it_are_in_the_record(opened):
    session = await opened(MAKING)
    await told(session.make_plan("make add right"))
    session.drop_plan()
    whole = [event for event in read_record(session.record).events if isinstance(event, Planned)]
    assert [event.how for event in whole] == ["made", "dropped"]
