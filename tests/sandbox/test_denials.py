"""Refusals are explained from counters and real files; a text alone makes nothing certain."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from assent_sandbox.denials import find_denials
from assent_sandbox.plan import Plan, Surroundings, plan
from assent_sandbox.policy import Command, Denial, Ended, Policy, View, Widening


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home/.ssh").mkdir(parents=True)
    (tmp_path / "home/.ssh/id").write_text("k")
    (tmp_path / "home/my notes.txt").write_text("k")
    (tmp_path / "state").mkdir()
    (tmp_path / "state/log").write_text("k")
    return tmp_path / "home"


@pytest.fixture
def written(home: Path, tmp_path: Path) -> Plan:
    view = View(tier="overlay", root="/r/repo", home=str(tmp_path / "state"), upper="/u", work="/w")
    around = Surroundings(variables={"HOME": str(home)}, home=str(home), secrets=(".env", "conf/tls.key"))
    return plan(view, Command(argv=("curl", "https://example.com/x")), Policy(), around)


def found(written: Plan, text: str = "", refusals: int = 0, **how: object) -> list[Denial]:
    ended = msgspec.convert({"code": 1, "seconds": 0.1, **how}, Ended)
    return list(find_denials(msgspec.structs.replace(ended, head=text.encode()), written, refusals))


def test_a_counted_refusal_of_the_network_is_sure_and_names_the_host(written: Plan) -> None:
    assert [(d.kind, d.target, d.certainty, d.widening) for d in found(written, refusals=2)] == [
        ("network", "example.com", "sure", Widening("network"))
    ]


def test_a_text_alone_makes_the_network_likely(written: Plan) -> None:
    (denial,) = found(written, "curl: (6) Could not resolve host: pypi.org")
    assert (denial.kind, denial.target, denial.certainty) == ("network", "pypi.org", "likely")


def test_no_network_is_missed_where_it_was_granted(written: Plan) -> None:
    assert found(msgspec.structs.replace(written, network=True), "Could not resolve host: pypi.org", 3) == []


@pytest.mark.parametrize(
    "line",
    [
        "cat: {}: No such file or directory",
        "FileNotFoundError: [Errno 2] No such file or directory: '{}'",
        "Error: ENOENT: no such file or directory, open '{}'",
        "cat: {}: Permission denied",
    ],
)
def test_a_hidden_file_that_exists_is_surely_refused(written: Plan, home: Path, line: str) -> None:
    target = str(home / ".ssh/id")
    (denial,) = found(written, line.format(target))
    assert (denial.kind, denial.certainty, denial.widening) == ("file", "sure", Widening("read", target))


def test_a_path_with_a_blank_is_found_in_its_quotes(written: Plan, home: Path) -> None:
    (denial,) = found(written, f"cat: '{home}/my notes.txt': No such file or directory")
    assert denial.target == f"{home}/my notes.txt"


def test_a_tilde_is_the_home(written: Plan, home: Path) -> None:
    (denial,) = found(written, "cannot open ~/.ssh/id: no such file or directory")
    assert denial.target == str(home / ".ssh/id")


def test_a_write_to_what_is_read_only_asks_for_that_path(written: Plan, home: Path) -> None:
    (denial,) = found(written, f"touch: cannot touch '{home}/new': Read-only file system")
    assert denial.widening == Widening("write", str(home / "new"))


def test_a_masked_secret_asks_for_that_secret(written: Plan) -> None:
    (denial,) = found(written, "cat: conf/tls.key: Permission denied")
    assert (denial.kind, denial.widening) == ("secret", Widening("secret", "conf/tls.key"))


@pytest.mark.parametrize(
    "line",
    [
        "cat: /no/such/place: No such file or directory",
        "cat: a.txt: No such file or directory",
        "sh: 1: foo: not found",
        "cat: {home}/missing: No such file or directory",
        "everything is fine with {home}/.ssh/id",
        "nul\0 /etc/pass\0wd: Permission denied",
    ],
)
def test_what_the_walls_did_not_refuse_is_no_denial(written: Plan, home: Path, line: str) -> None:
    assert found(written, line.format(home=home)) == []


def test_our_own_folder_is_never_offered(written: Plan, tmp_path: Path) -> None:
    assert found(written, f"cat: {tmp_path}/state/log: No such file or directory") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_what_we_ourselves_could_not_write_is_not_offered(written: Plan) -> None:
    assert found(written, "touch: cannot touch '/etc/x': Read-only file system") == []


@pytest.mark.parametrize("cause", ["time", "memory", "disk"])
def test_a_limit_is_a_denial(written: Plan, cause: str) -> None:
    (denial,) = found(written, cause=cause)
    assert (denial.kind, denial.target, denial.certainty, denial.widening) == ("limit", cause, "sure", None)


def test_a_flood_of_refusals_is_bounded(written: Plan, home: Path) -> None:
    for number in range(50):
        (home / f"f{number}").write_text("")
    text = "".join(f"cat: {home}/f{number}: No such file or directory\n" for number in range(50))
    assert len(found(written, text * 100)) == 20
