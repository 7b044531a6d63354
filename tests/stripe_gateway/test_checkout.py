"""Opening a checkout session in three steps: record the request, call Stripe, record the answer."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from donate.clock import FixedClock
from donate.errors import Conflict, StripeUnavailable
from donate.money import format_money
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from tests.links import token_of
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import (
    PUBLIC_URL,
    SESSIONS,
    checkouts_of,
    client_of,
    kinds,
    session_requests,
    sessions,
)
from tests.stripe_gateway.gifts_and_events import (
    AMOUNT,
    event,
    gift_now,
    give,
    session_for,
    settle,
)


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[StripeClient]:
    client = client_of(sandbox)
    yield client
    client.close()


@pytest.mark.parametrize(
    ("language", "locale", "product"), [("en-CA", "en", "Gift"), ("fr-CA", "fr-CA", "Don")]
)
def test_the_request_for_a_session_describes_the_gift(
    database: Database,
    sandbox: RunningSandbox,
    client: StripeClient,
    language: str,
    locale: str,
    product: str,
) -> None:
    """The request for a checkout session has the gift's amount, language and reference."""
    gift = give(database, attempts=0, language=language)
    clock = FixedClock(datetime.now(UTC))
    url = checkouts_of(database, client, clock).open_for(gift)
    assert url.startswith(f"{sandbox.url}/pay/cs_test_")
    (request,) = session_requests(sandbox)
    assert request["idempotency_key"] == f"donate-{gift.id}:1"
    metadata = {"gift_id": str(gift.id), "reference": gift.reference, "attempt": "1"}
    page = f"{PUBLIC_URL}/gifts/{token_of(gift)}"
    data = {"currency": "cad", "unit_amount": str(AMOUNT)}
    product_data = {"product_data": {"name": f"{product} {gift.reference}"}}
    parameters = request["parameters"]
    assert normalized(parameters) == normalized(
        {
            "mode": "payment",
            "submit_type": "donate",
            "allowed_payment_method_types": ["card"],
            "adaptive_pricing": {"enabled": "false"},
            "client_reference_id": gift.reference,
            "customer_email": "ann@example.com",
            "locale": locale,
            "expires_at": str(int((clock.instant + timedelta(hours=23)).timestamp())),
            "success_url": f"{page}?back=paid",
            "cancel_url": f"{page}?back=cancelled",
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata, "description": gift.reference},
            "line_items": [{"quantity": "1", "price_data": data | product_data}],
        }
    )


def normalized(value: Any) -> Any:
    """Return parameters of a request in a form for comparing: values as text, lists as dicts."""
    if isinstance(value, dict):
        return {str(name): normalized(one) for name, one in value.items()}
    if isinstance(value, list):
        return {str(number): normalized(one) for number, one in enumerate(value)}
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_an_open_session_is_reused(
    database: Database, sandbox: RunningSandbox, client: StripeClient
) -> None:
    """A donor who returns to an open checkout session gets its URL without a request to Stripe."""
    gift = give(database, attempts=0)
    checkouts = checkouts_of(database, client)
    assert checkouts.open_for(gift) == checkouts.open_for(gift)
    assert len(session_requests(sandbox)) == 1


def test_an_expired_session_is_followed_by_a_new_one(
    database: Database, sandbox: RunningSandbox, client: StripeClient
) -> None:
    """After a session expired, the next attempt opens another one with its own idempotency key."""
    gift = give(database, attempts=0)
    clock = FixedClock(datetime.now(UTC))
    checkouts = checkouts_of(database, client, clock)
    first = checkouts.open_for(gift)
    expired = session_for(gift, id=first.rpartition("/")[2], payment_status="unpaid")
    settle(database, event("checkout.session.expired", expired), clock=clock)
    assert gift_now(database, gift).status == "lapsed"
    second = checkouts.open_for(gift)
    clock.instant += timedelta(hours=22, minutes=59)
    sandbox.control("POST", "/_sandbox/clock", now=int(clock.instant.timestamp()))
    third = checkouts.open_for(gift)
    assert len({first, second, third}) == 3
    keys = [request["idempotency_key"] for request in session_requests(sandbox)]
    assert keys == [f"donate-{gift.id}:{attempt}" for attempt in (1, 2, 3)]


