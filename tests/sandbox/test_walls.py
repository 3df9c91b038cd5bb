"""What a machine can hold is found by doing it, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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


def test_a_state_folder_that_cannot_be_made_is_an_answer_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    findings = find_walls(tmp_path / "file" / "state")
    assert findings.tier == "unconfined"
    assert [wall.name for wall in findings.walls if not wall.ok and wall.mend] == ["overlay on the state directory"]
