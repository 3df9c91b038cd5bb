"""The user is called when they look elsewhere, in a way that their terminal understands."""

import pytest

from assent_tui.screen.attention import AWAY, Attention, call, title


@pytest.mark.parametrize(
    ("environment", "sent"),
    [
        ({"TERM": "xterm-256color"}, "\x07"),
        ({"TERM": "xterm-kitty"}, "\x1b]9;assent: it\x1b\\\x07"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "\x1b]9;assent: it\x1b\\\x07"),
        ({"TERM": "foot"}, "\x1b]777;notify;assent;it\x1b\\\x07"),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/t", "TERM_PROGRAM": "WezTerm"}, "\x07"),
        ({"TERM": "linux"}, "\x07"),
        ({}, "\x07"),
    ],
)
def test_only_a_terminal_that_knows_notifications_is_sent_one(environment: dict[str, str], sent: str):
    assert call("it", "on", environment) == sent


def test_the_setting_makes_it_quiet():
    kitty = {"TERM": "xterm-kitty"}
    assert call("it", "bell", kitty) == "\x07"
    assert call("it", "off", kitty) == ""


def test_a_terminal_without_a_window_has_no_title():
    assert title("it", {"TERM": "linux"}) == ""
    assert title("it", {"TERM": "xterm"}) == "\x1b]2;it\x1b\\"


def test_who_looks_is_known_by_focus_where_the_terminal_tells_it():
    attention = Attention(lambda: 0.0)
    assert not attention.away
    attention.focused(False)
    assert attention.away
    attention.focused(True)
    assert not attention.away


def test_who_looks_is_known_by_keys_where_the_terminal_tells_nothing():
    now = [0.0]
    attention = Attention(lambda: now[0])
    now[0] = AWAY + 1
    assert attention.away
    attention.pressed()
    assert not attention.away
