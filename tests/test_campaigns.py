"""The long campaigns of scripts/campaign, in a short form."""

import importlib.util
from pathlib import Path

import pytest

from patient import PATIENCE

CAMPAIGNS = Path(__file__).parents[1] / "scripts" / "campaign"


def load(name: str):
    spec = importlib.util.spec_from_file_location(f"campaign_{name}", CAMPAIGNS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(900)
async def test_a_repair_killed_at_any_moment_leaves_the_tree_as_it_was_or_repaired():
    counted = await load("fix").campaign(rounds=3, seed=7)
    assert sum(counted.values()) == 3


@pytest.mark.timeout(900)
async def test_a_session_killed_and_gone_on_with_comes_to_the_same_end():
    counted, wrong = await load("crash").campaign(kills=2, landings=1, seed=7)
    assert wrong == []
    assert counted["kills"] == 2


@pytest.mark.parametrize("tier", ["overlay", "copy"])
async def test_many_commands_leave_nothing(tier):
    commands = load("commands")
    assert await commands.in_sequence(tier, 30) == ""
    assert await commands.at_once(tier, 12, 4) == ""


@pytest.mark.parametrize("tier", ["overlay", "copy"])
@pytest.mark.parametrize("moment", [-0.15, 0.001, 0.1])
async def test_a_sudden_death_in_the_middle_of_a_command_leaves_nothing(tier, moment):
    assert await load("commands").killed(tier, 0, moment, PATIENCE) == ""


@pytest.mark.parametrize("network", [False, True])
async def test_whatever_a_command_asks_of_the_supervisor_the_host_stays_as_it_was(network):
    arguments = load("arguments")
    found = [await arguments.calls(300, seed, network=network) for seed in (7, 8)]
    assert found == [[], []]


def test_whatever_is_read_as_a_host_is_read_so_by_everybody():
    assert load("arguments").texts(5000, seed=7) == []


async def test_a_service_that_fails_in_any_way_ends_a_repair_in_success_or_in_a_clear_error():
    faults = load("faults")
    counted, wrong = await faults.campaign(share=0.08, seed=7)
    assert (len(faults.FAULTS) >= 40, wrong) == (True, [])
    assert counted.total() >= 40


def test_sessions_that_land_at_random_beside_an_editor_lose_and_double_nothing():
    counted, wrong = load("together").campaign(sessions=4, seconds=4, seed=7)
    assert wrong == []
    assert counted["landed"] and counted["saved"]


@pytest.mark.timeout(900)
async def test_workers_killed_with_the_whole_program_leave_no_process_no_stage_and_a_whole_tree():
    counted, wrong = await load("workers").campaign(rounds=2, seed=7, length=0.5)
    assert (wrong, counted.total()) == ([], 2)


@pytest.mark.timeout(900)
def test_random_streams_of_sentences_keys_pastes_and_questions_decide_only_by_keys_in_their_place():
    assert load("keys").campaign(streams=12, chance=7) == 12


def test_whatever_a_patch_of_any_text_opens_was_in_its_reach():
    counted, wrong = load("patches").campaign(rounds=3000, seed=7)
    assert wrong == []
    assert counted["reaches"] > 300 and counted["opens 1"] > 300


SOME = (
    *(
        "ignored configuration edited",
        "empty patch",
        "passes when it ran before",
        "setting of git",
        "temporary file",
        "pipe",
    ),
    *("ignored besides", "needs the user's ignored file", "committed on the stage", "pipe that hides nothing any more"),
)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("tier", ["overlay", "copy"])
async def test_a_check_that_passes_for_the_wrong_reason_lands_nothing_and_an_honest_repair_lands(tier):
    counted, wrong = await load("lies").campaign((tier,), SOME)
    assert (wrong, counted.total()) == ([], len(SOME))


async def test_a_lie_deceives_where_it_was_told_and_fails_in_a_clean_clone():
    lies = load("lies")
    counted, wrong = await lies.campaign(("overlay",), SOME, alone=True)
    assert (wrong, counted.total()) == ([], len(SOME))
    honest = [case.honest for case in lies.cases()]
    assert honest.count(False) >= 60 and honest.count(True) >= 15
