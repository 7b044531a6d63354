"""Runs `donate` commands as separate processes, which can be killed at a crash point.

killed_at.py explains crash points, which are called steps here.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from donate.storage.database import Database
from tests.faults.quick_start import Forked, Forker
from tests.journeys.donor_steps import World, pretend_stripe
from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, Postgres, Sqlite, caller, free_port
from tests.stripe_gateway.service import WEBHOOK_PATH
from tests.waiting import until

KILLED = -9


@dataclass
class Machine:
    """Runs `donate` commands that use a pretend Stripe, and checks where they were killed."""

    start: Forker
    world: World
    folder: Path
    settings: dict[str, str]
    running: list[Forked] = field(default_factory=list)

    def command(self, *arguments: str, killed_at: str = "") -> Forked:
        self.mark.unlink(missing_ok=True)
        kill = {"KILLED_AT": killed_at, "KILLED_MARK": str(self.mark)}
        process = self.start.start(*arguments, folder=self.folder, settings=self.settings | kill)
        self.running.append(process)
        return process

    @property
    def mark(self) -> Path:
        return self.folder / "killed"

    def serve(self, killed_at: str = "") -> Forked:
        """Start the service, and wait until it answers or was killed."""
        process = self.command("serve", killed_at=killed_at)
        until(lambda: process.ended() is not None or self.answers())
        return process

    def answers(self) -> bool:
        try:
            return self.world.http.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def was_killed(self, process: Forked, step: str) -> None:
        """Wait until the process ends, and check that it was killed at the crash point `step`."""
        assert process.wait(30) == KILLED, (self.folder / "log").read_text()
        assert self.mark.read_text() == step

    def audit(self) -> int:
        return self.command("audit").wait(30)


@contextmanager
def a_machine(start: Forker, database_url: str, folder: Path) -> Iterator[Machine]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    database = Database(database_url)
    with (
        pretend_stripe(address + WEBHOOK_PATH) as sandbox,
        caller(address) as http,
    ):
        settings = {
            "DATABASE_URL": database_url,
            "PUBLIC_URL": address,
            "PORT": str(port),
            "DRAIN_SECONDS": "0",
            "STRIPE_SECRET_KEY": SECRET_KEY,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "LINK_KEY": LINK_KEY,
            "STRIPE_API_BASE": sandbox.url,
            "CHECKOUT_HOSTS": urlsplit(sandbox.url).netloc,
            "CATCHUP_EVERY_MINUTES": "0",
            # Gifts of many tests were opened long before the present.
            "KEEP_NEVER_PAID_DAYS": "0",
        }
        machine = Machine(start, World(address, http, database, sandbox), folder, settings)
        try:
            yield machine
        finally:
            for process in machine.running:
                process.kill()
            database.close()


def ended_within(process: Forked, seconds: float) -> bool:
    start = time.monotonic()
    process.wait(seconds + 10)
    return time.monotonic() - start <= seconds


@contextmanager
def a_fresh(backend: str, folder: Path) -> Iterator[str]:
    """Yield the URL of a migrated, empty database."""
    if backend == "sqlite":
        yield Sqlite(folder).fresh_url()
        return
    server = Postgres(folder / "server")
    yield server.fresh_url()
    server.close()
