"""The service on a real port, and a client that can send it malformed requests."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import httpx
from sqlalchemy import func
from sqlmodel import select

from donate.app import create_app
from donate.storage.database import Database
from donate.stripe_gateway.models import StripeEvent
from tests.real_parts import caller, make_settings, served
from tests.stripe_gateway.gifts_and_events import sign

WEBHOOK_PATH = "/webhooks/stripe"


@dataclass(frozen=True)
class Service:
    url: str
    http: httpx.Client
    database: Database

    def deliver(self, body: bytes, **more: Any) -> httpx.Response:
        """Post an event to the webhook endpoint with a valid signature."""
        headers = {"stripe-signature": sign(body)} | more
        return self.http.post(WEBHOOK_PATH, content=body, headers=headers)

    @contextmanager
    def another_caller(self) -> Iterator["Service"]:
        """Yield this service with an HTTP client of its own, for use in another thread."""
        with caller(self.url) as http:
            yield replace(self, http=http)

    def stored(self) -> int:
        with self.database.reading() as session:
            return session.exec(select(func.count()).select_from(StripeEvent)).one()

    def send_as_it_is(self, start: str, headers: bytes, body: bytes = b"") -> int:
        """Send a request that HTTP libraries refuse to send; return the status of the response."""
        with self.connect() as caller:
            caller.sendall(
                f"{start} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode()
                + f"Content-Length: {len(body)}\r\n".encode()
                + headers
                + b"\r\n\r\n"
                + body
            )
            return int(answer_to(caller).split(b" ")[1])

    def connect(self) -> socket.socket:
        parts = urlsplit(self.url)
        return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=15)


@contextmanager
def serving(database_url: str, port: int | None = None, **settings: Any) -> Iterator[Service]:
    """Serve the whole application on this database."""
    with served(create_app(make_settings(database_url, **settings)), port) as url:
        yield from calling(url, database_url)


def calling(url: str, database_url: str) -> Iterator[Service]:
    """Yield a client of the service at `url` that can also read its database."""
    database = Database(database_url)
    try:
        with caller(url) as http:
            yield Service(url, http, database)
    finally:
        database.close()


def head(headers: str) -> bytes:
    """Return the request line and the headers of a request to the webhook endpoint."""
    return f"POST {WEBHOOK_PATH} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n".encode("latin-1")


def answer_to(caller: socket.socket) -> bytes:
    """Return every byte that the server sends until it closes the connection."""
    answer = b""
    while True:
        try:
            piece = caller.recv(65_536)
        except ConnectionResetError:
            return answer
        if not piece:
            return answer
        answer += piece


def seconds_since(start: float) -> float:
    return time.monotonic() - start
