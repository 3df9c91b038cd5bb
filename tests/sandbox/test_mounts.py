"""What a keeper mounts."""

import os
from pathlib import Path

import pytest

from assent_sandbox.cell import mounts, pieces


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts without a namespace")
def test_two_overlays_of_the_same_layers_can_be_made_at_once(tmp_path: Path):
    lower, upper, work = (str(tmp_path / name) for name in ("lower", "upper", "work"))
    layers = ((lower,), upper, work)
    for layer in (lower, upper, work):
        Path(layer).mkdir()
    other = os.fork()
    failed = 0
    for _ in range(200):
        try:
            os.close(pieces._make_overlay(layers))
        except OSError:
            failed += 1
    if not other:
        os._exit(failed != 0)
    assert (failed, os.waitstatus_to_exitcode(os.waitpid(other, 0)[1])) == (0, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes mounts without a namespace")
def test_a_cover_whose_folder_has_vanished_needs_no_closing_and_any_other_does(tmp_path: Path):
    mounts._close(str(tmp_path / "gone"))
    with pytest.raises(OSError, match="set attributes"):
        mounts._close(str(tmp_path))
