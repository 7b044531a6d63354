"""Responses that break the connection: reset it, or stop half-way through the body.

They need the connection's transport, which ASGI hides. So `ExposedTransportProtocol` puts it into
the request's scope.
"""

import asyncio
import socket
import struct
from typing import Any, cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORT = "sandbox.transport"


class ExposedTransportProtocol(H11Protocol):
    def connection_made(  # type: ignore[override]
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        application: Any = self.app

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope[_TRANSPORT] = transport
            await application(scope, receive, send)

        self.app = cast(Any, with_transport)


def _transport_of(scope: Scope) -> asyncio.Transport:
    if _TRANSPORT not in scope:
        raise RuntimeError("Breaking a connection needs the sandbox's own server; use serve().")
    return cast(asyncio.Transport, scope[_TRANSPORT])


class Reset:
    """Resets the connection instead of answering."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = _transport_of(scope)
        # A linger time of zero makes the kernel send RST instead of FIN.
        linger_zero = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger_zero
        )
        transport.abort()
        await _until_disconnected(receive)


class CutBody:
    """Sends half of the body and then closes the connection."""

    def __init__(self, body: bytes, headers: dict[str, str]) -> None:
        self.body = body
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = _transport_of(scope)
        headers = {**self.headers, "content-length": str(len(self.body))}
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            }
        )
        half = self.body[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        transport.close()
        await _until_disconnected(receive)


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
