"""Decides where webhooks may be sent: only to public addresses.

Without this, an address typed into a form could reach the machines behind this service, such as a
cloud's metadata service. The name is resolved once for each request, and the connection goes to an
address that was checked, so that a name cannot lead somewhere else in the meantime (DNS rebinding).
"""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import dns.resolver
from dns.exception import DNSException

from donate.errors import N_, BadInput, ReceiverUnavailable
from donate.mail_server import ascii_host

Resolve = Callable[[str], Sequence[str]]
"""A function that returns the IP addresses of a name; none if it has none."""

MAX_URL: Final = 500
_PORTS: Final = (443, 8443)
_DNS_TIMEOUT_S: Final = 4.0
_THIS_MACHINE: Final = ("127.0.0.1", "localhost")
# IPv6 addresses outside of this block are private, or stand for IPv4 addresses (::ffff:0:0/96,
# 64:ff9b::/96).
_GLOBAL_IPV6: Final = ipaddress.IPv6Network("2000::/3")
# Tunnels whose addresses contain the IPv4 address to which they lead (6to4 and its relay, Teredo),
# and blocks for protocols and documents that Python 3.11 counts as global.
_SPECIAL: Final = tuple(
    map(
        ipaddress.ip_network,
        ("2002::/16", "2001::/32", "192.88.99.0/24", "192.0.0.0/24", "3fff::/20"),
    )
)

NO_DNS_ADDRESS: Final = N_("Its name has no address in DNS.")
NOT_PUBLIC: Final = N_("Its address isn’t public, so nothing was sent.")


@dataclass(frozen=True, slots=True)
class Target:
    """Where webhooks are sent. `path` has the query too. `has_tls` is false only in the demo."""

    host: str
    port: int
    path: str
    has_tls: bool = True


def read_target(url: str, *, allows_this_machine: bool = False) -> Target:
    """Return the parts of a URL. Raises BadInput if no webhooks may be sent there.

    `allows_this_machine` also allows http:// on this machine at any port, for the demo.
    """
    if len(url) > MAX_URL:
        raise BadInput("url", N_("Please shorten this to %(most)s characters."), {"most": "500"})
    try:
        parts = urlsplit(url)
        host, port = ascii_host(parts.hostname or ""), parts.port
    except ValueError:
        raise BadInput("url", _INCOMPLETE) from None
    if not host or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise BadInput("url", _INCOMPLETE)
    if "@" in parts.netloc or "#" in url:
        raise BadInput("url", N_("Please leave out the name, the password and the part after #."))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme == "http" and allows_this_machine and host in _THIS_MACHINE:
        return Target(host, 80 if port is None else port, path, has_tls=False)
    if parts.scheme != "https":
        raise BadInput("url", N_("Please enter an address that begins with https://."))
    port = _PORTS[0] if port is None else port
    if port not in _PORTS:
        raise BadInput("url", N_("Please use port 443 or 8443."))
    if _literal(host) and not is_public(host):
        raise BadInput(
            "url", N_("This address isn’t public. Webhooks go only to public addresses.")
        )
    return Target(host, port, path)


_INCOMPLETE: Final = N_("Please enter a complete address, such as https://crm.example.org/hooks.")


def public_addresses(target: Target, resolve: Resolve) -> Sequence[str]:
    """Return the addresses to connect to. Raises ReceiverUnavailable.

    If one address of a name is not public, none is used.
    """
    if not target.has_tls:
        return ["127.0.0.1"]
    addresses = [target.host] if _literal(target.host) else resolve(target.host)
    if not addresses:
        raise ReceiverUnavailable(NO_DNS_ADDRESS)
    if not all(map(is_public, addresses)):
        raise ReceiverUnavailable(NOT_PUBLIC)
    return addresses


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet, and not of a private or special network."""
    ip = _literal(address)
    if ip is None or not ip.is_global or ip.is_multicast or ip.is_reserved:
        return False
    if any(ip in block for block in _SPECIAL if block.version == ip.version):
        return False
    return ip.version == 4 or ip in _GLOBAL_IPV6


def resolve_host(host: str) -> Sequence[str]:
    """Return the IPv4 and IPv6 addresses of a name from DNS; none if DNS gives none now."""
    try:
        return list(dns.resolver.resolve_name(host, lifetime=_DNS_TIMEOUT_S).addresses())
    except (DNSException, OSError, UnicodeError):
        return []


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
