"""What runs in both kinds of view."""

import pytest

from assent_sandbox.policy import Tier


@pytest.fixture(params=["overlay", "copy"])
def tier(request: pytest.FixtureRequest) -> Tier:
    return request.param
