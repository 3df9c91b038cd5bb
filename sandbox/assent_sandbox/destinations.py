"""Hosts and ports as a consent names them, and the addresses that a consent to a host does not cover."""

from __future__ import annotations

import ipaddress
import re
import socket

from msgspec import Struct

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS = {"https": 443, "http": 80, "wss": 443, "ws": 80, "ssh": 22, "git": 9418, "ftp": 21}
METADATA = frozenset({"169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"})
"""Where clouds hand out the keys of the machine that asks; never opened to a command."""
_METADATA_NAMES = ("metadata.google.internal", "metadata.goog", "instance-data")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:@/\\?#\s]+)(?::(?P<port>[0-9]{1,5}))?")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


class Destination(Struct, frozen=True, order=True):
    """One host and port; `host` is a lower-case ASCII name, or an address in its one canonical form, without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def address(self) -> Address | None:
        """The address, if the host is one and no name."""
        return as_address(self.host)


def read_destination(text: str, port: int | None = None) -> Destination | None:
    """Read `host:port` (`[v6]:port`); `port` is taken where none is given. None for everything that is not exactly one.

    A name that other programs would read as a number (`127.1`, `0x7f000001`, `2130706433`) is none.
    """
    found = _AUTHORITY.fullmatch(text)
    number = int(found["port"]) if found and found["port"] else port
    if not found or number is None or not 0 < number < 1 << 16:
        return None
    bracketed = found["host"].startswith("[")
    host = found["host"].strip("[]").lower().removesuffix(".")
    address = as_address(host)
    if address is not None:
        return Destination(str(address), number) if bracketed == (address.version == 6) else None
    return Destination(host, number) if not bracketed and _is_name(host) else None


def read_wish(text: str) -> Destination | None:
    """Read what somebody wrote who means a host: `host:port`, a URL, or a name alone, which means https."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return read_destination(text, PORTS["https"])
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]
    return read_destination(authority, PORTS.get(scheme.lower()))


def read_port(text: str) -> int | None:
    """Read a port of this machine: `5432`, or `127.0.0.1:5432` and its like."""
    found = re.fullmatch(r"(?:(?:localhost|127\.0\.0\.1|\[::1\]):)?([1-9][0-9]{0,4})", text, re.IGNORECASE)
    return int(found[1]) if found and int(found[1]) < 1 << 16 else None


def as_address(host: str) -> Address | None:
    """The address that a text is, an IPv4 one inside an IPv6 one taken out; None for a name or a scoped address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.scope_id is not None:
        return None
    within = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    if within is None and address in _TRANSLATED:
        within = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return within or address


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine's own loopback by its text."""
    address = as_address(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def never_opened(host: str) -> str:
    """Why no consent opens this host, or nothing."""
    address = as_address(host)
    if host in _METADATA_NAMES or (address and str(address) in METADATA):
        return "it hands out this machine's own keys (a cloud's metadata service)"
    if address and address.is_link_local:
        return "it is link-local, where services hand out this machine's own keys"
    odd = address and (address.is_unspecified or address.is_multicast or address.is_reserved)
    if address and odd and not address.is_loopback:
        return "it is no address of a single host"
    return ""


def is_public(address: Address) -> bool:
    """Say whether an address is one of the open internet and not this machine's own."""
    site = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not site and not never_opened(str(address)) and not _is_own(address)


def _is_own(address: Address) -> bool:
    """Whether packets to an address would leave this machine from that same address."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as door:
            door.connect((str(address), 9))
            return as_address(door.getsockname()[0]) == address
    except OSError:
        return False


def _is_name(host: str) -> bool:
    labels = host.split(".")
    return len(host) <= 253 and all(map(_LABEL.fullmatch, labels)) and not _NUMERIC.fullmatch(labels[-1])
