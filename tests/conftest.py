"""Closes the network for every test, and hands out real databases."""

import gc
import ipaddress
import os
import shutil
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

from donate.storage.database import Database
from tests.compiling import share_compiled_statements
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, Postgres, Sqlite, free_port
from tests.sandbox.watching import WATCH

ADDRESSED = {"socket.connect", "socket.sendto"}
MEMORY = Path("/dev/shm")
ROOM_IN_MEMORY = 2 * 2**30
KINDS = {"sqlite": "sqlite", "postgresql": "postgres"}
NAMED = {"socket.getaddrinfo", "socket.gethostbyname"}


class NetworkClosedError(RuntimeError):
    """Not an OSError, so that no code under test takes it for a network that is down."""


def is_this_machine(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        name = host.decode() if isinstance(host, bytes) else str(host)
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refuse_other_machines(event: str, args: tuple[object, ...]) -> None:
    if event in ADDRESSED:
        address = args[1]
        # An IPv4 or IPv6 address starts with (host, port); unix sockets and the like do not.
        if not (isinstance(address, tuple) and isinstance(address[0], str | bytes)):
            return
        host: object = address[0]
    elif event in NAMED:
        host = args[0]
    else:
        return
    if not is_this_machine(host):
        raise NetworkClosedError(f"{event} to {host!r}: tests reach only this machine")


# An audit hook sees every socket of this process, whichever library opens it, and stays until
# the end. The browser and PostgreSQL are processes of their own.
sys.addaudithook(refuse_other_machines)
share_compiled_statements()


# What takes long comes first, or one process would be at it long after the others.
FIRST = ("browser", "faults", "benchmarks", "laws", "stripe_gateway")


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """Keeps the tests of a file in one process, and all that share the one browser and its demo.

    Those that break things share nothing, and mostly wait.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/browser/"):
            return "tests/browser"
        if nodeid.startswith("tests/faults/"):
            return nodeid
        scope: str = super()._split_scope(nodeid)
        return scope


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """Two for each core: half of the time, a test waits for a server, a disk or a browser."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rooms = {room: rank for rank, room in enumerate(FIRST)}
    items.sort(key=lambda item: rooms.get(item.path.parent.name, len(rooms)))


def pytest_collection_finish() -> None:
    """What was imported stays; to look through it for garbage takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, Any, Any]:
    result = yield
    refuse_differences()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, Any, Any]:
    result = yield
    refuse_differences()
    return result


def refuse_differences() -> None:
    """Fail the test in which a request, an answer or an event was not as Stripe's are."""
    differences = WATCH.take()
    assert not differences, "not as Stripe's documents say:\n" + "\n".join(differences)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a process of xdist saw to the one that reports."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["seen"] = dict(WATCH.seen)


def pytest_testnodedown(node: WorkerController) -> None:
    WATCH.seen.update(node.workeroutput["seen"] if hasattr(node, "workeroutput") else {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if WATCH.seen:
        counts = ", ".join(f"{count} {what}" for what, count in sorted(WATCH.seen.items()))
        terminalreporter.write_line(f"held against Stripe's documents: {counts}")


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where databases are: in memory, if there is room. On a disk, files take half of the time.

    Tests that kill or fill something have theirs on the disk, in `tmp_path`.
    """
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_IN_MEMORY:
        with TemporaryDirectory(prefix="donate-tests-", dir=MEMORY) as folder:
            yield Path(folder)
    else:
        yield tmp_path_factory.mktemp("stores")


@pytest.fixture(scope="session")
def sqlite(stores: Path) -> Sqlite:
    return Sqlite(stores)


@pytest.fixture(scope="session")
def postgres(stores: Path) -> Iterator[Postgres]:
    server = Postgres(stores / "postgres", flushes=False)
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a migrated, empty database; the test runs once on each kind."""
    kind: Sqlite | Postgres = request.getfixturevalue(KINDS[request.param])
    url = kind.fresh_url()
    yield url
    kind.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def environment(sqlite: Sqlite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings in the environment, and a folder without a `.env` to stand in."""
    given = {
        "DATABASE_URL": sqlite.fresh_url(),
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "PORT": str(free_port()),
        "LOG_LEVEL": "WARNING",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return given
