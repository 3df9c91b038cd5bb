"""Landlock withholds every path that was not named, for good."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from assent_sandbox.cell import landlock, namespaces

pytestmark = pytest.mark.skipif(not landlock.version(), reason="no Landlock here")


def in_child(action: Callable[[], bool]) -> bool:
    """Do something that cannot be taken back in a process of its own."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if action() else 1)
        finally:
            os._exit(2)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code != 2
    return code == 0


def refused(action: Callable[[], object]) -> bool:
    try:
        action()
    except PermissionError:
        return True
    return False


def test_rights_grow_with_the_version() -> None:
    known = [landlock.known_rights(abi) for abi in range(8)]
    assert known[0] == 0
    assert known == sorted(known)
    assert known[1] == 0x1FFF
    assert known[5] == known[7] == landlock.WRITE


def test_what_is_not_named_is_withheld(tmp_path: Path) -> None:
    for name in ("read", "write", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text("x")

    def confined() -> bool:
        namespaces.forgo_new_privileges()
        landlock.restrict(
            landlock.version(), [str(tmp_path / "read"), str(tmp_path / "missing")], [str(tmp_path / "write")]
        )
        return (
            (tmp_path / "read/f").read_text() == "x"
            and refused(lambda: (tmp_path / "read/f").write_text("y"))
            and (tmp_path / "write/new").write_text("y") == 1
            and refused((tmp_path / "other/f").read_text)
            and refused(lambda: list((tmp_path / "other").iterdir()))
            and refused(lambda: (tmp_path / "write/new").rename(tmp_path / "other/new"))
        )

    assert in_child(confined)
    assert (tmp_path / "read/f").read_text() == "x"


def test_a_file_alone_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")

    def confined() -> bool:
        namespaces.forgo_new_privileges()
        landlock.restrict(landlock.version(), [str(tmp_path / "a")], [])
        return (tmp_path / "a").read_text() == "x" and refused((tmp_path / "b").read_text)

    assert in_child(confined)


def test_a_kernel_without_it_is_left_alone() -> None:
    landlock.restrict(0, [], [])
    assert Path("/proc/self/status").exists()
