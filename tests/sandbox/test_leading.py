"""By what a command in a copy can see the user's own files all the same."""

from pathlib import Path

import pytest

from assent_sandbox.leading import leads_back, names_root
from assent_sandbox.policy import View


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/src").mkdir(parents=True)
    return tmp_path / "root"


def view(root: Path, *borrowed: Path, tier: str = "copy") -> View:
    return View(tier=tier, root=str(root), home=str(root.parent / "home"), borrowed=tuple(map(str, borrowed)))


def packages(prefix: Path) -> Path:
    folder = prefix / "lib/python3.11/site-packages"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("__editable__.thing-1.pth", "{root}/src\n"),
        ("__editable___thing_finder.py", "MAPPING = {{'thing': '{root}/src/thing'}}\n"),
        ("thing.egg-link", "{root}\n."),
    ],
)
def test_an_editable_install_leads_back(root: Path, name: str, text: str):
    pointing = packages(root / ".venv") / name
    pointing.write_text(text.format(root=root))
    assert leads_back(view(root), {}) == (str(pointing),)
    assert leads_back(view(root, tier="overlay"), {}) == ()


def test_an_environment_that_is_active_is_looked_at_and_one_of_other_folders_leads_nowhere(root: Path, tmp_path: Path):
    pointing = packages(tmp_path / "venv") / "a.pth"
    pointing.write_text(f"{root}-of-another\n{root.parent}\nimport os\n")
    assert leads_back(view(root), {"VIRTUAL_ENV": str(tmp_path / "venv")}) == ()
    pointing.write_text(f"{root}\n")
    assert leads_back(view(root), {"VIRTUAL_ENV": str(tmp_path / "venv")}) == (str(pointing),)


def test_links_between_packages_of_node_lead_back_where_the_folder_is_the_real_one(root: Path):
    (root / "packages/one").mkdir(parents=True)
    modules = root / "node_modules"
    (modules / "@scope").mkdir(parents=True)
    (modules / ".store/other").mkdir(parents=True)
    (modules / "one").symlink_to("../packages/one")
    (modules / "@scope/one").symlink_to("../../packages/one")
    (modules / "other").symlink_to(".store/other")
    assert leads_back(view(root, modules), {}) == (str(modules / "one"), str(modules / "@scope/one"))
    assert leads_back(view(root), {}) == ()


def test_a_command_that_names_the_real_tree_of_a_copy_is_told_from_one_that_starts_a_tool_there():
    there = view(Path("/home/me/shop"))
    assert names_root("test -s /home/me/shop/value.txt", there)
    assert names_root("sh -c 'cd /home/me/shop && make'", there)
    assert not names_root("/home/me/shop/.venv/bin/python -m pytest", there)
    assert not names_root("test -s /home/me/shopping/value.txt; make", there)
    assert not names_root("test -s /home/me/shop/value.txt", view(Path("/home/me/shop"), tier="overlay"))
