"""The connection to PostgreSQL fails: each event is stored or gets 503, and none is lost."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest
from sqlmodel import select

from donate.gifts.audit import differences
from donate.gifts.models import Gift, GiftFact
from donate.storage.constraints import broken_constraints
from donate.storage.database import Database
from donate.stripe_gateway.models import StripeEvent
from tests.faults.proxy import Proxy, proxy_to
from tests.journeys.donor_steps import ANN, field as field_of
from tests.real_parts import Postgres
from tests.stripe_gateway.gifts_and_events import as_bytes, event, give_many, session_for
from tests.stripe_gateway.service import Service, serving
from tests.waiting import PATIENCE_S, until

GIFTS = 40
CALLERS = 4
# The time limit of the webhook endpoint, and a margin for a busy machine.
SOON_S = 8.0 + 2.5


@dataclass
class Line:
    """A service that reaches its database through a proxy, and events to deliver to it."""

    service: Service
    proxy: Proxy
    direct: Database
    gifts: list[Gift]
    accepted: set[str] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def __post_init__(self) -> None:
        self.events = [event("checkout.session.completed", session_for(g)) for g in self.gifts]

    def deliver(self, events: list[dict[str, Any]]) -> None:
        """Deliver these events concurrently, and record each answer."""
        with ThreadPoolExecutor(CALLERS) as pool:
            list(pool.map(self._deliver, events))

    def _deliver(self, event_sent: dict[str, Any]) -> None:
        start = time.monotonic()
        answer = self.service.deliver(as_bytes(event_sent))
        self.slowest_s = max(self.slowest_s, time.monotonic() - start)
        self.answers[answer.status_code] += 1
        if answer.status_code == 200:
            self.accepted.add(event_sent["id"])
        elif answer.status_code != 503 or "retry-after" not in answer.headers:
            self.errors.append(f"{answer.status_code} {answer.text}")

    def stored(self) -> list[str]:
        with self.direct.reading() as session:
            return list(session.exec(select(StripeEvent.event_id)))

    def finish(self) -> None:
        """Deliver each event until it is accepted, and once more; check that each counted once."""
        assert self.errors == []
        assert self.accepted <= set(self.stored())
        until(lambda: self.service.http.get("/readyz").status_code == 200)
        left = list(self.events)
        deadline = time.monotonic() + PATIENCE_S
        while left:
            assert time.monotonic() < deadline, "the service did not recover"
            self.deliver(left)
            left = [event_sent for event_sent in left if event_sent["id"] not in self.accepted]
        self.answers.clear()
        self.deliver(self.events)
        assert self.answers == {200: len(self.events)}
        assert sorted(self.stored()) == sorted(event_sent["id"] for event_sent in self.events)
        until(lambda: self._confirmed() == len(self.gifts))
        with self.direct.reading_snapshot() as session:
            kinds = Counter(session.exec(select(GiftFact.kind)))
            assert kinds["payment_succeeded"] == len(self.gifts)
            assert [*broken_constraints(session), *differences(session)] == []
        assert self.errors == []

    def _confirmed(self) -> int:
        with self.direct.reading() as session:
            return len(session.exec(select(Gift.id).where(Gift.status == "confirmed")).all())


def socket_of(url: str) -> str:
    folder = parse_qs(urlsplit(url).query)["host"][0]
    return f"{folder}/.s.PGSQL.5432"


@contextmanager
def service_behind_proxy(url: str) -> Iterator[Line]:
    with ExitStack() as stack:
        proxy = stack.enter_context(proxy_to(socket_of(url)))
        name = urlsplit(url).path.lstrip("/")
        direct = Database(url)
        stack.callback(direct.close)
        gifts = give_many(direct, GIFTS)
        url_of_proxy = f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}"
        service = stack.enter_context(serving(url_of_proxy))
        stack.callback(proxy.heal)
        yield Line(service, proxy, direct, gifts)


@pytest.mark.parametrize(
    "fault",
    [
        {"refuses": True},
        {"reset": True},
        {"lose_answer_to": b"COMMIT"},
        {"lose_request": b"COMMIT"},
        {"lose_answer_to": b"INSERT"},
        {"cut_there": 900},
        {"cut_back": 700},
        {"delay_s": 0.05},
        {"silent": True},
        {"hangs": True},
    ],
)
def test_an_event_is_stored_or_gets_503(postgres: Postgres, fault: dict[str, Any]) -> None:
    """Under each fault an event is stored, or gets 503 in time so that Stripe sends it again."""
    with service_behind_proxy(postgres.fresh_url()) as line:
        line.deliver(line.events[:5])
        line.proxy.fail(**fault)
        if "silent" not in fault:
            line.proxy.end_calls()
        line.deliver(line.events[5:9] if fault.keys() & {"silent", "hangs"} else line.events[5:25])
        assert line.slowest_s < SOON_S
        line.proxy.heal()
        line.finish()


def test_a_commit_whose_answer_is_lost_counts_once(postgres: Postgres) -> None:
    """If the answer to COMMIT is lost, Stripe gets 503, and the event sent again counts once."""
    with service_behind_proxy(postgres.fresh_url()) as line:
        line.proxy.fail(lose_answer_to=b"COMMIT")
        line.deliver(line.events[:1])
        assert line.answers == {503: 1}
        assert line.stored() == [line.events[0]["id"]]
        line.proxy.heal()
        line.finish()


def test_a_form_whose_commit_failed_can_be_sent_again(postgres: Postgres) -> None:
    """If COMMIT fails, the donor can send the form again, and only one gift is recorded."""
    with service_behind_proxy(postgres.fresh_url()) as line:
        page = line.service.http.get("/give/LWCAN").text
        form = ANN | {"mode": "interac", "lang": "en-CA", "nonce": field_of(page, "nonce")}
        for fault in ({"lose_request": b"COMMIT"}, {"lose_answer_to": b"COMMIT"}):
            line.proxy.fail(**fault)
            answer = line.service.http.post("/give/LWCAN", data=form)
            assert (answer.status_code, "What you entered is still here" in answer.text) == (
                503,
                True,
            )
            assert answer.headers["retry-after"]
        line.proxy.heal()
        assert line.service.http.post("/give/LWCAN", data=form).status_code == 303
        with line.direct.reading() as session:
            assert len(session.exec(select(Gift.id).where(Gift.mode == "interac")).all()) == 1


def test_a_silent_postgresql_is_a_503_in_time(postgres: Postgres) -> None:
    """While PostgreSQL sends no answers, requests get 503 in time; afterwards they succeed."""
    with service_behind_proxy(postgres.fresh_url()) as line, ThreadPoolExecutor(30) as visitors:
        assert line.service.http.get("/readyz").status_code == 200
        line.proxy.fail(silent=True)

        def look(_: int) -> tuple[int, float]:
            start = time.monotonic()
            with httpx.Client(base_url=line.service.url, verify=False, trust_env=False) as http:
                status = http.get("/readyz", timeout=60).status_code
            return status, time.monotonic() - start

        answers = list(visitors.map(look, range(30)))
        assert {status for status, _ in answers} == {503}
        assert max(seconds for _, seconds in answers) < 25
        line.proxy.heal()
        line.finish()


def test_a_pool_that_is_used_up_is_a_503(postgres: Postgres) -> None:
    """While a lock on a table blocks every connection of the pool, forms get 503."""
    url = postgres.fresh_url()
    with service_behind_proxy(url) as line, ThreadPoolExecutor(30) as donors:
        pages = [line.service.http.get("/give/LWCAN").text for _ in range(25)]
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE gift IN ACCESS EXCLUSIVE MODE")

            def give(page: str) -> int:
                form = ANN | {"mode": "interac", "nonce": field_of(page, "nonce")}
                with httpx.Client(base_url=line.service.url, verify=False) as http:
                    return http.post("/give/LWCAN", data=form, timeout=60).status_code

            answers = Counter(donors.map(give, pages))
            other.rollback()
        assert answers == {503: 25}
        assert Counter(donors.map(give, pages)) == {303: 25}
        line.finish()


def test_a_restart_of_postgresql_loses_no_event(tmp_path: Path) -> None:
    """If PostgreSQL restarts under load, every event that got 200 is stored."""
    server = Postgres(tmp_path / "server")
    try:
        with service_behind_proxy(server.fresh_url()) as line:
            stop = threading.Event()

            def stream() -> None:
                while not stop.is_set():
                    line.deliver(line.events[:20])

            caller = threading.Thread(target=stream)
            caller.start()
            server.restart()
            stop.set()
            caller.join()
            assert line.answers[503]
            line.finish()
    finally:
        server.close()
