"""What the walls do not hold is said where a stranger reads it."""

from pathlib import Path

import pytest

from assent_sandbox.gaps import GAPS


@pytest.mark.parametrize("gap", GAPS["copy"], ids=lambda gap: gap.name)
def test_the_readme_names_each_gap_in_the_same_words(gap):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert f"| {gap.name} | {gap.what} | {gap.why} |" in readme


def test_the_overlay_leaves_only_what_every_tier_leaves():
    assert GAPS["overlay"] == GAPS["copy"][-len(GAPS["overlay"]) :]
