"""Runs the service as a process: one on SQLite, any number on PostgreSQL."""

import asyncio
import fcntl
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Final

import uvicorn
from fastapi import FastAPI
from sqlalchemy.engine import make_url
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from donate.app import build_parts, create_app
from donate.errors import Misconfigured
from donate.observability import configure_logging
from donate.settings import Settings, load_settings

# After SIGTERM, what is under way may take this long.
DRAIN_S = 10
# One of several processes that says nothing for so long is replaced. A start takes seconds on a
# busy machine, and must not be taken for a process that hangs.
START_S = 60
# A browser's head is a few kilobytes, and comes in one piece.
MAX_HEAD_BYTES: Final = 64 * 1024
HEAD_TIMEOUT_S: Final = 10.0
# Far more than any room takes of a body; `protection` refuses what is over its limit much earlier.
MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
# Requests that came before the one ahead of them was answered. Stripe, proxies and browsers wait.
MAX_WAITING: Final = 8
SWITCH_S: Final = 0.001
# How many objects more, and how often that, until Python looks through the young, the middle-aged
# and the old for garbage. Its own figures would stop everybody several times a second.
GARBAGE: Final = (5_000, 20, 50)


class ShortHeads(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, to those who come to the point.

    httptools reads a head for as long as somebody sends one, and keeps all of it; what stands
    before our rooms sees nothing of that yet. uvicorn keeps any number of requests that wait for
    the answer to the one before, and forgets to tell who is answering that the caller is gone.
    """

    head_timeout_s: ClassVar[float] = HEAD_TIMEOUT_S
    _in_head = False
    _head_bytes = 0
    _request_bytes = 0
    _too_late: asyncio.TimerHandle | None = None
    _answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give a new connection so much time for its first head."""
        super().connection_made(transport)
        self._too_late = self.loop.call_later(self.head_timeout_s, self._hang_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time, and what would be answered."""
        self._stop_waiting()
        self._forget()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Count from here. Raises when too many wait already, which ends the reading."""
        super().on_message_begin()
        self._stop_waiting()
        if len(self.pipeline) >= MAX_WAITING:
            raise ConnectionAbortedError("too many requests at once")
        self._in_head = True
        self._head_bytes = self._request_bytes = 0
        self._too_late = self.loop.call_later(self.head_timeout_s, self._hang_up)

    def on_headers_complete(self) -> None:
        """Count no further: what follows is the body."""
        self._stop_waiting()
        self._in_head = False
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of the head. Those that may follow a body in pieces nobody asks for."""
        if self._in_head:
            super().on_header(name, value)

    def data_received(self, data: bytes) -> None:
        """Read on, unless it is too much of a head."""
        # Where in these bytes a new head begins is not told: that one counts from the next ones on.
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        self._request_bytes += len(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self.send_400_response("The head of the request is too large.")
        elif self._request_bytes > MAX_REQUEST_BYTES:
            self._forget()
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what came, or hang up when that would stand in the middle of another answer."""
        if self._answering and not self._answering.response_complete:
            self._hang_up()
        else:
            super().send_400_response(msg)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _hang_up(self) -> None:
        self._forget()
        self.transport.abort()

    def _forget(self) -> None:
        self.pipeline.clear()
        if self._answering:
            self._answering.disconnected = True
            self._answering.message_event.set()

    def _stop_waiting(self) -> None:
        if self._too_late:
            self._too_late.cancel()
            self._too_late = None


def app() -> FastAPI:
    """Build the service from the environment; each of several processes calls this."""
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    settings = load_settings()
    configure_logging(settings.log_level)
    application = create_app(settings)
    _settle_in()
    return application


def _end_with_supervisor() -> None:
    """Stop when who started this process is gone: it would keep the port, and nobody would know."""
    supervisor = multiprocessing.parent_process()
    if supervisor:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)


def serve(settings: Settings, processes: int = 1) -> None:
    """Serve until told to stop. Raises Misconfigured for none, or more than one on SQLite."""
    sqlite_file = _sqlite_file(settings.database_url)
    if processes < 1:
        raise Misconfigured("--processes must be 1 or more")
    if sqlite_file and processes > 1:
        raise Misconfigured(
            "SQLite serves one process. For more, set DATABASE_URL to a PostgreSQL database."
        )
    with _alone_with(sqlite_file):
        run("donate.server:app" if processes > 1 else create_app(settings), settings, processes)


def run(application: FastAPI | str, settings: Settings, processes: int = 1) -> None:
    """Run an application, or the factory of that name, until told to stop."""
    if not isinstance(application, str):
        _settle_in()
    uvicorn.run(
        application,
        factory=isinstance(application, str),
        workers=processes,
        host=settings.host,
        port=settings.port,
        http=ShortHeads,
        ws="none",  # nothing here speaks it, whatever else is installed
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=DRAIN_S,
        timeout_worker_healthcheck=START_S,
    )


def _settle_in() -> None:
    """Have Python stop nobody for long."""
    # While the worker computes, an answer would have to wait five milliseconds for its turn.
    sys.setswitchinterval(SWITCH_S)
    # What the service is made of stays; to look through it took a tenth of a second each time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


def work(settings: Settings) -> None:
    """Do what is due until told to stop, without a web face. Raises Misconfigured on SQLite."""
    if _sqlite_file(settings.database_url):
        raise Misconfigured(
            "On SQLite `donate serve` does this work itself. `donate work` needs PostgreSQL."
        )
    parts = build_parts(settings)
    parts.database.upgrade()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    parts.worker.start()
    stop.wait()
    parts.close()


def _sqlite_file(database_url: str) -> Path | None:
    url = make_url(database_url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


@contextmanager
def _alone_with(sqlite_file: Path | None) -> Iterator[None]:
    """Hold the file's lock, so that a second server on the same file says so and stops."""
    if sqlite_file is None:
        yield
        return
    with sqlite_file.with_name(sqlite_file.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Misconfigured(
                f"another `donate serve` has {sqlite_file.name} open. SQLite serves one process; "
                "for more, set DATABASE_URL to a PostgreSQL database."
            ) from error
        yield
