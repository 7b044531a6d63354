"""After SIGTERM, `donate serve` is not ready, still answers for a while, and loses no request."""

import errno
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.deploy.running import is_ready
from tests.faults.processes import Machine, a_machine
from tests.faults.quick_start import Forked, Forker
from tests.real_parts import Postgres, Sqlite
from tests.waiting import until

DRAIN_S = 2


@pytest.fixture
def machine(start: Forker, sqlite: Sqlite, tmp_path: Path) -> Iterator[Machine]:
    with a_machine(start, sqlite.fresh_url(), tmp_path) as machine:
        machine.settings["DRAIN_SECONDS"] = str(DRAIN_S)
        yield machine


def connect(machine: Machine) -> socket.socket:
    parts = urlsplit(machine.world.url)
    return socket.create_connection((parts.hostname, parts.port), timeout=30)


def refuses(machine: Machine) -> bool:
    """Return whether nobody listens on the port."""
    try:
        connect(machine).close()
    except ConnectionRefusedError:
        return True
    return False


def watch_it_drain(machine: Machine, server: Forked) -> None:
    http = machine.world.http
    begun = time.monotonic()
    server.terminate()
    until(lambda: http.get("/readyz").json() == {"ready": False, "server": "stopping"})
    assert http.get("/readyz").status_code == 503
    # uvicorn renews the headers that it adds to each answer once a second.
    until(lambda: http.get("/healthz").headers.get("connection") == "close")
    assert http.get("/healthz").status_code == 200
    until(lambda: refuses(machine))
    assert time.monotonic() - begun >= DRAIN_S
    server.wait(30)


def test_a_stopping_server_is_not_ready_and_still_answers(machine: Machine) -> None:
    """After SIGTERM only `/readyz` answers 503, until the port closes after DRAIN_SECONDS."""
    watch_it_drain(machine, machine.serve())


def test_every_process_of_several_drains(machine: Machine, postgres: Postgres) -> None:
    """On PostgreSQL with `--processes 2`, the supervisor lets its processes drain."""
    machine.settings["DATABASE_URL"] = postgres.fresh_url()
    server = machine.command("serve", "--processes", "2")
    until(machine.answers)
    watch_it_drain(machine, server)


def test_a_request_under_way_is_finished(machine: Machine) -> None:
    """A request whose body is still arriving when the port closes gets its answer."""
    body = b"{}".ljust(1_000)
    head = (
        "POST /api/v1/gifts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    server = machine.serve()
    with connect(machine) as slow:
        slow.sendall(head.encode() + body[:500])
        server.terminate()
        until(lambda: refuses(machine))
        slow.sendall(body[500:])
        answer = slow.recv(100)
        assert answer.startswith(b"HTTP/1.1 400"), answer
    server.wait(30)


def test_a_second_order_to_stop_is_obeyed_immediately(machine: Machine) -> None:
    """A second SIGTERM closes the port without waiting for DRAIN_SECONDS."""
    machine.settings["DRAIN_SECONDS"] = "300"
    server = machine.serve()
    server.terminate()
    until(lambda: machine.world.http.get("/readyz").status_code == 503)
    server.terminate()
    server.wait(30)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_request_on_its_way_to_a_closing_socket_is_answered(
    machine: Machine, postgres: Postgres, processes: str
) -> None:
    """A proxy that connected to the Unix socket before it refused connections gets an answer."""
    path = machine.folder / "donate.sock"
    machine.settings |= {"DATABASE_URL": postgres.fresh_url(), "SOCKET": str(path)}
    server = machine.command("serve", "--processes", processes)
    until(lambda: is_ready(path))
    server.terminate()
    until(lambda: not is_ready(path))
    with socket.socket(socket.AF_UNIX) as proxy:
        proxy.settimeout(30)
        proxy.connect(str(path))
        until(lambda: connects_to_nobody(path))
        proxy.sendall(b"POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
        assert proxy.recv(100).startswith(b"HTTP/1.1 400")
    server.wait(30)


def connects_to_nobody(path: Path) -> bool:
    """Return whether a connection is refused at the socket, as it is at a closed port."""
    with socket.socket(socket.AF_UNIX) as caller:
        return caller.connect_ex(str(path)) == errno.ECONNREFUSED
