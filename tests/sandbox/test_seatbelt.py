import re

import pytest

from assent_sandbox.policy import Policy, View, Widening
from assent_sandbox.running.seatbelt import profile, quote

VIEW = View(tier="copy", root="/repo", home="/state/s", copy="/state/s/view", borrowed=("/repo/node_modules",))


def rules(text: str, action: str) -> str:
    """All rules of one action, put together."""
    return "".join(re.findall(rf"^\({re.escape(action)}\n(?:  .*\n?)+", text, re.MULTILINE))


def test_nothing_is_allowed_that_is_not_named():
    text = profile(VIEW, Policy(), home="/Users/me", toolchains=("/Users/me/.cargo",), tmp="/state/s/tmp")
    assert text.startswith("(version 1)\n(deny default)\n")
    assert text.endswith("(deny network*)\n")
    written = rules(text, "allow file-write*")
    assert re.findall(r'"(.*)"', written) == ["/state/s/view", "/state/s/tmp"]
    read = re.findall(r'"(.*)"', rules(text, "allow file-read*"))
    assert {"/Users/me/.cargo", "/repo/node_modules", "/state/s/view"} <= set(read)
    assert not {"/", "/opt", "/Users", "/Users/me", "/repo", "/state/s"} & set(read)


def test_keys_under_home_are_denied_last_even_within_what_is_readable():
    text = profile(VIEW, Policy(readable=("/Users/me",)), home="/Users/me")
    for name in (".ssh", ".npmrc", ".cargo/credentials.toml", "Library/Keychains"):
        assert f'(subpath "/Users/me/{name}")' in rules(text, "deny file-read* file-write*")
    assert text.index("deny file-read*") > text.index("allow file-read*")


def test_what_was_granted_is_allowed_and_no_more():
    policy = Policy(
        widenings=(
            Widening("read", "/Users/me/.ssh"),
            Widening("write", "/shared/out"),
            Widening("network"),
        )
    )
    text = profile(VIEW, policy, home="/Users/me")
    assert "(allow network* (local ip) (remote ip))\n" in text
    assert "(allow network*)" not in text
    assert "unix-socket" not in text
    assert '"/shared/out"' in rules(text, "allow file-write*")
    assert '"/Users/me/.ssh"' in rules(text, "allow file-read*")
    assert '"/Users/me/.ssh"' not in rules(text, "deny file-read* file-write*")


def test_parentheses_are_balanced_whatever_the_paths_are():
    odd = View(tier="copy", root="/r", home="/h", copy='/h/a "b") (allow default) \\')
    text = profile(odd, Policy(), home="/home")
    assert '"/h/a \\"b\\") (allow default) \\\\"' in text
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    assert bare.count("(") == bare.count(")")
    assert "allow default" not in bare


@pytest.mark.parametrize("path", ["/a\nb", "/a\0b", "/a\udcff"])
def test_a_path_that_no_profile_can_hold_is_refused(path: str):
    with pytest.raises(ValueError, match="cannot be named"):
        quote(path)
