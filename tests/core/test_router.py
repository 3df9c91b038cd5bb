from typing import get_args

import pytest

from assent_core.consent.plainly import Triage, triage
from assent_core.errors import UsageError
from assent_core.router import (
    BEYOND_SMALL,
    BOUNDED,
    FEW,
    TABLE,
    Facts,
    Grown,
    Work,
    outgrown,
    route,
    taken_over,
    work_of,
)
from assent_core.settings import RoleSettings, Settings

MINI, NANO = "gpt-5.4-mini", "gpt-5.4-nano"


def test_every_kind_of_work_has_its_row():
    assert set(TABLE) == set(get_args(Work))


@pytest.mark.parametrize(
    ("work", "role", "model", "effort"),
    [
        ("edit", "worker", MINI, "medium"),
        ("debug", "worker", MINI, "medium"),
        ("terminal", "worker", MINI, "medium"),
        ("image", "worker", MINI, "medium"),
        ("computer", "worker", MINI, "medium"),
        ("triage", "scout", NANO, "none"),
        ("classify", "scout", NANO, "none"),
        ("extract", "scout", NANO, "none"),
        ("rank", "scout", NANO, "none"),
        ("summarize", "scout", NANO, "none"),
        ("title", "scout", NANO, "none"),
        ("question", "scout", NANO, "low"),
        ("plan", "planner", MINI, "high"),
        ("review", "reviewer", MINI, "high"),
        ("judge", "reviewer", "gpt-5.4", "low"),
    ],
)
def test_work_goes_where_failing_costs_least(work: Work, role: str, model: str, effort: str):
    routed = route(work, Settings())
    assert (routed.role, routed.model, routed.effort) == (role, model, effort)
    assert routed.why


@pytest.mark.parametrize("work", get_args(Work))
def test_the_profile_mini_binds_every_role_to_the_workers_model(work: Work):
    routed = route(work, Settings(profile="mini"))
    assert routed.model == MINI
    assert routed.role == ("worker" if work == "question" else route(work, Settings()).role)
    assert "profile mini" in routed.why


@pytest.mark.parametrize("work", [work for work in get_args(Work) if work not in BEYOND_SMALL])
def test_the_profile_nano_binds_every_role_to_the_small_model_and_says_so(work: Work):
    routed = route(work, Settings(profile="nano"))
    assert routed.model == NANO
    assert "profile nano" in routed.why


@pytest.mark.parametrize("work", list(BEYOND_SMALL))
def test_what_needs_eyes_is_refused_in_the_profile_nano_with_the_reason_and_a_way_out(work: Work):
    with pytest.raises(UsageError, match=rf"no {BEYOND_SMALL[work]} in the profile nano: .*too weak") as raised:
        route(work, Settings(profile="nano"))
    assert "tiered" in raised.value.hint


def test_with_the_scout_off_no_question_goes_to_it():
    routed = route("question", Settings(scouting=False))
    assert (routed.role, routed.model, routed.effort) == ("worker", MINI, "medium")


def test_where_worker_and_scout_are_one_model_no_question_goes_around():
    one = RoleSettings("local", "low")
    assert route("question", Settings(worker=one, scout=RoleSettings("local", "none"))).role == "worker"


def test_models_and_efforts_are_the_users_choice():
    settings = Settings(worker=RoleSettings("local", "low"), scout=RoleSettings("tiny", "medium"))
    assert (route("edit", settings).model, route("edit", settings).effort) == ("local", "low")
    assert (route("title", settings).model, route("title", settings).effort) == ("tiny", "medium")
    assert route("question", settings).effort == "medium"


def test_planner_and_reviewer_follow_the_worker_until_they_are_given_a_model_of_their_own():
    local = Settings(worker=RoleSettings("local", "low"))
    assert (route("plan", local).model, route("review", local).model) == ("local", "local")
    strong = Settings(planner=RoleSettings("gpt-5.4", "xhigh"), reviewer=RoleSettings("gpt-5.4", "low"))
    assert (route("plan", strong).model, route("plan", strong).effort) == ("gpt-5.4", "xhigh")
    assert (route("review", strong).model, route("review", strong).effort) == ("gpt-5.4", "low")


@pytest.mark.parametrize(
    ("prompt", "work"),
    [
        ("where is the total computed?", "question"),
        ("Fix the failing test", "debug"),
        ("add a flag --quiet", "edit"),
        ("run the tests", "terminal"),
        ("how do I push this to production?", "edit"),
        ("go on", "edit"),
        ("do it", "edit"),
        ("could you add a flag?", "edit"),
        ("can you run the tests?", "terminal"),
        ("do you know where the total is computed?", "question"),
    ],
)
def test_a_prompt_is_some_kind_of_work_by_its_words(prompt: str, work: str):
    assert work_of(Facts(triage=triage(prompt))) == work


def test_an_image_needs_eyes_whatever_is_asked_about_it():
    assert work_of(Facts(triage=triage("what is on it?"), images=True)) == "image"


def test_a_question_over_a_long_context_stays_with_the_model_that_has_it_in_its_cache():
    asked = triage("where is the total computed?")
    assert work_of(Facts(triage=asked, context=BOUNDED)) == "question"
    assert work_of(Facts(triage=asked, context=BOUNDED + 1)) == "edit"


@pytest.mark.parametrize("said", [{"several_tools": True}, {"high_value": True}])
def test_a_question_that_is_dear_or_takes_many_steps_is_not_bounded(said: dict[str, bool]):
    assert work_of(Facts(triage=Triage(kind="question", **said))) == "edit"


@pytest.mark.parametrize(
    ("grown", "why"),
    [
        (Grown(), ""),
        (Grown(tools=("search", *["read"] * (FEW - 1))), ""),
        (Grown(tools=("read", "apply_patch")), "editing files"),
        (Grown(tools=("shell",)), "needs the tool shell"),
        (Grown(tools=("dance",), mistakes=1), "needs the tool dance"),
        (Grown(tools=("read",) * (FEW + 1)), f"more than {FEW} looks"),
        (Grown(tools=("read",), beyond=True), "outside the stage"),
        (Grown(tools=("read",), images=True), "an image"),
        (Grown(tools=("read",), mistakes=1), "called a tool wrongly"),
    ],
)
def test_a_question_is_outgrown_by_edits_tools_images_and_what_is_dear(grown: Grown, why: str):
    assert why in outgrown(grown)
    assert bool(outgrown(grown)) == bool(why)


def test_who_takes_over_keeps_the_work_and_names_whom_it_follows():
    taken = taken_over(route("question", Settings()), Settings(), "it comes to editing files")
    assert (taken.role, taken.model, taken.effort) == ("worker", MINI, "medium")
    assert (taken.work, taken.why, taken.instead_of) == ("question", "it comes to editing files", NANO)
