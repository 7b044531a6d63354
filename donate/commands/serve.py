"""Runs the service as a process: one on SQLite, any number on PostgreSQL."""

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
from typing import Final

import uvicorn
from fastapi import FastAPI
from sqlalchemy.engine import make_url

from donate.app import build_parts, create_app
from donate.errors import Misconfigured
from donate.settings import Settings, load_settings
from donate.web.connection_limits import LimitedHttpProtocol
from donate.web.observability import configure_logging

# After SIGTERM, what is under way may take this long.
DRAIN_S = 10
# One of several processes that says nothing for so long is replaced. A start takes seconds on a
# busy machine, and must not be taken for a process that hangs.
START_S = 60
SWITCH_S: Final = 0.001
# How many objects more, and how often that, until Python looks through the young, the middle-aged
# and the old for garbage. Its own figures would stop everybody several times a second.
GARBAGE: Final = (5_000, 20, 50)


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
        run(
            "donate.commands.serve:app" if processes > 1 else create_app(settings),
            settings,
            processes,
        )


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
        http=LimitedHttpProtocol,
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
