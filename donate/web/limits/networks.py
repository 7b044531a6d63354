"""Whom a request comes from: the client's network address, and the network that it belongs to."""

import ipaddress

from starlette.requests import Request


def address_of(request: Request) -> str:
    """Return the client's network address. uvicorn has already applied trusted proxies' headers."""
    return printable(request.client.host)[:64] if request.client else ""


def printable(text: str) -> str:
    """Return `text` with "?" for unprintable characters, so that it is safe in logs and tables."""
    return "".join(c if c.isprintable() else "?" for c in text)


def wide_network_of(address: str) -> str:
    """Return the widest network that one customer usually has: an IPv4 address, or an IPv6 /48."""
    return network_of(address, prefix=48)


def network_of(address: str, *, prefix: int = 56) -> str:
    """Return the network of an address: the address itself for IPv4, its /56 for IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return printable(address)[:64] or "unknown"
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, prefix), strict=False))


def networks_of(address: str) -> list[str]:
    """Return the networks that an address belongs to, the smallest first.

    An IPv4 address is one network. One IPv6 network may be a /64, a /56 or a /48, and whoever has
    it can take a new address for every request.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return [network_of(address)]
    if isinstance(ip, ipaddress.IPv4Address) or ip.ipv4_mapped:
        return [network_of(address)]
    return [str(ipaddress.ip_network((ip, bits), strict=False)) for bits in (64, 56, 48)]
