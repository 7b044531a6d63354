"""Blocks connections to other machines in every test, and provides real databases."""

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
from tests.faults.quick_start import Forker, forker
from tests.late_routes import build_routes_late
from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, Postgres, Sqlite, free_port
from tests.sandbox.watching import WATCH
from tests.signatures import share_signatures

ADDRESS_EVENTS = {"socket.connect", "socket.sendto"}
MEMORY_DISK = Path("/dev/shm")
MIN_FREE_BYTES = 2 * 2**30
KINDS = {"sqlite": "sqlite", "postgresql": "postgres"}
NAME_EVENTS = {"socket.getaddrinfo", "socket.gethostbyname"}


class NetworkClosedError(RuntimeError):
    """A test tried to reach another machine.

    This is no OSError, so that the code under test does not mistake it for an outage.
    """


def is_this_machine(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        name = host.decode() if isinstance(host, bytes) else str(host)
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refuse_other_machines(event: str, args: tuple[object, ...]) -> None:
    if event in ADDRESS_EVENTS:
        address = args[1]
        # The address of an IPv4 or IPv6 socket is a tuple that starts with (host, port). Other
        # sockets, such as Unix sockets, stay on this machine.
        if not (isinstance(address, tuple) and isinstance(address[0], str | bytes)):
            return
        host: object = address[0]
    elif event in NAME_EVENTS:
        host = args[0]
    else:
        return
    if not is_this_machine(host):
        raise NetworkClosedError(f"{event} to {host!r}: tests reach only this machine")


# An audit hook sees every socket of this process, whichever library opens it, and
# cannot be removed. It does not see the browser and PostgreSQL, which are separate processes.
sys.addaudithook(refuse_other_machines)
# What is imported until the tests are collected stays, so there is no garbage to look for yet.
gc.disable()
share_compiled_statements()
build_routes_late()
share_signatures()


# The slow tests of these folders start first. If they started last, one process would still be busy
# when all others have ended.
FIRST = ("browser", "faults", "benchmarks", "laws", "stripe_gateway")


# The tests of this file share ten services, so more processes would only start more of them.
SHARING = "tests/faults/test_proxy_stripe.py"


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """Assigns tests to the processes of pytest-xdist: all tests of a file to the same one.

    All browser tests run in one process, because they share a running demo. Most tests of
    tests/faults/ are assigned separately, because they share nothing, and mostly wait.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/browser/"):
            return "tests/browser"
        if nodeid.startswith("tests/faults/") and not nodeid.startswith(SHARING):
            return nodeid
        scope: str = super()._split_scope(nodeid)
        return scope


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """Return two processes for each core, because a test spends half of its time waiting."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {folder: rank for rank, folder in enumerate(FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.parent.name, len(ranks)))


def pytest_collection_finish() -> None:
    """Exclude imported objects from garbage collection, to save a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


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
    """Fail the test if a request, response or event differed from Stripe's OpenAPI description."""
    differences = WATCH.take()
    assert not differences, "differs from Stripe's documents:\n" + "\n".join(differences)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the main process how much this xdist process has compared with Stripe's documents."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["seen"] = dict(WATCH.seen)


def pytest_testnodedown(node: WorkerController) -> None:
    WATCH.seen.update(node.workeroutput["seen"] if hasattr(node, "workeroutput") else {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if WATCH.seen:
        counts = ", ".join(f"{count} {what}" for what, count in sorted(WATCH.seen.items()))
        terminalreporter.write_line(f"compared with Stripe's documents: {counts}")


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder for databases: in memory if there is room, because a disk is half as fast.

    Tests that kill processes or fill the disk keep their databases on the disk, in `tmp_path`.
    """
    if MEMORY_DISK.is_dir() and shutil.disk_usage(MEMORY_DISK).free > MIN_FREE_BYTES:
        with TemporaryDirectory(prefix="donate-tests-", dir=MEMORY_DISK) as folder:
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


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forker]:
    """Return what starts `donate` commands quickly, by forking."""
    with forker(tmp_path_factory.mktemp("forker")) as start:
        yield start


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the URL of an empty, migrated database; the test runs on SQLite and on PostgreSQL."""
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
    """Set valid environment variables, and change to a folder without a `.env` file."""
    settings = {
        "DATABASE_URL": sqlite.fresh_url(),
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "LINK_KEY": LINK_KEY,
        "PORT": str(free_port()),
        "DRAIN_SECONDS": "0",
        "LOG_LEVEL": "WARNING",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return settings
