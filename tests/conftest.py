"""Closes the network for every test, and hands out real databases."""

import ipaddress
import sys
from collections.abc import Iterator

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from donate.database import Database
from tests.real_parts import Postgres, Sqlite

ADDRESSED = {"socket.connect", "socket.sendto"}
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


class ByFileAndBrowser(LoadFileScheduling):  # type: ignore[misc]
    """Keeps the tests of a file in one process, and all that share the one browser and its demo."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/browser/"):
            return "tests/browser"
        scope: str = super()._split_scope(nodeid)
        return scope


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFileAndBrowser:
    return ByFileAndBrowser(config, log)


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Sqlite:
    return Sqlite(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated, empty database; the test runs once on each kind."""
    fixture = "sqlite" if request.param == "sqlite" else "postgres"
    url: str = request.getfixturevalue(fixture).fresh_url()
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()
