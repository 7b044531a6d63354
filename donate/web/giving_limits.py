"""Counts opened gifts, and refuses more than the limits in `settings.py` allow.

The limits apply before Stripe is called or data is stored.

The counts are kept in this process's memory, in fixed windows of time. Memory is bounded, because a
window counts no more gifts than the total limit allows, and therefore no more networks.
"""

import ipaddress
import threading
from datetime import datetime, timedelta
from typing import Final

from starlette.requests import Request

from donate.errors import TooManyAttempts
from donate.regions.modes import Mode

WINDOW: Final = timedelta(minutes=10)


class GivingLimits:
    """Limits the number of gifts that are opened within `WINDOW`.

    `gifts` limits all gifts, and `cards` only those that are paid through Stripe. When `cards` is
    used up, the other modes stay open.

    Both limits are generous, because a congregation may share one network address. Even so, `cards`
    stops criminals who test stolen cards, because they need thousands of attempts.
    """

    def __init__(self, *, cards: "AttemptCounter", gifts: "AttemptCounter") -> None:
        self.cards = cards
        self.gifts = gifts

    def count(self, mode: Mode, address: str, now: datetime) -> None:
        """Count one gift. Raises TooManyAttempts if it exceeds a limit."""
        # Count in `cards` first, because a refused card gift must not use up the limit of other
        # modes.
        if mode.through_stripe:
            self.cards.count(address, now)
        self.gifts.count(address, now)


class AttemptCounter:
    """Counts attempts to open a gift within `WINDOW`, for each network and in total."""

    def __init__(self, per_network: int, in_all: int) -> None:
        self._per_network = per_network
        self._in_all = in_all
        self._lock = threading.Lock()
        self._window = 0
        self._counts: dict[str, int] = {}
        self._count_in_all = 0
        self._refused = 0

    def count(self, address: str, now: datetime) -> None:
        """Count an attempt to open a gift. Raises TooManyAttempts if it exceeds a limit."""
        network = network_of(address)
        with self._lock:
            self._start_window(now)
            count = self._counts.get(network, 0)
            if count >= self._per_network or self._count_in_all >= self._in_all:
                self._refused += 1
                raise TooManyAttempts("too many gifts were opened", int(WINDOW.total_seconds()))
            self._counts[network] = count + 1
            self._count_in_all += 1

    def refused(self, now: datetime) -> int:
        """Return how many attempts were refused in the current window."""
        with self._lock:
            self._start_window(now)
            return self._refused

    def _start_window(self, now: datetime) -> None:
        window = int(now.timestamp() // WINDOW.total_seconds())
        if window != self._window:
            self._window = window
            self._counts.clear()
            self._count_in_all = 0
            self._refused = 0


def address_of(request: Request) -> str:
    """Return the client's network address. uvicorn has already applied trusted proxies' headers."""
    return printable(request.client.host)[:64] if request.client else ""


def printable(text: str) -> str:
    """Return `text` with "?" for unprintable characters, so that it is safe in logs and tables."""
    return "".join(c if c.isprintable() else "?" for c in text)


def network_of(address: str) -> str:
    """Return the network of an address: the address itself for IPv4, its /56 for IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return printable(address)[:64] or "unknown"
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 56), strict=False))
