"""What is known of where a command ran decides whether its exit code 0 verifies anything."""

from pathlib import Path

import pytest

from assent_core.diffs.changes import digest
from assent_core.diffs.review import Evidence, Review, evidence_for
from assent_core.logs.digest import extract
from assent_core.memory.outputs import Outputs
from assent_core.performing.around import Around, around
from assent_core.performing.evidence import doubt
from assent_core.performing.fresh import fresh
from assent_core.performing.leftovers import parted
from assent_core.performing.perform import Performer
from assent_core.workspace import find
from assent_sandbox.policy import Policy
from assent_sandbox.stage import File
from assent_sandbox.tiers import open_stage
from rehearsed import committed


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "dist").mkdir(parents=True)
    (root / "node_modules/one").mkdir(parents=True)
    (root / ".gitignore").write_text("dist/\nnode_modules/\n.venv/\n*.local\n__pycache__/\n")
    committed(root)
    (root / "dist/app").write_text("built\n")
    (root / "node_modules/one/main.js").write_text("1\n")
    (root / "my.local").write_text("mine\n")
    return root


@pytest.fixture(params=["overlay", "copy"])
async def performer(request: pytest.FixtureRequest, root: Path, tmp_path: Path):
    stage = await open_stage(root, tmp_path / "home", request.param)
    yield Performer(stage, find(root), Policy(), lambda text: text, Outputs(tmp_path / "blobs"))
    await stage.discard()


def test_what_builds_leave_is_told_from_what_is_needed():
    ignored = ("dist/", "a/__pycache__/", "run.log", "node_modules/", ".env", "local_settings.py", ".venv/", "target/")
    assert parted(ignored)[0] == ("dist/", "a/__pycache__/", "run.log", "target/")
    assert parted(ignored, "cargo test")[0] == ("dist/", "a/__pycache__/", "run.log")
    assert parted(("node_modules/.cache/", "vendor/dist/"))[0] == ()


async def test_a_fresh_stage_has_what_lands_and_nothing_that_was_left_behind(performer: Performer, root: Path):
    performer.stage.write("new.txt", File(b"new\n"))
    performer.stage.write("other.local", File(b"changed\n"))
    performer.changes()
    async with fresh(performer, performer.landing(), "true") as made:
        assert made.stage.read("new.txt") == File(b"new\n")
        assert made.stage.read("my.local") == File(b"mine\n")
        assert made.stage.read("node_modules/one/main.js") == File(b"1\n")
        assert (made.stage.read("other.local"), made.stage.read("dist/app")) == (None, None)
        assert made.hidden == ("dist/",)
        assert [file.path for file in made.staged] == ["new.txt"]
        home = Path(made.stage.view.home)
        assert home.exists()
    assert not home.exists()
    async with fresh(performer, {}, "true", bare=False) as made:
        assert made.stage.read("dist/app") == File(b"built\n")
    assert (root / "dist/app").read_text() == "built\n"


async def test_what_was_there_is_told_by_what_it_is(performer: Performer, root: Path):
    there = around(performer, "make", ("x.local",), typed=True)
    assert (there.aside, there.left) == (("x.local",), ("dist/",))
    assert there.relies == ("my.local", "node_modules/")
    (root / "__pycache__").mkdir()
    (root / "__pycache__/a.pyc").write_bytes(b"")
    assert around(performer, "make", (), typed=True).left == ("__pycache__/", "dist/")
    assert around(performer, "make", (), typed=False).left == ("dist/",)


async def test_a_check_that_can_have_read_the_real_tree_from_a_copy_verifies_nothing(performer: Performer, root: Path):
    packages = root / ".venv/lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (packages / "root.pth").write_text(f"{root}\n")
    there = around(performer, "pytest", (), typed=True)
    leads = (str(packages / "root.pth"),) if performer.stage.tier == "copy" else ()
    assert there.leads == leads
    said = doubt(extract("pytest", 0, "1 passed in 0.1s\n"), Around(leads=there.leads))
    assert ("can have read your own files instead of the copy" in said) == bool(leads)


def test_evidence_that_is_sure_goes_before_a_later_one_in_doubt_and_not_before_a_later_failure():
    nothing = digest(())
    sure = Evidence(command="make", code=0, digest=nothing)
    vague = Evidence(command="make", code=0, digest=nothing, doubt="it ran beside", aside=("dist/",))
    failed = Evidence(command="make", code=1, digest=nothing)
    assert evidence_for(Review(evidence=(sure, vague))) == (sure, True)
    assert evidence_for(Review(evidence=(sure, failed))) == (failed, True)
    assert evidence_for(Review(evidence=(sure, failed, vague))) == (vague, True)
    assert evidence_for(Review(evidence=(failed, sure))) == (sure, True)
