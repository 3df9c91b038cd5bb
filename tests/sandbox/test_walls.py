"""What a machine can hold is found by doing it, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from assent_sandbox.gaps import GAPS, gaps_of
from assent_sandbox.mends import mend
from assent_sandbox.walls import find_walls

PROBE = """
import sys
from pathlib import Path
from assent_sandbox.walls import find_walls
findings = find_walls(Path(sys.argv[1]))
print(findings.tier)
for wall in findings.walls:
    print(wall.name, wall.ok, bool(wall.mend), sep="|")
"""


def _where_namespaces_are_forbidden(state: Path) -> list[str]:
    script = f'echo 0 > /proc/sys/user/max_user_namespaces; exec "{sys.executable}" -c "$0" "$1"'
    room = str(Path(__file__).parents[2] / "sandbox")
    argv = ["unshare", "-Ur", "sh", "-c", script, PROBE, str(state)]
    path = ":".join([room, *filter(None, sys.path)])
    done = subprocess.run(
        argv, env={"PYTHONPATH": path, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_every_wall_that_was_tried_is_named(tmp_path: Path) -> None:
    findings = find_walls(tmp_path / "state")
    assert findings.tier == "overlay"
    assert {wall.name for wall in findings.walls} >= {
        "user namespace",
        "own namespaces",
        "own /proc",
        "Landlock",
        "filter of system calls",
        "the repository seen, and what is hidden not",
        "nothing written outside",
        "no way to this machine's services",
        "process numbers of its own",
        "no capabilities",
    }
    assert all(wall.ok for wall in findings.walls if wall.name not in {"rg", "git"})


def test_a_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    find_walls(tmp_path / "state")
    assert list((tmp_path / "state").iterdir()) == []


def test_where_namespaces_are_forbidden_the_copy_tier_holds_and_the_mend_is_told(tmp_path: Path) -> None:
    tier, *walls = _where_namespaces_are_forbidden(tmp_path / "state")
    assert tier == "copy"
    assert "user namespace|False|True" in walls
    assert "own namespaces|False|False" in walls
    assert "Landlock|True|False" in walls
    assert "nothing written outside|True|False" in walls
    assert "memory of other processes|True|False" in walls


def test_the_gaps_of_a_tier_are_those_that_the_kernel_leaves() -> None:
    old, new = ({gap.what for gap in gaps_of("copy", version)} for version in (1, 6))
    assert new < old
    assert {gap.name for gap in gaps_of("copy", 6, {"signals"})} == {gap.name for gap in gaps_of("copy", 6)} - {
        "signals"
    }
    assert all(gaps_of(tier, 6) for tier in GAPS)


@pytest.mark.parametrize(
    ("wall", "switch", "value", "said"),
    [
        ("user namespace", "user/max_user_namespaces", "0", "user.max_user_namespaces="),
        ("own namespaces", "user/max_net_namespaces", "0", "user.max_net_namespaces="),
    ],
)
def test_the_switch_that_felled_a_wall_is_named(tmp_path: Path, wall: str, switch: str, value: str, said: str) -> None:
    place = tmp_path / switch
    place.parent.mkdir()
    place.write_text(f"{value}\n")
    assert said in mend(wall, tmp_path)


def test_ubuntus_restriction_is_told_to_ordinary_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "kernel" / "apparmor_restrict_unprivileged_userns"
    place.parent.mkdir()
    place.write_text("1\n")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "AppArmor" in mend("user namespace", tmp_path)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert "/etc/apparmor.d" not in mend("user namespace", tmp_path)


def test_the_filter_of_a_container_is_told(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Seccomp:\t2\n")
    assert "seccomp=unconfined" in mend("user namespace", tmp_path, status)


def test_a_state_folder_that_cannot_be_made_is_an_answer_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    findings = find_walls(tmp_path / "file" / "state")
    assert findings.tier == "unconfined"
    (fallen,) = (wall for wall in findings.walls if not wall.ok and wall.mend)
    assert (fallen.name, "Not a directory" in fallen.note) == ("a state directory to write to", True)
    assert "ASSENT_STATE_DIR" in fallen.mend
