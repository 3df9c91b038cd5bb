"""The long campaigns of scripts/campaign, in a short form."""

import importlib.util
from pathlib import Path

import pytest

CAMPAIGNS = Path(__file__).parents[1] / "scripts" / "campaign"


def load(name: str):
    spec = importlib.util.spec_from_file_location(f"campaign_{name}", CAMPAIGNS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(240)
async def test_a_repair_killed_at_any_moment_leaves_the_tree_as_it_was_or_repaired():
    counted = await load("fix").campaign(rounds=5, seed=7)
    assert sum(counted.values()) == 5
