"""The connection itself, for answers that break it: a reset, or an end in mid-sentence.

ASGI hides the transport, so the server speaks HTTP through a protocol that shows it to the app.
"""

import asyncio
import socket
import struct
from typing import Any, cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_WIRE = "sandbox.wire"


class OpenWireProtocol(H11Protocol):
    def connection_made(  # type: ignore[override]
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        application: Any = self.app

        async def with_wire(scope: Any, receive: Any, send: Any) -> None:
            scope[_WIRE] = transport
            await application(scope, receive, send)

        self.app = cast(Any, with_wire)


def _wire_of(scope: Scope) -> asyncio.Transport:
    if _WIRE not in scope:
        raise RuntimeError("Broken connections need the sandbox's own server: use serve().")
    return cast(asyncio.Transport, scope[_WIRE])


class Reset:
    """Instead of an answer, the connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wire = _wire_of(scope)
        # Lingering for zero seconds makes the kernel send RST where it would have sent FIN.
        linger_zero = struct.pack("ii", 1, 0)
        wire.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)
        wire.abort()
        await _until_disconnected(receive)


class CutBody:
    """Half of the promised body, then nothing."""

    def __init__(self, body: bytes, headers: dict[str, str]) -> None:
        self.body = body
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wire = _wire_of(scope)
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
        wire.close()
        await _until_disconnected(receive)


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
