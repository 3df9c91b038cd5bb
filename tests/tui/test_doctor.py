"""What `assent doctor` says of this machine, and of one that has less."""

import json
from pathlib import Path

import pytest

from assent_sandbox.gaps import Gap
from assent_sandbox.walls import Findings, Wall
from assent_tui.commands import doctor

LESS = Findings(
    tier="unconfined",
    walls=(
        Wall(name="own /proc", ok=False, note="EPERM \x1b[2J", mend="Uncover /proc."),
        Wall(name="git", ok=True, note="/usr/bin/git"),
    ),
)


def test_it_tries_the_walls_of_this_machine_and_leaves_nothing(assent, tmp_path, place):
    done = assent("doctor", cwd=tmp_path)
    tier = done.stdout.split(":")[0]
    assert tier in ("overlay", "copy", "unconfined")
    assert done.returncode == (1 if tier == "unconfined" else 0)
    assert done.stderr == ""
    assert "Landlock" in done.stdout
    assert not list(place.rglob("probe-*"))
    assert list(tmp_path.iterdir()) == []


def test_the_findings_are_one_json_object(assent, tmp_path):
    done = assent("doctor", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert set(found) == {"tier", "walls", "gaps"}
    assert {"name", "ok"} <= set(found["walls"][0])
    plain = assent("doctor", cwd=tmp_path).stdout
    assert found["gaps"] and all(gap["name"] and gap["what"] in plain and gap["why"] in plain for gap in found["gaps"])


def test_without_walls_it_says_what_is_missing_and_exits_1(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(doctor, "find_walls", lambda state, repository: LESS)
    assert doctor.doctor(as_json=False) == 1
    said = capsys.readouterr().out
    assert "unconfined" in said
    assert "no   own /proc" in said
    assert "Uncover /proc." in said
    assert "yes  git" in said
    assert "\x1b" not in said


def test_what_the_tier_does_not_hold_is_named(monkeypatch: pytest.MonkeyPatch, capsys):
    copied = Findings(
        tier="copy", walls=(), gaps=(Gap("attributes", "Modes can be changed.", "Landlock does not withhold it."),)
    )
    monkeypatch.setattr(doctor, "find_walls", lambda state, repository: copied)
    assert doctor.doctor(as_json=False) == 0
    said = capsys.readouterr().out
    assert "what this tier does not hold:\n  -    Modes can be changed.\n       Landlock does not" in said


def test_what_would_mend_a_wall_is_only_said_of_one_that_fell():
    standing = Findings(tier="copy", walls=(Wall(name="x", ok=True, mend="mend it"),))
    assert not [line for _, line in doctor.lines(standing, Path("/state")) if "mend it" in line]
