"""How the webhook endpoint handles bodies that are too large, too slow or endless."""

import gzip
import logging
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi import FastAPI

from donate.clock import SystemClock
from donate.storage.database import Database
from donate.stripe_gateway.webhooks.endpoint import WebhookEndpoint
from donate.stripe_gateway.webhooks.inbox import Arrival, Inbox
from donate.web.limits.body_limits import MAX_EVENT_BYTES, BodyLimit
from tests.machine_speed import fastest_seconds
from tests.real_parts import WEBHOOK_SECRET, Sqlite, served
from tests.stripe_gateway.gifts_and_events import NOW, as_bytes, event, sign
from tests.stripe_gateway.service import (
    WEBHOOK_PATH,
    Service,
    answer_to,
    calling,
    head,
    seconds_since,
    serving,
)
from tests.stripe_gateway.signatures import mac

QUICK_S = 1.0
PATIENCE_S = 0.6
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def service(sqlite: Sqlite) -> Iterator[Service]:
    with serving(sqlite.fresh_url()) as service:
        yield service


@pytest.fixture(scope="module")
def impatient(sqlite: Sqlite) -> Iterator[Service]:
    """The endpoint with a time limit of less than a second for a body."""
    url = sqlite.fresh_url()
    with limited_endpoint(Database(url), url) as service:
        yield service


@contextmanager
def limited_endpoint(database: Database, url: str) -> Iterator[Service]:
    inbox = Inbox(database, on_stored=lambda: None)
    app = FastAPI(redirect_slashes=False)
    app.router.routes += WebhookEndpoint(inbox, [WEBHOOK_SECRET], SystemClock()).router.routes
    app.add_middleware(BodyLimit, timeout_s=PATIENCE_S)
    inbox.start()
    with served(app) as base:
        yield from calling(base, url)
    inbox.stop()
    database.close()


def new_event(size: int = 0) -> bytes:
    return as_bytes(event("customer.created", {"id": "cus_1", "padding": "x" * size}))


def test_an_event_just_under_the_cap_is_taken(service: Service) -> None:
    """An event that is just smaller than the limit is accepted."""
    body = new_event(MAX_EVENT_BYTES - 1_000)
    assert service.deliver(body).status_code == 200


@pytest.mark.alone
@pytest.mark.parametrize("how", ["declared", "chunked"])
def test_a_body_over_the_cap_is_refused(service: Service, how: str) -> None:
    """A body over the limit is answered with a 413, whether its length is declared or not."""
    body, before, start = new_event(MAX_EVENT_BYTES), service.stored(), time.monotonic()
    length = f"Content-Length: {len(body)}" if how == "declared" else CHUNKED
    with service.connect() as caller:
        caller.sendall(head(f"{length}\r\nstripe-signature: {sign(body)}"))
        if how == "chunked":
            for at in range(0, MAX_EVENT_BYTES + 1, 32_768):
                piece = body[at : at + 32_768]
                caller.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        assert b" 413 " in answer_to(caller).split(b"\r\n")[0]
    assert (service.stored(), seconds_since(start) < QUICK_S) == (before, True)


@pytest.mark.alone
@pytest.mark.parametrize("length", ["99999999999999999999999", "-1", "1e3", "0x10", "12, 13"])
def test_an_invalid_content_length_is_refused(service: Service, length: str) -> None:
    """An invalid Content-Length is refused quickly with a 400 or 413."""
    start = time.monotonic()
    with service.connect() as caller:
        caller.sendall(head(f"Content-Length: {length}"))
        assert answer_to(caller).split(b" ")[1] in (b"400", b"413")
    assert seconds_since(start) < QUICK_S


@pytest.mark.alone
def test_chunks_without_end_are_cut_off(service: Service) -> None:
    """A client that sends chunks without end is disconnected soon after the limit."""
    start, sent, cut_off = time.monotonic(), 0, False
    with service.connect() as caller:
        caller.sendall(head(CHUNKED))
        while not cut_off and seconds_since(start) < 10:
            try:
                caller.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent += 0x10000
            except (BrokenPipeError, ConnectionResetError):
                cut_off = True
    assert (cut_off, seconds_since(start) < 3) == (True, True)
    assert sent < 32 * MAX_EVENT_BYTES


@pytest.mark.alone
@pytest.mark.parametrize("length", ["Content-Length: 100000", CHUNKED])
def test_a_dripped_body_times_out(impatient: Service, length: str) -> None:
    """A body that arrives byte by byte is answered with a 408 when the time limit is over."""
    start = time.monotonic()
    with impatient.connect() as caller:
        caller.sendall(head(length))
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.02):
                try:
                    caller.sendall(b"1\r\nx\r\n" if length == CHUNKED else b"x")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        answer = answer_to(caller)
        stop.set()
        dripping.join()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert PATIENCE_S <= seconds_since(start) < PATIENCE_S + QUICK_S


@pytest.mark.alone
def test_a_body_that_never_comes_times_out(impatient: Service) -> None:
    """A client that declares a body and sends none is answered with a 408."""
    start = time.monotonic()
    with impatient.connect() as caller:
        caller.sendall(head("Content-Length: 100"))
        assert answer_to(caller).startswith(b"HTTP/1.1 408 ")
    assert seconds_since(start) < PATIENCE_S + QUICK_S


@pytest.mark.alone
def test_slow_clients_do_not_delay_others(impatient: Service) -> None:
    """While forty clients send their bodies slowly, other events are accepted quickly."""
    callers = [impatient.connect() for _ in range(40)]
    try:
        for caller in callers:
            caller.sendall(head(CHUNKED) + b"1\r\nx\r\n")
        for _ in range(5):
            start = time.monotonic()
            assert impatient.deliver(new_event()).status_code == 200
            assert seconds_since(start) < 0.5
    finally:
        for caller in callers:
            caller.close()


def test_hanging_up_halfway_leaves_no_trace(
    impatient: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that disconnects in the middle of a body leaves no event and no error in the log."""
    before = impatient.stored()
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            with impatient.connect() as caller:
                caller.sendall(head("Content-Length: 1000") + b'{"id":')
        assert impatient.deliver(new_event()).status_code == 200
        time.sleep(0.1)
    assert impatient.stored() == before + 1
    assert [record.name for record in caplog.records if record.name.startswith("uvicorn")] == []


@pytest.mark.alone
@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_compressed_body_is_not_unpacked(
    service: Service, encoding: str, compress: object
) -> None:
    """A compressed body is refused without being unpacked, because it is not UTF-8."""
    assert callable(compress)
    bomb, now = compress(b"0" * 50_000_000), int(time.time())
    before, start = service.stored(), time.monotonic()
    answer = service.http.post(
        WEBHOOK_PATH,
        content=bomb,
        headers={"content-encoding": encoding, "stripe-signature": f"t={now},v1={mac(bomb, now)}"},
    )
    assert (answer.status_code, service.stored()) == (400, before)
    assert seconds_since(start) < QUICK_S


@pytest.mark.alone
@pytest.mark.parametrize(
    "part", [b"/gifts/", b"/gifts/" + b"A" * 21, b"/gifts/" + b"A" * 100_000, b"/"]
)
def test_links_are_taken_out_of_the_largest_body_at_once(part: bytes) -> None:
    """The work grows with the body and not faster, whatever the body holds."""
    arrival = Arrival(part * (MAX_EVENT_BYTES // len(part)), NOW)
    assert fastest_seconds(arrival.as_row, times=2) < 0.2