@pytest.mark.parametrize("payment_status", ["paid", "unpaid"])
def test_a_paid_gift_gets_no_second_session(
    database: Database, sandbox: RunningSandbox, client: StripeClient, payment_status: str
) -> None:
    """A gift whose payment succeeded or is processing gets no further checkout session."""
    gift = give(database)
    completed = session_for(gift, payment_status=payment_status)
    settle(database, event("checkout.session.completed", completed))
    with pytest.raises(Conflict):
        checkouts_of(database, client).open_for(gift)
    assert session_requests(sandbox) == []


class DifferentTimes:
    """A clock that lets two threads continue together and gives them different times."""

    def __init__(self) -> None:
        self._meeting = threading.Barrier(2)
        self._start = datetime.now(UTC)
        self._local = threading.local()

    def now(self) -> datetime:
        if not hasattr(self._local, "instant"):
            place = self._meeting.wait(5)
            self._local.instant = self._start + timedelta(seconds=7 * place)
        instant: datetime = self._local.instant
        return instant


def test_a_double_click_opens_one_session(
    database: Database, sandbox: RunningSandbox, client: StripeClient
) -> None:
    """A double click opens one checkout session, even if its two requests read different times."""
    for _ in range(5):
        gift, before = give(database, attempts=0), sum(sessions(sandbox).values())
        checkouts = checkouts_of(database, client, DifferentTimes())
        with ThreadPoolExecutor(2) as donors:
            urls = set(donors.map(checkouts.open_for, [gift, gift]))
        assert len(urls) == 1
        assert sum(sessions(sandbox).values()) == before + 1
        assert kinds(database, gift).count("checkout_opened") == 1
        assert "checkout_refused" not in kinds(database, gift)


def test_an_unanswered_request_for_a_session_is_repeated(
    database: Database, sandbox: RunningSandbox, client: StripeClient
) -> None:
    """If Stripe's answer was unusable, the request is sent again and gives the same session."""
    gift = give(database, attempts=0)
    clock = FixedClock(datetime.now(UTC))
    checkouts = checkouts_of(database, client, clock)
    sandbox.control("POST", "/_sandbox/trouble", path=SESSIONS, kind="no_url", times=1)
    with pytest.raises(StripeUnavailable):
        checkouts.open_for(gift)
    clock.instant += timedelta(hours=21)
    url = checkouts.open_for(gift)
    first, again = session_requests(sandbox)
    assert (again["replayed"], first["parameters"] == again["parameters"]) == (True, True)
    assert sessions(sandbox) == {"open": 1}
    assert sandbox.http.get(url).status_code == 200


@pytest.mark.parametrize(("language", "word"), [("en-CA", "every month"), ("fr-CA", "chaque mois")])
def test_the_request_for_a_monthly_mandate(
    database: Database, sandbox: RunningSandbox, client: StripeClient, language: str, word: str
) -> None:
    """The session of a monthly debit requests a mandate for subscriptions, with our own terms."""
    gift = give(database, attempts=0, mode="bank_debit", frequency="monthly", language=language)
    checkouts_of(database, client).open_for(gift)
    (request,) = session_requests(sandbox)
    parameters = request["parameters"]
    assert normalized(parameters["payment_method_options"]) == normalized(
        {
            "acss_debit": {
                "currency": "cad",
                "mandate_options": {"default_for": ["invoice", "subscription"]},
            }
        }
    )
    terms = parameters["custom_text"]["submit"]["message"]
    assert word in terms
    assert format_money(gift.amount, language) in terms
    assert len(terms) <= 600  # Stripe's limit is 1,200 characters.
