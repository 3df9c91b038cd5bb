"""What every test of a screen needs: nothing on it moves by itself."""

import pytest

from assent_tui.chat import pane as chat
from assent_tui.screen import status


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No clock is on the screen and no cursor blinks, so that pictures can be compared."""
    monkeypatch.setattr(status, "_TICK", 3600.0)
    monkeypatch.setattr(chat, "monotonic", lambda: 0.0)
    monkeypatch.setattr("textual.widgets.TextArea.cursor_blink", False)
    monkeypatch.setattr("textual.widgets.Input.cursor_blink", False)


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever terminal the tests are started from, theirs has many colours."""
    monkeypatch.setenv("TERM", "xterm-256color")
