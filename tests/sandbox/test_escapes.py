"""No attempt gets out of a stage, all ordinary work goes on in it: in each tier, as root and as an ordinary user."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from assent_sandbox.cell import landlock, namespaces, seccomp
from assent_sandbox.gaps import GAPS, gaps_of
from sandbox import escapes, second

GROUPS = escapes.GROUPS | second.GROUPS
PROVING = Path(__file__).with_name("proving.py")
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
ORDINARY, FURTHER = 54_321 + 2 * WORKER, 54_322 + 2 * WORKER
"""A user and a group that own nothing, and a further group of theirs; others while several run at once."""
AT_MOST = (
    "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
    "sh", "-c", 'echo 1500 > /proc/sys/kernel/pid_max && exec "$@"', "sh",
)  # fmt: skip
"""What bounds bombs that only a watch ends, should that sleep."""


class Somebody:
    """Who runs the attempts, and from where: a folder below /tmp, and one that commands can see where there is such."""

    def __init__(self, name: str, folder: Path, beyond: Path, python: str) -> None:
        self.name, self.folder, self.beyond, self.python = name, folder, beyond, python
        self.elsewhere: tuple[Path, ...] = ()
        self.user = ORDINARY if name == "an ordinary user" and os.geteuid() == 0 else None

    def prove(self, tier: str, *groups: str, **variables: str) -> dict[str, list[str]]:
        """What was not as it should be; an ordinary user without namespaces is tried where the machine forbids them."""
        if tier == "copy" and self.name != "root" and not {"persistence", "bombs"}.isdisjoint(groups):
            tier = "forbidden"
        packages = Path(pytest.__file__).parents[1]
        path = f"{Path(self.python).parent}:/usr/local/bin:/usr/bin:/bin"
        disk = Path("/").stat().st_dev
        environment = variables | {
            "PATH": path, "PYTHONPATH": str(packages), "LANG": "C.UTF-8", "GROUP": str(self.other_group()),
            "DISK": f"{os.major(disk)}:{os.minor(disk)}", "ELSEWHERE": " ".join(map(str, self.elsewhere)),
        }  # fmt: skip
        within: tuple[str, ...] = ()
        if (tier, groups, self.user) == ("copy", ("bombs",), None) and namespaces.counts_processes():
            within, environment["BOUNDED"] = AT_MOST, "1"
        done = subprocess.run(
            [*within, self.python, str(PROVING), tier, str(self.folder), str(self.beyond), *groups],
            env=environment, cwd="/", capture_output=True, text=True, timeout=280, check=False,
            **({"user": self.user, "group": self.user, "extra_groups": [FURTHER]} if self.user else {}),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout)

    def other_group(self) -> int:
        if self.user:
            return FURTHER
        groups = [group for group in os.getgroups() if group != os.getgid()]
        return 1 if os.geteuid() == 0 else (groups or [os.getgid()])[0]

    def give_files_of_root(self) -> None:
        """Make a repository with files of root in it, of which the user may change some."""
        given, user = self.folder / "given", self.user
        (given / "locked").mkdir(parents=True)
        assert user
        for name, owner, group, mode in (
            (".", user, user, 0o755), ("root.txt", 0, 0, 0o644), ("shared.txt", 0, FURTHER, 0o660),
            ("locked/mine.txt", user, user, 0o644), ("locked", 0, 0, 0o755),
        ):  # fmt: skip
            if name.endswith("txt"):
                (given / name).write_text(f"{(given / name).stem}\n")
            os.chown(given / name, owner, group)
            (given / name).chmod(mode)


def python_for_all() -> str:
    """A Python that an ordinary user may execute too; empty if there is none of our version."""
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/python{ours}", f"/usr/local/bin/python{ours}"):
        try:
            subprocess.run([candidate, "-c", ""], user=ORDINARY, check=True, capture_output=True, cwd="/")
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    return ""


@pytest.fixture(params=["root", "an ordinary user"])
def somebody(request: pytest.FixtureRequest) -> Iterator[Somebody]:
    root, python = os.geteuid() == 0, sys.executable
    if request.param == "root" and not root:
        pytest.skip("only root can try as root")
    if request.param == "an ordinary user" and root and not (python := python_for_all()):
        pytest.skip("no Python of this version can be executed by others")
    folder = Path(tempfile.mkdtemp(prefix="assent-proof-"))
    beyond = Path(tempfile.mkdtemp(prefix="assent-proof-", dir="/srv" if os.access("/srv", os.W_OK) else None))
    somebody = Somebody(request.param, folder, beyond, python)
    tops = ("/opt", "/opt", "/mnt", "/media", "/var/lib", "/var/cache", "/") if root else ()
    somebody.elsewhere = tuple(Path(tempfile.mkdtemp(prefix="assent-proof-", dir=top)) for top in tops)
    for place in (folder, beyond, *somebody.elsewhere):
        place.chmod(0o755)
        if somebody.user:
            os.chown(place, somebody.user, somebody.user)
    yield somebody
    for place in (folder, beyond, *somebody.elsewhere):
        subprocess.run(["chmod", "-R", "u+rwX", str(place)], check=False)
        shutil.rmtree(place, ignore_errors=True)


@pytest.mark.parametrize("group", GROUPS)
def test_no_attempt_gets_out(group: str, tier: str, somebody: Somebody) -> None:
    through = somebody.prove(tier, group)
    closed = {"attributes", "signals", "terminals", "abstract sockets"} if seccomp.can_be_supervised() else set[str]()
    gaps = {gap.name for gap in gaps_of(tier, landlock.version(), closed)}  # pyright: ignore
    known = {name for name, attempt in GROUPS[group].items() if attempt.gap in gaps}
    assert {name: seen for name, seen in through.items() if name not in known} == {}


@pytest.mark.parametrize("group", ["controls", "bombs"])
def test_ordinary_work_goes_on_and_bombs_are_bounded(group: str, tier: str, somebody: Somebody) -> None:
    assert somebody.prove(tier, group) == {}


def test_work_goes_on_in_unusual_places(tier: str, somebody: Somebody) -> None:
    assert somebody.prove(tier, "places") == {}


def test_files_of_others_that_the_user_may_change_can_be_changed(tier: str, somebody: Somebody) -> None:
    if not somebody.user:
        pytest.skip("root has no files of others, and only root can give an ordinary user some")
    somebody.give_files_of_root()
    assert somebody.prove(tier, "owners") == {}


@pytest.mark.parametrize("group", GROUPS)
def test_without_walls_every_attempt_succeeds(group: str, somebody: Somebody) -> None:
    if somebody.name != "root":
        pytest.skip("the disposable host that is harmed needs root; the payloads are the same")
    assert somebody.prove("bare", group) == {}


def test_every_attempt_says_what_stops_it() -> None:
    everything = [attempt for group in GROUPS.values() for attempt in group.values()]
    assert len(everything) > 230
    assert all(attempt.stop for attempt in everything)
    assert {attempt.gap for attempt in everything} - {""} <= {gap.name for gap in GAPS["copy"]}
    assert namespaces.machine in {"x86_64", "aarch64"}
