"""What a command may use up is bounded, whatever it does; when it is over nothing of it is left."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest

from assent_sandbox.cell import namespaces
from assent_sandbox.policy import Limits, Tier
from assent_sandbox.stage import Stage
from assent_sandbox.tiers import open_stage


def _load() -> ModuleType:
    place = Path(__file__).parents[2] / "scripts" / "campaign" / "bombs.py"
    spec = importlib.util.spec_from_file_location("campaign_bombs", place)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BOMBS = _load()


@pytest.fixture
async def stage(tmp_path: Path, tier: Tier) -> AsyncIterator[Stage]:
    root = tmp_path / "root"
    root.mkdir()
    stage = await open_stage(root, tmp_path / "stage", tier)
    yield stage
    await stage.discard()


@pytest.mark.parametrize("name", BOMBS.BOMBS)
async def test_a_bomb_ends_as_it_should_and_leaves_nothing(name: str, stage: Stage, tier: Tier) -> None:
    if not BOMBS.is_bounded(name, tier):
        pytest.skip("nothing but our watch bounds root's processes here")
    assert await BOMBS.explode(stage, name) == ""


async def test_what_lies_in_the_temporary_folder_already_is_not_counted_again(stage: Stage) -> None:
    made = await BOMBS.finished(stage, 'head -c 60000000 /dev/zero > "$TMPDIR/big"', Limits())
    assert made.cause == "exit"
    ended = await BOMBS.finished(stage, "sleep 0.5; echo well", Limits(memory=50_000_000))
    assert (ended.cause, ended.output) == ("exit", b"well\n")


async def test_the_bound_on_processes_is_the_commands_own_and_not_the_machines(stage: Stage, tier: Tier) -> None:
    before = Path("/proc/sys/kernel/pid_max").read_text()
    ended = await BOMBS.finished(stage, "cat /proc/sys/kernel/pid_max; echo 1 > /proc/sys/kernel/pid_max", Limits())
    assert Path("/proc/sys/kernel/pid_max").read_text() == before
    if tier == "overlay" and namespaces.counts_processes() and os.geteuid() == 0:
        assert ended.output.startswith(b"1296\n")
