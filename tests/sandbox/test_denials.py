"""Refusals are explained from counters and real files; a text alone makes nothing certain."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from assent_sandbox.policy import Command, Denial, Ended, Policy, View, Widening, WideningKind
from assent_sandbox.running import refusals
from assent_sandbox.running.denials import find_denials
from assent_sandbox.sight.plan import Plan, Surroundings, plan


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


def found(
    written: Plan,
    text: str = "",
    refusals: int = 0,
    names: tuple[str, ...] = (),
    turned: tuple[Denial, ...] = (),
    **how: object,
) -> list[Denial]:
    ended = msgspec.convert({"code": 1, "seconds": 0.1, **how}, Ended)
    return list(find_denials(msgspec.structs.replace(ended, head=text.encode()), written, refusals, names, turned))


def says(written: Plan, command: str) -> Plan:
    return msgspec.structs.replace(written, argv=("bash", "-c", command))


def test_a_counted_refusal_of_the_network_is_sure_and_names_the_host(written: Plan) -> None:
    assert [(d.kind, d.target, d.certainty, d.widening) for d in found(written, refusals=2)] == [
        ("network", "example.com:443", "sure", Widening("host", "example.com:443"))
    ]


def test_a_text_alone_makes_the_network_likely(written: Plan) -> None:
    (denial,) = found(written, "curl: (6) Could not resolve host: example.net")
    assert (denial.kind, denial.target, denial.certainty) == ("network", "example.net:443", "likely")


@pytest.mark.parametrize(
    ("command", "text", "target"),
    [
        ("pip install x", "", "example.net:443"),
        ("curl http://example.net/simple", "", "example.net:80"),
        ("make", "fetching https://user:pw@example.net:8443/x", "example.net:8443"),
        ("make", "Failed to connect to example.net port 8080", "example.net:8080"),
        ("make", "HTTPSConnectionPool(host='example.net', port=8443): Max retries", "example.net:8443"),
        ("git clone git@example.net:a/b", "", "example.net:22"),
        ("ssh -T example.net", "", "example.net:22"),
        ("make", "http://notexample.net/ http://example.net.evil.example/", "example.net:443"),
    ],
)
def test_a_name_that_was_looked_for_is_surely_denied_at_the_port_that_the_command_or_its_output_names(
    written: Plan, command: str, text: str, target: str
) -> None:
    (denial,) = found(says(written, command), text, names=("example.net",))
    assert (denial.certainty, denial.target, denial.widening) == ("sure", target, Widening("host", target))


def test_each_of_the_first_names_is_a_denial_of_its_own(written: Plan) -> None:
    names = tuple(f"h{number}.org" for number in range(8))
    assert [denial.target for denial in found(written, names=names)] == [f"h{n}.org:443" for n in range(5)]


def test_a_name_that_is_printed_but_was_not_looked_for_is_not_offered_when_another_was(written: Plan) -> None:
    (denial,) = found(says(written, "make"), "Could not resolve host: evil.org", names=("example.net",))
    assert denial.target == "example.net:443"


@pytest.mark.parametrize("name", ["nobody.invalid", "a.test", "www.example", "printer.local", "1.0.0.127.in-addr.arpa"])
def test_a_name_that_is_nobodys_is_no_denial(written: Plan, name: str) -> None:
    assert found(says(written, "make"), names=(name,)) == []


@pytest.mark.parametrize("name", ["db", "metadata.google.internal"])
def test_a_name_that_no_consent_leads_to_is_offered_nothing(written: Plan, name: str) -> None:
    (denial,) = found(says(written, "make"), names=(name,))
    assert (denial.certainty, denial.widening) == ("sure", None)


@pytest.mark.parametrize(
    ("text", "widening"),
    [
        ("curl: (7) Failed to connect to 93.184.215.14 port 8080", Widening("host", "93.184.215.14:8080")),
        ("dial tcp 93.184.215.14:443: connect: network is unreachable", Widening("host", "93.184.215.14:443")),
        ("connect ENETUNREACH 93.184.215.14:80", Widening("host", "93.184.215.14:80")),
        ("Failed to connect to 169.254.169.254 port 80", None),
        ("it did not work", Widening("network")),
    ],
)
def test_a_packet_without_a_route_is_a_sure_denial_and_the_text_says_where_to(
    written: Plan, text: str, widening: Widening | None
) -> None:
    (denial,) = found(says(written, "make"), text, refusals=1)
    assert (denial.certainty, denial.widening) == ("sure", widening)


def test_what_goes_past_the_proxy_to_a_granted_host_takes_the_whole_network(written: Plan) -> None:
    opened = msgspec.structs.replace(written, hosts=("example.net:443",))
    (denial,) = found(opened, names=("example.net",))
    assert denial.widening == Widening("network") and "goes past" in denial.why


def test_what_the_proxy_turned_away_is_told_once_and_first(written: Plan) -> None:
    turned = Denial(
        kind="network",
        target="example.net:443",
        certainty="sure",
        why="w",
        widening=Widening("host", "example.net:443"),
    )
    assert found(written, names=("example.net", "a.org"), turned=(turned,))[0] == turned
    assert len(found(written, names=("example.net", "a.org"), turned=(turned,))) == 2


def test_where_a_single_host_cannot_be_opened_the_network_is_offered(written: Plan) -> None:
    copy = msgspec.structs.replace(written, spaces=False)
    (denial,) = found(copy, "curl: (6) Could not resolve host: example.net")
    assert (denial.certainty, denial.widening) == ("likely", Widening("network"))


def test_what_could_not_be_started_is_surely_denied_for_the_keeper_says_so(written: Plan, home: Path) -> None:
    (denial,) = found(written, f"assent: {home}/.ssh/id: No such file or directory", cause="start")
    assert (denial.certainty, denial.widening) == ("sure", Widening("read", str(home / ".ssh/id")))


@pytest.mark.parametrize(
    "line", ['sudo: The "no new privileges" flag is set', "unshare: unshare failed: Operation not permitted"]
)
def test_a_text_about_privileges_is_a_likely_denial(written: Plan, line: str) -> None:
    (denial,) = found(says(written, "make"), line)
    assert (denial.kind, denial.certainty, denial.widening) == ("process", "likely", Widening("unconfined"))


def test_no_network_is_missed_where_it_was_granted(written: Plan) -> None:
    assert found(msgspec.structs.replace(written, network=True), "Could not resolve host: example.net", 3) == []


@pytest.mark.parametrize(
    "line",
    [
        "cat: {}: No such file or directory",
        "sh: 0: cannot open {}: No such file",
        "FileNotFoundError: [Errno 2] No such file or directory: '{}'",
        "Error: ENOENT: no such file or directory, open '{}'",
        "cat: {}: Permission denied",
    ],
)
def test_a_hidden_file_that_exists_is_likely_refused_for_a_text_can_be_forged(
    written: Plan, home: Path, line: str
) -> None:
    target = str(home / ".ssh/id")
    (denial,) = found(written, line.format(target))
    assert (denial.kind, denial.certainty, denial.widening) == ("file", "likely", Widening("read", target))


def test_a_path_with_a_blank_is_found_in_its_quotes(written: Plan, home: Path) -> None:
    (denial,) = found(written, f"cat: '{home}/my notes.txt': No such file or directory")
    assert denial.target == f"{home}/my notes.txt"


def test_a_tilde_is_the_home(written: Plan, home: Path) -> None:
    (denial,) = found(written, "cannot open ~/.ssh/id: no such file or directory")
    assert denial.target == str(home / ".ssh/id")


def test_a_write_to_what_is_read_only_asks_for_that_path(written: Plan, home: Path) -> None:
    line = f"touch: cannot touch '{home}/new': Read-only file system"
    (denial,) = found(written, line)
    assert (denial.certainty, denial.widening) == ("sure", Widening("write", str(home / "new")))
    (denial,) = found(written, line, code=0)
    assert denial.certainty == "likely"


@pytest.mark.parametrize(
    ("line", "place", "widening"),
    [
        ("[ERROR] Could not create local repository at {} -> [Help 1]", ".m2/repository", None),
        ("error: failed to create directory `{}`", ".cargo/registry/index", None),
        ("java.io.IOException: Cannot create directory {}", ".tool", "write"),
        ("Unable to write '{}'", "my notes.txt", "write"),
        ("tool: can't open {}: giving up", ".ssh/id", "read"),
        ("could not lock config file {}", ".config/tool/lock", None),
    ],
)
def test_what_a_program_says_in_its_own_words_is_a_likely_denial_of_what_the_walls_keep_from_it(
    written: Plan, home: Path, line: str, place: str, widening: WideningKind | None
) -> None:
    line, target = line.format(home / place), str(home / place)
    written = msgspec.structs.replace(written, writable=("/r/repo", "/var/tmp"))
    (denial,) = found(written, line)
    wanted = Widening(widening, target) if widening else None
    assert (denial.kind, denial.target, denial.certainty, denial.widening) == ("file", target, "likely", wanted)
    assert found(written, line, code=0) == []
    for elsewhere in ("/r/repo/a", "/var/tmp/a", "/proc/1/a"):
        assert found(written, line.replace(target, elsewhere)) == []


def test_what_one_line_says_surely_is_sure_whatever_another_says(written: Plan, home: Path) -> None:
    place = home / "my notes.txt"
    (denial,) = found(written, f"warning: '{place}': Permission denied\nopen '{place}': EACCES")
    assert denial.certainty == "sure"


def test_a_link_into_the_repository_makes_nothing_sure(written: Plan, home: Path, tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (home / "link").symlink_to(tmp_path / "repo")
    there = msgspec.structs.replace(written, view=str(tmp_path / "repo"))
    (denial,) = found(there, f"cat: {home}/link: Permission denied")
    assert denial.certainty == "likely"


@pytest.mark.skipif(
    os.geteuid() != 0 and not set(os.getgroups()) - {os.getegid()}, reason="nobody here could give a file to others"
)
@pytest.mark.parametrize(
    ("line", "denied"),
    [
        ("chown: changing ownership of 'given': Invalid argument", True),
        ('rsync: [receiver] chgrp "{}/given" failed: Invalid argument (22)', True),
        ("tar: fresh: Cannot change ownership to uid 5, gid 5: Invalid argument", False),
        ("chown: changing ownership of '/elsewhere/given': Invalid argument", False),
        ("chown: given: Permission denied", False),
    ],
)
def test_a_file_that_could_not_be_given_to_another_owner_is_told_to_stay_as_it_is(
    written: Plan, tmp_path: Path, line: str, denied: bool
) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "given").write_text("")
    there = msgspec.structs.replace(written, view=str(root), workdir=str(root))
    denials = [(each.kind, each.target, each.certainty) for each in found(there, line.format(root), code=1)]
    assert denials == ([("process", str(root / "given"), "likely")] if denied else [])


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


def test_what_is_named_before_more_paths_than_are_looked_at_is_denied_and_the_rest_is_left(
    written: Plan, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_MOST_PATHS", 10)
    others = " ".join(f"/no/{number}" for number in range(12))
    line = f"{home}/.ssh/id {{}} '{home}/my notes.txt': No such file"
    assert {denial.target for denial in found(written, line.format(""))} == {
        f"{home}/.ssh/id",
        f"{home}/my notes.txt",
    }
    (denial,) = found(written, f"{home}/.ssh/id: No such file\n{others}: No such file\n{home}/my: No such file")
    assert denial.target == f"{home}/.ssh/id"


def test_a_flood_of_refusals_is_bounded(written: Plan, home: Path) -> None:
    for number in range(50):
        (home / f"f{number}").write_text("")
    text = "".join(f"cat: {home}/f{number}: No such file or directory\n" for number in range(50))
    assert len(found(written, text * 100)) == 20
