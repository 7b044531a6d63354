"""The open connections of a process: how many there may be, and which one makes room for another.

A connection costs a file, some memory, and nothing for the stranger who opens it. So when there are
too many, the one that has waited longest for its client is closed.
"""

import ipaddress
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol

from donate.web.limits.networks import network_of
from donate.web.logs_and_metrics import CONNECTIONS_CLOSED

log = logging.getLogger(__name__)

# A browser opens six at most, and closes them seconds after the last request. So this is enough for
# a congregation behind one address.
MAX_PER_NETWORK: Final = 256
_LOG_EVERY_S: Final = 60.0


class Phase(StrEnum):
    """What a connection waits for."""

    HEAD = "head"  # the head of a request, also between two requests
    BODY = "body"
    READER = "reader"  # the client does not take the answer
    ANSWER = "answer"  # the service works on the answer


class OpenConnection(Protocol):
    """A connection that can be closed."""

    def cut(self) -> None:
        """Close the connection at once."""


class _Crowd:
    """All connections, or those of one network.

    Those that wait for their client are kept in the order in which they began to wait. In a flood
    of silent connections, a client that is just sending its request is thus near the end of that
    order, and its connection is not the one that is closed to make room.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[OpenConnection, None] = OrderedDict()
        self._answered: set[OpenConnection] = set()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._answered)

    def add(self, connection: OpenConnection, phase: Phase) -> None:
        if phase is Phase.ANSWER:
            self._answered.add(connection)
        else:
            self._waiting[connection] = None

    def remove(self, connection: OpenConnection) -> None:
        self._waiting.pop(connection, None)
        self._answered.discard(connection)

    def longest_waiting(self) -> OpenConnection | None:
        return next(iter(self._waiting), None)


class OpenConnections:
    """The open connections of one server. Its methods run in the thread of the event loop only.

    The limit for one network does not apply to `proxies`, because all clients of a proxy share its
    address. The limit `in_all` does.
    """

    def __init__(
        self, in_all: int, *, per_network: int = MAX_PER_NETWORK, proxies: Sequence[str] = ()
    ) -> None:
        self._in_all = in_all
        self._per_network = per_network
        self._proxies = [network for text in proxies if (network := _network(text))]
        self._everybody = _Crowd()
        self._networks: dict[str, _Crowd] = {}
        self._places: dict[OpenConnection, tuple[str, Phase]] = {}
        self._logged_at = -_LOG_EVERY_S
        self._closed = 0

    def __len__(self) -> int:
        return len(self._places)

    def open(self, connection: OpenConnection, address: str) -> None:
        """Add a connection that waits for its first request.

        If there are now too many, close the one that has waited longest for its client. That is the
        new one if the service is working on an answer for all others.
        """
        network = "" if self._is_proxy(address) else network_of(address)
        self._add(connection, network, Phase.HEAD)
        if network and len(self._networks[network]) > self._per_network:
            self._make_room(self._networks[network], "network")
        if len(self._everybody) > self._in_all:
            self._make_room(self._everybody, "in_all")

    def move(self, connection: OpenConnection, phase: Phase) -> None:
        """Record what a connection waits for from now on."""
        place = self._places.get(connection)
        if place and place[1] is not phase:
            self.close(connection)
            self._add(connection, place[0], phase)

    def close(self, connection: OpenConnection) -> None:
        """Remove a connection that was closed. Nothing happens if it was removed before."""
        network, _ = self._places.pop(connection, (None, Phase.HEAD))
        if network is None:
            return
        self._everybody.remove(connection)
        crowd = self._networks[network]
        crowd.remove(connection)
        if not crowd:
            del self._networks[network]

    def _add(self, connection: OpenConnection, network: str, phase: Phase) -> None:
        self._places[connection] = network, phase
        self._everybody.add(connection, phase)
        self._networks.setdefault(network, _Crowd()).add(connection, phase)

    def _make_room(self, crowd: _Crowd, limit: str) -> None:
        # The new connection is waiting too, so there is always one to close.
        connection = crowd.longest_waiting()
        if connection:
            CONNECTIONS_CLOSED.labels(limit).inc()
            self._log_closed()
            self.close(connection)
            connection.cut()

    def _log_closed(self) -> None:
        self._closed += 1
        now = time.monotonic()
        if now >= self._logged_at + _LOG_EVERY_S:
            log.warning("too many connections: closed %s to make room", self._closed)
            self._logged_at, self._closed = now, 0

    def _is_proxy(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(ip in network for network in self._proxies)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
