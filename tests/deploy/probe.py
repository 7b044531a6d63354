"""A stand-in for the service behind a proxy, which says what it got and sends long downloads."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from donate.web.limits.connection_limits import SOCKET_PEER, LimitedHttpProtocol
from tests.real_parts import served

PIECE = b"x" * 65_536
PIECES = 1_600
# What the service sends too, so that a proxy that adds its own would send it twice.
HSTS = "max-age=31536000; includeSubDomains"


@dataclass
class Probe:
    """Answers each request with its size, its headers and the address that it came from."""

    socket: Path
    requests: int = 0
    sent: int = 0
    let_go: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        request = Request(scope, receive)
        if scope["path"] == "/slow-download":
            await self.start_and_wait(send)
        elif scope["path"] == "/large-download":
            await self.send_much(send)
        else:
            try:
                size = len(await request.body())
            except ClientDisconnect:
                return
            client = request.client.host if request.client else ""
            told = {"size": size, "client": client, "headers": dict(request.headers)}
            as_the_service = {"Strict-Transport-Security": HSTS}
            await JSONResponse(told, headers=as_the_service)(scope, receive, send)

    async def start_and_wait(self, send: Send) -> None:
        """Send a piece, and the rest only after `let_go` was set."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": PIECE, "more_body": True})
        await asyncio.to_thread(self.let_go.wait, 30)
        await send({"type": "http.response.body", "body": b"end"})

    async def send_much(self, send: Send) -> None:
        """Send 100 MB, and count what was taken."""
        self.sent = 0
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(PIECES):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
            self.sent += len(PIECE)
        await send({"type": "http.response.body", "body": b""})


@contextmanager
def run_probe(socket: Path) -> Iterator[Probe]:
    """Serve a probe at a Unix socket as `donate serve` serves the application."""
    probe = Probe(socket)
    with served(
        probe,
        http=LimitedHttpProtocol,
        lifespan="off",
        uds=str(socket),
        proxy_headers=True,
        forwarded_allow_ips=[SOCKET_PEER],
    ):
        yield probe
