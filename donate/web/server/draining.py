"""A server that first says it is not ready, and closes its port some seconds later.

A load balancer asks `/readyz` every few seconds. After SIGTERM, the server still answers all
requests for some seconds, but `/readyz` answers 503, and each answer closes its connection. The
load balancer then sends new requests elsewhere, so that closing the port interrupts none.

Problem: uvicorn closes its port at SIGTERM immediately, and a proxy then sends to a closed port.
Shown by: `tests/faults/test_draining.py`.
Delete it when: uvicorn can wait between SIGTERM and closing its port.
"""

import asyncio
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final

import uvicorn
from uvicorn.supervisors import multiprocess

from donate.web.server.unix_socket import bind_unix_socket, refuse_connections

DRAINING: Final = "draining"
"""The attribute of `request.state` that is true when the server is about to stop."""
_CLOSE: Final = (b"connection", b"close")
_LAST_REQUESTS_S: Final = 3.0


class DrainingConfig(uvicorn.Config):
    """uvicorn's configuration, with the seconds between SIGTERM and closing the port."""

    drain_s: float = 0.0


class DrainingServer(uvicorn.Server):
    """A uvicorn server that drains for `config.drain_s` seconds when it gets SIGTERM."""

    config: DrainingConfig
    _closes_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first SIGTERM. Close the port at a second one, and at Ctrl-C."""
        if sig == signal.SIGTERM and self.started and self._closes_at is None:
            self._captured_signals.append(sig)
            self._closes_at = time.monotonic() + self.config.drain_s
            self.lifespan.state[DRAINING] = True
            # Close each connection after its next answer. A proxy reuses open connections, and if
            # they were all closed together with the port, requests under way would be lost.
            self.config.encoded_headers.append(_CLOSE)
        else:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port, finish open requests, and stop the application.

        A Unix socket refuses connections first. A proxy may have connected just before. Its request
        would be lost with the connection, and proxies send no POST twice.
        """
        if self.config.uds:
            if self.config.workers == 1:  # of several processes, the supervisor does it
                refuse_connections(Path(self.config.uds))
            await asyncio.sleep(_LAST_REQUESTS_S)
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        """Return whether it is time to close the port. uvicorn calls this ten times a second."""
        if self._closes_at is not None and time.monotonic() >= self._closes_at:
            self.should_exit = True
        return await super().on_tick(counter)


class _DrainingProcess(multiprocess.Process):
    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = DrainingServer(self.config)
        return self._server


class _DrainingSupervisor(multiprocess.Multiprocess):
    config: DrainingConfig

    def terminate_all(self) -> None:
        """Let all processes drain. Their Unix socket refuses connections just before they close."""
        super().terminate_all()
        if self.config.uds:
            time.sleep(self.config.drain_s)
            refuse_connections(Path(self.config.uds))


def run_server(config: DrainingConfig) -> None:
    """Serve until stopped. If `config.workers` is above 1, a supervisor starts that many processes.

    Exits with uvicorn's status if the application does not start. Raises Misconfigured if it cannot
    listen at the Unix socket `config.uds`.
    """
    sockets = [bind_unix_socket(Path(config.uds))] if config.uds else None
    if config.workers == 1:
        server = DrainingServer(config)
        with suppress(KeyboardInterrupt):
            server.run(sockets)
        if not server.started:
            raise SystemExit(uvicorn.config.STARTUP_FAILURE)
        return
    # Replace the class in uvicorn's module, because the supervisor has no parameter for it.
    multiprocess.Process = _DrainingProcess  # type: ignore[misc]
    _DrainingSupervisor(config, sockets=sockets or [config.bind_socket()]).run()
