"""The keyring of this system, chosen by its platform before anything is tried."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_RINGS = {
    "darwin": ("keyring.backends.macOS.Keyring",),
    "linux": (
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.libsecret.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
    ),
}
"""What can be one on each platform. The library's own choice imports those of all platforms, and that of macOS looks for its
frameworks with a compiler from PATH (keyring 25, `ctypes.util.find_library`)."""


def keyring_of_platform() -> KeyringBackend:
    """The keyring that the user's settings for the library name, else the best that works here; one that fails if none does."""
    from keyring import core

    if getattr(core, "_keyring_backend", None) is None:  # nothing public tells without choosing
        core.set_keyring(_named() or _best())
    return core.get_keyring()


def _named() -> KeyringBackend | None:
    """What `PYTHON_KEYRING_BACKEND` or the user's `keyringrc.cfg` names."""
    from keyring import core

    with suppress(ImportError, AttributeError, ValueError):
        return core.load_env() or core.load_config()
    return None


def _best() -> KeyringBackend:
    from keyring import core
    from keyring.backends import fail

    found: list[KeyringBackend] = []
    for name in _RINGS.get(sys.platform, ()):
        with suppress(Exception):  # whatever a back end raises, it cannot be used here
            found.append(core.load_keyring(name))
    return max(found, key=lambda ring: float(ring.priority), default=fail.Keyring())
