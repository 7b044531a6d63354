"""A donor who changes the language gets Stripe's page in it, and only one session stays open."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from donate.clock import FixedClock
from donate.errors import Conflict, StripeUnavailable
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from tests.links import token_of
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import (
    PUBLIC_URL,
    SESSIONS,
    checkouts_of,
    client_of,
    session_requests,
    sessions,
)
from tests.stripe_gateway.gifts_and_events import facts_now, gift_now, give, settle
from tests.stripe_gateway.refund_desk import QUICK, stripe_list


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[StripeClient]:
    client = client_of(sandbox, **QUICK)
    yield client
    client.close()


@pytest.mark.parametrize(
    ("mode", "frequency"), [("card", "once"), ("card", "monthly"), ("bank_debit", "monthly")]
)
def test_another_language_opens_another_session(
    database: Database,
    sandbox: RunningSandbox,
    client: StripeClient,
    mode: str,
    frequency: str,
) -> None:
    """A change of language expires the session and opens another one in the new language."""
    gift = give(database, attempts=0, mode=mode, frequency=frequency)
    clock = FixedClock(datetime.now(UTC))
    checkouts = checkouts_of(database, client, clock)
    english = checkouts.open_for(gift, "en-CA")
    french = checkouts.open_for(gift, "fr-CA")
    assert english != french
    assert sessions(sandbox) == {"expired": 1, "open": 1}
    assert checkouts.open_for(gift, "fr-CA") == checkouts.open_for(gift) == french
    first, second = session_requests(sandbox)
    assert (first["parameters"]["locale"], second["parameters"]["locale"]) == ("en", "fr-CA")
    page = f"{PUBLIC_URL}/gifts/{token_of(gift)}"
    assert first["parameters"]["cancel_url"] == f"{page}?back=cancelled"
    assert second["parameters"]["cancel_url"] == f"{page}?back=cancelled&lang=fr-CA"
    # Stripe's event about the expired session adds no second fact.
    settle(database, *stripe_list(sandbox, "/v1/events"), clock=clock)
    kinds = [kind for kind, _ in facts_now(database, gift)]
    assert kinds.count("checkout_expired") == 1
    assert gift_now(database, gift).status == "awaited"


def test_a_paid_session_is_not_replaced(
    database: Database, sandbox: RunningSandbox, client: StripeClient
) -> None:
    """A donor who has paid and then changes the language gets no second session."""
    gift = give(database, attempts=0)
    checkouts = checkouts_of(database, client)
    session_id = checkouts.open_for(gift, "en-CA").rpartition("/")[2]
    sandbox.pay(session_id)
    with pytest.raises(Conflict):
        checkouts.open_for(gift, "fr-CA")
    assert len(session_requests(sandbox)) == 1


@pytest.mark.parametrize("kind", ["500", "reset_before", "reset_after"])
def test_no_second_session_while_the_first_may_be_open(
    database: Database, sandbox: RunningSandbox, client: StripeClient, kind: str
) -> None:
    """No session opens in the new language until Stripe confirms that the old one expired."""
    gift = give(database, attempts=0)
    checkouts = checkouts_of(database, client)
    old = checkouts.open_for(gift, "en-CA")
    path = f"{SESSIONS}/{old.rpartition('/')[2]}/expire"
    sandbox.control("POST", "/_sandbox/trouble", path=path, kind=kind, times=2)
    with pytest.raises(StripeUnavailable):
        checkouts.open_for(gift, "fr-CA")
    assert len(session_requests(sandbox)) == 1
    sandbox.control("DELETE", "/_sandbox/trouble")
    assert checkouts.open_for(gift, "fr-CA") != old
    assert sessions(sandbox) == {"expired": 1, "open": 1}


def test_an_unanswered_request_keeps_its_language(
    database: Database, sandbox: RunningSandbox, client: StripeClient
) -> None:
    """If a request got no answer, it is repeated in its old language to learn its session.

    Then that session expires, and one in the new language opens.
    """
    gift = give(database, attempts=0)
    checkouts = checkouts_of(database, client)
    sandbox.control("POST", "/_sandbox/trouble", path=SESSIONS, kind="no_url", times=1)
    with pytest.raises(StripeUnavailable):
        checkouts.open_for(gift, "en-CA")
    checkouts.open_for(gift, "fr-CA")
    assert sessions(sandbox) == {"expired": 1, "open": 1}
    assert [one["parameters"]["locale"] for one in session_requests(sandbox)] == [
        "en",
        "en",
        "fr-CA",
    ]


def test_two_tabs_share_the_new_session(
    database: Database, sandbox: RunningSandbox, client: StripeClient
) -> None:
    """Two tabs that change the language at the same time get the same new session."""
    gift = give(database, attempts=0)
    checkouts = checkouts_of(database, client)
    checkouts.open_for(gift, "en-CA")
    with ThreadPoolExecutor(2) as tabs:
        urls = set(tabs.map(lambda _: checkouts.open_for(gift, "fr-CA"), range(2)))
    assert len(urls) == 1
    assert sessions(sandbox) == {"expired": 1, "open": 1}
