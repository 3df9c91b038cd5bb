"""What every test of a screen needs: nothing on it moves by itself, and whoever presses a key waits for what it does."""

from collections.abc import Awaitable, Callable

import pytest
from textual.app import App
from textual.pilot import Pilot

from assent_tui.chat import pane as chat
from assent_tui.screen import app, intent, keyline, status, typed
from resting import idle, settled

_NEVER = 3600.0


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No clock is on the screen and no cursor blinks, so that pictures can be compared."""
    monkeypatch.setattr(status, "_TICK", _NEVER)
    monkeypatch.setattr(chat, "monotonic", lambda: 0.0)
    monkeypatch.setattr("textual.widgets.TextArea.cursor_blink", False)
    monkeypatch.setattr("textual.widgets.Input.cursor_blink", False)


@pytest.fixture
def snap_compare(snap_compare: Callable[..., bool], still: None) -> Callable[..., bool]:
    """Compare a picture that is taken when nothing is due any more."""

    def compare(
        shown: App[int], *, terminal_size: tuple[int, int], run_before: Callable[[Pilot[int]], Awaitable[None]]
    ) -> bool:
        async def ready(pilot: Pilot[int]) -> None:
            await run_before(pilot)
            await settled(pilot)

        return snap_compare(shown, terminal_size=terminal_size, run_before=ready)

    return compare


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever terminal the tests are started from, theirs has many colours."""
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key is pressed when all is done that the one before set off, however long that takes; nothing goes meanwhile."""
    monkeypatch.setattr("textual.pilot.wait_for_idle", idle)
    monkeypatch.setattr("textual.app.wait_for_idle", idle)
    monkeypatch.setattr(keyline, "_FLASH", _NEVER)
    monkeypatch.setattr(typed, "_PATIENCE", _NEVER)
    monkeypatch.setattr(app, "_AGAIN", _NEVER)


@pytest.fixture(autouse=True)
def _deliberate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each key is meant, however fast the next one follows; tests of what is typed as text say otherwise."""
    monkeypatch.setattr(intent.Intent, "pace", property(lambda _: 0.0, lambda *_: None), raising=False)
