"""What runs in both kinds of view: the kind, and a stage of it over the `root` of a test's own file."""

from pathlib import Path

import pytest

from assent_sandbox.policy import Tier
from staged import open_as


@pytest.fixture(params=["overlay", "copy"])
def tier(request: pytest.FixtureRequest) -> Tier:
    return request.param


@pytest.fixture
async def stage(tier: Tier, root: Path, tmp_path: Path):
    stage = open_as(tier, root, tmp_path / "home")
    yield stage
    await stage.close()
