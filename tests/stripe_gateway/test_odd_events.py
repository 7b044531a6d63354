"""Unusable events with a valid signature are stored with a reason, and change no gift."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from donate.gifts.models import Gift
from donate.stripe_gateway.models import EventState, StripeEvent
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import (
    as_bytes,
    event,
    facts_now,
    gift_now,
    give,
    session_for,
    stored_events,
)
from tests.stripe_gateway.service import Service, serving
from tests.waiting import PATIENCE_S

SET_ASIDE, IGNORED, FOREIGN = EventState.SET_ASIDE, EventState.IGNORED, EventState.FOREIGN
COMPLETED = "checkout.session.completed"


@pytest.fixture(scope="module")
def service(sqlite: Sqlite) -> Iterator[Service]:
    with serving(sqlite.fresh_url()) as service:
        yield service


@pytest.fixture(scope="module")
def postgres_service(request: pytest.FixtureRequest) -> Iterator[Service]:
    with serving(request.getfixturevalue("postgres").fresh_url()) as service:
        yield service


def without(body: dict[str, Any], key: str) -> bytes:
    return as_bytes({name: value for name, value in body.items() if name != key})


def paid(gift: Gift, **more: Any) -> dict[str, Any]:
    return event(COMPLETED, session_for(gift, **more))


def text(body: dict[str, Any], old: str, new: str) -> bytes:
    encoded = as_bytes(body).decode()
    assert encoded.count(old) == 1
    return encoded.replace(old, new).encode()


ODD_AMOUNTS: tuple[Any, ...] = (
    *(0, -1, -5_000, 2**63, 10**30, 50.0, 5000.5, True),
    *("5000", None, [], {"a": 1}),
)

Odd = tuple[Callable[[Gift], bytes], EventState, str]


def with_amount(odd: Any) -> Odd:
    return (
        lambda gift: paid_as(gift, amount_total=odd),
        SET_ASIDE,
        "amount_total is not a usable amount",
    )


def paid_as(gift: Gift, **more: Any) -> bytes:
    return as_bytes(paid(gift, **more))


ODD: dict[str, Odd] = {
    "not JSON": (lambda _: b"hello %f" % time.time(), SET_ASIDE, "not readable as JSON"),
    "cut short": (lambda gift: as_bytes(paid(gift))[:-40], SET_ASIDE, "not readable as JSON"),
    "a list": (lambda gift: b"[" + as_bytes(paid(gift)) + b"]", SET_ASIDE, "not a JSON object"),
    "null": (lambda _: b"null", SET_ASIDE, "not a JSON object"),
    "empty object": (lambda _: b"{}", SET_ASIDE, "id is missing"),
    "nested deep": (lambda _: b"[" * 100_000 + b"]" * 100_000, SET_ASIDE, "RecursionError"),
    "objects nested deep": (
        lambda _: b'{"a":' * 80_000 + b"1" + b"}" * 80_000,
        SET_ASIDE,
        "RecursionError",
    ),
    "a number of 5,000 digits": (
        lambda gift: text(paid(gift), '"amount_total": 5000', f'"amount_total": {"5" * 5_000}'),
        SET_ASIDE,
        "not readable as JSON",
    ),
    "a name twice": (
        lambda gift: text(
            paid(gift), '"amount_total": 5000', '"amount_total": 5000, "amount_total": 1'
        ),
        SET_ASIDE,
        "amount is $0.01, the gift's is $50.00",
    ),
    "a NUL in an id": (lambda gift: paid_as(gift, id="cs_\0"), SET_ASIDE, "id is missing or odd"),
    "a lone surrogate": (
        lambda gift: paid_as(gift, client_reference_id="\ud800"),
        SET_ASIDE,
        "client_reference_id is missing or odd",
    ),
    "an emoji": (
        lambda gift: text(paid(gift), f'id": "{gift.reference}"', 'id": "\N{PARTY POPPER}"'),
        SET_ASIDE,
        "client_reference_id is missing or odd",
    ),
    "no id": (lambda gift: without(paid(gift), "id"), SET_ASIDE, "id is missing"),
    "no type": (lambda gift: without(paid(gift), "type"), SET_ASIDE, "type is missing"),
    "no livemode": (lambda gift: without(paid(gift), "livemode"), SET_ASIDE, "livemode is missing"),
    "no created": (lambda gift: without(paid(gift), "created"), SET_ASIDE, "created is not a time"),
    "no data": (lambda gift: without(paid(gift), "data"), SET_ASIDE, "data.object is missing"),
    "an object that is a list": (
        lambda _: as_bytes(event(COMPLETED, [])),
        SET_ASIDE,
        "data.object is missing",
    ),
    "a thin event": (
        lambda _: as_bytes({"id": f"evt_thin_{time.time_ns()}", "object": "v2.core.event"}),
        SET_ASIDE,
        "thin (v2)",
    ),
    "an unknown type": (
        lambda _: as_bytes(event("terminal.reader.action_failed", {"id": "tmr_1"})),
        IGNORED,
        "nothing to record",
    ),
    "a session of another system": (
        lambda gift: as_bytes(paid(gift, metadata={"order": "7"})),
        IGNORED,
        "did not open",
    ),
    "live": (
        lambda gift: as_bytes(event(COMPLETED, session_for(gift), livemode=True)),
        FOREIGN,
        "a live event at a test service",
    ),
    "another account": (
        lambda gift: as_bytes(event(COMPLETED, session_for(gift), account="acct_other")),
        FOREIGN,
        "another account",
    ),
    **{f"amount {odd!r}": with_amount(odd) for odd in ODD_AMOUNTS},
    "no payment required": (
        lambda gift: paid_as(gift, payment_status="no_payment_required"),
        SET_ASIDE,
        "that is no gift",
    ),
    "paid with no payment": (
        lambda gift: paid_as(gift, payment_intent=None),
        SET_ASIDE,
        "payment_intent is missing",
    ),
    "of mode subscription": (
        lambda gift: paid_as(gift, mode="subscription", invoice="in_1", subscription="sub_1"),
        SET_ASIDE,
        "it is about a monthly gift",
    ),
    "of mode setup": (
        lambda gift: paid_as(gift, mode="setup"),
        SET_ASIDE,
        "payment_status is 'paid' where nothing was to be paid",
    ),
    "of a mode of 4,000 letters": (
        lambda gift: paid_as(gift, mode="m\0" * 2_000),
        SET_ASIDE,
        "a checkout session of mode",
    ),
    "gift_id that is none": (
        lambda gift: paid_as(gift, metadata={"gift_id": "7; DROP TABLE gift", "attempt": "1"}),
        SET_ASIDE,
        "not one of our ids",
    ),
}


def stored_row(service: Service, body: bytes) -> StripeEvent:
    """Return the row of the event with these bytes, once it is no longer waiting."""
    until = time.monotonic() + PATIENCE_S
    while True:
        rows = [row for row in stored_events(service.database) if row.payload == body]
        if rows and rows[0].state != EventState.WAITING:
            assert len(rows) == 1
            return rows[0]
        assert time.monotonic() < until, "it was not settled"
        time.sleep(0.01)


@pytest.mark.parametrize("name", ODD)
def test_an_odd_event_is_kept_and_explained(service: Service, name: str) -> None:
    """An unusable event is answered with a 200 and stored unchanged, with the reason."""
    check_stored(service, name)


@pytest.mark.parametrize("name", ["a NUL in an id", "a lone surrogate", "nested deep", "live"])
def test_postgresql_stores_unusable_events(postgres_service: Service, name: str) -> None:
    """PostgreSQL stores an event's bytes even if they contain what its text type refuses."""
    check_stored(postgres_service, name)


