from typing import get_args

import pytest

from assent_core.errors import UsageError
from assent_core.router import TABLE, Work, route
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
        ("triage", "scout", NANO, "none"),
        ("classify", "scout", NANO, "none"),
        ("extract", "scout", NANO, "none"),
        ("rank", "scout", NANO, "none"),
        ("summarize", "scout", NANO, "none"),
        ("title", "scout", NANO, "none"),
        ("question", "scout", NANO, "none"),
        ("plan", "planner", MINI, "high"),
        ("review", "reviewer", MINI, "high"),
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
    assert routed.role == route(work, Settings()).role
    assert "profile mini" in routed.why


@pytest.mark.parametrize("work", [work for work in get_args(Work) if work != "image"])
def test_the_profile_nano_binds_every_role_to_the_small_model_and_says_so(work: Work):
    routed = route(work, Settings(profile="nano"))
    assert routed.model == NANO
    assert "profile nano" in routed.why


def test_images_are_refused_in_the_profile_nano_with_the_reason_and_a_way_out():
    with pytest.raises(UsageError, match=r"gpt-5\.4-nano is too weak on screens") as raised:
        route("image", Settings(profile="nano"))
    assert "tiered" in raised.value.hint


def test_models_and_efforts_are_the_users_choice():
    settings = Settings(worker=RoleSettings("local", "low"), scout=RoleSettings("tiny", "low"))
    assert (route("edit", settings).model, route("edit", settings).effort) == ("local", "low")
    assert (route("title", settings).model, route("title", settings).effort) == ("tiny", "low")
