"""The walls of the copy tier on macOS: a Seatbelt profile, generated for one view and one policy.

It has not been run on a Mac yet; its text is tested, its effect is not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from assent_sandbox.policy import CREDENTIALS, Policy, View

_SYSTEM = (
    "/System",
    "/usr",
    "/bin",
    "/sbin",
    "/Library",
    "/Applications/Xcode.app",
    "/private/etc",
    "/private/var/db",
    "/private/var/select",
)
"""What is readable of the system; keychains and other users' files are not in it."""
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/dtracehelper")
_BASE = """\
(version 1)
(deny default)
(deny process-info* nvram*)
(allow process-fork)
(allow process-exec)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow file-read-metadata)
(allow file-read* (literal "/"))
(allow ipc-posix-shm)
(allow ipc-posix-sem)
(allow mach-lookup
  (global-name "com.apple.system.opendirectoryd.libinfo")
  (global-name "com.apple.system.logger"))
(deny mach-lookup (global-name "com.apple.SecurityServer"))
"""

_NETWORK = """\
(allow network* (local ip) (remote ip))
(allow network-outbound (literal "/private/var/run/mDNSResponder"))
"""
"""The network and whoever looks up its names; the user's agents listen on unix sockets, which are no part of it."""


def profile(view: View, policy: Policy, *, home: str, toolchains: Iterable[str] = (), tmp: str = "") -> str:
    """The profile for `sandbox-exec -p`: nothing but what is named may be read, written or reached.

    Written may be the copy and the private temporary folder `tmp`; read, besides, the system, the `toolchains` (also
    under `home`) and what the policy grants. There is no network unless all of it was granted. The real repository is
    not readable but for what the copy borrows. Later rules win, so denials of what is secret stand last.
    """
    granted_read = _granted(policy, "read")
    granted_write = _granted(policy, "write")
    writable = (view.copy, *((tmp,) if tmp else ()), *granted_write)
    readable = (*_SYSTEM, *toolchains, *policy.readable, *view.borrowed, *granted_read, *writable)
    shown = {*policy.readable, *granted_read, *granted_write}
    hidden = (*(path for path in _keys(home) if path not in shown), *view.closed)
    return "".join(
        (
            _BASE,
            _rule("allow file-read*", "subpath", readable),
            _rule("allow file-read* file-write*", "literal", _DEVICES),
            _rule("allow file-read* file-write*", "subpath", ("/dev/fd",)),
            _rule("allow file-write*", "subpath", writable),
            _rule("deny file-read* file-write*", "subpath", hidden),
            _rule("allow file-read* file-write*", "subpath", (view.copy, *((tmp,) if tmp else ())))
            if view.closed
            else "",
            _NETWORK if policy.allows("network") else "(deny network*)\n",
        )
    )


def quote(path: str) -> str:
    """A path as a string of the profile's language; raises ValueError for what no string of it can hold."""
    if any(ord(letter) < 0x20 or ord(letter) == 0x7F or 0xD800 <= ord(letter) <= 0xDFFF for letter in path):
        raise ValueError(f"{path!r} cannot be named in a profile")
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _rule(action: str, filter_: str, paths: Iterable[str]) -> str:
    """One rule over absolute paths, each by the name that the kernel knows it by; nothing where there is no path."""
    named = dict.fromkeys(os.path.realpath(path) for path in paths)
    lines = "".join(f"\n  ({filter_} {quote(path)})" for path in named)
    return f"({action}{lines})\n" if lines else ""


def _granted(policy: Policy, kind: str) -> tuple[str, ...]:
    return tuple(widening.target for widening in policy.widenings if widening.kind == kind)


def _keys(home: str) -> tuple[str, ...]:
    return tuple(os.path.join(home, name) for name in (*CREDENTIALS, "Library/Keychains"))
