"""assent's own folders are nobody's to read or change, also where the repository holds them."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from assent_sandbox.policy import Command, Ended, Policy, Widening
from assent_sandbox.stage import File, OutsideError, Stage
from assent_sandbox.tiers import open_stage

CANARY = "canary-0815"
GRANTED = Policy(
    widenings=(Widening("secret", ".config"), Widening("secret", ".config/assent"), Widening("secret", "s"))
)


@pytest.fixture(params=["overlay", "copy", "unconfined"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """A home that is the repository: the state in it, the settings behind a link."""
    root = tmp_path / "home"
    (root / "s" / "sessions").mkdir(parents=True)
    (root / "dots" / "assent" / "keys").mkdir(parents=True)
    (root / ".config").symlink_to("dots")
    (root / "s" / "sessions" / "one.jsonl").write_text(CANARY)
    (root / "dots" / "assent" / "keys" / "api").write_text(CANARY)
    (root / "a").write_text("a\n")
    closed = (root / "s", root / ".config" / "assent", root / "later")
    stage = await open_stage(root, root / "s" / "stages" / "x", request.param, closed)
    yield stage
    await stage.close()


async def sh(stage: Stage, script: str, policy: Policy | None = None) -> Ended:
    command = Command(argv=("sh", "-c", script))
    last = [piece async for piece in stage.run(command, policy or Policy())][-1]
    assert isinstance(last, Ended)
    return last


@pytest.mark.parametrize("path", ["s", "s/sessions/one.jsonl", "dots/assent/keys/api", "./dots//assent/keys"])
async def test_nothing_of_them_is_read_or_changed_through_the_stage(stage: Stage, path: str):
    for act in (stage.read, stage.folder, stage.delete, stage.change, lambda path: stage.write(path, File(b"x"))):
        with pytest.raises(OutsideError):
            act(path)
    with suppress(OutsideError):
        stage.delete("dots")
    assert not [name for name in stage.paths() if "assent" in name]


async def test_no_command_reads_them_whatever_was_granted(stage: Stage):
    if stage.tier == "unconfined":
        pytest.skip("nothing is held there")
    root = stage.view.root
    for policy in (Policy(), GRANTED):
        ended = await sh(
            stage, f"cat s/sessions/* dots/assent/keys/* {root}/s/sessions/* {root}/dots/assent/keys/*", policy
        )
        assert CANARY not in ended.output.decode()
        ended = await sh(stage, f"cp -r dots copied; cat copied/assent/keys/*; grep -rh canary . {root}/s", policy)
        assert CANARY not in ended.output.decode()
        assert [each for each in ended.denials if each.widening] == []


async def test_a_copy_has_nothing_of_them(stage: Stage):
    if stage.tier == "overlay":
        pytest.skip("there they are covered")
    assert CANARY not in (await sh(stage, "grep -r canary . | cat")).output.decode()


async def test_what_a_command_makes_in_their_place_is_no_change(stage: Stage):
    await sh(stage, "mkdir -p later; echo x > later/settings.toml; echo b > b")
    assert stage.paths() == ("b",)
    stage.rebase()
    assert stage.paths() == ("b",)
