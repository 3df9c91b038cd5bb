"""The API key: from the environment, a file of the user's own where there is no keyring, or the keyring."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import stat
from pathlib import Path
from urllib.parse import urlsplit

from assent_core.errors import KeyMissing, UsageError
from assent_core.service.keyrings import keyring_of_platform
from assent_core.settings import Settings, config_dir

PLACEHOLDER = "no-key-needed"
_SERVICE = "assent"


def host_of(server: str) -> str:
    """The host of a base URL; keys are kept for each host, so that none goes to a server it is not for."""
    return urlsplit(server).hostname or ""


def is_loopback(server: str) -> bool:
    """Whether the server is on this machine."""
    host = host_of(server)
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_key(settings: Settings | None = None) -> str:
    """The key for the server of the settings; a placeholder for one on this machine; KeyMissing where there is none."""
    server = (settings or Settings()).server
    host = host_of(server)
    key = os.environ.get("OPENAI_API_KEY", "").strip() or _from_file(host)
    if not key and is_loopback(server):
        return PLACEHOLDER
    if not (key := key or _from_keyring(host)):
        raise KeyMissing(f"There is no API key for {host}.", "Set OPENAI_API_KEY, or store a key once: assent key.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise KeyMissing(
            "The API key holds characters that no key has.", "Copy it again, without quotes or line breaks."
        )
    return key


def store_key(key: str, base_url: str = "") -> str:
    """Keep the key of a server (none: the one in use) in the keyring, or else in a file of the user alone; says where."""
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError("That is not an API key.", "A key is one word of ASCII characters, without quotes.")
    host = host_of(Settings(base_url=base_url).server)
    if _into_keyring(key, host):
        with contextlib.suppress(FileNotFoundError):
            _file(host).unlink()
        return f"The key for {host} is in the keyring of this system."
    _into_file(key, host)
    return f"This system has no keyring: the key for {host} is in {_file(host)}, readable only by you, not encrypted."


def _file(host: str) -> Path:
    return config_dir() / "keys" / host


def _from_file(host: str) -> str:
    file = _file(host)
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeError) as error:
        raise KeyMissing(f"The key file {file} cannot be read: {error}", "Store the key again: assent key.") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyMissing(f"The key file {file} is open to other users.", f"Close it: chmod 600 {file}")
    return text


def _into_file(key: str, host: str) -> None:
    file = _file(host)
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = file.with_name(f".{host}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(key + "\n")
        fresh.replace(file)
    except OSError as error:
        raise UsageError(f"The key cannot be kept in {file}: {error}", "Set OPENAI_API_KEY instead.") from error


def _from_keyring(host: str) -> str:
    from keyring.errors import KeyringError

    try:
        return (keyring_of_platform().get_password(_SERVICE, host) or "").strip()
    except (KeyringError, OSError, RuntimeError):
        return ""


def _into_keyring(key: str, host: str) -> bool:
    from keyring.errors import KeyringError

    try:
        ring = keyring_of_platform()
        ring.set_password(_SERVICE, host, key)  # pyright: ignore[reportUnknownMemberType] # wrapped by the library
        return ring.get_password(_SERVICE, host) == key
    except (KeyringError, OSError, RuntimeError):
        return False
