"""Namespaces and mounts, each tried in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from assent_sandbox.cell import namespaces


def in_child(action: Callable[[], object]) -> int:
    """Do something that cannot be taken back elsewhere; gives 0 if it was true."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            code = 0 if action() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_an_error_names_what_was_tried() -> None:
    with pytest.raises(OSError, match="copy the mount of /no/such: "):
        namespaces.copy_mount("/no/such")


def test_users_are_the_same_inside(tmp_path: Path) -> None:
    def same() -> bool:
        before = (os.getuid(), os.getgid())
        namespaces.enter_user_namespace()
        return (os.getuid(), os.getgid()) == before and tmp_path.stat().st_uid == before[0]

    assert in_child(same) == 0


def test_a_private_file_system_is_seen_inside_alone(tmp_path: Path) -> None:
    def mounted() -> bool:
        namespaces.enter_user_namespace()
        namespaces.attach(namespaces.make_mount("tmpfs", {}), str(tmp_path))
        (tmp_path / "inside").write_text("x")
        return [path.name for path in tmp_path.iterdir()] == ["inside"]

    assert in_child(mounted) == 0
    assert list(tmp_path.iterdir()) == []


def test_read_only_covers_everything_below() -> None:
    def refused() -> bool:
        namespaces.enter_user_namespace()
        namespaces.set_attributes("/", namespaces.RDONLY, propagation=namespaces.PRIVATE)
        try:
            Path(f"/tmp/assent-was-here-{os.getpid()}").write_text("x")
        except OSError as error:
            return error.errno == 30
        return False

    assert in_child(refused) == 0


def test_privileges_are_gone_for_good() -> None:
    def powerless() -> bool:
        namespaces.enter_user_namespace()
        namespaces.give_up_privileges()
        lines = dict(
            line.split(":\t")
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith(("Cap", "NoNew"))
        )
        return {value for name, value in lines.items() if name != "NoNewPrivs"} == {"0" * 16} and lines[
            "NoNewPrivs"
        ] == "1"

    assert in_child(powerless) == 0


def test_descriptors_are_closed_from_a_number_on() -> None:
    def closed() -> bool:
        high = os.dup(1)
        namespaces.close_from(3)
        try:
            os.fstat(high)
        except OSError:
            return True
        return False

    assert in_child(closed) == 0


def test_a_clone_is_the_first_process_of_its_namespace() -> None:
    def first() -> bool:
        namespaces.enter_user_namespace()
        child = namespaces.clone(namespaces.NEWPID)
        if child == 0:
            os._exit(0 if os.getpid() == 1 else 1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    assert in_child(first) == 0
