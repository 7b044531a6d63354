"""Sends one webhook over HTTP, within a time limit for the whole exchange.

httpx is not used here: its timeouts apply to each single step, so a receiver that sends one byte at
a time would keep the connection for ever. It uses no proxy, follows no redirect, and reads only the
beginning of the answer.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final

from donate.errors import N_, ReceiverUnavailable
from donate.outbound_webhooks.targets import (
    NO_DNS_ADDRESS,
    NOT_PUBLIC,
    Resolve,
    Target,
    public_addresses,
    resolve_host,
)

TIMEOUT_S: Final = 15.0
MAX_ANSWER_BYTES: Final = 8_192
_MOST_ADDRESSES: Final = 4
_DIGITS: Final = 6

Connect = Callable[[str, int, float], socket.socket]
"""A function that connects to an IP address and a port, within a number of seconds."""

NO_CONNECTION: Final = N_("No connection was possible.")
BAD_CERTIFICATE: Final = N_("Its certificate isn’t valid.")
TOO_SLOW: Final = N_("It didn’t answer within 15 seconds.")
BROKEN_OFF: Final = N_("It broke the connection off.")
UNAVAILABLE_REASONS: Final = (
    *(NO_DNS_ADDRESS, NOT_PUBLIC, NO_CONNECTION),
    *(BAD_CERTIFICATE, TOO_SLOW, BROKEN_OFF),
)
"""The msgids with which ReceiverUnavailable is raised."""


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What a receiver answered.

    `retry_after` is how long it asked us to wait. `text` is the beginning of its answer.
    """

    code: int
    text: str = ""
    retry_after: timedelta | None = None


def _connect(address: str, port: int, timeout_s: float) -> socket.socket:
    return socket.create_connection((address, port), timeout=timeout_s)


class WebhookClient:
    """Sends webhooks. `resolve`, `connect` and `tls` are replaced in tests."""

    def __init__(
        self,
        *,
        resolve: Resolve = resolve_host,
        connect: Connect = _connect,
        tls: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._resolve = resolve
        self._connect = connect
        self._tls = tls or ssl.create_default_context()
        self._timeout_s = timeout_s

    def post(
        self, target: Target, body: bytes, headers: Mapping[str, str], *, now: datetime
    ) -> WebhookAnswer:
        """Send a webhook, and return the answer. Raises ReceiverUnavailable if there is none."""
        deadline = time.monotonic() + self._timeout_s
        addresses = public_addresses(target, self._resolve)
        connected = self._connect_to_any(addresses, target.port, deadline)
        line = _Line(connected)
        with line.cut_at(deadline):
            return self._exchange(line, target, body, headers, now)

    def _connect_to_any(
        self, addresses: Sequence[str], port: int, deadline: float
    ) -> socket.socket:
        for address in addresses[:_MOST_ADDRESSES]:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise ReceiverUnavailable(TOO_SLOW)
            with suppress(OSError):
                return self._connect(address, port, left_s)
        is_late = time.monotonic() >= deadline
        raise ReceiverUnavailable(TOO_SLOW if is_late else NO_CONNECTION)

    def _exchange(
        self,
        line: "_Line",
        target: Target,
        body: bytes,
        headers: Mapping[str, str],
        now: datetime,
    ) -> WebhookAnswer:
        try:
            http = HTTPSConnection if target.has_tls else HTTPConnection
            # The connection is open already, so http.client resolves no name. It uses host and port
            # only for the Host header.
            connection = http(target.host, target.port)
            if target.has_tls:
                line.encrypt(self._tls, target.host)
            connection.sock = line.socket
            connection.request("POST", target.path, body, {**headers, "Connection": "close"})
            return _read(connection.getresponse(), now)
        except ssl.SSLCertVerificationError:
            raise ReceiverUnavailable(BAD_CERTIFICATE) from None
        except (OSError, HTTPException, ValueError) as error:
            is_late = line.is_cut or isinstance(error, TimeoutError)
            raise ReceiverUnavailable(TOO_SLOW if is_late else BROKEN_OFF) from None


class _Line:
    """A connection that is cut at a deadline, even while it is being read or written."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.is_cut = False

    def encrypt(self, tls: ssl.SSLContext, host: str) -> None:
        self.socket = tls.wrap_socket(
            self.socket, server_hostname=host, do_handshake_on_connect=False
        )
        assert isinstance(self.socket, ssl.SSLSocket)
        self.socket.do_handshake()

    @contextmanager
    def cut_at(self, deadline: float) -> Iterator[None]:
        timer = threading.Timer(max(0, deadline - time.monotonic()), self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self.socket.close()

    def _cut(self) -> None:
        self.is_cut = True
        with suppress(OSError):
            # Shut down the raw socket, because closing TLS could block as well.
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


def _read(response: HTTPResponse, now: datetime) -> WebhookAnswer:
    text = b""
    # The code counts, even if the rest of the answer never comes.
    with suppress(OSError, HTTPException, ValueError):
        while len(text) < MAX_ANSWER_BYTES:
            part = response.read1(MAX_ANSWER_BYTES - len(text))
            if not part:
                break
            text += part
    wait = response.headers.get("Retry-After", "")
    return WebhookAnswer(response.status, text.decode("utf-8", "replace"), _retry_after(wait, now))


def _retry_after(text: str, now: datetime) -> timedelta | None:
    """Return the pause of a Retry-After header: seconds, or a date. None if it has neither."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS:
        return timedelta(seconds=int(text))
    try:
        return max(parsedate_to_datetime(text) - now, timedelta(0))
    except (ValueError, TypeError, OverflowError):
        return None
