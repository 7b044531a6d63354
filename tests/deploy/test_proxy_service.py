"""The service behind nginx and Caddy: it sees who asks, and its restart loses no request."""

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from donate.web.server.unix_socket import bind_unix_socket
from tests.api.program import GIFT, keyed
from tests.deploy.probe import HSTS
from tests.deploy.proxies import KINDS, Proxy, run_proxy
from tests.deploy.running import caller_of
from tests.faults.processes import Machine, a_machine
from tests.faults.quick_start import Forked, Forker
from tests.real_parts import Sqlite
from tests.waiting import until


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@contextmanager
def services(start: Forker, sqlite: Sqlite, folder: Path, count: int) -> Iterator[list[Machine]]:
    """Yield `donate` machines with a database and a Unix socket each, which are not yet started."""
    with ExitStack() as running:
        machines = []
        for number in range(count):
            own = folder / f"service{number}"
            own.mkdir()
            machine = running.enter_context(a_machine(start, sqlite.fresh_url(), own))
            machine.settings["SOCKET"] = str(socket_of(machine))
            http = running.enter_context(caller_of(socket_of(machine)))
            machine.world = replace(machine.world, http=http)
            machines.append(machine)
        yield machines


def socket_of(machine: Machine) -> Path:
    return machine.folder / "donate.sock"


def a_gift(http: httpx.Client, **headers: str) -> int:
    # Mailboxes have limits of their own, so each gift has another one.
    donor = {"name": "Ann Lee", "email": f"{uuid.uuid4()}@example.org"}
    gift = GIFT | {"mode": "card", "donor": donor}
    return http.post("/api/v1/gifts", json=gift, headers=keyed(None) | headers).status_code


def test_each_visitor_has_limits_of_its_own(
    start: Forker, sqlite: Sqlite, tmp_path: Path, kind: str
) -> None:
    """The service counts gifts by the visitor's own address, also if it sends a false one."""
    with services(start, sqlite, tmp_path, 1) as (machine,):
        machine.settings["CARD_GIFTS_PER_NETWORK"] = "1"
        machine.serve()
        with (
            run_proxy(kind, tmp_path / kind, socket_of(machine)) as proxy,
            proxy.caller("127.0.0.66") as one,
            proxy.caller("127.0.0.77") as other,
        ):
            assert a_gift(one) == 201
            assert a_gift(one) != 201
            assert a_gift(one, **{"X-Forwarded-For": "203.0.113.7"}) != 201
            assert a_gift(other) == 201


@contextmanager
def hanging_up(path: Path) -> Iterator[None]:
    """Take connections and answer nothing."""
    with bind_unix_socket(path) as server:
        server.listen()

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connection.recv(1_000)
                    connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        yield
        server.shutdown(socket.SHUT_RDWR)


def test_a_service_that_hangs_up(tmp_path: Path, kind: str) -> None:
    """Visitors get a page in two languages, and the logs do not name what they asked for."""
    with (
        hanging_up(tmp_path / "donate.sock"),
        run_proxy(kind, tmp_path / kind, tmp_path / "donate.sock") as proxy,
        proxy.caller() as http,
    ):
        answer = http.post("/gifts/canary-of-a-gift", content=b"canary=1")
        assert answer.status_code == 502
        assert 'lang="fr"' in answer.text
        assert answer.headers.get_list("strict-transport-security") == [HSTS]
        assert http.get("/finance/search?q=canary%40example.org").status_code == 502
    assert "canary" not in proxy.logs()  # at its end, it has written all


class Visitors:
    """Visitors who ask for pages and send something, until they are told to stop."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._visit) for _ in range(3)]
        self.answers = 0
        self.wrong: list[str] = []

    def __enter__(self) -> "Visitors":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _visit(self) -> None:
        with self._proxy.caller(f"127.0.0.{threading.get_native_id() % 200 + 10}") as http:
            while not self._stop.is_set():
                for method, status in (("GET", 200), ("POST", 400)):
                    path = "/give/LWCAN" if method == "GET" else "/webhooks/stripe"
                    try:
                        answer = http.request(method, path, content=b"{}" * (status == 400))
                        got = f"{method}: {answer.status_code}"
                    except httpx.TransportError as error:
                        got = f"{method}: {error!r}"
                    self.answers += 1
                    if got != f"{method}: {status}":
                        self.wrong.append(got)
                self._stop.wait(0.05)

    def some_more(self) -> None:
        """Wait until they have got more answers."""
        before = self.answers
        until(lambda: self.answers > before + 20)


def stop(server: Forked) -> None:
    server.terminate()
    server.wait(40)


def test_one_of_two_services_restarts_unnoticed(
    start: Forker, sqlite: Sqlite, tmp_path: Path, kind: str
) -> None:
    """While either of two services stops and starts again, every visitor gets an answer."""
    with services(start, sqlite, tmp_path, 2) as machines:
        for machine in machines:
            machine.settings["DRAIN_SECONDS"] = "6"
        servers = [machine.serve() for machine in machines]
        sockets = [socket_of(machine) for machine in machines]
        with run_proxy(kind, tmp_path / kind, *sockets) as proxy, Visitors(proxy) as visitors:
            visitors.some_more()
            stop(servers[0])
            visitors.some_more()
            machines[0].serve()
            visitors.some_more()
        assert visitors.wrong == []


def test_while_the_only_service_restarts(
    start: Forker, sqlite: Sqlite, tmp_path: Path, kind: str
) -> None:
    """Caddy lets visitors wait until the service is back; nginx shows a page in two languages."""
    with services(start, sqlite, tmp_path, 1) as (machine,):
        stop(machine.serve())
        with run_proxy(kind, tmp_path / kind, socket_of(machine)) as proxy, proxy.caller() as http:
            if kind == "caddy":
                threading.Timer(1, machine.serve).start()
            answer = http.get("/give/LWCAN?name=canary")
            assert answer.status_code == (502 if kind == "nginx" else 200)
            assert 'lang="fr' in answer.text
        assert "canary" not in proxy.logs()