def check_stored(service: Service, name: str) -> None:
    write, state, reason = ODD[name]
    gift = give(service.database)
    before = facts_now(service.database, gift)
    body = write(gift)
    assert service.deliver(body).status_code == 200
    row = stored_row(service, body)
    assert (row.state, reason in row.reason) == (state, True), row.reason
    assert facts_now(service.database, gift) == before
    assert gift_now(service.database, gift).status == "awaited"


def test_a_body_without_an_id_is_stored_once(service: Service) -> None:
    """A body without an event id is stored once, however often it is delivered."""
    body = b"no name %f" % time.time()
    before = service.stored()
    assert [service.deliver(body).status_code for _ in range(3)] == [200] * 3
    assert service.stored() == before + 1


@pytest.mark.parametrize("version", ["2020-08-27", "2025-03-31.basil", "2099-01-01.quince", None])
def test_the_version_of_an_event_does_not_matter(service: Service, version: str | None) -> None:
    """A paid checkout session of any API version confirms its gift."""
    gift = give(service.database)
    body = as_bytes(event(COMPLETED, session_for(gift), api_version=version))
    assert service.deliver(body).status_code == 200
    assert stored_row(service, body).state == EventState.SETTLED
    assert gift_now(service.database, gift).status == "confirmed"


def test_a_body_is_stored_byte_for_byte(service: Service) -> None:
    """The body of an event is stored byte for byte, not parsed and written again."""
    body = json.dumps(event("x.y", {"z": 1.10, "\u00e9": "\ud83d\ude00"})).encode() + b" \n\t"
    assert service.deliver(body).status_code == 200
    assert stored_row(service, body).state == IGNORED
