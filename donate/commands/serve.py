"""`donate serve` and `donate work`. SQLite supports one process, PostgreSQL any number."""

import fcntl
import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from sqlalchemy.engine import make_url

from donate.app import create_app
from donate.errors import Misconfigured
from donate.settings import Settings, load_settings
from donate.web.limits.connection_limits import SOCKET_PEER, LimitedHttpProtocol
from donate.web.limits.file_limit import backlog_for, raise_file_limit, too_few_files
from donate.web.logs_and_metrics import configure_logging
from donate.web.server.draining import DrainingConfig, run_server
from donate.wiring.parts import build_parts

log = logging.getLogger(__name__)

# Once the port is closed, open requests have this many seconds to finish: Stripe may take 8 seconds
# to answer, and uploads and downloads may take longer.
FINISH_S = 30
# The supervisor replaces a process that does not answer for this many seconds. Starting a process
# takes seconds on a busy machine, so the limit must be much longer.
START_S = 60
SWITCH_S: Final = 0.001
# Thresholds for Python's garbage collector. With the default thresholds, it pauses all threads
# several times a second.
GARBAGE: Final = (5_000, 20, 50)


def app() -> FastAPI:
    """Build the application from the environment variables. Each server process calls this."""
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    settings = load_settings()
    configure_logging(settings.log_level)
    application = create_app(settings)
    _tune_python()
    return application


def _end_with_supervisor() -> None:
    """Stop this process when its supervisor dies. Otherwise this process would keep the port."""
    supervisor = multiprocessing.parent_process()
    if supervisor:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)


def serve(settings: Settings, processes: int = 1) -> None:
    """Run the service until it is stopped.

    Raises Misconfigured for fewer than one process, or for several on SQLite.
    """
    sqlite_file = _sqlite_file(settings.database_url)
    if processes < 1:
        raise Misconfigured("--processes must be 1 or more")
    if sqlite_file and processes > 1:
        raise Misconfigured(
            "SQLite supports one process. For more, set DATABASE_URL to a PostgreSQL database."
        )
    with _exclusive_lock(sqlite_file):
        run(
            "donate.commands.serve:app" if processes > 1 else create_app(settings),
            settings,
            processes,
        )


def run(application: FastAPI | str, settings: Settings, processes: int = 1) -> None:
    """Run an application until it is stopped.

    If `application` is a string, it is the import path of a function that builds the application.
    Raises Misconfigured if the system allows too few open files.
    """
    files = raise_file_limit()  # the server processes inherit the limit
    too_few = too_few_files()
    if too_few:
        log.warning("%s", too_few)
    if not isinstance(application, str):
        _tune_python()
    # Only a proxy may connect to the socket, so it is believed like one that is named.
    proxies = [*settings.trusted_proxies, *([SOCKET_PEER] if settings.socket else [])]
    config = DrainingConfig(
        application,
        factory=isinstance(application, str),
        workers=processes,
        host=settings.host,
        port=settings.port,
        uds=str(settings.socket) if settings.socket else None,
        http=LimitedHttpProtocol,
        ws="none",  # the service has no WebSockets
        log_config=None,
        access_log=False,
        backlog=backlog_for(files),
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=FINISH_S,
        timeout_worker_healthcheck=START_S,
    )
    config.drain_s = settings.drain_seconds
    run_server(config)


def _tune_python() -> None:
    """Reduce the pauses caused by thread switching and garbage collection.

    Without it, each full garbage collection pauses all requests for 95 ms, and requests wait longer
    while the worker computes.
    Shown by: part c of `make bench`, the 99th percentiles.
    Delete it when: those stay below their targets without it.
    """
    # With the default interval of 5 ms, requests wait longer while a background job computes.
    sys.setswitchinterval(SWITCH_S)
    # Exclude all objects that exist at the start from garbage collection. With them, each
    # collection took 0.1 s.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


def work(settings: Settings) -> None:
    """Run only the background jobs, until stopped. Raises Misconfigured on SQLite."""
    if _sqlite_file(settings.database_url):
        raise Misconfigured(
            "On SQLite, `donate serve` runs the background jobs. `donate work` needs PostgreSQL."
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
def _exclusive_lock(sqlite_file: Path | None) -> Iterator[None]:
    """Hold a lock on the SQLite file. Raises Misconfigured if another server holds the lock."""
    if sqlite_file is None:
        yield
        return
    with sqlite_file.with_name(sqlite_file.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Misconfigured(
                f"another `donate serve` uses {sqlite_file.name}. SQLite supports one process; "
                "for more, set DATABASE_URL to a PostgreSQL database."
            ) from error
        yield
