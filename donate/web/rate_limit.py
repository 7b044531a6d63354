"""Slows down who opens gifts by the thousand, before Stripe is asked and before anything is stored.

Counts in memory, in this process, in fixed windows. It can hold no more networks than the limit
for all of them together, so it cannot be made to swell.
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
    """How many gifts may be opened within `WINDOW`, and how many of them by card.

    A congregation gives from one address, so both are generous. Those who test stolen cards need
    thousands, and are told apart: when `cards` are refused, other ways to give stay open.
    """

    def __init__(self, *, cards: "AttemptCounter", gifts: "AttemptCounter") -> None:
        self.cards = cards
        self.gifts = gifts

    def count(self, mode: Mode, address: str, now: datetime) -> None:
        """Count one gift that is about to be opened. Raises TooManyTries when it is too many."""
        # First, or what is refused here would use up what the other ways to give have.
        if mode.through_stripe:
            self.cards.count(address, now)
        self.gifts.count(address, now)


class AttemptCounter:
    """How often something was tried within `WINDOW`, by each network and by all together."""

    def __init__(self, per_network: int, in_all: int) -> None:
        self._per_network = per_network
        self._in_all = in_all
        self._lock = threading.Lock()
        self._window = 0
        self._begun: dict[str, int] = {}
        self._begun_in_all = 0
        self._refused = 0

    def count(self, address: str, now: datetime) -> None:
        """Count one try from `address`. Raises TooManyTries when it is one too many."""
        network = network_of(address)
        with self._lock:
            self._turn_to(now)
            here = self._begun.get(network, 0)
            if here >= self._per_network or self._begun_in_all >= self._in_all:
                self._refused += 1
                raise TooManyAttempts("too many gifts were begun", int(WINDOW.total_seconds()))
            self._begun[network] = here + 1
            self._begun_in_all += 1

    def refused(self, now: datetime) -> int:
        """Return how many tries were refused in the present window."""
        with self._lock:
            self._turn_to(now)
            return self._refused

    def _turn_to(self, now: datetime) -> None:
        window = int(now.timestamp() // WINDOW.total_seconds())
        if window != self._window:
            self._window = window
            self._begun.clear()
            self._begun_in_all = 0
            self._refused = 0


def address_of(request: Request) -> str:
    """Return where a request comes from; the server has judged what proxies say about it."""
    return printable(request.client.host)[:64] if request.client else ""


def printable(text: str) -> str:
    """Return `text` without what a database or a log would choke on."""
    return "".join(c if c.isprintable() else "?" for c in text)


def network_of(address: str) -> str:
    """Return what counts as one place: an IPv4 address, or the /56 that one household may have."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return printable(address)[:64] or "unknown"
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 56), strict=False))
